// Randomness of Node: the operating system's generator, asked for a pool at a time, since each call costs more than the
// bytes do. What was given is wiped from the pool.

import { randomFillSync } from "node:crypto";
import type { Entropy } from "./entropy.ts";

/** Longer requests go to the generator directly. */
const POOLED = 256;
const pool = new Uint8Array(4096);
let left = 0;

export const nodeEntropy: Entropy = {
  fill(target) {
    const { length } = target;
    if (length > POOLED) {
      randomFillSync(target);
      return;
    }
    if (left < length) {
      left = 0;
      randomFillSync(pool);
      left = pool.length;
    }
    left -= length;
    target.set(pool.subarray(left, left + length));
    pool.fill(0, left, left + length);
  },
};
