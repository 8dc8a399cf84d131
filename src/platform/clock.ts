// Wall clock that a port supplies. It may be wrong or jump: token times are judged with the peer's time.

export interface Clock {
  /** Milliseconds since 1970, as this device believes. */
  nowMs(): number;
}

/** Whole seconds since 1970. */
export function nowSeconds(clock: Clock): number {
  return Math.floor(clock.nowMs() / 1000);
}
