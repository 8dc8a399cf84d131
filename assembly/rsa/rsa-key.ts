// RSA private keys: made from two primes and e (the rest is computed), imported with the primes, or with d alone as
// JSON Web Keys carry it, from which the primes are recovered (SP 800-56B Rev. 2 App. C.1).

import {
  ERR_ARGUMENT, ERR_KEY, ERR_NO_SLOT, ERR_USAGE, KEY_RSA, OK,
} from "../../src/core/abi"; // biome-ignore format: one table of names
import { arenaBegin, arenaMark, arenaRelease, arenaTake, arenaEnd } from "../bignum/arena";
import { beBitsVarTime, beMaskSmall, beSubSmall } from "../bignum/bytes-be";
import { modExp } from "../bignum/modexp";
import {
  modForget,
  modSet,
  montEnter,
  montLeave,
  montSquare,
  numCopy,
  numFromBytes,
  numSet,
  numTake,
  numToBytes,
} from "../bignum/modulus";
import {
  inverseSmall,
  wordsDivideExact,
  wordsFromBytes,
  wordsGcd,
  wordsMakeOdd,
  wordsModSmall,
  wordsMulSmall,
  wordsToBytes,
} from "../bignum/words";
import { copy, storeBe32, wipe } from "../bytes";
import { ctEqual, maskZero, select } from "../ct";
import { hasFreeBig, slotCheck, slotFill, slotRaw } from "../memory/key-slots";
import { inFront } from "../memory/layout";
import { RSA_HEAD, RSA_MAX, rsaHalf, rsaModulus, rsaPart, rsaPrivate, rsaPublicBitsVarTime, rsaSize } from "./rsa-core";

/** Raw bytes of the largest key. */
export const RSA_RAW_MAX: i32 = 1312;
/** Bases that are tried for the recovery of the primes; each fails for at most half of all keys. */
const BASES: i32 = 64;

/** OK if `slot` holds a whole RSA key that allows `usage`: one that is being generated allows nothing. */
export function rsaCheck(slot: i32, usage: i32): i32 {
  const status = slotCheck(slot, KEY_RSA, usage);
  if (status < 0) return status;
  return load<i32>(slotRaw(slot), 12) === 0 ? OK : ERR_USAGE;
}

export function rsaRawLength(raw: usize): i32 {
  return RSA_HEAD + 5 * rsaHalf(raw);
}

/**
 * Completes a raw key from p, q and e.
 *
 * @param raw   [secret] p and q in place, the space behind them free for the rest
 * @param e     [public] odd, >= 3, unsigned
 * @param bits  [public] of each prime, both with the top bit set
 * @param size  [public] bits of p * q: twice as many, or one less
 * @returns OK | ERR_KEY: p = q, not odd, e not invertible, or the key does not work
 */
export function rsaComplete(raw: usize, e: i32, bits: i32, size: i32): i32 {
  store<i32>(raw, size);
  store<i32>(raw, e, 4);
  store<i32>(raw, bits, 8);
  store<i32>(raw, 0, 12);
  const mark = arenaMark();
  const half = rsaHalf(raw);
  const p = rsaPart(raw, 0);
  const q = rsaPart(raw, 1);
  const last = (half - 1) as usize;
  // Decisions on whether the key is one: what they tell is the result.
  let good = ctEqual(p, q, half) ^ 1;
  good &= load<u8>(p + last) & load<u8>(q + last) & 1;
  if (good !== 0) good = crtExponent(p, half, e, rsaPart(raw, 2)) & crtExponent(q, half, e, rsaPart(raw, 3));
  if (good !== 0) {
    coefficient(raw, half, bits);
    good = works(raw);
  }
  arenaRelease(mark);
  return good !== 0 ? OK : ERR_KEY;
}

/** out = 1/e mod (prime - 1) = ((prime - 1) * k + 1) / e for the k below e that makes it whole. 1, or 0 if there is none. */
function crtExponent(prime: usize, half: i32, e: i32, out: usize): i32 {
  const mark = arenaMark();
  const n = (half + 3) >> 2;
  const a = arenaTake(n << 2);
  const product = arenaTake((n + 1) << 2);
  const divisor = arenaTake(4);
  wordsFromBytes(a, n, prime, half);
  store<u32>(a, load<u32>(a) & ~1);
  const inverse = inverseSmall(wordsModSmall(a, n, e as u32), e as u32);
  wordsMulSmall(product, a, n, (e as u32) - inverse, 1);
  store<i32>(divisor, e);
  wordsDivideExact(product, n + 1, divisor, 1);
  wordsToBytes(out, half, product, n + 1);
  arenaRelease(mark);
  return ~maskZero(inverse as i32) & 1;
}

/** qInv = q^(p-2) mod p. */
function coefficient(raw: usize, half: i32, bits: i32): void {
  const mark = arenaMark();
  const exponent = arenaTake(half);
  copy(exponent, rsaPart(raw, 0), half);
  beSubSmall(exponent, half, 2);
  modSet(rsaPart(raw, 0), bits);
  const x = numTake();
  numFromBytes(x, rsaPart(raw, 1), half);
  montEnter(x);
  modExp(x, exponent, half);
  montLeave(x);
  numToBytes(x, rsaPart(raw, 4), half);
  modForget();
  arenaRelease(mark);
}

/** 1 if the private operation of a fixed number leads back to it: it does not if p or q is no prime. */
function works(raw: usize): i32 {
  const mark = arenaMark();
  const size = rsaSize(raw);
  const input = arenaTake(size);
  const out = arenaTake(size);
  store<u8>(input + ((size - 1) as usize), 2);
  const status = rsaPrivate(raw, input, out);
  arenaRelease(mark);
  return status === OK ? 1 : 0;
}

/**
 * A private key from its primes.
 *
 * @param n  [public] `nLen` bytes big-endian: 1024..4096 bits, p * q
 * @param e  [public] odd, 3..2^32-1 (unsigned)
 * @param p  [secret] `pLen` bytes; the other prime in `q`, both of the same bits. Both are wiped whatever comes out
 * @returns slot | ERR_KEY | ERR_NO_SLOT | ERR_ARGUMENT
 */
export function rsaImportPrimes(
  n: usize,
  nLen: i32,
  e: i32,
  p: usize,
  pLen: i32,
  q: usize,
  qLen: i32,
  usage: i32,
): i32 {
  const fits = inFront(p, pLen) && inFront(q, qLen);
  let result = ERR_ARGUMENT;
  if (fits && inFront(n, nLen)) result = hasFreeBig() ? rsaPublicBitsVarTime(n, nLen, e) : ERR_NO_SLOT;
  if (result > 0) {
    arenaBegin();
    const raw = arenaTake(RSA_RAW_MAX);
    const half = (((result + 1) >> 1) + 7) >> 3;
    result = ERR_KEY;
    const first = raw + RSA_HEAD;
    if (place(first, half, p, pLen) && place(first + (half as usize), half, q, qLen)) {
      result = finish(raw, n, nLen, e, half, usage);
    }
    arenaEnd();
  } else if (result !== ERR_NO_SLOT && result !== ERR_ARGUMENT) {
    result = ERR_KEY;
  }
  if (inFront(p, pLen)) wipe(p, pLen);
  if (inFront(q, qLen)) wipe(q, qLen);
  return result;
}

/** Puts a secret number of `len` bytes at `out`, `width` bytes wide. False if it is longer. */
function place(out: usize, width: i32, ptr: usize, len: i32): bool {
  let above = 0;
  for (; len > width; ptr++, len--) above |= load<u8>(ptr) as i32;
  copy(out + ((width - len) as usize), ptr, len);
  return above === 0;
}

/** Checks p * q = n and the primes' sizes, completes the key and fills a slot. slot | ERR_KEY | ERR_ARGUMENT */
function finish(raw: usize, n: usize, nLen: i32, e: i32, half: i32, usage: i32): i32 {
  // The primes' size follows from n; the top bit of both must be where it says.
  const nBits = beBitsVarTime(n, nLen);
  const bits = (nBits + 1) >> 1;
  const shift = (bits - 1) & 7;
  const p = raw + RSA_HEAD;
  const tops = ((load<u8>(p) >> (shift as u8)) ^ 1) | ((load<u8>(p + (half as usize)) >> (shift as u8)) ^ 1);
  if (tops !== 0 || rsaComplete(raw, e, bits, nBits) !== OK) return ERR_KEY;
  const product = arenaTake(RSA_MAX);
  const size = rsaSize(raw);
  rsaModulus(raw, product);
  if (ctEqual(product, n + ((nLen - size) as usize), size) === 0) return ERR_KEY;
  return slotFill(KEY_RSA, usage, raw, rsaRawLength(raw));
}

/**
 * A private key from n, e and d, as JSON Web Keys of MSL carry it.
 *
 * @param n  [public] `nLen` bytes big-endian: 1024..4096 bits
 * @param e  [public] odd, 3..2^32-1 (unsigned)
 * @param d  [secret] `dLen` bytes big-endian, below n, wiped whatever comes out
 * @returns slot | ERR_KEY (inconsistent, or primes of different sizes) | ERR_NO_SLOT | ERR_ARGUMENT
 * Time: depends on the sizes, e, and on how many small bases fail to part the primes (each does for half of all keys).
 */
export function rsaImport(n: usize, nLen: i32, e: i32, d: usize, dLen: i32, usage: i32): i32 {
  if (!inFront(d, dLen)) return ERR_ARGUMENT;
  let result = ERR_ARGUMENT;
  if (inFront(n, nLen)) result = hasFreeBig() ? rsaPublicBitsVarTime(n, nLen, e) : ERR_NO_SLOT;
  if (result > 0) {
    arenaBegin();
    const raw = arenaTake(RSA_RAW_MAX);
    const size = (result + 7) >> 3;
    const half = (((result + 1) >> 1) + 7) >> 3;
    const exponent = arenaTake(RSA_MAX);
    const bits = result;
    result = ERR_KEY;
    if (place(exponent, size, d, dLen)) {
      result = recover(raw, n + ((nLen - size) as usize), bits, e, exponent, half);
      if (result === OK) result = finish(raw, n, nLen, e, half, usage);
    }
    arenaEnd();
  } else if (result !== ERR_NO_SLOT && result !== ERR_ARGUMENT) {
    result = ERR_KEY;
  }
  wipe(d, dLen);
  return result;
}

/** p and q into `raw` from d (as long as n). OK | ERR_KEY */
function recover(raw: usize, n: usize, bits: i32, e: i32, d: usize, half: i32): i32 {
  const mark = arenaMark();
  const size = (bits + 7) >> 3;
  const words = (size + 3) >> 2;
  const a = arenaTake(words << 2);
  const b = arenaTake((words + 1) << 2);
  const root = arenaTake(size);
  const exponent = arenaTake(size + 4);
  // d * e - 1, a multiple of p - 1 and q - 1 if the key is one, without its factors of two.
  wordsFromBytes(a, words, d, size);
  wordsMulSmall(b, a, words, e as u32, 0);
  store<u32>(b, load<u32>(b) ^ 1);
  // d even: the product was even, no key. The flag is part of the decision below.
  const odd = load<u8>(d + ((size - 1) as usize)) & 1;
  wordsMakeOdd(b, words + 1);
  wordsToBytes(exponent, size + 4, b, words + 1);
  const result = odd === 1 ? squareRoot(n, bits, exponent, size + 4, root) : ERR_KEY;
  if (result === OK) {
    // root^2 = 1, root ≠ ±1: a prime divides root - 1, the other root + 1.
    wordsFromBytes(a, words, n, size);
    wordsFromBytes(b, words, root, size);
    store<u32>(b, load<u32>(b) - 1);
    wordsGcd(a, b, words);
    wordsToBytes(raw + RSA_HEAD, half, a, words);
    wordsFromBytes(b, words, n, size);
    wordsDivideExact(b, words, a, words);
    wordsToBytes(raw + ((RSA_HEAD + half) as usize), half, b, words);
    // a * b = n mod 2^(32 words) by construction; that no factor is cut is part of the check p * q = n.
  }
  arenaRelease(mark);
  return result;
}

/**
 * A square root of 1 mod n other than ±1, from an odd exponent r with g^(r * 2^t) = 1 for all g and some t < 64.
 * For each base 64 squarings, the root kept by mask: neither t nor where it lies shows.
 *
 * @returns OK | ERR_KEY (no such exponent, or n has one prime only)
 */
function squareRoot(n: usize, bits: i32, exponent: usize, len: i32, root: usize): i32 {
  const mark = arenaMark();
  const size = (bits + 7) >> 3;
  modSet(n, bits);
  const x = numTake();
  const y = numTake();
  const value = arenaTake(size);
  const next = arenaTake(size);
  let result = ERR_KEY;
  for (let base = 2; base < BASES + 2; base++) {
    numSet(x, base);
    montEnter(x);
    modExp(x, exponent, len);
    let found = 0;
    let one = 0;
    toBytes(y, x, value, size);
    for (let step = 0; step < 64; step++) {
      montSquare(x, x);
      toBytes(y, x, next, size);
      one = beMaskSmall(next, size, 1);
      // The first value whose square is 1; -1 is n - 1.
      const hit = one & ~beMaskSmall(value, size, 1) & ~isMinusOne(value, n, size);
      for (let i: usize = 0; i < (size as usize); i++) {
        store<u8>(root + i, select(hit, load<u8>(value + i) as i32, load<u8>(root + i) as i32) as u8);
      }
      found |= hit;
      copy(value, next, size);
    }
    if (one === 0) break;
    if (found !== 0) {
      result = OK;
      break;
    }
  }
  modForget();
  arenaRelease(mark);
  return result;
}

/** Value of a number in Montgomery form; `work` is a number to use. */
function toBytes(work: usize, num: usize, out: usize, size: i32): void {
  numCopy(work, num);
  montLeave(work);
  numToBytes(work, out, size);
}

/** -1 if a = n - 1, else 0; n is odd, so only the lowest bit differs. */
function isMinusOne(a: usize, n: usize, size: i32): i32 {
  let diff = 0;
  for (let i = 0; i < size; i++) {
    const expected = (load<u8>(n + (i as usize)) as i32) ^ (i === size - 1 ? 1 : 0);
    diff |= (load<u8>(a + (i as usize)) as i32) ^ expected;
  }
  return maskZero(diff);
}

/**
 * The public half of a key.
 *
 * @param out  [public] n big-endian, as long as it is; then e, 4 bytes big-endian. Room for 516 bytes, whatever the key
 * @returns bytes of n | ERR_ARGUMENT | a slot error
 */
export function rsaPublicKey(slot: i32, out: usize): i32 {
  if (!inFront(out, RSA_MAX + 4)) return ERR_ARGUMENT;
  const status = rsaCheck(slot, 0);
  if (status < 0) return status;
  const raw = slotRaw(slot);
  const size = rsaSize(raw);
  arenaBegin();
  rsaModulus(raw, out);
  storeBe32(out + (size as usize), load<u32>(raw, 4));
  arenaEnd();
  return size;
}
