// Scalars of P-256: integers mod n in Montgomery form over the limbs of p256-field.ts. Constant-time.

import { copy, wipe } from "../bytes";
import { scratchPop, scratchPush } from "../memory/scratch";
import { N, ONE, R2_N } from "./p256-constants";
import { limbsCanonical, numInvert, numIsZero } from "./p256-element";
import { FE_SIZE, feAdd, limbsFromBytes, scMul } from "./p256-field";

/** Montgomery form of limbs of a number, |value| < 16 * 2^256. `out` may be a. */
function scFromLimbs(out: usize, a: usize): void {
  const t = scratchPush(FE_SIZE);
  limbsFromBytes(t, R2_N);
  scMul(out, a, t);
  scratchPop(FE_SIZE);
}

/** Montgomery form of 32 big-endian bytes, any value. */
export function scFromBytes(out: usize, src: usize): void {
  limbsFromBytes(out, src);
  scFromLimbs(out, out);
}

/** Canonical bytes of a scalar in Montgomery form. */
export function scToBytes(out: usize, a: usize): void {
  const t = scratchPush(FE_SIZE);
  limbsFromBytes(t, ONE);
  scMul(t, a, t);
  limbsCanonical(out, t, N);
  scratchPop(FE_SIZE);
}

/**
 * A private key from more random bits than it has, so that it is uniform but for 2^-64.
 *
 * @param out   [secret] 32 big-endian bytes: `wide` mod n, and 1 for 0; 1..n-1
 * @param wide  [secret] 40 bytes
 */
export function scalarFromWide(out: usize, wide: usize): void {
  const low = scratchPush(2 * FE_SIZE);
  const high = low + FE_SIZE;
  const bytes = scratchPush(32);
  scFromBytes(low, wide + 8);
  // high * 2^256: the 8 bytes at the end of a number, times 2^128 and then 2^128 again.
  wipe(bytes, 32);
  copy(bytes + 8, wide, 8);
  scFromBytes(high, bytes);
  wipe(bytes, 32);
  store<u8>(bytes, 1, 15);
  const shift = scratchPush(FE_SIZE);
  scFromBytes(shift, bytes);
  scMul(high, high, shift);
  scratchPop(FE_SIZE);
  feAdd(low, low, high);
  scToBytes(out, low);
  store<u8>(out, (load<u8>(out, 31) as i32) - numIsZero(out), 31);
  scratchPop(32);
  scratchPop(2 * FE_SIZE);
}

/** out = 1/a; 0 gives 0. `out` may be a. */
export function scInvert(out: usize, a: usize): void {
  if (CORE_JS) {
    powerInvert(out, a);
    return;
  }
  const bytes = scratchPush(32);
  scToBytes(bytes, a);
  numInvert(out, bytes, N, 234929231);
  scFromLimbs(out, out);
  scratchPop(32);
}

/** out = a^(n-2), the exponent public: windows of four bits. The way of core.js, where it is faster. */
function powerInvert(out: usize, a: usize): void {
  const table = scratchPush(17 * FE_SIZE);
  const t = table + 16 * FE_SIZE;
  copy(table + FE_SIZE, a, FE_SIZE);
  for (let i: usize = 2; i < 16; i++) scMul(table + i * FE_SIZE, table + (i - 1) * FE_SIZE, a);
  copy(t, table + 15 * FE_SIZE, FE_SIZE);
  // n - 2 by nibbles, high to low.
  for (let i = 1; i < 64; i++) {
    for (let j = 0; j < 4; j++) scMul(t, t, t);
    let digit = ((load<u8>(N + (i >> 1)) as i32) >> (i & 1 ? 0 : 4)) & 15;
    // The last nibble of n is 1: that of n - 2 is 15, and 1 is borrowed from the one before, 5.
    if (i >= 62) digit = i === 63 ? 15 : 4;
    if (digit !== 0) scMul(t, t, table + ((digit * FE_SIZE) as usize));
  }
  copy(out, t, FE_SIZE);
  scratchPop(17 * FE_SIZE);
}
