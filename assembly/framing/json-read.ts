// Reads the flat JSON objects that the core frames: known members in any order, white space between tokens, plain
// ASCII strings. Whatever else JSON allows (unknown members, escapes, other number forms) makes ERR_FORM, and the
// host's codec, which is the authority, reads the object instead.

import { ERR_FORM, OK } from "../../src/core/abi";
import { load32 } from "../bytes";
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
  while (p < end) {
    const c = load<u8>(p);
    if (c === QUOTE) return p;
    if (c < 32 || c === 92 || c >= 127) return 0;
    p++;
  }
  return 0;
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
  let value: i64 = 0;
  for (let i = 0; i < len; i++) {
    const digit = (load<u8>(p + i) as i64) - 48;
    if (digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value <= 0x20000000000000 ? value : -1;
}
