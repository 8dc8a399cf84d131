// The arithmetic kernel that this build uses: one file per number representation, with the same exports.
//
// Form of a number: n limbs (a multiple of four) of w bits, little-endian, signed with |limb| <= 2^(w-1), four zero
// limbs in front and behind, where the kernels read and never write. Values mod N lie in (-N, N); n * w exceeds the
// bits of N by at least ten, so R = 2^(w*n) >= 2^10 N: a product of two operands reduces to (-N, N) if one is below 2^8 N
// (all byte strings as long as N are) and the other below N.

import * as f64s from "./kernel.f64";
import * as i64s from "./kernel.i64";
import * as simd from "./kernel.simd";

/** Bytes of a limb in memory. */
export const LIMB: i32 = CORE_JS ? f64s.LIMB : i64s.LIMB;

export function widthFor(bits: i32): i32 {
  return CORE_JS ? f64s.widthFor(bits) : i64s.widthFor(bits);
}

export function setKernel(n: i32, w: i32, mod: usize, inverse: i32, digits: usize): void {
  if (ASC_FEATURE_SIMD) simd.setKernel(n, w, mod, inverse, digits);
  else if (CORE_JS) f64s.setKernel(n, w, mod, inverse, digits);
  else i64s.setKernel(n, w, mod, inverse, digits);
}

export function limbGet(num: usize, i: i32): i32 {
  return CORE_JS ? f64s.limbGet(num, i) : i64s.limbGet(num, i);
}

export function limbPut(num: usize, i: i32, value: i32): void {
  if (CORE_JS) f64s.limbPut(num, i, value);
  else i64s.limbPut(num, i, value);
}

/** out = a * b / R mod N. @param square  [public] a = b */
export function montgomery(out: usize, a: usize, b: usize, square: bool): void {
  if (ASC_FEATURE_SIMD) simd.montgomery(out, a, b, square);
  else if (CORE_JS) f64s.montgomery(out, a, b, square);
  else i64s.montgomery(out, a, b, square);
}

export function entryPut(entry: usize, num: usize): void {
  if (ASC_FEATURE_SIMD) simd.entryPut(entry, num);
  else if (CORE_JS) f64s.entryPut(entry, num);
  else i64s.entryPut(entry, num);
}

export function entryGet(num: usize, table: usize, entries: i32, index: i32): void {
  if (ASC_FEATURE_SIMD) simd.entryGet(num, table, entries, index);
  else if (CORE_JS) f64s.entryGet(num, table, entries, index);
  else i64s.entryGet(num, table, entries, index);
}
