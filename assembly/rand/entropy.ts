// The entropy pool: random bytes that the host wrote, each used once and wiped. Nothing is imported: an export that
// needs more than the pool holds returns ERR_ENTROPY and has no effect.

import { ENTROPY_POOL_SIZE, ERR_ARGUMENT, ERR_ENTROPY, OK } from "../../src/core/abi";
import { copy, wipe } from "../bytes";
import { ENTROPY } from "../memory/layout";

let left: i32 = 0;

/** The host wrote `n` fresh random bytes at `entropyPtr()`; what was there before is void. */
export function entropyFill(n: i32): i32 {
  if (n < 0 || n > ENTROPY_POOL_SIZE) return ERR_ARGUMENT;
  left = n;
  return OK;
}

/** Bytes left in the pool. */
export function entropyLeft(): i32 {
  return left;
}

/** Moves `n` bytes out of the pool. OK | ERR_ENTROPY. */
export function entropyTake(dst: usize, n: i32): i32 {
  if (n > left) return ERR_ENTROPY;
  left -= n;
  copy(dst, ENTROPY + left, n);
  wipe(ENTROPY + left, n);
  return OK;
}
