// Finite-field Diffie-Hellman, MSL's DIFFIE_HELLMAN: RFC 7919, RFC 3526, and session keys from SHA-384 of the shared
// secret with one zero byte in front.
//
// Raw key of a slot:  bits of p (4) | bytes of x (4) | spare (8) | p | x, both big-endian, p without leading zeros.
// Arena: the modulus at most 7.2 KiB, two numbers 3 KiB, powers 14.5 KiB, the drawn key 1 KiB, two byte strings 1 KiB.

import {
  DH_CUSTOM, ERR_ARGUMENT, ERR_KEY, ERR_NO_SLOT, ERR_PUBLIC_KEY, KEY_AES, KEY_DH, KEY_HMAC_SHA256, OK, USE_DERIVE,
} from "../../src/core/abi"; // biome-ignore format: one table of names
import { arenaBegin, arenaTake, arenaEnd } from "../bignum/arena";
import { modExp } from "../bignum/modexp";
import { modForget, modSet, montEnter, montLeave, numFromBytes, numTake, numToBytes } from "../bignum/modulus";
import { copy, store32, wipe } from "../bytes";
import { freeSlots, hasFreeBig, slotCheck, slotClear, slotFill, slotRaw } from "../memory/key-slots";
import { inFront } from "../memory/layout";
import { scratchPop, scratchPush } from "../memory/scratch";
import { entropyTake } from "../rand/entropy";
import { groupLoadVarTime, isElement, PRIME_MAX, padTo } from "./groups";
import { sha384Stripped } from "./stripped-hash";

const HEAD: i32 = 16;

/**
 * Bytes of a fresh exponent: at least twice the group's strength (SP 800-57 table 2: 112 bits for 2048, 128 for 3072,
 * 152 for 4096; RFC 7919 §A asks for 225, 275 and 325 bits), and no less than 256 bits.
 */
function exponentLength(bits: i32): i32 {
  return bits < 3072 ? 32 : bits < 4096 ? 36 : 42;
}

/** out = base^x mod p. `base` and `out` have the prime's length and may be the same; base and p are public. */
function power(base: usize, prime: usize, bits: i32, x: usize, xLen: i32, out: usize): void {
  const len = (bits + 7) >> 3;
  modSet(prime, bits);
  const num = numTake();
  numFromBytes(num, base, len);
  montEnter(num);
  modExp(num, x, xLen);
  montLeave(num);
  numToBytes(num, out, len);
  modForget();
}

function argumentsFit(group: i32, p: usize, pLen: i32, g: usize, gLen: i32, out: usize): bool {
  if (group === DH_CUSTOM && (!inFront(p, pLen) || !inFront(g, gLen))) return false;
  return inFront(out, PRIME_MAX);
}

/**
 * A fresh private exponent in a slot; its public value at `out`, big-endian, as long as the prime.
 *
 * @param group  [public] DH_GROUP14 | DH_FFDHE2048 | DH_FFDHE3072, or DH_CUSTOM: then `p` and `g` count, else they are
 *   not read
 * @param p      [public] `pLen` bytes big-endian: odd, 1025..4096 bits, by the host's word a safe prime
 * @param g      [public] `gLen` bytes big-endian, 2..p-2
 * @param out    [public] room for 512 bytes, whatever the group
 * @returns slot | ERR_KEY (group) | ERR_NO_SLOT | ERR_ENTROPY | ERR_ARGUMENT
 */
export function dhGenerate(group: i32, p: usize, pLen: i32, g: usize, gLen: i32, usage: i32, out: usize): i32 {
  if (!argumentsFit(group, p, pLen, g, gLen, out)) return ERR_ARGUMENT;
  if (!hasFreeBig()) return ERR_NO_SLOT;
  arenaBegin();
  const raw = arenaTake(HEAD + 2 * PRIME_MAX);
  const base = arenaTake(PRIME_MAX);
  const bits = groupLoadVarTime(group, p, pLen, g, gLen, raw + HEAD, base);
  let result = bits;
  if (bits > 0) {
    const len = (bits + 7) >> 3;
    const xLen = exponentLength(bits);
    const x = raw + HEAD + (len as usize);
    result = entropyTake(x, xLen);
    if (result === OK) {
      // The top bit is set: no exponent is short. The lowest is not: in the group of a safe prime, whose order is 2q, even
      // powers are all in the subgroup of order q, so that a peer's value outside of it learns nothing.
      store<u8>(x, load<u8>(x) | 128);
      const last = x + ((xLen - 1) as usize);
      store<u8>(last, load<u8>(last) & 254);
      result = fill(raw, bits, xLen, base, usage, out);
    }
  }
  arenaEnd();
  return result;
}

/**
 * As `dhGenerate`, for an exponent that is known; its bytes are wiped whatever comes out.
 *
 * @param x  [secret] `xLen` bytes big-endian, 1 up to the prime's length
 * @returns slot | ERR_KEY (also if the public value is not 2..p-2) | ERR_NO_SLOT | ERR_ARGUMENT
 */
export function dhImport(
  group: i32,
  p: usize,
  pLen: i32,
  g: usize,
  gLen: i32,
  x: usize,
  xLen: i32,
  usage: i32,
  out: usize,
): i32 {
  if (!inFront(x, xLen)) return ERR_ARGUMENT;
  let result = ERR_ARGUMENT;
  if (argumentsFit(group, p, pLen, g, gLen, out)) result = hasFreeBig() ? OK : ERR_NO_SLOT;
  if (result === OK) {
    arenaBegin();
    const raw = arenaTake(HEAD + 2 * PRIME_MAX);
    const base = arenaTake(PRIME_MAX);
    const bits = groupLoadVarTime(group, p, pLen, g, gLen, raw + HEAD, base);
    const len = (bits + 7) >> 3;
    result = bits < 0 || xLen < 1 || xLen > len ? ERR_KEY : OK;
    if (result === OK) {
      copy(raw + HEAD + (len as usize), x, xLen);
      result = fill(raw, bits, xLen, base, usage, out);
    }
    arenaEnd();
  }
  wipe(x, xLen);
  return result;
}

/** Public value to `out`, key to a slot. slot | ERR_KEY | ERR_ARGUMENT (usage) */
function fill(raw: usize, bits: i32, xLen: i32, base: usize, usage: i32, out: usize): i32 {
  const len = (bits + 7) >> 3;
  store<i32>(raw, bits);
  store<i32>(raw, xLen, 4);
  power(base, raw + HEAD, bits, raw + HEAD + (len as usize), xLen, base);
  if (!isElement(base, raw + HEAD, len)) return ERR_KEY;
  const slot = slotFill(KEY_DH, usage, raw, HEAD + len + xLen);
  if (slot >= 0) copy(out, base, len);
  return slot;
}

/**
 * Session keys with a peer (MSL DIFFIE_HELLMAN): h = SHA-384 of the shared secret without leading zeros behind one zero
 * byte; AES key h[0..15], HMAC-SHA256 key h[16..47].
 *
 * @param slot  [secret] key of type KEY_DH with USE_DERIVE
 * @param peer  [public] `peerLen` bytes big-endian, any leading zeros
 * @param out   [public] two i32: the AES slot and the HMAC slot
 * @returns OK | ERR_PUBLIC_KEY (outside 2..p-2, or the secret is 0, 1 or p-1) | ERR_NO_SLOT | ERR_ARGUMENT | a slot error
 * Time: depends on the lengths of p and x and on the peer's value, not on the secret, nor on its leading zeros.
 */
export function dhAgreeSession(slot: i32, peer: usize, peerLen: i32, usageEnc: i32, usageMac: i32, out: usize): i32 {
  if (!inFront(peer, peerLen) || !inFront(out, 8)) return ERR_ARGUMENT;
  const status = slotCheck(slot, KEY_DH, USE_DERIVE);
  if (status < 0) return status;
  if (freeSlots() < 2) return ERR_NO_SLOT;
  const raw = slotRaw(slot);
  const bits = load<i32>(raw);
  const len = (bits + 7) >> 3;
  arenaBegin();
  const secret = arenaTake(PRIME_MAX);
  let result = ERR_PUBLIC_KEY;
  if (padTo(secret, len, peer, peerLen) && isElement(secret, raw + HEAD, len)) {
    power(secret, raw + HEAD, bits, raw + HEAD + (len as usize), load<i32>(raw, 4), secret);
    // One decision, public as a result: it cannot fall for a safe prime and a peer in range.
    if (isElement(secret, raw + HEAD, len)) result = session(secret, len, usageEnc, usageMac, out);
  }
  arenaEnd();
  return result;
}

function session(secret: usize, len: i32, usageEnc: i32, usageMac: i32, out: usize): i32 {
  const keys = scratchPush(48);
  sha384Stripped(secret, len, keys);
  const enc = slotFill(KEY_AES, usageEnc, keys, 16);
  const mac = enc < 0 ? enc : slotFill(KEY_HMAC_SHA256, usageMac, keys + 16, 32);
  scratchPop(48);
  if (mac < 0) {
    if (enc >= 0) slotClear(enc);
    return mac;
  }
  store32(out, enc);
  store32(out + 4, mac);
  return OK;
}
