// Signatures of two integers of 256 bits in DER, X.690 §10.1 and §8.3: SEQUENCE { INTEGER, INTEGER }, shortest forms
// only. All is public.

import { copy, wipe } from "../bytes";

const SEQUENCE: i32 = 0x30;
const INTEGER: i32 = 0x02;

/** One INTEGER of 0 <= value < 2^256 at `ptr`, before `end`, to 32 bytes; where it ends, or 0. */
function readInteger(out: usize, ptr: usize, end: usize): usize {
  if (end - ptr < 3 || (load<u8>(ptr) as i32) !== INTEGER) return 0;
  let len = load<u8>(ptr, 1) as i32;
  const first = load<u8>(ptr, 2) as i32;
  ptr += 2;
  // Not empty, not negative, no zero in front but where the next bit is set.
  if (len === 0 || (len as usize) > end - ptr || first > 127) return 0;
  if (first === 0 && len > 1) {
    if (load<u8>(ptr, 1) < 128) return 0;
    ptr++;
    len--;
  }
  if (len > 32) return 0;
  wipe(out, 32);
  copy(out + (32 - len), ptr, len);
  return ptr + len;
}

/** Reads `len` bytes of DER into 64 bytes r ‖ s; false if they are anything else. */
export function derRead(out: usize, ptr: usize, len: i32): bool {
  // Two integers of at most 33 bytes: the length always fits one byte.
  if (len < 8 || len > 72) return false;
  if ((load<u8>(ptr) as i32) !== SEQUENCE || (load<u8>(ptr, 1) as i32) !== len - 2) return false;
  const end = ptr + len;
  const second = readInteger(out, ptr + 2, end);
  return second !== 0 && readInteger(out + 32, second, end) === end;
}

function writeInteger(out: usize, value: usize): usize {
  let skip = 0;
  while (skip < 31 && load<u8>(value + skip) === 0) skip++;
  // A zero in front where the first bit would be a sign.
  const pad = (load<u8>(value + skip) as i32) >> 7;
  const len = 32 - skip;
  store<u8>(out, INTEGER);
  store<u8>(out, len + pad, 1);
  store<u8>(out, 0, 2);
  copy(out + 2 + pad, value + skip, len);
  return out + 2 + pad + len;
}

/** Writes r ‖ s as DER, at most 72 bytes; its length. */
export function derWrite(out: usize, signature: usize): i32 {
  const end = writeInteger(writeInteger(out + 2, signature), signature + 32);
  const len = (end - out) as i32;
  store<u8>(out, SEQUENCE);
  store<u8>(out, len - 2, 1);
  return len;
}
