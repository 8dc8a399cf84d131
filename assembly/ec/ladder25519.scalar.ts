// The X25519 ladder, RFC 7748 §5, on the field of this build, one operation at a time.

import { scratchPop, scratchPush } from "../memory/scratch";
import {
  FE_SIZE, feAdd, feCopy, feFromBytes, feMul, feMulSmall, feSet, feSquare, feSub, feSwap, feToBytes,
} from "./field25519"; // biome-ignore format: one table of names
import { feInvert } from "./invert25519";

const WORK: i32 = 11 * FE_SIZE;

/**
 * out = X25519 by the ladder.
 *
 * @param k    [secret] 32 bytes, clamped
 * @param u    [public] 32 bytes
 * @param out  [secret] 32 bytes
 * Scratch: 15 elements, wiped.
 */
export function ladderScalar(k: usize, u: usize, out: usize): void {
  const work = scratchPush(WORK);
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
  feFromBytes(x1, u);
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
  feInvert(z2);
  feMul(x2, x2, z2);
  feToBytes(out, x2);
  scratchPop(WORK);
}
