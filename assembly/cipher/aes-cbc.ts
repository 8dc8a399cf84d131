// AES-CBC (SP 800-38A §6.2) with PKCS#5 padding (RFC 5652 §6.3), and its streaming forms without padding.
// Every message of MSL is verified before it gets here; the padding check is constant-time all the same.

import {
  ERR_ARGUMENT,
  ERR_BAD_PADDING,
  ERR_BLOCK_SIZE,
  KEY_AES,
  OK,
  USE_DECRYPT,
  USE_ENCRYPT,
} from "../../src/core/abi";
import { copy, load64, wipe } from "../bytes";
import { maskLess, maskZero, select } from "../ct";
import { slotCheck, slotLength, slotState } from "../memory/key-slots";
import { inStage } from "../memory/layout";
import { scratchPop, scratchPush } from "../memory/scratch";
import { cbcDecryptBlocks, cbcEncryptBlocks } from "./aes";

/** Rounds of the AES key in a full slot: FIPS 197 §5, Figure 4. */
export function aesRounds(slot: i32): i32 {
  return (slotLength(slot) >> 2) + 6;
}

/** Length of the ciphertext of `len` bytes. */
export function cbcPaddedLength(len: i32): i32 {
  return (len & ~15) + 16;
}

/** The last block: `len` < 16 bytes and their padding, at `block`, which is aligned. */
export function padBlock(block: usize, src: usize, len: i32): void {
  if (ASC_FEATURE_SIMD) v128.store(block, i8x16.splat((16 - len) as i8));
  else for (let i = 0; i < 16; i++) store<u8>(block + i, 16 - len);
  copy(block, src, len);
}

/** Pads and encrypts `len` bytes; `iv` is used up. Returns the ciphertext's length. */
export function cbcEncrypt(state: usize, rounds: i32, iv: usize, src: usize, len: i32, dst: usize): i32 {
  const whole = len & ~15;
  const last = scratchPush(16);
  padBlock(last, src + whole, len & 15);
  cbcEncryptBlocks(state, iv, rounds, src, whole, dst);
  cbcEncryptBlocks(state, iv, rounds, last, 16, dst + whole);
  scratchPop(16);
  return whole + 16;
}

/**
 * Decrypts and removes the padding.
 *
 * @returns plaintext length | ERR_BLOCK_SIZE | ERR_BAD_PADDING (then the plaintext is wiped)
 * Time: depends on `len` only, up to the return of the status.
 */
export function cbcDecrypt(state: usize, rounds: i32, iv: usize, src: usize, len: i32, dst: usize): i32 {
  if (len === 0 || (len & 15) !== 0) return ERR_BLOCK_SIZE;
  cbcDecryptBlocks(state, iv, rounds, src, len, dst);
  const end = dst + len;
  const pad = load<u8>(end - 1) as i32;
  // 1 ≤ pad ≤ 16, and each of the last `pad` bytes equals it. By shifts of whole words: a mask for each byte invites
  // compilers of core.c to skip bytes by a branch.
  const bad = maskZero(pad) | maskLess(16, pad) | paddingDiffers(end - 16, pad);
  const result = select(bad, ERR_BAD_PADDING, len - pad);
  if (result < 0) wipe(dst, len);
  return result;
}

/** -1 if one of the last `pad` bytes of the 16 at `block` is not `pad`, else 0. 1 ≤ pad ≤ 16, else any result. */
function paddingDiffers(block: usize, pad: i32): i32 {
  const low = load64(block) ^ ((pad as u64) * 0x0101010101010101);
  const high = load64(block + 8) ^ ((pad as u64) * 0x0101010101010101);
  // The high word holds min(pad, 8) bytes of padding at its top, the low word the rest. A shift by 64 would be one by 0:
  // the high word has at least one byte, the low word's result is masked where it has none.
  const inHigh = select(maskLess(pad, 8), pad, 8);
  const inLow = pad - inHigh;
  const highBits = high >> ((64 - (inHigh << 3)) as u64);
  const lowBits = low >> ((64 - (inLow << 3)) as u64);
  const seen = highBits | (lowBits & ((-inLow >> 31) as i64 as u64));
  return ~maskZero((seen | (seen >> 32)) as i32);
}

/**
 * @param slot  [secret] key of type KEY_AES with USE_ENCRYPT
 * @param iv    [public] 16 bytes in the stage, unpredictable to others; used up
 * @param ptr   [secret] `len` bytes
 * @param out   padded length; may be `ptr`, must not begin inside the input
 * @returns length of the ciphertext | ERR_ARGUMENT | a slot error
 */
export function aesCbcEncrypt(slot: i32, iv: usize, ptr: usize, len: i32, out: usize): i32 {
  if (!inStage(iv, 16) || !inStage(ptr, len) || !inStage(out, cbcPaddedLength(len))) return ERR_ARGUMENT;
  if (overtakes(ptr, len, out)) return ERR_ARGUMENT;
  const status = slotCheck(slot, KEY_AES, USE_ENCRYPT);
  if (status < 0) return status;
  return cbcEncrypt(slotState(slot), aesRounds(slot), iv, ptr, len, out);
}

/** @returns plaintext length | ERR_BLOCK_SIZE | ERR_BAD_PADDING | ERR_ARGUMENT | a slot error. `out` may be `ptr`. */
export function aesCbcDecrypt(slot: i32, iv: usize, ptr: usize, len: i32, out: usize): i32 {
  if (!inStage(iv, 16) || !inStage(ptr, len) || !inStage(out, len) || overtakes(ptr, len, out)) return ERR_ARGUMENT;
  const status = slotCheck(slot, KEY_AES, USE_DECRYPT);
  if (status < 0) return status;
  return cbcDecrypt(slotState(slot), aesRounds(slot), iv, ptr, len, out);
}

/** Streaming, no padding: `len` is a multiple of 16, `iv` is carried on in place. OK | ERR_BLOCK_SIZE | … */
export function aesCbcEncryptBlocks(slot: i32, iv: usize, ptr: usize, len: i32, out: usize): i32 {
  if (!inStage(iv, 16) || !inStage(ptr, len) || !inStage(out, len) || overtakes(ptr, len, out)) return ERR_ARGUMENT;
  if ((len & 15) !== 0) return ERR_BLOCK_SIZE;
  const status = slotCheck(slot, KEY_AES, USE_ENCRYPT);
  if (status < 0) return status;
  cbcEncryptBlocks(slotState(slot), iv, aesRounds(slot), ptr, len, out);
  return OK;
}

export function aesCbcDecryptBlocks(slot: i32, iv: usize, ptr: usize, len: i32, out: usize): i32 {
  if (!inStage(iv, 16) || !inStage(ptr, len) || !inStage(out, len) || overtakes(ptr, len, out)) return ERR_ARGUMENT;
  if ((len & 15) !== 0) return ERR_BLOCK_SIZE;
  const status = slotCheck(slot, KEY_AES, USE_DECRYPT);
  if (status < 0) return status;
  cbcDecryptBlocks(slotState(slot), iv, aesRounds(slot), ptr, len, out);
  return OK;
}

/** True if output written front to back would overwrite input not yet read. */
export function overtakes(ptr: usize, len: i32, out: usize): bool {
  return out > ptr && out < ptr + len;
}
