// What a peer keeps about each of its counterparts: the tokens that the counterpart issued, its clock, the renewal under
// way. One store each, so that a token reaches its issuer and nobody else. Bounded: those unused longest give way.

import type { Core } from "../core/core.ts";
import type { ErrorHeader } from "../message/error-header.ts";
import { isProved, type MessageHeader } from "../message/header.ts";
import { type Clock, RemoteClock } from "../platform/clock.ts";
import { DeviceStore, type StoreOptions } from "../store/device-store.ts";
import type { StateStorage } from "../store/snapshot-storage.ts";
import { RenewalSlot } from "./renewal.ts";

/**
 * The name of whoever sent a message. Who merely claims an identity has a store of its own: it can neither spend nor
 * spoil the tokens of who proved it.
 */
export function counterpartOf(header: MessageHeader | ErrorHeader): string | null {
  if (header.kind === "error") return named(header.entityAuth.identity, header.integrityProtected);
  if (header.identity === null) return null;
  return named(header.identity, isProved(header));
}

function named(identity: string, proved: boolean): string {
  return proved ? identity : `\u0000${identity}`;
}

export class Counterpart {
  readonly name: string;
  readonly store: DeviceStore;
  readonly renewals = new RenewalSlot();
  readonly #clock: RemoteClock;
  /** Operations that use it. */
  users = 0;

  constructor(name: string, store: DeviceStore, clock: Clock) {
    this.name = name;
    this.store = store;
    this.#clock = new RemoteClock(clock);
  }

  get remoteNow(): number | null {
    return this.#clock.now;
  }

  learnTime(timestamp: number | null): void {
    this.#clock.learn(timestamp);
  }
}

export interface CounterpartsConfig {
  readonly core: Core;
  readonly clock: Clock;
  readonly storage: (counterpart: string) => StateStorage | null;
  readonly limit: number;
  readonly state?: StoreOptions;
}

export class Counterparts {
  readonly #config: CounterpartsConfig;
  /** Least recently used first. */
  readonly #known = new Map<string, Counterpart>();
  readonly #opening = new Map<string, Promise<Counterpart>>();
  /** Stores that still save what they give back. */
  readonly #closing = new Map<string, Promise<void>>();
  #identity: string | null = null;

  constructor(config: CounterpartsConfig) {
    this.#config = config;
  }

  /** Own identity, which names session keys. */
  set identity(identity: string) {
    this.#identity = identity;
  }

  /** In memory at the moment, for tests of the bound. */
  get size(): number {
    return this.#known.size;
  }

  find(name: string): Counterpart | null {
    return this.#known.get(name) ?? null;
  }

  /** The counterpart, kept until `release`. @throws STORE_CORRUPT, STORE_FAILED */
  async hold(name: string): Promise<Counterpart> {
    const counterpart = this.#known.get(name) ?? (await this.#open(name));
    counterpart.users++;
    this.#known.delete(name);
    this.#known.set(name, counterpart);
    this.#bound();
    return counterpart;
  }

  /** Changes what is kept of a counterpart, and saves it. @throws STORE_CORRUPT, STORE_FAILED */
  async change(name: string, act: (store: DeviceStore) => void): Promise<void> {
    const counterpart = await this.hold(name);
    try {
      act(counterpart.store);
      await counterpart.store.commit();
    } finally {
      this.release(counterpart);
    }
  }

  release(counterpart: Counterpart): void {
    counterpart.users--;
    this.#bound();
  }

  async #open(name: string): Promise<Counterpart> {
    const running = this.#opening.get(name);
    if (running !== undefined) return running;
    const { core, clock, storage, state } = this.#config;
    const closed = this.#closing.get(name) ?? Promise.resolve();
    const opening = closed
      .then(() => DeviceStore.open(core, this.#identity, storage(name), state))
      .then((store) => {
        const counterpart = new Counterpart(name, store, clock);
        this.#known.set(name, counterpart);
        return counterpart;
      });
    this.#opening.set(name, opening);
    try {
      return await opening;
    } finally {
      this.#opening.delete(name);
    }
  }

  #bound(): void {
    let surplus = this.#known.size - this.#config.limit;
    if (surplus <= 0) return;
    for (const [name, counterpart] of this.#known) {
      if (counterpart.users > 0) continue;
      this.#known.delete(name);
      const closing = counterpart.store.close().finally(() => {
        if (this.#closing.get(name) === closing) this.#closing.delete(name);
      });
      this.#closing.set(name, closing);
      if (--surplus <= 0) return;
    }
  }

  async close(): Promise<void> {
    const all = [...this.#known.values()];
    this.#known.clear();
    await Promise.all(all.map((counterpart) => counterpart.store.close()));
  }
}
