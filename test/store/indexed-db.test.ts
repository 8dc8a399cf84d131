// IndexedDB with the faults of browsers; its promises as a storage are in device-storage.test.ts.

import { describe, expect, test } from "vitest";
import { nodeTimers } from "../../src/platform/clock-node.ts";
import { indexedDbStorage } from "../../src/store/indexed-db.ts";
import { FakeDatabases } from "./fake-indexed-db.ts";

const failed = (code: string) => ({ name: "MslLocalError", code });
const attempt = (run: () => unknown) => expect(async () => run()).rejects;
const some = (seed: number) => new Uint8Array(50).fill(seed);

describe("IndexedDB of real browsers", () => {
  const browser = (databases: FakeDatabases, name = "n") => indexedDbStorage(() => databases.factory(), name);

  test("blocked, missing, full, without its store, or silent: an error, and the old snapshot", async () => {
    const databases = new FakeDatabases();
    const first = browser(databases);
    await first.load();
    await first.save(some(1));
    expect(databases.durabilities).toEqual(["strict"]);
    databases.fault = "full";
    await attempt(() => first.save(some(2))).toMatchObject(failed("STORE_FAILED"));
    databases.fault = "absent-store";
    await attempt(() => first.save(some(2))).toMatchObject(failed("STORE_FAILED"));
    databases.fault = "blocked";
    await attempt(() => browser(databases).load()).toMatchObject(failed("STORE_FAILED"));
    databases.restart();
    expect(await browser(databases).load()).toEqual(some(1));
    await first.save(some(3));
    await attempt(() => indexedDbStorage(() => undefined, "n").load()).toMatchObject(failed("STORE_FAILED"));
    const options = { timers: nodeTimers, timeoutMs: 20 };
    const silent = indexedDbStorage(databases.factory(), "n", "tinymsl", options);
    databases.fault = "silent";
    await attempt(() => silent.load()).toMatchObject(failed("STORE_FAILED"));
  });

  test("a connection that the platform closed is opened again", async () => {
    const databases = new FakeDatabases();
    const storage = browser(databases);
    await storage.load();
    await storage.save(some(1));
    databases.connections[0]!.closeByPlatform();
    await storage.save(some(2));
    expect(await browser(databases).load()).toEqual(some(2));
    expect(databases.connections.length).toBe(3);
  });

  test("a database of a newer version is refused and left alone", async () => {
    const databases = new FakeDatabases();
    const records = new Map<string, unknown>([["n", "future"]]);
    databases.databases.set("tinymsl", { version: 2, records });
    const storage = browser(databases);
    await attempt(() => storage.load()).toMatchObject(failed("STORE_TOO_NEW"));
    await attempt(() => storage.save(some(1))).toMatchObject(failed("STORE_TOO_NEW"));
    expect(records.get("n")).toBe("future");
  });

  test("a record of another shape is corrupt and not overwritten", async () => {
    for (const record of [
      "text",
      5,
      {},
      { generation: 1 },
      { generation: 0, snapshot: some(1) },
      { generation: 1.5 },
    ]) {
      const databases = new FakeDatabases();
      await browser(databases).load();
      databases.databases.get("tinymsl")!.records.set("n", record);
      const storage = browser(databases);
      await attempt(() => storage.load()).toMatchObject(failed("STORE_CORRUPT"));
      await attempt(() => storage.save(some(1))).toMatchObject(failed("STORE_CONFLICT"));
      expect(databases.databases.get("tinymsl")!.records.get("n")).toEqual(record);
      await storage.clear();
      await storage.save(some(1));
      expect(await browser(databases).load()).toEqual(some(1));
    }
  });

  test("two names share nothing", async () => {
    const databases = new FakeDatabases();
    const [a, b] = [browser(databases, "a"), browser(databases, "b")];
    await a.load();
    await b.load();
    await a.save(some(1));
    await b.save(some(2));
    await a.clear();
    expect(await b.load()).toEqual(some(2));
  });
});
