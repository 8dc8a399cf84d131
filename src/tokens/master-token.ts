// Master tokens ("MSL Master Tokens"):
//   mastertoken = { "tokendata": binary, "signature": binary }
//   tokendata   = { "renewalwindow", "expiration", "sequencenumber", "serialnumber", "sessiondata": binary }
//   sessiondata = { "issuerdata"?, "identity", "encryptionkey", "encryptionalgorithm"?, "hmackey" | "signaturekey",
//                   "signaturealgorithm"? }, encrypted by the issuer
// A parsed token keeps its bytes: it is sent again exactly as it came.

import { type Core, type KeyHandle, type KeySpec, SESSION_ENCRYPTION, SESSION_MAC } from "../core/core.ts";
import { SESSION_CMAC } from "../core/key-specs.ts";
import type { CryptoContext, SessionKeys } from "../crypto/crypto-context.ts";
import { sessionContext } from "../crypto/session.ts";
import type { SignatureAlgorithm } from "../crypto/signature-envelope.ts";
import { decodeObject, EncodedObject, type EncodeFields, encodeObject, type Format } from "../encoding/codec.ts";
import { MAX_ID } from "../encoding/limits.ts";
import type { MslMap } from "../encoding/msl-map.ts";
import { MslProtocolError, protocolError } from "../errors/msl-error.ts";
import { type Awaitable, isPending } from "../platform/awaitable.ts";
import { isSameBytes, type SessionCache } from "./session-cache.ts";
import type { TokenCrypto } from "./token-crypto.ts";

export { SessionCache } from "./session-cache.ts";

export interface MasterToken {
  readonly tokendata: Uint8Array;
  readonly signature: Uint8Array;
  /** Seconds since 1970. */
  readonly renewalWindow: number;
  readonly expiration: number;
  readonly sequenceNumber: number;
  readonly serialNumber: number;
  /** Present iff the signature was verified and the session data decrypted: the token was issued here. */
  readonly verified: VerifiedSession | null;
}

/** What only the issuer can read. */
export interface VerifiedSession {
  readonly identity: string;
  readonly context: CryptoContext;
  readonly keys: SessionKeys;
  readonly issuerData: EncodeFields;
}

/** Obtainable only by verification or issuance. */
export interface VerifiedMasterToken extends MasterToken {
  readonly verified: VerifiedSession;
}

/** In the issuer data of a token whose holder never proved its identity. */
export const CLAIMED = "claimed";

export function isClaimed({ issuerData }: VerifiedSession): boolean {
  return issuerData[CLAIMED] === true;
}

const MAC_SPECS: ReadonlyMap<string, KeySpec | null> = new Map<SignatureAlgorithm, KeySpec | null>([
  ["HmacSHA256", SESSION_MAC],
  ["AESCmac", SESSION_CMAC],
  ["SHA256withRSA", null],
]);

export function isVerified(token: MasterToken): token is VerifiedMasterToken {
  return token.verified !== null;
}

export interface NewMasterToken {
  readonly renewalWindow: number;
  readonly expiration: number;
  readonly sequenceNumber: number;
  readonly serialNumber: number;
  readonly identity: string;
  readonly keys: SessionKeys;
  readonly issuerData: EncodeFields;
}

/** What a receiver brings to the reading of master tokens. */
export interface MasterTokenReader {
  readonly core: Core;
  /** The issuer's keys, or null on a client, to which tokens are opaque. */
  readonly tokenCrypto: TokenCrypto | null;
  /** Verified tokens of earlier messages: saves decoding and decrypting, never verifying. */
  readonly sessionCache: SessionCache<VerifiedMasterToken> | null;
  /** Client: a token that it read before; the same bytes are the same token. */
  readonly knownToken: MasterToken | null;
}

/**
 * Reads a master token. The signature is verified on every call, whatever was read before.
 * @throws MSL_PARSE_ERROR and the MASTERTOKEN_* rows of parsing; a wrong signature is no error: `verified` is null
 */
export function readMasterToken(map: MslMap, reader: MasterTokenReader): Awaitable<MasterToken> {
  const tokendata = map.bytes("tokendata");
  if (tokendata.length === 0) protocolError("MASTERTOKEN_TOKENDATA_MISSING", `${map.path}.tokendata`);
  const signature = map.bytes("signature");
  const { tokenCrypto, knownToken: known } = reader;
  if (tokenCrypto === null) {
    if (known !== null && isSameBytes(known.tokendata, tokendata) && isSameBytes(known.signature, signature)) {
      return known;
    }
    return decoded(map, tokendata, signature, null, reader);
  }
  const issuer = tokenCrypto.find(tokendata, signature);
  if (isPending(issuer)) return issuer.then((found) => decoded(map, tokendata, signature, found, reader));
  return decoded(map, tokendata, signature, issuer, reader);
}

/** `readMasterToken` without anything remembered. */
export async function parseMasterToken(map: MslMap, tokenCrypto: TokenCrypto | null, core: Core): Promise<MasterToken> {
  return readMasterToken(map, { core, tokenCrypto, sessionCache: null, knownToken: null });
}

/** `issuer`: the keys that the signature is right under, or null. */
function decoded(
  map: MslMap,
  tokendata: Uint8Array,
  signature: Uint8Array,
  issuer: CryptoContext | null,
  reader: MasterTokenReader,
): Awaitable<MasterToken> {
  const cached = issuer === null ? null : (reader.sessionCache?.get(tokendata, signature) ?? null);
  if (cached !== null) return cached;
  // Copies outlive the message, which is wiped.
  const bytes = { tokendata: tokendata.slice(), signature: signature.slice() };
  const { sessiondata, ...fields } = parseTokenData(bytes.tokendata, `${map.path}.tokendata`);
  if (issuer === null) return { ...bytes, ...fields, verified: null };
  const session = openSession(issuer, sessiondata, fields.sequenceNumber, reader.core, `${map.path}.sessiondata`);
  return session.then((verified) => {
    const token = { ...bytes, ...fields, verified };
    reader.sessionCache?.set(token);
    return token;
  });
}

function parseTokenData(tokendata: Uint8Array, where: string) {
  const map = decodeObject(tokendata, where, "MASTERTOKEN_TOKENDATA_PARSE_ERROR");
  const renewalWindow = map.int("renewalwindow", -MAX_ID, MAX_ID);
  const expiration = map.int("expiration", -MAX_ID, MAX_ID);
  if (expiration < renewalWindow) protocolError("MASTERTOKEN_EXPIRES_BEFORE_RENEWAL", `${where}.expiration`);
  const sequenceNumber = map.int("sequencenumber", 0, MAX_ID, "MASTERTOKEN_SEQUENCE_NUMBER_OUT_OF_RANGE");
  const serialNumber = map.int("serialnumber", 0, MAX_ID, "MASTERTOKEN_SERIAL_NUMBER_OUT_OF_RANGE");
  const sessiondata = map.bytes("sessiondata");
  if (sessiondata.length === 0) protocolError("MASTERTOKEN_SESSIONDATA_MISSING", `${where}.sessiondata`);
  return { renewalWindow, expiration, sequenceNumber, serialNumber, sessiondata };
}

async function openSession(
  issuer: CryptoContext,
  sessiondata: Uint8Array,
  sequenceNumber: number,
  core: Core,
  where: string,
): Promise<VerifiedSession> {
  const plain = await issuer.decrypt(sessiondata);
  try {
    const map = decodeObject(plain, where, "MASTERTOKEN_SESSIONDATA_PARSE_ERROR");
    const issuerData = map.mapOr("issuerdata")?.toFields() ?? {};
    const identity = map.string("identity");
    const encryptionKey = map.secret("encryptionkey");
    const macKey = map.secret(map.has("signaturekey") ? "signaturekey" : "hmackey");
    const encryptionAlgorithm = map.lenientString("encryptionalgorithm") ?? "AES";
    const signatureAlgorithm = map.lenientString("signaturealgorithm") ?? "HmacSHA256";
    if (encryptionAlgorithm !== "AES") protocolError("UNIDENTIFIED_ALGORITHM", `${where}.encryptionalgorithm`);
    const macSpec = MAC_SPECS.get(signatureAlgorithm);
    if (macSpec === undefined) return protocolError("UNIDENTIFIED_ALGORITHM", `${where}.signaturealgorithm`);
    // Known, and no session context can use it.
    if (macSpec === null) return protocolError("MASTERTOKEN_KEY_CREATION_ERROR", `${where}.signaturealgorithm`);
    const encryption = importSessionKey(core, SESSION_ENCRYPTION, encryptionKey, `${where}.encryptionkey`);
    let mac: KeyHandle;
    try {
      mac = importSessionKey(core, macSpec, macKey, `${where}.hmackey`);
    } catch (error) {
      encryption.dispose();
      throw error;
    }
    const keys = { encryption, mac };
    return { identity, keys, context: sessionContext(core, identity, sequenceNumber, keys), issuerData };
  } finally {
    plain.fill(0);
  }
}

function importSessionKey(core: Core, spec: KeySpec, field: ReturnType<MslMap["secret"]>, where: string): KeyHandle {
  try {
    return field.encoding === "raw" ? core.importKey(spec, field.bytes) : core.importKeyBase64(spec, field.bytes);
  } catch (error) {
    if (error instanceof MslProtocolError) return protocolError("MASTERTOKEN_KEY_CREATION_ERROR", where);
    throw error;
  }
}

/** Issues a token: session data encrypted and token data signed under the issuer's newest keys. */
export async function createMasterToken(
  core: Core,
  crypto: TokenCrypto,
  format: Format,
  token: NewMasterToken,
): Promise<VerifiedMasterToken> {
  const encryptionkey = core.exportKey(token.keys.encryption);
  const hmackey = core.exportKey(token.keys.mac);
  let plain: Uint8Array | null = null;
  try {
    plain = encodeObject(format, {
      issuerdata: orAbsent(token.issuerData),
      identity: token.identity,
      encryptionkey,
      encryptionalgorithm: "AES",
      hmackey,
      signaturekey: hmackey,
      signaturealgorithm: token.keys.mac.type === SESSION_CMAC.type ? "AESCmac" : "HmacSHA256",
    });
    const { renewalWindow, expiration, sequenceNumber, serialNumber, identity, keys, issuerData } = token;
    const tokendata = encodeObject(format, {
      renewalwindow: renewalWindow,
      expiration,
      sequencenumber: sequenceNumber,
      serialnumber: serialNumber,
      sessiondata: await crypto.current.encrypt(plain, format),
    });
    const signature = await crypto.current.sign(tokendata, format);
    const context = sessionContext(core, identity, sequenceNumber, keys);
    const verified = { identity, context, keys, issuerData };
    return { tokendata, signature, renewalWindow, expiration, sequenceNumber, serialNumber, verified };
  } finally {
    plain?.fill(0);
    encryptionkey.fill(0);
    hmackey.fill(0);
  }
}

/** Issuer data, left out where there is none. */
export function orAbsent(fields: EncodeFields): EncodeFields | null {
  return Object.keys(fields).length > 0 ? fields : null;
}

/** The wire form: the bytes as they were issued. */
export function masterTokenFields(token: MasterToken): EncodeFields {
  return { tokendata: token.tokendata, signature: token.signature };
}

const encodings: Record<Format, WeakMap<MasterToken, EncodedObject>> = { JSON: new WeakMap(), CBOR: new WeakMap() };

/** The wire form, encoded once: a token travels with every message of its session. */
export function encodedMasterToken(format: Format, token: MasterToken): EncodedObject {
  const known = encodings[format].get(token);
  if (known !== undefined) return known;
  const encoded = new EncodedObject(format, encodeObject(format, masterTokenFields(token)));
  encodings[format].set(token, encoded);
  return encoded;
}

/** Newest token of a store: a greater sequence number within a window of 127 around the wrap, else the later expiration. */
export function isNewer(a: MasterToken, b: MasterToken): boolean {
  if (a.sequenceNumber === b.sequenceNumber) return a.expiration > b.expiration;
  if (a.sequenceNumber > b.sequenceNumber) return b.sequenceNumber >= a.sequenceNumber - MAX_ID + 127;
  return a.sequenceNumber < b.sequenceNumber - MAX_ID + 127;
}

/** Equality of tokens: serial number, sequence number and expiration. */
export function isSameMasterToken(a: MasterToken, b: MasterToken): boolean {
  return a.serialNumber === b.serialNumber && a.sequenceNumber === b.sequenceNumber && a.expiration === b.expiration;
}
