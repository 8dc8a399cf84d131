// Notices an older snapshot that was put back: each snapshot carries a number that the platform keeps as well, in a
// place that only counts up (fuse counter, RPMB, secure element, a server of the operator).
//   record = magic (7) ‖ version (1) ‖ generation (8, big-endian) ‖ snapshot
// Without a guard a restored snapshot is not noticed here. The protocol limits what it costs: ids that come again are
// refused by the server and the client recovers, a renewed token's parent is accepted only a few steps back, and then
// the entity authenticates anew. Wrap the encrypted storage, never the other way round: whoever can change the number
// in the record can pass any snapshot for the newest.

import { MslLocalError } from "../errors/msl-error.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import { RECORD_HEAD, recordHead, recordVersion } from "./record-head.ts";
import type { ClearableStorage, StateStorage } from "./snapshot-storage.ts";

/** A number that survives everything and never goes back. */
export interface RollbackGuard {
  /** 0 where it was never advanced. */
  read(): Awaitable<number>;
  /** Resolves when the new value is safe. `to` is larger than the value. */
  advance(to: number): Awaitable<void>;
}

const MAGIC = "TMSLGEN";
const VERSION = 1;
const HEAD = RECORD_HEAD + 8;

/**
 * A snapshot that is older than the guard's number is STORE_ROLLED_BACK. One step ahead is what a power cut between
 * storing and counting leaves, and is taken. No snapshot at all is a new beginning, which needs no protection.
 */
export function guardedStorage(storage: ClearableStorage, guard: RollbackGuard): ClearableStorage;
export function guardedStorage(storage: StateStorage, guard: RollbackGuard): StateStorage;
export function guardedStorage(
  storage: StateStorage | ClearableStorage,
  guard: RollbackGuard,
): StateStorage | ClearableStorage {
  /** What was refused on loading is not overwritten. */
  let isReadable = false;
  let stored = 0;
  let counted = 0;

  async function count(to: number): Promise<void> {
    try {
      await guard.advance(to);
    } catch (error) {
      throw new MslLocalError("STORE_FAILED", "The counter did not advance.", null, error);
    }
    counted = to;
  }

  const guarded: StateStorage = {
    async load() {
      isReadable = false;
      const record = await storage.load();
      try {
        counted = await guard.read();
      } catch (error) {
        throw new MslLocalError("STORE_FAILED", "The counter cannot be read.", null, error);
      }
      stored = counted;
      if (record === null) {
        isReadable = true;
        return null;
      }
      const { generation, snapshot } = readRecord(record);
      const isNext = generation === counted + 1;
      // A guard that was never advanced is new on this device.
      if (generation !== counted && !isNext && counted !== 0) throw new MslLocalError("STORE_ROLLED_BACK");
      stored = generation;
      if (generation > counted) await count(generation);
      isReadable = true;
      return snapshot;
    },
    async save(snapshot) {
      if (!isReadable) throw new MslLocalError("STORE_CONFLICT");
      // A count that failed after the last snapshot was stored comes first: never two steps ahead.
      if (stored > counted) await count(stored);
      const next = stored + 1;
      const record = new Uint8Array(HEAD + snapshot.length);
      record.set(recordHead(MAGIC, VERSION));
      new DataView(record.buffer).setUint32(RECORD_HEAD, Math.floor(next / 0x100000000));
      new DataView(record.buffer).setUint32(RECORD_HEAD + 4, next % 0x100000000);
      record.set(snapshot, HEAD);
      try {
        await storage.save(record);
      } finally {
        record.fill(0);
      }
      stored = next;
      await count(next);
    },
  };
  const clear = async () => {
    await (storage as ClearableStorage).clear();
    isReadable = true;
  };
  return "clear" in storage ? { ...guarded, clear } : guarded;
}

/** A record without a head was stored before there was a guard: generation 0. */
function readRecord(record: Uint8Array): { generation: number; snapshot: Uint8Array } {
  const version = recordVersion(record, MAGIC);
  if (version === null) return { generation: 0, snapshot: record };
  if (version > VERSION) throw new MslLocalError("STORE_TOO_NEW");
  if (record.length < HEAD) throw new MslLocalError("STORE_CORRUPT");
  const view = new DataView(record.buffer, record.byteOffset);
  const generation = view.getUint32(RECORD_HEAD) * 0x100000000 + view.getUint32(RECORD_HEAD + 4);
  if (!Number.isSafeInteger(generation)) throw new MslLocalError("STORE_CORRUPT");
  return { generation, snapshot: record.slice(HEAD) };
}
