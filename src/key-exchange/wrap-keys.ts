// Where a device keeps the wrapping keys of the ladders, by the opaque data that the issuer needs to find them again.

import type { Core } from "../core/core.ts";
import type { KeyHandle } from "../core/key-handle.ts";
import { LADDER_KEY } from "../core/key-specs.ts";
import { decodeObject, encodeObject } from "../encoding/codec.ts";
import { MslLocalError, MslProtocolError } from "../errors/msl-error.ts";
import type { Awaitable } from "../platform/awaitable.ts";

/** One instance for each ladder. The store owns its keys. */
export interface WrapKeyStore {
  /** The data that was added last, to be offered; null: there is none. */
  newest(): Awaitable<Uint8Array | null>;
  get(wrapdata: Uint8Array): Awaitable<KeyHandle | null>;
  /** Takes the key over once it would survive a restart; after a failure it is still its caller's. */
  add(wrapdata: Uint8Array, key: KeyHandle): Awaitable<void>;
  remove(wrapdata: Uint8Array): Awaitable<void>;
}

/** Where a persistent store keeps its bytes: as the storage of a device's state. */
export interface WrapKeyStorage {
  load(): Awaitable<Uint8Array | null>;
  save(bytes: Uint8Array): Awaitable<void>;
}

/** Between an addition and the removal of what came before it, two are kept. */
const MOST = 4;
const FORMAT = 1;

interface Row {
  readonly wrapdata: Uint8Array;
  readonly key: KeyHandle;
}

/**
 * Keeps wrapping keys in memory and, with a storage, over restarts. The saved bytes hold the keys: give a storage that
 * encrypts. @throws STORE_CORRUPT
 */
export async function wrapKeyStore(core: Core, storage: WrapKeyStorage | null = null): Promise<WrapKeyStore> {
  let rows: readonly Row[] = storage === null ? [] : read(core, await storage.load());

  async function save(): Promise<void> {
    if (storage === null) return;
    const bytes = write(core, rows);
    try {
      await storage.save(bytes);
    } finally {
      bytes.fill(0);
    }
  }

  const isOf = (wrapdata: Uint8Array) => (row: Row) => isSame(row.wrapdata, wrapdata);

  return {
    newest: () => rows.at(-1)?.wrapdata ?? null,
    get: (wrapdata) => rows.find(isOf(wrapdata))?.key ?? null,
    async add(wrapdata, key) {
      const before = rows;
      const others = before.filter((row) => !isSame(row.wrapdata, wrapdata));
      rows = [...others.slice(Math.max(0, others.length + 1 - MOST)), { wrapdata: wrapdata.slice(), key }];
      try {
        await save();
      } catch (error) {
        rows = before; // the key stays its caller's
        throw error;
      }
      for (const row of before) if (!rows.includes(row) && row.key !== key) row.key.dispose();
    },
    async remove(wrapdata) {
      rows.find(isOf(wrapdata))?.key.dispose();
      rows = rows.filter((row) => !isSame(row.wrapdata, wrapdata));
      await save();
    },
  };
}

function write(core: Core, rows: readonly Row[]): Uint8Array {
  const keys = rows.map(({ key }) => core.exportKey(key));
  try {
    const entries = rows.map(({ wrapdata }, i) => ({ wrapdata, key: keys[i]! }));
    return encodeObject("CBOR", { format: FORMAT, keys: entries });
  } finally {
    for (const key of keys) key.fill(0);
  }
}

function read(core: Core, bytes: Uint8Array | null): readonly Row[] {
  if (bytes === null) return [];
  const rows: Row[] = [];
  try {
    const map = decodeObject(bytes, "wrapkeys");
    if (map.int("format", 1, 2 ** 31) > FORMAT) throw new MslLocalError("STORE_CORRUPT", "A newer version wrote it.");
    const list = map.list("keys");
    for (let i = 0; i < list.length; i++) {
      const entry = list.map(i);
      rows.push({ wrapdata: entry.bytes("wrapdata").slice(), key: core.importKey(LADDER_KEY, entry.bytes("key")) });
    }
    return rows;
  } catch (error) {
    for (const row of rows) row.key.dispose();
    if (error instanceof MslProtocolError) throw new MslLocalError("STORE_CORRUPT", null, "wrapkeys", error);
    throw error;
  } finally {
    bytes.fill(0);
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
