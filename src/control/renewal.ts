// One renewal at a time: of all requests that need a new master token, one carries key requests and the others wait for
// its outcome. The outcome is settled exactly once, in the owner's `finally`; waiters look into the store again.

import { MslLocalError, MslTimeoutError } from "../errors/msl-error.ts";
import type { Deadline } from "./deadline.ts";

export interface Renewal {
  /** Ends the renewal, successful or not; every waiter decides anew. Idempotent. */
  settle(): void;
}

export class RenewalSlot {
  #current: { readonly done: Promise<void> } | null = null;

  /** True while no renewal is under way. */
  get isIdle(): boolean {
    return this.#current === null;
  }

  /** Becomes the owner, or null if there is one. */
  tryAcquire(): Renewal | null {
    if (this.#current !== null) return null;
    let resolve = () => {};
    const done = new Promise<void>((r) => {
      resolve = r;
    });
    const entry = { done };
    this.#current = entry;
    return {
      settle: () => {
        if (this.#current === entry) this.#current = null;
        resolve();
      },
    };
  }

  /** Waits for the renewal under way. @throws MslTimeoutError("renewal"), the signal's reason */
  async wait(deadline: Deadline): Promise<void> {
    const current = this.#current;
    if (current === null) return;
    try {
      await deadline.race(current.done);
    } catch (error) {
      if (error instanceof MslLocalError && error.code === "TIMEOUT") throw new MslTimeoutError("renewal");
      throw error;
    }
  }
}
