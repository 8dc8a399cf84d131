// localStorage with the faults of televisions; its promises as a storage are in device-storage.test.ts.

import { describe, expect, test } from "vitest";
import { localStorageStorage } from "../../src/store/local-storage.ts";
import { FakeProfile } from "./fake-local-storage.ts";

const failed = (code: string) => ({ name: "MslLocalError", code });
const attempt = (run: () => unknown) => expect(async () => run()).rejects;
const some = (seed: number) => new Uint8Array(50).fill(seed);

describe("localStorage of real televisions", () => {
  const tv = (profile: FakeProfile) => localStorageStorage(() => profile.tab(), "n");

  test("blocked, missing or throwing storage fails as such and later works", async () => {
    const profile = new FakeProfile();
    const storage = tv(profile);
    await storage.load();
    profile.fault = "blocked";
    await attempt(() => storage.save(some(1))).toMatchObject(failed("STORE_FAILED"));
    await attempt(() => storage.load()).toMatchObject(failed("STORE_FAILED"));
    profile.fault = null;
    await storage.save(some(2));
    for (const absent of [null, undefined]) {
      await attempt(() => localStorageStorage(() => absent, "n").load()).toMatchObject(failed("STORE_FAILED"));
    }
    const throwing = localStorageStorage(() => {
      throw new Error("SecurityError");
    }, "n");
    await attempt(() => throwing.load()).toMatchObject(failed("STORE_FAILED"));
  });

  test("full storage: the older entry gives way, the newest stays", async () => {
    const profile = new FakeProfile();
    const storage = tv(profile);
    await storage.load();
    await storage.save(some(1));
    await storage.save(some(2));
    const entry = [...profile.entries.values()][0]!.length + "n.0".length;
    // Room for two entries of this size, not for one that is larger beside one of these.
    profile.quota = 2 * entry;
    await storage.save(some(3));
    await attempt(() => storage.save(new Uint8Array(200))).toMatchObject(failed("STORE_FAILED"));
    expect(await tv(profile).load()).toEqual(some(3));
    await storage.save(some(4));
    expect(await tv(profile).load()).toEqual(some(4));
  });

  test("values that are dropped or cut without a word are noticed", async () => {
    for (const fault of ["drops", "cuts"] as const) {
      const profile = new FakeProfile();
      const storage = tv(profile);
      await storage.load();
      await storage.save(some(1));
      profile.fault = fault;
      await attempt(() => storage.save(some(2))).toMatchObject(failed("STORE_FAILED"));
      profile.fault = null;
      expect(await tv(profile).load()).toEqual(some(1));
      await storage.save(some(3));
      expect(await tv(profile).load()).toEqual(some(3));
    }
  });

  test("a half-written newest entry leaves the one before; two damaged ones are corrupt and not overwritten", async () => {
    const profile = new FakeProfile();
    const storage = tv(profile);
    await storage.load();
    await storage.save(some(1));
    await storage.save(some(2));
    const text = profile.entries.get("n.1")!;
    for (let n = 0; n < text.length; n++) {
      profile.entries.set("n.1", text.slice(0, n));
      expect(await tv(profile).load()).toEqual(some(1));
    }
    profile.entries.set("n.0", "x");
    await attempt(() => tv(profile).load()).toMatchObject(failed("STORE_CORRUPT"));
    const reader = tv(profile);
    await attempt(() => reader.load()).toMatchObject(failed("STORE_CORRUPT"));
    await attempt(() => reader.save(some(9))).toMatchObject(failed("STORE_CONFLICT"));
    expect(profile.entries.get("n.0")).toBe("x");
    await reader.clear();
    expect(await reader.load()).toBeNull();
  });

  test("two names share nothing", async () => {
    const profile = new FakeProfile();
    const [a, b] = [localStorageStorage(profile.tab(), "a"), localStorageStorage(profile.tab(), "b")];
    await a.load();
    await b.load();
    await a.save(some(1));
    await b.save(some(2));
    await a.clear();
    expect(await b.load()).toEqual(some(2));
  });
});
