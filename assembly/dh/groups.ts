// Groups of finite-field Diffie-Hellman: built in by number, or p and g from the host. Small groups are refused, MSL's
// examples of 512 and 1024 bits among them. That a prime of the host is a safe one is the host's word: proving it would
// cost more than the exchange.

import { DH_CUSTOM, DH_FFDHE2048, DH_FFDHE3072, DH_GROUP14, ERR_KEY } from "../../src/core/abi";
import { beBitsVarTime, beMaskLess, beMaskSmall, beSubSmall } from "../bignum/bytes-be";
import { copy } from "../bytes";
import { scratchPop, scratchPush } from "../memory/scratch";
import { FFDHE2048, FFDHE3072, GROUP14 } from "./primes.gen";

/** Most bytes of a prime. */
export const PRIME_MAX: i32 = 512;
const BITS_MIN: i32 = 1025;

/** Bytes of a built-in group's prime, or 0. */
function builtInLength(group: i32): i32 {
  if (group === DH_GROUP14 || group === DH_FFDHE2048) return 256;
  return group === DH_FFDHE3072 ? 384 : 0;
}

/**
 * Prime and generator of a group, all public.
 *
 * @param p      `pLen` bytes big-endian, any leading zeros; read for DH_CUSTOM only, as is `g`
 * @param prime  the prime without leading zeros goes here, at most PRIME_MAX bytes
 * @param base   the generator goes here, as long as the prime
 * @returns bits of the prime | ERR_KEY (not odd, under 1025 or over 4096 bits, g outside 2..p-2, no such group)
 */
export function groupLoadVarTime(group: i32, p: usize, pLen: i32, g: usize, gLen: i32, prime: usize, base: usize): i32 {
  if (group !== DH_CUSTOM) {
    const len = builtInLength(group);
    if (len === 0) return ERR_KEY;
    copy(prime, group === DH_GROUP14 ? GROUP14 : group === DH_FFDHE2048 ? FFDHE2048 : FFDHE3072, len);
    for (let i = 0; i < len - 1; i++) store<u8>(base + (i as usize), 0);
    store<u8>(base + ((len - 1) as usize), 2);
    return len << 3;
  }
  const bits = beBitsVarTime(p, pLen);
  if (bits < BITS_MIN || bits > PRIME_MAX << 3) return ERR_KEY;
  const len = (bits + 7) >> 3;
  copy(prime, p + ((pLen - len) as usize), len);
  if ((load<u8>(prime + ((len - 1) as usize)) & 1) === 0) return ERR_KEY;
  if (!padTo(base, len, g, gLen) || !isElement(base, prime, len)) return ERR_KEY;
  return bits;
}

/** Number of `len` bytes without its leading zeros, written with `width` bytes. False if it is longer. Public data. */
export function padTo(out: usize, width: i32, ptr: usize, len: i32): bool {
  const size = (beBitsVarTime(ptr, len) + 7) >> 3;
  if (size > width) return false;
  for (let i = 0; i < width - size; i++) store<u8>(out + (i as usize), 0);
  copy(out + ((width - size) as usize), ptr + ((len - size) as usize), size);
  return true;
}

/** 2 <= y <= p - 2 (SP 800-56A §5.6.2.3.1). @param y, p  [public] `len` bytes */
export function isElement(y: usize, p: usize, len: i32): bool {
  const top = scratchPush(PRIME_MAX);
  copy(top, p, len);
  beSubSmall(top, len, 1);
  const bad = beMaskSmall(y, len, 0) | beMaskSmall(y, len, 1) | ~beMaskLess(y, top, len);
  scratchPop(PRIME_MAX);
  return bad === 0;
}
