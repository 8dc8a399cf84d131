// localStorage of a browser profile, with its faults: blocked, full, values that are silently dropped or cut, power
// cuts between any two operations. Several "tabs" share one profile.

import type { KeyValueStorage } from "../../src/store/local-storage.ts";

export class FakeProfile {
  readonly entries = new Map<string, string>();
  /** Characters of keys and values that fit, as browsers count them. */
  quota = 5 * 1024 * 1024;
  fault: "blocked" | "drops" | "cuts" | null = null;
  /** Operations until the power goes; null: it stays. */
  operationsLeft: number | null = null;

  #step(): void {
    if (this.fault === "blocked") throw named("SecurityError");
    if (this.operationsLeft === null) return;
    if (this.operationsLeft-- <= 0) throw new Error("power cut");
  }

  tab(): KeyValueStorage {
    return {
      getItem: (key) => {
        this.#step();
        return this.entries.get(key) ?? null;
      },
      setItem: (key, value) => {
        this.#step();
        const used = [...this.entries].reduce((n, [k, v]) => (k === key ? n : n + k.length + v.length), 0);
        if (used + key.length + value.length > this.quota) throw named("QuotaExceededError");
        if (this.fault === "drops") return;
        this.entries.set(key, this.fault === "cuts" ? value.slice(0, value.length >> 1) : value);
      },
      removeItem: (key) => {
        this.#step();
        this.entries.delete(key);
      },
    };
  }
}

export function named(name: string): Error {
  return Object.assign(new Error(name), { name });
}
