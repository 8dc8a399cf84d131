// SHA-256, FIPS 180-4 §6.2. The working variables are locals: faster than globals, and nothing stays behind.
// A hashing state is 112 bytes: 8 words of chaining value (32), a block buffer (64), bytes hashed so far (8), spare.

import { ERR_ARGUMENT, OK } from "../../src/core/abi";
import { copy, storeBe32, storeBe64, wipe } from "../bytes";
import { inStage } from "../memory/layout";
import { scratchPop, scratchPush } from "../memory/scratch";
import { sha256Compress } from "./sha256-compress";

/** Bytes of a hashing state. */
export const SHA256_STATE: i32 = 112;
const BUFFER: i32 = 32;
const LENGTH: i32 = 96;

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
    sha256Compress(state, state + BUFFER, 1);
    msg += n;
    len -= n;
  }
  const blocks = len >> 6;
  if (blocks > 0) sha256Compress(state, msg, blocks);
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
    sha256Compress(state, buffer, 1);
    wipe(buffer, 56);
  } else {
    wipe(buffer + held + 1, 55 - held);
  }
  storeBe64(buffer + 56, total << 3);
  sha256Compress(state, buffer, 1);
  for (let i = 0; i < 32; i += 4) storeBe32(out + i, load<u32>(state + i));
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
