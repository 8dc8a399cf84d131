// Clock and timers of Node.

import type { Clock } from "./clock.ts";
import type { Timers } from "./timers.ts";

export const nodeClock: Clock = { nowMs: () => Date.now() };

export const nodeTimers: Timers = {
  after(ms, fire, isAside = false) {
    const timer = setTimeout(fire, ms);
    if (isAside) timer.unref();
    return () => clearTimeout(timer);
  },
};
