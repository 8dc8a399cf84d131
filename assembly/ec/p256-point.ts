// Points of P-256: Jacobian x = X/Z^2, y = Y/Z^3, in memory X | Y | Z; affine x | y. Formulas of the Explicit-Formulas
// Database: doubling dbl-2001-b for a = -3, addition of an affine point after madd-2004-hmv. The addition is wrong for
// infinity and for equal or opposite points; each caller shows that these cannot come up, or looks.
// Constant-time but for what ends in VarTime.

import { ERR_PUBLIC_KEY, OK } from "../../src/core/abi";
import { copy } from "../bytes";
import { maskZero } from "../ct";
import { scratchPop, scratchPush } from "../memory/scratch";
import { B, N, P, R_P } from "./p256-constants";
import { feFromBytes, feInvert, feIsZero, feRoot, feToBytes, numLess, numSelect, numSub } from "./p256-element";
import {
  FE_SIZE,
  feAdd,
  feAddY,
  feDoubleAlpha,
  feDoubleY,
  feMul,
  feNegate,
  feSquare,
  feSquareSub,
  feSub,
  limbsFromBytes,
} from "./p256-field";

export const AFFINE_SIZE: i32 = 2 * FE_SIZE;
export const POINT_SIZE: i32 = 3 * FE_SIZE;
/** Working space of a doubling or addition. */
export const POINT_WORK: i32 = 5 * FE_SIZE;
/** A scalar made odd: 33 little-endian bytes and zeros. */
export const ODD_SIZE: i32 = 48;

/** An element of zeros. */
const ZERO: usize = memory.data(96, 16);

/** q = 2q. There is no point with y = 0, the order being odd. */
export function pointDouble(q: usize, work: usize): void {
  const y = q + FE_SIZE;
  const z = q + 2 * FE_SIZE;
  const gamma = work + FE_SIZE;
  const alpha = work + 2 * FE_SIZE;
  const beta = work + 3 * FE_SIZE;
  feSquare(work, z);
  feSquare(gamma, y);
  feMul(beta, q, gamma);
  feDoubleAlpha(alpha, q, work);
  feSquareSub(z, y, z, 0, gamma, work); // 2yz
  feSquareSub(q, alpha, ZERO, 3, beta, ZERO);
  feDoubleY(y, alpha, beta, q, gamma);
}

/** q = q + t, t affine, q ≠ ±t, neither infinity. Leaves h = Z3/Z1 at `work`, 0 iff q = ±t, and r = 0 iff q = t behind. */
export function pointAdd(q: usize, t: usize, work: usize): void {
  const y = q + FE_SIZE;
  const z = q + 2 * FE_SIZE;
  const r = work + FE_SIZE;
  const v = work + 2 * FE_SIZE;
  const h3 = work + 3 * FE_SIZE;
  const h2 = work + 4 * FE_SIZE;
  feSquare(v, z);
  feMul(work, t, v);
  feSub(work, work, q);
  feMul(h3, z, v);
  feMul(r, t + FE_SIZE, h3);
  feSub(r, r, y);
  feMul(z, z, work);
  feSquare(h2, work);
  feMul(h3, h2, work);
  feMul(v, q, h2);
  feSquareSub(q, r, ZERO, 1, v, h3);
  feAddY(y, r, v, q, y, h3);
}

/** Z = 1. */
export function pointFromAffine(q: usize, t: usize): void {
  copy(q, t, AFFINE_SIZE);
  limbsFromBytes(q + AFFINE_SIZE, R_P);
}

/** t = affine form of q, from 1/Z. Scratch: one element. */
export function pointScale(t: usize, q: usize, inverse: usize): void {
  const square = scratchPush(FE_SIZE);
  feSquare(square, inverse);
  feMul(t, q, square);
  feMul(square, square, inverse);
  feMul(t + FE_SIZE, q + FE_SIZE, square);
  scratchPop(FE_SIZE);
}

/** t = affine form of q, which is not infinity; they may be the same. */
export function pointToAffine(t: usize, q: usize): void {
  const inverse = scratchPush(FE_SIZE);
  feInvert(inverse, q + AFFINE_SIZE);
  pointScale(t, q, inverse);
  scratchPop(FE_SIZE);
}

/**
 * Makes a chain of points affine with one inversion.
 *
 * @param chain  `CHAIN` entries X | Y | h; of each, Z is the Z of the one before times h
 * @param z      Z of the last
 */
export function chainToAffine(chain: usize, z: usize): void {
  const inverse = scratchPush(FE_SIZE);
  feInvert(inverse, z);
  for (let i = CHAIN - 1; i >= 0; i--) {
    const entry = chain + ((i * POINT_SIZE) as usize);
    pointScale(entry, entry, inverse);
    feMul(inverse, inverse, entry + AFFINE_SIZE);
  }
  scratchPop(FE_SIZE);
}

/** Points of a chain. */
export const CHAIN: i32 = 16;

/**
 * Entry `index` of a table, read in full.
 *
 * @param out    `bytes` bytes, a multiple of 32
 * @param index  [secret] 0..count-1
 * Time: depends on `stride`, `count` and `bytes` only.
 */
export function tablePick(out: usize, table: usize, stride: i32, count: i32, bytes: i32, index: i32): void {
  for (let at = 0; at < bytes; at += 32) {
    let entry = table + at;
    if (ASC_FEATURE_SIMD) {
      let a = i64x2.splat(0);
      let b = a;
      for (let i = 0; i < count; i++) {
        const mask = i32x4.splat(maskZero(i ^ index));
        a = v128.or(a, v128.and(mask, v128.load(entry)));
        b = v128.or(b, v128.and(mask, v128.load(entry, 16)));
        entry += stride;
      }
      v128.store(out + at, a);
      v128.store(out + at, b, 16);
    } else if (CORE_JS) {
      for (let k = 0; k < 32; k += 16) {
        let a: u32 = 0;
        let b: u32 = 0;
        let c: u32 = 0;
        let d: u32 = 0;
        for (let i = 0; i < count; i++) {
          const mask = maskZero(i ^ index) as u32;
          a |= mask & load<u32>(entry);
          b |= mask & load<u32>(entry, 4);
          c |= mask & load<u32>(entry, 8);
          d |= mask & load<u32>(entry, 12);
          entry += stride;
        }
        store<u32>(out + at + k, a);
        store<u32>(out + at + k, b, 4);
        store<u32>(out + at + k, c, 8);
        store<u32>(out + at + k, d, 12);
        entry = table + at + 16;
      }
    } else {
      let a: u64 = 0;
      let b: u64 = 0;
      let c: u64 = 0;
      let d: u64 = 0;
      for (let i = 0; i < count; i++) {
        const mask = maskZero(i ^ index) as i64 as u64;
        a |= mask & load<u64>(entry);
        b |= mask & load<u64>(entry, 8);
        c |= mask & load<u64>(entry, 16);
        d |= mask & load<u64>(entry, 24);
        entry += stride;
      }
      store<u64>(out + at, a);
      store<u64>(out + at, b, 8);
      store<u64>(out + at, c, 16);
      store<u64>(out + at, d, 24);
    }
  }
}

/**
 * The odd one of k and n - k: what the scalar multiplications take.
 *
 * @param out  [secret] ODD_SIZE bytes: little-endian, bit 264 set (p256-base.ts wants it), zeros
 * @param k    [secret] 32 big-endian bytes, 1..n-1
 * @returns -1 if it is n - k, so that the product is to be negated, else 0
 */
export function scalarOdd(out: usize, k: usize): i32 {
  const t = scratchPush(32);
  const isEven = ((load<u8>(k, 31) as i32) & 1) - 1;
  numSub(t, N, k);
  numSelect(t, isEven, t, k);
  for (let i = 0; i < 32; i++) store<u8>(out + i, load<u8>(t + 31 - i));
  for (let i = 32; i < ODD_SIZE; i++) store<u8>(out + i, i === 33 ? 1 : 0);
  scratchPop(32);
  return isEven;
}

/**
 * q = k * point, signed windows of five bits with odd digits only.
 *
 * k = sum of d_i 32^i, d_51 = 1, d_i = ((k >> 5i) mod 64 | 1) - 32 for i = 50..0 (Joye and Tunstall, 2009): no digit is
 * 0. Before digit i is added, q = 32 m with m = (k >> 5(i+1)) | 1 >= 1, and |d| <= 31, so 32 m ± d > 0 as integers. They
 * are below n but for i = 0: there 32 m + d = k, not n; and 32 m - d = k - 2d = n would need d < 0 and k = n + 2d, thus
 * d = ((17 + 2d) mod 64) - 32 (n mod 64 = 17), d = 15 mod 64, outside -31..-1. So q ≠ ±d * point: no exception.
 * In the table, j * point + 2 * point with odd j <= 29.
 *
 * @param q      [secret] Jacobian
 * @param point  [public] affine, of order n
 * @param odd    [secret] as `scalarOdd` gives it
 * Scratch: 24 elements of three coordinates.
 */
export function pointMul(q: usize, point: usize, odd: usize): void {
  const work = scratchPush(POINT_WORK);
  const table = scratchPush(CHAIN * POINT_SIZE);
  const entry = scratchPush(POINT_SIZE);
  // On the isomorphic curve on which 2P = (X, Y, 1), P is (x Z^2, y Z^3): additions there need no curve constant, and
  // Z is missing from all their Zs.
  pointFromAffine(entry, point);
  pointDouble(entry, work);
  const zOfDouble = entry + AFFINE_SIZE;
  feSquare(work, zOfDouble);
  feMul(q, point, work);
  feMul(work, work, zOfDouble);
  feMul(q + FE_SIZE, point + FE_SIZE, work);
  limbsFromBytes(q + AFFINE_SIZE, R_P);
  copy(table, q, AFFINE_SIZE);
  for (let i = 1; i < CHAIN; i++) {
    const next = table + ((i * POINT_SIZE) as usize);
    pointAdd(q, entry, work);
    copy(next, q, AFFINE_SIZE);
    copy(next + AFFINE_SIZE, work, FE_SIZE);
  }
  feMul(work, q + AFFINE_SIZE, zOfDouble);
  // Of the first entry, h is what leads from its Z to nothing that is used.
  copy(table + AFFINE_SIZE, work, FE_SIZE);
  chainToAffine(table, work);
  pointFromAffine(q, table);
  for (let i = 50; i >= 0; i--) {
    for (let j = 0; j < 5; j++) pointDouble(q, work);
    const bit = 5 * i + 1;
    const from = odd + (bit >> 3);
    // Half of the digit plus 32: 16 and more are positive.
    const digit = (((load<u8>(from) as i32) | ((load<u8>(from, 1) as i32) << 8)) >> (bit & 7)) & 31;
    const isNegative = (digit >> 4) - 1;
    tablePick(entry, table, POINT_SIZE, CHAIN, (AFFINE_SIZE + 31) & ~31, (digit ^ isNegative) & 15);
    feNegate(entry + FE_SIZE, isNegative);
    pointAdd(q, entry, work);
  }
  scratchPop(POINT_SIZE);
  scratchPop(CHAIN * POINT_SIZE);
  scratchPop(POINT_WORK);
}

/** out = x^3 - 3x + b, not settled: four settled elements at most. */
function curveSide(out: usize, x: usize): void {
  const t = scratchPush(FE_SIZE);
  feSquare(t, x);
  feMul(out, t, x);
  feFromBytes(t, B);
  feAdd(out, out, t);
  for (let i = 0; i < 3; i++) feSub(out, out, x);
  scratchPop(FE_SIZE);
}

/**
 * Reads a public point, SEC 1 §2.3.4: 04 ‖ X ‖ Y or, compressed, 02 or 03 ‖ X. Checked: length, form, coordinates below
 * p, on the curve (which has no point of small order). Infinity has no such form.
 *
 * @param out  affine
 * @param ptr  [public] `len` bytes
 * @returns OK | ERR_PUBLIC_KEY
 */
export function pointReadVarTime(out: usize, ptr: usize, len: i32): i32 {
  if (len !== 65 && len !== 33) return ERR_PUBLIC_KEY;
  const form = load<u8>(ptr) as i32;
  const isCompressed = len === 33;
  if (isCompressed ? (form | 1) !== 3 : form !== 4) return ERR_PUBLIC_KEY;
  if (numLess(ptr + 1, P) === 0) return ERR_PUBLIC_KEY;
  if (!isCompressed && numLess(ptr + 33, P) === 0) return ERR_PUBLIC_KEY;
  const t = scratchPush(2 * FE_SIZE);
  const bytes = scratchPush(32);
  const y = out + FE_SIZE;
  feFromBytes(out, ptr + 1);
  curveSide(t, out);
  if (isCompressed) {
    // Settled for the squarings: times one.
    limbsFromBytes(t + FE_SIZE, R_P);
    feMul(t, t, t + FE_SIZE);
    feRoot(y, t);
    feToBytes(bytes, y);
    if (((load<u8>(bytes, 31) as i32) & 1) !== (form & 1)) feNegate(y, -1);
  } else {
    feFromBytes(y, ptr + 33);
  }
  feSquare(t + FE_SIZE, y);
  feSub(t, t, t + FE_SIZE);
  const onCurve = feIsZero(t);
  scratchPop(32);
  scratchPop(2 * FE_SIZE);
  return onCurve !== 0 ? OK : ERR_PUBLIC_KEY;
}
