// SHA-256, FIPS 180-4 §6.2. The working variables are locals: faster than globals, and nothing stays behind.
// A hashing state is 112 bytes: 8 words of chaining value (32), a block buffer (64), bytes hashed so far (8), spare.

import { ERR_ARGUMENT, OK } from "../../src/core/abi";
import { copy, storeBe32, wipe } from "../bytes";
import { inStage } from "../memory/layout";
import { scratchPop, scratchPush } from "../memory/scratch";
import { sha256Compress } from "./sha256-compress";

/** Bytes of a hashing state. */
export const SHA256_STATE: i32 = 112;
/** Where a state holds the bytes of an unfinished block. */
export const SHA256_BUFFER: i32 = 32;
const LENGTH: i32 = 96;
const LENGTH_HIGH: i32 = 100;

/** The initial chaining value, in the 32 bytes at `state`. */
export function sha256Start(state: usize): void {
  store<u32>(state, 0x6a09e667);
  store<u32>(state, 0xbb67ae85, 4);
  store<u32>(state, 0x3c6ef372, 8);
  store<u32>(state, 0xa54ff53a, 12);
  store<u32>(state, 0x510e527f, 16);
  store<u32>(state, 0x9b05688c, 20);
  store<u32>(state, 0x1f83d9ab, 24);
  store<u32>(state, 0x5be0cd19, 28);
}

/** Starts a hash in the 112 bytes at `state`. */
export function sha256Init(state: usize): void {
  sha256Start(state);
  sha256SetLength(state, 0);
}

/** Says that `len` bytes, whole blocks, went into the chaining value of `state`. */
export function sha256SetLength(state: usize, len: u32): void {
  store<u32>(state, len, LENGTH);
  store<u32>(state, 0, LENGTH_HIGH);
}

/** Adds `len` bytes. */
export function sha256Update(state: usize, msg: usize, len: i32): void {
  const low = load<u32>(state, LENGTH);
  const sum = low + (len as u32);
  store<u32>(state, sum, LENGTH);
  store<u32>(state, load<u32>(state, LENGTH_HIGH) + u32(sum < low), LENGTH_HIGH);
  const held = (low & 63) as i32;
  if (held > 0) {
    const n = len < 64 - held ? len : 64 - held;
    copy(state + SHA256_BUFFER + held, msg, n);
    if (held + n < 64) return;
    sha256Compress(state, state + SHA256_BUFFER, 1);
    msg += n;
    len -= n;
  }
  const blocks = len >> 6;
  if (blocks > 0) sha256Compress(state, msg, blocks);
  copy(state + SHA256_BUFFER, msg + (blocks << 6), len & 63);
}

/** Pads and takes in the rest: the chaining value is the digest, as words. */
export function sha256Finish(state: usize): void {
  const low = load<u32>(state, LENGTH);
  const held = (low & 63) as i32;
  const buffer = state + SHA256_BUFFER;
  store<u8>(buffer + held, 0x80);
  wipe(buffer + held + 1, 63 - held);
  if (held >= 56) {
    sha256Compress(state, buffer, 1);
    wipe(buffer, 56);
  }
  storeBe32(buffer + 56, (load<u32>(state, LENGTH_HIGH) << 3) | (low >> 29));
  storeBe32(buffer + 60, low << 3);
  sha256Compress(state, buffer, 1);
}

/** The eight words at `state` as 32 bytes at `out`. */
export function sha256Output(state: usize, out: usize): void {
  if (ASC_FEATURE_SIMD) {
    const flip = i8x16(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
    const low = i8x16.swizzle(v128.load(state), flip);
    v128.store(out, i8x16.swizzle(v128.load(state, 16), flip), 16);
    v128.store(out, low);
  } else for (let i = 0; i < 32; i += 4) storeBe32(out + i, load<u32>(state + i));
}

/** Ends the hash: 32 bytes at `out`. The state is used up. */
export function sha256Final(state: usize, out: usize): void {
  sha256Finish(state);
  sha256Output(state, out);
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
  wipe(STREAM, SHA256_STATE); // what a stream that was given up left behind
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
