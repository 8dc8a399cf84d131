// SHA-256 of four messages side by side, for builds with SIMD: lane i of every vector belongs to message i. The four
// states lie interleaved, word by word: 8 vectors of 16 bytes.

import { scratchPop, scratchPush } from "../memory/scratch";
import { K256 } from "./sha256-constants";

/** Bytes of four interleaved chaining values. */
export const SHA256X4_STATES: i32 = 128;

/**
 * Four chaining values after `blocks` ≥ 0 blocks of each message.
 *
 * @param states  [secret] SHA256X4_STATES bytes, aligned
 * @param m0      [secret] to m3: blocks of 64 bytes, any alignment
 * Time: depends on `blocks` only. Scratch: 1024 bytes, wiped.
 */
export function sha256Compress4(states: usize, m0: usize, m1: usize, m2: usize, m3: usize, blocks: i32): void {
  const w = scratchPush(1024);
  for (; blocks > 0; blocks--) {
    schedule(w, m0, m1, m2, m3);
    rounds(states, w);
    m0 += 64;
    m1 += 64;
    m2 += 64;
    m3 += 64;
  }
  scratchPop(1024);
}

/** The 64 words of a block of each message. */
function schedule(w: usize, m0: usize, m1: usize, m2: usize, m3: usize): void {
  const flip = i8x16(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
  for (let i = 0; i < 64; i += 16) {
    const p = i8x16.swizzle(v128.load(m0 + i, 0, 1), flip);
    const q = i8x16.swizzle(v128.load(m1 + i, 0, 1), flip);
    const r = i8x16.swizzle(v128.load(m2 + i, 0, 1), flip);
    const s = i8x16.swizzle(v128.load(m3 + i, 0, 1), flip);
    turn(w + (i << 2), p, q, r, s);
  }
  for (let p = w; p < w + 768; p += 16) {
    const early = sum(v128.load(p), smallSigma0(v128.load(p, 16)));
    v128.store(p, sum(early, sum(v128.load(p, 144), smallSigma1(v128.load(p, 224)))), 256);
  }
}

/** Turns a 4 × 4 square of words: `to` gets the first words of all four, then the second ones, and so on. */
function turn(to: usize, p: v128, q: v128, r: v128, s: v128): void {
  const pq = v128.shuffle<u32>(p, q, 0, 4, 1, 5);
  const rs = v128.shuffle<u32>(r, s, 0, 4, 1, 5);
  v128.store(to, v128.shuffle<u64>(pq, rs, 0, 2));
  v128.store(to, v128.shuffle<u64>(pq, rs, 1, 3), 16);
  const pqHigh = v128.shuffle<u32>(p, q, 2, 6, 3, 7);
  const rsHigh = v128.shuffle<u32>(r, s, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<u64>(pqHigh, rsHigh, 0, 2), 32);
  v128.store(to, v128.shuffle<u64>(pqHigh, rsHigh, 1, 3), 48);
}

/** Chaining values of four states, eight words each, to the interleaved form. */
export function sha256Interleave4(states: usize, s0: usize, s1: usize, s2: usize, s3: usize): void {
  turn(states, v128.load(s0), v128.load(s1), v128.load(s2), v128.load(s3));
  turn(states + 64, v128.load(s0, 16), v128.load(s1, 16), v128.load(s2, 16), v128.load(s3, 16));
}

/** Back from the interleaved form: the eight words of each state. */
export function sha256Separate4(states: usize, s0: usize, s1: usize, s2: usize, s3: usize): void {
  for (let half: usize = 0; half < 32; half += 16) {
    const from = states + (half << 2);
    turn(from, v128.load(from), v128.load(from, 16), v128.load(from, 32), v128.load(from, 48));
    v128.store(s0 + half, v128.load(from));
    v128.store(s1 + half, v128.load(from, 16));
    v128.store(s2 + half, v128.load(from, 32));
    v128.store(s3 + half, v128.load(from, 48));
  }
}

/** The 64 rounds, eight a turn. As in the other forms, `y` carries b ^ c from round to round. */
function rounds(states: usize, w: usize): void {
  let a = v128.load(states, 0);
  let b = v128.load(states, 16);
  let c = v128.load(states, 32);
  let d = v128.load(states, 48);
  let e = v128.load(states, 64);
  let f = v128.load(states, 80);
  let g = v128.load(states, 96);
  let h = v128.load(states, 112);
  let x = a;
  let y = v128.xor(b, c);
  for (let k = K256; k < K256 + 256; k += 32) {
    h = sum(
      sum(h, i32x4.add(v128.load_splat<u32>(k, 0), v128.load(w, 0))),
      sum(v128.xor(g, v128.and(e, v128.xor(f, g))), bigSigma1(e)),
    );
    d = sum(d, h);
    x = v128.xor(a, b);
    h = sum(h, sum(bigSigma0(a), v128.xor(b, v128.and(x, y))));
    g = sum(
      sum(g, i32x4.add(v128.load_splat<u32>(k, 4), v128.load(w, 16))),
      sum(v128.xor(f, v128.and(d, v128.xor(e, f))), bigSigma1(d)),
    );
    c = sum(c, g);
    y = v128.xor(h, a);
    g = sum(g, sum(bigSigma0(h), v128.xor(a, v128.and(y, x))));
    f = sum(
      sum(f, i32x4.add(v128.load_splat<u32>(k, 8), v128.load(w, 32))),
      sum(v128.xor(e, v128.and(c, v128.xor(d, e))), bigSigma1(c)),
    );
    b = sum(b, f);
    x = v128.xor(g, h);
    f = sum(f, sum(bigSigma0(g), v128.xor(h, v128.and(x, y))));
    e = sum(
      sum(e, i32x4.add(v128.load_splat<u32>(k, 12), v128.load(w, 48))),
      sum(v128.xor(d, v128.and(b, v128.xor(c, d))), bigSigma1(b)),
    );
    a = sum(a, e);
    y = v128.xor(f, g);
    e = sum(e, sum(bigSigma0(f), v128.xor(g, v128.and(y, x))));
    d = sum(
      sum(d, i32x4.add(v128.load_splat<u32>(k, 16), v128.load(w, 64))),
      sum(v128.xor(c, v128.and(a, v128.xor(b, c))), bigSigma1(a)),
    );
    h = sum(h, d);
    x = v128.xor(e, f);
    d = sum(d, sum(bigSigma0(e), v128.xor(f, v128.and(x, y))));
    c = sum(
      sum(c, i32x4.add(v128.load_splat<u32>(k, 20), v128.load(w, 80))),
      sum(v128.xor(b, v128.and(h, v128.xor(a, b))), bigSigma1(h)),
    );
    g = sum(g, c);
    y = v128.xor(d, e);
    c = sum(c, sum(bigSigma0(d), v128.xor(e, v128.and(y, x))));
    b = sum(
      sum(b, i32x4.add(v128.load_splat<u32>(k, 24), v128.load(w, 96))),
      sum(v128.xor(a, v128.and(g, v128.xor(h, a))), bigSigma1(g)),
    );
    f = sum(f, b);
    x = v128.xor(c, d);
    b = sum(b, sum(bigSigma0(c), v128.xor(d, v128.and(x, y))));
    a = sum(
      sum(a, i32x4.add(v128.load_splat<u32>(k, 28), v128.load(w, 112))),
      sum(v128.xor(h, v128.and(f, v128.xor(g, h))), bigSigma1(f)),
    );
    e = sum(e, a);
    y = v128.xor(b, c);
    a = sum(a, sum(bigSigma0(b), v128.xor(c, v128.and(y, x))));
    w += 128;
  }
  v128.store(states, sum(v128.load(states, 0), a), 0);
  v128.store(states, sum(v128.load(states, 16), b), 16);
  v128.store(states, sum(v128.load(states, 32), c), 32);
  v128.store(states, sum(v128.load(states, 48), d), 48);
  v128.store(states, sum(v128.load(states, 64), e), 64);
  v128.store(states, sum(v128.load(states, 80), f), 80);
  v128.store(states, sum(v128.load(states, 96), g), 96);
  v128.store(states, sum(v128.load(states, 112), h), 112);
}

function sum(x: v128, y: v128): v128 {
  return i32x4.add(x, y);
}

function bigSigma0(x: v128): v128 {
  const first = v128.xor(v128.or(i32x4.shr_u(x, 2), i32x4.shl(x, 30)), v128.or(i32x4.shr_u(x, 13), i32x4.shl(x, 19)));
  return v128.xor(first, v128.or(i32x4.shr_u(x, 22), i32x4.shl(x, 10)));
}

function bigSigma1(x: v128): v128 {
  const first = v128.xor(v128.or(i32x4.shr_u(x, 6), i32x4.shl(x, 26)), v128.or(i32x4.shr_u(x, 11), i32x4.shl(x, 21)));
  return v128.xor(first, v128.or(i32x4.shr_u(x, 25), i32x4.shl(x, 7)));
}

function smallSigma0(x: v128): v128 {
  const first = v128.xor(v128.or(i32x4.shr_u(x, 7), i32x4.shl(x, 25)), v128.or(i32x4.shr_u(x, 18), i32x4.shl(x, 14)));
  return v128.xor(first, i32x4.shr_u(x, 3));
}

function smallSigma1(x: v128): v128 {
  const first = v128.xor(v128.or(i32x4.shr_u(x, 17), i32x4.shl(x, 15)), v128.or(i32x4.shr_u(x, 19), i32x4.shl(x, 13)));
  return v128.xor(first, i32x4.shr_u(x, 10));
}
