// The X25519 ladder on two lanes of doubles (f64x2): the products of a step come in independent pairs.
//
// An element is twelve doubles, limb k a multiple of 2^w(k) with w(k) = ceil(21.25 k), so that w(k + 12) = w(k) + 255:
// 22 bits for limbs 0, 4 and 8, else 21. The product of limbs i and j is a multiple of 2^w(i + j), or, from i + j = 12
// on, of 2^w(i + j - 12) after a multiplication by FOLD = 19 * 2^-255. The limbs stand at their true weight: exponents
// do the shifting, and no value but zero is below 2^-255, so nothing is subnormal and no addition depends on its data.
//
// Invariant "reduced", what `settle` leaves: |limb k| <= 2^(w(k + 1) - 1) * (1 + 2^-12). Operands of a product are sums or
// differences of at most two reduced elements. The largest column, c0, is then below 2^51 (twelve products, eleven
// of them times 19): every sum is a multiple of 2^w(k) below 2^(w(k) + 53), thus exact.

import { scratchPop, scratchPush } from "../memory/scratch";
import { FE_SIZE, feMul, feToBytes } from "./field25519";
import { feFromDoubles } from "./field25519.i64";
import { feInvert } from "./invert25519";
import { limbOf } from "./limbs25519";
import { CONSTANTS, FOLD, multiply, multiplyBase, square } from "./products25519.simd";

// Working space, from its base; an element's pair takes 192 bytes.
const X2Z2: i32 = 0;
const X3Z3: i32 = 192;
const LEFT: i32 = 384;
const SQUARED: i32 = 576;
const OUT: i32 = 768;
const FOLDED: i32 = 960;
/** A right operand as a table: limbs 1 to 11 times FOLD, then limbs 0 to 11. */
const TABLE: i32 = 1152;
/** The table of the public value: entry n beside entry n - 1, for products of one element alone. */
const BASE: i32 = 1536;
const WORK: i32 = 1888;

/** One step: (x2, z2) and (x3, z3) exchanged where `mask` is all ones, then doubled and added, RFC 7748 §5. */
function step(w: usize, mask: v128): void {
  const fold = v128.load64_splat(CONSTANTS, FOLD);
  const odd = i64x2(0, i64.MIN_VALUE);
  const even = i64x2(i64.MIN_VALUE, 0);
  for (let i: usize = 0; i < 192; i += 16) {
    let a = v128.load(w + i);
    let b = v128.load(w + i, 192);
    const t = v128.and(mask, v128.xor(a, b));
    a = v128.xor(a, t);
    b = v128.xor(b, t);
    // (A, B) = (x2 + z2, x2 - z2) into the table, (D, C) = (x3 - z3, x3 + z3).
    a = f64x2.add(v128.shuffle<f64>(a, a, 1, 0), v128.xor(a, odd));
    b = f64x2.add(b, v128.xor(v128.shuffle<f64>(b, b, 1, 0), even));
    v128.store(w + i, f64x2.mul(a, fold), 1136);
    v128.store(w + i, a, 1328);
    v128.store(w + i, b, 384);
  }
  multiply(w + LEFT, w + TABLE, w + OUT); // (DA, CB)
  square(w + TABLE + 176, w + FOLDED, w + SQUARED); // (AA, BB)
  for (let i: usize = 0; i < 192; i += 16) {
    const a = v128.load(w + i, 768);
    v128.store(w + i, f64x2.add(v128.shuffle<f64>(a, a, 1, 0), v128.xor(a, odd)), 768); // (CB + DA, DA - CB)
    const s = v128.load(w + i, 576);
    // (AA, E)
    v128.store(w + i, f64x2.sub(v128.shuffle<f64>(s, s, 0, 0), v128.and(s, i64x2(0, -1))), 384);
  }
  square(w + OUT, w + FOLDED, w + X3Z3); // (x3, (DA - CB)^2)
  multiplyBase(w + X3Z3, w + BASE, w + LEFT, w + OUT); // (z3, 121665 E)
  for (let i: usize = 0; i < 192; i += 16) {
    const a = v128.load(w + i, 768);
    v128.store(w + i, v128.shuffle<f64>(v128.load(w + i, 192), a, 0, 2), 192); // (x3, z3)
    const s = v128.load(w + i, 576);
    // (BB, AA + 121665 E)
    const b = f64x2.add(v128.shuffle<f64>(s, s, 1, 0), v128.and(a, i64x2(0, -1)));
    v128.store(w + i, f64x2.mul(b, fold), 1136);
    v128.store(w + i, b, 1328);
  }
  multiply(w + LEFT, w + TABLE, w + X2Z2); // (x2, z2) = (AA * BB, E * (AA + 121665 E))
}

/** The table of u for `multiplyBase`, and u as x3. */
function setBase(w: usize, u: usize): void {
  const fold = load<f64>(CONSTANTS + FOLD);
  for (let k = 0; k < 12; k++) {
    const v = limbOf(u, k);
    v128.store(w + (k << 4), f64x2(v, 0), 192);
    const entry = w + BASE + (k << 4);
    // Entry n of the table, -11 <= n <= 11, stands in lane 0 of slot n + 10 and in lane 1 of slot n + 11.
    store<f64>(entry, v, 160);
    if (k < 11) store<f64>(entry, v, 184);
    if (k > 0) {
      if (k > 1) store<f64>(entry - 32, v * fold);
      store<f64>(entry - 8, v * fold);
    }
  }
}

/**
 * out = X25519 by the ladder, RFC 7748 §5.
 *
 * @param k    [secret] 32 bytes, clamped
 * @param u    [public] 32 bytes
 * @param out  [secret] 32 bytes
 * Scratch: 1 888 bytes and two elements of field25519.i64.ts, wiped.
 */
export function ladderSimd(k: usize, u: usize, out: usize): void {
  const w = scratchPush(WORK);
  setBase(w, u);
  store<f64>(w, 1, X2Z2);
  store<f64>(w, 1, X3Z3 + 8);
  let swap = 0;
  for (let t = 254; t >= 0; t--) {
    const bit = ((load<u8>(k + (t >> 3)) as i32) >> (t & 7)) & 1;
    step(w, i64x2.splat(-((swap ^ bit) as i64)));
    swap = bit;
  }
  // The last bit is 0 by clamping: nothing is left to exchange.
  const x = scratchPush(FE_SIZE);
  const z = scratchPush(FE_SIZE);
  feFromDoubles(x, w, 16);
  feFromDoubles(z, w + 8, 16);
  feInvert(z);
  feMul(x, x, z);
  feToBytes(out, x);
  scratchPop(FE_SIZE);
  scratchPop(FE_SIZE);
  scratchPop(WORK);
}
