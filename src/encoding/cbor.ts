// MSL's CBOR (RFC 8949, narrowed): definite lengths, labels or text as keys, no tags, no null, no bignum; nesting and
// the number of values are bounded. Labels and the names they stand for are the same member, so one given in both
// forms is a duplicate; labels that no table row has are read over.

import type { MslErrorCode } from "../errors/codes.ts";
import { protocolError } from "../errors/msl-error.ts";
import { knownName, LABEL_NAMES } from "./labels.ts";
import { MAX_DEPTH, MAX_ID, MAX_VALUES } from "./limits.ts";
import { MslList, MslMap, type NestedDecoder, type Source, Trail, type Value } from "./msl-map.ts";
import { OddNumber } from "./number.ts";
import { decodeUtf8 } from "./utf8.ts";

const TWO_32 = 0x100000000;

/** Decodes one map that takes up all of `bytes`. */
export function decodeCbor(bytes: Uint8Array, where: string, code: MslErrorCode, nested: NestedDecoder): MslMap {
  return new Reader(bytes, where, { format: "CBOR", code, nested }).document();
}

// TypeScript's `private`, not `#`: bundles for old engines turn `#` into WeakMaps.
class Reader {
  private readonly bytes: Uint8Array;
  private readonly end: number;
  private readonly source: Source;
  private readonly trail: Trail;
  private at = 0;
  private depth = 0;
  private values = 0;
  /** Of the last head. Above 2^53 `value` is only near, but above as well; `high` and `low` are exact. */
  private major = 0;
  private info = 0;
  private value = 0;
  private high = 0;
  private low = 0;

  constructor(bytes: Uint8Array, where: string, source: Source) {
    this.bytes = bytes;
    this.end = bytes.length;
    this.source = source;
    this.trail = new Trail(where);
  }

  document(): MslMap {
    this.head();
    if (this.major !== 5) this.fail();
    const map = this.map().placedAt(this.trail.root);
    if (this.at !== this.end) this.fail();
    return map;
  }

  private fail(): never {
    return protocolError(this.source.code, this.trail.path());
  }

  private byte(): number {
    return this.at < this.end ? this.bytes[this.at++]! : this.fail();
  }

  private head(): void {
    const first = this.byte();
    this.major = first >> 5;
    this.info = first & 31;
    if (this.info < 24) {
      this.value = this.info;
      return;
    }
    // 28 to 30 are reserved, 31 opens an indefinite length.
    if (this.info > 27) this.fail();
    const size = 1 << (this.info - 24);
    this.high = 0;
    this.low = 0;
    for (let i = 0; i < size; i++) {
      if (i < size - 4) this.high = this.high * 256 + this.byte();
      else this.low = this.low * 256 + this.byte();
    }
    const isExact = this.high < 0x200000 || (this.high === 0x200000 && this.low === 0);
    const value = this.high * TWO_32 + this.low;
    this.value = isExact ? value : Math.max(value, MAX_ID + 2);
  }

  /** A declared count or length that the bytes left can hold. */
  private fits(bytesEach: number): number {
    if (this.value * bytesEach > this.end - this.at) this.fail();
    return this.value;
  }

  private enter(): void {
    if (++this.depth > MAX_DEPTH) this.fail();
  }

  private map(): MslMap {
    this.enter();
    const entries = new Map<string, Value>();
    let strange: Set<string> | null = null;
    for (let left = this.fits(2); left > 0; left--) {
      this.head();
      const name = this.major === 3 ? this.text() : this.labelled();
      if (name === null) {
        const label = `${this.info < 24 ? this.value : `${this.high}:${this.low}`}`;
        strange ??= new Set();
        if (strange.has(label)) this.fail();
        strange.add(label);
        this.item("?");
        continue;
      }
      const before = entries.size;
      entries.set(name, this.item(name));
      if (entries.size === before) this.fail();
    }
    this.depth--;
    return new MslMap(entries, this.source);
  }

  /** Name of the label just read, or null for one outside the table. */
  private labelled(): string | null {
    return this.major === 0 ? (LABEL_NAMES[this.value] ?? null) : this.fail();
  }

  private text(): string {
    const from = this.at;
    this.at += this.fits(1);
    return knownName(this.bytes, from, this.at) ?? decodeUtf8(this.bytes, from, this.at) ?? this.fail();
  }

  private list(): MslList {
    this.enter();
    const items: Value[] = [];
    for (let left = this.fits(1); left > 0; left--) items.push(this.item(items.length));
    this.depth--;
    return new MslList(items, this.source);
  }

  private item(key: string | number): Value {
    if (++this.values > MAX_VALUES) this.fail();
    this.head();
    switch (this.major) {
      case 0:
        return this.value <= MAX_ID ? this.value : new OddNumber(true, this.value);
      case 1:
        // -1 - value: the range ends at -2^53.
        return this.value < MAX_ID ? -1 - this.value : new OddNumber(true, -this.value);
      case 2: {
        const from = this.at;
        this.at += this.fits(1);
        return this.bytes.subarray(from, this.at);
      }
      case 3:
        return this.text();
      case 4:
      case 5: {
        this.trail.push(key);
        const container = this.major === 4 ? this.list() : this.map();
        this.trail.pop();
        return container;
      }
      case 7:
        return this.simple();
      default:
        return this.fail();
    }
  }

  private simple(): Value {
    if (this.info === 20 || this.info === 21) return this.info === 21;
    if (this.info < 25 || this.info > 27) this.fail();
    const size = 1 << (this.info - 24);
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset + this.at - size, size);
    const value = size === 2 ? half(view.getUint16(0)) : size === 4 ? view.getFloat32(0) : view.getFloat64(0);
    if (!Number.isFinite(value)) this.fail();
    if (!Number.isInteger(value)) return new OddNumber(false, value);
    // Adding 0 takes the sign off a negative zero.
    return Math.abs(value) <= MAX_ID ? value + 0 : new OddNumber(true, value);
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
