// The outgoing side of an open channel: what the application writes becomes the body of the one message under way.

import type { CompressionAlgorithm } from "../encoding/compression.ts";
import { MslLocalError, MslUsageError } from "../errors/msl-error.ts";
import { CHUNK_BYTES, compression, FLUSH } from "../message/body.ts";
import type { Outgoing } from "./api.ts";
import type { RepeatableBody } from "./bodies.ts";

/** One piece at a time is on its way: whoever hands one over waits until the one before it has left. */
export class OutgoingChannel implements Outgoing, RepeatableBody {
  readonly isEmpty = false;
  /** Those that the message's header names. */
  readonly #algorithms: readonly CompressionAlgorithm[];
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #next: Uint8Array | null = null;
  #isClosed = false;
  /** The last piece was handed over. */
  #isEnded = false;
  #hasBegun = false;
  #isSent = false;
  #failure: { readonly error: unknown } | null = null;
  #wakes: (() => void)[] = [];

  constructor(algorithms: readonly CompressionAlgorithm[]) {
    this.#algorithms = algorithms;
  }

  /** Nothing is kept: once the application's bytes are on the wire there is no second attempt. */
  get canRepeat(): boolean {
    return !this.#hasBegun;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#check();
    if (this.#isClosed) throw new MslUsageError("The body is closed.");
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.slice(at, at + CHUNK_BYTES - this.#heldBytes);
      this.#held.push(piece);
      this.#heldBytes += piece.length;
      at += piece.length;
      if (this.#heldBytes === CHUNK_BYTES) await this.#handOver(this.#take());
    }
  }

  async flush(): Promise<void> {
    this.#check();
    if (this.#isClosed) throw new MslUsageError("The body is closed.");
    if (this.#heldBytes > 0) await this.#handOver(this.#take());
    await this.#handOver(FLUSH);
    await this.#until(() => this.#next === null);
  }

  async setCompression(algorithm: CompressionAlgorithm | null): Promise<boolean> {
    this.#check();
    if (this.#isClosed) throw new MslUsageError("The body is closed.");
    if (algorithm !== null && !this.#algorithms.includes(algorithm)) return false;
    if (this.#heldBytes > 0) await this.#handOver(this.#take());
    await this.#handOver(compression(algorithm));
    return true;
  }

  async close(): Promise<void> {
    this.#check();
    if (!this.#isClosed) {
      this.#isClosed = true;
      if (this.#heldBytes > 0) await this.#handOver(this.#take());
      this.#isEnded = true;
      this.#wake();
    }
    await this.#until(() => this.#isSent);
  }

  abort(): void {
    this.fail(new MslLocalError("ABORTED"));
  }

  /** The message cannot be sent: everything that waits, and every later call, fails. */
  fail(error: unknown): void {
    if (this.#isSent) return;
    this.#failure ??= { error };
    this.#wake();
  }

  async *open(): AsyncGenerator<Uint8Array> {
    for (;;) {
      await this.#until(() => this.#next !== null || this.#isEnded);
      const piece = this.#next;
      if (piece === null) break;
      this.#hasBegun = true;
      yield piece;
      // Asked for more: the piece has left.
      this.#next = null;
      this.#wake();
    }
    this.#hasBegun = true;
  }

  end(): void {}

  /** The whole message has left. */
  sent(): void {
    this.#isSent = true;
    this.#wake();
  }

  #take(): Uint8Array {
    const whole = new Uint8Array(this.#heldBytes);
    let at = 0;
    for (const part of this.#held) {
      whole.set(part, at);
      at += part.length;
    }
    this.#held = [];
    this.#heldBytes = 0;
    return whole;
  }

  async #handOver(piece: Uint8Array): Promise<void> {
    await this.#until(() => this.#next === null);
    this.#next = piece;
    this.#wake();
  }

  async #until(isTrue: () => boolean): Promise<void> {
    for (;;) {
      this.#check();
      if (isTrue()) return;
      await new Promise<void>((resolve) => {
        this.#wakes.push(resolve);
      });
    }
  }

  #check(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }

  #wake(): void {
    const wakes = this.#wakes;
    this.#wakes = [];
    for (const wake of wakes) wake();
  }
}
