// Storages of device state: the shared promises over each of them, and the faults of each platform.

import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Core } from "../../src/core/core.ts";
import { loadCore } from "../../src/core/core-node.ts";
import { encryptedStorage } from "../../src/store/encrypted-storage.ts";
import { fileStorage } from "../../src/store/file-storage-node.ts";
import { guardedStorage } from "../../src/store/guarded-storage.ts";
import { indexedDbStorage } from "../../src/store/indexed-db.ts";
import { localStorageStorage } from "../../src/store/local-storage.ts";
import { memoryStorage } from "../../src/store/memory-storage.ts";
import type { ClearableStorage } from "../../src/store/snapshot-storage.ts";
import { nodeTimers } from "../../src/platform/clock-node.ts";
import { describeDeviceStorage, type StoragePlace } from "./device-storage-suite.ts";
import { FakeDatabases } from "./fake-indexed-db.ts";
import { FakeProfile } from "./fake-local-storage.ts";

let core: Core;
const dir = mkdtempSync(join(tmpdir(), "tinymsl-storage-"));
let files = 0;
const freshPath = () => join(dir, `state-${files++}`);
beforeAll(async () => {
  core = await loadCore();
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Memory with the power of its device under control. */
function memoryPlace(wrap: (storage: ClearableStorage) => ClearableStorage = (storage) => storage): StoragePlace & {
  place: { snapshot: Uint8Array | null };
} {
  const place: { snapshot: Uint8Array | null } = { snapshot: null };
  return {
    place,
    open: () => wrap(memoryStorage(place)),
    async cutPower(step, action) {
      let left = step;
      const device = memoryStorage(place);
      const act = <T>(run: () => T): T => {
        if (left-- <= 0) throw new Error("power cut");
        return run();
      };
      const storage = wrap({
        load: () => act(() => device.load()),
        save: (snapshot) => act(() => device.save(snapshot)),
        clear: () => act(() => device.clear()),
      });
      return action(storage).then(
        () => left < 0,
        () => true,
      );
    },
    damage(change) {
      if (place.snapshot !== null) place.snapshot = change(place.snapshot);
    },
  };
}

describeDeviceStorage("memory", () => {
  const { damage: _, ...place } = memoryPlace();
  return place;
});
const key = () => new Uint8Array(32).fill(9);
describeDeviceStorage("encrypted", () => memoryPlace((inner) => encryptedStorage(inner, { core, key: key() })));
describeDeviceStorage("guarded", () => {
  let counter = 0;
  const guard = { read: () => counter, advance: (to: number) => void (counter = to) };
  const { damage: _, ...place } = memoryPlace((inner) => guardedStorage(inner, guard));
  return place;
});
describeDeviceStorage("encrypted and guarded", () => {
  let counter = 0;
  const guard = { read: async () => counter, advance: async (to: number) => void (counter = to) };
  return memoryPlace((inner) => encryptedStorage(inner, { core, key: key(), guard }));
});

describeDeviceStorage("localStorage", () => {
  const profile = new FakeProfile();
  const encode = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
  return {
    open: () => localStorageStorage(() => profile.tab(), "tv.network"),
    async cutPower(step, action) {
      profile.operationsLeft = step;
      const wasCut = await action(localStorageStorage(profile.tab(), "tv.network")).then(
        () => false,
        () => true,
      );
      profile.operationsLeft = null;
      return wasCut;
    },
    damage(change) {
      for (const [name, text] of profile.entries) {
        profile.entries.set(name, String.fromCharCode(...change(encode(text))));
      }
    },
  };
});

describeDeviceStorage("IndexedDB", () => {
  const databases = new FakeDatabases();
  const options = { timers: nodeTimers, timeoutMs: 50 };
  return {
    open: () => indexedDbStorage(databases.factory(), "tv.network"),
    async cutPower(step, action) {
      databases.stepsLeft = step;
      const wasCut = await action(indexedDbStorage(() => databases.factory(), "tv.network", "tinymsl", options)).then(
        () => false,
        () => true,
      );
      databases.restart();
      return wasCut;
    },
  };
});

/** A file whose writer dies at any byte: what each step leaves on the disk is put there by hand. */
function filePlace(open: (path: string) => ClearableStorage): StoragePlace {
  const path = freshPath();
  return {
    open: () => open(path),
    async cutPower(step, action) {
      // The steps of a save on disk: lock file, the new file growing byte by byte, its renaming.
      const before = readFileSync(path);
      await action(open(path));
      const after = readFileSync(path);
      if (step > 40) return false;
      writeFileSync(path, before);
      const length = Math.min(after.length, step < 2 ? 0 : Math.ceil((after.length * (step - 2)) / 38));
      if (step > 0) writeFileSync(`${path}.lock`, "999999999 dead");
      if (step > 1) writeFileSync(`${path}.new`, after.subarray(0, length));
      return true;
    },
    damage(change) {
      writeFileSync(path, change(new Uint8Array(readFileSync(path))));
    },
  };
}
describeDeviceStorage("file", () => {
  const { damage: _, ...place } = filePlace((path) => fileStorage(path));
  return place;
});
describeDeviceStorage("encrypted file", () =>
  filePlace((path) => fileStorage(path, { encryption: { core, key: key() } })),
);

const failed = (code: string) => ({ name: "MslLocalError", code });
const attempt = (run: () => unknown) => expect(async () => run()).rejects;
const some = (seed: number) => new Uint8Array(50).fill(seed);

describe("files", () => {
  test("the lock of a living holder is waited for, a dead or hanging one is broken", async () => {
    const path = freshPath();
    const storage = fileStorage(path);
    await storage.load();
    writeFileSync(`${path}.lock`, `${process.pid} somebody`);
    let isDone = false;
    const saving = Promise.resolve(storage.save(some(1))).then(() => {
      isDone = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(isDone).toBe(false);
    rmSync(`${path}.lock`);
    await saving;
    writeFileSync(`${path}.lock`, `${process.pid} hanging`);
    utimesSync(`${path}.lock`, new Date(Date.now() - 60_000), new Date(Date.now() - 60_000));
    await storage.save(some(2));
    writeFileSync(`${path}.lock`, "999999999 dead");
    await storage.save(some(3));
    expect(await fileStorage(path).load()).toEqual(some(3));
    expect(readdirSync(dir).filter((name) => name.includes(".lock"))).toEqual([]);
  });

  test("a folder that does not exist is an error of its own", async () => {
    const storage = fileStorage(join(dir, "absent", "state"));
    expect(await storage.load()).toBeNull();
    await attempt(() => storage.save(some(1))).toMatchObject(failed("STORE_FAILED"));
  });
});
