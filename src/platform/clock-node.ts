// Clock and timers of Node.

import type { Clock } from "./clock.ts";
import type { Timers } from "./timers.ts";

export const nodeClock: Clock = { nowMs: () => Date.now() };

export const nodeTimers: Timers = {
  after(ms, fire) {
    const timer = setTimeout(fire, ms);
    return () => clearTimeout(timer);
  },
};
