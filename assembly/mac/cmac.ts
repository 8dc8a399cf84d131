// AES-CMAC, SP 800-38B and RFC 4493, untruncated. A running MAC is the chaining value, a block that waits until it is
// known not to be the last, and the number of its bytes.

import { ERR_ARGUMENT, ERR_BAD_TAG, KEY_CMAC, OK, USE_SIGN, USE_VERIFY } from "../../src/core/abi";
import { copy, wipe } from "../bytes";
import { aesEncryptBlocks, cbcEncryptBlocks } from "../cipher/aes";
import { aesRounds } from "../cipher/aes-cbc";
import { ctEqual } from "../ct";
import { slotCheck, slotState } from "../memory/key-slots";
import { inStage } from "../memory/layout";
import { scratchPop, scratchPush } from "../memory/scratch";

const TAG: i32 = 16;
// A running MAC: chaining value 16 | waiting block 16 | its length 4.
const BLOCK: usize = 16;
const FILL: usize = 32;
const RUNNING: i32 = 48;
/** Ciphertext that only moves the chain on goes here. */
const SINK: i32 = 256;

/** Takes in `len` bytes. `slot` is checked, `mac` is a running MAC, of zeros at first. */
function absorb(slot: i32, mac: usize, src: usize, len: i32): void {
  if (len === 0) return;
  const state = slotState(slot);
  const rounds = aesRounds(slot);
  let fill = load<i32>(mac, FILL);
  const first = len < TAG - fill ? len : TAG - fill;
  copy(mac + BLOCK + fill, src, first);
  fill += first;
  src += first;
  len -= first;
  if (len > 0) {
    const sink = scratchPush(SINK);
    cbcEncryptBlocks(state, mac, rounds, mac + BLOCK, TAG, sink);
    // All but the last 1 to 16 bytes.
    for (let whole = (len - 1) & ~15; whole > 0; ) {
      const part = whole < SINK ? whole : SINK;
      cbcEncryptBlocks(state, mac, rounds, src, part, sink);
      src += part;
      len -= part;
      whole -= part;
    }
    scratchPop(SINK);
    copy(mac + BLOCK, src, len);
    fill = len;
  }
  store<i32>(mac, fill, FILL);
}

/** Ends a running MAC: the tag is left at `mac`. */
function finish(slot: i32, mac: usize): void {
  const state = slotState(slot);
  const rounds = aesRounds(slot);
  const key = scratchPush(TAG);
  aesEncryptBlocks(state, rounds, key, 1, key);
  double(key);
  const fill = load<i32>(mac, FILL);
  if (fill < TAG) {
    double(key);
    store<u8>(mac + BLOCK + fill, 0x80);
    for (let i = fill + 1; i < TAG; i++) store<u8>(mac + BLOCK + i, 0);
  }
  for (let i = 0; i < TAG; i++) store<u8>(key + i, load<u8>(key + i) ^ load<u8>(mac + BLOCK + i));
  cbcEncryptBlocks(state, mac, rounds, key, TAG, key);
  scratchPop(TAG);
}

/** Doubles 16 bytes, big-endian, in GF(2^128), RFC 4493 §2.3. */
function double(key: usize): void {
  let carry = (load<u8>(key) as i32) >> 7;
  carry = 0x87 & -carry;
  for (let i = TAG - 1; i >= 0; i--) {
    const x = ((load<u8>(key + i) as i32) << 1) ^ carry;
    store<u8>(key + i, x as u8);
    carry = x >> 8;
  }
}

/**
 * @param slot  [secret] key of type KEY_CMAC with USE_SIGN
 * @param ptr   [public] `len` bytes
 * @param out   [public] 16 bytes
 * @returns 16 | ERR_ARGUMENT | a slot error
 */
export function cmacSign(slot: i32, ptr: usize, len: i32, out: usize): i32 {
  if (!inStage(ptr, len) || !inStage(out, TAG)) return ERR_ARGUMENT;
  const status = slotCheck(slot, KEY_CMAC, USE_SIGN);
  if (status < 0) return status;
  const mac = scratchPush(RUNNING);
  absorb(slot, mac, ptr, len);
  finish(slot, mac);
  copy(out, mac, TAG);
  scratchPop(RUNNING);
  return TAG;
}

/**
 * @param slot  [secret] key of type KEY_CMAC with USE_VERIFY
 * @param tag   [public] `tagLen` bytes as received; only 16 can be right
 * @returns OK | ERR_BAD_TAG | ERR_ARGUMENT | a slot error
 * Time: depends on the lengths only.
 */
export function cmacVerify(slot: i32, ptr: usize, len: i32, tag: usize, tagLen: i32): i32 {
  if (!inStage(ptr, len) || !inStage(tag, tagLen)) return ERR_ARGUMENT;
  const status = slotCheck(slot, KEY_CMAC, USE_VERIFY);
  if (status < 0) return status;
  if (tagLen !== TAG) return ERR_BAD_TAG;
  const mac = scratchPush(RUNNING);
  absorb(slot, mac, ptr, len);
  finish(slot, mac);
  const equal = ctEqual(mac, tag, TAG);
  scratchPop(RUNNING);
  return equal === 1 ? OK : ERR_BAD_TAG;
}

// Streaming, one MAC at a time: messages longer than the stage.
const STREAM: usize = memory.data(48, 16);
let streamSlot: i32 = -1;
let streamUsage: i32 = 0;

/** @returns OK | ERR_ARGUMENT | a slot error; `usage` is USE_SIGN or USE_VERIFY */
export function cmacBegin(slot: i32, usage: i32): i32 {
  streamSlot = -1;
  wipe(STREAM, RUNNING);
  if (usage !== USE_SIGN && usage !== USE_VERIFY) return ERR_ARGUMENT;
  const status = slotCheck(slot, KEY_CMAC, usage);
  if (status < 0) return status;
  streamSlot = slot;
  streamUsage = usage;
  return OK;
}

/** @returns OK | ERR_ARGUMENT | a slot error: the slot no longer holds a key for this, and the stream has ended */
export function cmacUpdate(ptr: usize, len: i32): i32 {
  if (streamSlot < 0 || !inStage(ptr, len)) return ERR_ARGUMENT;
  const status = slotCheck(streamSlot, KEY_CMAC, streamUsage);
  if (status === OK) absorb(streamSlot, STREAM, ptr, len);
  else streamEnd();
  return status;
}

/** @returns 16 | ERR_ARGUMENT | a slot error */
export function cmacEnd(out: usize): i32 {
  if (!inStage(out, TAG)) return ERR_ARGUMENT;
  const status = streamFinish(USE_SIGN);
  if (status === OK) copy(out, STREAM, TAG);
  streamEnd();
  return status === OK ? TAG : status;
}

/** @returns OK | ERR_BAD_TAG | ERR_ARGUMENT | a slot error */
export function cmacEndVerify(tag: usize, tagLen: i32): i32 {
  if (!inStage(tag, tagLen)) return ERR_ARGUMENT;
  const status = streamFinish(USE_VERIFY);
  const equal = tagLen === TAG ? ctEqual(STREAM, tag, TAG) : 0;
  streamEnd();
  if (status !== OK) return status;
  return equal === 1 ? OK : ERR_BAD_TAG;
}

function streamFinish(usage: i32): i32 {
  if (streamSlot < 0 || streamUsage !== usage) return ERR_ARGUMENT;
  const status = slotCheck(streamSlot, KEY_CMAC, usage);
  if (status === OK) finish(streamSlot, STREAM);
  return status;
}

function streamEnd(): void {
  streamSlot = -1;
  wipe(STREAM, RUNNING);
}
