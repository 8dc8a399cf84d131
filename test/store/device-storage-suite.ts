// What every storage of a device's state promises; run over each of them.

import { describe, expect, test } from "vitest";
import type { ClearableStorage } from "../../src/store/snapshot-storage.ts";

/** One place on a device: `open` gives another user of it (a tab, a process, the next start). */
export interface StoragePlace {
  open(): ClearableStorage;
  /** Runs `action` with the power going out at its n-th step, then switches it on again. False: it ran to its end. */
  cutPower?(step: number, action: (storage: ClearableStorage) => Promise<unknown>): Promise<boolean>;
  /** Each stored value, cut to a length or changed at a byte; null: there is nothing of that kind. */
  damage?(change: (stored: Uint8Array) => Uint8Array): Promise<void> | void;
}

const bytes = (seed: number, length = 40) => Uint8Array.from({ length }, (_, i) => (seed * 31 + i) & 255);

export function describeDeviceStorage(name: string, place: () => Promise<StoragePlace> | StoragePlace): void {
  describe(`device storage: ${name}`, () => {
    test("an empty place gives null; what is saved is loaded, by others too", async () => {
      const at = await place();
      const first = at.open();
      expect(await first.load()).toBeNull();
      for (const snapshot of [bytes(1), bytes(2, 1), bytes(3, 20_000), bytes(4)]) {
        await first.save(snapshot.slice());
        expect(await first.load()).toEqual(snapshot);
        expect(await at.open().load()).toEqual(snapshot);
      }
    });

    test("what is loaded belongs to the caller, and what was saved may be wiped by it", async () => {
      const at = await place();
      const storage = at.open();
      await storage.load();
      const given = bytes(1);
      await storage.save(given);
      given.fill(0);
      const loaded = await storage.load();
      expect(loaded).toEqual(bytes(1));
      loaded!.fill(0);
      expect(await storage.load()).toEqual(bytes(1));
      await storage.save(bytes(2));
      expect(await at.open().load()).toEqual(bytes(2));
    });

    test("an array that is wiped while the save still runs is saved whole", async () => {
      const at = await place();
      const storage = at.open();
      await storage.load();
      const given = bytes(5);
      const saving = storage.save(given);
      await saving;
      given.fill(0);
      expect(await at.open().load()).toEqual(bytes(5));
    });

    test("a second writer is refused, never mixed, and may go on after loading", async () => {
      const at = await place();
      const [a, b] = [at.open(), at.open()];
      await a.load();
      await b.load();
      await a.save(bytes(1));
      await expect(async () => b.save(bytes(2))).rejects.toMatchObject({ code: "STORE_CONFLICT" });
      await expect(async () => b.save(bytes(2))).rejects.toMatchObject({ code: "STORE_CONFLICT" });
      expect(await at.open().load()).toEqual(bytes(1));
      await a.save(bytes(3));
      expect(await b.load()).toEqual(bytes(3));
      await b.save(bytes(4));
      await expect(async () => a.save(bytes(5))).rejects.toMatchObject({ code: "STORE_CONFLICT" });
      expect(await at.open().load()).toEqual(bytes(4));
    });

    test("of writers at the same moment exactly one wins", async () => {
      const at = await place();
      const writers = Array.from({ length: 8 }, () => at.open());
      for (const writer of writers) await writer.load();
      const results = await Promise.allSettled(writers.map(async (writer, i) => writer.save(bytes(i + 1))));
      const won = results.flatMap((result, i) => (result.status === "fulfilled" ? [i] : []));
      expect(won).toHaveLength(1);
      for (const result of results) {
        if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "STORE_CONFLICT" });
      }
      expect(await at.open().load()).toEqual(bytes(won[0]! + 1));
    });

    test("a writer that never looked does not overwrite", async () => {
      const at = await place();
      const a = at.open();
      await a.load();
      await a.save(bytes(1));
      await expect(async () => at.open().save(bytes(2))).rejects.toMatchObject({ code: "STORE_CONFLICT" });
      expect(await at.open().load()).toEqual(bytes(1));
    });

    test("clearing empties the place; another user notices", async () => {
      const at = await place();
      const [a, b] = [at.open(), at.open()];
      await a.load();
      await a.save(bytes(1));
      await b.load();
      await a.clear();
      expect(await at.open().load()).toBeNull();
      await expect(async () => b.save(bytes(2))).rejects.toMatchObject({ code: "STORE_CONFLICT" });
      expect(await a.load()).toBeNull();
      await a.save(bytes(3));
      expect(await at.open().load()).toEqual(bytes(3));
    });

    test("a power cut at any step leaves the old or the new snapshot", async () => {
      const at = await place();
      if (at.cutPower === undefined) throw new Error("The place cannot cut its power.");
      const first = at.open();
      await first.load();
      let old = 0;
      await first.save(bytes(old));
      let steps = 0;
      let isOver = false;
      for (; !isOver && steps < 60; steps++) {
        const next = old + 1;
        isOver = !(await at.cutPower(steps, async (storage) => {
          await storage.load();
          await storage.save(bytes(next));
        }));
        const survivor = at.open();
        const found = await survivor.load();
        const is = found?.[0] === bytes(next)[0] ? next : old;
        expect(found, `after step ${steps}`).toEqual(bytes(is));
        if (isOver) expect(is).toBe(next);
        // Whatever was left behind does not stop the next start from saving.
        await survivor.save(bytes(is + 1));
        expect(await at.open().load()).toEqual(bytes(is + 1));
        old = is + 1;
      }
      expect(isOver).toBe(true);
      expect(steps).toBeGreaterThan(1);
    });

    test("a value cut to any length or changed anywhere is an error or whole, never half", async () => {
      const at = await place();
      if (at.damage === undefined) return;
      const first = at.open();
      await first.load();
      await first.save(bytes(1));
      await first.save(bytes(2));
      const sizes: number[] = [];
      await at.damage((stored) => {
        sizes.push(stored.length);
        return stored;
      });
      for (let n = 0; n < Math.max(...sizes); n++) {
        const kept: Uint8Array[] = [];
        await at.damage((stored) => {
          kept.push(stored.slice());
          return stored.slice(0, Math.min(n, stored.length - 1));
        });
        await expect(async () => at.open().load(), `cut at ${n}`).rejects.toMatchObject({ code: "STORE_CORRUPT" });
        await at.damage(() => kept.shift()!);
        expect(await at.open().load()).toEqual(bytes(2));
      }
    });
  });
}
