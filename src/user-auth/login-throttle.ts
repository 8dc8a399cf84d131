// Slows the guessing of passwords down: failures are counted for a device with an account, for a device, and for an
// account, each over a sliding window. What is blocked is answered like a wrong password, without looking.

import type { Awaitable } from "../platform/awaitable.ts";
import type { Clock } from "../platform/clock.ts";

/** A fleet shares its counts behind the same interface. */
export interface LoginThrottle {
  isBlocked(entity: string, account: string): Awaitable<boolean>;
  /** Counts a failure, also of a message that is refused later for another reason. */
  failed(entity: string, account: string): Awaitable<void>;
  succeeded(entity: string, account: string): Awaitable<void>;
}

export interface LoginThrottleOptions {
  readonly clock: Clock;
  /** Window in seconds. Default 900. */
  readonly windowSec?: number;
  /** Failures in a window: of an entity with an account, of an entity, of an account. Default 10, 50, 100. */
  readonly perPair?: number;
  readonly perEntity?: number;
  readonly perAccount?: number;
  /** Rows remembered; the oldest give way. Default 100 000. */
  readonly maxRows?: number;
}

interface Row {
  count: number;
  startMs: number;
}

/** Longer names share a row with others of the same beginning. */
const NAME_LENGTH = 256;

export function loginThrottle(options: LoginThrottleOptions): LoginThrottle {
  const { clock, perPair = 10, perEntity = 50, perAccount = 100, maxRows = 100_000 } = options;
  const windowMs = (options.windowSec ?? 900) * 1000;
  const rows = new Map<string, Row>();

  function keys(entity: string, account: string): readonly (readonly [key: string, limit: number])[] {
    const device = entity.slice(0, NAME_LENGTH);
    const name = account.slice(0, NAME_LENGTH).toLowerCase();
    return [
      [`p${device.length}:${device}${name}`, perPair],
      [`e${device}`, perEntity],
      [`a${name}`, perAccount],
    ];
  }

  /** The row, unless its window is over. A clock that went back does not lengthen a window. */
  function live(key: string): Row | null {
    const row = rows.get(key);
    if (row === undefined) return null;
    const age = clock.nowMs() - row.startMs;
    if (age >= 0 && age < windowMs) return row;
    rows.delete(key);
    return null;
  }

  return {
    isBlocked: (entity, account) => keys(entity, account).some(([key, limit]) => (live(key)?.count ?? 0) >= limit),
    failed(entity, account) {
      for (const [key] of keys(entity, account)) {
        const row = live(key);
        if (row !== null) row.count++;
        else rows.set(key, { count: 1, startMs: clock.nowMs() });
        if (rows.size <= maxRows) continue;
        const oldest = rows.keys().next();
        if (!oldest.done) rows.delete(oldest.value);
      }
    },
    succeeded(entity, account) {
      const [pair] = keys(entity, account);
      if (pair !== undefined) rows.delete(pair[0]);
    },
  };
}
