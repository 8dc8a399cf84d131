// Timers that a port supplies; the library has no deadline of its own without them.

export interface Timers {
  /**
   * Calls `fire` once after `ms` milliseconds; the result cancels.
   * @param isAside  nothing waits for it: a port that can lets the program end before
   */
  after(ms: number, fire: () => void, isAside?: boolean): () => void;
}
