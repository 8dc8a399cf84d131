// Exchanges of a peer over HTTP that go on in a further exchange: whoever answered waits here for the message that
// carries the next id and comes from the same entity. Bounded in number and in time.

import { nextMessageId } from "../message/ids.ts";
import type { Timers } from "../platform/timers.ts";
import type { PendingRequests } from "./requester.ts";

export interface Continuation<T> {
  /** Id of the message that is answered. */
  readonly messageId: number;
  /** Identity of the sender of the message answered; null or "": not known. */
  readonly sender: string | null;
  readonly pending: PendingRequests;
  /** Gets the message, or null when it is no longer awaited. */
  readonly arrived: (message: T | null) => void;
}

export interface ContinuationsConfig {
  readonly timers: Timers | null;
  readonly waitMs: number;
  readonly limit: number;
}

interface Waiting<T> extends Continuation<T> {
  readonly stopClock: () => void;
}

export class Continuations<T> {
  readonly #config: ContinuationsConfig;
  readonly #waiting = new Map<number, Waiting<T>>();

  constructor(config: ContinuationsConfig) {
    this.#config = config;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Waits for a message; the one waiting longest gives way above the bound. Returns what gives up waiting. */
  wait(continuation: Continuation<T>): () => void {
    const { timers, waitMs, limit } = this.#config;
    const messageId = nextMessageId(continuation.messageId);
    this.#end(messageId);
    const stopClock = timers?.after(waitMs, () => this.#end(messageId)) ?? (() => {});
    const waiting = { ...continuation, stopClock };
    this.#waiting.set(messageId, waiting);
    for (const oldest of this.#waiting.keys()) {
      if (this.#waiting.size <= limit) break;
      this.#end(oldest);
    }
    return () => {
      if (this.#waiting.get(messageId) === waiting) this.#end(messageId);
    };
  }

  #end(messageId: number): void {
    const waiting = this.#waiting.get(messageId);
    if (waiting === undefined) return;
    this.#waiting.delete(messageId);
    waiting.stopClock();
    waiting.arrived(null);
  }

  #find(sender: string | null, messageId: number): Waiting<T> | null {
    const waiting = this.#waiting.get(messageId);
    if (waiting === undefined) return null;
    const isKnown = waiting.sender !== null && waiting.sender !== "";
    return isKnown && waiting.sender !== sender ? null : waiting;
  }

  /** Key requests that a message of this id from this sender may answer. */
  pendingFor(sender: string | null, messageId: number): PendingRequests | null {
    return this.#find(sender, messageId)?.pending ?? null;
  }

  /** Whoever waits for the message, who waits no longer. */
  take(sender: string | null, messageId: number): Continuation<T> | null {
    const waiting = this.#find(sender, messageId);
    if (waiting === null) return null;
    this.#waiting.delete(messageId);
    waiting.stopClock();
    return waiting;
  }

  close(): void {
    for (const messageId of [...this.#waiting.keys()]) this.#end(messageId);
  }
}
