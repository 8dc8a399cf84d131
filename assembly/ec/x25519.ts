// X25519, RFC 7748 §5: Montgomery ladder with constant-time swaps. Private keys live in slots; shared secrets too.
// A result of all zeros (a low-order public value) is refused, RFC 7748 §6.1.

import { ERR_ARGUMENT, ERR_NO_SLOT, ERR_PUBLIC_KEY, KEY_SECRET, KEY_X25519, OK, USE_DERIVE } from "../../src/core/abi";
import { copy, wipe } from "../bytes";
import { maskZero } from "../ct";
import { hasFree, slotCheck, slotFill, slotRaw } from "../memory/key-slots";
import { inStage } from "../memory/layout";
import { scratchPop, scratchPush } from "../memory/scratch";
import { entropyTake } from "../rand/entropy";
import {
  FE_SIZE,
  feAdd,
  feCopy,
  feFromBytes,
  feMul,
  feMulSmall,
  feSet,
  feSquare,
  feSub,
  feSwap,
  feToBytes,
} from "./field25519";

const WORK: i32 = 11 * 48;

/**
 * out = X25519(scalar, u), RFC 7748 §5.
 *
 * @param scalar  [secret] 32 bytes, clamped here
 * @param u       [public] 32 bytes, or 0 for the base point
 * @param out     [secret] 32 bytes
 * Scratch: 560 bytes, wiped.
 */
export function x25519(scalar: usize, u: usize, out: usize): void {
  const k = scratchPush(32);
  const work = scratchPush(WORK);
  copy(k, scalar, 32);
  store<u8>(k, load<u8>(k) & 248);
  store<u8>(k, (load<u8>(k, 31) & 127) | 64, 31);
  const x1 = work;
  const x2 = work + FE_SIZE;
  const z2 = work + 2 * FE_SIZE;
  const x3 = work + 3 * FE_SIZE;
  const z3 = work + 4 * FE_SIZE;
  const a = work + 5 * FE_SIZE;
  const b = work + 6 * FE_SIZE;
  const c = work + 7 * FE_SIZE;
  const d = work + 8 * FE_SIZE;
  const e = work + 9 * FE_SIZE;
  const f = work + 10 * FE_SIZE;
  if (u === 0) feSet(x1, 9);
  else feFromBytes(x1, u);
  feSet(x2, 1);
  feSet(z2, 0);
  feCopy(x3, x1);
  feSet(z3, 1);
  let swap = 0;
  for (let t = 254; t >= 0; t--) {
    const bit = ((load<u8>(k + (t >> 3)) as i32) >> (t & 7)) & 1;
    swap ^= bit;
    feSwap(x2, x3, swap);
    feSwap(z2, z3, swap);
    swap = bit;
    feAdd(a, x2, z2);
    feSub(b, x2, z2);
    feAdd(c, x3, z3);
    feSub(d, x3, z3);
    feMul(d, d, a); // DA
    feMul(c, c, b); // CB
    feSquare(a, a); // AA
    feSquare(b, b); // BB
    feSub(e, a, b); // E
    feMul(x2, a, b);
    feMulSmall(f, e, 121665);
    feAdd(f, f, a);
    feMul(z2, e, f);
    feAdd(x3, d, c);
    feSquare(x3, x3);
    feSub(z3, d, c);
    feSquare(z3, z3);
    feMul(z3, z3, x1);
  }
  feSwap(x2, x3, swap);
  feSwap(z2, z3, swap);
  invert(z2, a, b, c, d);
  feMul(x2, x2, z2);
  feToBytes(out, x2);
  scratchPop(WORK);
  scratchPop(32);
}

/** z = z^(p-2) = 1/z; 0 stays 0. The exponent is public: 254 squarings, 11 products. */
function invert(z: usize, t0: usize, t1: usize, t2: usize, t3: usize): void {
  feSquare(t0, z); // 2
  squareTimes(t1, t0, 2); // 8
  feMul(t1, t1, z); // 9
  feMul(t0, t0, t1); // 11
  feSquare(t2, t0); // 22
  feMul(t1, t1, t2); // 2^5 - 1
  squareTimes(t2, t1, 5);
  feMul(t1, t2, t1); // 2^10 - 1
  squareTimes(t2, t1, 10);
  feMul(t2, t2, t1); // 2^20 - 1
  squareTimes(t3, t2, 20);
  feMul(t2, t3, t2); // 2^40 - 1
  squareTimes(t2, t2, 10);
  feMul(t1, t2, t1); // 2^50 - 1
  squareTimes(t2, t1, 50);
  feMul(t2, t2, t1); // 2^100 - 1
  squareTimes(t3, t2, 100);
  feMul(t2, t3, t2); // 2^200 - 1
  squareTimes(t2, t2, 50);
  feMul(t1, t2, t1); // 2^250 - 1
  squareTimes(t1, t1, 5);
  feMul(z, t1, t0); // 2^255 - 21
}

function squareTimes(out: usize, a: usize, n: i32): void {
  feSquare(out, a);
  for (let i = 1; i < n; i++) feSquare(out, out);
}

/** A fresh private key in a slot; its public value at `out`. slot | ERR_NO_SLOT | ERR_ENTROPY | ERR_ARGUMENT */
export function x25519Generate(usage: i32, out: usize): i32 {
  if (!inStage(out, 32)) return ERR_ARGUMENT;
  if (!hasFree()) return ERR_NO_SLOT;
  const key = scratchPush(32);
  let slot = entropyTake(key, 32);
  if (slot === OK) {
    slot = slotFill(KEY_X25519, usage, key, 32);
    if (slot >= 0) x25519(key, 0, out);
  }
  scratchPop(32);
  return slot;
}

/** Public value of a private key: 32 | ERR_ARGUMENT | a slot error. */
export function x25519PublicKey(slot: i32, out: usize): i32 {
  if (!inStage(out, 32)) return ERR_ARGUMENT;
  const status = slotCheck(slot, KEY_X25519, 0);
  if (status < 0) return status;
  x25519(slotRaw(slot), 0, out);
  return 32;
}

/**
 * Shared secret into a slot of type KEY_SECRET.
 *
 * @param slot  [secret] private key with USE_DERIVE
 * @param peer  [public] 32 bytes, any value; the top bit is ignored
 * @returns slot | ERR_PUBLIC_KEY (all zero, compared in constant time) | ERR_NO_SLOT | ERR_ARGUMENT | a slot error
 */
export function x25519Agree(slot: i32, peer: usize, usage: i32): i32 {
  if (!inStage(peer, 32)) return ERR_ARGUMENT;
  const status = slotCheck(slot, KEY_X25519, USE_DERIVE);
  if (status < 0) return status;
  if (!hasFree()) return ERR_NO_SLOT;
  const secret = scratchPush(32);
  x25519(slotRaw(slot), peer, secret);
  let any: u64 = 0;
  for (let i = 0; i < 32; i += 8) any |= load<u64>(secret + i);
  const zero = maskZero(((any >> 32) | (any & 0xffffffff)) as i32);
  const result = zero !== 0 ? ERR_PUBLIC_KEY : slotFill(KEY_SECRET, usage, secret, 32);
  wipe(secret, 32);
  scratchPop(32);
  return result;
}
