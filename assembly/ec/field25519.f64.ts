// Field of Curve25519 on doubles, for builds where 64-bit integers are emulated: the form of ladder25519.simd.ts, whose
// head draws it and proves the bounds, on one lane. Twelve limbs, limb k a multiple of 2^ceil(21.25 k); every sum is a
// multiple of its column's weight and below 2^53 times it, thus exact. Multiplying by 19 * 2^-255 folds what lies above.
//
// Invariant "reduced", what `settle` leaves: limbs within half their range. Operands of mul and sq may be sums or
// differences of two reduced elements. No secret decides a branch, an index or a loop bound.

import { copy, wipe } from "../bytes";
import { scratchPop, scratchPush } from "../memory/scratch";
import { limbOf, weightOf } from "./limbs25519";

/** Bytes of an element in memory. */
export const FE_SIZE: i32 = 96;

/** 19 * 2^-255 */
const FOLD: f64 = 3.281744050935889e-76;

/** out = value of 32 little-endian bytes, the top bit masked (RFC 7748 §5); values from p up are taken mod p. */
export function feFromBytes(out: usize, src: usize): void {
  // Limbs up to twice what `settle` leaves: as good as a sum of two.
  for (let k = 0; k < 12; k++) store<f64>(out + (k << 3), limbOf(src, k));
}

/** 32 little-endian bytes of the canonical value, 0 <= value < p. */
export function feToBytes(out: usize, a: usize): void {
  const d = scratchPush(48);
  const words = scratchPush(48);
  // A reduced element lies within ±(2^254 + 2^242): adding p makes it positive and below 2p.
  for (let k = 0; k < 12; k++) store<i32>(d + (k << 2), (load<f64>(a + (k << 3)) * inverseWeight(k)) as i32);
  store<i32>(d, load<i32>(d) - 19);
  store<i32>(d, load<i32>(d, 44) + (1 << 21), 44);
  // q = floor(a / p), 0 or 1, from a + 19 at the top; q * p is subtracted by adding 19 * q and dropping bit 255.
  let q = 19;
  for (let k = 0; k < 12; k++) q = (load<i32>(d + (k << 2)) + q) >> (weightOf(k + 1) - weightOf(k));
  let carry = 19 * q;
  for (let k = 0; k < 12; k++) {
    const from = weightOf(k);
    const bits = weightOf(k + 1) - from;
    const v = load<i32>(d + (k << 2)) + carry;
    carry = v >> bits;
    const limb = (v & ((1 << bits) - 1)) as u32;
    const word = words + ((from >> 5) << 2);
    const shift = from & 31;
    store<u32>(word, load<u32>(word) | (limb << shift));
    // Shifting by 32 in two steps: a limb that begins a word leaves nothing for the next.
    store<u32>(word, (limb >> 1) >> (31 - shift), 4);
  }
  copy(out, words, 32);
  scratchPop(48);
  scratchPop(48);
}

/** 2^-w(k) */
function inverseWeight(k: i32): f64 {
  return reinterpret<f64>(((1023 - weightOf(k)) as u64) << 52);
}

export function feSet(out: usize, value: i32): void {
  wipe(out, FE_SIZE);
  store<f64>(out, value as f64);
}

export function feCopy(out: usize, a: usize): void {
  for (let i = 0; i < FE_SIZE; i += 8) store<f64>(out + i, load<f64>(a + i));
}

/** out = a + b, not reduced. */
export function feAdd(out: usize, a: usize, b: usize): void {
  store<f64>(out, load<f64>(a) + load<f64>(b));
  store<f64>(out, load<f64>(a, 8) + load<f64>(b, 8), 8);
  store<f64>(out, load<f64>(a, 16) + load<f64>(b, 16), 16);
  store<f64>(out, load<f64>(a, 24) + load<f64>(b, 24), 24);
  store<f64>(out, load<f64>(a, 32) + load<f64>(b, 32), 32);
  store<f64>(out, load<f64>(a, 40) + load<f64>(b, 40), 40);
  store<f64>(out, load<f64>(a, 48) + load<f64>(b, 48), 48);
  store<f64>(out, load<f64>(a, 56) + load<f64>(b, 56), 56);
  store<f64>(out, load<f64>(a, 64) + load<f64>(b, 64), 64);
  store<f64>(out, load<f64>(a, 72) + load<f64>(b, 72), 72);
  store<f64>(out, load<f64>(a, 80) + load<f64>(b, 80), 80);
  store<f64>(out, load<f64>(a, 88) + load<f64>(b, 88), 88);
}

/** out = a - b, not reduced. */
export function feSub(out: usize, a: usize, b: usize): void {
  store<f64>(out, load<f64>(a) - load<f64>(b));
  store<f64>(out, load<f64>(a, 8) - load<f64>(b, 8), 8);
  store<f64>(out, load<f64>(a, 16) - load<f64>(b, 16), 16);
  store<f64>(out, load<f64>(a, 24) - load<f64>(b, 24), 24);
  store<f64>(out, load<f64>(a, 32) - load<f64>(b, 32), 32);
  store<f64>(out, load<f64>(a, 40) - load<f64>(b, 40), 40);
  store<f64>(out, load<f64>(a, 48) - load<f64>(b, 48), 48);
  store<f64>(out, load<f64>(a, 56) - load<f64>(b, 56), 56);
  store<f64>(out, load<f64>(a, 64) - load<f64>(b, 64), 64);
  store<f64>(out, load<f64>(a, 72) - load<f64>(b, 72), 72);
  store<f64>(out, load<f64>(a, 80) - load<f64>(b, 80), 80);
  store<f64>(out, load<f64>(a, 88) - load<f64>(b, 88), 88);
}

/** Exchanges a and b where `swap` is 1, keeps them where it is 0; exact, and constant time. */
export function feSwap(a: usize, b: usize, swap: i32): void {
  const factor = swap as f64;
  for (let i = 0; i < FE_SIZE; i += 8) {
    const x = load<f64>(a + i);
    const y = load<f64>(b + i);
    const t = factor * (y - x);
    store<f64>(a + i, x + t);
    store<f64>(b + i, y - t);
  }
}

/** Carries twelve columns below 2^(w(k) + 52) at `out` into reduced limbs: rounding by a large constant, 2^255 folded as 19. */
function settle(out: usize): void {
  let c0 = load<f64>(out);
  let c1 = load<f64>(out, 8);
  let c2 = load<f64>(out, 16);
  let c3 = load<f64>(out, 24);
  let c4 = load<f64>(out, 32);
  let c5 = load<f64>(out, 40);
  let c6 = load<f64>(out, 48);
  let c7 = load<f64>(out, 56);
  let c8 = load<f64>(out, 64);
  let c9 = load<f64>(out, 72);
  let c10 = load<f64>(out, 80);
  let c11 = load<f64>(out, 88);
  // Four chains that start three limbs apart; their last step takes the first limb's second carry.
  let t = c0 + ROUND0 - ROUND0;
  c0 -= t;
  c1 += t;
  t = c3 + ROUND3 - ROUND3;
  c3 -= t;
  c4 += t;
  t = c6 + ROUND6 - ROUND6;
  c6 -= t;
  c7 += t;
  t = c9 + ROUND9 - ROUND9;
  c9 -= t;
  c10 += t;
  t = c1 + ROUND1 - ROUND1;
  c1 -= t;
  c2 += t;
  t = c4 + ROUND4 - ROUND4;
  c4 -= t;
  c5 += t;
  t = c7 + ROUND7 - ROUND7;
  c7 -= t;
  c8 += t;
  t = c10 + ROUND10 - ROUND10;
  c10 -= t;
  c11 += t;
  t = c2 + ROUND2 - ROUND2;
  c2 -= t;
  c3 += t;
  t = c5 + ROUND5 - ROUND5;
  c5 -= t;
  c6 += t;
  t = c8 + ROUND8 - ROUND8;
  c8 -= t;
  c9 += t;
  t = c11 + ROUND11 - ROUND11;
  c11 -= t;
  c0 += t * FOLD;
  t = c3 + ROUND3 - ROUND3;
  c3 -= t;
  c4 += t;
  t = c6 + ROUND6 - ROUND6;
  c6 -= t;
  c7 += t;
  t = c9 + ROUND9 - ROUND9;
  c9 -= t;
  c10 += t;
  t = c0 + ROUND0 - ROUND0;
  c0 -= t;
  c1 += t;
  store<f64>(out, c0);
  store<f64>(out, c1, 8);
  store<f64>(out, c2, 16);
  store<f64>(out, c3, 24);
  store<f64>(out, c4, 32);
  store<f64>(out, c5, 40);
  store<f64>(out, c6, 48);
  store<f64>(out, c7, 56);
  store<f64>(out, c8, 64);
  store<f64>(out, c9, 72);
  store<f64>(out, c10, 80);
  store<f64>(out, c11, 88);
}

/** out = a * b, reduced; any of them may be the same. */
// biome-ignore format: a column a line
export function feMul(out: usize, a: usize, b: usize): void {
  const a0 = load<f64>(a);
  const a1 = load<f64>(a, 8);
  const a2 = load<f64>(a, 16);
  const a3 = load<f64>(a, 24);
  const a4 = load<f64>(a, 32);
  const a5 = load<f64>(a, 40);
  const a6 = load<f64>(a, 48);
  const a7 = load<f64>(a, 56);
  const a8 = load<f64>(a, 64);
  const a9 = load<f64>(a, 72);
  const a10 = load<f64>(a, 80);
  const a11 = load<f64>(a, 88);
  const b0 = load<f64>(b);
  const b1 = load<f64>(b, 8);
  const b2 = load<f64>(b, 16);
  const b3 = load<f64>(b, 24);
  const b4 = load<f64>(b, 32);
  const b5 = load<f64>(b, 40);
  const b6 = load<f64>(b, 48);
  const b7 = load<f64>(b, 56);
  const b8 = load<f64>(b, 64);
  const b9 = load<f64>(b, 72);
  const b10 = load<f64>(b, 80);
  const b11 = load<f64>(b, 88);
  const f1 = b1 * FOLD;
  const f2 = b2 * FOLD;
  const f3 = b3 * FOLD;
  const f4 = b4 * FOLD;
  const f5 = b5 * FOLD;
  const f6 = b6 * FOLD;
  const f7 = b7 * FOLD;
  const f8 = b8 * FOLD;
  const f9 = b9 * FOLD;
  const f10 = b10 * FOLD;
  const f11 = b11 * FOLD;
  const c0 = a0 * b0 + a1 * f11 + a2 * f10 + a3 * f9 + a4 * f8 + a5 * f7 + a6 * f6 + a7 * f5 + a8 * f4 + a9 * f3 + a10 * f2 + a11 * f1;
  const c1 = a0 * b1 + a1 * b0 + a2 * f11 + a3 * f10 + a4 * f9 + a5 * f8 + a6 * f7 + a7 * f6 + a8 * f5 + a9 * f4 + a10 * f3 + a11 * f2;
  const c2 = a0 * b2 + a1 * b1 + a2 * b0 + a3 * f11 + a4 * f10 + a5 * f9 + a6 * f8 + a7 * f7 + a8 * f6 + a9 * f5 + a10 * f4 + a11 * f3;
  const c3 = a0 * b3 + a1 * b2 + a2 * b1 + a3 * b0 + a4 * f11 + a5 * f10 + a6 * f9 + a7 * f8 + a8 * f7 + a9 * f6 + a10 * f5 + a11 * f4;
  const c4 = a0 * b4 + a1 * b3 + a2 * b2 + a3 * b1 + a4 * b0 + a5 * f11 + a6 * f10 + a7 * f9 + a8 * f8 + a9 * f7 + a10 * f6 + a11 * f5;
  const c5 = a0 * b5 + a1 * b4 + a2 * b3 + a3 * b2 + a4 * b1 + a5 * b0 + a6 * f11 + a7 * f10 + a8 * f9 + a9 * f8 + a10 * f7 + a11 * f6;
  const c6 = a0 * b6 + a1 * b5 + a2 * b4 + a3 * b3 + a4 * b2 + a5 * b1 + a6 * b0 + a7 * f11 + a8 * f10 + a9 * f9 + a10 * f8 + a11 * f7;
  const c7 = a0 * b7 + a1 * b6 + a2 * b5 + a3 * b4 + a4 * b3 + a5 * b2 + a6 * b1 + a7 * b0 + a8 * f11 + a9 * f10 + a10 * f9 + a11 * f8;
  const c8 = a0 * b8 + a1 * b7 + a2 * b6 + a3 * b5 + a4 * b4 + a5 * b3 + a6 * b2 + a7 * b1 + a8 * b0 + a9 * f11 + a10 * f10 + a11 * f9;
  const c9 = a0 * b9 + a1 * b8 + a2 * b7 + a3 * b6 + a4 * b5 + a5 * b4 + a6 * b3 + a7 * b2 + a8 * b1 + a9 * b0 + a10 * f11 + a11 * f10;
  const c10 = a0 * b10 + a1 * b9 + a2 * b8 + a3 * b7 + a4 * b6 + a5 * b5 + a6 * b4 + a7 * b3 + a8 * b2 + a9 * b1 + a10 * b0 + a11 * f11;
  const c11 = a0 * b11 + a1 * b10 + a2 * b9 + a3 * b8 + a4 * b7 + a5 * b6 + a6 * b5 + a7 * b4 + a8 * b3 + a9 * b2 + a10 * b1 + a11 * b0;
  store<f64>(out, c0);
  store<f64>(out, c1, 8);
  store<f64>(out, c2, 16);
  store<f64>(out, c3, 24);
  store<f64>(out, c4, 32);
  store<f64>(out, c5, 40);
  store<f64>(out, c6, 48);
  store<f64>(out, c7, 56);
  store<f64>(out, c8, 64);
  store<f64>(out, c9, 72);
  store<f64>(out, c10, 80);
  store<f64>(out, c11, 88);
  settle(out);
}

/** out = a * a, reduced. */
// biome-ignore format: a column a line
export function feSquare(out: usize, a: usize): void {
  const a0 = load<f64>(a);
  const a1 = load<f64>(a, 8);
  const a2 = load<f64>(a, 16);
  const a3 = load<f64>(a, 24);
  const a4 = load<f64>(a, 32);
  const a5 = load<f64>(a, 40);
  const a6 = load<f64>(a, 48);
  const a7 = load<f64>(a, 56);
  const a8 = load<f64>(a, 64);
  const a9 = load<f64>(a, 72);
  const a10 = load<f64>(a, 80);
  const a11 = load<f64>(a, 88);
  const d0 = a0 + a0;
  const d1 = a1 + a1;
  const d2 = a2 + a2;
  const d3 = a3 + a3;
  const d4 = a4 + a4;
  const d5 = a5 + a5;
  const d6 = a6 + a6;
  const d7 = a7 + a7;
  const d8 = a8 + a8;
  const d9 = a9 + a9;
  const d10 = a10 + a10;
  const f6 = a6 * FOLD;
  const f7 = a7 * FOLD;
  const f8 = a8 * FOLD;
  const f9 = a9 * FOLD;
  const f10 = a10 * FOLD;
  const f11 = a11 * FOLD;
  const c0 = a0 * a0 + d1 * f11 + d2 * f10 + d3 * f9 + d4 * f8 + d5 * f7 + a6 * f6;
  const c1 = d0 * a1 + d2 * f11 + d3 * f10 + d4 * f9 + d5 * f8 + d6 * f7;
  const c2 = d0 * a2 + a1 * a1 + d3 * f11 + d4 * f10 + d5 * f9 + d6 * f8 + a7 * f7;
  const c3 = d0 * a3 + d1 * a2 + d4 * f11 + d5 * f10 + d6 * f9 + d7 * f8;
  const c4 = d0 * a4 + d1 * a3 + a2 * a2 + d5 * f11 + d6 * f10 + d7 * f9 + a8 * f8;
  const c5 = d0 * a5 + d1 * a4 + d2 * a3 + d6 * f11 + d7 * f10 + d8 * f9;
  const c6 = d0 * a6 + d1 * a5 + d2 * a4 + a3 * a3 + d7 * f11 + d8 * f10 + a9 * f9;
  const c7 = d0 * a7 + d1 * a6 + d2 * a5 + d3 * a4 + d8 * f11 + d9 * f10;
  const c8 = d0 * a8 + d1 * a7 + d2 * a6 + d3 * a5 + a4 * a4 + d9 * f11 + a10 * f10;
  const c9 = d0 * a9 + d1 * a8 + d2 * a7 + d3 * a6 + d4 * a5 + d10 * f11;
  const c10 = d0 * a10 + d1 * a9 + d2 * a8 + d3 * a7 + d4 * a6 + a5 * a5 + a11 * f11;
  const c11 = d0 * a11 + d1 * a10 + d2 * a9 + d3 * a8 + d4 * a7 + d5 * a6;
  store<f64>(out, c0);
  store<f64>(out, c1, 8);
  store<f64>(out, c2, 16);
  store<f64>(out, c3, 24);
  store<f64>(out, c4, 32);
  store<f64>(out, c5, 40);
  store<f64>(out, c6, 48);
  store<f64>(out, c7, 56);
  store<f64>(out, c8, 64);
  store<f64>(out, c9, 72);
  store<f64>(out, c10, 80);
  store<f64>(out, c11, 88);
  settle(out);
}

/** out = a * k for a small public k < 2^17, reduced. */
export function feMulSmall(out: usize, a: usize, k: i32): void {
  const f = k as f64;
  store<f64>(out, f * load<f64>(a));
  store<f64>(out, f * load<f64>(a, 8), 8);
  store<f64>(out, f * load<f64>(a, 16), 16);
  store<f64>(out, f * load<f64>(a, 24), 24);
  store<f64>(out, f * load<f64>(a, 32), 32);
  store<f64>(out, f * load<f64>(a, 40), 40);
  store<f64>(out, f * load<f64>(a, 48), 48);
  store<f64>(out, f * load<f64>(a, 56), 56);
  store<f64>(out, f * load<f64>(a, 64), 64);
  store<f64>(out, f * load<f64>(a, 72), 72);
  store<f64>(out, f * load<f64>(a, 80), 80);
  store<f64>(out, f * load<f64>(a, 88), 88);
  settle(out);
}

// 1.5 * 2^(52 + w(k + 1)): adding and subtracting it rounds limb k to a multiple of the next limb's weight.
const ROUND0: f64 = 2.833419889721787e22;
const ROUND1: f64 = 5.942112188569825e28;
const ROUND2: f64 = 1.2461512460483586e35;
const ROUND3: f64 = 2.6133685779528074e41;
const ROUND4: f64 = 1.0961262279981772e48;
const ROUND5: f64 = 2.2987433112988333e54;
const ROUND6: f64 = 4.820814132776971e60;
const ROUND7: f64 = 1.010998000018149e67;
const ROUND8: f64 = 4.2404329554681224e73;
const ROUND9: f64 = 8.892832453425884e79;
const ROUND10: f64 = 1.8649621365367e86;
const ROUND11: f64 = 3.911109074562213e92;
