// SHA-256, FIPS 180-4 §6.2. The working variables are locals: faster than globals, and nothing stays behind.
// A hashing state is 112 bytes: 8 words of chaining value (32), a block buffer (64), bytes hashed so far (8), spare.

import { ERR_ARGUMENT, OK } from "../../src/core/abi";
import { copy, loadBe32, storeBe32, storeBe64, wipe } from "../bytes";
import { inStage } from "../memory/layout";
import { scratchPop, scratchPush } from "../memory/scratch";

/** Bytes of a hashing state. */
export const SHA256_STATE: i32 = 112;
const BUFFER: i32 = 32;
const LENGTH: i32 = 96;

// prettier-ignore
const K: usize = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
  0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
  0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
  0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
  0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
  0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
  0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
  0xc67178f2,
]);

/** Starts a hash in the 112 bytes at `state`. */
export function sha256Init(state: usize): void {
  store<u32>(state, 0x6a09e667);
  store<u32>(state, 0xbb67ae85, 4);
  store<u32>(state, 0x3c6ef372, 8);
  store<u32>(state, 0xa54ff53a, 12);
  store<u32>(state, 0x510e527f, 16);
  store<u32>(state, 0x9b05688c, 20);
  store<u32>(state, 0x1f83d9ab, 24);
  store<u32>(state, 0x5be0cd19, 28);
  store<u64>(state, 0, 96);
}

/** Adds `len` bytes. */
export function sha256Update(state: usize, msg: usize, len: i32): void {
  const total = load<u64>(state, LENGTH);
  store<u64>(state, total + (len as u64), LENGTH);
  let held = (total & 63) as i32;
  if (held > 0) {
    const room = 64 - held;
    const n = len < room ? len : room;
    copy(state + BUFFER + held, msg, n);
    if (n < room) return;
    compress(state, state + BUFFER, 1);
    msg += n;
    len -= n;
  }
  const blocks = len >> 6;
  if (blocks > 0) compress(state, msg, blocks);
  held = len & 63;
  copy(state + BUFFER, msg + (blocks << 6), held);
}

/** Ends the hash: 32 bytes at `out`. The state is used up. */
export function sha256Final(state: usize, out: usize): void {
  const total = load<u64>(state, LENGTH);
  const held = (total & 63) as i32;
  const buffer = state + BUFFER;
  store<u8>(buffer + held, 0x80);
  if (held >= 56) {
    wipe(buffer + held + 1, 63 - held);
    compress(state, buffer, 1);
    wipe(buffer, 56);
  } else {
    wipe(buffer + held + 1, 55 - held);
  }
  storeBe64(buffer + 56, total << 3);
  compress(state, buffer, 1);
  for (let i = 0; i < 32; i += 4) storeBe32(out + i, load<u32>(state + i));
}

/** Chaining value after `blocks` blocks of 64 bytes at `msg`. Scratch: 256 bytes, wiped. */
function compress(state: usize, msg: usize, blocks: i32): void {
  const w = scratchPush(256);
  let h0 = load<u32>(state);
  let h1 = load<u32>(state, 4);
  let h2 = load<u32>(state, 8);
  let h3 = load<u32>(state, 12);
  let h4 = load<u32>(state, 16);
  let h5 = load<u32>(state, 20);
  let h6 = load<u32>(state, 24);
  let h7 = load<u32>(state, 28);
  for (; blocks > 0; blocks--) {
    for (let i = 0; i < 64; i += 4) store<u32>(w + i, loadBe32(msg + i));
    for (let i = 64; i < 256; i += 4) {
      const p = w + i;
      const w15 = load<u32>(p - 60);
      const w2 = load<u32>(p - 8);
      const s0 = rotr<u32>(w15, 7) ^ rotr<u32>(w15, 18) ^ (w15 >> 3);
      const s1 = rotr<u32>(w2, 17) ^ rotr<u32>(w2, 19) ^ (w2 >> 10);
      store<u32>(p, load<u32>(p - 64) + s0 + load<u32>(p - 28) + s1);
    }
    let a = h0;
    let b = h1;
    let c = h2;
    let d = h3;
    let e = h4;
    let f = h5;
    let g = h6;
    let h = h7;
    for (let i = 0; i < 256; i += 16) {
      // Four rounds a turn: the eight variables change places by name instead of by moves.
      let t = h + bigSigma1(e) + (g ^ (e & (f ^ g))) + load<u32>(K + i) + load<u32>(w + i);
      d += t;
      h = t + bigSigma0(a) + ((a & b) | (c & (a | b)));
      t = g + bigSigma1(d) + (f ^ (d & (e ^ f))) + load<u32>(K + i, 4) + load<u32>(w + i, 4);
      c += t;
      g = t + bigSigma0(h) + ((h & a) | (b & (h | a)));
      t = f + bigSigma1(c) + (e ^ (c & (d ^ e))) + load<u32>(K + i, 8) + load<u32>(w + i, 8);
      b += t;
      f = t + bigSigma0(g) + ((g & h) | (a & (g | h)));
      t = e + bigSigma1(b) + (d ^ (b & (c ^ d))) + load<u32>(K + i, 12) + load<u32>(w + i, 12);
      a += t;
      e = t + bigSigma0(f) + ((f & g) | (h & (f | g)));
      // Now (a,b,c,d,e,f,g,h) hold what the standard calls (e,f,g,h,a,b,c,d): swap the halves back.
      const na = e;
      const nb = f;
      const nc = g;
      const nd = h;
      e = a;
      f = b;
      g = c;
      h = d;
      a = na;
      b = nb;
      c = nc;
      d = nd;
    }
    h0 += a;
    h1 += b;
    h2 += c;
    h3 += d;
    h4 += e;
    h5 += f;
    h6 += g;
    h7 += h;
    msg += 64;
  }
  store<u32>(state, h0);
  store<u32>(state, h1, 4);
  store<u32>(state, h2, 8);
  store<u32>(state, h3, 12);
  store<u32>(state, h4, 16);
  store<u32>(state, h5, 20);
  store<u32>(state, h6, 24);
  store<u32>(state, h7, 28);
  scratchPop(256);
}

function bigSigma0(x: u32): u32 {
  return rotr<u32>(x, 2) ^ rotr<u32>(x, 13) ^ rotr<u32>(x, 22);
}

function bigSigma1(x: u32): u32 {
  return rotr<u32>(x, 6) ^ rotr<u32>(x, 11) ^ rotr<u32>(x, 25);
}

/** Digest of `len` bytes, 32 bytes at `out`, which may overlap the message. */
export function sha256(msg: usize, len: i32, out: usize): void {
  const state = scratchPush(SHA256_STATE);
  sha256Init(state);
  sha256Update(state, msg, len);
  sha256Final(state, out);
  scratchPop(SHA256_STATE);
}

/**
 * SHA-256 of bytes in the stage.
 *
 * @param ptr  [public] `len` bytes
 * @param out  [public] 32 bytes
 * @returns 32 | ERR_ARGUMENT
 */
export function sha256Digest(ptr: usize, len: i32, out: usize): i32 {
  if (!inStage(ptr, len) || !inStage(out, 32)) return ERR_ARGUMENT;
  sha256(ptr, len, out);
  return 32;
}

/** Streaming digest, one at a time: `sha256Begin`, any number of `sha256Feed`, `sha256End`. */
const STREAM: usize = memory.data(112, 16);

export function sha256Begin(): i32 {
  sha256Init(STREAM);
  return OK;
}

export function sha256Feed(ptr: usize, len: i32): i32 {
  if (!inStage(ptr, len)) return ERR_ARGUMENT;
  sha256Update(STREAM, ptr, len);
  return OK;
}

export function sha256End(out: usize): i32 {
  if (!inStage(out, 32)) return ERR_ARGUMENT;
  sha256Final(STREAM, out);
  wipe(STREAM, SHA256_STATE);
  return 32;
}
