// The rounds of SHA-384 and SHA-512 on 64-bit integers.

import { load64 } from "../bytes";
import { scratchPop, scratchPush } from "../memory/scratch";
import { K512 } from "./sha512-constants";

/** Chaining value after `blocks` ≥ 0 blocks of 128 bytes at `msg`. Scratch: 640 bytes, wiped. */
export function compress(state: usize, msg: usize, blocks: i32): void {
  if (blocks === 0) return;
  const w = scratchPush(640);
  for (; blocks > 0; blocks--) {
    for (let i = 0; i < 128; i += 8) store<u64>(w + i, bswap<u64>(load64(msg + i)));
    for (let p = w + 128; p < w + 640; p += 8) {
      const x = load<u64>(p - 120);
      const y = load<u64>(p - 16);
      const s0 = rotr<u64>(x, 1) ^ rotr<u64>(x, 8) ^ (x >> 7);
      const s1 = rotr<u64>(y, 19) ^ rotr<u64>(y, 61) ^ (y >> 6);
      store<u64>(p, load<u64>(p - 128) + s0 + load<u64>(p - 56) + s1);
    }
    let a = load<u64>(state);
    let b = load<u64>(state, 8);
    let c = load<u64>(state, 16);
    let d = load<u64>(state, 24);
    let e = load<u64>(state, 32);
    let f = load<u64>(state, 40);
    let g = load<u64>(state, 48);
    let h = load<u64>(state, 56);
    for (let i = 0; i < 640; i += 64) {
      // Eight rounds a turn: the variables change places by name.
      h += sigma1(e) + (g ^ (e & (f ^ g))) + load<u64>(K512 + i) + load<u64>(w + i);
      d += h;
      h += sigma0(a) + ((a & b) | (c & (a | b)));
      g += sigma1(d) + (f ^ (d & (e ^ f))) + load<u64>(K512 + i, 8) + load<u64>(w + i, 8);
      c += g;
      g += sigma0(h) + ((h & a) | (b & (h | a)));
      f += sigma1(c) + (e ^ (c & (d ^ e))) + load<u64>(K512 + i, 16) + load<u64>(w + i, 16);
      b += f;
      f += sigma0(g) + ((g & h) | (a & (g | h)));
      e += sigma1(b) + (d ^ (b & (c ^ d))) + load<u64>(K512 + i, 24) + load<u64>(w + i, 24);
      a += e;
      e += sigma0(f) + ((f & g) | (h & (f | g)));
      d += sigma1(a) + (c ^ (a & (b ^ c))) + load<u64>(K512 + i, 32) + load<u64>(w + i, 32);
      h += d;
      d += sigma0(e) + ((e & f) | (g & (e | f)));
      c += sigma1(h) + (b ^ (h & (a ^ b))) + load<u64>(K512 + i, 40) + load<u64>(w + i, 40);
      g += c;
      c += sigma0(d) + ((d & e) | (f & (d | e)));
      b += sigma1(g) + (a ^ (g & (h ^ a))) + load<u64>(K512 + i, 48) + load<u64>(w + i, 48);
      f += b;
      b += sigma0(c) + ((c & d) | (e & (c | d)));
      a += sigma1(f) + (h ^ (f & (g ^ h))) + load<u64>(K512 + i, 56) + load<u64>(w + i, 56);
      e += a;
      a += sigma0(b) + ((b & c) | (d & (b | c)));
    }
    store<u64>(state, load<u64>(state) + a);
    store<u64>(state, load<u64>(state, 8) + b, 8);
    store<u64>(state, load<u64>(state, 16) + c, 16);
    store<u64>(state, load<u64>(state, 24) + d, 24);
    store<u64>(state, load<u64>(state, 32) + e, 32);
    store<u64>(state, load<u64>(state, 40) + f, 40);
    store<u64>(state, load<u64>(state, 48) + g, 48);
    store<u64>(state, load<u64>(state, 56) + h, 56);
    msg += 128;
  }
  scratchPop(640);
}

function sigma0(x: u64): u64 {
  return rotr<u64>(x, 28) ^ rotr<u64>(x, 34) ^ rotr<u64>(x, 39);
}

function sigma1(x: u64): u64 {
  return rotr<u64>(x, 14) ^ rotr<u64>(x, 18) ^ rotr<u64>(x, 41);
}
