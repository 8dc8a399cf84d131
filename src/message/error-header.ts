// The error message: an error header and nothing else ("MSL Errors").
//   error      = { "entityauthdata": {...}, "errordata": binary, "signature": binary }
//   errordata  = { "timestamp": int64(0,2^53)?, "messageid": int64(0,2^53), "errorcode": int32,
//                  "internalcode": int32?, "errormsg": string?, "usermsg": string? }
// It is always under the sender's entity authentication data, never under a master token.

import type { CryptoContext } from "../crypto/crypto-context.ts";
import { openPair, sealPair } from "../crypto/seal.ts";
import { decodeObject, encodeObject, type Format } from "../encoding/codec.ts";
import { MAX_ID } from "../encoding/limits.ts";
import type { MslMap } from "../encoding/msl-map.ts";
import {
  type EntityAuthData,
  type EntitySchemes,
  entityAuthFields,
  parseEntityAuthData,
} from "../entity-auth/scheme.ts";
import { ERRORS, type MslErrorCode, RESPONSE, type ResponseCode } from "../errors/codes.ts";
import { MslProtocolError, protocolError } from "../errors/msl-error.ts";

export interface ErrorHeader {
  readonly kind: "error";
  readonly format: Format;
  readonly entityAuth: EntityAuthData;
  readonly encrypted: boolean;
  readonly integrityProtected: boolean;
  /** Whether it proves who sent it. */
  readonly authenticated: boolean;
  readonly messageId: number;
  readonly timestamp: number | null;
  /** Unknown numbers read as FAIL. */
  readonly responseCode: ResponseCode;
  readonly internalCode: number | null;
  /** Developer text of the peer: never shown to users, never trusted. */
  readonly errorMessage: string | null;
  readonly userMessage: string | null;
}

export interface OutgoingError {
  readonly code: MslErrorCode;
  readonly messageId: number;
  readonly timestamp: number | null;
  readonly userMessage: string | null;
}

/** Reads the outer object of an error message; `outer` holds no `headerdata`. */
export async function readErrorHeader(outer: MslMap, schemes: EntitySchemes): Promise<ErrorHeader> {
  const container = outer.mapOr("entityauthdata");
  const entityAuth = container === null ? null : await parseEntityAuthData(container, schemes);
  const signature = outer.bytes("signature");
  const data = outer.bytes("errordata");
  if (data.length === 0) protocolError("HEADER_DATA_MISSING", "errordata");
  if (entityAuth === null) return protocolError("MESSAGE_ENTITY_NOT_FOUND", "entityauthdata");
  const scheme = schemes.get(entityAuth.scheme);
  if (scheme === undefined) return protocolError("ENTITYAUTH_FACTORY_NOT_FOUND", "entityauthdata.scheme");
  const context = await scheme.cryptoContext(entityAuth);
  const plain = await openPair(context, data, signature);
  if (plain === null) return protocolError("MESSAGE_VERIFICATION_FAILED", "errordata");
  const map = decodeObject(plain, "errordata");
  const messageId = map.int("messageid", 0, MAX_ID, "MESSAGE_ID_OUT_OF_RANGE");
  return {
    kind: "error",
    format: outer.format,
    entityAuth,
    encrypted: scheme.encrypts,
    integrityProtected: scheme.protectsIntegrity,
    authenticated: entityAuth.authenticated ?? scheme.authenticates ?? scheme.protectsIntegrity,
    messageId,
    ...readErrorData(map, messageId),
  };
}

type ErrorData = Pick<ErrorHeader, "timestamp" | "responseCode" | "internalCode" | "errorMessage" | "userMessage">;

/** @throws with the message id, which is known by now */
function readErrorData(map: MslMap, messageId: number): ErrorData {
  try {
    const timestamp = map.intOr("timestamp", -MAX_ID, MAX_ID);
    const code = map.int("errorcode", -0x80000000, 0x7fffffff);
    const internalCode = map.intOr("internalcode", 0, 0x7fffffff, "INTERNAL_CODE_NEGATIVE");
    const isKnown = code >= RESPONSE.FAIL && code <= RESPONSE.SSOTOKEN_REJECTED;
    return {
      timestamp,
      responseCode: isKnown ? (code as ResponseCode) : RESPONSE.FAIL,
      internalCode: internalCode === 0 ? null : internalCode,
      errorMessage: map.lenientString("errormsg"),
      userMessage: map.lenientString("usermsg"),
    };
  } catch (error) {
    if (error instanceof MslProtocolError) error.context.messageId ??= messageId;
    throw error;
  }
}

/** The complete error message in `format`. Only the fixed text of the error travels, no detail. */
export async function writeErrorMessage(
  format: Format,
  entityAuth: EntityAuthData,
  context: CryptoContext,
  error: OutgoingError,
): Promise<Uint8Array> {
  const [internalcode, errorcode, errormsg] = ERRORS[error.code];
  const plain = encodeObject(format, {
    timestamp: error.timestamp,
    messageid: error.messageId,
    errorcode,
    internalcode,
    errormsg,
    usermsg: error.userMessage,
  });
  const { data, signature } = await sealPair(context, plain, format);
  return encodeObject(format, { entityauthdata: entityAuthFields(entityAuth), errordata: data, signature });
}
