// Map of linear memory: two pages of 64 KiB, fixed; nothing grows.
//
//   0 .......................................................... 131072
//   | constant tables | slots | big slots | entropy | scratch | stage in | stage out | spare |
//
// The last ARENA_SIZE bytes of `stage out` are the arena: working space of big-number arithmetic. An export that uses
// it takes and gives its bytes in `stage in` or in front of the arena (`inFront`), and wipes what it used.
//
// Regions are zero-filled static data that the compiler places in order of first use (`memory.data` costs no bytes
// in the binary); only `stage in` and `stage out` are known to lie side by side. The host writes into the stages and
// the entropy pool, reads only from the stages, and every pointer that an export takes must lie inside the stages.

import { BIG_SLOT_COUNT, ENTROPY_POOL_SIZE, SLOT_COUNT, STAGE_SIZE } from "../../src/core/abi";

/** Bytes of one key slot: key-slots.ts draws its inside. */
export const SLOT_SIZE: i32 = 624;
export const BIG_SLOT_SIZE: i32 = 1328;
export const SCRATCH_SIZE: i32 = 8192;

export const SLOTS: usize = memory.data(SLOT_COUNT * 624, 16);
export const BIG_SLOTS: usize = memory.data(BIG_SLOT_COUNT * 1328, 16);
export const ENTROPY: usize = memory.data(ENTROPY_POOL_SIZE, 16);
export const SCRATCH: usize = memory.data(8192, 16);
export const STAGE_IN: usize = memory.data(STAGE_SIZE * 2, 16);
export const STAGE_OUT: usize = STAGE_IN + STAGE_SIZE;
const STAGE_END: usize = STAGE_IN + STAGE_SIZE * 2;
export const ARENA_SIZE: i32 = 32768;
export const ARENA: usize = STAGE_IN + STAGE_SIZE * 2 - 32768;

export function stageInPtr(): usize {
  return STAGE_IN;
}

export function stageOutPtr(): usize {
  return STAGE_OUT;
}

export function entropyPtr(): usize {
  return ENTROPY;
}

/** True iff the `len` bytes at `ptr` lie inside the stages. Any arguments; all are public. */
export function inStage(ptr: usize, len: i32): bool {
  if (len < 0 || ptr < STAGE_IN || ptr > STAGE_END) return false;
  return (len as usize) <= STAGE_END - ptr;
}

/** As `inStage`, and clear of the arena. */
export function inFront(ptr: usize, len: i32): bool {
  if (len < 0 || ptr < STAGE_IN || ptr > ARENA) return false;
  return (len as usize) <= ARENA - ptr;
}
