// Randomness that a port supplies: cryptographic, never Math.random.

export interface Entropy {
  /** Fills the array, up to 65 536 bytes, with unpredictable bytes. Throws if it cannot. */
  fill(target: Uint8Array): void;
}
