// One deadline and one cancellation for a whole operation. Everything the operation waits for races against both.

import { MslLocalError, MslTimeoutError, MslUsageError } from "../errors/msl-error.ts";
import { type Awaitable, isPending } from "../platform/awaitable.ts";
import { type CancelSignal, watchCancel } from "../platform/signal.ts";
import type { Timers } from "../platform/timers.ts";

export class Deadline {
  readonly signal: CancelSignal;
  readonly #cleanups: (() => void)[] = [];
  readonly #failed: Promise<never> | null = null;
  #failure: { readonly reason: unknown } | null = null;

  constructor(timers: Timers | null, timeoutMs: number | null, signal: CancelSignal | null) {
    const own = { aborted: false, reason: undefined as unknown, onabort: null as CancelSignal["onabort"] };
    this.signal = own;
    // Nothing can end such an operation early, so nothing races.
    if (timeoutMs === null && signal === null) return;
    let reject: (reason: unknown) => void = () => {};
    this.#failed = new Promise<never>((_, r) => {
      reject = r;
    });
    this.#failed.catch(() => {});
    const fail = (reason: unknown) => {
      if (this.#failure !== null) return;
      this.#failure = { reason };
      reject(reason);
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
    return this.#failed === null ? promise : Promise.race([promise, this.#failed]);
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
