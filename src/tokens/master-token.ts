// Master tokens ("MSL Master Tokens"):
//   mastertoken = { "tokendata": binary, "signature": binary }
//   tokendata   = { "renewalwindow", "expiration", "sequencenumber", "serialnumber", "sessiondata": binary }
//   sessiondata = { "issuerdata"?, "identity", "encryptionkey", "encryptionalgorithm"?, "hmackey" | "signaturekey",
//                   "signaturealgorithm"? }, encrypted by the issuer
// A parsed token keeps its bytes: it is sent again exactly as it came.

import { type Core, type KeyHandle, type KeySpec, SESSION_ENCRYPTION, SESSION_MAC } from "../core/core.ts";
import type { CryptoContext, SessionKeys } from "../crypto/crypto-context.ts";
import { sessionContext } from "../crypto/session.ts";
import { decodeObject, type EncodeFields, encodeObject, type Format } from "../encoding/codec.ts";
import { MAX_ID } from "../encoding/limits.ts";
import type { MslMap } from "../encoding/msl-map.ts";
import { MslProtocolError, protocolError } from "../errors/msl-error.ts";
import type { SessionCache } from "./session-cache.ts";
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

export interface NewMasterToken {
  readonly renewalWindow: number;
  readonly expiration: number;
  readonly sequenceNumber: number;
  readonly serialNumber: number;
  readonly identity: string;
  readonly keys: SessionKeys;
  readonly issuerData: EncodeFields;
}

/**
 * Reads a master token. The signature is verified on every call; `cache` only saves decrypting again.
 *
 * @param crypto  the issuer's keys, or null on a client, to which tokens are opaque
 * @throws MSL_PARSE_ERROR and the MASTERTOKEN_* rows of parsing; a wrong signature is no error: `verified` is null
 */
export async function parseMasterToken(
  map: MslMap,
  crypto: TokenCrypto | null,
  core: Core,
  cache: SessionCache<VerifiedSession> | null = null,
): Promise<MasterToken> {
  const tokendata = map.bytes("tokendata").slice(); // outlives the message, which is wiped
  if (tokendata.length === 0) protocolError("MASTERTOKEN_TOKENDATA_MISSING", `${map.path}.tokendata`);
  const signature = map.bytes("signature").slice();
  const issuer = crypto === null ? null : await crypto.find(tokendata, signature);
  const { sessiondata, ...fields } = parseTokenData(tokendata, `${map.path}.tokendata`);
  const cached = issuer === null ? null : (cache?.get(tokendata, signature) ?? null);
  if (issuer === null || cached !== null) return { tokendata, signature, ...fields, verified: cached };
  const verified = await openSession(issuer, sessiondata, fields.sequenceNumber, core, `${map.path}.sessiondata`);
  cache?.set(tokendata, signature, verified);
  return { tokendata, signature, ...fields, verified };
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
    if (!["HmacSHA256", "AESCmac", "SHA256withRSA"].includes(signatureAlgorithm)) {
      protocolError("UNIDENTIFIED_ALGORITHM", `${where}.signaturealgorithm`);
    }
    // Known names that no session context of this build can use.
    if (signatureAlgorithm !== "HmacSHA256")
      protocolError("MASTERTOKEN_KEY_CREATION_ERROR", `${where}.signaturealgorithm`);
    const encryption = importSessionKey(core, SESSION_ENCRYPTION, encryptionKey, `${where}.encryptionkey`);
    let mac: KeyHandle;
    try {
      mac = importSessionKey(core, SESSION_MAC, macKey, `${where}.hmackey`);
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
      signaturealgorithm: "HmacSHA256",
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
