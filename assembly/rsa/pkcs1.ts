// RSAES-PKCS1-v1_5 and RSASSA-PKCS1-v1_5 with SHA-256, RFC 8017 §7.2 and §8.2. Decryption never says that the padding
// was wrong: a message made from the key and the ciphertext stands in (draft-irtf-cfrg-rsa-guidance §7), the same each
// time, so that an answer tells nothing to Bleichenbacher's attack.

import {
  ERR_ARGUMENT, ERR_BAD_SIGNATURE, ERR_ENTROPY, ERR_USAGE, MAX_RAW_KEY, OK, USE_DECRYPT, USE_EXPORT, USE_SIGN,
  USE_UNWRAP,
} from "../../src/core/abi"; // biome-ignore format: one table of names
import { arenaBegin, arenaTake, arenaEnd } from "../bignum/arena";
import { copy } from "../bytes";
import { ctEqual, maskLess, maskZero, select } from "../ct";
import { sha256 } from "../hash/sha256";
import { HMAC_STATE, hmacExpandKey, hmacSha256 } from "../mac/hmac";
import { slotCheck, slotFillPlain, slotLength, slotRaw, slotType } from "../memory/key-slots";
import { inFront } from "../memory/layout";
import { entropyTake } from "../rand/entropy";
import { rsaOpenBlock } from "./oaep";
import { RSA_HEAD, RSA_MAX, rsaMaskBelow, rsaPrivate, rsaPublic, rsaPublicBitsVarTime, rsaSize } from "./rsa-core";
import { rsaCheck, rsaRawLength } from "./rsa-key";

/** 0, 2, eight bytes of padding, 0: what a block holds besides the message, at least. */
const OVERHEAD: i32 = 11;

/** DER of DigestInfo for SHA-256, parameters NULL, up to the digest (RFC 8017 §9.2 note 1). */
// prettier-ignore
const DIGEST_INFO: usize = memory.data<u8>([
  0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20,
]);
const DIGEST_INFO_LENGTH: i32 = 19;

/** `len` bytes of the draft's IRPRF: HMAC(KDK, counter ‖ label ‖ bits) one after the other. */
function expand(kdk: usize, label: i32, out: usize, len: i32): void {
  const input = arenaTake(16);
  const digest = arenaTake(32);
  // The draft's labels are "length" and "message".
  const labelLen = label === 0 ? 6 : 7;
  store<u64>(input, label === 0 ? 0x6874676e656c0000 : 0x67617373656d0000);
  if (label !== 0) store<u8>(input, 0x65, 8);
  store<u8>(input + ((2 + labelLen) as usize), (len >> 5) as u8);
  store<u8>(input + ((3 + labelLen) as usize), (len << 3) as u8);
  for (let counter = 0, done = 0; done < len; counter++, done += 32) {
    store<u8>(input, counter as u8, 1);
    hmacSha256(kdk, input, labelLen + 4, digest);
    copy(out + (done as usize), digest, len - done < 32 ? len - done : 32);
  }
}

/**
 * Decrypts; where the padding is wrong, a message derived from key and ciphertext takes the place of what there is.
 *
 * @param wanted  [public] bytes that the message must have, or -1: any number
 * @param block   [secret] becomes a block of `len` bytes whose last bytes are the message
 * @returns bytes of the message | ERR_BLOCK_SIZE | ERR_BAD_PADDING (ciphertext not below n, which is public) | ERR_FAULT
 * Time: depends on the key's size only.
 */
function open(raw: usize, ct: usize, len: i32, wanted: i32, block: usize): i32 {
  const status = rsaOpenBlock(raw, ct, len, block);
  if (status < 0) return status;
  const kdk = arenaTake(HMAC_STATE);
  const digest = arenaTake(32);
  const lengths = arenaTake(256);
  const other = arenaTake(RSA_MAX);
  sha256(raw + RSA_HEAD, rsaRawLength(raw) - RSA_HEAD, digest);
  hmacExpandKey(digest, 32, kdk);
  hmacSha256(kdk, ct, len, digest);
  hmacExpandKey(digest, 32, kdk);
  expand(kdk, 0, lengths, 256);
  expand(kdk, 1, other, len);
  // The last of 128 candidates that fits: bits of a length masked to the next power of two, at most the longest message.
  const longest = len - OVERHEAD;
  const mask = (1 << (32 - clz<i32>(longest))) - 1;
  let otherLen = 0;
  for (let i: usize = 0; i < 256; i += 2) {
    const candidate = (((load<u8>(lengths + i) as i32) << 8) | (load<u8>(lengths + i, 1) as i32)) & mask;
    otherLen = select(maskLess(candidate, longest + 1), candidate, otherLen);
  }
  let bad = (load<u8>(block) as i32) | ((load<u8>(block, 1) as i32) ^ 2);
  let looking = -1;
  let start = 0;
  for (let i = 2; i < len; i++) {
    const isZero = maskZero(load<u8>(block + (i as usize)) as i32);
    start = select(looking & isZero, i + 1, start);
    looking &= ~isZero;
  }
  bad |= looking | maskLess(start, OVERHEAD);
  let found = len - start;
  if (wanted >= 0) bad |= found ^ wanted;
  const good = maskZero(bad);
  for (let i: usize = 0; i < (len as usize); i++) {
    store<u8>(block + i, select(good, load<u8>(block + i) as i32, load<u8>(other + i) as i32) as u8);
  }
  found = select(good, found, otherLen);
  return wanted >= 0 ? wanted : found;
}

/**
 * Decrypts with implicit rejection: wrong padding gives a message that looks random, the same each time, of a length
 * that looks random too; what it is good for decides what is read from it. A key of known length: `rsaPkcs1OpenSlot`.
 *
 * @param slot  [secret] key of type KEY_RSA with USE_DECRYPT
 * @param ct    [public] `len` bytes, as many as n has
 * @param out   [secret] room for 512 bytes, whatever the key
 * @returns bytes of the message | ERR_BLOCK_SIZE | ERR_BAD_PADDING (ciphertext not below n) | ERR_FAULT | ERR_ARGUMENT |
 *   a slot error
 */
export function rsaPkcs1Decrypt(slot: i32, ct: usize, len: i32, out: usize): i32 {
  if (!inFront(ct, len) || !inFront(out, RSA_MAX)) return ERR_ARGUMENT;
  const status = rsaCheck(slot, USE_DECRYPT);
  if (status < 0) return status;
  arenaBegin();
  const block = arenaTake(RSA_MAX);
  const result = open(slotRaw(slot), ct, len, -1, block);
  if (result >= 0) copy(out, block + ((len - result) as usize), result);
  arenaEnd();
  return result;
}

/**
 * Decrypts a key of `keyLen` bytes into a slot of a plain type; wrong padding or length gives a key that looks random.
 *
 * @param slot  [secret] key of type KEY_RSA with USE_UNWRAP
 * @returns slot | ERR_BLOCK_SIZE | ERR_BAD_PADDING (ciphertext not below n) | ERR_FAULT | ERR_NO_SLOT | ERR_ARGUMENT |
 *   a slot error
 */
export function rsaPkcs1OpenSlot(slot: i32, ct: usize, len: i32, keyLen: i32, type: i32, usage: i32): i32 {
  if (!inFront(ct, len) || keyLen < 1 || keyLen > MAX_RAW_KEY || keyLen > len - OVERHEAD) return ERR_ARGUMENT;
  const status = rsaCheck(slot, USE_UNWRAP);
  if (status < 0) return status;
  arenaBegin();
  const block = arenaTake(RSA_MAX);
  let result = open(slotRaw(slot), ct, len, keyLen, block);
  if (result >= 0) result = slotFillPlain(type, usage, block + ((len - keyLen) as usize), keyLen);
  arenaEnd();
  return result;
}

/** Pads and encrypts to `out`. bytes of n | ERR_ARGUMENT (the message is too long) | ERR_ENTROPY | ERR_PUBLIC_KEY */
function seal(n: usize, nLen: i32, e: i32, ptr: usize, len: i32, out: usize): i32 {
  const bits = rsaPublicBitsVarTime(n, nLen, e);
  if (bits < 0) return bits;
  const size = (bits + 7) >> 3;
  if (len > size - OVERHEAD) return ERR_ARGUMENT;
  const block = arenaTake(size);
  const random = arenaTake(RSA_MAX + 16);
  const padding = size - 3 - len;
  if (entropyTake(random, padding + 16) !== OK) return ERR_ENTROPY;
  store<u8>(block, 2, 1);
  for (let i = 0; i < padding; i++) {
    // One byte in 256 is zero; an odd one takes its place.
    const byte = load<u8>(random + ((16 + i) as usize)) as i32;
    const spare = (load<u8>(random + ((i & 15) as usize)) as i32) | 1;
    store<u8>(block + ((2 + i) as usize), select(maskZero(byte), spare, byte) as u8);
  }
  copy(block + ((size - len) as usize), ptr, len);
  rsaPublic(n, nLen, bits, e, block, block);
  copy(out, block, size);
  return size;
}

/**
 * @param n    [public] `nLen` bytes big-endian, 1024..4096 bits, odd
 * @param e    [public] odd, 3..2^32-1 (unsigned)
 * @param ptr  [secret] `len` bytes, at most the bytes of n less 11
 * @param out  [public] room for 512 bytes, whatever n
 * @returns bytes of n | ERR_PUBLIC_KEY | ERR_ENTROPY | ERR_ARGUMENT
 */
export function rsaPkcs1Encrypt(n: usize, nLen: i32, e: i32, ptr: usize, len: i32, out: usize): i32 {
  if (!inFront(n, nLen) || !inFront(ptr, len) || !inFront(out, RSA_MAX)) return ERR_ARGUMENT;
  arenaBegin();
  const result = seal(n, nLen, e, ptr, len, out);
  arenaEnd();
  return result;
}

/** As `rsaPkcs1Encrypt`, of the raw key in `slot`, which needs USE_EXPORT. Its errors, and a slot error. */
export function rsaPkcs1SealSlot(n: usize, nLen: i32, e: i32, slot: i32, out: usize): i32 {
  if (!inFront(n, nLen) || !inFront(out, RSA_MAX)) return ERR_ARGUMENT;
  const len = slotLength(slot);
  if (len < 0) return len;
  if (slotCheck(slot, slotType(slot), USE_EXPORT) !== OK) return ERR_USAGE;
  arenaBegin();
  const result = seal(n, nLen, e, slotRaw(slot), len, out);
  arenaEnd();
  return result;
}

/** The encoded message of a SHA-256 digest, RFC 8017 §9.2: `size` ≥ 62 bytes. */
function encodeDigest(block: usize, size: i32, digest: usize): void {
  const info = block + ((size - DIGEST_INFO_LENGTH - 32) as usize);
  store<u8>(block, 0);
  store<u8>(block, 1, 1);
  for (let p = block + 2; p < info - 1; p++) store<u8>(p, 0xff);
  store<u8>(info - 1, 0);
  copy(info, DIGEST_INFO, DIGEST_INFO_LENGTH);
  copy(info + DIGEST_INFO_LENGTH, digest, 32);
}

/**
 * Signs a SHA-256 digest.
 *
 * @param slot    [secret] key of type KEY_RSA with USE_SIGN
 * @param digest  [public] 32 bytes
 * @param out     [public] room for 512 bytes, whatever the key
 * @returns bytes of the signature | ERR_FAULT | ERR_ARGUMENT | a slot error
 */
export function rsaPkcs1Sign(slot: i32, digest: usize, out: usize): i32 {
  if (!inFront(digest, 32) || !inFront(out, RSA_MAX)) return ERR_ARGUMENT;
  const status = rsaCheck(slot, USE_SIGN);
  if (status < 0) return status;
  const raw = slotRaw(slot);
  const size = rsaSize(raw);
  arenaBegin();
  const block = arenaTake(RSA_MAX);
  const signature = arenaTake(RSA_MAX);
  encodeDigest(block, size, digest);
  const result = rsaPrivate(raw, block, signature);
  if (result === OK) copy(out, signature, size);
  arenaEnd();
  return result === OK ? size : result;
}

/**
 * Verifies a signature of a SHA-256 digest by comparing the whole encoded message, RFC 8017 §8.2.2.
 *
 * @param n       [public] `nLen` bytes big-endian, 1024..4096 bits, odd
 * @param e       [public] odd, 3..2^32-1 (unsigned)
 * @param digest  [public] 32 bytes
 * @param sig     [public] `sigLen` bytes; only as many as n has can be right
 * @returns OK | ERR_BAD_SIGNATURE | ERR_PUBLIC_KEY | ERR_ARGUMENT
 */
export function rsaPkcs1Verify(n: usize, nLen: i32, e: i32, digest: usize, sig: usize, sigLen: i32): i32 {
  if (!inFront(n, nLen) || !inFront(digest, 32) || !inFront(sig, sigLen)) return ERR_ARGUMENT;
  const bits = rsaPublicBitsVarTime(n, nLen, e);
  if (bits < 0) return bits;
  const size = (bits + 7) >> 3;
  if (sigLen !== size || rsaMaskBelow(n, nLen, sig, size) === 0) return ERR_BAD_SIGNATURE;
  arenaBegin();
  const expected = arenaTake(RSA_MAX);
  const got = arenaTake(RSA_MAX);
  encodeDigest(expected, size, digest);
  rsaPublic(n, nLen, bits, e, sig, got);
  const equal = ctEqual(expected, got, size);
  arenaEnd();
  return equal === 1 ? OK : ERR_BAD_SIGNATURE;
}
