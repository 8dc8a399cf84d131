// Four messages of one length sealed in one call (the form of seal.ts): their chains advance together, so that AES takes
// four independent blocks, and in the SIMD build their hashes stand in four lanes.

import { ERR_ARGUMENT, KEY_AES, KEY_HMAC_SHA256, OK, USE_ENCRYPT, USE_SIGN } from "../../src/core/abi";
import { copy, storeBe32, storeBe64, wipe } from "../bytes";
import { LANES_STATE, sha256CompressDigests, sha256CompressLanes } from "../hash/sha256-lanes";
import { hmacSha256 } from "../mac/hmac";
import { slotCheck, slotState } from "../memory/key-slots";
import { inStage } from "../memory/layout";
import { scratchPop, scratchPush } from "../memory/scratch";
import { cbcEncryptLanes } from "./aes";
import { aesRounds, cbcPaddedLength } from "./aes-cbc";

const IV: i32 = 16;
const TAG: i32 = 32;

/**
 * @param encSlot  [secret] key of type KEY_AES with USE_ENCRYPT
 * @param macSlot  [secret] key of type KEY_HMAC_SHA256 with USE_SIGN
 * @param iv       [public] four ivs, 64 bytes, unpredictable to others and never used before
 * @param ptr      [secret] four messages of `len` bytes, one behind the other
 * @param out      four sealed messages, one behind the other; apart from the input and the ivs
 * @returns length of each sealed message | ERR_ARGUMENT | a slot error
 * Time: depends on `len` only.
 */
export function seal4CbcHmac(encSlot: i32, macSlot: i32, iv: usize, ptr: usize, len: i32, out: usize): i32 {
  // Four times more than this does not fit the stage.
  if (len < 0 || len > 0xffff || !inStage(iv, 64) || !inStage(ptr, len << 2)) return ERR_ARGUMENT;
  const size = IV + cbcPaddedLength(len) + TAG;
  if (!inStage(out, size << 2) || meets(ptr, len << 2, out, size << 2) || meets(iv, 64, out, size << 2)) {
    return ERR_ARGUMENT;
  }
  let status = slotCheck(encSlot, KEY_AES, USE_ENCRYPT);
  if (status === OK) status = slotCheck(macSlot, KEY_HMAC_SHA256, USE_SIGN);
  if (status !== OK) return status;
  encrypt(slotState(encSlot), aesRounds(encSlot), iv, ptr, len, out, size);
  const key = slotState(macSlot);
  const body = size - TAG;
  if (ASC_FEATURE_SIMD) tagLanes(key, out, body, size);
  else for (let p = out; p < out + (size << 2); p += size) hmacSha256(key, p, body, p + body);
  return size;
}

function meets(a: usize, aLen: i32, b: usize, bLen: i32): bool {
  return a < b + bLen && b < a + aLen;
}

/** Writes the ivs and the ciphertexts. */
function encrypt(state: usize, rounds: i32, iv: usize, ptr: usize, len: i32, out: usize, size: i32): void {
  const chains = scratchPush(64);
  const last = scratchPush(64);
  const rest = len & 15;
  const whole = len - rest;
  for (let n = 0; n < 4; n++) {
    const end = last + (n << 4);
    copy(out + n * size, iv + (n << 4), IV);
    copy(end, ptr + n * len + whole, rest);
    for (let i = rest; i < 16; i++) store<u8>(end + i, (16 - rest) as u8);
  }
  copy(chains, iv, 64);
  cbcEncryptLanes(state, chains, rounds, ptr, len, whole, out + IV, size);
  cbcEncryptLanes(state, chains, rounds, last, 16, 16, out + IV + whole, size);
  scratchPop(64);
  scratchPop(64);
}

/** HMAC-SHA256 of four areas of `len` bytes, `stride` apart: each tag goes behind its area. */
function tagLanes(key: usize, msg: usize, len: i32, stride: i32): void {
  const inner = scratchPush(LANES_STATE);
  const outer = scratchPush(LANES_STATE);
  const tail = scratchPush(512);
  for (let k = 0; k < 8; k++) {
    v128.store(inner + (k << 4), v128.load32_splat(key + (k << 2)));
    v128.store(outer + (k << 4), v128.load32_splat(key + (k << 2), 32));
  }
  const whole = len & ~63;
  const rest = len & 63;
  sha256CompressLanes(inner, msg, stride, whole >> 6);
  const tailLen = rest < 56 ? 64 : 128;
  for (let n = 0; n < 4; n++) {
    const p = tail + n * tailLen;
    copy(p, msg + n * stride + whole, rest);
    wipe(p + rest, tailLen - rest);
    store<u8>(p + rest, 0x80);
    storeBe64(p + tailLen - 8, ((len + 64) as u64) << 3);
  }
  sha256CompressLanes(inner, tail, tailLen, tailLen >> 6);
  sha256CompressDigests(outer, inner);
  for (let n = 0; n < 4; n++) {
    const tag = msg + n * stride + len;
    for (let k = 0; k < 32; k += 4) storeBe32(tag + k, load<u32>(outer + (k << 2) + (n << 2)));
  }
  scratchPop(512);
  scratchPop(LANES_STATE);
  scratchPop(LANES_STATE);
}
