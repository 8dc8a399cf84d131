// Where the state of a device survives a restart: one snapshot, replaced as a whole.

import type { Awaitable } from "../platform/awaitable.ts";

export interface StateStorage {
  /** The last complete snapshot, or null if there is none. @throws STORE_CORRUPT, STORE_FAILED */
  load(): Awaitable<Uint8Array | null>;
  /** Replaces the snapshot so that a power cut leaves the old or the new one. @throws STORE_FAILED */
  save(snapshot: Uint8Array): Awaitable<void>;
}
