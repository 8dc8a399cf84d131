// AES-GCM, SP 800-38D, as JSON Web Encryption uses it (RFC 7518 §5.3): IVs of 96 bits, tags of 128. Opening checks the
// tag over the ciphertext first and decrypts after that, so that nothing unverified is ever written.

import { ERR_ARGUMENT, ERR_BAD_TAG, KEY_AES, USE_DECRYPT, USE_ENCRYPT } from "../../src/core/abi";
import { copy, storeBe32, storeBe64, xor16 } from "../bytes";
import { ctEqual } from "../ct";
import { slotCheck, slotState } from "../memory/key-slots";
import { inStage } from "../memory/layout";
import { scratchPop, scratchPush } from "../memory/scratch";
import { aesEncryptBlocks } from "./aes";
import { aesRounds, overtakes } from "./aes-cbc";
import { ghashBlocks as ghashNarrow } from "./ghash.i32";
import { ghashBlocks as ghashWide } from "./ghash.i64";

const TAG: i32 = 16;

// Working space: hash key | GHASH so far | E(first counter block) | one block | IV | counter blocks, then keystream.
const HASH: usize = 16;
const MASK: usize = 32;
const BLOCK: usize = 48;
const IV: usize = 64;
const STREAM: usize = 80;
const BATCH: i32 = 8;
const WORK: i32 = 208;

function ghashBlocks(h: usize, y: usize, src: usize, n: i32): void {
  if (CORE_JS) ghashNarrow(h, y, src, n);
  else ghashWide(h, y, src, n);
}

/** Hashes `len` bytes, filled up with zeros to whole blocks. */
function ghash(work: usize, src: usize, len: i32): void {
  ghashBlocks(work, work + HASH, src, len >> 4);
  const rest = len & 15;
  if (rest === 0) return;
  store<u64>(work, 0, BLOCK);
  store<u64>(work, 0, BLOCK + 8);
  copy(work + BLOCK, src + len - rest, rest);
  ghashBlocks(work, work + HASH, work + BLOCK, 1);
}

/** Hash key, and the mask of the tag; takes in the additional data. From here on `out` may overwrite both. */
function begin(work: usize, state: usize, rounds: i32, iv: usize, aad: usize, aadLen: i32): void {
  copy(work + IV, iv, 12);
  copy(work + MASK, iv, 12);
  storeBe32(work + MASK + 12, 1);
  aesEncryptBlocks(state, rounds, work, 1, work);
  aesEncryptBlocks(state, rounds, work + MASK, 1, work + MASK);
  ghash(work, aad, aadLen);
}

/** Encrypts or decrypts in counter mode, from counter 2 on; `dst` may be `src` or lie before it. */
function counterMode(work: usize, state: usize, rounds: i32, src: usize, len: i32, dst: usize): void {
  const stream = work + STREAM;
  let counter = 2;
  for (let i = 0; i < len; i += BATCH << 4) {
    const rest = len - i;
    const n = rest < BATCH << 4 ? (rest + 15) >> 4 : BATCH;
    for (let k = 0; k < n; k++) {
      copy(stream + (k << 4), work + IV, 12);
      storeBe32(stream + (k << 4) + 12, counter++);
    }
    aesEncryptBlocks(state, rounds, stream, n, stream);
    let k = 0;
    const whole = rest < n << 4 ? rest & ~15 : n << 4;
    for (; k < whole; k += 16) xor16(dst + i + k, src + i + k, stream + k);
    for (; k < rest && k < n << 4; k++) store<u8>(dst + i + k, load<u8>(src + i + k) ^ load<u8>(stream + k));
  }
}

/** Tag over `aadLen` bytes of additional data, taken in before, and `len` bytes of ciphertext: left where GHASH was. */
function authenticate(work: usize, aadLen: i32, ct: usize, len: i32): void {
  ghash(work, ct, len);
  storeBe64(work + BLOCK, (aadLen as u64) << 3);
  storeBe64(work + BLOCK + 8, (len as u64) << 3);
  ghash(work, work + BLOCK, 16);
  xor16(work + HASH, work + HASH, work + MASK);
}

/**
 * @param slot  [secret] key of type KEY_AES with USE_ENCRYPT
 * @param iv    [public] 12 bytes in the stage, never used before with this key
 * @param aad   [public] `aadLen` bytes that are authenticated only
 * @param ptr   [secret] `len` bytes
 * @param out   `len` + 16 bytes: ciphertext ‖ tag; may be `ptr`, must not begin inside the input
 * @returns `len` + 16 | ERR_ARGUMENT | a slot error
 */
export function aesGcmSeal(slot: i32, iv: usize, aad: usize, aadLen: i32, ptr: usize, len: i32, out: usize): i32 {
  if (!inStage(iv, 12) || !inStage(aad, aadLen) || !inStage(ptr, len)) return ERR_ARGUMENT;
  if (!inStage(out, len) || !inStage(out + len, TAG)) return ERR_ARGUMENT;
  if (overtakes(ptr, len, out)) return ERR_ARGUMENT;
  const status = slotCheck(slot, KEY_AES, USE_ENCRYPT);
  if (status < 0) return status;
  const work = scratchPush(WORK);
  const state = slotState(slot);
  const rounds = aesRounds(slot);
  begin(work, state, rounds, iv, aad, aadLen);
  counterMode(work, state, rounds, ptr, len, out);
  authenticate(work, aadLen, out, len);
  copy(out + len, work + HASH, TAG);
  scratchPop(WORK);
  return len + TAG;
}

/**
 * @param slot  [secret] key of type KEY_AES with USE_DECRYPT
 * @param ptr   [public] `len` bytes: ciphertext ‖ tag
 * @param out   `len` - 16 bytes, untouched unless the tag is right; may be `ptr` or lie before it
 * @returns `len` - 16 | ERR_BAD_TAG | ERR_ARGUMENT | a slot error
 * Time: depends on the lengths only, up to the return of the status.
 */
export function aesGcmOpen(slot: i32, iv: usize, aad: usize, aadLen: i32, ptr: usize, len: i32, out: usize): i32 {
  if (!inStage(iv, 12) || !inStage(aad, aadLen) || !inStage(ptr, len)) return ERR_ARGUMENT;
  const plainLen = len < TAG ? 0 : len - TAG;
  if (!inStage(out, plainLen) || overtakes(ptr, plainLen, out)) return ERR_ARGUMENT;
  const status = slotCheck(slot, KEY_AES, USE_DECRYPT);
  if (status < 0) return status;
  if (len < TAG) return ERR_BAD_TAG;
  const work = scratchPush(WORK);
  const state = slotState(slot);
  const rounds = aesRounds(slot);
  begin(work, state, rounds, iv, aad, aadLen);
  authenticate(work, aadLen, ptr, plainLen);
  const right = ctEqual(work + HASH, ptr + plainLen, TAG);
  if (right === 1) counterMode(work, state, rounds, ptr, plainLen, out);
  scratchPop(WORK);
  return right === 1 ? plainLen : ERR_BAD_TAG;
}
