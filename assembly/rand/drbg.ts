// HMAC_DRBG with SHA-256, SP 800-90A Rev. 1 §10.1.2, for generations that need more random bytes than the pool holds:
// RSA keys. One instance, seeded from the entropy pool, no reseeding: who needs more instantiates again.
//
// The key is held as its HMAC state; the working state is  HMAC state (64) | V (32) | a byte after V (16, mostly spare).

import { ERR_ARGUMENT, ERR_ENTROPY, MAX_RAW_KEY, OK } from "../../src/core/abi";
import { copy, wipe } from "../bytes";
import { SHA256_STATE, sha256Update } from "../hash/sha256";
import { hmacExpandKey, hmacFinal, hmacInit, hmacSha256 } from "../mac/hmac";
import { inStage } from "../memory/layout";
import { scratchPop, scratchPush } from "../memory/scratch";
import { entropyTake } from "./entropy";

/** Fewest bytes of entropy with the nonce: 256 bits, and half as much again (SP 800-90A §8.6.7). */
export const DRBG_SEED_MIN: i32 = 48;
/** Most bytes of entropy that are taken at once. */
const SEED_MAX: i32 = MAX_RAW_KEY;
/** Most bytes of one request, SP 800-90A table 2: 2^19 bits. */
const REQUEST_MAX: i32 = 65536;
/** Requests of one instance; the standard allows 2^48. An RSA key takes some thousands. */
const REQUESTS_MAX: i32 = 1048576;

const STATE_SIZE: i32 = 112;
const STATE: usize = memory.data(112, 16);
const V: usize = STATE + 64;
/** Requests left, 0 when not instantiated. */
let left: i32 = 0;

/** K = HMAC(K, V ‖ domain ‖ data), V = HMAC(K, V). */
function mix(domain: u8, data: usize, dataLen: i32, more: usize, moreLen: i32): void {
  const hash = scratchPush(SHA256_STATE);
  const key = scratchPush(32);
  store<u8>(V + 32, domain);
  hmacInit(STATE, hash);
  sha256Update(hash, V, 33);
  sha256Update(hash, data, dataLen);
  sha256Update(hash, more, moreLen);
  hmacFinal(STATE, hash, key);
  hmacExpandKey(key, 32, STATE);
  hmacSha256(STATE, V, 32, V);
  scratchPop(32);
  scratchPop(SHA256_STATE);
}

/**
 * Instantiates, SP 800-90A §10.1.2.3; what was before is void.
 *
 * @param entropyLen  [public] bytes to take from the pool, entropy and nonce together: DRBG_SEED_MIN..128
 * @param pers        [public] personalization, `persLen` ≥ 0 bytes
 * @returns OK | ERR_ARGUMENT | ERR_ENTROPY (nothing was done)
 */
export function drbgSeed(entropyLen: i32, pers: usize, persLen: i32): i32 {
  if (entropyLen < DRBG_SEED_MIN || entropyLen > SEED_MAX) return ERR_ARGUMENT;
  const seed = scratchPush(SEED_MAX);
  const status = entropyTake(seed, entropyLen);
  if (status === OK) {
    wipe(V, 32);
    hmacExpandKey(V, 32, STATE); // K = 00…
    for (let i = 0; i < 32; i++) store<u8>(V + i, 1);
    mix(0, seed, entropyLen, pers, persLen);
    mix(1, seed, entropyLen, pers, persLen);
    left = REQUESTS_MAX;
  }
  scratchPop(SEED_MAX);
  return status;
}

/**
 * Random bytes, SP 800-90A §10.1.2.5, without additional input.
 *
 * @param out  [secret] `len` bytes, 0..65536
 * @returns OK | ERR_ARGUMENT | ERR_ENTROPY (not instantiated, or used up: nothing was written)
 */
export function drbgGenerate(out: usize, len: i32): i32 {
  if (len < 0 || len > REQUEST_MAX) return ERR_ARGUMENT;
  if (left === 0) return ERR_ENTROPY;
  left--;
  for (let done = 0; done < len; done += 32) {
    hmacSha256(STATE, V, 32, V);
    copy(out + done, V, len - done < 32 ? len - done : 32);
  }
  // The update with no input: one round, §10.1.2.2.
  mix(0, V, 0, V, 0);
  return OK;
}

/** Ends the instance and wipes it. */
export function drbgWipe(): void {
  wipe(STATE, STATE_SIZE);
  left = 0;
}

/** `drbgSeed` for the host. OK | ERR_ARGUMENT | ERR_ENTROPY */
export function drbgInstantiate(entropyLen: i32, pers: usize, persLen: i32): i32 {
  return inStage(pers, persLen) ? drbgSeed(entropyLen, pers, persLen) : ERR_ARGUMENT;
}

/** `drbgGenerate` for the host: `len` bytes in the stage. len | ERR_ARGUMENT | ERR_ENTROPY */
export function drbgGenerateStage(out: usize, len: i32): i32 {
  if (!inStage(out, len)) return ERR_ARGUMENT;
  const status = drbgGenerate(out, len);
  return status < 0 ? status : len;
}

/** `drbgWipe` for the host. */
export function drbgUninstantiate(): i32 {
  drbgWipe();
  return OK;
}
