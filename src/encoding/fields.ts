// What is encoded: the formats, and the values of an object to write.

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

/** Members of an object to encode; null and undefined members are left out. Numbers are integers of -2^53..2^53. */
export interface EncodeFields {
  readonly [name: string]: EncodeValue;
}
