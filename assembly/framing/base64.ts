// Base64, RFC 4648 §4, by arithmetic: no table, so that no character of a secret decides an address.

import { ERR_FORM } from "../../src/core/abi";
import { store32 } from "../bytes";

/** Length of the text for `len` bytes. */
export function base64Length(len: i32): i32 {
  return ((len + 2) / 3) << 2;
}

/** -1 if lo ≤ c ≤ hi, else 0; all in 0..255. */
function within(c: i32, lo: i32, hi: i32): i32 {
  return ((lo - 1 - c) & (c - hi - 1)) >> 8;
}

function letter(v: u32): u32 {
  const x = v as i32;
  return (x +
    65 +
    (((25 - x) >> 8) & 6) -
    (((51 - x) >> 8) & 75) -
    (((61 - x) >> 8) & 15) +
    (((62 - x) >> 8) & 3)) as u32;
}

/** Value of a letter, or -1. */
function sextet(c: i32): i32 {
  return (
    -1 +
    (within(c, 65, 90) & (c - 64)) +
    (within(c, 97, 122) & (c - 70)) +
    (within(c, 48, 57) & (c + 5)) +
    (within(c, 43, 43) & 63) +
    (within(c, 47, 47) & 64)
  );
}

/** Encodes `len` bytes to `dst`, which must not overlap the source. Returns the text's length. */
export function base64Encode(src: usize, len: i32, dst: usize): i32 {
  let out = dst;
  let i = 0;
  for (; i + 3 <= len; i += 3) {
    const v = ((load<u8>(src + i) as u32) << 16) | ((load<u8>(src + i, 1) as u32) << 8) | (load<u8>(src + i, 2) as u32);
    store32(
      out,
      letter(v >> 18) | (letter((v >> 12) & 63) << 8) | (letter((v >> 6) & 63) << 16) | (letter(v & 63) << 24),
    );
    out += 4;
  }
  const rest = len - i;
  if (rest > 0) {
    const v = ((load<u8>(src + i) as u32) << 16) | (rest > 1 ? (load<u8>(src + i, 1) as u32) << 8 : 0);
    const third: u32 = rest > 1 ? letter((v >> 6) & 63) : 61;
    store32(out, letter(v >> 18) | (letter((v >> 12) & 63) << 8) | (third << 16) | (61 << 24));
    out += 4;
  }
  return (out - dst) as i32;
}

/**
 * Decodes `len` characters: the canonical layout without white space; unused bits may be set.
 *
 * @param dst  may be `src`, or apart
 * @returns length of the bytes | ERR_FORM
 * Time: depends on `len` and on the padding only.
 */
export function base64Decode(src: usize, len: i32, dst: usize): i32 {
  if ((len & 3) !== 0) return ERR_FORM;
  if (len === 0) return 0;
  let pad = 0;
  if (load<u8>(src + len - 1) === 61) pad = load<u8>(src + len - 2) === 61 ? 2 : 1;
  const whole = pad > 0 ? len - 4 : len;
  let bad = 0;
  let out = dst;
  for (let i = 0; i < whole; i += 4) {
    const a = sextet(load<u8>(src + i));
    const b = sextet(load<u8>(src + i, 1));
    const c = sextet(load<u8>(src + i, 2));
    const d = sextet(load<u8>(src + i, 3));
    bad |= a | b | c | d;
    const v = (a << 18) | (b << 12) | (c << 6) | d;
    store<u8>(out, v >> 16);
    store<u8>(out, v >> 8, 1);
    store<u8>(out, v, 2);
    out += 3;
  }
  if (pad > 0) {
    const a = sextet(load<u8>(src + whole));
    const b = sextet(load<u8>(src + whole, 1));
    const c = pad === 1 ? sextet(load<u8>(src + whole, 2)) : 0;
    bad |= a | b | c;
    const v = (a << 18) | (b << 12) | (c << 6);
    store<u8>(out, v >> 16);
    out += 1;
    if (pad === 1) {
      store<u8>(out, v >> 8);
      out += 1;
    }
  }
  return bad < 0 ? ERR_FORM : ((out - dst) as i32);
}
