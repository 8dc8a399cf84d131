// RSA on whole blocks (RFC 8017 §5.1, §5.2): private keys by the Chinese remainder theorem in constant time, the result
// checked with the public exponent before anyone sees it; public keys as they come.
//
// Raw key of a slot:
//   bits of n (4) | e (4) | bits of a prime (4) | 0 (4) | 16 spare | p | q | dP | dQ | qInv
// big-endian, (bits of a prime + 7) / 8 bytes each: 1312 bytes for 4096 bits. Both primes have the same bits.
// Arena of a private operation: at most 26 KiB (4096 bits in core.js: moduli 5.2 and 7.2 KiB, powers 14 KiB, numbers and
// strings 5 KiB, not all at once).

import { ERR_FAULT, ERR_PUBLIC_KEY, OK } from "../../src/core/abi";
import { arenaMark, arenaRelease, arenaTake } from "../bignum/arena";
import { beBitsVarTime, beMaskLess } from "../bignum/bytes-be";
import { modExp, modExpVarTime } from "../bignum/modexp";
import {
  modForget,
  modSet,
  montEnter,
  montLeave,
  montMul,
  numAdd,
  numFromBytes,
  numSetBit,
  numSub,
  numTake,
  numToBytes,
} from "../bignum/modulus";
import { wordsFromBytes, wordsMulAdd, wordsToBytes } from "../bignum/words";
import { copy, wipe } from "../bytes";
import { ctEqual } from "../ct";

export const RSA_HEAD: i32 = 32;
export const RSA_BITS_MIN: i32 = 1024;
export const RSA_BITS_MAX: i32 = 4096;
/** Most bytes of a modulus. */
export const RSA_MAX: i32 = 512;

/** Bits of n. */
export function rsaBits(raw: usize): i32 {
  return load<i32>(raw);
}

/** Bytes of n. */
export function rsaSize(raw: usize): i32 {
  return (load<i32>(raw) + 7) >> 3;
}

export function rsaExponent(raw: usize): i32 {
  return load<i32>(raw, 4);
}

/** Bytes of each of the five numbers. */
export function rsaHalf(raw: usize): i32 {
  return (load<i32>(raw, 8) + 7) >> 3;
}

/** Number 0..4: p, q, dP, dQ, qInv. */
export function rsaPart(raw: usize, index: i32): usize {
  return raw + ((RSA_HEAD + index * rsaHalf(raw)) as usize);
}

/** out = p * q, as many bytes as n has. */
export function rsaModulus(raw: usize, out: usize): void {
  const mark = arenaMark();
  const half = rsaHalf(raw);
  const n = (half + 3) >> 2;
  const p = arenaTake(n << 2);
  const q = arenaTake(n << 2);
  const product = arenaTake(n << 3);
  wordsFromBytes(p, n, rsaPart(raw, 0), half);
  wordsFromBytes(q, n, rsaPart(raw, 1), half);
  wordsMulAdd(product, p, q, n);
  wordsToBytes(out, rsaSize(raw), product, n << 1);
  arenaRelease(mark);
}

/**
 * The private operation.
 *
 * @param raw    [secret] raw key
 * @param input  [public] as many bytes as n has, a number below n
 * @param out    [secret] as many bytes; not the input
 * @returns OK | ERR_FAULT (out is wiped): the result does not lead back to the input
 * Time: depends on the sizes and e only.
 */
export function rsaPrivate(raw: usize, input: usize, out: usize): i32 {
  const mark = arenaMark();
  const size = rsaSize(raw);
  const half = rsaHalf(raw);
  const m2 = arenaTake(half);
  const h = arenaTake(half);
  const scope = arenaMark();
  let x = residuePower(raw, 1, input, size);
  numToBytes(x, m2, half);
  arenaRelease(scope);
  // h = (m1 - m2) * qInv mod p.
  x = residuePower(raw, 0, input, size);
  const y = numTake();
  numFromBytes(y, m2, half);
  numSub(x, x, y);
  numFromBytes(y, rsaPart(raw, 4), half);
  montEnter(y);
  montMul(x, x, y);
  numToBytes(x, h, half);
  arenaRelease(scope);
  // m = m2 + q * h < q + q * (p - 1).
  const n = (half + 3) >> 2;
  const a = arenaTake(n << 2);
  const b = arenaTake(n << 2);
  const product = arenaTake(n << 3);
  wordsFromBytes(a, n, rsaPart(raw, 1), half);
  wordsFromBytes(b, n, h, half);
  wordsFromBytes(product, n, m2, half);
  wordsMulAdd(product, a, b, n);
  wordsToBytes(out, size, product, n << 1);
  arenaRelease(scope);
  const check = arenaTake(size);
  const modulus = arenaTake(size);
  rsaModulus(raw, modulus);
  publicPower(modulus, rsaBits(raw), rsaExponent(raw), out, check);
  const equal = ctEqual(check, input, size);
  modForget();
  arenaRelease(mark);
  if (equal === 1) return OK;
  wipe(out, size);
  return ERR_FAULT;
}

/** input ^ d mod prime for prime 0 or 1, as a number of that modulus, which stays set. */
function residuePower(raw: usize, index: i32, input: usize, size: i32): usize {
  const half = rsaHalf(raw);
  modSet(rsaPart(raw, index), load<i32>(raw, 8));
  const x = numTake();
  const y = numTake();
  // input = high * 2^(8 * half) + low.
  numFromBytes(x, input, size - half);
  montEnter(x);
  numSetBit(y, half << 3);
  montEnter(y);
  montMul(x, x, y);
  numFromBytes(y, input + ((size - half) as usize), half);
  montEnter(y);
  numAdd(x, x, y);
  modExp(x, rsaPart(raw, index + 2), half);
  montLeave(x);
  return x;
}

/** out = input ^ e mod n. input below n; both as long as n, and may be the same. */
function publicPower(n: usize, bits: i32, e: i32, input: usize, out: usize): void {
  const len = (bits + 7) >> 3;
  modSet(n, bits);
  const x = numTake();
  numFromBytes(x, input, len);
  montEnter(x);
  modExpVarTime(x, e);
  montLeave(x);
  numToBytes(x, out, len);
}

/** Bits of n if it and e make a public key that is taken, else ERR_PUBLIC_KEY: 1024..4096 bits, n and e odd, e >= 3. */
export function rsaPublicBitsVarTime(n: usize, nLen: i32, e: i32): i32 {
  const bits = beBitsVarTime(n, nLen);
  if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX) return ERR_PUBLIC_KEY;
  const low = load<u8>(n + ((nLen - 1) as usize)) as i32;
  return (low & e & 1) === 0 || e === 1 ? ERR_PUBLIC_KEY : bits;
}

/**
 * The public operation.
 *
 * @param n      [public] `nLen` bytes, checked by rsaPublicBitsVarTime to have `bits` bits
 * @param input  [secret] as many bytes as n has without leading zeros, a number below n
 * @param out    [secret] as many bytes; may be the input
 */
export function rsaPublic(n: usize, nLen: i32, bits: i32, e: i32, input: usize, out: usize): void {
  const mark = arenaMark();
  const size = (bits + 7) >> 3;
  const modulus = arenaTake(size);
  copy(modulus, n + ((nLen - size) as usize), size);
  publicPower(modulus, bits, e, input, out);
  modForget();
  arenaRelease(mark);
}

/** -1 if the `size` bytes at `input` are below n, else 0; n has `nLen` ≥ size bytes, leading zeros in front. */
export function rsaMaskBelow(n: usize, nLen: i32, input: usize, size: i32): i32 {
  return beMaskLess(input, n + ((nLen - size) as usize), size);
}
