// Elements of the field of P-256 above their limbs: to and from canonical bytes, inverse, square root; and numbers of
// 32 big-endian bytes. All constant-time.

import { maskZero } from "../ct";
import { scratchPop, scratchPush } from "../memory/scratch";
import { divstepInvert } from "./divsteps";
import { ONE, P, R2_P } from "./p256-constants";
import { FE_SIZE, feMul, feSquareTimes, limbsFromBytes, limbsToBytes } from "./p256-field";

/** out = a - b mod 2^256; -1 if a < b, else 0. `out` may be a or b. */
export function numSub(out: usize, a: usize, b: usize): i32 {
  let borrow = 0;
  for (let i = 31; i >= 0; i--) {
    const d = (load<u8>(a + i) as i32) - (load<u8>(b + i) as i32) + borrow;
    store<u8>(out + i, d);
    borrow = d >> 8;
  }
  return borrow;
}

/** out = a where `mask` is -1, b where it is 0. */
export function numSelect(out: usize, mask: i32, a: usize, b: usize): void {
  for (let i = 0; i < 32; i++) {
    const y = load<u8>(b + i) as i32;
    store<u8>(out + i, y ^ (mask & ((load<u8>(a + i) as i32) ^ y)));
  }
}

/** -1 if a is 0, else 0. */
export function numIsZero(a: usize): i32 {
  let any = 0;
  for (let i = 0; i < 32; i++) any |= load<u8>(a + i) as i32;
  return maskZero(any);
}

/** -1 if a < b, else 0. */
export function numLess(a: usize, b: usize): i32 {
  let borrow = 0;
  for (let i = 31; i >= 0; i--) borrow = ((load<u8>(a + i) as i32) - (load<u8>(b + i) as i32) + borrow) >> 8;
  return borrow;
}

/** a = a mod m, for a < 2m. Scratch: 32 bytes. */
export function numReduce(a: usize, m: usize): void {
  const t = scratchPush(32);
  numSelect(a, numSub(t, a, m), a, t);
  scratchPop(32);
}

/**
 * Canonical bytes of limbs that left a multiplication by one: |value| <= m.
 *
 * @param out  32 bytes, 0 <= out < m
 * Scratch: 32 bytes.
 */
export function limbsCanonical(out: usize, a: usize, m: usize): void {
  const isNegative = limbsToBytes(out, a);
  let carry = 0;
  for (let i = 31; i >= 0; i--) {
    carry += (load<u8>(out + i) as i32) + ((load<u8>(m + i) as i32) & isNegative);
    store<u8>(out + i, carry);
    carry >>= 8;
  }
  numReduce(out, m);
}

/** Montgomery form of limbs of a number, |value| < 16 * 2^256. `out` may be a. */
function feFromLimbs(out: usize, a: usize): void {
  const t = scratchPush(FE_SIZE);
  limbsFromBytes(t, R2_P);
  feMul(out, a, t);
  scratchPop(FE_SIZE);
}

/** Montgomery form of 32 big-endian bytes, any value. */
export function feFromBytes(out: usize, src: usize): void {
  limbsFromBytes(out, src);
  feFromLimbs(out, out);
}

/** Canonical bytes of an element in Montgomery form; |value| < 2^260. Limbs up to six settled ones. */
export function feToBytes(out: usize, a: usize): void {
  const t = scratchPush(FE_SIZE);
  limbsFromBytes(t, ONE);
  feMul(t, a, t);
  limbsCanonical(out, t, P);
  scratchPop(FE_SIZE);
}

/** -1 if the element is 0, else 0; as `feToBytes` takes them. */
export function feIsZero(a: usize): i32 {
  const t = scratchPush(32);
  feToBytes(t, a);
  const mask = numIsZero(t);
  scratchPop(32);
  return mask;
}

function squareMul(out: usize, a: usize, times: i32, b: usize): void {
  feSquareTimes(out, a, times);
  feMul(out, out, b);
}

/** x2 = a^(2^2-1), x30 = a^(2^30-1), x32 = a^(2^32-1). */
function powers(x2: usize, x30: usize, x32: usize, a: usize): void {
  squareMul(x2, a, 1, a);
  squareMul(x32, x2, 2, x2); // 2^4 - 1
  squareMul(x32, x32, 2, x2); // 2^6 - 1
  squareMul(x30, x32, 6, x32); // 2^12 - 1
  const t = scratchPush(FE_SIZE);
  squareMul(t, x30, 12, x30); // 2^24 - 1
  squareMul(x30, t, 6, x32);
  scratchPop(FE_SIZE);
  squareMul(x32, x30, 2, x2);
}

/** out = 1/a; 0 gives 0. `out` may be a, which is as `feToBytes` takes it. */
export function feInvert(out: usize, a: usize): void {
  if (CORE_JS) {
    powerInvert(out, a);
    return;
  }
  const bytes = scratchPush(32);
  feToBytes(bytes, a);
  numInvert(out, bytes, P, 1);
  // In Montgomery form again, and of the size that a product has.
  feFromLimbs(out, out);
  scratchPop(32);
}

/** out = limbs of 1/a mod m; 0 gives 0. For the last two arguments see `divstepInvert`. Not in core.js. */
export function numInvert(out: usize, a: usize, m: usize, inverse: i64): void {
  const t = scratchPush(FE_SIZE);
  limbsFromBytes(t, m);
  limbsFromBytes(out, a);
  divstepInvert(out, out, t, inverse);
  scratchPop(FE_SIZE);
}

/** out = a^(p-2), p - 2 = ffffffff 00000001 0 0 0 ffffffff ffffffff fffffffd: the way of core.js, where it is faster. */
function powerInvert(out: usize, a: usize): void {
  const t = scratchPush(3 * FE_SIZE);
  const x30 = t + FE_SIZE;
  const x32 = t + 2 * FE_SIZE;
  powers(t, x30, x32, a);
  squareMul(t, x32, 32, a);
  squareMul(t, t, 128, x32);
  squareMul(t, t, 32, x32);
  squareMul(t, t, 30, x30);
  squareMul(out, t, 2, a);
  scratchPop(3 * FE_SIZE);
}

/** out = a^((p+1)/4), a root of a if it has one; (p+1)/4 = 2^254 - 2^222 + 2^190 + 2^94. Not the same as a. */
export function feRoot(out: usize, a: usize): void {
  const t = scratchPush(2 * FE_SIZE);
  const x32 = t + FE_SIZE;
  powers(t, out, x32, a);
  squareMul(t, x32, 32, a);
  squareMul(t, t, 96, a);
  feSquareTimes(out, t, 94);
  scratchPop(2 * FE_SIZE);
}
