// MSL's CBOR (RFC 8949, narrowed): definite lengths, labels or text as keys, no tags, no null, no bignum, nesting bounded.
// Labels and the names they stand for are the same member, so one given in both forms is a duplicate.

import type { MslErrorCode } from "../errors/codes.ts";
import { protocolError } from "../errors/msl-error.ts";
import { LABEL_NAMES } from "./labels.ts";
import { MAX_DEPTH, MAX_ID } from "./limits.ts";
import { type MapOptions, MslList, MslMap, OddNumber, type Value } from "./msl-map.ts";
import { decodeUtf8 } from "./utf8.ts";

const TWO_32 = 0x100000000;

/** Decodes one map that takes up all of `bytes`. */
export function decodeCbor(bytes: Uint8Array, where: string, code: MslErrorCode, nested: MapOptions["nested"]): MslMap {
  const reader = new Reader(bytes, code, nested);
  return reader.document(where);
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #code: MslErrorCode;
  readonly #nested: MapOptions["nested"];
  #at = 0;
  #depth = 0;
  #major = 0;
  #info = 0;
  /** Value of the last head; Infinity stands for more than 2^53. */
  #value = 0;

  constructor(bytes: Uint8Array, code: MslErrorCode, nested: MapOptions["nested"]) {
    this.#bytes = bytes;
    this.#code = code;
    this.#nested = nested;
  }

  #fail(path: string): never {
    return protocolError(this.#code, path);
  }

  document(path: string): MslMap {
    this.#head(path);
    if (this.#major !== 5) this.#fail(path);
    const map = this.#map(path);
    if (this.#at !== this.#bytes.length) this.#fail(path);
    return map;
  }

  #byte(path: string): number {
    const byte = this.#bytes[this.#at++];
    return byte === undefined ? this.#fail(path) : byte;
  }

  #head(path: string): void {
    const first = this.#byte(path);
    this.#major = first >> 5;
    this.#info = first & 31;
    if (this.#info < 24) {
      this.#value = this.#info;
      return;
    }
    if (this.#info > 27) this.#fail(path);
    const size = 1 << (this.#info - 24);
    let high = 0;
    let low = 0;
    for (let i = 0; i < size; i++) {
      if (i < size - 4) high = high * 256 + this.#byte(path);
      else low = low * 256 + this.#byte(path);
    }
    const isExact = high < 0x200000 || (high === 0x200000 && low === 0);
    this.#value = isExact ? high * TWO_32 + low : Number.POSITIVE_INFINITY;
  }

  /** A declared count or length that the bytes left can hold. */
  #fits(bytesEach: number, path: string): number {
    if (this.#value * bytesEach > this.#bytes.length - this.#at) this.#fail(path);
    return this.#value;
  }

  #enter(path: string): MapOptions {
    if (++this.#depth > MAX_DEPTH) this.#fail(path);
    return { format: "CBOR", path, code: this.#code, nested: this.#nested };
  }

  #map(path: string): MslMap {
    const options = this.#enter(path);
    const entries = new Map<string, Value>();
    for (let members = this.#fits(2, path); members > 0; members--) {
      const name = this.#key(path);
      if (entries.has(name)) this.#fail(path);
      entries.set(name, this.#item(`${path}.${name}`, path));
    }
    this.#depth--;
    return new MslMap(entries, options);
  }

  /** Name of a member; labels outside the table get a name that no text key can have. */
  #key(path: string): string {
    this.#head(path);
    if (this.#major === 3) return this.#text(path);
    if (this.#major !== 0) this.#fail(path);
    return LABEL_NAMES[this.#value] ?? `\ud800${this.#value}`;
  }

  #text(path: string): string {
    const length = this.#fits(1, path);
    const text = decodeUtf8(this.#bytes, this.#at, this.#at + length);
    this.#at += length;
    return text ?? this.#fail(path);
  }

  #item(path: string, container: string): Value {
    this.#head(container);
    switch (this.#major) {
      case 0:
        return this.#value <= MAX_ID ? this.#value : new OddNumber(true, this.#value);
      case 1:
        // -1 - value: the range ends at -2^53.
        return this.#value < MAX_ID ? -1 - this.#value : new OddNumber(true, -this.#value);
      case 2: {
        const length = this.#fits(1, container);
        this.#at += length;
        return this.#bytes.subarray(this.#at - length, this.#at);
      }
      case 3:
        return this.#text(container);
      case 4: {
        const options = this.#enter(path);
        const items: Value[] = [];
        for (let left = this.#fits(1, path); left > 0; left--) items.push(this.#item(`${path}[${items.length}]`, path));
        this.#depth--;
        return new MslList(items, options);
      }
      case 5:
        return this.#map(path);
      case 7:
        return this.#simple(container);
      default:
        return this.#fail(container);
    }
  }

  #simple(path: string): Value {
    if (this.#info === 20 || this.#info === 21) return this.#info === 21;
    const size = this.#info >= 25 && this.#info <= 27 ? 1 << (this.#info - 24) : this.#fail(path);
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.#at - size, size);
    const value = size === 2 ? half(view.getUint16(0)) : size === 4 ? view.getFloat32(0) : view.getFloat64(0);
    if (!Number.isFinite(value)) this.#fail(path);
    if (!Number.isInteger(value)) return new OddNumber(false, value);
    return Math.abs(value) <= MAX_ID ? value : new OddNumber(true, value);
  }
}

/** IEEE 754 binary16. */
function half(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 0x3ff;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
