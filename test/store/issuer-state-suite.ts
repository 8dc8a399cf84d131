// The suite that every implementation of the issuer's state passes, a fleet's database too: call `issuerStateSuite` with
// a function that opens fresh, empty state and, where several servers share it, another handle on the same state.

import { expect, test } from "vitest";
import type { IssuerState, LineKind, ReplayMode } from "../../src/tokens/issuer-state.ts";

const M = 2 ** 53;
const LATER = 2_000_000_000;

export interface StateUnderTest {
  readonly state: IssuerState;
  /** Another handle on the same state; itself where one process alone may open it. */
  again(): Promise<IssuerState>;
}

export const start = (state: IssuerState, identity: string, serialNumber: number, kind: LineKind = "authenticated") =>
  state.startLine({ identity, kind, serialNumber, keepUntil: LATER });
export const renew = (state: IssuerState, identity: string, serialNumber: number, sequenceNumber: number) =>
  state.renewLine({ identity, serialNumber, sequenceNumber, keepUntil: LATER });
export const accept = (
  state: IssuerState,
  identity: string,
  serialNumber: number,
  id: number,
  mode: ReplayMode = "window",
  needsLine = false,
) => state.acceptNonReplayableId({ identity, serialNumber, id, mode, needsLine, keepUntil: LATER });

/** Brings the replay state of ("e", 1) to `newest`, in steps that the rule accepts. */
async function bringTo(state: IssuerState, newest: number, mode: ReplayMode): Promise<void> {
  for (let at = 0; at < newest; ) {
    at = Math.min(newest, at + 65536);
    expect(await accept(state, "e", 1, at, mode)).toBe("ok");
  }
}

export function issuerStateSuite(open: () => Promise<StateUnderTest>): void {
  test("lines: newest or parent renews, others do not, a gap of five ends it", async () => {
    const { state } = await open();
    expect(await state.readLine("e", 7)).toBeNull();
    expect(await renew(state, "e", 7, 0)).toBeNull();
    await start(state, "e", 7);
    expect(await renew(state, "e", 8, 0)).toBeNull();
    expect(await renew(state, "f", 7, 0)).toBeNull();
    expect(await renew(state, "e", 7, 0)).toBe(1);
    // The answer was lost: the old token renews again, up to a gap of five.
    for (const next of [2, 3, 4, 5]) expect(await renew(state, "e", 7, 0)).toBe(next);
    expect(await renew(state, "e", 7, 0)).toBeNull();
    expect(await state.readLine("e", 7)).toEqual({ serialNumber: 7, newest: 5, parent: 0 });
    await start(state, "e", 9);
    expect(await state.readLine("e", 7)).toBeNull();
    expect(await renew(state, "e", 7, 5)).toBeNull();
    expect(await renew(state, "e", 9, 0)).toBe(1);
    expect(await renew(state, "e", 9, 1)).toBe(2);
    expect(await renew(state, "e", 9, 0)).toBeNull();
    await state.close();
  });

  test("a claimed identity never touches the line of a proved one", async () => {
    const { state } = await open();
    await start(state, "e", 7);
    expect(await renew(state, "e", 7, 0)).toBe(1);
    expect(await accept(state, "e", 7, 5, "window", true)).toBe("ok");
    await start(state, "e", 8, "anonymous");
    expect(await state.readLine("e", 7)).toEqual({ serialNumber: 7, newest: 1, parent: 0 });
    expect(await accept(state, "e", 7, 5, "window", true)).toBe("replayed");
    expect(await renew(state, "e", 8, 0)).toBe(1);
    expect(await renew(state, "e", 7, 1)).toBe(2);
    expect((await state.readLines("e")).map((line) => line.serialNumber).sort()).toEqual([7, 8]);
    await start(state, "e", 9, "anonymous");
    expect((await state.readLines("e")).map((line) => line.serialNumber).sort()).toEqual([7, 9]);
    expect(await state.readLines("f")).toEqual([]);
    await state.close();
  });

  test("of fifty simultaneous renewals each gets a sequence number of its own, until the gap of five", async () => {
    const { state, again } = await open();
    await start(state, "e", 7);
    const handles = [state, await again(), await again()];
    const all = await Promise.all(Array.from({ length: 50 }, (_, i) => renew(handles[i % 3]!, "e", 7, 0)));
    expect(all.filter((next) => next !== null).sort()).toEqual([1, 2, 3, 4, 5]);
    for (const handle of new Set(handles)) await handle.close();
  });

  test("CTL-102 strict: ids up to 5 behind are replays, older and far ones unrecoverable", async () => {
    const { state } = await open();
    const ask = (id: number) => accept(state, "e", 1, id, "strict");
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
    const { state } = await open();
    const ask = (id: number) => accept(state, "e", 1, id);
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
    // Another serial number or identity has its own ids, and they do not disturb each other.
    expect(await accept(state, "e", 2, 1)).toBe("ok");
    expect(await accept(state, "f", 1, 1)).toBe("ok");
    expect(await ask(101)).toBe("replayed");
    expect(await accept(state, "e", 2, 1)).toBe("replayed");
    await state.close();
  });

  test("ids of a serial number without a line are refused where lines are kept", async () => {
    const { state } = await open();
    expect(await accept(state, "e", 1, 1, "window", true)).toBe("unrecoverable");
    await start(state, "e", 1);
    expect(await accept(state, "e", 1, 1, "window", true)).toBe("ok");
    // A renewal keeps the serial number and its ids; a new line has another serial number.
    expect(await renew(state, "e", 1, 0)).toBe(1);
    expect(await accept(state, "e", 1, 1, "window", true)).toBe("replayed");
    await start(state, "e", 2);
    expect(await accept(state, "e", 1, 2, "window", true)).toBe("unrecoverable");
    await state.close();
  });

  test("CTL-103 of a hundred simultaneous uses of one id exactly one is accepted", async () => {
    const { state, again } = await open();
    const handles = [state, await again()];
    const all = await Promise.all(Array.from({ length: 100 }, (_, i) => accept(handles[i % 2]!, "e", 1, 5)));
    expect(all.filter((verdict) => verdict === "ok")).toHaveLength(1);
    for (const handle of new Set(handles)) await handle.close();
  });

  test("revocations of entities and master tokens hold until they are taken back", async () => {
    const { state } = await open();
    expect(await state.isEntityRevoked("e")).toBe(false);
    expect(await state.entityStanding("e", 5)).toBe("good");
    await state.revokeMasterToken(5);
    expect(await state.entityStanding("e", 5)).toBe("token-revoked");
    expect(await state.entityStanding("e", 6)).toBe("good");
    await state.revokeEntity("e");
    await state.revokeEntity("e");
    expect(await state.isEntityRevoked("e")).toBe(true);
    expect(await state.entityStanding("e", 6)).toBe("entity-revoked");
    expect(await state.entityStanding("f", 6)).toBe("good");
    await state.restoreEntity("e");
    expect(await state.isEntityRevoked("e")).toBe(false);
    expect(await state.entityStanding("e", 5)).toBe("token-revoked");
    await state.close();
  });

  test("revocations of users and their tokens, and demanded logins", async () => {
    const { state } = await open();
    const good = { isUserRevoked: false, isTokenRevoked: false, generation: 0 };
    expect(await state.userStanding("u", M)).toEqual(good);
    await state.revokeUserIdToken(M);
    expect(await state.userStanding("u", M)).toEqual({ ...good, isTokenRevoked: true });
    expect(await state.userStanding("u", 1)).toEqual(good);
    await state.demandLogin("u");
    await state.demandLogin("u");
    await state.revokeUser("u");
    expect(await state.userStanding("u", 1)).toEqual({ isUserRevoked: true, isTokenRevoked: false, generation: 2 });
    await state.restoreUser("u");
    expect(await state.userStanding("u", 1)).toEqual({ ...good, generation: 2 });
    expect(await state.userStanding("v", 1)).toEqual(good);
    await state.close();
  });
}
