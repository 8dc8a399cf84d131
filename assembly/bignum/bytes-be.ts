// Big-endian byte strings as numbers: comparisons and sizes, without a modulus.

import { maskZero } from "../ct";

/** Bits of a number of `len` bytes; 0 for zero. @param ptr  [public] */
export function beBitsVarTime(ptr: usize, len: i32): i32 {
  for (let i = 0; i < len; i++) {
    const byte = load<u8>(ptr + (i as usize)) as i32;
    if (byte !== 0) return ((len - i) << 3) + 24 - clz<i32>(byte);
  }
  return 0;
}

/** -1 if a < b, else 0. @param a, b  [secret] `len` bytes */
export function beMaskLess(a: usize, b: usize, len: i32): i32 {
  let borrow = 0;
  for (let i = (len - 1) as usize; (i as i32) >= 0; i--) {
    borrow = ((load<u8>(a + i) as i32) - (load<u8>(b + i) as i32) + borrow) >> 31;
  }
  return borrow;
}

/** -1 if the number is `value` ≤ 255, else 0. @param ptr  [secret] `len` ≥ 1 bytes */
export function beMaskSmall(ptr: usize, len: i32, value: i32): i32 {
  let diff = (load<u8>(ptr + ((len - 1) as usize)) as i32) ^ value;
  for (let i = 0; i < len - 1; i++) diff |= load<u8>(ptr + (i as usize)) as i32;
  return maskZero(diff);
}

/** Subtracts `value` ≤ 255 in place. @param ptr  [secret] `len` bytes, at least `value` */
export function beSubSmall(ptr: usize, len: i32, value: i32): void {
  let borrow = value;
  for (let i = len - 1; i >= 0; i--) {
    const at = ptr + (i as usize);
    const digit = (load<u8>(at) as i32) - borrow;
    store<u8>(at, digit as u8);
    borrow = (digit >> 31) & 1;
  }
}
