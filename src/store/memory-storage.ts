// Device state in memory: for devices that begin anew at each start, and for tests. Storages over one place see each
// other's snapshots, as tabs of a browser do.

import { MslLocalError } from "../errors/msl-error.ts";
import type { ClearableStorage } from "./snapshot-storage.ts";

/** What several storages may share. */
export interface MemoryPlace {
  snapshot: Uint8Array | null;
}

export function memoryStorage(place: MemoryPlace = { snapshot: null }): ClearableStorage {
  let known: Uint8Array | null = null;
  return {
    load() {
      known = place.snapshot;
      return known?.slice() ?? null;
    },
    save(snapshot) {
      if (place.snapshot !== known) throw new MslLocalError("STORE_CONFLICT");
      known?.fill(0);
      known = snapshot.slice();
      place.snapshot = known;
    },
    clear() {
      place.snapshot?.fill(0);
      place.snapshot = null;
      known = null;
    },
  };
}
