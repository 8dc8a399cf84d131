// Service tokens ("MSL Service Tokens"), the application's cookies:
//   servicetoken = { "tokendata": binary, "signature": binary }
//   tokendata    = { "name", "mtserialnumber"?, "uitserialnumber"?, "encrypted", "compressionalgo"?, "servicedata": binary }
// A token that cannot be verified stays opaque and is sent back as it came; empty data always means "delete".

import type { CryptoContext } from "../crypto/crypto-context.ts";
import {
  type Compression,
  type CompressionAlgorithm,
  type Compressor,
  compressIfUseful,
  compressionNamed,
  uncompress,
} from "../encoding/compression.ts";
import { decodeObject, type EncodeFields, encodeObject, type Format } from "../encoding/codec.ts";
import { MAX_ID } from "../encoding/limits.ts";
import type { MslMap } from "../encoding/msl-map.ts";
import { MslUsageError, protocolError } from "../errors/msl-error.ts";
import type { MasterToken } from "./master-token.ts";
import type { UserIdToken } from "./user-id-token.ts";

export interface ServiceToken {
  readonly tokendata: Uint8Array;
  readonly signature: Uint8Array;
  readonly name: string;
  /** Serial numbers that the token is bound to; null: not bound. */
  readonly mtSerialNumber: number | null;
  readonly uitSerialNumber: number | null;
  readonly encrypted: boolean;
  readonly compression: CompressionAlgorithm | null;
  readonly verified: boolean;
  /** Null: opaque. Zero bytes: asks for deletion. */
  readonly data: Uint8Array | null;
}

export interface ServiceTokenReader {
  readonly masterToken: MasterToken | null;
  readonly userIdToken: UserIdToken | null;
  /** Context for a token's name, or null. */
  context(name: string): CryptoContext | null;
  readonly compression: Compression;
}

/** @throws MSL_PARSE_ERROR, the SERVICETOKEN_* rows, UNIDENTIFIED_COMPRESSION, decryption errors of verified tokens */
export async function parseServiceToken(map: MslMap, reader: ServiceTokenReader): Promise<ServiceToken> {
  const where = `${map.path}.tokendata`;
  const tokendata = map.bytes("tokendata").slice(); // outlives the message, which is wiped
  if (tokendata.length === 0) protocolError("SERVICETOKEN_TOKENDATA_MISSING", where);
  const signature = map.bytes("signature").slice();
  const fields = decodeObject(tokendata, where);
  const name = fields.string("name");
  const context = reader.context(name);
  const verified = context !== null && (await context.verify(tokendata, signature));
  const mtSerialNumber = fields.intOr(
    "mtserialnumber",
    0,
    MAX_ID,
    "SERVICETOKEN_MASTERTOKEN_SERIAL_NUMBER_OUT_OF_RANGE",
  );
  const uitSerialNumber = fields.intOr(
    "uitserialnumber",
    0,
    MAX_ID,
    "SERVICETOKEN_USERIDTOKEN_SERIAL_NUMBER_OUT_OF_RANGE",
  );
  const encrypted = fields.bool("encrypted");
  const algorithm = fields.stringOr("compressionalgo");
  const compression = algorithm === null ? null : compressionNamed(algorithm, `${where}.compressionalgo`);
  const servicedata = fields.bytes("servicedata");
  let data: Uint8Array | null = servicedata.length === 0 ? servicedata : null;
  if (verified && context !== null && servicedata.length > 0) {
    data = encrypted ? await context.decrypt(servicedata) : servicedata.slice();
    if (compression !== null) data = uncompress(compression, reader.compression, data, where);
  }
  if (mtSerialNumber !== null && mtSerialNumber !== reader.masterToken?.serialNumber) {
    protocolError("SERVICETOKEN_MASTERTOKEN_MISMATCH", map.path);
  }
  if (uitSerialNumber !== null && uitSerialNumber !== reader.userIdToken?.serialNumber) {
    protocolError("SERVICETOKEN_USERIDTOKEN_MISMATCH", map.path);
  }
  return { tokendata, signature, name, mtSerialNumber, uitSerialNumber, encrypted, compression, verified, data };
}

export interface NewServiceToken {
  readonly name: string;
  readonly data: Uint8Array;
  readonly masterToken: MasterToken | null;
  readonly userIdToken: UserIdToken | null;
  readonly encrypt: boolean;
  /** Compresses where useful. */
  readonly compressor: Compressor | null;
  readonly context: CryptoContext;
}

/** @throws MslUsageError if the user ID token is not bound to the master token */
export async function createServiceToken(format: Format, token: NewServiceToken): Promise<ServiceToken> {
  const { name, masterToken, userIdToken, context } = token;
  if (masterToken !== null && userIdToken !== null && userIdToken.mtSerialNumber !== masterToken.serialNumber) {
    throw new MslUsageError("The user ID token is not bound to the master token.");
  }
  const { compressor } = token;
  const compressed = compressor === null ? null : compressIfUseful(compressor, token.data);
  const content = compressed ?? token.data;
  const mtSerialNumber = masterToken?.serialNumber ?? null;
  const uitSerialNumber = userIdToken?.serialNumber ?? null;
  const compression = compressed === null || compressor === null ? null : compressor.algorithm;
  const tokendata = encodeObject(format, {
    name,
    mtserialnumber: mtSerialNumber,
    uitserialnumber: uitSerialNumber,
    encrypted: token.encrypt,
    compressionalgo: compression,
    servicedata: token.encrypt && content.length > 0 ? await context.encrypt(content, format) : content,
  });
  const signature = await context.sign(tokendata, format);
  return {
    tokendata,
    signature,
    name,
    mtSerialNumber,
    uitSerialNumber,
    encrypted: token.encrypt,
    compression,
    verified: true,
    data: token.data.slice(),
  };
}

/** A token that asks the receiver to delete `token`: same name and bindings, no data, no signature. */
export function deletionOf(format: Format, token: ServiceToken): ServiceToken {
  const { name, mtSerialNumber, uitSerialNumber } = token;
  const empty = new Uint8Array(0);
  const tokendata = encodeObject(format, {
    name,
    mtserialnumber: mtSerialNumber,
    uitserialnumber: uitSerialNumber,
    encrypted: false,
    servicedata: empty,
  });
  return { ...token, tokendata, signature: empty, encrypted: false, compression: null, verified: false, data: empty };
}

export function serviceTokenFields(token: ServiceToken): EncodeFields {
  return { tokendata: token.tokendata, signature: token.signature };
}

/** Replacement key inside a message: name, and whether each binding exists. */
export function isSameSlot(a: ServiceToken, b: ServiceToken): boolean {
  return (
    a.name === b.name &&
    (a.mtSerialNumber === null) === (b.mtSerialNumber === null) &&
    (a.uitSerialNumber === null) === (b.uitSerialNumber === null)
  );
}

/** Equality in a store: name and both serial numbers. */
export function isSameServiceToken(a: ServiceToken, b: ServiceToken): boolean {
  return a.name === b.name && a.mtSerialNumber === b.mtSerialNumber && a.uitSerialNumber === b.uitSerialNumber;
}
