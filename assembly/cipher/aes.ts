// AES, FIPS 197, and CBC on whole blocks, SP 800-38A §6.2: the implementation that a build gets. Every implementation
// is a file with the functions below; none has tables, branches or addresses that depend on secrets.

import { copy, xor16 } from "../bytes";
import * as narrow from "./aes.i32";
import * as wide from "./aes.i64";
import * as simd from "./aes-simd";
import * as small from "./aes-small";

/** Bytes of the area for an expanded key. What stands in it is the implementation's own matter. */
export const AES_STATE: i32 = 480;

/**
 * @param key    [secret] 16, 24 or 32 bytes
 * @param state  [secret] AES_STATE bytes, aligned to 16: the expanded key
 */
export function aesExpandKey(key: usize, keyLen: i32, state: usize): void {
  if (ASC_FEATURE_SIMD) simd.aesExpandKey(key, keyLen, state);
  else if (CORE_JS) narrow.aesExpandKey(key, keyLen, state);
  else if (CORE_SMALL) small.aesExpandKey(key, keyLen, state);
  else wide.aesExpandKey(key, keyLen, state);
}

/**
 * Encrypts independent blocks.
 *
 * @param rounds  [public] 10, 12 or 14
 * @param src     [secret] `n` blocks of 16 bytes, n ≥ 0
 * @param dst     `n` blocks; may be `src`, or lie before it
 */
export function aesEncryptBlocks(state: usize, rounds: i32, src: usize, n: i32, dst: usize): void {
  if (ASC_FEATURE_SIMD) simd.aesEncryptBlocks(state, rounds, src, n, dst);
  else if (CORE_JS) narrow.aesEncryptBlocks(state, rounds, src, n, dst);
  else if (CORE_SMALL) small.aesEncryptBlocks(state, rounds, src, n, dst);
  else wide.aesEncryptBlocks(state, rounds, src, n, dst);
}

/** Inverse of `aesEncryptBlocks`. */
export function aesDecryptBlocks(state: usize, rounds: i32, src: usize, n: i32, dst: usize): void {
  if (ASC_FEATURE_SIMD) simd.aesDecryptBlocks(state, rounds, src, n, dst);
  else if (CORE_JS) narrow.aesDecryptBlocks(state, rounds, src, n, dst);
  else if (CORE_SMALL) small.aesDecryptBlocks(state, rounds, src, n, dst);
  else wide.aesDecryptBlocks(state, rounds, src, n, dst);
}

/**
 * @param iv   16 bytes; becomes the last ciphertext block
 * @param src  [secret] `len` bytes, a multiple of 16
 * @param dst  `len` bytes; may be `src`, must not begin inside it
 */
export function cbcEncryptBlocks(state: usize, iv: usize, rounds: i32, src: usize, len: i32, dst: usize): void {
  if (ASC_FEATURE_SIMD) simd.cbcEncryptBlocks(state, iv, rounds, src, len, dst);
  else if (CORE_JS) narrow.cbcEncryptBlocks(state, iv, rounds, src, len, dst);
  else if (CORE_SMALL) small.cbcEncryptBlocks(state, iv, rounds, src, len, dst);
  else wide.cbcEncryptBlocks(state, iv, rounds, src, len, dst);
}

/** Inverse of `cbcEncryptBlocks`; `dst` may be `src` or lie before it. */
export function cbcDecryptBlocks(state: usize, iv: usize, rounds: i32, src: usize, len: i32, dst: usize): void {
  if (ASC_FEATURE_SIMD) simd.cbcDecryptBlocks(state, iv, rounds, src, len, dst);
  else if (CORE_JS) narrow.cbcDecryptBlocks(state, iv, rounds, src, len, dst);
  else if (CORE_SMALL) small.cbcDecryptBlocks(state, iv, rounds, src, len, dst);
  else wide.cbcDecryptBlocks(state, iv, rounds, src, len, dst);
}

/**
 * CBC encryption of four messages at once.
 *
 * @param ivs  four times 16 bytes; become the last ciphertext blocks
 * @param src  [secret] four times `len` bytes, a multiple of 16; message i begins at `src` + i·`srcStride`
 * @param dst  as `src`, with its own stride; apart from the input, or the same with the same stride
 */
export function cbcEncryptLanes(
  state: usize,
  ivs: usize,
  rounds: i32,
  src: usize,
  srcStride: i32,
  len: i32,
  dst: usize,
  dstStride: i32,
): void {
  if (ASC_FEATURE_SIMD) {
    for (let i = 0; i < len; i += 16) {
      for (let k = 0; k < 4; k++) xor16(ivs + (k << 4), ivs + (k << 4), src + k * srcStride + i);
      simd.aesEncryptBlocks(state, rounds, ivs, 4, ivs);
      for (let k = 0; k < 4; k++) copy(dst + k * dstStride + i, ivs + (k << 4), 16);
    }
  } else if (CORE_JS) narrow.cbcEncryptLanes(state, ivs, rounds, src, srcStride, len, dst, dstStride);
  else wide.cbcEncryptLanes(state, ivs, rounds, src, srcStride, len, dst, dstStride);
}
