// User ID tokens ("MSL User ID Tokens"), bound to one master token by its serial number:
//   useridtoken = { "tokendata": binary, "signature": binary }
//   tokendata   = { "renewalwindow", "expiration", "mtserialnumber", "serialnumber", "userdata": binary }
//   userdata    = { "issuerdata"?, "identity" }, encrypted by the issuer

import { decodeObject, type EncodeFields, encodeObject, type Format } from "../encoding/codec.ts";
import { MAX_ID } from "../encoding/limits.ts";
import type { MslMap } from "../encoding/msl-map.ts";
import { protocolError } from "../errors/msl-error.ts";
import { type MasterToken, orAbsent } from "./master-token.ts";
import type { TokenCrypto } from "./token-crypto.ts";

export interface UserIdToken {
  readonly tokendata: Uint8Array;
  readonly signature: Uint8Array;
  readonly renewalWindow: number;
  readonly expiration: number;
  readonly mtSerialNumber: number;
  readonly serialNumber: number;
  /** Present iff the token was verified and decrypted: it was issued here. */
  readonly verified: VerifiedUser | null;
}

export interface VerifiedUser {
  readonly user: string;
  readonly issuerData: EncodeFields;
}

export interface VerifiedUserIdToken extends UserIdToken {
  readonly verified: VerifiedUser;
}

export interface NewUserIdToken {
  readonly renewalWindow: number;
  readonly expiration: number;
  readonly mtSerialNumber: number;
  readonly serialNumber: number;
  readonly user: string;
  readonly issuerData: EncodeFields;
}

/**
 * Reads a user ID token; the binding to `masterToken` is checked last.
 * @throws MSL_PARSE_ERROR, the USERIDTOKEN_* rows of parsing, USERIDTOKEN_MASTERTOKEN_MISMATCH
 */
export async function parseUserIdToken(
  map: MslMap,
  crypto: TokenCrypto | null,
  masterToken: MasterToken | null,
): Promise<UserIdToken> {
  const where = `${map.path}.tokendata`;
  const tokendata = map.bytes("tokendata").slice(); // outlives the message, which is wiped
  if (tokendata.length === 0) protocolError("USERIDTOKEN_TOKENDATA_MISSING", where);
  const signature = map.bytes("signature").slice();
  const issuer = crypto === null ? null : await crypto.find(tokendata, signature);
  const data = decodeObject(tokendata, where, "USERIDTOKEN_TOKENDATA_PARSE_ERROR");
  const renewalWindow = data.int("renewalwindow", -MAX_ID, MAX_ID);
  const expiration = data.int("expiration", -MAX_ID, MAX_ID);
  if (expiration < renewalWindow) protocolError("USERIDTOKEN_EXPIRES_BEFORE_RENEWAL", `${where}.expiration`);
  const mtSerialNumber = data.int("mtserialnumber", 0, MAX_ID, "USERIDTOKEN_MASTERTOKEN_SERIAL_NUMBER_OUT_OF_RANGE");
  const serialNumber = data.int("serialnumber", 0, MAX_ID, "USERIDTOKEN_SERIAL_NUMBER_OUT_OF_RANGE");
  const userdata = data.bytes("userdata");
  if (userdata.length === 0) protocolError("USERIDTOKEN_USERDATA_MISSING", `${where}.userdata`);
  const verified = issuer === null ? null : readUser(await issuer.decrypt(userdata), `${map.path}.userdata`);
  if (masterToken === null || masterToken.serialNumber !== mtSerialNumber) {
    protocolError("USERIDTOKEN_MASTERTOKEN_MISMATCH", map.path);
  }
  return { tokendata, signature, renewalWindow, expiration, mtSerialNumber, serialNumber, verified };
}

function readUser(plain: Uint8Array, where: string): VerifiedUser {
  const map = decodeObject(plain, where, "USERIDTOKEN_USERDATA_PARSE_ERROR");
  const issuerData = map.mapOr("issuerdata")?.toFields() ?? {};
  const user = map.string("identity");
  if (user === "") protocolError("USERIDTOKEN_IDENTITY_INVALID", `${where}.identity`);
  return { user, issuerData };
}

export async function createUserIdToken(
  crypto: TokenCrypto,
  format: Format,
  token: NewUserIdToken,
): Promise<VerifiedUserIdToken> {
  const { renewalWindow, expiration, mtSerialNumber, serialNumber, user, issuerData } = token;
  const plain = encodeObject(format, { issuerdata: orAbsent(issuerData), identity: user });
  const tokendata = encodeObject(format, {
    renewalwindow: renewalWindow,
    expiration,
    mtserialnumber: mtSerialNumber,
    serialnumber: serialNumber,
    userdata: await crypto.current.encrypt(plain, format),
  });
  const signature = await crypto.current.sign(tokendata, format);
  const verified = { user, issuerData };
  return { tokendata, signature, renewalWindow, expiration, mtSerialNumber, serialNumber, verified };
}

export function userIdTokenFields(token: UserIdToken): EncodeFields {
  return { tokendata: token.tokendata, signature: token.signature };
}

export function isBoundTo(token: UserIdToken, masterToken: MasterToken | null): boolean {
  return masterToken !== null && token.mtSerialNumber === masterToken.serialNumber;
}

export function isSameUserIdToken(a: UserIdToken, b: UserIdToken): boolean {
  return a.serialNumber === b.serialNumber && a.mtSerialNumber === b.mtSerialNumber;
}
