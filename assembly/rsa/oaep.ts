// RSAES-OAEP, RFC 8017 §7.1, with an empty label, as MSL and its JSON Web Encryption use it. Decoding takes every
// decision by masks and tells one: decodes or not (Manger's attack lives on more).

import {
  ERR_ARGUMENT, ERR_BAD_PADDING, ERR_BLOCK_SIZE, ERR_ENTROPY, ERR_USAGE, OK, USE_DECRYPT, USE_EXPORT, USE_UNWRAP,
} from "../../src/core/abi"; // biome-ignore format: one table of names
import { arenaBegin, arenaTake, arenaEnd } from "../bignum/arena";
import { copy } from "../bytes";
import { maskZero, select } from "../ct";
import { mgf1Hash, mgf1HashLength, mgf1Xor } from "../hash/mgf1";
import { slotCheck, slotFillPlain, slotLength, slotRaw, slotType } from "../memory/key-slots";
import { inFront } from "../memory/layout";
import { entropyTake } from "../rand/entropy";
import { RSA_MAX, rsaModulus, rsaPrivate, rsaMaskBelow, rsaPublic, rsaPublicBitsVarTime, rsaSize } from "./rsa-core";
import { rsaCheck } from "./rsa-key";

/**
 * The block that a ciphertext decrypts to, in the arena.
 *
 * @param ct  [public] `len` bytes: as many as n has, a number below n
 * @returns OK | ERR_BLOCK_SIZE | ERR_BAD_PADDING (not below n) | ERR_FAULT
 */
export function rsaOpenBlock(raw: usize, ct: usize, len: i32, block: usize): i32 {
  const size = rsaSize(raw);
  if (len !== size) return ERR_BLOCK_SIZE;
  const n = arenaTake(RSA_MAX);
  rsaModulus(raw, n);
  // The ciphertext is public.
  if (rsaMaskBelow(n, size, ct, size) === 0) return ERR_BAD_PADDING;
  return rsaPrivate(raw, ct, block);
}

/**
 * Undoes the encoding in place, RFC 8017 §7.1.2 step 3.
 *
 * @param block  [secret] `size` bytes
 * @returns where the message begins | ERR_BAD_PADDING
 */
function decode(hash: i32, block: usize, size: i32): i32 {
  const h = mgf1HashLength(hash);
  const seed = block + 1;
  const data = seed + (h as usize);
  const dataLen = size - h - 1;
  const label = arenaTake(32);
  mgf1Hash(hash, data, 0, label);
  mgf1Xor(hash, data, dataLen, seed, h);
  mgf1Xor(hash, seed, h, data, dataLen);
  let bad = load<u8>(block) as i32;
  for (let i = 0; i < h; i++) bad |= (load<u8>(data + (i as usize)) ^ load<u8>(label + (i as usize))) as i32;
  // Zeros, then a one: `looking` until it is met.
  let looking = -1;
  let start = 0;
  for (let i = h; i < dataLen; i++) {
    const byte = load<u8>(data + (i as usize)) as i32;
    const isOne = maskZero(byte ^ 1);
    bad |= looking & ~isOne & byte;
    start = select(looking & isOne, i + 1, start);
    looking &= ~isOne;
  }
  bad |= looking;
  return bad === 0 ? 1 + h + start : ERR_BAD_PADDING;
}

/** Decrypts into the arena: where the message begins in `block` | an error. */
function open(raw: usize, hash: i32, ct: usize, len: i32, block: usize): i32 {
  // A modulus of 1024 bits is long enough for either hash.
  const status = rsaOpenBlock(raw, ct, len, block);
  return status < 0 ? status : decode(hash, block, len);
}

/**
 * @param slot  [secret] key of type KEY_RSA with USE_DECRYPT
 * @param hash  [public] HASH_SHA1 or HASH_SHA256, of OAEP and MGF1 both
 * @param ct    [public] `len` bytes, as many as n has
 * @param out   [secret] room for 512 bytes, whatever the key
 * @returns bytes of the message | ERR_BLOCK_SIZE | ERR_BAD_PADDING | ERR_FAULT | ERR_ARGUMENT | a slot error
 * Time: depends on the key's size, and on the message's length once the encoding is known to be right.
 */
export function rsaOaepDecrypt(slot: i32, hash: i32, ct: usize, len: i32, out: usize): i32 {
  if (!inFront(ct, len) || !inFront(out, RSA_MAX) || mgf1HashLength(hash) === 0) return ERR_ARGUMENT;
  const status = rsaCheck(slot, USE_DECRYPT);
  if (status < 0) return status;
  arenaBegin();
  const block = arenaTake(RSA_MAX);
  let result = open(slotRaw(slot), hash, ct, len, block);
  if (result >= 0) {
    copy(out, block + (result as usize), len - result);
    result = len - result;
  }
  arenaEnd();
  return result;
}

/**
 * As `rsaOaepDecrypt`, straight into a slot of a plain type.
 *
 * @param slot  [secret] key of type KEY_RSA with USE_UNWRAP
 * @returns slot | ERR_BLOCK_SIZE | ERR_BAD_PADDING | ERR_FAULT | ERR_NO_SLOT | ERR_ARGUMENT | a slot error
 */
export function rsaOaepOpenSlot(slot: i32, hash: i32, ct: usize, len: i32, type: i32, usage: i32): i32 {
  if (!inFront(ct, len) || mgf1HashLength(hash) === 0) return ERR_ARGUMENT;
  const status = rsaCheck(slot, USE_UNWRAP);
  if (status < 0) return status;
  arenaBegin();
  const block = arenaTake(RSA_MAX);
  let result = open(slotRaw(slot), hash, ct, len, block);
  if (result >= 0) result = slotFillPlain(type, usage, block + (result as usize), len - result);
  arenaEnd();
  return result;
}

/** Encodes and encrypts to `out`. bytes of n | ERR_ARGUMENT (the message is too long) | ERR_ENTROPY | ERR_PUBLIC_KEY */
function seal(n: usize, nLen: i32, e: i32, hash: i32, ptr: usize, len: i32, out: usize): i32 {
  const bits = rsaPublicBitsVarTime(n, nLen, e);
  if (bits < 0) return bits;
  const size = (bits + 7) >> 3;
  const h = mgf1HashLength(hash);
  if (len > size - 2 * h - 2) return ERR_ARGUMENT;
  const block = arenaTake(size);
  const seed = block + 1;
  const data = seed + (h as usize);
  const dataLen = size - h - 1;
  const message = data + ((dataLen - len) as usize);
  if (entropyTake(seed, h) !== OK) return ERR_ENTROPY;
  mgf1Hash(hash, data, 0, data);
  store<u8>(message - 1, 1);
  copy(message, ptr, len);
  mgf1Xor(hash, seed, h, data, dataLen);
  mgf1Xor(hash, data, dataLen, seed, h);
  rsaPublic(n, nLen, bits, e, block, block);
  copy(out, block, size);
  return size;
}

/**
 * @param n    [public] `nLen` bytes big-endian, 1024..4096 bits, odd
 * @param e    [public] odd, 3..2^32-1 (unsigned)
 * @param ptr  [secret] `len` bytes, at most the bytes of n less two hashes and two
 * @param out  [public] room for 512 bytes, whatever n
 * @returns bytes of n | ERR_PUBLIC_KEY | ERR_ENTROPY | ERR_ARGUMENT
 */
export function rsaOaepEncrypt(n: usize, nLen: i32, e: i32, hash: i32, ptr: usize, len: i32, out: usize): i32 {
  if (!inFront(n, nLen) || !inFront(ptr, len) || !inFront(out, RSA_MAX)) return ERR_ARGUMENT;
  if (mgf1HashLength(hash) === 0) return ERR_ARGUMENT;
  arenaBegin();
  const result = seal(n, nLen, e, hash, ptr, len, out);
  arenaEnd();
  return result;
}

/** As `rsaOaepEncrypt`, of the raw key in `slot`, which needs USE_EXPORT. Its errors, and a slot error. */
export function rsaOaepSealSlot(n: usize, nLen: i32, e: i32, hash: i32, slot: i32, out: usize): i32 {
  if (!inFront(n, nLen) || !inFront(out, RSA_MAX) || mgf1HashLength(hash) === 0) return ERR_ARGUMENT;
  const len = slotLength(slot);
  if (len < 0) return len;
  if (slotCheck(slot, slotType(slot), USE_EXPORT) !== OK) return ERR_USAGE;
  arenaBegin();
  const result = seal(n, nLen, e, hash, slotRaw(slot), len, out);
  arenaEnd();
  return result;
}
