// Timers that a port supplies; the library has no deadline of its own without them.

export interface Timers {
  /** Calls `fire` once after `ms` milliseconds; the result cancels. */
  after(ms: number, fire: () => void): () => void;
}
