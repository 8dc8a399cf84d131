// Time that only the model moves: a queue of events in virtual milliseconds. Between two events every promise that can
// go on has gone on, so a schedule plays the same way each time.

import type { Timers } from "../../src/platform/timers.ts";

interface Entry {
  readonly at: number;
  readonly order: number;
  run: (() => void) | null;
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

export class VirtualTime implements Timers {
  /** Virtual milliseconds since the schedule began. */
  now = 0;
  /** Events that ran, of all kinds. */
  steps = 0;
  #order = 0;
  readonly #queue: Entry[] = [];

  after(ms: number, fire: () => void): () => void {
    const entry: Entry = { at: this.now + Math.max(0, ms), order: this.#order++, run: fire };
    this.#insert(entry);
    return () => {
      entry.run = null;
    };
  }

  sleep(ms: number): Promise<void> {
    return ms <= 0 ? Promise.resolve() : new Promise((resolve) => void this.after(ms, resolve));
  }

  #insert(entry: Entry): void {
    let at = this.#queue.length;
    while (at > 0 && isLater(this.#queue[at - 1]!, entry)) at--;
    this.#queue.splice(at, 0, entry);
  }

  /** Runs everything that is due, until nothing is left. `afterEach` looks at the world after each event. */
  async run(afterEach: () => void): Promise<void> {
    await turn();
    for (;;) {
      const entry = this.#queue.shift();
      if (entry === undefined) return;
      const { run } = entry;
      if (run === null) continue;
      this.now = entry.at;
      this.steps++;
      entry.run = null;
      run();
      await turn();
      afterEach();
    }
  }
}

function isLater(a: Entry, b: Entry): boolean {
  return a.at > b.at || (a.at === b.at && a.order > b.order);
}
