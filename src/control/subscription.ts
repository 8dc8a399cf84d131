// What a server pushes on the connection of one message, read one message after another ("MSL Control", push).

import { MslLocalError } from "../errors/msl-error.ts";
import { type CancelSignal, watchCancel } from "../platform/signal.ts";
import type { Incoming, Subscription } from "./api.ts";
import type { AttemptOutcome, Operation, Pushes } from "./client-operation.ts";
import { receivePushed } from "./client-receive.ts";
import { deliver, remoteError } from "./client-reply.ts";

/** Fires with the caller's, or by itself. */
export class OwnSignal implements CancelSignal {
  aborted = false;
  reason: unknown;
  onabort: CancelSignal["onabort"] = null;
  /** Lets go of the caller's. */
  readonly end: () => void;

  constructor(callers: CancelSignal | null) {
    this.end = watchCancel(callers, () => this.abort(callers?.reason ?? new MslLocalError("ABORTED")));
  }

  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    this.onabort?.call(this, null);
  }
}

type Pushed = AttemptOutcome & { kind: "reply" };

export class PushedMessages implements Subscription {
  readonly #operation: Operation;
  readonly #signal: OwnSignal;
  readonly #first: Promise<AttemptOutcome>;
  #pushes: Pushes | null = null;
  #messages: AsyncGenerator<Incoming> | null = null;
  #isClosed = false;

  constructor(operation: Operation, signal: OwnSignal, first: Promise<AttemptOutcome>) {
    this.#operation = operation;
    this.#signal = signal;
    this.#first = first.then((outcome) => {
      if (outcome.kind !== "reply") return outcome;
      this.#pushes = outcome.pushes;
      if (!this.#isClosed) return outcome;
      outcome.lease?.release();
      outcome.pushes?.end(false);
      return { kind: "sent" };
    });
    this.#first.catch(() => {});
  }

  [Symbol.asyncIterator](): AsyncGenerator<Incoming> {
    this.#messages ??= this.#read();
    return this.#messages;
  }

  async *#read(): AsyncGenerator<Incoming> {
    const { deadline } = this.#operation;
    let isOver = false;
    try {
      let pushed = await this.#first;
      while (pushed.kind === "reply") {
        const message = await deliver(this.#operation, pushed, () => {});
        yield message;
        await deadline.race(pushed.body.drain());
        message.cancel();
        pushed = await this.#next(pushed);
      }
      // The server has said all; this side's body may be under way still.
      await deadline.race(this.#pushes?.written ?? Promise.resolve());
      isOver = true;
    } catch (error) {
      if (!this.#isClosed) throw this.#pushes?.failure() ?? error;
    } finally {
      this.#end(isOver);
    }
  }

  async #next({ pushes, header }: Pushed): Promise<Pushed | { readonly kind: "sent" }> {
    const outcome = pushes === null ? null : await receivePushed(this.#operation, pushes, header);
    if (outcome?.kind === "error") throw remoteError(outcome.error, 1);
    return outcome ?? { kind: "sent" };
  }

  close(): void {
    this.#end(false);
  }

  #end(isOver: boolean): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#pushes?.end(isOver);
    if (!isOver) this.#signal.abort(new MslLocalError("ABORTED"));
    this.#signal.end();
    this.#operation.deadline.end();
  }
}
