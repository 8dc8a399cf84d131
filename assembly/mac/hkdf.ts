// HKDF with SHA-256, RFC 5869, and the two derivations that MSL builds on it and on HMAC. The keying material stays
// in a slot; session keys go from the output straight into slots.

import {
  ERR_ARGUMENT,
  ERR_NO_SLOT,
  KEY_AES,
  KEY_AES_WRAP,
  KEY_HMAC_SHA256,
  KEY_SECRET,
  OK,
  USE_DERIVE,
  USE_EXPORT,
} from "../../src/core/abi";
import { copy, store32 } from "../bytes";
import { SHA256_STATE, sha256, sha256Update } from "../hash/sha256";
import { freeSlots, slotCheck, slotClear, slotFill, slotLength, slotRaw } from "../memory/key-slots";
import { inStage } from "../memory/layout";
import { scratchPop, scratchPush } from "../memory/scratch";
import { HMAC_STATE, hmacExpandKey, hmacFinal, hmacInit, hmacSha256 } from "./hmac";

const MAX_OUTPUT: i32 = 255 * 32;

/** Extract and expand, RFC 5869 §2.2 and §2.3; `outLen` ≤ 8160. */
function hkdf(
  ikm: usize,
  ikmLen: i32,
  salt: usize,
  saltLen: i32,
  info: usize,
  infoLen: i32,
  out: usize,
  outLen: i32,
): void {
  const state = scratchPush(HMAC_STATE);
  const hash = scratchPush(SHA256_STATE);
  const block = scratchPush(64);
  if (saltLen > 64) {
    sha256(salt, saltLen, block);
    hmacExpandKey(block, 32, state);
  } else {
    hmacExpandKey(salt, saltLen, state); // an empty salt is 32 zeros, which pad to the same block
  }
  hmacSha256(state, ikm, ikmLen, block);
  hmacExpandKey(block, 32, state);
  let done = 0;
  for (let i = 1; done < outLen; i++) {
    hmacInit(state, hash);
    if (i > 1) sha256Update(hash, block, 32);
    sha256Update(hash, info, infoLen);
    store<u8>(block + 32, i as u8);
    sha256Update(hash, block + 32, 1);
    hmacFinal(state, hash, block);
    const n = outLen - done < 32 ? outLen - done : 32;
    copy(out + done, block, n);
    done += n;
  }
  scratchPop(64);
  scratchPop(SHA256_STATE);
  scratchPop(HMAC_STATE);
}

/**
 * @param secret  [secret] slot of type KEY_SECRET with USE_DERIVE and USE_EXPORT
 * @param out     [secret] `outLen` bytes, 1..8160, apart from salt and info
 * @returns outLen | ERR_ARGUMENT | a slot error
 */
export function hkdfSha256(
  secret: i32,
  salt: usize,
  saltLen: i32,
  info: usize,
  infoLen: i32,
  out: usize,
  outLen: i32,
): i32 {
  if (!inStage(salt, saltLen) || !inStage(info, infoLen) || !inStage(out, outLen)) return ERR_ARGUMENT;
  if (outLen < 1 || outLen > MAX_OUTPUT) return ERR_ARGUMENT;
  if (out < info + infoLen && info < out + outLen) return ERR_ARGUMENT;
  const status = slotCheck(secret, KEY_SECRET, USE_DERIVE | USE_EXPORT);
  if (status < 0) return status;
  hkdf(slotRaw(secret), slotLength(secret), salt, saltLen, info, infoLen, out, outLen);
  return outLen;
}

/**
 * Session keys from a shared secret: 16 bytes AES, then 32 bytes HMAC-SHA256 (MSL ECDH key derivation).
 *
 * @param secret  [secret] slot of type KEY_SECRET with USE_DERIVE
 * @param out     [public] two i32: the AES slot and the HMAC slot
 * @returns OK | ERR_NO_SLOT (nothing was made) | ERR_ARGUMENT | a slot error
 */
export function hkdfSha256Session(
  secret: i32,
  salt: usize,
  saltLen: i32,
  info: usize,
  infoLen: i32,
  usageEnc: i32,
  usageMac: i32,
  out: usize,
): i32 {
  if (!inStage(salt, saltLen) || !inStage(info, infoLen) || !inStage(out, 8)) return ERR_ARGUMENT;
  const status = slotCheck(secret, KEY_SECRET, USE_DERIVE);
  if (status < 0) return status;
  if (freeSlots() < 2) return ERR_NO_SLOT;
  const okm = scratchPush(48);
  hkdf(slotRaw(secret), slotLength(secret), salt, saltLen, info, infoLen, okm, 48);
  const enc = slotFill(KEY_AES, usageEnc, okm, 16);
  const mac = slotFill(KEY_HMAC_SHA256, usageMac, okm + 16, 32);
  scratchPop(48);
  if (enc < 0 || mac < 0) {
    if (enc >= 0) slotClear(enc);
    if (mac >= 0) slotClear(mac);
    return ERR_ARGUMENT;
  }
  store32(out, enc as u32);
  store32(out + 4, mac as u32);
  return OK;
}

// MSL: wrapping key of a pre-shared key set = first 16 bytes of HMAC(HMAC(salt, Kenc ‖ Khmac), info).
// prettier-ignore
const WRAP_SALT: usize = memory.data<u8>([
  0x02, 0x76, 0x17, 0x98, 0x4f, 0x62, 0x27, 0x53, 0x9a, 0x63, 0x0b, 0x89, 0x7c, 0x01, 0x7d, 0x69,
]);
// prettier-ignore
const WRAP_INFO: usize = memory.data<u8>([
  0x80, 0x9f, 0x82, 0xa7, 0xad, 0xdf, 0x54, 0x8d, 0x3e, 0xa9, 0xdd, 0x06, 0x7f, 0xf9, 0xbb, 0x91,
]);

/** Derives a wrapping key from an AES and an HMAC slot. slot | ERR_NO_SLOT | ERR_ARGUMENT | a slot error */
export function deriveWrapSlot(aes: i32, hmac: i32, usage: i32): i32 {
  let status = slotCheck(aes, KEY_AES, 0);
  if (status === OK) status = slotCheck(hmac, KEY_HMAC_SHA256, 0);
  if (status < 0) return status;
  const state = scratchPush(HMAC_STATE);
  const keys = scratchPush(128);
  const encLen = slotLength(aes);
  const macLen = slotLength(hmac);
  copy(keys, slotRaw(aes), encLen);
  copy(keys + encLen, slotRaw(hmac), macLen);
  hmacExpandKey(WRAP_SALT, 16, state);
  hmacSha256(state, keys, encLen + macLen, keys);
  hmacExpandKey(keys, 32, state);
  hmacSha256(state, WRAP_INFO, 16, keys);
  const slot = slotFill(KEY_AES_WRAP, usage, keys, 16);
  scratchPop(128);
  scratchPop(HMAC_STATE);
  return slot;
}
