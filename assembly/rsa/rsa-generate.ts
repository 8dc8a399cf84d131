// RSA key generation, FIPS 186-5 App. A.1.3, e = 65537, in steps of bounded work: a device need not stand still. Between
// steps the unfinished key lies in its slot without any usage, so that no operation takes it; `slotClear` gives it up.
//
// Raw key while it is made:  head of rsa-core.ts with  e | bits of a prime | phase (1: p, 2: q) | rounds passed |
// candidates drawn | usage wanted  from offset 4 on, then p | q; what is searched stands in its place.
// Each step draws on the DRBG, which it seeds from the entropy pool and ends: an instance of the host's ends with it.

import {
  ERR_ARGUMENT, ERR_ATTEMPTS, ERR_ENTROPY, ERR_KEY_TYPE, ERR_NO_SLOT, KEY_RSA, OK,
} from "../../src/core/abi"; // biome-ignore format: one table of names
import { arenaBegin, arenaTake, arenaEnd } from "../bignum/arena";
import { wordsFromBytes, wordsModSmall } from "../bignum/words";
import { copy } from "../bytes";
import { maskZero } from "../ct";
import { hasFreeBig, slotCheck, slotClear, slotFill, slotRaw } from "../memory/key-slots";
import { DRBG_SEED_MIN, drbgSeed, drbgWipe } from "../rand/drbg";
import { primeDraw, primeRound, primeSieve } from "./prime";
import { RSA_HEAD, rsaHalf, rsaPart } from "./rsa-core";
import { RSA_RAW_MAX, rsaComplete, rsaRawLength } from "./rsa-key";

const EXPONENT: i32 = 65537;
/** Rounds of Miller-Rabin: FIPS 186-5 table B.1 asks for 5 at most for these sizes. */
const ROUNDS: i32 = 5;
/** Candidates that one step sieves, at most. */
const STEP_CANDIDATES: i32 = 16;
const USAGES: i32 = 127;

const PHASE: usize = 12;
const PASSED: usize = 16;
const DRAWN: usize = 20;
const USAGE: usize = 24;

/**
 * Starts a key.
 *
 * @param bits   [public] 2048, 3072 or 4096
 * @param usage  [public] of the finished key; USE_EXPORT is refused, private keys of this kind do not leave
 * @returns slot for `rsaGenerateStep` | ERR_ARGUMENT | ERR_NO_SLOT
 */
export function rsaGenerateBegin(bits: i32, usage: i32): i32 {
  if ((bits !== 2048 && bits !== 3072 && bits !== 4096) || (usage & ~USAGES) !== 0) return ERR_ARGUMENT;
  if (!hasFreeBig()) return ERR_NO_SLOT;
  arenaBegin();
  const raw = arenaTake(RSA_RAW_MAX);
  store<i32>(raw, EXPONENT, 4);
  store<i32>(raw, bits >> 1, 8);
  store<i32>(raw, 1, PHASE);
  store<i32>(raw, usage, USAGE);
  const slot = slotFill(KEY_RSA, 0, raw, RSA_HEAD + 2 * rsaHalf(raw));
  arenaEnd();
  return slot;
}

/**
 * One step: up to 16 candidates, or one round of Miller-Rabin, or the completion of the key (three powers). A key takes
 * some 150 steps on average.
 *
 * @returns 0 (not yet) | the slot of the finished key, which may be another | ERR_ENTROPY (48 bytes are needed; nothing
 *   was done) | ERR_ATTEMPTS (the slot is cleared) | ERR_KEY_TYPE (nothing begun there) | ERR_SLOT
 */
export function rsaGenerateStep(slot: i32): i32 {
  const status = slotCheck(slot, KEY_RSA, 0);
  if (status < 0) return status;
  if (load<i32>(slotRaw(slot), PHASE) === 0) return ERR_KEY_TYPE;
  if (drbgSeed(DRBG_SEED_MIN, 0, 0) !== OK) return ERR_ENTROPY;
  arenaBegin();
  const result = advance(slot);
  drbgWipe();
  arenaEnd();
  return result;
}

/** All steps at once, with one seed of 48 bytes. slot | ERR_ENTROPY | ERR_ATTEMPTS | ERR_NO_SLOT | ERR_ARGUMENT */
export function rsaGenerate(bits: i32, usage: i32): i32 {
  const slot = rsaGenerateBegin(bits, usage);
  if (slot < 0) return slot;
  let result = drbgSeed(DRBG_SEED_MIN, 0, 0);
  if (result !== OK) {
    slotClear(slot);
    return ERR_ENTROPY;
  }
  // The count of candidates bounds this loop, the count of rounds that of each candidate.
  while (result === 0) {
    arenaBegin();
    result = advance(slot);
    arenaEnd();
  }
  drbgWipe();
  return result;
}

/** 0 | slot | ERR_ATTEMPTS. The DRBG is seeded. */
function advance(slot: i32): i32 {
  const raw = slotRaw(slot);
  const phase = load<i32>(raw, PHASE);
  const half = rsaHalf(raw);
  if (phase > 2) return complete(slot, raw);
  const candidate = rsaPart(raw, phase - 1);
  const passed = load<i32>(raw, PASSED);
  if (passed > 0) {
    // A candidate stands: its next round.
    if (!primeRound(candidate, half)) {
      store<i32>(raw, 0, PASSED);
    } else if (passed < ROUNDS) {
      store<i32>(raw, passed + 1, PASSED);
    } else {
      store<i32>(raw, 0, PASSED);
      store<i32>(raw, 0, DRAWN);
      store<i32>(raw, phase + 1, PHASE);
    }
    return 0;
  }
  // FIPS 186-5 A.1.3: at most 5 * nlen candidates for p, 10 * nlen for q; a prime comes once in about 0.18 * nlen.
  const limit = half * (phase === 1 ? 80 : 160);
  let drawn = load<i32>(raw, DRAWN);
  for (let i = 0; i < STEP_CANDIDATES; i++) {
    if (drawn++ >= limit) {
      slotClear(slot);
      return ERR_ATTEMPTS;
    }
    primeDraw(candidate, half);
    if (!fits(raw, candidate, phase, half)) continue;
    store<i32>(raw, 1, PASSED);
    break;
  }
  store<i32>(raw, drawn, DRAWN);
  return 0;
}

/** Sieved, p - 1 prime to e, and for q: p - q of at least 2^(bits - 96), more than App. A.1.3 asks for. */
function fits(raw: usize, candidate: usize, phase: i32, half: i32): bool {
  if (!primeSieve(candidate, half)) return false;
  const words = half >> 2;
  const a = arenaTake(half);
  wordsFromBytes(a, words, candidate, half);
  let bad = maskZero((wordsModSmall(a, words, EXPONENT) as i32) - 1);
  if (phase === 2) {
    // Upper 96 bits of p - q with the borrow of the rest: not all zeros, not all ones.
    const p = rsaPart(raw, 0);
    let borrow = 0;
    let ones = -1;
    let zeros = 0;
    for (let i = half - 1; i >= 0; i--) {
      const at = i as usize;
      const digit = (load<u8>(p + at) as i32) - (load<u8>(candidate + at) as i32) + borrow;
      borrow = digit >> 31;
      ones &= i < 12 ? digit | ~255 : -1;
      zeros |= i < 12 ? digit & 255 : 0;
    }
    bad |= maskZero(zeros) | maskZero(~ones);
  }
  return bad === 0;
}

/** The finished key in a slot | ERR_ATTEMPTS (a prime was none, at odds below 2^-100). */
function complete(slot: i32, raw: usize): i32 {
  const key = arenaTake(RSA_RAW_MAX);
  const usage = load<i32>(raw, USAGE);
  const half = rsaHalf(raw);
  store<i32>(key, load<i32>(raw, 8), 8);
  copy(rsaPart(key, 0), rsaPart(raw, 0), 2 * half);
  slotClear(slot);
  if (rsaComplete(key, EXPONENT, half << 3, half << 4) !== OK) return ERR_ATTEMPTS;
  return slotFill(KEY_RSA, usage, key, rsaRawLength(key));
}
