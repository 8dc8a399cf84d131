// What is encoded: the formats, and the values of an object to write.

export type Format = "JSON" | "CBOR";

/**
 * An object that is already encoded, spliced as it stands into an object of the same format. A class, so that no
 * received object can pass for one by its member names.
 */
export class EncodedObject {
  readonly kind = "encoded";
  readonly #format: Format;
  readonly #bytes: Uint8Array;

  constructor(format: Format, bytes: Uint8Array) {
    this.#format = format;
    this.#bytes = bytes;
  }

  get format(): Format {
    return this.#format;
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }
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
