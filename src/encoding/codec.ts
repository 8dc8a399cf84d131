// The two wire formats behind one face: encode an object, decode an object, tell the format from the first byte.

import type { MslErrorCode } from "../errors/codes.ts";
import { protocolError } from "../errors/msl-error.ts";
import { decodeCbor } from "./cbor.ts";
import type { EncodeFields, Format } from "./fields.ts";
import { decodeJson } from "./json.ts";
import type { MslMap } from "./msl-map.ts";
import { writeObject } from "./writer.ts";

export { EncodedObject, type EncodeFields, type EncodeValue, type Format } from "./fields.ts";

/** Bytes of the object. @throws MSL_ENCODE_ERROR for what neither format carries: lone surrogates, numbers that are no integers of ±2^53, deep nesting */
export function encodeObject(format: Format, fields: EncodeFields): Uint8Array {
  return writeObject(format, fields);
}

/**
 * Decodes bytes that hold exactly one object, of the format that their first byte names.
 *
 * @param where  path for errors, e.g. `headerdata`
 * @param code   raised here and for missing or mistyped members; default MSL_PARSE_ERROR
 */
export function decodeObject(bytes: Uint8Array, where: string, code: MslErrorCode = "MSL_PARSE_ERROR"): MslMap {
  const format = bytes.length === 0 ? null : detectFormat(bytes[0]!);
  if (format === null) return protocolError(code, where);
  return format === "JSON"
    ? decodeJson(bytes, where, code, decodeObject)
    : decodeCbor(bytes, where, code, decodeObject);
}

/** Format whose objects begin with this byte, or null. */
export function detectFormat(firstByte: number): Format | null {
  if (firstByte === 0x7b) return "JSON";
  return (firstByte & 0xe0) === 0xa0 ? "CBOR" : null;
}
