// SHA-256's compression function as this build uses it: one file per form, with the same function.

import { compress as compressSmall } from "./sha256-small";
import { compress as compressScalar } from "./sha256.scalar.gen";
import { compress as compressScript } from "./sha256.script.gen";
import { compress as compressSimd } from "./sha256.simd.gen";

/**
 * Chaining value after `blocks` ≥ 0 blocks.
 *
 * @param state  [secret] eight words, aligned
 * @param msg    [secret] blocks of 64 bytes, any alignment
 * Time: depends on `blocks` only. Scratch: at most 256 bytes, wiped.
 */
export function sha256Compress(state: usize, msg: usize, blocks: i32): void {
  if (ASC_FEATURE_SIMD) compressSimd(state, msg, blocks);
  else if (CORE_JS) compressScript(state, msg, blocks);
  else if (CORE_SMALL) compressSmall(state, msg, blocks);
  else compressScalar(state, msg, blocks);
}
