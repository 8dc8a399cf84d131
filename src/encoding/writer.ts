// Writes objects in either format into one buffer that grows, is used again, and is wiped after each object, since
// passwords and keys pass through it.

import { MslProtocolError } from "../errors/msl-error.ts";
import { writeBase64 } from "./base64.ts";
import { EncodedObject, type EncodeFields, type EncodeValue, type Format } from "./fields.ts";
import { LABELS } from "./labels.ts";
import { MAX_DEPTH, MAX_ID } from "./limits.ts";
import { writeUtf8 } from "./utf8.ts";

let buffer = new Uint8Array(4096);
let at = 0;
let depth = 0;
const TWO_32 = 0x100000000;
/** A buffer above this size is not kept. */
const KEEP = 65536;

/** Bytes of an object. @throws MSL_ENCODE_ERROR for lone surrogates, numbers that are no integers of ±2^53, and nesting beyond MAX_DEPTH */
export function writeObject(format: Format, fields: EncodeFields): Uint8Array {
  at = 0;
  depth = 0;
  try {
    if (format === "JSON") jsonObject(fields);
    else cborMap(fields);
    return buffer.slice(0, at);
  } finally {
    if (buffer.length > KEEP) {
      buffer.fill(0);
      buffer = new Uint8Array(4096);
    } else {
      buffer.fill(0, 0, at);
    }
    at = 0;
  }
}

function room(n: number): void {
  if (at + n <= buffer.length) return;
  const grown = new Uint8Array(Math.max(buffer.length * 2, at + n));
  grown.set(buffer.subarray(0, at));
  buffer.fill(0);
  buffer = grown;
}

function raw(bytes: Uint8Array): void {
  room(bytes.length);
  buffer.set(bytes, at);
  at += bytes.length;
}

function fail(): never {
  throw new MslProtocolError("MSL_ENCODE_ERROR");
}

/** Deeper than any decoder reads, or a cycle. */
function enter(): void {
  if (++depth > MAX_DEPTH) fail();
}

function splice(object: EncodedObject, format: Format): void {
  if (object.format !== format) fail();
  raw(object.bytes);
}

// ---------------------------------------------------------------- JSON

function jsonObject(fields: EncodeFields): void {
  enter();
  room(2);
  buffer[at++] = 0x7b;
  let isFirst = true;
  for (const name of Object.keys(fields)) {
    const value = fields[name];
    if (value === null || value === undefined) continue;
    room(2);
    if (!isFirst) buffer[at++] = 0x2c;
    isFirst = false;
    jsonString(name);
    room(1);
    buffer[at++] = 0x3a;
    jsonValue(value);
  }
  room(1);
  buffer[at++] = 0x7d;
  depth--;
}

function jsonValue(value: EncodeValue): void {
  if (typeof value === "string") jsonString(value);
  else if (typeof value === "number") ascii(integer(value).toString());
  else if (typeof value === "boolean") ascii(value ? "true" : "false");
  else if (value instanceof Uint8Array) {
    room(Math.ceil(value.length / 3) * 4 + 2);
    buffer[at++] = 0x22;
    at = writeBase64(value, buffer, at);
    buffer[at++] = 0x22;
  } else if (Array.isArray(value)) jsonArray(value);
  else if (value === null || value === undefined) fail();
  else if (value instanceof EncodedObject) splice(value, "JSON");
  else jsonObject(value as EncodeFields);
}

function jsonArray(items: readonly EncodeValue[]): void {
  enter();
  room(1);
  buffer[at++] = 0x5b;
  for (let i = 0; i < items.length; i++) {
    if (i > 0) {
      room(1);
      buffer[at++] = 0x2c;
    }
    jsonValue(items[i]);
  }
  room(1);
  buffer[at++] = 0x5d;
  depth--;
}

function jsonString(text: string): void {
  room(text.length * 6 + 2);
  buffer[at++] = 0x22;
  at = writeJsonText(text, buffer, at);
  buffer[at++] = 0x22;
}

/** Writes the inside of a JSON string; `out` has 6 bytes a UTF-16 unit. @throws MSL_ENCODE_ERROR */
export function writeJsonText(text: string, out: Uint8Array, from: number): number {
  const { length } = text;
  let p = from;
  let i = 0;
  while (i < length) {
    const c = text.charCodeAt(i++);
    if (c < 0x80) {
      if (c >= 0x20 && c !== 0x22 && c !== 0x5c) out[p++] = c;
      else p = writeEscape(c, out, p);
      continue;
    }
    const start = i - 1;
    while (i < length && text.charCodeAt(i) >= 0x80) i++;
    p = writeUtf8(text.slice(start, i), out, p);
    if (p < 0) fail();
  }
  return p;
}

function writeEscape(c: number, out: Uint8Array, at: number): number {
  out[at] = 0x5c;
  if (c >= 0x20) {
    out[at + 1] = c;
    return at + 2;
  }
  const hex = `u${c.toString(16).padStart(4, "0")}`;
  for (let k = 0; k < 5; k++) out[at + 1 + k] = hex.charCodeAt(k);
  return at + 6;
}

function ascii(text: string): void {
  room(text.length);
  for (let i = 0; i < text.length; i++) buffer[at++] = text.charCodeAt(i);
}

function integer(value: number): number {
  return Number.isInteger(value) && Math.abs(value) <= MAX_ID ? value : fail();
}

// ---------------------------------------------------------------- CBOR

function cborMap(fields: EncodeFields): void {
  enter();
  const names = Object.keys(fields);
  // Members that are left out count only towards the choice of the way: below 24 the head is one byte, set at the end.
  const isShort = names.length < 24;
  const start = at;
  let count = 0;
  if (isShort) head(5, 0);
  else head(5, names.filter((name) => fields[name] !== null && fields[name] !== undefined).length);
  for (const name of names) {
    const value = fields[name];
    if (value === null || value === undefined) continue;
    count++;
    const label = LABELS.get(name);
    if (label === undefined) cborText(name);
    else head(0, label);
    cborValue(value);
  }
  if (isShort) buffer[start] = 0xa0 | count;
  depth--;
}

function cborValue(value: EncodeValue): void {
  if (typeof value === "string") cborText(value);
  else if (typeof value === "number") {
    const n = integer(value);
    if (n >= 0) head(0, n);
    else head(1, -1 - n);
  } else if (typeof value === "boolean") {
    room(1);
    buffer[at++] = value ? 0xf5 : 0xf4;
  } else if (value instanceof Uint8Array) {
    head(2, value.length);
    raw(value);
  } else if (Array.isArray(value)) {
    enter();
    head(4, value.length);
    for (const item of value) cborValue(item);
    depth--;
  } else if (value === null || value === undefined) fail();
  else if (value instanceof EncodedObject) splice(value, "CBOR");
  else cborMap(value as EncodeFields);
}

function cborText(text: string): void {
  // The length stands first: reserve the longest head, write, then move into place.
  room(text.length * 3 + 9);
  const start = at;
  const end = writeUtf8(text, buffer, start + 9);
  if (end < 0) fail();
  const length = end - start - 9;
  head(3, length);
  buffer.copyWithin(at, start + 9, end);
  buffer.fill(0, at + length, end);
  at += length;
}

function head(major: number, value: number): void {
  room(9);
  const top = major << 5;
  if (value < 24) {
    buffer[at++] = top | value;
    return;
  }
  const size = value < 0x100 ? 1 : value < 0x10000 ? 2 : value < TWO_32 ? 4 : 8;
  buffer[at++] = top | (size === 1 ? 24 : size === 2 ? 25 : size === 4 ? 26 : 27);
  let rest = value;
  for (let i = size - 1; i >= 0; i--) {
    buffer[at + i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  at += size;
}
