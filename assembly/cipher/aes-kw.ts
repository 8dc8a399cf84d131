// AES key wrap, RFC 3394 §2.2, with the default initial value. Used on raw bytes and on keys that stay in slots.

import {
  ERR_ARGUMENT,
  ERR_BLOCK_SIZE,
  ERR_UNWRAP,
  ERR_USAGE,
  KEY_AES_WRAP,
  MAX_RAW_KEY,
  OK,
  USE_EXPORT,
  USE_UNWRAP,
  USE_WRAP,
} from "../../src/core/abi";
import { copy, load64, store64, wipe } from "../bytes";
import { maskZero } from "../ct";
import { slotCheck, slotFillPlain, slotLength, slotRaw, slotState, slotType } from "../memory/key-slots";
import { inStage } from "../memory/layout";
import { scratchPop, scratchPush } from "../memory/scratch";
import { aesDecryptBlocks, aesEncryptBlocks } from "./aes";
import { aesRounds } from "./aes-cbc";

const INITIAL_VALUE: u64 = 0xa6a6a6a6a6a6a6a6;

/** Wraps `len` bytes (a multiple of 8, at least 8): `len` + 8 bytes at `out`, which may be `src` itself. */
function wrap(slot: i32, src: usize, len: i32, out: usize): void {
  const block = scratchPush(16);
  const state = slotState(slot);
  const rounds = aesRounds(slot);
  copy(out + 8, src, len);
  store<u64>(block, INITIAL_VALUE);
  let t: u64 = 0;
  for (let j = 0; j < 6; j++) {
    for (let i = 8; i <= len; i += 8) {
      store<u64>(block, load64(out + i), 8);
      aesEncryptBlocks(state, rounds, block, 1, block);
      t++;
      store<u64>(block, load<u64>(block) ^ bswap<u64>(t));
      store64(out + i, load<u64>(block, 8));
    }
  }
  store64(out, load<u64>(block));
  scratchPop(16);
}

/** Unwraps `len` bytes (a multiple of 8, at least 16) into `len` - 8 bytes. OK | ERR_UNWRAP (then `out` is wiped). */
function unwrap(slot: i32, src: usize, len: i32, out: usize): i32 {
  const block = scratchPush(16);
  const state = slotState(slot);
  const rounds = aesRounds(slot);
  store<u64>(block, load64(src));
  copy(out, src + 8, len - 8);
  let t = (((len - 8) >> 3) * 6) as u64;
  for (let j = 0; j < 6; j++) {
    for (let i = len - 16; i >= 0; i -= 8) {
      store<u64>(block, load<u64>(block) ^ bswap<u64>(t));
      t--;
      store<u64>(block, load64(out + i), 8);
      aesDecryptBlocks(state, rounds, block, 1, block);
      store64(out + i, load<u64>(block, 8));
    }
  }
  const diff = load<u64>(block) ^ INITIAL_VALUE;
  const equal = maskZero(((diff >> 32) | (diff & 0xffffffff)) as i32);
  scratchPop(16);
  if (equal !== 0) return OK;
  wipe(out, len - 8);
  return ERR_UNWRAP;
}

/**
 * @param slot  [secret] key of type KEY_AES_WRAP with USE_WRAP
 * @param ptr   [secret] `len` bytes, a multiple of 8, at least 8
 * @param out   `len` + 8 bytes
 * @returns length | ERR_BLOCK_SIZE | ERR_ARGUMENT | a slot error
 */
export function aesWrapBytes(slot: i32, ptr: usize, len: i32, out: usize): i32 {
  if (!inStage(ptr, len) || !inStage(out, len) || !inStage(out + len, 8)) return ERR_ARGUMENT;
  const status = slotCheck(slot, KEY_AES_WRAP, USE_WRAP);
  if (status < 0) return status;
  if (len < 8 || (len & 7) !== 0) return ERR_BLOCK_SIZE;
  wrap(slot, ptr, len, out);
  return len + 8;
}

/** @returns length | ERR_BLOCK_SIZE | ERR_UNWRAP (0 or 8 bytes, or integrity) | ERR_ARGUMENT | a slot error */
export function aesUnwrapBytes(slot: i32, ptr: usize, len: i32, out: usize): i32 {
  if (!inStage(ptr, len) || !inStage(out, len)) return ERR_ARGUMENT;
  const status = slotCheck(slot, KEY_AES_WRAP, USE_UNWRAP);
  if (status < 0) return status;
  if ((len & 7) !== 0) return ERR_BLOCK_SIZE;
  if (len < 16) return ERR_UNWRAP;
  return unwrap(slot, ptr, len, out) === OK ? len - 8 : ERR_UNWRAP;
}

/** Wraps the raw key of `keySlot`, which needs USE_EXPORT. length | ERR_BLOCK_SIZE | ERR_ARGUMENT | a slot error */
export function aesWrapSlot(slot: i32, keySlot: i32, out: usize): i32 {
  const status = slotCheck(slot, KEY_AES_WRAP, USE_WRAP);
  if (status < 0) return status;
  const len = slotLength(keySlot);
  if (len < 0) return len;
  if (slotCheck(keySlot, slotType(keySlot), USE_EXPORT) !== OK) return ERR_USAGE;
  if ((len & 7) !== 0) return ERR_BLOCK_SIZE;
  if (!inStage(out, len + 8)) return ERR_ARGUMENT;
  wrap(slot, slotRaw(keySlot), len, out);
  return len + 8;
}

/** Unwraps straight into a slot. slot | ERR_BLOCK_SIZE | ERR_UNWRAP | ERR_NO_SLOT | ERR_ARGUMENT | a slot error */
export function aesUnwrapSlot(slot: i32, ptr: usize, len: i32, type: i32, usage: i32): i32 {
  if (!inStage(ptr, len)) return ERR_ARGUMENT;
  const status = slotCheck(slot, KEY_AES_WRAP, USE_UNWRAP);
  if (status < 0) return status;
  if ((len & 7) !== 0) return ERR_BLOCK_SIZE;
  if (len < 16 || len > MAX_RAW_KEY + 8) return ERR_UNWRAP;
  const key = scratchPush(MAX_RAW_KEY);
  let result = unwrap(slot, ptr, len, key);
  if (result === OK) result = slotFillPlain(type, usage, key, len - 8);
  scratchPop(MAX_RAW_KEY);
  return result;
}
