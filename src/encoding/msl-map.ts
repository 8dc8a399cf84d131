// A decoded MSL object, whatever the format. Reading a member with the wrong type is an error that says where;
// nothing is coerced. JSON strings stay bytes until they are asked for as text, as Base64, or as a key.

import type { MslErrorCode } from "../errors/codes.ts";
import { protocolError } from "../errors/msl-error.ts";
import { encodeBase64, readBase64 } from "./base64.ts";
import type { EncodeFields, EncodeValue, Format } from "./fields.ts";
import { decodeUtf8 } from "./utf8.ts";

/** A JSON string where it stands: the bytes between its quotes. */
export class JsonText {
  readonly bytes: Uint8Array;
  readonly from: number;
  readonly to: number;
  readonly hasEscape: boolean;

  constructor(bytes: Uint8Array, from: number, to: number, hasEscape: boolean) {
    this.bytes = bytes;
    this.from = from;
    this.to = to;
    this.hasEscape = hasEscape;
  }

  /** The text, or null if an escape makes a lone surrogate. */
  text(): string | null {
    const raw = decodeUtf8(this.bytes, this.from, this.to);
    if (raw === null || !this.hasEscape) return raw;
    const text = raw.replace(/\\(u[0-9a-fA-F]{4}|.)/g, (_, e: string) =>
      e.length > 1 ? String.fromCharCode(Number.parseInt(e.slice(1), 16)) : (ESCAPES[e] ?? e),
    );
    return /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text) ? null : text;
  }

  /** The bytes that the text means as Base64, or null. */
  binary(): Uint8Array | null {
    if (!this.hasEscape) return readBase64(this.bytes, this.from, this.to);
    const text = this.text();
    if (text === null || /[^\0-\x7f]/.test(text)) return null;
    const ascii = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) ascii[i] = text.charCodeAt(i);
    return readBase64(ascii, 0, ascii.length);
  }
}

const ESCAPES: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

/** Numbers that are no integer of -2^53..2^53: out of range, or not an integer at all. */
export class OddNumber {
  readonly isInteger: boolean;
  readonly approximate: number;

  constructor(isInteger: boolean, approximate: number) {
    this.isInteger = isInteger;
    this.approximate = approximate;
  }
}

export type Value = string | number | boolean | Uint8Array | JsonText | OddNumber | MslMap | MslList;

/** Key material inside a document: raw bytes, or its Base64 text; a view that the importer wipes. */
export interface SecretField {
  readonly encoding: "raw" | "base64";
  readonly bytes: Uint8Array;
}

/** Decodes a native byte string that holds an object; set by codec.ts, which knows both formats. */
type NestedDecoder = (bytes: Uint8Array, where: string, code: MslErrorCode) => MslMap;

export interface MapOptions {
  readonly format: Format;
  readonly path: string;
  /** Raised for missing and mistyped members. */
  readonly code: MslErrorCode;
  readonly nested: NestedDecoder;
}

export class MslMap {
  readonly format: Format;
  readonly path: string;
  readonly #entries: ReadonlyMap<string, Value>;
  readonly #options: MapOptions;

  constructor(entries: ReadonlyMap<string, Value>, options: MapOptions) {
    this.#entries = entries;
    this.#options = options;
    this.format = options.format;
    this.path = options.path;
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  names(): string[] {
    return [...this.#entries.keys()];
  }

  #fail(name: string, code: MslErrorCode = this.#options.code): never {
    return protocolError(code, `${this.path}.${name}`);
  }

  string(name: string): string {
    return this.lenientString(name) ?? this.#fail(name);
  }

  /** Null if absent; a mistyped member is an error. */
  stringOr(name: string): string | null {
    return this.has(name) ? this.string(name) : null;
  }

  /** Null if absent or mistyped: for the few members that the protocol reads so. */
  lenientString(name: string): string | null {
    const value = this.#entries.get(name);
    return value instanceof JsonText ? value.text() : typeof value === "string" ? value : null;
  }

  bool(name: string): boolean {
    const value = this.#entries.get(name);
    return typeof value === "boolean" ? value : this.#fail(name);
  }

  boolOr(name: string, fallback: boolean): boolean {
    return this.has(name) ? this.bool(name) : fallback;
  }

  /** An integer of min..max; outside it, `rangeCode`. */
  int(name: string, min: number, max: number, rangeCode?: MslErrorCode): number {
    const value = this.#entries.get(name);
    if (typeof value === "number") return value >= min && value <= max ? value : this.#fail(name, rangeCode);
    if (value instanceof OddNumber && value.isInteger) this.#fail(name, rangeCode);
    return this.#fail(name);
  }

  intOr(name: string, min: number, max: number, rangeCode?: MslErrorCode): number | null {
    return this.has(name) ? this.int(name, min, max, rangeCode) : null;
  }

  /** Null if absent or not an integer. */
  lenientInt(name: string): number | null {
    const value = this.#entries.get(name);
    if (value instanceof OddNumber && value.isInteger) return value.approximate;
    return typeof value === "number" ? value : null;
  }

  bytes(name: string): Uint8Array {
    const value = this.#entries.get(name);
    if (value instanceof Uint8Array) return value;
    return (value instanceof JsonText ? value.binary() : null) ?? this.#fail(name);
  }

  bytesOr(name: string): Uint8Array | null {
    return this.has(name) ? this.bytes(name) : null;
  }

  /** Key material, as it stands; checked to be what `bytes` would take. */
  secret(name: string): SecretField {
    const value = this.#entries.get(name);
    if (value instanceof JsonText && !value.hasEscape && isPlainBase64(value)) {
      return { encoding: "base64", bytes: value.bytes.subarray(value.from, value.to) };
    }
    return { encoding: "raw", bytes: this.bytes(name) };
  }

  map(name: string): MslMap {
    const value = this.#entries.get(name);
    if (value instanceof MslMap) return value;
    if (!(value instanceof Uint8Array)) return this.#fail(name);
    return this.#options.nested(value, `${this.path}.${name}`, this.#options.code);
  }

  mapOr(name: string): MslMap | null {
    return this.has(name) ? this.map(name) : null;
  }

  list(name: string): MslList {
    const value = this.#entries.get(name);
    return value instanceof MslList ? value : this.#fail(name);
  }

  listOr(name: string): MslList | null {
    return this.has(name) ? this.list(name) : null;
  }

  /** Null if absent or not an array. */
  lenientList(name: string): MslList | null {
    const value = this.#entries.get(name);
    return value instanceof MslList ? value : null;
  }

  /** The members, to be encoded again: JSON strings as text, byte strings as bytes. */
  toFields(): EncodeFields {
    const fields: Record<string, EncodeValue> = Object.create(null);
    for (const [name, value] of this.#entries) fields[name] = toEncode(value);
    return fields;
  }

  /** The members as plain values for people to read: byte strings as Base64. */
  toPlain(): Record<string, unknown> {
    const plain: Record<string, unknown> = Object.create(null);
    for (const [name, value] of this.#entries) plain[name] = toPlain(value);
    return plain;
  }
}

export class MslList {
  readonly path: string;
  readonly #items: readonly Value[];
  readonly #options: MapOptions;

  constructor(items: readonly Value[], options: MapOptions) {
    this.#items = items;
    this.#options = options;
    this.path = options.path;
  }

  get length(): number {
    return this.#items.length;
  }

  #fail(i: number): never {
    return protocolError(this.#options.code, `${this.path}[${i}]`);
  }

  map(i: number): MslMap {
    const value = this.#items[i];
    if (value instanceof MslMap) return value;
    if (!(value instanceof Uint8Array)) return this.#fail(i);
    return this.#options.nested(value, `${this.path}[${i}]`, this.#options.code);
  }

  string(i: number): string {
    const value = this.#items[i];
    return (value instanceof JsonText ? value.text() : typeof value === "string" ? value : null) ?? this.#fail(i);
  }

  values(): readonly Value[] {
    return this.#items;
  }
}

function isPlainBase64(value: JsonText): boolean {
  const { bytes, from, to } = value;
  for (let i = from; i < to; i++) if (bytes[i]! <= 0x20) return false;
  const decoded = readBase64(bytes, from, to);
  decoded?.fill(0);
  return decoded !== null;
}

function toEncode(value: Value): EncodeValue {
  if (value instanceof MslMap) return value.toFields();
  if (value instanceof MslList) return value.values().map(toEncode);
  if (value instanceof JsonText) return value.text();
  if (value instanceof OddNumber) return value.approximate;
  // A copy: the bytes it came from may be wiped.
  return value instanceof Uint8Array ? value.slice() : value;
}

function toPlain(value: Value): unknown {
  if (value instanceof MslMap) return value.toPlain();
  if (value instanceof MslList) return value.values().map(toPlain);
  if (value instanceof JsonText) return value.text();
  if (value instanceof OddNumber) return value.approximate;
  if (value instanceof Uint8Array) return encodeBase64(value);
  return value;
}
