// SHA-1, FIPS 180-4 §6.1: for OAEP and MGF1 as MSL's RSA key exchange uses them, where collisions do not matter.
// Nothing here signs or checks a signature with it.

import { ERR_ARGUMENT } from "../../src/core/abi";
import { copy, loadBe32, storeBe32, storeBe64, wipe } from "../bytes";
import { inStage } from "../memory/layout";
import { scratchPop, scratchPush } from "../memory/scratch";

/** Bytes of a digest. */
export const SHA1_LENGTH: i32 = 20;

/**
 * Digest of `len` bytes, 20 bytes at `out`.
 *
 * @param msg  [secret] `len` bytes, any alignment
 * @param out  [secret] 20 bytes, may overlap the message
 * Time: depends on `len` only. Scratch: 480 bytes, wiped.
 */
export function sha1(msg: usize, len: i32, out: usize): void {
  const state = scratchPush(160);
  store<u32>(state, 0x67452301);
  store<u32>(state, 0xefcdab89, 4);
  store<u32>(state, 0x98badcfe, 8);
  store<u32>(state, 0x10325476, 12);
  store<u32>(state, 0xc3d2e1f0, 16);
  const blocks = len >> 6;
  sha1Compress(state, msg, blocks);
  // The rest and the padding take one block or two.
  const tail = state + 32;
  const held = len & 63;
  const tailBlocks = held < 56 ? 1 : 2;
  wipe(tail, 128);
  copy(tail, msg + (blocks << 6), held);
  store<u8>(tail + held, 0x80);
  storeBe64(tail + (tailBlocks << 6) - 8, (len as u64) << 3);
  sha1Compress(state, tail, tailBlocks);
  for (let i = 0; i < SHA1_LENGTH; i += 4) storeBe32(out + i, load<u32>(state + i));
  scratchPop(160);
}

/** Chaining value after `blocks` ≥ 0 blocks of 64 bytes at `msg`. */
function sha1Compress(state: usize, msg: usize, blocks: i32): void {
  const w = scratchPush(320);
  for (; blocks > 0; blocks--) {
    for (let i = 0; i < 64; i += 4) store<u32>(w + i, loadBe32(msg + i));
    for (let p = w + 64; p < w + 320; p += 4) {
      store<u32>(p, rotl1(load<u32>(p - 12) ^ load<u32>(p - 32) ^ load<u32>(p - 56) ^ load<u32>(p - 64)));
    }
    let a = load<u32>(state);
    let b = load<u32>(state, 4);
    let c = load<u32>(state, 8);
    let d = load<u32>(state, 12);
    let e = load<u32>(state, 16);
    for (let i = 0; i < 320; i += 4) {
      // The round's number is public, so is this branch.
      let f: u32 = 0;
      if (i < 80) f = (d ^ (b & (c ^ d))) + 0x5a827999;
      else if (i < 160) f = (b ^ c ^ d) + 0x6ed9eba1;
      else if (i < 240) f = ((b & c) | (d & (b | c))) + 0x8f1bbcdc;
      else f = (b ^ c ^ d) + 0xca62c1d6;
      const t = rotl5(a) + f + e + load<u32>(w + i);
      e = d;
      d = c;
      c = rotl30(b);
      b = a;
      a = t;
    }
    store<u32>(state, load<u32>(state) + a);
    store<u32>(state, load<u32>(state, 4) + b, 4);
    store<u32>(state, load<u32>(state, 8) + c, 8);
    store<u32>(state, load<u32>(state, 12) + d, 12);
    store<u32>(state, load<u32>(state, 16) + e, 16);
    msg += 64;
  }
  scratchPop(320);
}

// Shifts instead of `rotl`, which is a call in core.js; WebAssembly engines see the rotate.
function rotl1(x: u32): u32 {
  return (x << 1) | (x >> 31);
}

function rotl5(x: u32): u32 {
  return (x << 5) | (x >> 27);
}

function rotl30(x: u32): u32 {
  return (x << 30) | (x >> 2);
}

/**
 * SHA-1 of bytes in the stage. Not for signatures.
 *
 * @param ptr  [public] `len` bytes
 * @param out  [public] 20 bytes
 * @returns 20 | ERR_ARGUMENT
 */
export function sha1Digest(ptr: usize, len: i32, out: usize): i32 {
  if (!inStage(ptr, len) || !inStage(out, SHA1_LENGTH)) return ERR_ARGUMENT;
  sha1(ptr, len, out);
  return SHA1_LENGTH;
}
