// HMAC-SHA384 and HMAC-SHA512, RFC 2104 §2, untruncated. A key's state is computed in its slot when it is first used,
// so that the slots need not know these hashes: the chaining values after the inner and the outer padded key block.

import {
  ERR_ARGUMENT,
  ERR_BAD_TAG,
  KEY_HMAC_SHA384,
  KEY_HMAC_SHA512,
  OK,
  USE_SIGN,
  USE_VERIFY,
} from "../../src/core/abi";
import { copy, wipe } from "../bytes";
import { ctEqual } from "../ct";
import {
  SHA512_BUFFER,
  SHA512_STATE,
  sha512Compress,
  sha512Final,
  sha512Finish,
  sha512Output,
  sha512SetLength,
  sha512Start,
  sha512Update,
} from "../hash/sha512";
import { slotCheck, slotExpanded, slotLength, slotRaw, slotState } from "../memory/key-slots";
import { inStage } from "../memory/layout";
import { scratchPop, scratchPush } from "../memory/scratch";

/** Bytes of a tag, which is how the two differ: 48 for keys of KEY_HMAC_SHA384, 64 for those of KEY_HMAC_SHA512. */
function tagLength(type: i32): i32 {
  return type === KEY_HMAC_SHA384 ? 48 : 64;
}

/** State of a full slot of either type, 128 bytes; computed on first use. Keys are ≤ 128 bytes, a block of the hash. */
function keyState(slot: i32, size: i32): usize {
  const state = slotState(slot);
  if (load<i32>(slotExpanded(slot)) === 0) {
    const block = scratchPush(128); // zeros: released space is wiped
    copy(block, slotRaw(slot), slotLength(slot));
    sha512Start(state, size);
    sha512Start(state + 64, size);
    padKey(block, 0x36363636);
    sha512Compress(state, block, 1);
    padKey(block, 0x36363636 ^ 0x5c5c5c5c);
    sha512Compress(state + 64, block, 1);
    scratchPop(128);
    store<i32>(slotExpanded(slot), 1);
  }
  return state;
}

function padKey(block: usize, pad: u32): void {
  for (let i = 0; i < 128; i += 4) store<u32>(block + i, load<u32>(block + i) ^ pad);
}

function start(state: usize, hash: usize, size: i32): void {
  copy(hash, state, 64);
  sha512SetLength(hash, 128, size);
}

function finish(state: usize, hash: usize, out: usize, size: i32): void {
  sha512Finish(hash);
  sha512Output(hash, hash + SHA512_BUFFER);
  copy(hash, state + 64, 64);
  sha512SetLength(hash, 128 + size, size);
  sha512Final(hash, out);
}

/** Tag of `len` bytes under a checked slot, at `out`, which may overlap the message. */
function mac(slot: i32, size: i32, msg: usize, len: i32, out: usize): void {
  const state = keyState(slot, size);
  const hash = scratchPush(SHA512_STATE);
  start(state, hash, size);
  sha512Update(hash, msg, len);
  finish(state, hash, out, size);
  scratchPop(SHA512_STATE);
}

function sign(type: i32, slot: i32, ptr: usize, len: i32, out: usize): i32 {
  const size = tagLength(type);
  if (!inStage(ptr, len) || !inStage(out, size)) return ERR_ARGUMENT;
  const status = slotCheck(slot, type, USE_SIGN);
  if (status < 0) return status;
  mac(slot, size, ptr, len, out);
  return size;
}

function verify(type: i32, slot: i32, ptr: usize, len: i32, tag: usize, tagLen: i32): i32 {
  if (!inStage(ptr, len) || !inStage(tag, tagLen)) return ERR_ARGUMENT;
  const status = slotCheck(slot, type, USE_VERIFY);
  if (status < 0) return status;
  const size = tagLength(type);
  if (tagLen !== size) return ERR_BAD_TAG;
  const want = scratchPush(64);
  mac(slot, size, ptr, len, want);
  const equal = ctEqual(want, tag, size);
  scratchPop(64);
  return equal === 1 ? OK : ERR_BAD_TAG;
}

/**
 * @param slot  [secret] key of type KEY_HMAC_SHA384 with USE_SIGN
 * @param ptr   [public] `len` bytes
 * @param out   [public] 48 bytes
 * @returns 48 | ERR_ARGUMENT | ERR_SLOT | ERR_KEY_TYPE | ERR_USAGE
 */
export function hmacSha384Sign(slot: i32, ptr: usize, len: i32, out: usize): i32 {
  return sign(KEY_HMAC_SHA384, slot, ptr, len, out);
}

/** As `hmacSha384Sign` for KEY_HMAC_SHA512: 64 bytes. */
export function hmacSha512Sign(slot: i32, ptr: usize, len: i32, out: usize): i32 {
  return sign(KEY_HMAC_SHA512, slot, ptr, len, out);
}

/**
 * @param slot  [secret] key of type KEY_HMAC_SHA384 with USE_VERIFY
 * @param tag   [public] `tagLen` bytes as received; only 48 can be right
 * @returns OK | ERR_BAD_TAG | ERR_ARGUMENT | ERR_SLOT | ERR_KEY_TYPE | ERR_USAGE
 * Time: depends on the lengths only.
 */
export function hmacSha384Verify(slot: i32, ptr: usize, len: i32, tag: usize, tagLen: i32): i32 {
  return verify(KEY_HMAC_SHA384, slot, ptr, len, tag, tagLen);
}

/** As `hmacSha384Verify` for KEY_HMAC_SHA512: only 64 bytes can be right. */
export function hmacSha512Verify(slot: i32, ptr: usize, len: i32, tag: usize, tagLen: i32): i32 {
  return verify(KEY_HMAC_SHA512, slot, ptr, len, tag, tagLen);
}

// Streaming, one MAC at a time for both types: the slot, its type and the usage that was begun.
const STREAM: usize = memory.data(208, 16);
let streamSlot: i32 = -1;
let streamType: i32 = 0;
let streamUsage: i32 = 0;

function begin(type: i32, slot: i32, usage: i32): i32 {
  streamSlot = -1;
  wipe(STREAM, SHA512_STATE); // of a stream that was given up
  if (usage !== USE_SIGN && usage !== USE_VERIFY) return ERR_ARGUMENT;
  const status = slotCheck(slot, type, usage);
  if (status < 0) return status;
  start(keyState(slot, tagLength(type)), STREAM, tagLength(type));
  streamSlot = slot;
  streamType = type;
  streamUsage = usage;
  return OK;
}

/** @returns OK | ERR_ARGUMENT | ERR_SLOT | ERR_KEY_TYPE | ERR_USAGE; `usage` is USE_SIGN or USE_VERIFY */
export function hmacSha384Begin(slot: i32, usage: i32): i32 {
  return begin(KEY_HMAC_SHA384, slot, usage);
}

export function hmacSha512Begin(slot: i32, usage: i32): i32 {
  return begin(KEY_HMAC_SHA512, slot, usage);
}

/** OK | ERR_ARGUMENT (also when none was begun); for both types */
export function hmacSha512Update(ptr: usize, len: i32): i32 {
  if (streamSlot < 0 || !inStage(ptr, len)) return ERR_ARGUMENT;
  sha512Update(STREAM, ptr, len);
  return OK;
}

/** 48 or 64, as was begun | ERR_ARGUMENT | a slot error */
export function hmacSha512End(out: usize): i32 {
  const size = tagLength(streamType);
  if (!inStage(out, size)) return ERR_ARGUMENT;
  const status = close(USE_SIGN);
  if (status < 0) return status;
  finish(keyState(status, size), STREAM, out, size);
  wipe(STREAM, SHA512_STATE);
  return size;
}

/** OK | ERR_BAD_TAG | ERR_ARGUMENT | a slot error */
export function hmacSha512EndVerify(tag: usize, tagLen: i32): i32 {
  if (!inStage(tag, tagLen)) return ERR_ARGUMENT;
  const status = close(USE_VERIFY);
  if (status < 0) return status;
  const size = tagLength(streamType);
  const want = scratchPush(64);
  finish(keyState(status, size), STREAM, want, size);
  wipe(STREAM, SHA512_STATE);
  const equal = tagLen === size ? ctEqual(want, tag, size) : 0;
  scratchPop(64);
  return equal === 1 ? OK : ERR_BAD_TAG;
}

/** Slot of the running stream, which ends; an error, and the state wiped, if there is none of this usage. */
function close(usage: i32): i32 {
  const slot = streamSlot;
  streamSlot = -1;
  const status = slot < 0 || streamUsage !== usage ? ERR_ARGUMENT : slotCheck(slot, streamType, usage);
  if (status < 0) wipe(STREAM, SHA512_STATE);
  return status < 0 ? status : slot;
}
