// The device's store: tokens, leases, counters, service tokens, snapshots, files.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Core } from "../../src/core/core.ts";
import { loadCore } from "../../src/core/core-node.ts";
import { DeviceStore } from "../../src/store/device-store.ts";
import { fileStorage } from "../../src/store/file-storage-node.ts";
import type { StateStorage } from "../../src/store/snapshot-storage.ts";
import { isNewer } from "../../src/tokens/master-token.ts";
import { bytes, names, service, sessionKeys, token, userToken } from "./device-state-values.ts";

const M = 2 ** 53;
let core: Core;
const dir = mkdtempSync(join(tmpdir(), "tinymsl-store-"));
beforeAll(async () => {
  core = await loadCore();
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const keys = (seed = 1) => sessionKeys(core, seed);
const open = (storage: StateStorage | null = null) => DeviceStore.open(core, "device", storage);

test("CTL-10 the newest master token wins, across the wrap too", async () => {
  const store = await open();
  store.addMasterToken(token(1, 5), keys());
  store.addMasterToken(token(1, 7), keys());
  store.addMasterToken(token(1, 6), keys());
  expect(store.masterToken?.sequenceNumber).toBe(7);
  const newer = (a: number, b: number) => isNewer(token(1, a), token(1, b));
  expect([newer(1, 0), newer(0, M), newer(126, M), newer(127, M), newer(M, 127), newer(M, 126)]).toEqual([
    true,
    true,
    true,
    false,
    true,
    false,
  ]);
  expect(isNewer(token(1, 5, 101), token(1, 5, 100))).toBe(true);
  expect(isNewer(token(1, 5), token(1, 5))).toBe(false);
});

test("CTL-50 CTL-51 a retired token is invisible at once and leaves with its last lease", async () => {
  const store = await open();
  store.addMasterToken(token(1, 0), keys());
  const [a, b] = [store.lease()!, store.lease()!];
  store.addMasterToken(token(1, 1), keys(2));
  store.retire(a.masterToken);
  expect(store.masterToken?.sequenceNumber).toBe(1);
  expect(store.contextOf(a.masterToken)).not.toBeNull();
  a.release();
  a.release();
  expect(store.leaseCount).toBe(1);
  expect(store.contextOf(b.masterToken)).not.toBeNull();
  b.release();
  expect(store.contextOf(b.masterToken)).toBeNull();
  expect(store.sessionCount).toBe(1);
});

test("CTL-139 non-replayable ids: 1, 2, …, kept over renewal, gone with the last token of the serial number", async () => {
  const store = await open();
  store.addMasterToken(token(1, 0), keys());
  expect([await store.nextNonReplayableId(token(1, 0)), await store.nextNonReplayableId(token(1, 0))]).toEqual([1, 2]);
  store.addMasterToken(token(1, 1), keys());
  store.retire(token(1, 0));
  expect(await store.nextNonReplayableId(token(1, 1))).toBe(3);
  store.retire(token(1, 1));
  store.addMasterToken(token(1, 5), keys());
  expect(await store.nextNonReplayableId(token(1, 5))).toBe(1);
});

test("CTL-140 adding: all or none, equal tokens are replaced, bindings must be known", async () => {
  const store = await open();
  expect(() => store.addUserIdToken("u", userToken(3, 1))).toThrow(/USERIDTOKEN_MASTERTOKEN_NOT_FOUND/);
  store.addMasterToken(token(1, 0), keys());
  store.addUserIdToken("u", userToken(3, 1));
  expect(() => store.addServiceTokens([service("a", null, null), service("b", 2, null)])).toThrow(
    /SERVICETOKEN_MASTERTOKEN_NOT_FOUND/,
  );
  expect(() => store.addServiceTokens([service("a", null, null), service("b", 1, 4)])).toThrow(
    /SERVICETOKEN_USERIDTOKEN_NOT_FOUND/,
  );
  expect(store.serviceTokens(null, null)).toEqual([]);
  store.addServiceTokens([service("a", 1, null, bytes(1))]);
  store.addServiceTokens([service("a", 1, null, bytes(2))]);
  expect(store.serviceTokens(token(1, 0), null).map((t) => t.data)).toEqual([bytes(2)]);
});

test("CTL-141 CTL-142 the sets of reading and removing", async () => {
  const store = await open();
  store.addMasterToken(token(1, 0), keys());
  store.addUserIdToken("u", userToken(3, 1));
  const all = [service("x", null, null), service("x", 1, null), service("x", 1, 3), service("y", 1, 3)];
  store.addServiceTokens(all);
  expect(store.serviceTokens(null, null)).toHaveLength(1);
  expect(store.serviceTokens(token(1, 0), null)).toHaveLength(2);
  expect(store.serviceTokens(token(1, 0), userToken(3, 1))).toHaveLength(4);
  expect(() => store.serviceTokens(null, userToken(3, 1))).toThrow(/USERIDTOKEN_MASTERTOKEN_NULL/);
  expect(() => store.serviceTokens(token(2, 0), userToken(3, 1))).toThrow(/USERIDTOKEN_MASTERTOKEN_MISMATCH/);
  store.removeServiceTokens(null, null, null);
  store.removeServiceTokens("x", token(1, 0), null);
  expect(names(store.serviceTokens(token(1, 0), userToken(3, 1)))).toEqual(["x", "x", "y"]);
  store.removeServiceTokens("x", null, null);
  expect(names(store.serviceTokens(token(1, 0), userToken(3, 1)))).toEqual(["x", "y"]);
  store.removeServiceTokens("x", token(1, 0), userToken(3, 1));
  expect(names(store.serviceTokens(token(1, 0), userToken(3, 1)))).toEqual(["y"]);
});

test("CTL-143 removing one of two tokens of a serial number keeps what is bound; the last takes it along", async () => {
  const store = await open();
  store.addMasterToken(token(1, 0), keys());
  store.addMasterToken(token(1, 1), keys());
  store.addUserIdToken("u", userToken(3, 1));
  store.addServiceTokens([service("free", null, null), service("mt", 1, null), service("uit", 1, 3)]);
  store.retire(token(1, 0));
  expect(store.userIdToken("u")).not.toBeNull();
  store.retire(token(1, 1));
  expect(store.userIdToken("u")).toBeNull();
  expect(names(store.serviceTokens(token(1, 1), null))).toEqual(["free"]);
});

async function filled(storage: StateStorage): Promise<Uint8Array> {
  const store = await open(storage);
  store.addMasterToken(token(1, 4), keys(7));
  store.addUserIdToken("u", userToken(3, 1));
  store.addServiceTokens([service("free", null, null), service("uit", 1, 3)]);
  store.learnPeer({ formats: ["CBOR", "JSON"], keyxSchemes: ["ECDH"] });
  expect(await store.nextNonReplayableId(token(1, 4))).toBe(1);
  const mac = await store.contextOf(token(1, 4))!.sign(bytes(1, 2, 3), "JSON");
  await store.close();
  return mac;
}

test("CTL-144 a reloaded state has the same tokens, working keys and the next id", async () => {
  const path = join(dir, "state");
  const mac = await filled(fileStorage(path));
  const store = await open(fileStorage(path));
  expect(store.masterToken).toEqual({ ...token(1, 4), verified: null });
  expect(store.userIdToken("u")).toEqual(userToken(3, 1));
  expect(names(store.serviceTokens(token(1, 4), userToken(3, 1)))).toEqual(["free", "uit"]);
  expect(store.peer.formats).toEqual(["CBOR", "JSON"]);
  expect(await store.nextNonReplayableId(token(1, 4))).toBe(2);
  expect(await store.contextOf(token(1, 4))!.sign(bytes(1, 2, 3), "JSON")).toEqual(mac);
});

test("a snapshot cut or changed at any byte is refused as corrupt", async () => {
  let saved = new Uint8Array(0);
  await filled({ load: () => null, save: (snapshot) => void (saved = Uint8Array.from(snapshot)) });
  for (let n = 0; n < saved.length; n++) {
    await expect(open({ load: () => saved.slice(0, n), save() {} }), `cut at ${n}`).rejects.toMatchObject({
      code: "STORE_CORRUPT",
    });
    const bad = saved.slice();
    bad[n]! ^= 1 << (n % 8);
    await expect(open({ load: () => bad, save() {} }), `changed at ${n}`).rejects.toMatchObject({
      code: "STORE_CORRUPT",
    });
  }
});

test("a save that is cut at any byte leaves the old state", async () => {
  const path = join(dir, "cut");
  await filled(fileStorage(path));
  const whole = readFileSync(path);
  for (let n = 0; n <= whole.length; n += 7) {
    writeFileSync(`${path}.new`, whole.subarray(0, n));
    expect((await open(fileStorage(path))).masterToken?.sequenceNumber).toBe(4);
  }
});

test("a failed save surfaces, and the id that it was to protect is not given", async () => {
  let works = true;
  const store = await open({
    load: () => null,
    save() {
      if (!works) throw new Error("disk full");
    },
  });
  store.addMasterToken(token(1, 0), keys());
  await store.commit();
  works = false;
  await expect(store.nextNonReplayableId(token(1, 0))).rejects.toMatchObject({ code: "STORE_FAILED" });
});

test("encryption at rest hides session keys and notices a change", async () => {
  const plain = join(dir, "plain");
  const sealed = join(dir, "sealed");
  const key = () => new Uint8Array(32).fill(9);
  await filled(fileStorage(plain));
  await filled(fileStorage(sealed, { encryption: { core, key: key() } }));
  const secret = Buffer.alloc(16, 7);
  expect(readFileSync(plain).includes(secret)).toBe(true);
  expect(readFileSync(sealed).includes(secret)).toBe(false);
  expect((await open(fileStorage(sealed, { encryption: { core, key: key() } }))).masterToken?.sequenceNumber).toBe(4);
  await expect(open(fileStorage(sealed, { encryption: { core, key: new Uint8Array(32) } }))).rejects.toMatchObject({
    code: "STORE_CORRUPT",
  });
  const bad = readFileSync(sealed);
  bad[bad.length >> 1]! ^= 1;
  writeFileSync(sealed, bad);
  await expect(open(fileStorage(sealed, { encryption: { core, key: key() } }))).rejects.toMatchObject({
    code: "STORE_CORRUPT",
  });
  expect(existsSync(`${sealed}.new`)).toBe(false);
});

test("clearing keeps unbound service tokens only, and forgets ids", async () => {
  const store = await open();
  store.addMasterToken(token(1, 0), keys());
  store.addUserIdToken("u", userToken(3, 1));
  store.addServiceTokens([service("free", null, null), service("mt", 1, null), service("uit", 1, 3)]);
  expect(await store.nextNonReplayableId(token(1, 0))).toBe(1);
  store.clear();
  expect([store.masterToken, store.userIds, store.sessionCount]).toEqual([null, [], 0]);
  expect(names(store.serviceTokens(null, null))).toEqual(["free"]);
  store.addMasterToken(token(1, 0), keys());
  expect(await store.nextNonReplayableId(token(1, 0))).toBe(1);
});
