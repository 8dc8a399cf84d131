// A decoded MSL object, whatever the format. Reading a member with the wrong type is an error that says where;
// nothing is coerced. JSON strings stay bytes until they are asked for as text, as Base64, or as a key.

import type { MslErrorCode } from "../errors/codes.ts";
import { protocolError } from "../errors/msl-error.ts";
import { encodeBase64 } from "./base64.ts";
import { encodeUtf8 } from "./utf8.ts";
import type { EncodeFields, EncodeValue, Format } from "./fields.ts";
import { JsonText } from "./json-text.ts";
import { LABELS } from "./labels.ts";
import { OddNumber } from "./number.ts";

export type Value = string | number | boolean | Uint8Array | JsonText | OddNumber | MslMap | MslList;

/** Key material inside a document: raw bytes, or its Base64 text; a view that the importer wipes. */
export interface SecretField {
  readonly encoding: "raw" | "base64";
  readonly bytes: Uint8Array;
}

/** Decodes a native byte string that holds an object; set by codec.ts, which knows both formats. */
export type NestedDecoder = (bytes: Uint8Array, where: string, code: MslErrorCode) => MslMap;

/** What all parts of one decoded object share. */
export interface Source {
  readonly format: Format;
  /** Raised for missing and mistyped members. */
  readonly code: MslErrorCode;
  readonly nested: NestedDecoder;
}

/** Where a decoder is, for errors. Member names that a peer made up may say too much, so only MSL's own are shown. */
export class Trail {
  readonly root: string;
  readonly #keys: (string | number)[] = [];

  constructor(root: string) {
    this.root = root;
  }

  push(key: string | number): void {
    this.#keys.push(key);
  }

  pop(): void {
    this.#keys.pop();
  }

  path(): string {
    let path = this.root;
    for (const key of this.#keys) path += typeof key === "number" ? `[${key}]` : `.${LABELS.has(key) ? key : "?"}`;
    return path;
  }
}

export class MslMap {
  readonly #entries: ReadonlyMap<string, Value>;
  readonly #source: Source;
  #path = "";

  constructor(entries: ReadonlyMap<string, Value>, source: Source) {
    this.#entries = entries;
    this.#source = source;
  }

  get format(): Format {
    return this.#source.format;
  }

  get path(): string {
    return this.#path;
  }

  /** Says where this object stands: called by the container that it is read from. */
  placedAt(path: string): this {
    this.#path = path;
    return this;
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  names(): string[] {
    return [...this.#entries.keys()];
  }

  #fail(name: string, code: MslErrorCode = this.#source.code): never {
    return protocolError(code, `${this.#path}.${name}`);
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
    if (!(value instanceof JsonText)) return { encoding: "raw", bytes: this.bytes(name) };
    const decoded = value.binary() ?? this.#fail(name);
    if (value.hasEscape || hasSpace(value)) return { encoding: "raw", bytes: decoded };
    decoded.fill(0);
    return { encoding: "base64", bytes: value.bytes.subarray(value.from, value.to) };
  }

  /** A JSON string's letters as they stand, so that a secret in them never becomes a string. */
  letters(name: string): Uint8Array {
    const value = this.#entries.get(name);
    if (!(value instanceof JsonText)) return encodeUtf8(this.string(name)) ?? this.#fail(name);
    const escaped = value.hasEscape ? value.text() : null;
    if (escaped !== null) return encodeUtf8(escaped) ?? this.#fail(name);
    return value.hasEscape ? this.#fail(name) : value.bytes.subarray(value.from, value.to);
  }

  /** An object, or a byte string of CBOR that holds one. */
  map(name: string): MslMap {
    const value = this.#entries.get(name);
    const path = `${this.#path}.${name}`;
    if (value instanceof MslMap) return value.placedAt(path);
    if (!(value instanceof Uint8Array)) return this.#fail(name);
    return this.#source.nested(value, path, this.#source.code);
  }

  mapOr(name: string): MslMap | null {
    return this.has(name) ? this.map(name) : null;
  }

  list(name: string): MslList {
    const value = this.#entries.get(name);
    return value instanceof MslList ? value.placedAt(`${this.#path}.${name}`) : this.#fail(name);
  }

  listOr(name: string): MslList | null {
    return this.has(name) ? this.list(name) : null;
  }

  /** Null if absent or not an array. */
  lenientList(name: string): MslList | null {
    const value = this.#entries.get(name);
    return value instanceof MslList ? value.placedAt(`${this.#path}.${name}`) : null;
  }

  /**
   * The members, copied, to be encoded again: JSON strings as text, byte strings as bytes. What is no integer of
   * ±2^53 stays a number that no encoder takes.
   */
  toFields(): EncodeFields {
    const fields: Record<string, EncodeValue> = Object.create(null);
    for (const [name, value] of this.#entries) fields[name] = toEncode(value) ?? this.#fail(name);
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
  readonly #items: readonly Value[];
  readonly #source: Source;
  #path = "";

  constructor(items: readonly Value[], source: Source) {
    this.#items = items;
    this.#source = source;
  }

  get path(): string {
    return this.#path;
  }

  placedAt(path: string): this {
    this.#path = path;
    return this;
  }

  get length(): number {
    return this.#items.length;
  }

  #fail(i: number): never {
    return protocolError(this.#source.code, `${this.#path}[${i}]`);
  }

  map(i: number): MslMap {
    const value = this.#items[i];
    const path = `${this.#path}[${i}]`;
    if (value instanceof MslMap) return value.placedAt(path);
    if (!(value instanceof Uint8Array)) return this.#fail(i);
    return this.#source.nested(value, path, this.#source.code);
  }

  string(i: number): string {
    const value = this.#items[i];
    return (value instanceof JsonText ? value.text() : typeof value === "string" ? value : null) ?? this.#fail(i);
  }

  /** The elements, copied, to be encoded again. */
  toEncode(): EncodeValue[] {
    return this.#items.map((value, i) => toEncode(value) ?? this.#fail(i));
  }

  toPlain(): unknown[] {
    return this.#items.map(toPlain);
  }
}

function hasSpace(text: JsonText): boolean {
  for (let i = text.from; i < text.to; i++) if (text.bytes[i]! <= 0x20) return true;
  return false;
}

/** Null for a JSON string with a lone surrogate, which no encoder takes. */
function toEncode(value: Value): EncodeValue {
  if (value instanceof MslMap) return value.toFields();
  if (value instanceof MslList) return value.toEncode();
  if (value instanceof JsonText) return value.text();
  if (value instanceof OddNumber) return value.approximate;
  // A copy: the bytes it came from may be wiped.
  return value instanceof Uint8Array ? value.slice() : value;
}

function toPlain(value: Value): unknown {
  if (value instanceof MslMap || value instanceof MslList) return value.toPlain();
  if (value instanceof JsonText) return value.text();
  if (value instanceof OddNumber) return value.approximate;
  if (value instanceof Uint8Array) return encodeBase64(value);
  return value;
}
