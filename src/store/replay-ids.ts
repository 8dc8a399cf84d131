// Non-replayable ids of the sender, by master token serial number: 1, 2, …, 2^53, 0 ("MSL Store"). Where state is stored,
// ids are reserved ahead in ranges: the stored state names the last id of the range before the first one is given, so a
// crash skips ids and never gives one twice. Receivers take a skip of up to 65536; a clean close gives the rest back.

import { MAX_ID } from "../encoding/limits.ts";

/** Ids reserved at a time: one save for as many non-replayable messages, and as many skipped by a crash. */
export const RESERVED_IDS = 32;

interface Counter {
  /** Id before the first one of this run. */
  readonly base: number;
  /** How many were given, are reserved in the next snapshot, and are reserved in the stored one. */
  given: number;
  reserved: number;
  safe: number;
}

/** What the snapshot being saved reserves. */
export interface Reservation {
  /** Last id of the range, by serial number. */
  readonly ids: ReadonlyMap<number, number>;
  /** Tells that the snapshot is stored. */
  isSafe(): void;
}

export class ReplayIds {
  readonly #counters = new Map<number, Counter>();
  readonly #commit: (() => Promise<void>) | null;

  /** @param commit  stores the reservation; null: nothing is stored, nothing needs reserving */
  constructor(commit: (() => Promise<void>) | null) {
    this.#commit = commit;
  }

  /** Takes over the last id that an earlier run may have used. */
  restore(serialNumber: number, last: number): void {
    this.#counters.set(serialNumber, { base: last, given: 0, reserved: 0, safe: 0 });
  }

  forget(serialNumber: number): void {
    this.#counters.delete(serialNumber);
  }

  /** @throws what storing the reservation throws; the id is then not given to anybody */
  async next(serialNumber: number): Promise<number> {
    let counter = this.#counters.get(serialNumber);
    if (counter === undefined) {
      counter = { base: 0, given: 0, reserved: 0, safe: 0 };
      this.#counters.set(serialNumber, counter);
    }
    const mine = ++counter.given;
    const id = advance(counter.base, mine);
    if (this.#commit === null || mine <= counter.safe) return id;
    if (mine > counter.reserved) counter.reserved = mine + RESERVED_IDS - 1;
    await this.#commit();
    return id;
  }

  reserved(): Reservation {
    const covered = [...this.#counters].map(([serial, counter]) => {
      return { serial, counter, reserved: Math.max(counter.reserved, counter.given) };
    });
    return {
      ids: new Map(covered.map(({ serial, counter, reserved }) => [serial, advance(counter.base, reserved)])),
      isSafe: () => {
        for (const { counter, reserved } of covered) counter.safe = reserved;
      },
    };
  }

  /** Ends the reservations beyond what was given. True if there were any. */
  giveBack(): boolean {
    let isChanged = false;
    for (const counter of this.#counters.values()) {
      if (counter.reserved <= counter.given) continue;
      counter.reserved = counter.given;
      counter.safe = Math.min(counter.safe, counter.given);
      isChanged = true;
    }
    return isChanged;
  }
}

/** `by` ids after `id`; after 2^53 comes 0. */
function advance(id: number, by: number): number {
  return by > MAX_ID - id ? by - (MAX_ID - id) - 1 : id + by;
}
