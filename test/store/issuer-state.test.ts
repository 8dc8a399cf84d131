// The issuer's state in memory and in a file: the shared suite, and what only one of them has.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { encodeObject } from "../../src/encoding/codec.ts";
import { openIssuerFile } from "../../src/store/issuer-file-node.ts";
import { readChanges } from "../../src/store/issuer-records.ts";
import { IssuerMemory } from "../../src/store/issuer-memory.ts";
import { accept, issuerStateSuite, renew, start, type StateUnderTest } from "./issuer-state-suite.ts";

const M = 2 ** 53;
const folders: string[] = [];
const folder = () => {
  const made = mkdtempSync(join(tmpdir(), "tinymsl-issuer-"));
  folders.push(made);
  return made;
};
afterAll(() => {
  for (const made of folders) rmSync(made, { recursive: true, force: true });
});

const alone = (state: StateUnderTest["state"]): StateUnderTest => ({ state, again: async () => state });

describe("memory", () => {
  issuerStateSuite(async () => alone(new IssuerMemory()));
});

describe("file", () => {
  issuerStateSuite(async () => alone(await openIssuerFile(folder())));
});

test.each(["strict", "window"] as const)("ids wrap from 2^53 to 0: %s", (mode) => {
  const state = new IssuerMemory();
  state.apply({ kind: "stray", identity: "e", serialNumber: 1, replay: { newest: M, low: 0, high: 0 } });
  expect(accept(state, "e", 1, M, mode)).toBe("replayed");
  expect(accept(state, "e", 1, 65_536, mode)).toBe("unrecoverable");
  expect(accept(state, "e", 1, 0, mode)).toBe("ok");
  if (mode === "window") expect(accept(state, "e", 1, M - 1, mode)).toBe("ok");
});

test("identities are bounded: the one used longest ago is forgotten, and its ids are refused", () => {
  const state = new IssuerMemory({ maxIdentities: 3, maxAnonymous: 2 });
  for (const [i, identity] of ["a", "b", "c", "a", "d"].entries()) start(state, identity, i);
  expect(["a", "b", "c", "d"].map((identity) => state.readLines(identity).length)).toEqual([1, 0, 1, 1]);
  expect(accept(state, "b", 1, 1, "window", true)).toBe("unrecoverable");
  // A flood of claimed identities pushes out none that were proved.
  for (let i = 0; i < 100; i++) start(state, `guest-${i}`, 1000 + i, "anonymous");
  expect(["a", "c", "d"].map((identity) => state.readLines(identity).length)).toEqual([1, 1, 1]);
  expect([97, 98, 99].map((i) => state.readLines(`guest-${i}`).length)).toEqual([0, 1, 1]);
});

describe("the file", () => {
  async function filled(dir: string): Promise<void> {
    const state = await openIssuerFile(dir);
    await start(state, "device", 42);
    await renew(state, "device", 42, 0);
    await accept(state, "device", 42, 3);
    await state.revokeEntity("gone");
    await state.demandLogin("user");
    await state.close();
  }

  test("everything survives a restart", async () => {
    const dir = folder();
    await filled(dir);
    const before = await openIssuerFile(dir);
    await start(before, "device", 43, "anonymous");
    await accept(before, "stray", 1, 9);
    await before.revokeMasterToken(5);
    await before.revokeUserIdToken(6);
    await before.revokeUser("other");
    await before.revokeEntity("back");
    await before.restoreEntity("back");
    await before.close();
    const state = await openIssuerFile(dir);
    expect(await state.readLine("device", 42)).toEqual({ serialNumber: 42, newest: 1, parent: 0 });
    expect(await state.readLine("device", 43)).toEqual({ serialNumber: 43, newest: 0, parent: null });
    expect(await accept(state, "device", 42, 3)).toBe("replayed");
    expect(await accept(state, "device", 42, 2)).toBe("ok");
    expect(await accept(state, "stray", 1, 9)).toBe("replayed");
    expect([await state.isEntityRevoked("gone"), await state.isEntityRevoked("back")]).toEqual([true, false]);
    expect(await state.entityStanding("device", 5)).toBe("token-revoked");
    expect(await state.userStanding("user", 6)).toEqual({ isUserRevoked: false, isTokenRevoked: true, generation: 1 });
    expect((await state.userStanding("other", 1)).isUserRevoked).toBe(true);
    await state.close();
  });

  test("a log cut at any byte is read up to its last whole change, and goes on from there", async () => {
    const dir = folder();
    await filled(dir);
    const log = readFileSync(join(dir, "issuer.log"));
    const seen = new Set<string>();
    for (let length = 0; length <= log.length; length++) {
      const cut = folder();
      writeFileSync(join(cut, "issuer.log"), log.subarray(0, length));
      const state = await openIssuerFile(cut);
      const line = await state.readLine("device", 42);
      const revoked = await state.isEntityRevoked("gone");
      seen.add(JSON.stringify([line?.newest ?? null, revoked]));
      await start(state, "other", 1);
      await state.close();
      const again = await openIssuerFile(cut);
      expect(await again.readLine("other", 1)).toEqual({ serialNumber: 1, newest: 0, parent: null });
      expect(await again.readLine("device", 42)).toEqual(line);
      await again.close();
    }
    expect([...seen]).toEqual(["[null,false]", "[0,false]", "[1,false]", "[1,true]"]);
  });

  test("a damaged snapshot is refused, and so is one of a newer version", async () => {
    const dir = folder();
    writeFileSync(join(dir, "issuer.state"), Buffer.alloc(50, 7));
    await expect(openIssuerFile(dir)).rejects.toMatchObject({ code: "STORE_CORRUPT" });
  });

  test("state of format 1 is read", () => {
    const old = (fields: Parameters<typeof encodeObject>[1]) => readChanges(encodeObject("CBOR", fields));
    const line = { serialnumber: 42, newest: 3, parent: 2 };
    const replay = { serialnumber: 42, newest: 7, low: 1, high: 0 };
    expect(old({ kind: "identity", identity: "d", line, replay })).toEqual([
      {
        kind: "authenticated",
        identity: "d",
        record: {
          line: { serialNumber: 42, newest: 3, parent: 2 },
          replay: { newest: 7, low: 1, high: 0 },
        },
      },
    ]);
    expect(old({ kind: "identity", identity: "d", line: null, replay })).toEqual([
      { kind: "stray", identity: "d", serialNumber: 42, replay: { newest: 7, low: 1, high: 0 } },
    ]);
    expect(old({ kind: "entity", identity: "gone" })).toEqual([{ kind: "entity", identity: "gone", isRevoked: true }]);
    expect(old({ kind: "master", serialnumber: 5 })).toEqual([{ kind: "master-token", serialNumber: 5 }]);
    expect(old({ kind: "user", serialnumber: 6 })).toEqual([{ kind: "user-id-token", serialNumber: 6 }]);
    expect(() => old({ kind: "future" })).toThrow("MSL_PARSE_ERROR");
  });
});
