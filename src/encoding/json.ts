// Strict JSON, RFC 8259, from bytes: no duplicate names, no null, no malformed UTF-8, no trailing bytes; nesting and
// the number of values are bounded. Time is linear in the input.
// Differs from reference: its lenient forms are refused; numbers are judged by their digits, never rounded into range.

import type { MslErrorCode } from "../errors/codes.ts";
import { protocolError } from "../errors/msl-error.ts";
import { JsonText } from "./json-text.ts";
import { knownName } from "./labels.ts";
import { MAX_DEPTH, MAX_ID, MAX_VALUES } from "./limits.ts";
import { MslList, MslMap, type NestedDecoder, type Source, Trail, type Value } from "./msl-map.ts";
import { type OddNumber, readJsonNumber } from "./number.ts";
import { decodeUtf8, isUtf8 } from "./utf8.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;

/** Decodes one object that takes up all of `bytes`. */
export function decodeJson(bytes: Uint8Array, where: string, code: MslErrorCode, nested: NestedDecoder): MslMap {
  return new Parser(bytes, where, { format: "JSON", code, nested }).document();
}

// TypeScript's `private`, not `#`: this is the hottest code of the host, and bundles for old engines turn `#` into WeakMaps.
class Parser {
  private readonly bytes: Uint8Array;
  private readonly end: number;
  private readonly source: Source;
  private readonly trail: Trail;
  private at = 0;
  private depth = 0;
  private values = 0;
  /** Of the last string: where it stands, and what is in it. */
  private from = 0;
  private to = 0;
  private hasEscape = false;

  constructor(bytes: Uint8Array, where: string, source: Source) {
    this.bytes = bytes;
    this.end = bytes.length;
    this.source = source;
    this.trail = new Trail(where);
  }

  document(): MslMap {
    if (this.end === 0 || this.bytes[0] !== OPEN_OBJECT) this.fail();
    const map = this.object().placedAt(this.trail.root);
    this.peek();
    if (this.at !== this.end) this.fail();
    return map;
  }

  private fail(): never {
    return protocolError(this.source.code, this.trail.path());
  }

  /** Skips white space; the character there, or 0 at the end (which no grammar rule takes). */
  private peek(): number {
    const { bytes, end } = this;
    let at = this.at;
    while (at < end) {
      const c = bytes[at]!;
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) {
        this.at = at;
        return c;
      }
      at++;
    }
    this.at = at;
    return 0;
  }

  private take(c: number): boolean {
    if (this.peek() !== c) return false;
    this.at++;
    return true;
  }

  private enter(): void {
    this.at++;
    if (++this.depth > MAX_DEPTH) this.fail();
  }

  private object(): MslMap {
    this.enter();
    const entries = new Map<string, Value>();
    if (!this.take(CLOSE_OBJECT)) {
      do {
        const name = this.name();
        if (!this.take(COLON)) this.fail();
        const before = entries.size;
        entries.set(name, this.value(name));
        if (entries.size === before) this.fail();
      } while (this.take(COMMA));
      if (!this.take(CLOSE_OBJECT)) this.fail();
    }
    this.depth--;
    return new MslMap(entries, this.source);
  }

  private array(): MslList {
    this.enter();
    const items: Value[] = [];
    if (!this.take(CLOSE_ARRAY)) {
      do items.push(this.value(items.length));
      while (this.take(COMMA));
      if (!this.take(CLOSE_ARRAY)) this.fail();
    }
    this.depth--;
    return new MslList(items, this.source);
  }

  private name(): string {
    if (this.peek() !== QUOTE) this.fail();
    this.string();
    const { bytes, from, to } = this;
    if (this.hasEscape) return new JsonText(bytes, from, to, true).text() ?? this.fail();
    return knownName(bytes, from, to) ?? decodeUtf8(bytes, from, to) ?? this.fail();
  }

  private value(key: string | number): Value {
    if (++this.values > MAX_VALUES) this.fail();
    const c = this.peek();
    if (c === QUOTE) {
      this.string();
      return new JsonText(this.bytes, this.from, this.to, this.hasEscape);
    }
    if (c === OPEN_OBJECT || c === OPEN_ARRAY) {
      this.trail.push(key);
      const container = c === OPEN_OBJECT ? this.object() : this.array();
      this.trail.pop();
      return container;
    }
    if (c === 0x74 && this.word("true")) return true;
    if (c === 0x66 && this.word("false")) return false;
    return this.number();
  }

  private word(word: string): boolean {
    if (this.at + word.length > this.end) return false;
    for (let i = 0; i < word.length; i++) if (this.bytes[this.at + i] !== word.charCodeAt(i)) return false;
    this.at += word.length;
    return true;
  }

  /** Checks the string whose opening quote stands here. */
  private string(): void {
    const { bytes, end } = this;
    const from = this.at + 1;
    let i = from;
    let all = 0;
    this.hasEscape = false;
    for (;;) {
      if (i >= end) this.fail();
      const c = bytes[i]!;
      if (c === QUOTE) break;
      if (c < 0x20) this.fail();
      if (c === BACKSLASH) {
        this.hasEscape = true;
        i += this.escape(i + 1);
      }
      all |= c;
      i++;
    }
    if (all >= 0x80 && !isUtf8(bytes, from, i)) this.fail();
    this.from = from;
    this.to = i;
    this.at = i + 1;
  }

  /** Characters of the escape after its backslash. */
  private escape(at: number): number {
    const { bytes, end } = this;
    const c = at < end ? bytes[at]! : 0;
    if (c !== 0x75) return isSimpleEscape(c) ? 1 : this.fail();
    for (let k = at + 1; k <= at + 4; k++) {
      const h = k < end ? bytes[k]! : 0;
      const isHex = (h >= 0x30 && h <= 0x39) || (h >= 0x41 && h <= 0x46) || (h >= 0x61 && h <= 0x66);
      if (!isHex) this.fail();
    }
    return 5;
  }

  private number(): number | OddNumber {
    const { bytes, end, at } = this;
    let i = at;
    let value = 0;
    while (i < end && bytes[i]! >= 0x30 && bytes[i]! <= 0x39) value = value * 10 + (bytes[i++]! - 0x30);
    const isPlain = i === end || !isNumberPart(bytes[i]!);
    // Up to 16 digits are exact below 2^53, and what is above does not round to below.
    if (isPlain && i > at && i - at <= 16 && value < MAX_ID && (bytes[at] !== 0x30 || i === at + 1)) {
      this.at = i;
      return value;
    }
    while (i < end && isNumberPart(bytes[i]!)) i++;
    this.at = i;
    return readJsonNumber(bytes, at, i) ?? this.fail();
  }
}

/** Quote, backslash, slash, b, f, n, r, t. */
function isSimpleEscape(c: number): boolean {
  if (c === QUOTE || c === BACKSLASH || c === 0x2f) return true;
  return c === 0x62 || c === 0x66 || c === 0x6e || c === 0x72 || c === 0x74;
}

/** Digits, signs, point, e and E. */
function isNumberPart(c: number): boolean {
  return (c >= 0x30 && c <= 0x39) || c === 0x2d || c === 0x2b || c === 0x2e || c === 0x65 || c === 0x45;
}
