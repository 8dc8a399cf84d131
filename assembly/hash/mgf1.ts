// The hash functions that OAEP and signatures name, behind one number, and the mask generation function over two of
// them (RFC 8017 §B.2.1).

import { HASH_SHA1, HASH_SHA256 } from "../../src/core/abi";
import { copy, storeBe32 } from "../bytes";
import { scratchPop, scratchPush } from "../memory/scratch";
import { SHA1_LENGTH, sha1 } from "./sha1";
import { sha256 } from "./sha256";

/** Longest seed that `mgf1Xor` takes: the data block of an OAEP message under a 4096-bit key fits. */
export const MGF1_SEED_MAX: i32 = 512;

/** Bytes of a digest of `hash`, HASH_SHA1 or HASH_SHA256; 0 for any other number. */
export function mgf1HashLength(hash: i32): i32 {
  return hash === HASH_SHA1 ? SHA1_LENGTH : hash === HASH_SHA256 ? 32 : 0;
}

/** Digest by number, HASH_SHA1 or HASH_SHA256: as `sha1` and `sha256`. */
export function mgf1Hash(hash: i32, msg: usize, len: i32, out: usize): void {
  if (hash === HASH_SHA1) sha1(msg, len, out);
  else sha256(msg, len, out);
}

/**
 * target ^= MGF1(seed, len).
 *
 * @param hash    [public] HASH_SHA1 or HASH_SHA256
 * @param seed    [secret] `seedLen` ≤ MGF1_SEED_MAX bytes, any alignment, apart from the target
 * @param target  [secret] `len` bytes, any alignment
 * Time: depends on the lengths only. Scratch: about 1.1 KiB with the hash's own, wiped.
 */
export function mgf1Xor(hash: i32, seed: usize, seedLen: i32, target: usize, len: i32): void {
  const input = scratchPush(MGF1_SEED_MAX + 16);
  const digest = scratchPush(32);
  const size = mgf1HashLength(hash);
  copy(input, seed, seedLen);
  for (let counter = 0, done = 0; done < len; counter++) {
    storeBe32(input + seedLen, counter);
    mgf1Hash(hash, input, seedLen + 4, digest);
    const n = len - done < size ? len - done : size;
    for (let i = 0; i < n; i++) {
      const p = target + done + i;
      store<u8>(p, load<u8>(p) ^ load<u8>(digest + i));
    }
    done += n;
  }
  scratchPop(32);
  scratchPop(MGF1_SEED_MAX + 16);
}
