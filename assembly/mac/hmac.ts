// HMAC-SHA256, RFC 2104 §2, untruncated: MSL never shortens a tag. A key's state is the two chaining values after
// the inner and the outer padded key block: 64 bytes, so that a message costs no key block.

import { ERR_ARGUMENT, ERR_BAD_TAG, KEY_HMAC_SHA256, OK, USE_SIGN, USE_VERIFY } from "../../src/core/abi";
import { copy, wipe } from "../bytes";
import { ctEqual } from "../ct";
import {
  SHA256_BUFFER,
  SHA256_STATE,
  sha256Final,
  sha256Finish,
  sha256Output,
  sha256SetLength,
  sha256Start,
  sha256Update,
} from "../hash/sha256";
import { sha256Compress } from "../hash/sha256-compress";
import { slotCheck, slotState } from "../memory/key-slots";
import { inStage } from "../memory/layout";
import { scratchPop, scratchPush } from "../memory/scratch";

/** Bytes of a key's state. */
export const HMAC_STATE: i32 = 64;

/**
 * Expands a key.
 *
 * @param key    [secret] `keyLen` ≤ 64 bytes; longer keys are hashed by the caller (RFC 2104 §2)
 * @param state  [secret] 64 bytes
 */
export function hmacExpandKey(key: usize, keyLen: i32, state: usize): void {
  const block = scratchPush(64); // zeros: released space is wiped
  copy(block, key, keyLen);
  sha256Start(state);
  sha256Start(state + 32);
  padKey(block, 0x36363636);
  sha256Compress(state, block, 1);
  padKey(block, 0x36363636 ^ 0x5c5c5c5c);
  sha256Compress(state + 32, block, 1);
  scratchPop(64);
}

function padKey(block: usize, pad: u32): void {
  for (let i = 0; i < 64; i += 4) store<u32>(block + i, load<u32>(block + i) ^ pad);
}

/** Starts a MAC: `hash` becomes a SHA-256 state that already holds the inner key block. */
export function hmacInit(state: usize, hash: usize): void {
  copy(hash, state, 32);
  sha256SetLength(hash, 64);
}

/** Ends a MAC: 32 bytes at `out`. */
export function hmacFinal(state: usize, hash: usize, out: usize): void {
  sha256Finish(hash);
  sha256Output(hash, hash + SHA256_BUFFER);
  copy(hash, state + 32, 32);
  if (ASC_FEATURE_SIMD) {
    // Key block and digest are 96 bytes: the padding is always the same.
    v128.store(hash + SHA256_BUFFER, i64x2(0x80, 0), 32);
    v128.store(hash + SHA256_BUFFER, i64x2(0, 0x0003000000000000), 48);
    sha256Compress(hash, hash + SHA256_BUFFER, 1);
    sha256Output(hash, out);
  } else {
    sha256SetLength(hash, 64 + 32);
    sha256Final(hash, out);
  }
}

/** Tag of `len` bytes: 32 bytes at `out`. `state` is a key's state. */
export function hmacSha256(state: usize, msg: usize, len: i32, out: usize): void {
  const hash = scratchPush(SHA256_STATE);
  hmacInit(state, hash);
  sha256Update(hash, msg, len);
  hmacFinal(state, hash, out);
  scratchPop(SHA256_STATE);
}

/**
 * @param slot  [secret] key of type KEY_HMAC_SHA256 with USE_SIGN
 * @param ptr   [public] `len` bytes
 * @param out   [public] 32 bytes
 * @returns 32 | ERR_ARGUMENT | ERR_SLOT | ERR_KEY_TYPE | ERR_USAGE
 */
export function hmacSha256Sign(slot: i32, ptr: usize, len: i32, out: usize): i32 {
  if (!inStage(ptr, len) || !inStage(out, 32)) return ERR_ARGUMENT;
  const status = slotCheck(slot, KEY_HMAC_SHA256, USE_SIGN);
  if (status < 0) return status;
  hmacSha256(slotState(slot), ptr, len, out);
  return 32;
}

/**
 * @param slot  [secret] key of type KEY_HMAC_SHA256 with USE_VERIFY
 * @param tag   [public] `tagLen` bytes as received; only 32 can be right
 * @returns OK | ERR_BAD_TAG | ERR_ARGUMENT | ERR_SLOT | ERR_KEY_TYPE | ERR_USAGE
 * Time: depends on the lengths only.
 */
export function hmacSha256Verify(slot: i32, ptr: usize, len: i32, tag: usize, tagLen: i32): i32 {
  if (!inStage(ptr, len) || !inStage(tag, tagLen)) return ERR_ARGUMENT;
  const status = slotCheck(slot, KEY_HMAC_SHA256, USE_VERIFY);
  if (status < 0) return status;
  return hmacCheck(slotState(slot), ptr, len, tag, tagLen);
}

/** Internal form of the check, for framing. OK | ERR_BAD_TAG. */
export function hmacCheck(state: usize, msg: usize, len: i32, tag: usize, tagLen: i32): i32 {
  if (tagLen !== 32) return ERR_BAD_TAG;
  const mac = scratchPush(32);
  hmacSha256(state, msg, len, mac);
  const equal = ctEqual(mac, tag, 32);
  scratchPop(32);
  return equal === 1 ? OK : ERR_BAD_TAG;
}

// Streaming, one MAC at a time: messages longer than the stage.
const STREAM: usize = memory.data(112, 16);
let streamSlot: i32 = -1;
let streamUsage: i32 = 0;

/** @returns OK | ERR_ARGUMENT | ERR_SLOT | ERR_KEY_TYPE | ERR_USAGE; `usage` is USE_SIGN or USE_VERIFY */
export function hmacSha256Begin(slot: i32, usage: i32): i32 {
  streamSlot = -1;
  wipe(STREAM, SHA256_STATE); // of a stream that was given up
  if (usage !== USE_SIGN && usage !== USE_VERIFY) return ERR_ARGUMENT;
  const status = slotCheck(slot, KEY_HMAC_SHA256, usage);
  if (status < 0) return status;
  hmacInit(slotState(slot), STREAM);
  streamSlot = slot;
  streamUsage = usage;
  return OK;
}

export function hmacSha256Update(ptr: usize, len: i32): i32 {
  if (streamSlot < 0 || !inStage(ptr, len)) return ERR_ARGUMENT;
  sha256Update(STREAM, ptr, len);
  return OK;
}

/** @returns 32 | ERR_ARGUMENT | a slot error */
export function hmacSha256End(out: usize): i32 {
  if (!inStage(out, 32)) return ERR_ARGUMENT;
  const status = streamClose(USE_SIGN);
  if (status < 0) return status;
  hmacFinal(slotState(status), STREAM, out);
  wipe(STREAM, SHA256_STATE);
  return 32;
}

/** @returns OK | ERR_BAD_TAG | ERR_ARGUMENT | a slot error */
export function hmacSha256EndVerify(tag: usize, tagLen: i32): i32 {
  if (!inStage(tag, tagLen)) return ERR_ARGUMENT;
  const status = streamClose(USE_VERIFY);
  if (status < 0) return status;
  const mac = scratchPush(32);
  hmacFinal(slotState(status), STREAM, mac);
  wipe(STREAM, SHA256_STATE);
  const equal = tagLen === 32 ? ctEqual(mac, tag, 32) : 0;
  scratchPop(32);
  return equal === 1 ? OK : ERR_BAD_TAG;
}

/** Slot of the running stream, which ends; an error, and the state wiped, if there is none of this usage. */
function streamClose(usage: i32): i32 {
  const slot = streamSlot;
  streamSlot = -1;
  const status = slot < 0 || streamUsage !== usage ? ERR_ARGUMENT : slotCheck(slot, KEY_HMAC_SHA256, usage);
  if (status < 0) wipe(STREAM, SHA256_STATE);
  return status < 0 ? status : slot;
}
