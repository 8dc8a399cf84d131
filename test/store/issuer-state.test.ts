// One suite over both implementations of the issuer's state, and what only the file has: restart, cut logs, damage.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openIssuerFile } from "../../src/store/issuer-file-node.ts";
import { IssuerMemory } from "../../src/store/issuer-memory.ts";
import type { IssuerState } from "../../src/tokens/issuer-state.ts";

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

const IMPLEMENTATIONS: [string, () => Promise<IssuerState>][] = [
  ["memory", async () => new IssuerMemory()],
  ["file", () => openIssuerFile(folder())],
];

/** Brings the replay state of (id, serial) to `newest`, in steps that the rule accepts. */
async function bringTo(state: IssuerState, newest: number, mode: "strict" | "window"): Promise<void> {
  let at = 0;
  if (newest > 1e6) {
    // Too far to walk: from the top, over the wrap's other side.
    throw new Error("set by records instead");
  }
  while (at < newest) {
    at = Math.min(newest, at + 65536);
    expect(await state.acceptNonReplayableId("e", 1, at, mode)).toBe("ok");
  }
}

describe.each(IMPLEMENTATIONS)("%s", (_name, open) => {
  test("lines: newest or parent renews, others do not, a gap of five ends it", async () => {
    const state = await open();
    expect(await state.readLine("e")).toBeNull();
    expect(await state.renewLine("e", 7, 0)).toBeNull();
    await state.startLine("e", 7);
    expect(await state.renewLine("e", 8, 0)).toBeNull();
    expect(await state.renewLine("e", 7, 0)).toBe(1);
    // The answer was lost: the old token renews again, up to a gap of five.
    for (const next of [2, 3, 4, 5]) expect(await state.renewLine("e", 7, 0)).toBe(next);
    expect(await state.renewLine("e", 7, 0)).toBeNull();
    expect(await state.readLine("e")).toEqual({ serialNumber: 7, newest: 5, parent: 0 });
    await state.startLine("e", 9);
    expect(await state.renewLine("e", 7, 5)).toBeNull();
    expect(await state.renewLine("e", 9, 0)).toBe(1);
    expect(await state.renewLine("e", 9, 1)).toBe(2);
    expect(await state.renewLine("e", 9, 0)).toBeNull();
    await state.close();
  });

  test("CTL-102 strict: ids up to 5 behind are replays, older and far ones unrecoverable", async () => {
    const state = await open();
    const ask = (id: number) => state.acceptNonReplayableId("e", 1, id, "strict");
    expect(await ask(0)).toBe("replayed");
    expect(await ask(65537)).toBe("unrecoverable");
    await bringTo(state, 100, "strict");
    for (const id of [95, 96, 99, 100]) expect(await ask(id)).toBe("replayed");
    for (const id of [93, 94, 65637]) expect(await ask(id)).toBe("unrecoverable");
    expect(await ask(65636)).toBe("ok");
    expect(await ask(65637)).toBe("ok");
    await state.close();
  });

  test("CTL-102 window: 64 unseen ids behind are accepted once", async () => {
    const state = await open();
    const ask = (id: number) => state.acceptNonReplayableId("e", 1, id, "window");
    expect(await ask(0)).toBe("replayed");
    await bringTo(state, 100, "window");
    for (const id of [99, 36, 70]) {
      expect(await ask(id)).toBe("ok");
      expect(await ask(id)).toBe("replayed");
    }
    expect(await ask(35)).toBe("unrecoverable");
    expect(await ask(100)).toBe("replayed");
    expect(await ask(65637)).toBe("unrecoverable");
    expect(await ask(101)).toBe("ok");
    expect(await ask(36)).toBe("unrecoverable");
    expect(await ask(37)).toBe("ok");
    expect(await ask(M)).toBe("unrecoverable");
    // Another serial number or identity has its own ids.
    expect(await state.acceptNonReplayableId("e", 2, 1, "window")).toBe("ok");
    expect(await state.acceptNonReplayableId("f", 1, 1, "window")).toBe("ok");
    await state.close();
  });

  test("CTL-103 of a hundred simultaneous uses of one id exactly one is accepted", async () => {
    const state = await open();
    const all = await Promise.all(Array.from({ length: 100 }, () => state.acceptNonReplayableId("e", 1, 5, "window")));
    expect(all.filter((verdict) => verdict === "ok")).toHaveLength(1);
    await state.close();
  });

  test("revocations hold", async () => {
    const state = await open();
    expect(await state.isEntityRevoked("e")).toBe(false);
    await state.revokeEntity("e");
    await state.revokeMasterToken(5);
    await state.revokeUserIdToken(M);
    expect(await state.isEntityRevoked("e")).toBe(true);
    expect([await state.isMasterTokenRevoked(5), await state.isMasterTokenRevoked(6)]).toEqual([true, false]);
    expect(await state.isUserIdTokenRevoked(M)).toBe(true);
    await state.close();
  });
});

test("ids wrap from 2^53 to 0 in both modes", () => {
  for (const mode of ["strict", "window"] as const) {
    const state = new IssuerMemory({
      records: {
        identities: new Map([
          ["e", { line: null, replay: { serialNumber: 1, state: { newest: M, low: 0, high: 0 } } }],
        ]),
        revokedEntities: new Set(),
        revokedMasterTokens: new Set(),
        revokedUserIdTokens: new Set(),
      },
    });
    expect(state.acceptNonReplayableId("e", 1, M, mode)).toBe("replayed");
    expect(state.acceptNonReplayableId("e", 1, 65_536, mode)).toBe(
      mode === "strict" ? "unrecoverable" : "unrecoverable",
    );
    expect(state.acceptNonReplayableId("e", 1, 0, mode)).toBe("ok");
    if (mode === "window") expect(state.acceptNonReplayableId("e", 1, M - 1, mode)).toBe("ok");
  }
});

test("identities are bounded: the one used longest ago is forgotten", () => {
  const state = new IssuerMemory({ maxIdentities: 3 });
  for (const identity of ["a", "b", "c", "a", "d"]) state.startLine(identity, 1);
  expect(["a", "b", "c", "d"].map((identity) => state.readLine(identity) !== null)).toEqual([true, false, true, true]);
});

describe("the file", () => {
  async function filled(dir: string): Promise<void> {
    const state = await openIssuerFile(dir);
    await state.startLine("device", 42);
    await state.renewLine("device", 42, 0);
    await state.acceptNonReplayableId("device", 42, 3, "window");
    await state.revokeEntity("gone");
    await state.close();
  }

  test("everything survives a restart", async () => {
    const dir = folder();
    await filled(dir);
    const state = await openIssuerFile(dir);
    expect(await state.readLine("device")).toEqual({ serialNumber: 42, newest: 1, parent: 0 });
    expect(await state.acceptNonReplayableId("device", 42, 3, "window")).toBe("replayed");
    expect(await state.acceptNonReplayableId("device", 42, 2, "window")).toBe("ok");
    expect(await state.isEntityRevoked("gone")).toBe(true);
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
      const line = await state.readLine("device");
      const revoked = await state.isEntityRevoked("gone");
      seen.add(JSON.stringify([line?.newest ?? null, revoked]));
      await state.startLine("other", 1);
      await state.close();
      const again = await openIssuerFile(cut);
      expect(await again.readLine("other")).toEqual({ serialNumber: 1, newest: 0, parent: null });
      expect(await again.readLine("device")).toEqual(line);
      await again.close();
    }
    expect([...seen]).toEqual(["[null,false]", "[0,false]", "[1,false]", "[1,true]"]);
  });

  test("a damaged snapshot is refused, never half read", async () => {
    const dir = folder();
    writeFileSync(join(dir, "issuer.state"), Buffer.alloc(50, 7));
    await expect(openIssuerFile(dir)).rejects.toMatchObject({ code: "STORE_CORRUPT" });
  });
});
