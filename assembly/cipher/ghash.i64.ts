// GHASH, SP 800-38D §6.4, with 64-bit integers. The field's elements are read as big-endian integers, which hold the
// coefficients in reverse; products without carries are made of integer products whose operands have three empty bits
// between any two that count, so that sums of bits stay apart. No tables, no branch on data.

import { load64 } from "../bytes";

const EVERY_FOURTH: u64 = 0x1111111111111111;

/**
 * Low half of the carry-less product. Bits are sorted by their place modulo 4: digit k of a product of two such sorts
 * is a sum of at most k + 1 ≤ 16 bits, and only that of the top digit, which carries out of the word, can reach 16.
 */
function multiplyLow(x: u64, y: u64): u64 {
  const x0 = x & EVERY_FOURTH;
  const x1 = x & (EVERY_FOURTH << 1);
  const x2 = x & (EVERY_FOURTH << 2);
  const x3 = x & (EVERY_FOURTH << 3);
  const y0 = y & EVERY_FOURTH;
  const y1 = y & (EVERY_FOURTH << 1);
  const y2 = y & (EVERY_FOURTH << 2);
  const y3 = y & (EVERY_FOURTH << 3);
  const z0 = (x0 * y0) ^ (x1 * y3) ^ (x2 * y2) ^ (x3 * y1);
  const z1 = (x0 * y1) ^ (x1 * y0) ^ (x2 * y3) ^ (x3 * y2);
  const z2 = (x0 * y2) ^ (x1 * y1) ^ (x2 * y0) ^ (x3 * y3);
  const z3 = (x0 * y3) ^ (x1 * y2) ^ (x2 * y1) ^ (x3 * y0);
  const even = (z0 & EVERY_FOURTH) | (z2 & (EVERY_FOURTH << 2));
  return even | (z1 & (EVERY_FOURTH << 1)) | (z3 & (EVERY_FOURTH << 3));
}

/** Bits in reverse order. */
function reverse(x: u64): u64 {
  x = ((x >> 1) & 0x5555555555555555) | ((x & 0x5555555555555555) << 1);
  x = ((x >> 2) & 0x3333333333333333) | ((x & 0x3333333333333333) << 2);
  x = ((x >> 4) & 0x0f0f0f0f0f0f0f0f) | ((x & 0x0f0f0f0f0f0f0f0f) << 4);
  return bswap<u64>(x);
}

/**
 * y = (y ⊕ block) · h for each block.
 *
 * @param h    [secret] 16 bytes, the hash key
 * @param y    [secret] 16 bytes, replaced
 * @param src  [public] `n` blocks of 16 bytes
 */
export function ghashBlocks(h: usize, y: usize, src: usize, n: i32): void {
  const h1 = bswap<u64>(load<u64>(h));
  const h0 = bswap<u64>(load<u64>(h, 8));
  const h1r = reverse(h1);
  const h0r = reverse(h0);
  let y1 = bswap<u64>(load<u64>(y));
  let y0 = bswap<u64>(load<u64>(y, 8));
  for (let i = 0; i < n; i++) {
    y1 ^= bswap<u64>(load64(src));
    y0 ^= bswap<u64>(load64(src + 8));
    src += 16;
    const y1r = reverse(y1);
    const y0r = reverse(y0);
    // Karatsuba's three products, each in two halves: the high half is the low one of the reversed operands, reversed.
    const a = multiplyLow(y0, h0);
    const b = multiplyLow(y1, h1);
    const c = multiplyLow(y0 ^ y1, h0 ^ h1) ^ a ^ b;
    const ar = multiplyLow(y0r, h0r);
    const br = multiplyLow(y1r, h1r);
    const cr = multiplyLow(y0r ^ y1r, h0r ^ h1r) ^ ar ^ br;
    const v1 = (reverse(ar) >> 1) ^ c;
    const v2 = (reverse(cr) >> 1) ^ b;
    // 255 bits, moved up by one, as reversed coefficients begin at the top.
    const w0 = a << 1;
    let w1 = (v1 << 1) | (a >> 63);
    let w2 = (v2 << 1) | (v1 >> 63);
    let w3 = (reverse(br) & ~1) | (v2 >> 63);
    // Reduction by x^128 + x^7 + x^2 + x + 1, the low words first.
    w2 ^= w0 ^ (w0 >> 1) ^ (w0 >> 2) ^ (w0 >> 7);
    w1 ^= (w0 << 63) ^ (w0 << 62) ^ (w0 << 57);
    w3 ^= w1 ^ (w1 >> 1) ^ (w1 >> 2) ^ (w1 >> 7);
    w2 ^= (w1 << 63) ^ (w1 << 62) ^ (w1 << 57);
    y0 = w2;
    y1 = w3;
  }
  store<u64>(y, bswap<u64>(y1));
  store<u64>(y, bswap<u64>(y0), 8);
}
