// Where the state of a device survives a restart: one snapshot, replaced as a whole, by one user of the storage at a
// time ("MSL Store": a persisted store belongs to one process). Each network of a device has a storage of its own.

import type { Awaitable } from "../platform/awaitable.ts";

/**
 * Every storage keeps four promises. A power cut at any moment leaves the old or the new snapshot. A snapshot that
 * cannot be read is an error, never an empty or half state. `save` replaces only what this object loaded or saved last:
 * a second writer (another tab, another process) is refused. What a newer version wrote is refused and left alone.
 */
export interface StateStorage {
  /** The last complete snapshot, an array that the caller takes over and wipes, or null. @throws STORE_CORRUPT, STORE_FAILED, STORE_TOO_NEW, STORE_ROLLED_BACK */
  load(): Awaitable<Uint8Array | null>;
  /**
   * Resolves when the snapshot is safe. Call `load` first. The caller wipes the array afterwards.
   * @throws STORE_FAILED, STORE_CONFLICT (load again before the next save)
   */
  save(snapshot: Uint8Array): Awaitable<void>;
}

/** A storage that can be emptied, readable or not: what is left to do after STORE_CORRUPT or STORE_ROLLED_BACK. */
export interface ClearableStorage extends StateStorage {
  /** Forgets the snapshot; the device begins anew and authenticates with its entity data. @throws STORE_FAILED */
  clear(): Awaitable<void>;
}
