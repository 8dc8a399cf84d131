// X25519, RFC 7748 §5: Montgomery ladder with constant-time swaps. Private keys live in slots; shared secrets too.
// A result of all zeros (a low-order public value) is refused, RFC 7748 §6.1.

import { ERR_ARGUMENT, ERR_NO_SLOT, ERR_PUBLIC_KEY, KEY_SECRET, KEY_X25519, OK, USE_DERIVE } from "../../src/core/abi";
import { copy, wipe } from "../bytes";
import { maskZero } from "../ct";
import { hasFree, slotCheck, slotFill, slotRaw } from "../memory/key-slots";
import { inStage } from "../memory/layout";
import { scratchPop, scratchPush } from "../memory/scratch";
import { entropyTake } from "../rand/entropy";
import { ladder25519 } from "./ladder25519";

/**
 * out = X25519(scalar, u), RFC 7748 §5.
 *
 * @param scalar  [secret] 32 bytes, clamped here
 * @param u       [public] 32 bytes, or 0 for the base point
 * @param out     [secret] 32 bytes
 * Scratch: 64 bytes and the ladder's, wiped.
 */
export function x25519(scalar: usize, u: usize, out: usize): void {
  const k = scratchPush(32);
  const point = scratchPush(32);
  copy(k, scalar, 32);
  store<u8>(k, load<u8>(k) & 248);
  store<u8>(k, (load<u8>(k, 31) & 127) | 64, 31);
  if (u === 0) store<u8>(point, 9);
  else copy(point, u, 32);
  ladder25519(k, point, out);
  scratchPop(32);
  scratchPop(32);
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
  let any = 0;
  for (let i = 0; i < 32; i += 4) any |= load<i32>(secret + i);
  const zero = maskZero(any);
  const result = zero !== 0 ? ERR_PUBLIC_KEY : slotFill(KEY_SECRET, usage, secret, 32);
  wipe(secret, 32);
  scratchPop(32);
  return result;
}
