// Encryption at rest, and the guard against older snapshots.

import { beforeAll, describe, expect, test } from "vitest";
import type { Core } from "../../src/core/core.ts";
import { loadCore } from "../../src/core/core-node.ts";
import { encryptedStorage } from "../../src/store/encrypted-storage.ts";
import { guardedStorage } from "../../src/store/guarded-storage.ts";
import { memoryStorage } from "../../src/store/memory-storage.ts";
import type { StateStorage } from "../../src/store/snapshot-storage.ts";

let core: Core;
beforeAll(async () => {
  core = await loadCore();
});
const key = () => new Uint8Array(32).fill(9);

const failed = (code: string) => ({ name: "MslLocalError", code });
const attempt = (run: () => unknown) => expect(async () => run()).rejects;
const some = (seed: number) => new Uint8Array(50).fill(seed);

describe("encryption at rest", () => {
  test("no byte of the snapshot is seen; another key, or any changed byte, is corrupt", async () => {
    const place: { snapshot: Uint8Array | null } = { snapshot: null };
    const storage = encryptedStorage(memoryStorage(place), { core, key: key() });
    await storage.load();
    const snapshot = new Uint8Array(64).fill(0xa7);
    await storage.save(snapshot);
    const record = place.snapshot!.slice();
    expect(Buffer.from(record).includes(Buffer.alloc(4, 0xa7))).toBe(false);
    const other = encryptedStorage(memoryStorage(place), { core, key: new Uint8Array(32).fill(8) });
    await attempt(() => other.load()).toMatchObject(failed("STORE_CORRUPT"));
    for (let i = 0; i < record.length; i++) {
      place.snapshot = record.slice();
      place.snapshot[i]! ^= 1 << (i % 8);
      const again = encryptedStorage(memoryStorage(place), { core, key: key() });
      await attempt(() => again.load()).toMatchObject({ code: /STORE_(CORRUPT|TOO_NEW)/ });
    }
  });

  test("a record of a newer version is refused as too new and not overwritten", async () => {
    const place: { snapshot: Uint8Array | null } = { snapshot: null };
    const storage = encryptedStorage(memoryStorage(place), { core, key: key() });
    await storage.load();
    await storage.save(some(1));
    place.snapshot![7] = 3;
    const kept = place.snapshot!.slice();
    const next = encryptedStorage(memoryStorage(place), { core, key: key() });
    await attempt(() => next.load()).toMatchObject(failed("STORE_TOO_NEW"));
    await attempt(() => next.save(some(2))).toMatchObject(failed("STORE_CONFLICT"));
    expect(place.snapshot).toEqual(kept);
  });
});

describe("a guard against older snapshots", () => {
  function device(counter = { value: 0, works: true }) {
    const place: { snapshot: Uint8Array | null } = { snapshot: null };
    const guard = {
      read: () => counter.value,
      advance(to: number) {
        if (!counter.works) throw new Error("counter");
        if (to <= counter.value) throw new Error("It only counts up.");
        counter.value = to;
      },
    };
    return {
      place,
      counter,
      open: () => encryptedStorage(memoryStorage(place), { core, key: key(), guard }),
      plain: (): StateStorage => encryptedStorage(memoryStorage(place), { core, key: key() }),
    };
  }

  test("a restored older snapshot is noticed, and stays refused until it is cleared", async () => {
    const { place, open } = device();
    const storage = open();
    await storage.load();
    await storage.save(some(1));
    const older = place.snapshot!.slice();
    await storage.save(some(2));
    place.snapshot = older.slice();
    await attempt(() => open().load()).toMatchObject(failed("STORE_ROLLED_BACK"));
    const next = open();
    await attempt(() => next.load()).toMatchObject(failed("STORE_ROLLED_BACK"));
    await attempt(() => next.save(some(9))).toMatchObject(failed("STORE_CONFLICT"));
    await next.clear();
    expect(await next.load()).toBeNull();
    await next.save(some(3));
    expect(await open().load()).toEqual(some(3));
    place.snapshot = older.slice();
    await attempt(() => open().load()).toMatchObject(failed("STORE_ROLLED_BACK"));
  });

  test("the power goes between storing and counting: taken, and counted at the next start", async () => {
    const { counter, open } = device();
    const storage = open();
    await storage.load();
    await storage.save(some(1));
    counter.works = false;
    await attempt(() => storage.save(some(2))).toMatchObject(failed("STORE_FAILED"));
    await attempt(() => storage.save(some(2))).toMatchObject(failed("STORE_FAILED"));
    counter.works = true;
    expect(await open().load()).toEqual(some(2));
    expect(counter.value).toBe(2);
    const after = open();
    await after.load();
    await after.save(some(3));
    expect(counter.value).toBe(3);
    expect(await open().load()).toEqual(some(3));
  });

  test("state from before there was a guard is taken over; without the guard it is not read again", async () => {
    const { counter, open, plain } = device();
    const before = plain();
    await before.load();
    await before.save(some(1));
    const storage = open();
    expect(await storage.load()).toEqual(some(1));
    await storage.save(some(2));
    expect(counter.value).toBe(1);
    expect(await open().load()).toEqual(some(2));
  });

  test("a counter that cannot be read is an error, not a beginning", async () => {
    const storage = guardedStorage(memoryStorage(), {
      read() {
        throw new Error("secure element");
      },
      advance() {},
    });
    await attempt(() => storage.load()).toMatchObject(failed("STORE_FAILED"));
  });
});
