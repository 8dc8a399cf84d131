// Map of linear memory: two pages of 64 KiB, fixed; nothing grows.
//
//   0 .......................................................... 131072
//   | constant tables | slots | entropy | scratch | stage in | stage out | spare |
//
// Regions are zero-filled static data that the compiler places in order of first use (`memory.data` costs no bytes
// in the binary); only `stage in` and `stage out` are known to lie side by side. The host writes into the stages and
// the entropy pool, reads only from the stages, and every pointer that an export takes must lie inside the stages.

import { ENTROPY_POOL_SIZE, SLOT_COUNT, STAGE_SIZE } from "../../src/core/abi";

/** Bytes of one key slot: key-slots.ts draws its inside. */
export const SLOT_SIZE: i32 = 352;
export const SCRATCH_SIZE: i32 = 8192;

export const SLOTS: usize = memory.data(SLOT_COUNT * 352, 16);
export const ENTROPY: usize = memory.data(ENTROPY_POOL_SIZE, 16);
export const SCRATCH: usize = memory.data(8192, 16);
export const STAGE_IN: usize = memory.data(STAGE_SIZE * 2, 16);
export const STAGE_OUT: usize = STAGE_IN + STAGE_SIZE;
const STAGE_END: usize = STAGE_IN + STAGE_SIZE * 2;

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
