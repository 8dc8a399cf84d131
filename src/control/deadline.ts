// One deadline and one cancellation for a whole operation. Everything the operation waits for races against both.

import { MslLocalError, MslTimeoutError, MslUsageError } from "../errors/msl-error.ts";
import { type Awaitable, isPending } from "../platform/awaitable.ts";
import { type CancelSignal, watchCancel } from "../platform/signal.ts";
import type { Timers } from "../platform/timers.ts";

export class Deadline {
  readonly signal: CancelSignal;
  readonly #cleanups: (() => void)[] = [];
  /** Rejects what waits. A promise that lives as long as the operation would keep every result of a race alive. */
  readonly #waiting: Set<(reason: unknown) => void> | null = null;
  #failure: { readonly reason: unknown } | null = null;

  constructor(timers: Timers | null, timeoutMs: number | null, signal: CancelSignal | null) {
    const own = { aborted: false, reason: undefined as unknown, onabort: null as CancelSignal["onabort"] };
    this.signal = own;
    // Nothing can end such an operation early, so nothing races.
    if (timeoutMs === null && signal === null) return;
    const waiting = new Set<(reason: unknown) => void>();
    this.#waiting = waiting;
    const fail = (reason: unknown) => {
      if (this.#failure !== null) return;
      this.#failure = { reason };
      for (const reject of waiting) reject(reason);
      waiting.clear();
      own.aborted = true;
      own.reason = reason;
      own.onabort?.call(own, null);
    };
    if (timeoutMs !== null) {
      if (timers === null) throw new MslUsageError("A timeout needs timers.");
      this.#cleanups.push(timers.after(timeoutMs, () => fail(new MslTimeoutError("io"))));
    }
    if (signal !== null) {
      this.#cleanups.push(watchCancel(signal, () => fail(signal.reason ?? new MslLocalError("ABORTED"))));
    }
  }

  /** Throws if the deadline passed or the caller cancelled. */
  check(): void {
    if (this.#failure !== null) throw this.#failure.reason;
  }

  /** The promise's outcome, or the deadline's, whichever comes first. */
  race<T>(promise: Promise<T>): Promise<T> {
    const waiting = this.#waiting;
    if (waiting === null) return promise;
    return new Promise<T>((resolve, reject) => {
      promise.then(
        (value) => {
          waiting.delete(reject);
          resolve(value);
        },
        (error) => {
          waiting.delete(reject);
          reject(error);
        },
      );
      if (this.#failure === null) waiting.add(reject);
      else reject(this.#failure.reason);
    });
  }

  /** As `race`, for what must be let go of: if it comes when nobody waits any more, `late` gets it. */
  async raceOr<T>(promise: Promise<T>, late: (value: T) => void): Promise<T> {
    let isGiven = false;
    try {
      const value = await this.race(promise);
      isGiven = true;
      return value;
    } finally {
      if (!isGiven) promise.then(late, () => {});
    }
  }

  /** A value that may be here already; the deadline decides first. */
  wait<T>(value: Awaitable<T>): Awaitable<T> {
    if (isPending(value)) return this.race(value);
    this.check();
    return value;
  }

  /** Stops the clock and lets go of the caller's signal. */
  end(): void {
    for (const cleanup of this.#cleanups) cleanup();
  }
}
