// Non-replayable ids of the sender: reserved ahead, so that no crash gives one twice.

import { beforeAll, expect, test } from "vitest";
import type { Core } from "../../src/core/core.ts";
import { loadCore } from "../../src/core/core-node.ts";
import { DeviceStore } from "../../src/store/device-store.ts";
import { type MemoryPlace, memoryStorage } from "../../src/store/memory-storage.ts";
import { RESERVED_IDS, ReplayIds } from "../../src/store/replay-ids.ts";
import type { StateStorage } from "../../src/store/snapshot-storage.ts";
import { sessionKeys, token } from "./device-state-values.ts";

const M = 2 ** 53;
let core: Core;
beforeAll(async () => {
  core = await loadCore();
});
const open = (storage: StateStorage) => DeviceStore.open(core, "device", storage);

test("CTL-139 after 2^53 comes 0, reservations included", async () => {
  const ids = new ReplayIds(async () => {});
  ids.restore(1, M - 2);
  const given: number[] = [];
  for (let i = 0; i < 5; i++) given.push(await ids.next(1));
  expect(given).toEqual([M - 1, M, 0, 1, 2]);
  expect(ids.reserved().ids.get(1)).toBe(29);
});

test("CTL-144 a crash at any save never gives an id twice; ids given are always reserved in the stored state", async () => {
  for (let crashAfter = 0; crashAfter < 4; crashAfter++) {
    const place: MemoryPlace = { snapshot: null };
    const seen = new Set<number>();
    for (let run = 0; run < 4; run++) {
      const device = memoryStorage(place);
      let left = crashAfter;
      const store = await open({
        load: () => device.load(),
        async save(snapshot) {
          await Promise.resolve();
          if (left-- <= 0) throw new Error("power cut");
          return device.save(snapshot);
        },
      });
      if (store.masterToken === null) store.addMasterToken(token(1, 0), sessionKeys(core));
      const wanted = Array.from({ length: 3 * RESERVED_IDS + run }, () => store.nextNonReplayableId(token(1, 0)));
      for (const result of await Promise.allSettled(wanted)) {
        if (result.status === "rejected") continue;
        expect(seen.has(result.value)).toBe(false);
        seen.add(result.value);
      }
    }
    expect(seen.size > 0).toBe(crashAfter > 0);
  }
});

test("reserving saves once for a range, a clean close gives the rest back", async () => {
  const place: MemoryPlace = { snapshot: null };
  let saves = 0;
  const counting = () => {
    const device = memoryStorage(place);
    return {
      load: () => device.load(),
      save(snapshot: Uint8Array) {
        saves++;
        return device.save(snapshot);
      },
    };
  };
  const store = await open(counting());
  store.addMasterToken(token(1, 0), sessionKeys(core));
  for (let i = 1; i <= RESERVED_IDS; i++) expect(await store.nextNonReplayableId(token(1, 0))).toBe(i);
  expect(saves).toBe(1);
  expect(await store.nextNonReplayableId(token(1, 0))).toBe(RESERVED_IDS + 1);
  expect(saves).toBe(2);
  const crashed = await open(counting());
  expect(await crashed.nextNonReplayableId(token(1, 0))).toBe(2 * RESERVED_IDS + 1);
  await crashed.close();
  const closed = await open(counting());
  expect(await closed.nextNonReplayableId(token(1, 0))).toBe(2 * RESERVED_IDS + 2);
});

test("two tabs over one place: ids never meet, and the second one's changes are refused", async () => {
  const place: MemoryPlace = { snapshot: null };
  const first = await open(memoryStorage(place));
  first.addMasterToken(token(1, 0), sessionKeys(core));
  await first.commit();
  const second = await open(memoryStorage(place));
  const ids = new Set<number>();
  const take = async (store: DeviceStore) => {
    for (let i = 0; i < RESERVED_IDS + 5; i++) ids.add(await store.nextNonReplayableId(token(1, 0)));
  };
  await expect(Promise.all([take(first), take(second)])).rejects.toMatchObject({ code: "STORE_CONFLICT" });
  await take(first);
  expect(ids.size).toBe(2 * (RESERVED_IDS + 5));
});
