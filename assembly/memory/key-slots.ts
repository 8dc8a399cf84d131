// Key slots: keys enter once and are used by number. A slot is empty, or full with one key:
//
//   0        4        8        12         16 ............... 144 ............................ 624
//   | type   | usage  | length | expanded | raw key, ≤ 128   | state: AES schedules, HMAC chaining values |
//
// Big slots hold RSA and Diffie-Hellman keys: the same 16 bytes of head, then up to MAX_BIG_KEY bytes, and no state.
// Every use checks type and usage. Which key leaves when all slots are full is the host's choice; it leaves only
// sealed (encrypt-then-MAC under keys that are made here, from the entropy pool, and never exported).

import {
  BIG_SLOT_COUNT, ERR_ARGUMENT, ERR_BAD_TAG, ERR_ENTROPY, ERR_KEY_TYPE, ERR_NO_SLOT, ERR_SLOT, ERR_USAGE, KEY_AES,
  KEY_AES_WRAP, KEY_CMAC, KEY_DH, KEY_HMAC_SHA256, KEY_HMAC_SHA384, KEY_HMAC_SHA512, KEY_P256, KEY_RSA, KEY_SECRET,
  KEY_X25519, MAX_BIG_KEY, MAX_RAW_KEY, OK, SLOT_COUNT, USE_EXPORT,
} from "../../src/core/abi"; // biome-ignore format: one table of names
import { copy, wipe } from "../bytes";
import { aesExpandKey, cbcDecryptBlocks, cbcEncryptBlocks } from "../cipher/aes";
import { sha256 } from "../hash/sha256";
import { hmacCheck, hmacExpandKey, hmacSha256 } from "../mac/hmac";
import { entropyTake } from "../rand/entropy";
import { BIG_SLOT_SIZE, BIG_SLOTS, inStage, SLOT_SIZE, SLOTS } from "./layout";
import { scratchPop, scratchPush } from "./scratch";

const EXPANDED: i32 = 12;
const RAW: i32 = 16;
const STATE: i32 = 144;
/** HMAC keys longer than a SHA-256 block are hashed, RFC 2104 §2. */
const HMAC_BLOCK: i32 = 64;
const ALL_USAGES: i32 = 255;

const TOTAL: i32 = SLOT_COUNT + BIG_SLOT_COUNT;

function at(slot: i32): usize {
  if (slot >= SLOT_COUNT) return BIG_SLOTS + (((slot - SLOT_COUNT) * BIG_SLOT_SIZE) as usize);
  return SLOTS + ((slot * SLOT_SIZE) as usize);
}

/** True for types that live in big slots. */
function isBig(type: i32): bool {
  return type === KEY_RSA || type === KEY_DH;
}

/** True for keys of AES, whatever the mode: the state is the expanded key. */
function isAes(type: i32): bool {
  return type === KEY_AES || type === KEY_AES_WRAP || type === KEY_CMAC;
}

/** Types whose every bit string of a fitting length is a key: only these are imported, generated and unwrapped as such. */
function isPlain(type: i32): bool {
  return type >= KEY_AES && type <= KEY_CMAC;
}

/** OK if `slot` holds a key of `type` that allows all of `usage`, else ERR_SLOT | ERR_KEY_TYPE | ERR_USAGE. */
export function slotCheck(slot: i32, type: i32, usage: i32): i32 {
  if (slot < 0 || slot >= TOTAL) return ERR_SLOT;
  const held = load<i32>(at(slot));
  if (held === 0) return ERR_SLOT;
  if (held !== type) return ERR_KEY_TYPE;
  return (load<i32>(at(slot), 4) & usage) === usage ? OK : ERR_USAGE;
}

/** Expanded key of a full slot. */
export function slotState(slot: i32): usize {
  return at(slot) + STATE;
}

/** Where the head of a full slot says, as an i32, whether the state is computed: for types that do so on first use. */
export function slotExpanded(slot: i32): usize {
  return at(slot) + EXPANDED;
}

/** Raw key of a full slot. */
export function slotRaw(slot: i32): usize {
  return at(slot) + RAW;
}

/** Bytes of the raw key, or ERR_SLOT. */
export function slotLength(slot: i32): i32 {
  return slot < 0 || slot >= TOTAL || load<i32>(at(slot)) === 0 ? ERR_SLOT : load<i32>(at(slot), 8);
}

/** Type of the key, 0 for an empty slot, or ERR_SLOT. */
export function slotType(slot: i32): i32 {
  return slot < 0 || slot >= TOTAL ? ERR_SLOT : load<i32>(at(slot));
}

function lengthFits(type: i32, len: i32): bool {
  if (isAes(type)) return len === 16 || len === 24 || len === 32;
  if (type === KEY_X25519 || type === KEY_P256) return len === 32;
  if (isBig(type)) return len >= 1 && len <= MAX_BIG_KEY;
  if (type === KEY_HMAC_SHA256) return len >= 1;
  const isShort = type === KEY_SECRET || type === KEY_HMAC_SHA384 || type === KEY_HMAC_SHA512;
  return isShort && len >= 1 && len <= MAX_RAW_KEY;
}

/**
 * Fills a free slot from memory that the caller wipes.
 *
 * @param key  [secret] `len` bytes: AES and CMAC 16, 24 or 32; X25519 and P-256 32; HMAC-SHA256 1 and more; secret and
 *   HMAC-SHA384/512 1..128; RSA and Diffie-Hellman as their files draw it
 * @returns slot | ERR_ARGUMENT | ERR_USAGE (a hashed HMAC key cannot be exported) | ERR_NO_SLOT
 */
export function slotFill(type: i32, usage: i32, key: usize, len: i32): i32 {
  if (!lengthFits(type, len) || (usage & ~ALL_USAGES) !== 0) return ERR_ARGUMENT;
  const isHashed = type === KEY_HMAC_SHA256 && len > HMAC_BLOCK;
  if (isHashed && (usage & USE_EXPORT) !== 0) return ERR_USAGE;
  const first = isBig(type) ? SLOT_COUNT : 0;
  const end = isBig(type) ? TOTAL : SLOT_COUNT;
  for (let slot = first; slot < end; slot++) {
    const base = at(slot);
    if (load<i32>(base) !== 0) continue;
    if (isHashed) {
      sha256(key, len, base + RAW);
      len = 32;
    } else {
      copy(base + RAW, key, len);
    }
    if (isAes(type)) aesExpandKey(base + RAW, len, base + STATE);
    if (type === KEY_HMAC_SHA256) hmacExpandKey(base + RAW, len, base + STATE);
    store<i32>(base, type);
    store<i32>(base, usage, 4);
    store<i32>(base, len, 8);
    return slot;
  }
  return ERR_NO_SLOT;
}

/** As `slotFill` for the plain types, from the stage; the source is wiped whatever comes out. */
export function slotImport(type: i32, usage: i32, ptr: usize, len: i32): i32 {
  if (!inStage(ptr, len)) return ERR_ARGUMENT;
  const slot = slotFillPlain(type, usage, ptr, len);
  wipe(ptr, len);
  return slot;
}

/** As `slotFill`, for the plain types only: RSA, Diffie-Hellman and P-256 keys have imports that check them. */
export function slotFillPlain(type: i32, usage: i32, key: usize, len: i32): i32 {
  return isPlain(type) ? slotFill(type, usage, key, len) : ERR_ARGUMENT;
}

/** A random key of a plain type, of `len` ≤ 128 bytes. slot | ERR_ARGUMENT | ERR_NO_SLOT | ERR_ENTROPY */
export function slotGenerate(type: i32, usage: i32, len: i32): i32 {
  if (!isPlain(type) || len > MAX_RAW_KEY || !lengthFits(type, len)) return ERR_ARGUMENT;
  if (!hasFree()) return ERR_NO_SLOT;
  const key = scratchPush(MAX_RAW_KEY);
  let slot = entropyTake(key, len);
  if (slot === OK) slot = slotFill(type, usage, key, len);
  scratchPop(MAX_RAW_KEY);
  return slot;
}

/** True if a slot is empty. */
export function hasFree(): bool {
  return freeSlots() > 0;
}

/** True if a big slot is empty. */
export function hasFreeBig(): bool {
  for (let slot = SLOT_COUNT; slot < TOTAL; slot++) if (load<i32>(at(slot)) === 0) return true;
  return false;
}

/** Number of empty slots, big ones not counted. */
export function freeSlots(): i32 {
  let free = 0;
  for (let slot = 0; slot < SLOT_COUNT; slot++) free += load<i32>(at(slot)) === 0 ? 1 : 0;
  return free;
}

/** Wipes a slot; an empty one stays empty. OK | ERR_SLOT */
export function slotClear(slot: i32): i32 {
  if (slot < 0 || slot >= TOTAL) return ERR_SLOT;
  wipe(at(slot), slot >= SLOT_COUNT ? BIG_SLOT_SIZE : SLOT_SIZE);
  return OK;
}

/** Wipes every slot and the sealing keys: blobs sealed before cannot come back. */
export function slotsClear(): i32 {
  wipe(SLOTS, SLOT_COUNT * SLOT_SIZE);
  wipe(BIG_SLOTS, BIG_SLOT_COUNT * BIG_SLOT_SIZE);
  wipe(SEALING, SEALING_SIZE);
  sealing = false;
  return OK;
}

/** Raw key to the stage, for keys with USE_EXPORT. length | ERR_ARGUMENT | ERR_SLOT | ERR_USAGE */
export function slotExport(slot: i32, out: usize): i32 {
  const len = slotLength(slot);
  if (len < 0) return len;
  if ((load<i32>(at(slot), 4) & USE_EXPORT) === 0) return ERR_USAGE;
  if (!inStage(out, len)) return ERR_ARGUMENT;
  copy(out, slotRaw(slot), len);
  return len;
}

// Sealed blob: iv (16) | AES-256-CBC of head and raw key, padded to the most the slot's class holds (144 or 1328) |
// HMAC-SHA256 over both (32).
const SEALED_BODY: i32 = 16 + MAX_RAW_KEY;
const SEALED_BIG_BODY: i32 = 16 + MAX_BIG_KEY;
const SEALED_EXTRA: i32 = 48;

// Sealing keys: AES state 480 | MAC state 64 | IV-derivation state 64 | counter 8.
const SEALING_SIZE: i32 = 616;
const SEALING: usize = memory.data(616, 16);
const SEAL_MAC: i32 = 480;
const SEAL_IV: i32 = 544;
const SEAL_COUNT: i32 = 608;
let sealing: bool = false;

function makeSealingKeys(): i32 {
  if (sealing) return OK;
  const keys = scratchPush(96);
  const status = entropyTake(keys, 96);
  if (status === OK) {
    aesExpandKey(keys, 32, SEALING);
    hmacExpandKey(keys + 32, 32, SEALING + SEAL_MAC);
    hmacExpandKey(keys + 64, 32, SEALING + SEAL_IV);
    store<u64>(SEALING, 0, SEAL_COUNT);
    sealing = true;
  }
  scratchPop(96);
  return status;
}

/**
 * Seals a key into SEALED_KEY_SIZE or, from a big slot, SEALED_BIG_KEY_SIZE bytes and clears its slot. The IV is HMAC(k, counter): it never repeats.
 *
 * @returns length of the blob | ERR_SLOT | ERR_ARGUMENT | ERR_ENTROPY
 */
export function slotEvict(slot: i32, out: usize): i32 {
  const len = slotLength(slot);
  if (len < 0) return len;
  const body = slot >= SLOT_COUNT ? SEALED_BIG_BODY : SEALED_BODY;
  if (!inStage(out, body + SEALED_EXTRA)) return ERR_ARGUMENT;
  if (makeSealingKeys() !== OK) return ERR_ENTROPY;
  const count = load<u64>(SEALING, SEAL_COUNT) + 1;
  store<u64>(SEALING, count, SEAL_COUNT);
  const iv = scratchPush(32);
  hmacSha256(SEALING + SEAL_IV, SEALING + SEAL_COUNT, 8, iv);
  copy(out, iv, 16);
  // Type, usage, length and raw key lie together at the head of the slot.
  cbcEncryptBlocks(SEALING, iv, AES_256_ROUNDS, at(slot), body, out + 16);
  hmacSha256(SEALING + SEAL_MAC, out, 16 + body, out + 16 + body);
  scratchPop(32);
  slotClear(slot);
  return body + SEALED_EXTRA;
}

const AES_256_ROUNDS: i32 = 14;

/** Brings a sealed key back. slot | ERR_ARGUMENT | ERR_BAD_TAG | ERR_NO_SLOT */
export function slotRestore(ptr: usize, len: i32): i32 {
  if (!inStage(ptr, len)) return ERR_ARGUMENT;
  const body = len - SEALED_EXTRA;
  if ((body !== SEALED_BODY && body !== SEALED_BIG_BODY) || !sealing) return ERR_BAD_TAG;
  const tag = ptr + 16 + body;
  if (hmacCheck(SEALING + SEAL_MAC, ptr, 16 + body, tag, 32) !== OK) return ERR_BAD_TAG;
  const plain = scratchPush(body);
  const iv = scratchPush(16);
  copy(iv, ptr, 16);
  cbcDecryptBlocks(SEALING, iv, AES_256_ROUNDS, ptr + 16, body, plain);
  const slot = slotFill(load<i32>(plain), load<i32>(plain, 4), plain + RAW, load<i32>(plain, 8));
  scratchPop(16);
  scratchPop(body);
  return slot;
}
