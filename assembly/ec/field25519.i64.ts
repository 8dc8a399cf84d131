// Field of Curve25519, integers mod p = 2^255 - 19, as nine signed limbs of 29 bits (radix 2^29, 261 bits in all),
// held in memory as i32 and multiplied in i64. The 32-bit twin of this file has the same exports.
//
// Invariant "reduced": |limb| <= 2^28 + 2^15 for limbs 0..7 and |limb 8| <= 2^22, what `settle` leaves.
// Operands of mul and sq may be sums or differences of two reduced elements: |limb| <= 2^29 + 2^16, so a column of nine
// products stays below 9 * (2^29 + 2^16)^2 < 2^61.2. No secret decides a branch, an index or a loop bound.

import { load64, store64, wipe } from "../bytes";

/** Bytes of an element in memory. */
export const FE_SIZE: i32 = 48;

const MASK: i64 = 0x1fffffff;
const HALF: i64 = 0x10000000;
/** 1.5 * 2^52: added to a whole number below 2^51, its low bits are that number. */
const ROUND: f64 = 6755399441055744;

/** out = value of 32 little-endian bytes, the top bit masked (RFC 7748 §5); values from p up are taken mod p. */
export function feFromBytes(out: usize, src: usize): void {
  const w0 = load64(src);
  const w1 = load64(src + 8);
  const w2 = load64(src + 16);
  const w3 = load64(src + 24) & 0x7fffffffffffffff;
  const mask = MASK as u64;
  settle(
    out,
    (w0 & mask) as i64,
    ((w0 >> 29) & mask) as i64,
    (((w0 >> 58) | (w1 << 6)) & mask) as i64,
    ((w1 >> 23) & mask) as i64,
    (((w1 >> 52) | (w2 << 12)) & mask) as i64,
    ((w2 >> 17) & mask) as i64,
    (((w2 >> 46) | (w3 << 18)) & mask) as i64,
    ((w3 >> 11) & mask) as i64,
    (w3 >> 40) as i64,
  );
}

/**
 * out = the value of twelve doubles at `src`, `stride` bytes apart, as the ladders on doubles hold it: limb k is an
 * integer below 2^23 times 2^ceil(21.25 k). A limb is shifted into the column that its weight begins in.
 */
export function feFromDoubles(out: usize, src: usize, stride: usize): void {
  settle(
    out,
    scaled(src, 0) + (scaled(src + stride, 22) << 22),
    scaled(src + 2 * stride, 43) << 14,
    (scaled(src + 3 * stride, 64) << 6) + (scaled(src + 4 * stride, 85) << 27),
    scaled(src + 5 * stride, 107) << 20,
    scaled(src + 6 * stride, 128) << 12,
    (scaled(src + 7 * stride, 149) << 4) + (scaled(src + 8 * stride, 170) << 25),
    scaled(src + 9 * stride, 192) << 18,
    scaled(src + 10 * stride, 213) << 10,
    scaled(src + 11 * stride, 234) << 2,
  );
}

/** The double at `p`, a multiple of 2^weight, over 2^weight. */
function scaled(p: usize, weight: i32): i64 {
  // By its bits: a conversion would test for what does not fit, and core.c would branch on that.
  return (
    reinterpret<i64>(load<f64>(p) * reinterpret<f64>(((1023 - weight) as u64) << 52) + ROUND) - reinterpret<i64>(ROUND)
  );
}

/** 32 little-endian bytes of the canonical value, 0 <= value < p. */
export function feToBytes(out: usize, a: usize): void {
  let l0 = load<i32>(a) as i64;
  let l1 = load<i32>(a, 4) as i64;
  let l2 = load<i32>(a, 8) as i64;
  let l3 = load<i32>(a, 12) as i64;
  let l4 = load<i32>(a, 16) as i64;
  let l5 = load<i32>(a, 20) as i64;
  let l6 = load<i32>(a, 24) as i64;
  let l7 = load<i32>(a, 28) as i64;
  let l8 = load<i32>(a, 32) as i64;
  // A reduced element lies within ±(2^254 + 2^233): adding p makes it positive and below 2p.
  l0 -= 19;
  l8 += 0x800000;
  // q = floor(a / p), 0 or 1, from a + 19 at the top; q * p is subtracted by adding 19 * q and dropping bit 255.
  let q = (l0 + 19) >> 29;
  q = (l1 + q) >> 29;
  q = (l2 + q) >> 29;
  q = (l3 + q) >> 29;
  q = (l4 + q) >> 29;
  q = (l5 + q) >> 29;
  q = (l6 + q) >> 29;
  q = (l7 + q) >> 29;
  q = (l8 + q) >> 23;
  l0 += 19 * q;
  l1 += l0 >> 29;
  l2 += l1 >> 29;
  l3 += l2 >> 29;
  l4 += l3 >> 29;
  l5 += l4 >> 29;
  l6 += l5 >> 29;
  l7 += l6 >> 29;
  l8 += l7 >> 29;
  l0 &= MASK;
  l1 &= MASK;
  l2 &= MASK;
  l3 &= MASK;
  l4 &= MASK;
  l5 &= MASK;
  l6 &= MASK;
  l7 &= MASK;
  l8 &= 0x7fffff;
  store64(out, (l0 | (l1 << 29) | (l2 << 58)) as u64);
  store64(out + 8, ((l2 >> 6) | (l3 << 23) | (l4 << 52)) as u64);
  store64(out + 16, ((l4 >> 12) | (l5 << 17) | (l6 << 46)) as u64);
  store64(out + 24, ((l6 >> 18) | (l7 << 11) | (l8 << 40)) as u64);
}

export function feSet(out: usize, value: i32): void {
  wipe(out, FE_SIZE);
  store<i32>(out, value);
}

export function feCopy(out: usize, a: usize): void {
  for (let i = 0; i < 36; i += 4) store<i32>(out + i, load<i32>(a + i));
}

/** out = a + b, not reduced. */
export function feAdd(out: usize, a: usize, b: usize): void {
  if (CORE_SMALL) {
    for (let i = 0; i < 36; i += 4) store<i32>(out + i, load<i32>(a + i) + load<i32>(b + i));
    return;
  }
  store<i32>(out, load<i32>(a) + load<i32>(b));
  store<i32>(out, load<i32>(a, 4) + load<i32>(b, 4), 4);
  store<i32>(out, load<i32>(a, 8) + load<i32>(b, 8), 8);
  store<i32>(out, load<i32>(a, 12) + load<i32>(b, 12), 12);
  store<i32>(out, load<i32>(a, 16) + load<i32>(b, 16), 16);
  store<i32>(out, load<i32>(a, 20) + load<i32>(b, 20), 20);
  store<i32>(out, load<i32>(a, 24) + load<i32>(b, 24), 24);
  store<i32>(out, load<i32>(a, 28) + load<i32>(b, 28), 28);
  store<i32>(out, load<i32>(a, 32) + load<i32>(b, 32), 32);
}

/** out = a - b, not reduced. */
export function feSub(out: usize, a: usize, b: usize): void {
  if (CORE_SMALL) {
    for (let i = 0; i < 36; i += 4) store<i32>(out + i, load<i32>(a + i) - load<i32>(b + i));
    return;
  }
  store<i32>(out, load<i32>(a) - load<i32>(b));
  store<i32>(out, load<i32>(a, 4) - load<i32>(b, 4), 4);
  store<i32>(out, load<i32>(a, 8) - load<i32>(b, 8), 8);
  store<i32>(out, load<i32>(a, 12) - load<i32>(b, 12), 12);
  store<i32>(out, load<i32>(a, 16) - load<i32>(b, 16), 16);
  store<i32>(out, load<i32>(a, 20) - load<i32>(b, 20), 20);
  store<i32>(out, load<i32>(a, 24) - load<i32>(b, 24), 24);
  store<i32>(out, load<i32>(a, 28) - load<i32>(b, 28), 28);
  store<i32>(out, load<i32>(a, 32) - load<i32>(b, 32), 32);
}

/** Exchanges a and b where `swap` is 1, keeps them where it is 0; constant time. */
export function feSwap(a: usize, b: usize, swap: i32): void {
  const mask = -(swap as i64);
  // Two limbs at a time; the tenth is padding.
  for (let i = 0; i < 40; i += 8) {
    const x = load<u64>(a + i);
    const y = load<u64>(b + i);
    const t = mask & (x ^ y);
    store<u64>(a + i, x ^ t);
    store<u64>(b + i, y ^ t);
  }
}

/**
 * Carries nine columns below 2^62 into reduced limbs: rounding carries, 2^255 folded as 19. Two chains, from limb 0 and
 * from limb 5; what they bring to each other's start, below 2^44 and 2^34, is carried once more, to limbs 1 and 6.
 */
function settle(out: usize, r0: i64, r1: i64, r2: i64, r3: i64, r4: i64, r5: i64, r6: i64, r7: i64, r8: i64): void {
  let t = (r0 + HALF) >> 29;
  r0 -= t << 29;
  r1 += t;
  t = (r5 + HALF) >> 29;
  r5 -= t << 29;
  r6 += t;
  t = (r1 + HALF) >> 29;
  r1 -= t << 29;
  r2 += t;
  t = (r6 + HALF) >> 29;
  r6 -= t << 29;
  r7 += t;
  t = (r2 + HALF) >> 29;
  r2 -= t << 29;
  r3 += t;
  t = (r7 + HALF) >> 29;
  r7 -= t << 29;
  r8 += t;
  t = (r3 + HALF) >> 29;
  r3 -= t << 29;
  r4 += t;
  t = (r8 + 0x400000) >> 23;
  r8 -= t << 23;
  r0 += 19 * t;
  t = (r4 + HALF) >> 29;
  r4 -= t << 29;
  r5 += t;
  t = (r0 + HALF) >> 29;
  r0 -= t << 29;
  r1 += t;
  t = (r5 + HALF) >> 29;
  r5 -= t << 29;
  r6 += t;
  store<i32>(out, r0 as i32);
  store<i32>(out, r1 as i32, 4);
  store<i32>(out, r2 as i32, 8);
  store<i32>(out, r3 as i32, 12);
  store<i32>(out, r4 as i32, 16);
  store<i32>(out, r5 as i32, 20);
  store<i32>(out, r6 as i32, 24);
  store<i32>(out, r7 as i32, 28);
  store<i32>(out, r8 as i32, 32);
}

/** out = a * b, reduced; any of them may be the same. */
export function feMul(out: usize, a: usize, b: usize): void {
  const a0 = load<i32>(a) as i64;
  const a1 = load<i32>(a, 4) as i64;
  const a2 = load<i32>(a, 8) as i64;
  const a3 = load<i32>(a, 12) as i64;
  const a4 = load<i32>(a, 16) as i64;
  const a5 = load<i32>(a, 20) as i64;
  const a6 = load<i32>(a, 24) as i64;
  const a7 = load<i32>(a, 28) as i64;
  const a8 = load<i32>(a, 32) as i64;
  const b0 = load<i32>(b) as i64;
  const b1 = load<i32>(b, 4) as i64;
  const b2 = load<i32>(b, 8) as i64;
  const b3 = load<i32>(b, 12) as i64;
  const b4 = load<i32>(b, 16) as i64;
  const b5 = load<i32>(b, 20) as i64;
  const b6 = load<i32>(b, 24) as i64;
  const b7 = load<i32>(b, 28) as i64;
  const b8 = load<i32>(b, 32) as i64;
  const c0 = a0 * b0;
  const c1 = a0 * b1 + a1 * b0;
  const c2 = a0 * b2 + a1 * b1 + a2 * b0;
  const c3 = a0 * b3 + a1 * b2 + a2 * b1 + a3 * b0;
  const c4 = a0 * b4 + a1 * b3 + a2 * b2 + a3 * b1 + a4 * b0;
  const c5 = a0 * b5 + a1 * b4 + a2 * b3 + a3 * b2 + a4 * b1 + a5 * b0;
  const c6 = a0 * b6 + a1 * b5 + a2 * b4 + a3 * b3 + a4 * b2 + a5 * b1 + a6 * b0;
  const c7 = a0 * b7 + a1 * b6 + a2 * b5 + a3 * b4 + a4 * b3 + a5 * b2 + a6 * b1 + a7 * b0;
  const c8 = a0 * b8 + a1 * b7 + a2 * b6 + a3 * b5 + a4 * b4 + a5 * b3 + a6 * b2 + a7 * b1 + a8 * b0;
  const c9 = a1 * b8 + a2 * b7 + a3 * b6 + a4 * b5 + a5 * b4 + a6 * b3 + a7 * b2 + a8 * b1;
  const c10 = a2 * b8 + a3 * b7 + a4 * b6 + a5 * b5 + a6 * b4 + a7 * b3 + a8 * b2;
  const c11 = a3 * b8 + a4 * b7 + a5 * b6 + a6 * b5 + a7 * b4 + a8 * b3;
  const c12 = a4 * b8 + a5 * b7 + a6 * b6 + a7 * b5 + a8 * b4;
  const c13 = a5 * b8 + a6 * b7 + a7 * b6 + a8 * b5;
  const c14 = a6 * b8 + a7 * b7 + a8 * b6;
  const c15 = a7 * b8 + a8 * b7;
  const c16 = a8 * b8;
  // Columns 9 and up weigh 2^261 = 64 * 2^255, so 64 * 19 = 1216; first carried to 29 bits so that it fits.
  let t = c9;
  const h0 = t & MASK;
  t = c10 + (t >> 29);
  const h1 = t & MASK;
  t = c11 + (t >> 29);
  const h2 = t & MASK;
  t = c12 + (t >> 29);
  const h3 = t & MASK;
  t = c13 + (t >> 29);
  const h4 = t & MASK;
  t = c14 + (t >> 29);
  const h5 = t & MASK;
  t = c15 + (t >> 29);
  const h6 = t & MASK;
  t = c16 + (t >> 29);
  const h7 = t & MASK;
  t = t >> 29;
  settle(
    out,
    c0 + 1216 * h0,
    c1 + 1216 * h1,
    c2 + 1216 * h2,
    c3 + 1216 * h3,
    c4 + 1216 * h4,
    c5 + 1216 * h5,
    c6 + 1216 * h6,
    c7 + 1216 * h7,
    c8 + 1216 * t,
  );
}

/** out = a * a, reduced. */
export function feSquare(out: usize, a: usize): void {
  const a0 = load<i32>(a) as i64;
  const a1 = load<i32>(a, 4) as i64;
  const a2 = load<i32>(a, 8) as i64;
  const a3 = load<i32>(a, 12) as i64;
  const a4 = load<i32>(a, 16) as i64;
  const a5 = load<i32>(a, 20) as i64;
  const a6 = load<i32>(a, 24) as i64;
  const a7 = load<i32>(a, 28) as i64;
  const a8 = load<i32>(a, 32) as i64;
  const d0 = a0 + a0;
  const d1 = a1 + a1;
  const d2 = a2 + a2;
  const d3 = a3 + a3;
  const d4 = a4 + a4;
  const d5 = a5 + a5;
  const d6 = a6 + a6;
  const d7 = a7 + a7;
  const c0 = a0 * a0;
  const c1 = d0 * a1;
  const c2 = d0 * a2 + a1 * a1;
  const c3 = d0 * a3 + d1 * a2;
  const c4 = d0 * a4 + d1 * a3 + a2 * a2;
  const c5 = d0 * a5 + d1 * a4 + d2 * a3;
  const c6 = d0 * a6 + d1 * a5 + d2 * a4 + a3 * a3;
  const c7 = d0 * a7 + d1 * a6 + d2 * a5 + d3 * a4;
  const c8 = d0 * a8 + d1 * a7 + d2 * a6 + d3 * a5 + a4 * a4;
  const c9 = d1 * a8 + d2 * a7 + d3 * a6 + d4 * a5;
  const c10 = d2 * a8 + d3 * a7 + d4 * a6 + a5 * a5;
  const c11 = d3 * a8 + d4 * a7 + d5 * a6;
  const c12 = d4 * a8 + d5 * a7 + a6 * a6;
  const c13 = d5 * a8 + d6 * a7;
  const c14 = d6 * a8 + a7 * a7;
  const c15 = d7 * a8;
  const c16 = a8 * a8;
  // Columns 9 and up weigh 2^261 = 64 * 2^255, so 64 * 19 = 1216; first carried to 29 bits so that it fits.
  let t = c9;
  const h0 = t & MASK;
  t = c10 + (t >> 29);
  const h1 = t & MASK;
  t = c11 + (t >> 29);
  const h2 = t & MASK;
  t = c12 + (t >> 29);
  const h3 = t & MASK;
  t = c13 + (t >> 29);
  const h4 = t & MASK;
  t = c14 + (t >> 29);
  const h5 = t & MASK;
  t = c15 + (t >> 29);
  const h6 = t & MASK;
  t = c16 + (t >> 29);
  const h7 = t & MASK;
  t = t >> 29;
  settle(
    out,
    c0 + 1216 * h0,
    c1 + 1216 * h1,
    c2 + 1216 * h2,
    c3 + 1216 * h3,
    c4 + 1216 * h4,
    c5 + 1216 * h5,
    c6 + 1216 * h6,
    c7 + 1216 * h7,
    c8 + 1216 * t,
  );
}

/** out = a * k for a small public k < 2^17, reduced. */
export function feMulSmall(out: usize, a: usize, k: i32): void {
  const f = k as i64;
  settle(
    out,
    f * (load<i32>(a) as i64),
    f * (load<i32>(a, 4) as i64),
    f * (load<i32>(a, 8) as i64),
    f * (load<i32>(a, 12) as i64),
    f * (load<i32>(a, 16) as i64),
    f * (load<i32>(a, 20) as i64),
    f * (load<i32>(a, 24) as i64),
    f * (load<i32>(a, 28) as i64),
    f * (load<i32>(a, 32) as i64),
  );
}
