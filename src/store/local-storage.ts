// Device state in the localStorage of a browser or television. Two entries take turns: a write that is cut, refused or
// silently dropped leaves the other one. An entry is `generation.checksum.base64`.
// Strings cannot be wiped and whoever reads the profile reads the entries: encrypt (`encryptedStorage`) or prefer
// IndexedDB. A browser writes localStorage to its disk later than `setItem` returns, so a power cut may cost the last
// seconds; ids that were reserved in them may be offered again, which the server refuses and the client recovers from.

import { decodeBase64, encodeBase64 } from "../encoding/base64.ts";
import { MslLocalError } from "../errors/msl-error.ts";
import { checksum } from "./checksum.ts";
import type { ClearableStorage } from "./snapshot-storage.ts";

/** The part of the platform's `Storage` that is used. */
export interface KeyValueStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

interface Entry {
  readonly generation: number;
  readonly text: string;
  readonly snapshot: Uint8Array;
}

/**
 * @param platform  `() => window.localStorage`: where storage is blocked the property itself throws or is null, and the
 *   operations then fail with STORE_FAILED
 * @param name  prefix of the entries; name the network and the entity, so that several share nothing
 */
export function localStorageStorage(
  platform: KeyValueStorage | (() => KeyValueStorage | null | undefined),
  name: string,
): ClearableStorage {
  const keys = [`${name}.0`, `${name}.1`] as const;
  /** Text of the entry that was loaded or saved last. */
  let known: string | null = null;

  function storage(): KeyValueStorage {
    const found = typeof platform === "function" ? platform() : platform;
    if (found === null || found === undefined) throw new MslLocalError("STORE_FAILED", "There is no storage.");
    return found;
  }

  /** The valid entries, newest first; `isDamaged`: something is there that is none. */
  function read(from: KeyValueStorage): { entries: (Entry & { key: string })[]; isDamaged: boolean } {
    const entries: (Entry & { key: string })[] = [];
    let isDamaged = false;
    for (const key of keys) {
      const text = from.getItem(key);
      if (text === null || text === undefined) continue;
      const entry = parseEntry(text);
      if (entry === null) isDamaged = true;
      else entries.push({ ...entry, key });
    }
    entries.sort((a, b) => b.generation - a.generation);
    return { entries, isDamaged };
  }

  return {
    load: () =>
      guarded(() => {
        const { entries, isDamaged } = read(storage());
        const newest = entries[0] ?? null;
        if (newest === null && isDamaged) throw new MslLocalError("STORE_CORRUPT");
        known = newest?.text ?? null;
        return newest?.snapshot ?? null;
      }),

    save: (snapshot) =>
      guarded(() => {
        const to = storage();
        const { entries, isDamaged } = read(to);
        const newest = entries[0] ?? null;
        const isUnreadable = newest === null && isDamaged;
        if (isUnreadable || (newest?.text ?? null) !== known) throw new MslLocalError("STORE_CONFLICT");
        const text = formatEntry((newest?.generation ?? 0) + 1, snapshot);
        const key = newest?.key === keys[0] ? keys[1] : keys[0];
        try {
          to.setItem(key, text);
        } catch {
          // Full: the older entry gives way first; the newest stays whatever happens.
          to.removeItem(key);
          to.setItem(key, text);
        }
        if (to.getItem(key) !== text) {
          to.removeItem(key);
          throw new MslLocalError("STORE_FAILED", "The storage did not keep the value.");
        }
        known = text;
      }),

    clear: () =>
      guarded(() => {
        const from = storage();
        for (const key of keys) from.removeItem(key);
        known = null;
      }),
  };
}

/** Whatever the platform throws (blocked, full, private mode) becomes STORE_FAILED. */
function guarded<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof MslLocalError) throw error;
    throw new MslLocalError("STORE_FAILED", null, null, error);
  }
}

function formatEntry(generation: number, snapshot: Uint8Array): string {
  return `${generation}.${checksum(snapshot, generation)}.${encodeBase64(snapshot)}`;
}

function parseEntry(text: string): Entry | null {
  const parts = /^([1-9][0-9]{0,14})\.([0-9a-f]{8})\.([A-Za-z0-9+/=]*)$/.exec(text);
  if (parts === null) return null;
  const generation = Number(parts[1]);
  const snapshot = decodeBase64(parts[3]!);
  if (snapshot === null || checksum(snapshot, generation) !== parts[2]) return null;
  return { generation, text, snapshot };
}
