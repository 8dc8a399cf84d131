// AES-CBC with PKCS#5 padding, then HMAC-SHA256 over iv ‖ ciphertext: encrypt-then-MAC in one call, and back. A sealed
// message is iv (16) ‖ ciphertext ‖ tag (32). The framing seals through `cbcEncryptHashed` with its own bytes around.

import {
  ERR_ARGUMENT, ERR_BAD_TAG, ERR_BLOCK_SIZE, KEY_AES, KEY_HMAC_SHA256, OK, USE_DECRYPT, USE_ENCRYPT, USE_SIGN,
  USE_VERIFY,
} from "../../src/core/abi"; // biome-ignore format: one table of names
import { copy, wipe } from "../bytes";
import { SHA256_STATE, sha256Update } from "../hash/sha256";
import { hmacCheck, hmacFinal, hmacInit } from "../mac/hmac";
import { slotCheck, slotState } from "../memory/key-slots";
import { inStage } from "../memory/layout";
import { scratchPop, scratchPush } from "../memory/scratch";
import { cbcEncryptBlocks } from "./aes";
import { aesRounds, cbcDecrypt, cbcPaddedLength, padBlock } from "./aes-cbc";
import { cbcEncryptHash } from "./aes-simd-seal.gen";

const IV: i32 = 16;
const TAG: i32 = 32;
/** Where a hashing state counts its bytes. */
const HASHED: i32 = 96;

/**
 * CBC encryption of whole blocks, with the hash of the bytes from `from` on, as far as they go together.
 *
 * @param state  [secret] expanded AES key
 * @param iv     16 bytes; becomes the last ciphertext block
 * @param src    [secret] `len` bytes, a multiple of 16
 * @param dst    `len` bytes; may be `src` or lie before it, or apart
 * @param hash   [secret] SHA-256 state; when it holds part of a block, `from` must be `dst`
 * @param from   first byte to hash; from there to `dst` all bytes are in place
 * @returns the first byte that is not hashed
 */
function encryptHashed(
  state: usize,
  rounds: i32,
  iv: usize,
  src: usize,
  len: i32,
  dst: usize,
  hash: usize,
  from: usize,
): usize {
  let done = 0;
  if (ASC_FEATURE_SIMD) {
    const held = (load<u64>(hash, HASHED) & 63) as i32;
    if (held > 0) {
      // The block that the hash has begun ends inside the ciphertext.
      done = min(len, (64 - held + 15) & ~15);
      cbcEncryptBlocks(state, iv, rounds, src, done, dst);
      const n = min(done, 64 - held);
      sha256Update(hash, from, n);
      from += n;
    }
    const ready = ((dst - from) as i32) + done;
    const head = ready < 64 ? (64 - ready + 15) & ~15 : 0;
    // A turn hashes 64 bytes that lie there and encrypts 64 more, so what is ready stays ready.
    const turns = (len - done - head) >> 6;
    if (turns > 0) {
      cbcEncryptBlocks(state, iv, rounds, src + done, head, dst + done);
      done += head;
      const n = turns << 6;
      cbcEncryptHash(state, rounds, iv, src + done, turns, dst + done, hash, from);
      store<u64>(hash, load<u64>(hash, HASHED) + (n as u64), HASHED);
      from += n;
      done += n;
    }
  }
  cbcEncryptBlocks(state, iv, rounds, src + done, len - done, dst + done);
  return from;
}

function min(a: i32, b: i32): i32 {
  return a < b ? a : b;
}

/**
 * Pads and encrypts, and hashes from `from` to the end of the ciphertext.
 *
 * @param len  any length; the rest as in `encryptHashed`. `iv` is used up.
 * @returns length of the ciphertext
 * Scratch: 16 bytes, wiped, and what the hash takes.
 */
export function cbcEncryptHashed(
  state: usize,
  rounds: i32,
  iv: usize,
  src: usize,
  len: i32,
  dst: usize,
  hash: usize,
  from: usize,
): i32 {
  const whole = len & ~15;
  const last = scratchPush(16);
  padBlock(last, src + whole, len & 15);
  from = encryptHashed(state, rounds, iv, src, whole, dst, hash, from);
  cbcEncryptBlocks(state, iv, rounds, last, 16, dst + whole);
  scratchPop(16);
  const end = dst + whole + 16;
  sha256Update(hash, from, (end - from) as i32);
  return whole + 16;
}

/** True if writing `size` bytes at `out`, of which the first `head` come ahead of all reading, could meet unread input. */
function collides(ptr: usize, len: i32, out: usize, size: i32, head: i32): bool {
  return out + head > ptr && out < ptr + len && size > 0;
}

/**
 * Seals a message.
 *
 * @param encSlot  [secret] key of type KEY_AES with USE_ENCRYPT
 * @param macSlot  [secret] key of type KEY_HMAC_SHA256 with USE_SIGN
 * @param iv       [public] 16 bytes, unpredictable to others and never used before
 * @param ptr      [secret] `len` bytes
 * @param out      len rounded up to the next multiple of 16, and 48 more; apart from the input, or with `out` + 16 ≤ `ptr`
 * @returns length of the sealed message | ERR_ARGUMENT | a slot error
 * Time: depends on `len` only.
 */
export function sealCbcHmac(encSlot: i32, macSlot: i32, iv: usize, ptr: usize, len: i32, out: usize): i32 {
  if (!inStage(iv, IV) || !inStage(ptr, len)) return ERR_ARGUMENT;
  const size = IV + cbcPaddedLength(len) + TAG;
  if (!inStage(out, size) || collides(ptr, len, out, size, IV)) return ERR_ARGUMENT;
  let status = slotCheck(encSlot, KEY_AES, USE_ENCRYPT);
  if (status === OK) status = slotCheck(macSlot, KEY_HMAC_SHA256, USE_SIGN);
  if (status !== OK) return status;
  const chain = scratchPush(IV);
  const hash = scratchPush(SHA256_STATE);
  copy(chain, iv, IV);
  copy(out, chain, IV);
  hmacInit(slotState(macSlot), hash);
  cbcEncryptHashed(slotState(encSlot), aesRounds(encSlot), chain, ptr, len, out + IV, hash, out);
  hmacFinal(slotState(macSlot), hash, out + size - TAG);
  scratchPop(SHA256_STATE);
  scratchPop(IV);
  return size;
}

/**
 * Opens a sealed message: nothing is decrypted before the tag is verified.
 *
 * @param encSlot  [secret] key of type KEY_AES with USE_DECRYPT
 * @param macSlot  [secret] key of type KEY_HMAC_SHA256 with USE_VERIFY
 * @param ptr      [public] `len` bytes: iv ‖ ciphertext ‖ tag
 * @param out      [secret] `len` - 48 bytes; apart from the input, or `out` ≤ `ptr` + 16
 * @returns length of the plaintext | ERR_BAD_TAG | ERR_BLOCK_SIZE | ERR_BAD_PADDING (then `out` is wiped) |
 *   ERR_ARGUMENT | a slot error
 */
export function openCbcHmac(encSlot: i32, macSlot: i32, ptr: usize, len: i32, out: usize): i32 {
  if (!inStage(ptr, len)) return ERR_ARGUMENT;
  const size = len - IV - TAG;
  if (!inStage(out, size < 0 ? 0 : size) || (out > ptr + IV && out < ptr + len)) return ERR_ARGUMENT;
  let status = slotCheck(encSlot, KEY_AES, USE_DECRYPT);
  if (status === OK) status = slotCheck(macSlot, KEY_HMAC_SHA256, USE_VERIFY);
  if (status !== OK) return status;
  if (size < 0) return ERR_BAD_TAG;
  status = hmacCheck(slotState(macSlot), ptr, IV + size, ptr + IV + size, TAG);
  if (status !== OK) return status;
  const chain = scratchPush(IV);
  copy(chain, ptr, IV);
  status = cbcDecrypt(slotState(encSlot), aesRounds(encSlot), chain, ptr + IV, size, out);
  scratchPop(IV);
  return status;
}

// Sealing what is longer than the stage, one stream at a time: the hash and the chain are kept between calls.
const STREAM: usize = memory.data(112, 16);
const STREAM_CHAIN: usize = memory.data(16, 16);
let streamEnc: i32 = -1;
let streamMac: i32 = -1;

/**
 * Begins a stream, which ends any other. The sealed message is iv ‖ all that the calls below write.
 *
 * @param iv  [public] 16 bytes
 * @returns OK | ERR_ARGUMENT | a slot error
 */
export function sealStreamBegin(encSlot: i32, macSlot: i32, iv: usize): i32 {
  sealStreamDrop();
  if (!inStage(iv, IV)) return ERR_ARGUMENT;
  let status = slotCheck(encSlot, KEY_AES, USE_ENCRYPT);
  if (status === OK) status = slotCheck(macSlot, KEY_HMAC_SHA256, USE_SIGN);
  if (status !== OK) return status;
  hmacInit(slotState(macSlot), STREAM);
  sha256Update(STREAM, iv, IV);
  copy(STREAM_CHAIN, iv, IV);
  streamEnc = encSlot;
  streamMac = macSlot;
  return OK;
}

/** Wipes the stream's state. */
export function sealStreamDrop(): i32 {
  wipe(STREAM, SHA256_STATE);
  wipe(STREAM_CHAIN, IV);
  streamEnc = -1;
  streamMac = -1;
  return OK;
}

/** OK, or why the running stream cannot go on: none runs, or its slots changed hands. */
function streamCheck(): i32 {
  if (streamEnc < 0) return ERR_ARGUMENT;
  const status = slotCheck(streamEnc, KEY_AES, USE_ENCRYPT);
  return status === OK ? slotCheck(streamMac, KEY_HMAC_SHA256, USE_SIGN) : status;
}

/**
 * @param ptr  [secret] `len` bytes, a multiple of 64
 * @param out  `len` bytes; apart from the input, or `out` ≤ `ptr`
 * @returns `len` | ERR_ARGUMENT | ERR_BLOCK_SIZE | a slot error
 */
export function sealStreamBlocks(ptr: usize, len: i32, out: usize): i32 {
  if (!inStage(ptr, len) || !inStage(out, len) || collides(ptr, len, out, len, 0)) return ERR_ARGUMENT;
  if ((len & 63) !== 0) return ERR_BLOCK_SIZE;
  const status = streamCheck();
  if (status !== OK) return status;
  const from = encryptHashed(slotState(streamEnc), aesRounds(streamEnc), STREAM_CHAIN, ptr, len, out, STREAM, out);
  sha256Update(STREAM, from, (out + len - from) as i32);
  return len;
}

/**
 * Seals the last bytes, pads them, and ends the stream.
 *
 * @param ptr  [secret] `len` bytes
 * @param out  as for `sealCbcHmac` without the iv; apart from the input, or `out` ≤ `ptr`
 * @returns bytes written, the tag's 32 included | ERR_ARGUMENT | a slot error
 */
export function sealStreamEnd(ptr: usize, len: i32, out: usize): i32 {
  if (!inStage(ptr, len)) return ERR_ARGUMENT;
  const size = cbcPaddedLength(len) + TAG;
  if (!inStage(out, size) || collides(ptr, len, out, size, 0)) return ERR_ARGUMENT;
  const status = streamCheck();
  if (status !== OK) return status;
  cbcEncryptHashed(slotState(streamEnc), aesRounds(streamEnc), STREAM_CHAIN, ptr, len, out, STREAM, out);
  hmacFinal(slotState(streamMac), STREAM, out + size - TAG);
  sealStreamDrop();
  return size;
}
