// Writes the pieces of JSON and CBOR that the core frames, at a cursor. Callers have checked that the result fits.

import { copy, storeBe32 } from "../bytes";
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
  if (value >> 32 === 0) {
    writeShort(value as u32);
    return;
  }
  // Eight digits at the end, and what is above them: 2^53 / 10^8 fits 32 bits.
  const upper = value / 100000000;
  writeShort(upper as u32);
  writeDigits((value - upper * 100000000) as u32, 8);
}

function writeShort(value: u32): void {
  let size = 1;
  for (let v = value / 10; v > 0; v /= 10) size++;
  writeDigits(value, size);
}

/** The last `size` decimal digits. */
function writeDigits(value: u32, size: i32): void {
  for (let i = size - 1; i >= 0; i--) {
    store<u8>(cursor + i, 48 + ((value % 10) as u8));
    value /= 10;
  }
  cursor += size;
}

/** A CBOR head in its shortest form. */
export function writeHead(major: i32, value: u64): void {
  const top = (major << 5) as u8;
  const low = value as u32;
  if (value >> 32 !== 0) {
    store<u8>(cursor, top | 27);
    storeBe32(cursor + 1, (value >> 32) as u32);
    storeBe32(cursor + 5, low);
    cursor += 9;
  } else if (low < 24) {
    store<u8>(cursor, top | (low as u8));
    cursor += 1;
  } else if (low < 0x100) {
    store<u8>(cursor, top | 24);
    store<u8>(cursor, low, 1);
    cursor += 2;
  } else if (low < 0x10000) {
    store<u8>(cursor, top | 25);
    store<u8>(cursor, low >> 8, 1);
    store<u8>(cursor, low, 2);
    cursor += 3;
  } else {
    store<u8>(cursor, top | 26);
    storeBe32(cursor + 1, low);
    cursor += 5;
  }
}

/** Bytes of the head of a length below 2^16. */
export function headLength(len: i32): i32 {
  return len < 24 ? 1 : len < 0x100 ? 2 : 3;
}

/** A labelled byte string. */
export function writeMember(label: i32, ptr: usize, len: i32): void {
  writeHead(0, label as u64);
  writeHead(2, len as u64);
  writeBytes(ptr, len);
}
