// Versions of the stored state: what format 1 wrote is read, what a newer one wrote is refused and left alone.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Core, SESSION_MAC } from "../../src/core/core.ts";
import { loadCore } from "../../src/core/core-node.ts";
import { DeviceStore } from "../../src/store/device-store.ts";
import { fileStorage } from "../../src/store/file-storage-node.ts";
import { memoryStorage } from "../../src/store/memory-storage.ts";
import { bytes, names, sessionKeys, token, userToken } from "./device-state-values.ts";

let core: Core;
const dir = mkdtempSync(join(tmpdir(), "tinymsl-snapshot-"));
beforeAll(async () => {
  core = await loadCore();
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const fixture = (name: string) => new Uint8Array(readFileSync(join(import.meta.dirname, "fixtures", name)));

test.each([["state-1-plain.bin"], ["state-1-encrypted.bin"]])(
  "state of format 1 is read and goes on: %s",
  async (name) => {
    const path = join(dir, name);
    writeFileSync(path, fixture(name));
    const encryption = () => (name.includes("encrypted") ? { core, key: new Uint8Array(32).fill(9) } : null);
    const open = () => DeviceStore.open(core, "device", fileStorage(path, { encryption: encryption() }));
    const store = await open();
    expect(store.masterToken).toEqual(token(1, 4));
    expect(store.userIdToken("u")).toEqual(userToken(3, 1));
    expect(names(store.serviceTokens(token(1, 4), userToken(3, 1)))).toEqual(["free", "uit"]);
    expect(store.peer).toEqual({ formats: ["CBOR", "JSON"], keyxSchemes: ["ECDH"] });
    const mac = core.importKey(SESSION_MAC, new Uint8Array(32).fill(107));
    const signature = await store.contextOf(token(1, 4))!.sign(bytes(1, 2, 3), "JSON");
    expect(signature).toEqual(core.hmacSign(mac, bytes(1, 2, 3)));
    expect(await store.nextNonReplayableId(token(1, 4))).toBe(3);
    await store.close();
    expect(readFileSync(path)).not.toEqual(Buffer.from(fixture(name)));
    expect(await (await open()).nextNonReplayableId(token(1, 4))).toBe(4);
  },
);

test("state of a newer format is refused with its own error and not overwritten", async () => {
  const place = { snapshot: null as Uint8Array | null };
  const store = await DeviceStore.open(core, "device", memoryStorage(place));
  store.addMasterToken(token(1, 4), sessionKeys(core));
  await store.commit();
  const saved = place.snapshot!;
  // The format number is the map's first value: one byte behind the name "format".
  const at = Buffer.from(saved).indexOf("format") + 6;
  expect(saved[at]).toBe(2);
  saved[at] = 3;
  saved.set(core.sha256(saved.subarray(32)));
  const kept = saved.slice();
  await expect(DeviceStore.open(core, "device", memoryStorage(place))).rejects.toMatchObject({
    name: "MslLocalError",
    code: "STORE_TOO_NEW",
  });
  expect(place.snapshot).toEqual(kept);
});

test("state names its network: another one is refused, state without a name is taken over", async () => {
  const place = { snapshot: null as Uint8Array | null };
  const start = (network: string | null) => DeviceStore.open(core, "device", memoryStorage(place), { network });
  const unnamed = await start(null);
  unnamed.addMasterToken(token(1, 0), sessionKeys(core));
  await unnamed.commit();
  const named = await start("one");
  expect(named.masterToken).not.toBeNull();
  await named.commit();
  const before = place.snapshot!.slice();
  await expect(start("two")).rejects.toMatchObject({ name: "MslLocalError", code: "STORE_MISMATCH" });
  expect(place.snapshot).toEqual(before);
  expect((await start("one")).masterToken).not.toBeNull();
});

test.each([[null], [[]], [["ECDH"]]])("what a peer can is kept, and whether it said so: %j", async (keyxSchemes) => {
  const place = { snapshot: null as Uint8Array | null };
  const store = await DeviceStore.open(core, "device", memoryStorage(place));
  expect(store.peer).toEqual({ formats: [], keyxSchemes: null });
  const peer = { formats: ["JSON"], keyxSchemes } as const;
  store.learnPeer(peer);
  await store.commit();
  expect((await DeviceStore.open(core, "device", memoryStorage(place))).peer).toEqual(peer);
});
