// GHASH, SP 800-38D §6.4, with 32-bit integers, for core.js: the method of ghash.i64.ts with words of half the size.

import { loadBe32, storeBe32 } from "../bytes";
import { scratchPop, scratchPush } from "../memory/scratch";

const EVERY_FOURTH: u32 = 0x11111111;

/** Low half of the carry-less product: a digit of the integer products is a sum of at most 8 bits. */
function multiplyLow(x: u32, y: u32): u32 {
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

function reverse(x: u32): u32 {
  x = ((x >> 1) & 0x55555555) | ((x & 0x55555555) << 1);
  x = ((x >> 2) & 0x33333333) | ((x & 0x33333333) << 2);
  x = ((x >> 4) & 0x0f0f0f0f) | ((x & 0x0f0f0f0f) << 4);
  return bswap<u32>(x);
}

/**
 * Product of two words each, lowest first: four words at `out`. Each operand comes with its words reversed (`r`): the
 * high half of a product of words is the low half of the reversed words' product, reversed and moved down by one.
 */
function multiply(x0: u32, x1: u32, x0r: u32, x1r: u32, y0: u32, y1: u32, y0r: u32, y1r: u32, out: usize): void {
  const a = multiplyLow(x0, y0);
  const b = multiplyLow(x1, y1);
  const c = multiplyLow(x0 ^ x1, y0 ^ y1) ^ a ^ b;
  const ar = multiplyLow(x0r, y0r);
  const br = multiplyLow(x1r, y1r);
  const cr = multiplyLow(x0r ^ x1r, y0r ^ y1r) ^ ar ^ br;
  store<u32>(out, a);
  store<u32>(out, c ^ (reverse(ar) >> 1), 4);
  store<u32>(out, b ^ (reverse(cr) >> 1), 8);
  store<u32>(out, reverse(br) >> 1, 12);
}

/** As its namesake of 64-bit integers. */
export function ghashBlocks(h: usize, y: usize, src: usize, n: i32): void {
  const p = scratchPush(48);
  const h3 = loadBe32(h);
  const h2 = loadBe32(h + 4);
  const h1 = loadBe32(h + 8);
  const h0 = loadBe32(h + 12);
  const h3r = reverse(h3);
  const h2r = reverse(h2);
  const h1r = reverse(h1);
  const h0r = reverse(h0);
  let y3 = loadBe32(y);
  let y2 = loadBe32(y + 4);
  let y1 = loadBe32(y + 8);
  let y0 = loadBe32(y + 12);
  for (let i = 0; i < n; i++) {
    y3 ^= loadBe32(src);
    y2 ^= loadBe32(src + 4);
    y1 ^= loadBe32(src + 8);
    y0 ^= loadBe32(src + 12);
    src += 16;
    const y3r = reverse(y3);
    const y2r = reverse(y2);
    const y1r = reverse(y1);
    const y0r = reverse(y0);
    multiply(y0, y1, y0r, y1r, h0, h1, h0r, h1r, p);
    multiply(y2, y3, y2r, y3r, h2, h3, h2r, h3r, p + 16);
    multiply(y0 ^ y2, y1 ^ y3, y0r ^ y2r, y1r ^ y3r, h0 ^ h2, h1 ^ h3, h0r ^ h2r, h1r ^ h3r, p + 32);
    const u2 = load<u32>(p, 8) ^ load<u32>(p, 16);
    const u3 = load<u32>(p, 12) ^ load<u32>(p, 20);
    const v0 = load<u32>(p);
    const v1 = load<u32>(p, 4);
    const v2 = u2 ^ v0 ^ load<u32>(p, 32);
    const v3 = u3 ^ v1 ^ load<u32>(p, 36);
    const v4 = u2 ^ load<u32>(p, 24) ^ load<u32>(p, 40);
    const v5 = u3 ^ load<u32>(p, 28) ^ load<u32>(p, 44);
    const v6 = load<u32>(p, 24);
    const v7 = load<u32>(p, 28);
    // 255 bits, moved up by one, as reversed coefficients begin at the top.
    const w0 = v0 << 1;
    const w1 = (v1 << 1) | (v0 >> 31);
    const w2 = (v2 << 1) | (v1 >> 31);
    let w3 = (v3 << 1) | (v2 >> 31);
    let w4 = (v4 << 1) | (v3 >> 31);
    let w5 = (v5 << 1) | (v4 >> 31);
    let w6 = (v6 << 1) | (v5 >> 31);
    let w7 = (v7 << 1) | (v6 >> 31);
    // Reduction by x^128 + x^7 + x^2 + x + 1, the low words first.
    w4 ^= foldDown(w0);
    w3 ^= foldUp(w0);
    w5 ^= foldDown(w1);
    w4 ^= foldUp(w1);
    w6 ^= foldDown(w2);
    w5 ^= foldUp(w2);
    w7 ^= foldDown(w3);
    w6 ^= foldUp(w3);
    y0 = w4;
    y1 = w5;
    y2 = w6;
    y3 = w7;
  }
  storeBe32(y, y3);
  storeBe32(y + 4, y2);
  storeBe32(y + 8, y1);
  storeBe32(y + 12, y0);
  scratchPop(48);
}

/** What a word adds to the word four places up. */
function foldDown(w: u32): u32 {
  return w ^ (w >> 1) ^ (w >> 2) ^ (w >> 7);
}

/** What a word adds to the word three places up. */
function foldUp(w: u32): u32 {
  return (w << 31) ^ (w << 30) ^ (w << 25);
}
