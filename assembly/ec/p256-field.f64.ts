// Field and scalars of P-256 over twelve signed limbs of 22 bits (R = 2^264) held as doubles, for core.js, where 64-bit
// integers are emulated and bytes count: a loop for the product, the rest limb by limb. Montgomery form. The twin of
// p256-field.i64.gen.ts.
//
// Every value is an integer below 2^53, so sums and products are exact. Adding and subtracting 1.5 * 2^(52+w) rounds to
// a multiple of 2^w. Settled element: |limb| <= 2^21 for limbs 0..10; limb 11 takes what the value needs.
// Reduction: p = -1 mod 2^96, so the digit that clears column i is what rounding leaves of it, |m| <= 2^21, and m * p
// adds m * 2^96 (2^8 at limb 4), m * 2^192 (2^16 at limb 8), -m * 2^224 (2^4 at limb 10), m * 2^256 (2^14 at limb 11).
// Values: a product of elements |a| <= A * 2^256, |b| <= B * 2^256 leaves |out| < (0.51 + AB/256) * 2^256, thrice as
// much where it is alpha. Folded values and the values of points: as in the twin, so |limb 11| < 2^18.
// Columns: products of sums 12 * 2^22 * 2^22 < 2^47.6; alpha 3 * 2 * 2^45.6 < 2^48.2; feDoubleY 12 * (5 + 8) * 2^42 <
// 2^49.4; scMul 2^47.6 with m * n below 12 * 2^43: all far below 2^53.
// No secret decides a branch, an index or a loop bound.

import { loadBe32 } from "../bytes";

/** Bytes of an element in memory. */
export const FE_SIZE: i32 = 96;

/** 1.5 * 2^(52+22) and 2^-22; for the fold 1.5 * 2^52 (the quotient itself is rounded) and 2^-14. */
const ROUND: f64 = 2.833419889721787e22;
const SHIFT: f64 = 2.384185791015625e-7;
const ROUND14: f64 = 110680464442257310000.0;
const SHIFT14: f64 = 0.00006103515625;

/** out = k * a + j * b, limb by limb; any of them may be the same. */
function combine(out: usize, k: f64, a: usize, j: f64, b: usize): void {
  for (let i: usize = 0; i < 96; i += 8) store<f64>(out + i, k * load<f64>(a + i) + j * load<f64>(b + i));
}

/** Carries from limb to limb. */
function settle(a: usize): void {
  for (let i: usize = 0; i < 88; i += 8) {
    const x = load<f64>(a + i);
    const carry = x + ROUND - ROUND;
    store<f64>(a + i, x - carry);
    store<f64>(a + i, load<f64>(a + i, 8) + carry * SHIFT, 8);
  }
}

/**
 * out = a * b - c * d, not settled. A limb of a and of c a turn: the lowest column leaves, the rest move down.
 * Any of them may be the same.
 */
function products(out: usize, a: usize, b: usize, c: usize, d: usize): void {
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
  const d0 = load<f64>(d);
  const d1 = load<f64>(d, 8);
  const d2 = load<f64>(d, 16);
  const d3 = load<f64>(d, 24);
  const d4 = load<f64>(d, 32);
  const d5 = load<f64>(d, 40);
  const d6 = load<f64>(d, 48);
  const d7 = load<f64>(d, 56);
  const d8 = load<f64>(d, 64);
  const d9 = load<f64>(d, 72);
  const d10 = load<f64>(d, 80);
  const d11 = load<f64>(d, 88);
  let r0: f64 = 0;
  let r1: f64 = 0;
  let r2: f64 = 0;
  let r3: f64 = 0;
  let r4: f64 = 0;
  let r5: f64 = 0;
  let r6: f64 = 0;
  let r7: f64 = 0;
  let r8: f64 = 0;
  let r9: f64 = 0;
  let r10: f64 = 0;
  for (let i: usize = 0; i < 96; i += 8) {
    const x = load<f64>(a + i);
    const y = load<f64>(c + i);
    r0 += x * b0 - y * d0;
    const t = r0 + ROUND - ROUND;
    const m = r0 - t;
    r0 = t * SHIFT + r1 + x * b1 - y * d1;
    r1 = r2 + x * b2 - y * d2;
    r2 = r3 + x * b3 - y * d3;
    r3 = r4 + x * b4 - y * d4 + 256.0 * m;
    r4 = r5 + x * b5 - y * d5;
    r5 = r6 + x * b6 - y * d6;
    r6 = r7 + x * b7 - y * d7;
    r7 = r8 + x * b8 - y * d8 + 65536.0 * m;
    r8 = r9 + x * b9 - y * d9;
    r9 = r10 + x * b10 - y * d10 - 16.0 * m;
    r10 = x * b11 - y * d11 + 16384.0 * m;
  }
  store<f64>(out, r0);
  store<f64>(out, r1, 8);
  store<f64>(out, r2, 16);
  store<f64>(out, r3, 24);
  store<f64>(out, r4, 32);
  store<f64>(out, r5, 40);
  store<f64>(out, r6, 48);
  store<f64>(out, r7, 56);
  store<f64>(out, r8, 64);
  store<f64>(out, r9, 72);
  store<f64>(out, r10, 80);
  store<f64>(out, 0, 88);
}

/** out = a * b. Operands: sums or differences of two settled elements, or limbs as they come from bytes. */
export function feMul(out: usize, a: usize, b: usize): void {
  product(out, a, b);
  settle(out);
}

/** out = a * b, not settled; any of them may be the same. */
function product(out: usize, a: usize, b: usize): void {
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
  let r0: f64 = 0;
  let r1: f64 = 0;
  let r2: f64 = 0;
  let r3: f64 = 0;
  let r4: f64 = 0;
  let r5: f64 = 0;
  let r6: f64 = 0;
  let r7: f64 = 0;
  let r8: f64 = 0;
  let r9: f64 = 0;
  let r10: f64 = 0;
  for (let i: usize = 0; i < 96; i += 8) {
    const x = load<f64>(a + i);
    r0 += x * b0;
    const t = r0 + ROUND - ROUND;
    const m = r0 - t;
    r0 = t * SHIFT + r1 + x * b1;
    r1 = r2 + x * b2;
    r2 = r3 + x * b3;
    r3 = r4 + x * b4 + 256.0 * m;
    r4 = r5 + x * b5;
    r5 = r6 + x * b6;
    r6 = r7 + x * b7;
    r7 = r8 + x * b8 + 65536.0 * m;
    r8 = r9 + x * b9;
    r9 = r10 + x * b10 - 16.0 * m;
    r10 = x * b11 + 16384.0 * m;
  }
  store<f64>(out, r0);
  store<f64>(out, r1, 8);
  store<f64>(out, r2, 16);
  store<f64>(out, r3, 24);
  store<f64>(out, r4, 32);
  store<f64>(out, r5, 40);
  store<f64>(out, r6, 48);
  store<f64>(out, r7, 56);
  store<f64>(out, r8, 64);
  store<f64>(out, r9, 72);
  store<f64>(out, r10, 80);
  store<f64>(out, 0, 88);
}

/** out = a^(2^times), times >= 1. */
export function feSquareTimes(out: usize, a: usize, times: i32): void {
  for (; times > 0; times--) {
    feMul(out, a, a);
    a = out;
  }
}

/** Doubling: out = alpha = 3 * (x^2 - delta^2). */
export function feDoubleAlpha(out: usize, x: usize, delta: usize): void {
  products(out, x, x, delta, delta);
  combine(out, 3.0, out, 0.0, out);
  settle(out);
}

/** out = (a + b)^2 - 2^shift * c - d, folded; shift 0..3. Neither c nor d is `out`. */
export function feSquareSub(out: usize, a: usize, b: usize, shift: i32, c: usize, d: usize): void {
  combine(out, 1.0, a, 1.0, b);
  product(out, out, out);
  combine(out, 1.0, out, -((1 << shift) as f64), c);
  combine(out, 1.0, out, -1.0, d);
  const q = (load<f64>(out, 88) + load<f64>(out, 80) * SHIFT + ROUND14 - ROUND14) * SHIFT14;
  store<f64>(out, load<f64>(out) + q);
  store<f64>(out, load<f64>(out, 32) - 256.0 * q, 32);
  store<f64>(out, load<f64>(out, 64) - 65536.0 * q, 64);
  store<f64>(out, load<f64>(out, 80) + 16.0 * q, 80);
  store<f64>(out, load<f64>(out, 88) - 16384.0 * q, 88);
  settle(out);
}

/** Doubling: out = y3 = alpha * (4 * beta - x3) - 8 * gamma^2. Uses up beta; `out` is none of the others. */
export function feDoubleY(out: usize, alpha: usize, beta: usize, x3: usize, gamma: usize): void {
  combine(beta, 4.0, beta, -1.0, x3);
  combine(out, 8.0, gamma, 0.0, gamma);
  products(out, alpha, beta, out, gamma);
  settle(out);
}

/** Addition: out = y3 = r * (v - x3) - y * h3. Uses up v. */
export function feAddY(out: usize, r: usize, v: usize, x3: usize, y: usize, h3: usize): void {
  combine(v, 1.0, v, -1.0, x3);
  products(out, r, v, y, h3);
  settle(out);
}

/** out = a + b, limb by limb. */
export function feAdd(out: usize, a: usize, b: usize): void {
  combine(out, 1.0, a, 1.0, b);
}

/** out = a - b, limb by limb. */
export function feSub(out: usize, a: usize, b: usize): void {
  combine(out, 1.0, a, -1.0, b);
}

/** out = a * b / R mod n: scalars, Montgomery form where the caller says so. */
export function scMul(out: usize, a: usize, b: usize): void {
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
  let r0: f64 = 0;
  let r1: f64 = 0;
  let r2: f64 = 0;
  let r3: f64 = 0;
  let r4: f64 = 0;
  let r5: f64 = 0;
  let r6: f64 = 0;
  let r7: f64 = 0;
  let r8: f64 = 0;
  let r9: f64 = 0;
  let r10: f64 = 0;
  for (let i: usize = 0; i < 96; i += 8) {
    const x = load<f64>(a + i);
    r0 += x * b0;
    const l = (r0 - (r0 + ROUND - ROUND)) * 48207.0;
    const m = l - (l + ROUND - ROUND);
    r0 = r1 + x * b1 + m * 2821105.0 + (r0 + m * 2303313.0) * SHIFT;
    r1 = r2 + x * b2 + m * 998300.0;
    r2 = r3 + x * b3 + m * 386977.0;
    r3 = r4 + x * b4 + m * 3845543.0;
    r4 = r5 + x * b5 + m * 4125595.0;
    r5 = r6 + x * b6 + m * 4194303.0;
    r6 = r7 + x * b7 + m * 4194303.0;
    r7 = r8 + x * b8 + m * 65535.0;
    r8 = r9 + x * b9;
    r9 = r10 + x * b10 + m * 4194288.0;
    r10 = x * b11 + m * 16383.0;
  }
  store<f64>(out, r0);
  store<f64>(out, r1, 8);
  store<f64>(out, r2, 16);
  store<f64>(out, r3, 24);
  store<f64>(out, r4, 32);
  store<f64>(out, r5, 40);
  store<f64>(out, r6, 48);
  store<f64>(out, r7, 56);
  store<f64>(out, r8, 64);
  store<f64>(out, r9, 72);
  store<f64>(out, r10, 80);
  store<f64>(out, 0, 88);
  settle(out);
}

/** a = -a where \`mask\` is -1, a where it is 0. */
export function feNegate(a: usize, mask: i32): void {
  const sign = (1 + mask + mask) as f64;
  for (let i = 0; i < 96; i += 8) store<f64>(a + i, load<f64>(a + i) * sign);
}

/** Limbs of 32 big-endian bytes: 0 <= limb < 2^22. */
export function limbsFromBytes(out: usize, src: usize): void {
  for (let i = 0; i < 12; i++) {
    // Bits 22i..22i+21 lie in the four bytes that end with the byte of the lowest of them; the last limb has 14 bits.
    const bit = 22 * i;
    const last = 31 - (bit >> 3);
    const word = last >= 3 ? loadBe32(src + last - 3) : loadBe32(src) >> ((3 - last) << 3);
    store<f64>(out + (i << 3), ((word >> (bit & 7)) & 0x3fffff) as i32 as f64);
  }
}

/** 32 big-endian bytes of the value mod 2^256; -1 if the value is negative, else 0. |value| < 2^256 */
export function limbsToBytes(out: usize, a: usize): i32 {
  let held = 0;
  let bits = 0;
  let carry = 0;
  let at = 31;
  for (let i = 0; i < 12; i++) {
    carry += load<f64>(a + (i << 3)) as i32;
    // The last limb counts from 2^242: 14 bits to 2^256.
    const width = i < 11 ? 22 : 14;
    held |= (carry & ((1 << width) - 1)) << bits;
    carry >>= width;
    for (bits += width; bits >= 8; bits -= 8) {
      store<u8>(out + at, held);
      held >>= 8;
      at--;
    }
  }
  return carry;
}
