// The two wire formats behind one face: encode an object, decode an object, tell the format from the first byte.

import type { MslErrorCode } from "../errors/codes.ts";
import type { MslMap } from "./msl-map.ts";

export type Format = "JSON" | "CBOR";

/** Splices an object that is already encoded in the format of its surroundings. */
export interface EncodedObject {
  readonly kind: "encoded";
  readonly bytes: Uint8Array;
}

export type EncodeValue =
  | string
  | number
  | boolean
  | Uint8Array
  | EncodedObject
  | readonly EncodeValue[]
  | EncodeFields
  | null
  | undefined;

/** Members of an object to encode; null and undefined members are left out. Numbers are integers in 0..2^53 or negative to -2^53. */
export interface EncodeFields {
  readonly [name: string]: EncodeValue;
}

export declare function encodeObject(format: Format, fields: EncodeFields): Uint8Array;
export declare function decodeObject(bytes: Uint8Array, where: string, code?: MslErrorCode): MslMap;
export declare function detectFormat(firstByte: number): Format | null;
