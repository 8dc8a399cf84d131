// SHA-384 and SHA-512, FIPS 180-4 §6.4 and §6.5. The rounds are a file of their own for each width of integers.
// A hashing state is 208 bytes: 8 words of chaining value (64), a block buffer (128), bytes hashed so far (8), bytes of
// the digest (4), spare.

import { ERR_ARGUMENT, OK } from "../../src/core/abi";
import { copy, storeBe32, wipe } from "../bytes";
import { inStage } from "../memory/layout";
import { scratchPop, scratchPush } from "../memory/scratch";
import { compress as compress32 } from "./sha512.i32";
import { compress as compress64 } from "./sha512.i64.gen";
import { compress as compressSimd } from "./sha512.simd.gen";

/** Bytes of a hashing state. */
export const SHA512_STATE: i32 = 208;
/** Where a state holds the bytes of an unfinished block. */
export const SHA512_BUFFER: i32 = 64;
const LENGTH: i32 = 192;
const LENGTH_HIGH: i32 = 196;
const DIGEST: i32 = 200;

// Initial chaining values: SHA-384, then SHA-512.
// biome-ignore format: one table
const INITIAL: usize = memory.data<u64>([
  0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17, 0x152fecd8f70e5939, 0x67332667ffc00b31,
  0x8eb44a8768581511, 0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4,
  0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1, 0x510e527fade682d1,
  0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
], 16);

/** Chaining value after `blocks` ≥ 0 blocks of 128 bytes at `msg`. */
export function sha512Compress(state: usize, msg: usize, blocks: i32): void {
  if (ASC_FEATURE_SIMD) compressSimd(state, msg, blocks);
  else if (CORE_JS) compress32(state, msg, blocks);
  else compress64(state, msg, blocks);
}

/** The initial chaining value of SHA-384 or SHA-512, in the 64 bytes at `state`. `digest`: 48 or 64. */
export function sha512Start(state: usize, digest: i32): void {
  copy(state, INITIAL + (digest === 64 ? 64 : 0), 64);
}

/** Starts a hash in the 208 bytes at `state`. `digest` is the length of the digest: 48 or 64. */
export function sha512Init(state: usize, digest: i32): void {
  sha512Start(state, digest);
  sha512SetLength(state, 0, digest);
}

/** Says that `len` bytes, whole blocks or in the buffer, went into `state`, and how long its digest is. */
export function sha512SetLength(state: usize, len: u32, digest: i32): void {
  store<u32>(state, len, LENGTH);
  store<u32>(state, 0, LENGTH_HIGH);
  store<i32>(state, digest, DIGEST);
}

/** Adds `len` bytes. */
export function sha512Update(state: usize, msg: usize, len: i32): void {
  const low = load<u32>(state, LENGTH);
  const sum = low + (len as u32);
  store<u32>(state, sum, LENGTH);
  store<u32>(state, load<u32>(state, LENGTH_HIGH) + u32(sum < low), LENGTH_HIGH);
  const held = (low & 127) as i32;
  if (held > 0) {
    const n = len < 128 - held ? len : 128 - held;
    copy(state + SHA512_BUFFER + held, msg, n);
    if (held + n < 128) return;
    sha512Compress(state, state + SHA512_BUFFER, 1);
    msg += n;
    len -= n;
  }
  const blocks = len >> 7;
  if (blocks > 0) sha512Compress(state, msg, blocks);
  copy(state + SHA512_BUFFER, msg + (blocks << 7), len & 127);
}

/** Pads and takes in the rest: the chaining value is the digest, as words. */
export function sha512Finish(state: usize): void {
  const low = load<u32>(state, LENGTH);
  const high = load<u32>(state, LENGTH_HIGH);
  const buffer = state + SHA512_BUFFER;
  const held = (low & 127) as i32;
  store<u8>(buffer + held, 0x80);
  wipe(buffer + held + 1, 127 - held);
  if (held >= 112) {
    sha512Compress(state, buffer, 1);
    wipe(buffer, 128);
  }
  storeBe32(buffer + 116, high >> 29);
  storeBe32(buffer + 120, (high << 3) | (low >> 29));
  storeBe32(buffer + 124, low << 3);
  sha512Compress(state, buffer, 1);
}

/** The first 48 or 64 bytes of the words at `state`, to `out`. */
export function sha512Output(state: usize, out: usize): void {
  for (let i = load<i32>(state, DIGEST) - 8; i >= 0; i -= 8) {
    storeBe32(out + i, load<u32>(state + i, 4));
    storeBe32(out + i + 4, load<u32>(state + i));
  }
}

/** Ends the hash: 48 or 64 bytes at `out`, as it was begun. The state is used up. */
export function sha512Final(state: usize, out: usize): void {
  sha512Finish(state);
  sha512Output(state, out);
}

function digest(msg: usize, len: i32, out: usize, size: i32): void {
  const state = scratchPush(SHA512_STATE);
  sha512Init(state, size);
  sha512Update(state, msg, len);
  sha512Final(state, out);
  scratchPop(SHA512_STATE);
}

/** Digest of `len` bytes, 48 bytes at `out`, which may overlap the message. */
export function sha384(msg: usize, len: i32, out: usize): void {
  digest(msg, len, out, 48);
}

/** Digest of `len` bytes, 64 bytes at `out`, which may overlap the message. */
export function sha512(msg: usize, len: i32, out: usize): void {
  digest(msg, len, out, 64);
}

/**
 * SHA-384 of bytes in the stage.
 *
 * @param ptr  [public] `len` bytes
 * @param out  [public] 48 bytes
 * @returns 48 | ERR_ARGUMENT
 */
export function sha384Digest(ptr: usize, len: i32, out: usize): i32 {
  if (!inStage(ptr, len) || !inStage(out, 48)) return ERR_ARGUMENT;
  digest(ptr, len, out, 48);
  return 48;
}

/** As `sha384Digest`, 64 bytes. */
export function sha512Digest(ptr: usize, len: i32, out: usize): i32 {
  if (!inStage(ptr, len) || !inStage(out, 64)) return ERR_ARGUMENT;
  digest(ptr, len, out, 64);
  return 64;
}

/** Streaming digest, one at a time for both lengths: `sha384Begin` or `sha512Begin`, `sha512Feed`, `sha512End`. */
const STREAM: usize = memory.data(208, 16);

export function sha384Begin(): i32 {
  wipe(STREAM, SHA512_STATE); // what a stream that was given up left behind
  sha512Init(STREAM, 48);
  return OK;
}

export function sha512Begin(): i32 {
  wipe(STREAM, SHA512_STATE); // what a stream that was given up left behind
  sha512Init(STREAM, 64);
  return OK;
}

/** OK | ERR_ARGUMENT (also when none was begun) */
export function sha512Feed(ptr: usize, len: i32): i32 {
  if (load<i32>(STREAM, DIGEST) === 0 || !inStage(ptr, len)) return ERR_ARGUMENT;
  sha512Update(STREAM, ptr, len);
  return OK;
}

/** 48 | 64 | ERR_ARGUMENT (also when none was begun) */
export function sha512End(out: usize): i32 {
  const size = load<i32>(STREAM, DIGEST);
  if (size === 0 || !inStage(out, size)) return ERR_ARGUMENT;
  sha512Final(STREAM, out);
  wipe(STREAM, SHA512_STATE);
  return size;
}
