// Inversion mod 2^255 - 19: by division steps, or by a power where those are slower (core.js) or code is dear. The
// exponent is public, so the time depends on nothing.

import { load64 } from "../bytes";
import { scratchPop, scratchPush } from "../memory/scratch";
import { divstepInvert } from "./divsteps";
import { FE_SIZE, feMul, feSquare, feToBytes } from "./field25519";

/** p as limbs. */
const P: usize = CORE_JS || CORE_SMALL ? 0 : memory.data<i32>([-19, 0, 0, 0, 0, 0, 0, 0, 0x800000]);

/** z = 1/z; 0 stays 0. */
export function feInvert(z: usize): void {
  if (CORE_JS || CORE_SMALL) {
    powerInvert(z);
    return;
  }
  const bytes = scratchPush(32);
  feToBytes(bytes, z);
  // Not as feFromBytes, which leaves large numbers negative.
  for (let k = 0; k < 9; k++) {
    const byte = min((29 * k) >> 3, 24);
    store<i32>(z + (k << 2), ((load64(bytes + byte) >> (29 * k - (byte << 3))) as i32) & 0x1fffffff);
  }
  divstepInvert(z, z, P, 141281819);
  scratchPop(32);
}

/** z = z^(p-2). 254 squarings, 11 products. Scratch: four elements, wiped. */
function powerInvert(z: usize): void {
  const t0 = scratchPush(4 * FE_SIZE);
  const t1 = t0 + FE_SIZE;
  const t2 = t1 + FE_SIZE;
  const t3 = t2 + FE_SIZE;
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
  scratchPop(4 * FE_SIZE);
}

function squareTimes(out: usize, a: usize, n: i32): void {
  feSquare(out, a);
  for (let i = 1; i < n; i++) feSquare(out, out);
}
