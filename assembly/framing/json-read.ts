// Reads the flat JSON objects that the core frames: known members in any order, white space between tokens, plain
// ASCII strings. Whatever else JSON allows (unknown members, escapes, other number forms) makes ERR_FORM, and the
// host's codec, which is the authority, reads the object instead.

import { ERR_FORM, OK } from "../../src/core/abi";
import { load32, load64 } from "../bytes";
import { labelOf } from "./labels";
import { clearValues, KIND_BOOLEAN, KIND_NONE, KIND_NUMBER, KIND_TEXT, setInt, setSpan, valueKind } from "./values";

const QUOTE: u8 = 34;

function skipSpace(p: usize, end: usize): usize {
  while (p < end) {
    const c = load<u8>(p);
    if (c !== 32 && c !== 10 && c !== 13 && c !== 9) break;
    p++;
  }
  return p;
}

/** Where the closing quote of a plain string stands whose inside begins at `p`, or 0. */
function stringEnd(p: usize, end: usize): usize {
  if (CORE_JS) {
    while ((p & 3) !== 0 && p < end && isPlain(load<u8>(p))) p++;
    if ((p & 3) === 0) while (p + 4 <= end && arePlain4(load<u32>(p))) p += 4;
  } else if (!CORE_SMALL) {
    while (p + 8 <= end && arePlain8(load64(p))) p += 8;
  }
  while (p < end) {
    const c = load<u8>(p);
    if (c === QUOTE) return p;
    if (!isPlain(c)) return 0;
    p++;
  }
  return 0;
}

/** Printable ASCII that neither ends a string nor escapes. */
function isPlain(c: u8): bool {
  return c >= 32 && c < 127 && c !== QUOTE && c !== 92;
}

/** True if all eight characters are plain. In each byte the high bit is set first, so that no subtraction borrows. */
function arePlain8(w: u64): bool {
  const high: u64 = 0x8080808080808080;
  const one: u64 = 0x0101010101010101;
  const y = w | high;
  // The high bit stays in a byte from 32 up; that is not 127, not a quote, not a backslash; below 128.
  const plain =
    (y - 0x2020202020202020) &
    (((w ^ 0x7f7f7f7f7f7f7f7f) | high) - one) &
    (((w ^ 0x2222222222222222) | high) - one) &
    (((w ^ 0x5c5c5c5c5c5c5c5c) | high) - one) &
    ~w;
  return (plain & high) === high;
}

function arePlain4(w: u32): bool {
  const high: u32 = 0x80808080;
  const one: u32 = 0x01010101;
  const plain =
    ((w | high) - 0x20202020) &
    (((w ^ 0x7f7f7f7f) | high) - one) &
    (((w ^ 0x22222222) | high) - one) &
    (((w ^ 0x5c5c5c5c) | high) - one) &
    ~w;
  return (plain & high) === high;
}

function isDigitOrLetter(c: u8): bool {
  return (c >= 48 && c <= 57) || (c >= 97 && c <= 122);
}

/** Reads the one object in `len` bytes, all of them. OK | ERR_FORM */
export function jsonRead(ptr: usize, len: i32): i32 {
  const end = ptr + len;
  clearValues();
  if (len < 2 || load<u8>(ptr) !== 123) return ERR_FORM;
  let p = skipSpace(ptr + 1, end);
  while (p < end) {
    if (load<u8>(p) !== QUOTE) return ERR_FORM;
    const nameEnd = stringEnd(p + 1, end);
    if (nameEnd === 0) return ERR_FORM;
    const label = labelOf(p + 1, (nameEnd - p - 1) as i32);
    if (label < 0 || valueKind(label) !== KIND_NONE) return ERR_FORM;
    p = skipSpace(nameEnd + 1, end);
    if (p >= end || load<u8>(p) !== 58) return ERR_FORM;
    p = readValue(label, skipSpace(p + 1, end), end);
    if (p === 0) return ERR_FORM;
    p = skipSpace(p, end);
    if (p >= end) return ERR_FORM;
    const c = load<u8>(p);
    if (c === 125) return skipSpace(p + 1, end) === end ? OK : ERR_FORM;
    if (c !== 44) return ERR_FORM;
    p = skipSpace(p + 1, end);
  }
  return ERR_FORM;
}

/** Records the value at `p`; where it ends, or 0. */
function readValue(label: i32, p: usize, end: usize): usize {
  if (p >= end) return 0;
  if (load<u8>(p) === QUOTE) {
    const close = stringEnd(p + 1, end);
    if (close === 0) return 0;
    setSpan(label, KIND_TEXT, p + 1, (close - p - 1) as i32);
    return close + 1;
  }
  let stop = p;
  while (stop < end && isDigitOrLetter(load<u8>(stop))) stop++;
  const len = (stop - p) as i32;
  if (len === 4 && load32(p) === 0x65757274) setInt(label, KIND_BOOLEAN, 1);
  else if (len === 5 && load32(p) === 0x736c6166 && load<u8>(p, 4) === 101) setInt(label, KIND_BOOLEAN, 0);
  else {
    const value = digits(p, len);
    if (value < 0) return 0;
    setInt(label, KIND_NUMBER, value);
  }
  return stop;
}

/** Value of 1 to 16 digits without leading zeros, at most 2^53, or -1. */
function digits(p: usize, len: i32): i64 {
  if (len < 1 || len > 16 || (len > 1 && load<u8>(p) === 48)) return -1;
  // Up to eight digits fit 32 bits.
  const upper = len > 8 ? digits32(p, len - 8) : 0;
  const lower = digits32(p + max(len - 8, 0), min(len, 8));
  if (upper < 0 || lower < 0) return -1;
  const value = (upper as i64) * 100000000 + (lower as i64);
  return value <= 0x20000000000000 ? value : -1;
}

/** Value of up to eight characters, or -1 if one is no digit; they are digits or small letters. */
function digits32(p: usize, len: i32): i32 {
  let value = 0;
  for (let i = 0; i < len; i++) {
    const digit = (load<u8>(p + i) as i32) - 48;
    if (digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}
