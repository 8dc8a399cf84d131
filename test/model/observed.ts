// Eyes inside the library for the model: which stores and renewal slots exist, how many keys are alive in the core, and
// whether a lease is ever given on a token that was retired. Watching changes nothing of what the classes do.

import { RenewalSlot } from "../../src/control/renewal.ts";
import type { Core } from "../../src/core/core.ts";
import { DeviceStore } from "../../src/store/device-store.ts";

export interface Watch {
  readonly stores: DeviceStore[];
  readonly slots: Set<RenewalSlot>;
  readonly problems: string[];
}

let current: Watch = { stores: [], slots: new Set(), problems: [] };
let isInstalled = false;

/** Begins to watch for one schedule. */
export function watch(): Watch {
  install();
  current = { stores: [], slots: new Set(), problems: [] };
  return current;
}

function install(): void {
  if (isInstalled) return;
  isInstalled = true;
  const { open } = DeviceStore;
  DeviceStore.open = async (...args) => {
    const store = await open.apply(DeviceStore, args);
    current.stores.push(store);
    return store;
  };
  const { lease } = DeviceStore.prototype;
  DeviceStore.prototype.lease = function () {
    const given = lease.call(this);
    const newest = this.masterToken;
    if ((given?.masterToken ?? null) !== newest)
      current.problems.push("A lease was given on a token that is not the newest.");
    return given;
  };
  const { tryAcquire } = RenewalSlot.prototype;
  RenewalSlot.prototype.tryAcquire = function () {
    current.slots.add(this);
    return tryAcquire.call(this);
  };
}

/** Keys of the core that were made and not disposed, since the call. */
export function countKeys(core: Core): () => number {
  const { slots } = core.io;
  let alive = counters.get(slots);
  if (alive === undefined) {
    const counter = { n: 0 };
    counters.set(slots, counter);
    alive = counter;
    const adopt = slots.adopt.bind(slots);
    const forget = slots.forget.bind(slots);
    slots.adopt = (slot, spec) => {
      counter.n++;
      return adopt(slot, spec);
    };
    slots.forget = (key) => {
      counter.n--;
      forget(key);
    };
  }
  const counter = alive;
  const before = counter.n;
  return () => counter.n - before;
}

const counters = new WeakMap<object, { n: number }>();
