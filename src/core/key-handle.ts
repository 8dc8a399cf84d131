// Keys as the library sees them: handles. The slots of the core are a least-recently-used cache: a key that must give
// way leaves sealed under a key that only the core has, waits in its handle, and comes back at its next use.

import { MslCoreError, MslUsageError } from "../errors/msl-error.ts";
import { BIG_SLOT_COUNT, ERR_NO_SLOT, KEY_DH, KEY_RSA, SEALED_BIG_KEY_SIZE, SLOT_COUNT } from "./abi.ts";
import type { CoreExports } from "./exports.ts";

/** Type and usage bits of a key (abi.ts). */
export interface KeySpec {
  readonly type: number;
  readonly usage: number;
}

export interface KeyHandle extends KeySpec {
  /** Bytes of the key. */
  readonly length: number;
  readonly disposed: boolean;
  /** Keeps the key in its slot, never sealed out; for a few long-lived keys. */
  pin(): void;
  unpin(): void;
  /** Wipes the key. Idempotent; later use is a usage error. */
  dispose(): void;
}

/** Where a key is: in a slot, or sealed. Shared by the handle and the cache. */
interface Entry {
  slot: number;
  sealed: Uint8Array | null;
  tick: number;
  pins: number;
  /** Lives in a big slot. */
  readonly isBig: boolean;
  /** The platform's form of the key, once it was asked for. */
  platform: object | null;
}

/** Pinned keys leave at least this many slots of their class to everything else. */
const FREE_OF_PINS = 8;
const FREE_OF_BIG_PINS = 2;

/** Types that live in big slots. */
export const isBigType = (type: number): boolean => type === KEY_RSA || type === KEY_DH;

export class SlotKey implements KeyHandle {
  readonly type: number;
  readonly usage: number;
  readonly length: number;
  readonly entry: Entry;
  readonly #cache: SlotCache;
  #disposed = false;

  constructor(cache: SlotCache, entry: Entry, spec: KeySpec, length: number) {
    this.#cache = cache;
    this.entry = entry;
    this.type = spec.type;
    this.usage = spec.usage;
    this.length = length;
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  pin(): void {
    this.#cache.pin(this);
  }

  unpin(): void {
    if (this.entry.pins > 0) this.entry.pins--;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#cache.forget(this);
  }
}

interface Finalizer {
  register(target: object, held: Entry, token: object): void;
  unregister(token: object): void;
}

type FinalizerClass = new (cleanup: (held: Entry) => void) => Finalizer;

export class SlotCache {
  readonly #exports: CoreExports;
  readonly #memory: Uint8Array;
  readonly #stage: number;
  readonly #needEntropy: (n: number) => void;
  readonly #resident: (Entry | null)[] = new Array(SLOT_COUNT + BIG_SLOT_COUNT).fill(null);
  readonly #finalizer: Finalizer | null;
  #free = SLOT_COUNT;
  #freeBig = BIG_SLOT_COUNT;
  #tick = 0;

  constructor(exports: CoreExports, memory: Uint8Array, needEntropy: (n: number) => void) {
    this.#exports = exports;
    this.#memory = memory;
    this.#stage = exports.stageInPtr();
    this.#needEntropy = needEntropy;
    // A handle that the application forgot gives its slot back when it is collected.
    const registry = (globalThis as { FinalizationRegistry?: FinalizerClass }).FinalizationRegistry;
    this.#finalizer = registry === undefined ? null : new registry((entry) => this.release(entry));
  }

  /** The platform's form of a key, made by `make` when it is first asked for, and dropped with the key. */
  platformOf<T extends object>(key: KeyHandle, make: () => T): T {
    if (!(key instanceof SlotKey)) throw new MslUsageError("The key does not belong to this core.");
    if (key.disposed) throw new MslUsageError("The key was disposed.");
    key.entry.platform ??= make();
    return key.entry.platform as T;
  }

  /** Slot of the key, brought back if it was sealed out. */
  slotOf(key: KeyHandle): number {
    if (!(key instanceof SlotKey)) throw new MslUsageError("The key does not belong to this core.");
    if (key.disposed) throw new MslUsageError("The key was disposed.");
    const { entry } = key;
    entry.tick = ++this.#tick;
    if (entry.slot >= 0) return entry.slot;
    return this.#restore(entry);
  }

  #restore(entry: Entry): number {
    const sealed = entry.sealed;
    if (sealed === null) throw new MslCoreError("A sealed key is missing.");
    if (entry.isBig) this.makeBigRoom(1);
    else this.makeRoom(1);
    this.#memory.set(sealed, this.#stage);
    const slot = this.#exports.slotRestore(this.#stage, sealed.length);
    if (slot < 0) throw new MslCoreError(`A sealed key did not come back (${slot}).`);
    entry.sealed = null;
    this.#occupy(entry, slot);
    return slot;
  }

  /** Wraps a slot that the core just filled. */
  adopt(slot: number, spec: KeySpec): SlotKey {
    const entry: Entry = {
      slot,
      sealed: null,
      tick: ++this.#tick,
      pins: 0,
      isBig: isBigType(spec.type),
      platform: null,
    };
    this.#occupy(entry, slot);
    const key = new SlotKey(this, entry, spec, this.#exports.slotLength(slot));
    this.#finalizer?.register(key, entry, key);
    return key;
  }

  #occupy(entry: Entry, slot: number): void {
    entry.slot = slot;
    this.#resident[slot] = entry;
    this.#count(entry, -1);
  }

  /** Counts the free slots of an entry's class. */
  #count(entry: Entry, by: 1 | -1): void {
    if (entry.isBig) this.#freeBig += by;
    else this.#free += by;
  }

  /** Makes at least `n` slots free; keys used last stay. Overwrites the start of `stage in`. */
  makeRoom(n: number): void {
    while (this.#free < n) this.#evictOldest(false);
  }

  /** As `makeRoom`, of big slots. */
  makeBigRoom(n: number): void {
    while (this.#freeBig < n) this.#evictOldest(true);
  }

  #evictOldest(isBig: boolean): void {
    let oldest: Entry | null = null;
    for (const entry of this.#resident) {
      if (entry === null || entry.isBig !== isBig || entry.pins > 0) continue;
      if (oldest === null || entry.tick < oldest.tick) oldest = entry;
    }
    if (oldest === null) throw new MslCoreError(`All key slots are pinned (${ERR_NO_SLOT}).`);
    this.#needEntropy(128);
    const length = this.#exports.slotEvict(oldest.slot, this.#stage);
    if (length < 0 || length > SEALED_BIG_KEY_SIZE) throw new MslCoreError(`A key could not be sealed (${length}).`);
    oldest.sealed = this.#memory.slice(this.#stage, this.#stage + length);
    this.#resident[oldest.slot] = null;
    oldest.slot = -1;
    this.#count(oldest, 1);
  }

  pin(key: SlotKey): void {
    let pinned = 0;
    const { isBig } = key.entry;
    for (const entry of this.#resident) if (entry !== null && entry.isBig === isBig && entry.pins > 0) pinned++;
    const most = isBig ? BIG_SLOT_COUNT - FREE_OF_BIG_PINS : SLOT_COUNT - FREE_OF_PINS;
    if (key.entry.pins === 0 && pinned >= most) throw new MslUsageError("Too many pinned keys.");
    this.slotOf(key);
    key.entry.pins++;
  }

  /** Wipes a disposed key; nothing is left for the collector to do. */
  forget(key: SlotKey): void {
    this.#finalizer?.unregister(key);
    this.release(key.entry);
  }

  /** Wipes the key of an entry, wherever it is. */
  release(entry: Entry): void {
    if (entry.slot >= 0) {
      this.#exports.slotClear(entry.slot);
      this.#resident[entry.slot] = null;
      entry.slot = -1;
      this.#count(entry, 1);
    }
    entry.sealed?.fill(0);
    entry.sealed = null;
    entry.platform = null;
  }
}
