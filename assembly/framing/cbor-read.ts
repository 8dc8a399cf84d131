// Reads the flat CBOR maps that the core frames: integer labels of the table below 32, in any order, definite lengths.
// Text keys and unknown members make ERR_FORM: the host's codec, which is the authority, reads the map instead.

import { ERR_FORM, OK } from "../../src/core/abi";
import {
  clearValues,
  KIND_BOOLEAN,
  KIND_BYTES,
  KIND_NONE,
  KIND_NUMBER,
  KIND_TEXT,
  setInt,
  setSpan,
  valueKind,
} from "./values";

let headMajor: i32 = 0;
// The value in two halves: 64-bit integers are emulated in one of the builds.
let headHigh: u32 = 0;
let headLow: u32 = 0;

/** Reads a head at `p`; where it ends, or 0 for a form that is not taken. */
function readHead(p: usize, end: usize): usize {
  if (p >= end) return 0;
  const first = load<u8>(p) as i32;
  headMajor = first >> 5;
  const info = first & 31;
  p++;
  headHigh = 0;
  headLow = info as u32;
  if (info < 24) return p;
  if (info > 27) return 0;
  const size = 1 << (info - 24);
  if (((end - p) as i32) < size) return 0;
  headLow = 0;
  for (let i = 0; i < size; i++) {
    headHigh = (headHigh << 8) | (headLow >> 24);
    headLow = (headLow << 8) | (load<u8>(p + i) as u32);
  }
  return p + size;
}

/** Major type of the last head; a call, so that type checkers do not believe it constant. */
function major(): i32 {
  return headMajor;
}

/** Value of the last head, 0xffffffff from there up. */
function value(): u32 {
  return headHigh === 0 ? headLow : 0xffffffff;
}

/** Reads the one map in `len` bytes, all of them. OK | ERR_FORM */
export function cborRead(ptr: usize, len: i32): i32 {
  const end = ptr + len;
  clearValues();
  let p = readHead(ptr, end);
  if (p === 0 || major() !== 5 || value() > 31) return ERR_FORM;
  for (let members = value() as i32; members > 0; members--) {
    p = readHead(p, end);
    if (p === 0 || major() !== 0 || value() > 31) return ERR_FORM;
    const label = value() as i32;
    if (valueKind(label) !== KIND_NONE) return ERR_FORM;
    p = readHead(p, end);
    if (p === 0) return ERR_FORM;
    if (major() === 0) {
      if (headHigh > 0x200000 || (headHigh === 0x200000 && headLow !== 0)) return ERR_FORM;
      setInt(label, KIND_NUMBER, ((headHigh as u64) << 32) | (headLow as u64));
    } else if (major() === 2 || major() === 3) {
      if (value() > ((end - p) as u32)) return ERR_FORM;
      const size = value() as i32;
      if (major() === 3 && !isAscii(p, size)) return ERR_FORM;
      setSpan(label, major() === 2 ? KIND_BYTES : KIND_TEXT, p, size);
      p += size;
    } else if (major() === 7 && (value() === 20 || value() === 21) && load<u8>(p - 1) >= 0xf4) {
      setInt(label, KIND_BOOLEAN, (value() as i64) - 20);
    } else {
      return ERR_FORM;
    }
  }
  return p === end ? OK : ERR_FORM;
}

function isAscii(p: usize, len: i32): bool {
  for (let i = 0; i < len; i++) if (load<u8>(p + i) >= 128) return false;
  return true;
}
