// Probable primes for RSA, FIPS 186-5 App. A.1.3 with p = 3 mod 4 (its "p mod 8", fixed): drawn from the DRBG, sieved by
// trial division, tested by Miller-Rabin with random bases. With p = 3 mod 4 a round is one power, b^((p-1)/2) = ±1.
// What is rejected is thrown away, so a rejection may show; of what is kept nothing does.

import { arenaMark, arenaRelease, arenaTake } from "../bignum/arena";
import { beMaskSmall } from "../bignum/bytes-be";
import { modExp } from "../bignum/modexp";
import { modForget, modSet, montEnter, montLeave, numFromBytes, numTake, numToBytes } from "../bignum/modulus";
import { maskZero } from "../ct";
import { drbgGenerate } from "../rand/drbg";

/** Divisors of the sieve: odd numbers below this. */
const SIEVE: i32 = 2048;
/** Largest product of divisors that is reduced at once: with a digit of 24 bits behind it, still exact in a double. */
const PRODUCT_MAX: i32 = 268435456;

/** A candidate of `len` bytes with the two top bits set (so that a product of two has all its bits) and 3 mod 4. */
export function primeDraw(out: usize, len: i32): void {
  drbgGenerate(out, len);
  store<u8>(out, load<u8>(out) | 0xc0);
  const last = out + ((len - 1) as usize);
  store<u8>(last, load<u8>(last) | 3);
}

/** x mod m for whole 0 <= x < 2^52. @param inverse  1/m */
function remainder(x: f64, m: f64, inverse: f64): f64 {
  const rest = x - Math.floor(x * inverse) * m;
  // The quotient may be one too large or too small.
  return rest < 0 ? rest + m : rest >= m ? rest - m : rest;
}

/**
 * True if no odd number below 2048 divides the candidate.
 *
 * @param ptr  [secret if true] `len` bytes, a multiple of 4, above all divisors
 */
export function primeSieve(ptr: usize, len: i32): bool {
  for (let s = 3; s < SIEVE; ) {
    const first = s;
    let product = 1;
    // Multiples of 3 and 5 are divided by 3 and 5.
    for (; s < SIEVE && product <= PRODUCT_MAX / s; s += 2) if (isDivisor(s)) product *= s;
    const m = product as f64;
    const inverse = 1.0 / m;
    let rest: f64 = 0;
    for (let i = 0; i < len; i += 2) {
      const at = ptr + (i as usize);
      rest = remainder(rest * 65536 + ((((load<u8>(at) as i32) << 8) | (load<u8>(at, 1) as i32)) as f64), m, inverse);
    }
    let divides = 0;
    for (let t = first; t < s; t += 2) {
      if (isDivisor(t)) divides |= maskZero(remainder(rest, t as f64, 1.0 / (t as f64)) as i32);
    }
    if (divides !== 0) return false;
  }
  return true;
}

function isDivisor(s: i32): bool {
  return (s % 3 !== 0 || s === 3) && (s % 5 !== 0 || s === 5);
}

/**
 * One round of Miller-Rabin with a random base, FIPS 186-5 App. B.3.1.
 *
 * @param ptr   [secret if true] `len` bytes, 3 mod 4, the top bit set
 * @returns true if the candidate passes
 */
export function primeRound(ptr: usize, len: i32): bool {
  const mark = arenaMark();
  const base = arenaTake(len);
  const half = arenaTake(len);
  // Below the candidate, whose top bit is set, and at least 2.
  drbgGenerate(base, len);
  store<u8>(base, load<u8>(base) & 0x7f);
  const last = (len - 1) as usize;
  store<u8>(base + last, load<u8>(base + last) | 2);
  let carry = 0;
  for (let i: usize = 0; i <= last; i++) {
    const byte = load<u8>(ptr + i) as i32;
    store<u8>(half + i, ((byte >> 1) | (carry << 7)) as u8);
    carry = byte & 1;
  }
  modSet(ptr, len << 3);
  const x = numTake();
  numFromBytes(x, base, len);
  montEnter(x);
  modExp(x, half, len);
  montLeave(x);
  numToBytes(x, base, len);
  modForget();
  // The candidate is odd: its difference to p - 1 is one bit.
  let diff = 0;
  for (let i: usize = 0; i <= last; i++)
    diff |= ((load<u8>(base + i) ^ load<u8>(ptr + i)) as i32) ^ (i === last ? 1 : 0);
  const passes = beMaskSmall(base, len, 1) | maskZero(diff);
  arenaRelease(mark);
  return passes !== 0;
}
