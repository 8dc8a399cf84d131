// ECDSA over P-256, FIPS 186-5 §6.4, on digests of SHA-256; nonces by RFC 6979 §3.2 with HMAC-SHA256. Signatures are
// r ‖ s of 32 bytes each, or DER, SEQUENCE { r INTEGER, s INTEGER }.

import { ERR_ARGUMENT, ERR_ATTEMPTS, ERR_BAD_SIGNATURE, KEY_P256, OK, USE_SIGN } from "../../src/core/abi";
import { copy, wipe } from "../bytes";
import { ctEqual } from "../ct";
import { hmacExpandKey, hmacSha256 } from "../mac/hmac";
import { slotCheck, slotRaw } from "../memory/key-slots";
import { inStage } from "../memory/layout";
import { scratchPop, scratchPush } from "../memory/scratch";
import { derRead, derWrite } from "./ecdsa-der";
import { baseMulBytes } from "./p256";
import { baseMul, baseReady } from "./p256-base";
import { N } from "./p256-constants";
import { feIsZero, feToBytes, numIsZero, numLess, numReduce } from "./p256-element";
import { FE_SIZE, feAdd, feNegate, scMul } from "./p256-field";
import {
  AFFINE_SIZE,
  ODD_SIZE,
  POINT_SIZE,
  POINT_WORK,
  pointAdd,
  pointDouble,
  pointFromAffine,
  pointMul,
  pointReadVarTime,
  pointToAffine,
  scalarOdd,
} from "./p256-point";
import { scFromBytes, scInvert, scToBytes } from "./p256-scalar";

/** Nonces tried; each fails with a probability of 2^-32. */
const ATTEMPTS: i32 = 8;

// State of the nonces: V (32) | one byte | private key (32) | digest mod n (32) | HMAC state of K (64), aligned at 112.
const NONCE_SIZE: i32 = 176;
const NONCE_MAC: i32 = 112;

/** K = HMAC(K, V ‖ domain ‖ rest), V = HMAC(K, V); `len` counts from V. Scratch: 32 bytes. */
function nonceMix(state: usize, domain: u8, len: i32): void {
  const key = scratchPush(32);
  store<u8>(state, domain, 32);
  hmacSha256(state + NONCE_MAC, state, len, key);
  hmacExpandKey(key, 32, state + NONCE_MAC);
  hmacSha256(state + NONCE_MAC, state, 32, state);
  scratchPop(32);
}

/** Steps a to g of RFC 6979 §3.2. */
function nonceStart(state: usize, key: usize, digest: usize): void {
  wipe(state, 32);
  hmacExpandKey(state, 32, state + NONCE_MAC);
  for (let i = 0; i < 32; i++) store<u8>(state + i, 1);
  copy(state + 33, key, 32);
  copy(state + 65, digest, 32);
  numReduce(state + 65, N);
  nonceMix(state, 0, 97);
  nonceMix(state, 1, 97);
}

/**
 * s = (digest + r * key) / k mod n.
 *
 * @param out  [public] r in front, s behind it: 64 bytes
 * @param k    [secret] 1..n-1
 */
function signEquation(out: usize, key: usize, digest: usize, k: usize): void {
  const a = scratchPush(3 * FE_SIZE);
  const b = a + FE_SIZE;
  const c = a + 2 * FE_SIZE;
  scFromBytes(a, out);
  scFromBytes(b, key);
  scMul(a, a, b);
  scFromBytes(b, digest);
  feAdd(a, a, b);
  scFromBytes(c, k);
  scInvert(c, c);
  scMul(a, a, c);
  scToBytes(out + 32, a);
  scratchPop(3 * FE_SIZE);
}

/**
 * r ‖ s at `out`; OK | ERR_ATTEMPTS.
 *
 * @param key     [secret] 1..n-1
 * @param digest  [public] 32 bytes, clear of `out`
 * Time: constant, but for nonces that fail; whether one fails says nothing of those that do not.
 */
function sign(key: usize, digest: usize, out: usize): i32 {
  const state = scratchPush(NONCE_SIZE);
  const point = scratchPush(64);
  nonceStart(state, key, digest);
  let status = ERR_ATTEMPTS;
  for (let i = 0; i < ATTEMPTS; i++) {
    hmacSha256(state + NONCE_MAC, state, 32, state);
    if ((numLess(state, N) & ~numIsZero(state)) !== 0) {
      baseMulBytes(state, point);
      // x < p < 2n.
      numReduce(point, N);
      copy(out, point, 32);
      signEquation(out, key, digest, state);
      if ((numIsZero(out) | numIsZero(out + 32)) === 0) {
        status = OK;
        break;
      }
    }
    nonceMix(state, 0, 33);
  }
  scratchPop(64);
  scratchPop(NONCE_SIZE);
  return status;
}

/**
 * Signs a digest; the same key and digest give the same signature.
 *
 * @param slot    [secret] private key with USE_SIGN
 * @param digest  [public] 32 bytes
 * @param out     [public] 64 bytes: r ‖ s
 * @returns 64 | ERR_ARGUMENT | ERR_ATTEMPTS (never, in practice) | a slot error
 */
export function ecdsaP256Sign(slot: i32, digest: usize, out: usize): i32 {
  if (!inStage(out, 64)) return ERR_ARGUMENT;
  baseReady();
  const signature = scratchPush(64);
  let status = signChecked(slot, digest, signature);
  if (status === OK) {
    copy(out, signature, 64);
    status = 64;
  }
  scratchPop(64);
  return status;
}

/** As `ecdsaP256Sign`, the signature in DER: its length, at most 72, for which there must be room; or an error. */
export function ecdsaP256SignDer(slot: i32, digest: usize, out: usize): i32 {
  if (!inStage(out, 72)) return ERR_ARGUMENT;
  baseReady();
  const signature = scratchPush(64);
  let status = signChecked(slot, digest, signature);
  if (status === OK) status = derWrite(out, signature);
  scratchPop(64);
  return status;
}

function signChecked(slot: i32, digest: usize, signature: usize): i32 {
  if (!inStage(digest, 32)) return ERR_ARGUMENT;
  const status = slotCheck(slot, KEY_P256, USE_SIGN);
  return status < 0 ? status : sign(slotRaw(slot), digest, signature);
}

/**
 * q = u1 * base + u2 * point as bytes of its x mod n; OK, or ERR_BAD_SIGNATURE for infinity.
 *
 * @param u1  0..n-1
 * @param u2  1..n-1
 */
function combineVarTime(out: usize, u1: usize, u2: usize, point: usize): i32 {
  const odd = scratchPush(ODD_SIZE);
  const q = scratchPush(POINT_SIZE);
  let status = OK;
  let isNegated = scalarOdd(odd, u2);
  pointMul(q, point, odd);
  pointToAffine(point, q);
  feNegate(point + FE_SIZE, isNegated);
  if (numIsZero(u1) !== 0) {
    pointFromAffine(q, point);
  } else {
    isNegated = scalarOdd(odd, u1);
    baseMul(q, odd);
    feNegate(q + FE_SIZE, isNegated);
    const work = scratchPush(POINT_WORK);
    pointAdd(q, point, work);
    if (feIsZero(work) !== 0) {
      // Both the same, or opposite.
      if (feIsZero(work + FE_SIZE) === 0) status = ERR_BAD_SIGNATURE;
      pointFromAffine(q, point);
      pointDouble(q, work);
    }
    scratchPop(POINT_WORK);
  }
  pointToAffine(q, q);
  feToBytes(out, q);
  numReduce(out, N);
  scratchPop(POINT_SIZE);
  scratchPop(ODD_SIZE);
  return status;
}

/** The equation of verification, FIPS 186-5 §6.4.2; `signature` is r ‖ s, any values. OK | ERR_BAD_SIGNATURE */
function checkVarTime(signature: usize, digest: usize, point: usize): i32 {
  const s = signature + 32;
  if (numLess(signature, N) === 0 || numLess(s, N) === 0) return ERR_BAD_SIGNATURE;
  if ((numIsZero(signature) | numIsZero(s)) !== 0) return ERR_BAD_SIGNATURE;
  const inverse = scratchPush(2 * FE_SIZE);
  const t = inverse + FE_SIZE;
  const u1 = scratchPush(64);
  const u2 = u1 + 32;
  scFromBytes(inverse, s);
  scInvert(inverse, inverse);
  scFromBytes(t, digest);
  scMul(t, t, inverse);
  scToBytes(u1, t);
  scFromBytes(t, signature);
  scMul(t, t, inverse);
  scToBytes(u2, t);
  let status = combineVarTime(u1, u1, u2, point);
  if (status === OK && ctEqual(u1, signature, 32) === 0) status = ERR_BAD_SIGNATURE;
  scratchPop(64);
  scratchPop(2 * FE_SIZE);
  return status;
}

/**
 * Verifies a signature. All is public.
 *
 * @param pub     `pubLen` bytes: 04 ‖ X ‖ Y, or compressed
 * @param digest  `digestLen` ≥ 0 bytes; of more than 32 the first 32 count (FIPS 186-5 §6.4.2)
 * @param sig     `sigLen` bytes: DER and nothing else; or r ‖ s if they are 64 and not DER
 * @returns OK | ERR_BAD_SIGNATURE | ERR_PUBLIC_KEY | ERR_ARGUMENT
 */
export function ecdsaP256Verify(pub: usize, pubLen: i32, digest: usize, digestLen: i32, sig: usize, sigLen: i32): i32 {
  if (!inStage(pub, pubLen) || !inStage(digest, digestLen) || !inStage(sig, sigLen)) return ERR_ARGUMENT;
  baseReady();
  const point = scratchPush(AFFINE_SIZE);
  const signature = scratchPush(64);
  const number = scratchPush(32);
  let status = pointReadVarTime(point, pub, pubLen);
  if (status === OK) {
    const used = digestLen < 32 ? digestLen : 32;
    wipe(number, 32);
    copy(number + (32 - used), digest, used);
    let isRead = derRead(signature, sig, sigLen);
    if (!isRead && sigLen === 64) {
      copy(signature, sig, 64);
      isRead = true;
    }
    status = isRead ? checkVarTime(signature, number, point) : ERR_BAD_SIGNATURE;
  }
  scratchPop(32);
  scratchPop(64);
  scratchPop(AFFINE_SIZE);
  return status;
}
