// Map of linear memory: two pages of 64 KiB, fixed; nothing grows.
//
//   0 .................................................................. 131072
//   | constant tables | slots | entropy | stage in | stage out | scratch | spare |
//
// Tables are placed by the compiler (memory.data) from low addresses; the regions below are zero-filled static
// data, so they cost no bytes in the binary. The host writes only into `stage in` and `entropy`, and reads only
// from `stage in` and `stage out`, at the addresses that the exports here return.

import { ENTROPY_POOL_SIZE, SLOT_COUNT, STAGE_SIZE } from "../../src/core/abi";

/** Bytes of one key slot: see key-slots.ts for its inside. */
export const SLOT_SIZE: i32 = 576;
export const SCRATCH_SIZE: i32 = 8192;

export const SLOTS: usize = memory.data(SLOT_COUNT * 576, 16);
export const ENTROPY: usize = memory.data(ENTROPY_POOL_SIZE, 16);
export const STAGE_IN: usize = memory.data(STAGE_SIZE, 16);
export const STAGE_OUT: usize = memory.data(STAGE_SIZE, 16);
export const SCRATCH: usize = memory.data(8192, 16);

export function stageInPtr(): usize {
  return STAGE_IN;
}

export function stageOutPtr(): usize {
  return STAGE_OUT;
}

export function entropyPtr(): usize {
  return ENTROPY;
}
