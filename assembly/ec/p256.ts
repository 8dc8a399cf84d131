// Keys of P-256 and ECDH, SP 800-56A Rev. 3 §5.7.1.2 with full validation of the peer's key (§5.6.2.3.3). Private keys
// live in slots; shared secrets too. Public keys leave uncompressed: 04 ‖ X ‖ Y.

import { ERR_ARGUMENT, ERR_KEY, ERR_NO_SLOT, KEY_P256, KEY_SECRET, OK, USE_DERIVE } from "../../src/core/abi";
import { wipe } from "../bytes";
import { hasFree, slotCheck, slotFill, slotRaw } from "../memory/key-slots";
import { inStage } from "../memory/layout";
import { scratchPop, scratchPush } from "../memory/scratch";
import { entropyTake } from "../rand/entropy";
import { baseMul, baseReady } from "./p256-base";
import { N } from "./p256-constants";
import { feToBytes, numIsZero, numLess } from "./p256-element";
import { FE_SIZE, feNegate } from "./p256-field";
import { AFFINE_SIZE, ODD_SIZE, POINT_SIZE, pointMul, pointReadVarTime, pointToAffine, scalarOdd } from "./p256-point";
import { scalarFromWide } from "./p256-scalar";

/** Bytes of a public key. */
const PUBLIC_SIZE: i32 = 65;
/** Random bytes for a private key: 64 bits more than it has, FIPS 186-5 §A.2.1. */
const WIDE_SIZE: i32 = 40;

/**
 * x | y = k * base point, 32 big-endian bytes each.
 *
 * @param k    [secret] 32 big-endian bytes, 1..n-1
 * @param out  64 bytes
 * The tables are built: `baseReady`.
 */
export function baseMulBytes(k: usize, out: usize): void {
  const odd = scratchPush(ODD_SIZE);
  const q = scratchPush(POINT_SIZE);
  const isNegated = scalarOdd(odd, k);
  baseMul(q, odd);
  pointToAffine(q, q);
  feNegate(q + FE_SIZE, isNegated);
  feToBytes(out, q);
  feToBytes(out + 32, q + FE_SIZE);
  scratchPop(POINT_SIZE);
  scratchPop(ODD_SIZE);
}

/**
 * A private key into a slot; the source is wiped whatever comes out.
 *
 * @param ptr  [secret] 32 big-endian bytes, 1..n-1
 * @returns slot | ERR_KEY (outside the range, compared in constant time) | ERR_NO_SLOT | ERR_ARGUMENT
 */
export function p256Import(usage: i32, ptr: usize): i32 {
  if (!inStage(ptr, 32)) return ERR_ARGUMENT;
  const isGood = numLess(ptr, N) & ~numIsZero(ptr);
  const slot = isGood !== 0 ? slotFill(KEY_P256, usage, ptr, 32) : ERR_KEY;
  wipe(ptr, 32);
  return slot;
}

/** A fresh private key in a slot; its public key, 65 bytes, at `out`. slot | ERR_NO_SLOT | ERR_ENTROPY | ERR_ARGUMENT */
export function p256Generate(usage: i32, out: usize): i32 {
  if (!inStage(out, PUBLIC_SIZE)) return ERR_ARGUMENT;
  if (!hasFree()) return ERR_NO_SLOT;
  // Usage is the only argument that slotFill could refuse: before entropy is spent.
  if ((usage & ~255) !== 0) return ERR_ARGUMENT;
  baseReady();
  const wide = scratchPush(WIDE_SIZE);
  const key = scratchPush(32);
  let slot = entropyTake(wide, WIDE_SIZE);
  if (slot === OK) {
    scalarFromWide(key, wide);
    slot = slotFill(KEY_P256, usage, key, 32);
    if (slot >= 0) {
      store<u8>(out, 4);
      baseMulBytes(key, out + 1);
    }
  }
  scratchPop(32);
  scratchPop(WIDE_SIZE);
  return slot;
}

/** Public key of a private key at `out`: 65 | ERR_ARGUMENT | a slot error. */
export function p256PublicKey(slot: i32, out: usize): i32 {
  if (!inStage(out, PUBLIC_SIZE)) return ERR_ARGUMENT;
  const status = slotCheck(slot, KEY_P256, 0);
  if (status < 0) return status;
  baseReady();
  store<u8>(out, 4);
  baseMulBytes(slotRaw(slot), out + 1);
  return PUBLIC_SIZE;
}

/**
 * Shared secret, the x coordinate of 32 bytes, into a slot of type KEY_SECRET.
 *
 * @param slot  [secret] private key with USE_DERIVE
 * @param peer  [public] `peerLen` bytes: 04 ‖ X ‖ Y, or compressed
 * @returns slot | ERR_PUBLIC_KEY | ERR_NO_SLOT | ERR_ARGUMENT | a slot error
 */
export function p256Agree(slot: i32, peer: usize, peerLen: i32, usage: i32): i32 {
  if (!inStage(peer, peerLen)) return ERR_ARGUMENT;
  let status = slotCheck(slot, KEY_P256, USE_DERIVE);
  if (status < 0) return status;
  if (!hasFree()) return ERR_NO_SLOT;
  const point = scratchPush(AFFINE_SIZE);
  status = pointReadVarTime(point, peer, peerLen);
  if (status === OK) {
    const odd = scratchPush(ODD_SIZE);
    const q = scratchPush(POINT_SIZE);
    const secret = scratchPush(32);
    // The sign does not matter: opposite points have the same x.
    scalarOdd(odd, slotRaw(slot));
    pointMul(q, point, odd);
    pointToAffine(q, q);
    feToBytes(secret, q);
    status = slotFill(KEY_SECRET, usage, secret, 32);
    scratchPop(32);
    scratchPop(POINT_SIZE);
    scratchPop(ODD_SIZE);
  }
  scratchPop(AFFINE_SIZE);
  return status;
}
