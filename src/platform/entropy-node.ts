// Randomness of Node: the operating system's generator.

import { randomFillSync } from "node:crypto";
import type { Entropy } from "./entropy.ts";

export const nodeEntropy: Entropy = {
  fill(target) {
    randomFillSync(target);
  },
};
