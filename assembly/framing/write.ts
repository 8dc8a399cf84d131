// Writes the pieces of JSON and CBOR that the core frames, at a cursor. Callers have checked that the result fits.

import { copy } from "../bytes";
import { base64Encode } from "./base64";

let cursor: usize = 0;

export function writeAt(ptr: usize): void {
  cursor = ptr;
}

export function writeEnd(): usize {
  return cursor;
}

/** A text piece of labels.ts. */
export function writeText(piece: usize): void {
  const len = load<u8>(piece) as i32;
  copy(cursor, piece + 1, len);
  cursor += len;
}

export function writeBytes(ptr: usize, len: i32): void {
  copy(cursor, ptr, len);
  cursor += len;
}

export function writeBase64(ptr: usize, len: i32): void {
  cursor += base64Encode(ptr, len, cursor);
}

/** Decimal digits of 0..2^53. */
export function writeDecimal(value: u64): void {
  let size = 1;
  for (let v = value / 10; v > 0; v /= 10) size++;
  for (let i = size - 1; i >= 0; i--) {
    store<u8>(cursor + i, 48 + ((value % 10) as u8));
    value /= 10;
  }
  cursor += size;
}

/** A CBOR head in its shortest form. */
export function writeHead(major: i32, value: u64): void {
  const top = (major << 5) as u8;
  if (value < 24) {
    store<u8>(cursor, top | (value as u8));
    cursor += 1;
    return;
  }
  let info: u8 = 24;
  let size = 1;
  if (value > 0xffffffff) {
    info = 27;
    size = 8;
  } else if (value > 0xffff) {
    info = 26;
    size = 4;
  } else if (value > 0xff) {
    info = 25;
    size = 2;
  }
  store<u8>(cursor, top | info);
  for (let i = size; i > 0; i--) {
    store<u8>(cursor + i, value as u8);
    value >>= 8;
  }
  cursor += 1 + size;
}

/** A labelled byte string. */
export function writeMember(label: i32, ptr: usize, len: i32): void {
  writeHead(0, label as u64);
  writeHead(2, len as u64);
  writeBytes(ptr, len);
}
