// Eyes inside the library for the model: which stores and renewal slots exist, how many keys are alive in the core, and
// whether a lease is ever given on a token that was retired. Watching changes nothing of what the classes do.

import { RenewalSlot } from "../../src/control/renewal.ts";
import type { Core } from "../../src/core/core.ts";
import { DeviceStore } from "../../src/store/device-store.ts";
import type { MasterToken } from "../../src/tokens/master-token.ts";

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
  const retired = new WeakMap<DeviceStore, Set<string>>();
  const { retire, addMasterToken } = DeviceStore.prototype;
  DeviceStore.prototype.retire = function (token) {
    const names = retired.get(this) ?? new Set();
    retired.set(this, names.add(nameOf(token)));
    retire.call(this, token);
  };
  DeviceStore.prototype.addMasterToken = function (token, keys) {
    retired.get(this)?.delete(nameOf(token));
    return addMasterToken.call(this, token, keys);
  };
  const { lease } = DeviceStore.prototype;
  DeviceStore.prototype.lease = function () {
    const given = lease.call(this);
    const newest = this.masterToken;
    if (given !== null && retired.get(this)?.has(nameOf(given.masterToken)) === true) {
      current.problems.push("A retired token was leased.");
    }
    if ((given?.masterToken ?? null) !== newest)
      current.problems.push("A lease was given on a token that is not the newest.");
    return given;
  };
  const { addUserIdToken } = DeviceStore.prototype;
  DeviceStore.prototype.addUserIdToken = function (userId, token) {
    const serial = this.masterToken?.serialNumber ?? null;
    const isBound = () => this.userIdToken(userId)?.mtSerialNumber === serial;
    const wasBound = serial !== null && isBound();
    addUserIdToken.call(this, userId, token);
    if (wasBound && !isBound()) current.problems.push("A login was lost to a late reply.");
  };
  const { tryAcquire } = RenewalSlot.prototype;
  const owners = new WeakMap<RenewalSlot, number>();
  RenewalSlot.prototype.tryAcquire = function () {
    current.slots.add(this);
    const renewal = tryAcquire.call(this);
    if (renewal === null) return null;
    const held = (owners.get(this) ?? 0) + 1;
    owners.set(this, held);
    if (held > 1) current.problems.push("Two requests renew at a time.");
    let isOver = false;
    return {
      settle: () => {
        if (!isOver) owners.set(this, (owners.get(this) ?? 1) - 1);
        isOver = true;
        renewal.settle();
      },
    };
  };
}

function nameOf({ serialNumber, sequenceNumber, expiration }: MasterToken): string {
  return `${serialNumber}:${sequenceNumber}:${expiration}`;
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
