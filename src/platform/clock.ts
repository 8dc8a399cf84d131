// Wall clock that a port supplies. It may be wrong or jump: token times are judged with the peer's time.

export interface Clock {
  /** Milliseconds since 1970, as this device believes. */
  nowMs(): number;
}

/** Whole seconds since 1970. */
export function nowSeconds(clock: Clock): number {
  return Math.floor(clock.nowMs() / 1000);
}

/** Seconds of a device's clock, or null from one that gives no time, or one before 1970: messages then carry none. */
export function deviceSeconds(clock: Clock): number | null {
  const seconds = nowSeconds(clock);
  return seconds >= 0 && seconds < 2 ** 53 ? seconds : null;
}

/**
 * What a peer's clock says, measured from one's own: the difference is taken at each timestamp that arrives, so a clock
 * that is wrong or frozen does, and one that jumps does from the next reply on ("MSL Control", state update).
 */
export class RemoteClock {
  readonly #clock: Clock;
  /** Remote seconds minus local seconds, or null while no timestamp was received. */
  #offset: number | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The peer's time in seconds, or null where it is not known. */
  get now(): number | null {
    const local = nowSeconds(this.#clock);
    return this.#offset === null || !Number.isFinite(local) ? null : local + this.#offset;
  }

  /** Takes a timestamp of a message that answers one of ours; null changes nothing. */
  learn(timestamp: number | null): void {
    if (timestamp === null) return;
    const local = nowSeconds(this.#clock);
    this.#offset = Number.isFinite(local) ? timestamp - local : null;
  }
}
