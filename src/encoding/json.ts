// Strict JSON, RFC 8259, from bytes: no duplicate names, no null, no malformed UTF-8, no trailing bytes, nesting bounded.
// Differs from reference: its lenient forms are refused; numbers are judged by their digits, never rounded into range.

import type { MslErrorCode } from "../errors/codes.ts";
import { protocolError } from "../errors/msl-error.ts";
import { MAX_DEPTH, MAX_ID } from "./limits.ts";
import { JsonText, type MapOptions, MslList, MslMap, OddNumber, type Value } from "./msl-map.ts";
import { isUtf8 } from "./utf8.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SIMPLE_ESCAPES = new Set([...'"\\/bfnrt'].map((c) => c.charCodeAt(0)));

/** Decodes one object that takes up all of `bytes`. */
export function decodeJson(bytes: Uint8Array, where: string, code: MslErrorCode, nested: MapOptions["nested"]): MslMap {
  const parser = new Parser(bytes, code, nested);
  return parser.document(where);
}

class Parser {
  readonly #bytes: Uint8Array;
  readonly #code: MslErrorCode;
  readonly #nested: MapOptions["nested"];
  #at = 0;
  #depth = 0;

  constructor(bytes: Uint8Array, code: MslErrorCode, nested: MapOptions["nested"]) {
    this.#bytes = bytes;
    this.#code = code;
    this.#nested = nested;
  }

  #fail(path: string): never {
    return protocolError(this.#code, path);
  }

  #options(path: string): MapOptions {
    return { format: "JSON", path, code: this.#code, nested: this.#nested };
  }

  document(path: string): MslMap {
    if (this.#bytes[0] !== 0x7b) this.#fail(path);
    const map = this.#object(path);
    this.#space();
    if (this.#at !== this.#bytes.length) this.#fail(path);
    return map;
  }

  #space(): void {
    const bytes = this.#bytes;
    for (;;) {
      const c = bytes[this.#at];
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return;
      this.#at++;
    }
  }

  /** Skips white space and takes the character `c` if it stands there. */
  #take(c: number): boolean {
    this.#space();
    if (this.#bytes[this.#at] !== c) return false;
    this.#at++;
    return true;
  }

  #enter(path: string): void {
    this.#at++;
    if (++this.#depth > MAX_DEPTH) this.#fail(path);
  }

  #object(path: string): MslMap {
    this.#enter(path);
    const entries = new Map<string, Value>();
    if (!this.#take(0x7d)) {
      do {
        this.#space();
        if (this.#bytes[this.#at] !== QUOTE) this.#fail(path);
        const name = this.#string(path).text();
        if (name === null || entries.has(name) || !this.#take(0x3a)) return this.#fail(path);
        entries.set(name, this.#value(`${path}.${name}`, path));
      } while (this.#take(0x2c));
      if (!this.#take(0x7d)) this.#fail(path);
    }
    this.#depth--;
    return new MslMap(entries, this.#options(path));
  }

  #array(path: string): MslList {
    this.#enter(path);
    const items: Value[] = [];
    if (!this.#take(0x5d)) {
      do {
        items.push(this.#value(`${path}[${items.length}]`, path));
      } while (this.#take(0x2c));
      if (!this.#take(0x5d)) this.#fail(path);
    }
    this.#depth--;
    return new MslList(items, this.#options(path));
  }

  /** `path` names the value where it is an object or array; errors name the container, whose names are ours to print. */
  #value(path: string, container: string): Value {
    this.#space();
    const c = this.#bytes[this.#at];
    if (c === QUOTE) return this.#string(container);
    if (c === 0x7b) return this.#object(path);
    if (c === 0x5b) return this.#array(path);
    if (c === 0x74 && this.#word("true")) return true;
    if (c === 0x66 && this.#word("false")) return false;
    return this.#number(container);
  }

  #word(word: string): boolean {
    for (let i = 0; i < word.length; i++) if (this.#bytes[this.#at + i] !== word.charCodeAt(i)) return false;
    this.#at += word.length;
    return true;
  }

  #string(path: string): JsonText {
    const bytes = this.#bytes;
    const from = this.#at + 1;
    let i = from;
    let hasEscape = false;
    let isAscii = true;
    for (; ; i++) {
      const c = bytes[i];
      if (c === undefined || c < 0x20) return this.#fail(path);
      if (c === QUOTE) break;
      if (c === BACKSLASH) {
        hasEscape = true;
        i += this.#escape(i + 1, path);
      } else if (c >= 0x80) isAscii = false;
    }
    if (!isAscii && !isUtf8(bytes, from, i)) this.#fail(path);
    this.#at = i + 1;
    return new JsonText(bytes, from, i, hasEscape);
  }

  /** Characters of the escape after its backslash. */
  #escape(at: number, path: string): number {
    const c = this.#bytes[at];
    if (c === undefined) return this.#fail(path);
    if (c !== 0x75) return SIMPLE_ESCAPES.has(c) ? 1 : this.#fail(path);
    for (let k = 1; k <= 4; k++) {
      const h = this.#bytes[at + k] ?? 0;
      const isHex = (h >= 0x30 && h <= 0x39) || (h >= 0x41 && h <= 0x46) || (h >= 0x61 && h <= 0x66);
      if (!isHex) this.#fail(path);
    }
    return 5;
  }

  #number(path: string): number | OddNumber {
    const bytes = this.#bytes;
    const from = this.#at;
    let i = from;
    while (isNumberCharacter(bytes[i])) i++;
    this.#at = i;
    if (i - from > 1024) this.#fail(path);
    let value = 0;
    if (i - from <= 15 && i > from && (bytes[from] !== 0x30 || i - from === 1)) {
      let k = from;
      for (; k < i; k++) {
        const digit = bytes[k]! - 0x30;
        if (digit < 0 || digit > 9) break;
        value = value * 10 + digit;
      }
      if (k === i) return value;
    }
    let text = "";
    for (let k = from; k < i; k++) text += String.fromCharCode(bytes[k]!);
    return classifyNumber(text) ?? this.#fail(path);
  }
}

function isNumberCharacter(c: number | undefined): boolean {
  return (
    c !== undefined && ((c >= 0x30 && c <= 0x39) || c === 0x2d || c === 0x2b || c === 0x2e || c === 0x65 || c === 0x45)
  );
}

const NUMBER = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/;
const MAX_DIGITS = String(MAX_ID);
const INT64_DIGITS = "9223372036854775807";

/** The integer that a JSON number writes, or why it is none of -2^53..2^53; null if it is not a JSON number. */
export function classifyNumber(text: string): number | OddNumber | null {
  const match = NUMBER.exec(text);
  if (match === null) return null;
  const approximate = Number(text);
  const isPlain = match[3] === undefined && match[4] === undefined;
  const fraction = (match[3] ?? "").replace(/0+$/, "");
  let digits = `${match[2]}${fraction}`.replace(/^0+/, "");
  if (digits === "") return 0;
  if (!Number.isFinite(approximate)) return new OddNumber(false, approximate);
  const exponent = Number(match[4] ?? "0") - fraction.length;
  if (exponent < 0) {
    const zeros = digits.length - digits.replace(/0+$/, "").length;
    if (zeros < -exponent) return new OddNumber(false, approximate);
    digits = digits.slice(0, digits.length + exponent);
  } else {
    digits += "0".repeat(exponent);
  }
  const isAbove = (limit: string) => digits.length > limit.length || (digits.length === limit.length && digits > limit);
  if (!isAbove(MAX_DIGITS)) return match[1] === "-" ? -Number(digits) : Number(digits);
  return new OddNumber(!isPlain || !isAbove(INT64_DIGITS), approximate);
}
