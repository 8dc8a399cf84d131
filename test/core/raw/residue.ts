// What an operation left in linear memory.

import { ENTROPY_POOL_SIZE, STAGE_SIZE } from "../../../src/core/abi.ts";
import type { RawCore } from "./raw-core.ts";

/** Number of bytes outside the stages and the entropy pool that differ from a fresh instance of the same build. */
export function residue(core: RawCore, fresh: RawCore): number {
  const pool = core.x.entropyPtr!();
  let count = 0;
  for (let i = 0; i < core.memory.length; i++) {
    if (i === core.inPtr) i += 2 * STAGE_SIZE;
    if (i === pool) i += ENTROPY_POOL_SIZE;
    if (core.memory[i] !== fresh.memory[i]) count++;
  }
  return count;
}
