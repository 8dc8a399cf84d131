// Attacks by repetition: messages replayed at once, later, elsewhere and after a restart; tokens of older lines and clones.

import { copyFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openIssuerFile } from "../../src/store/issuer-file-node.ts";
import type { VerifiedMasterToken } from "../../src/tokens/master-token.ts";
import { codeOf, FORMATS, HEADER, issue, keyRequests, message, outcome } from "../conformance/kit.ts";
import { World } from "../scenario/world.ts";

const folders: string[] = [];
const folder = () => {
  const made = mkdtempSync(join(tmpdir(), "msl-replay-"));
  folders.push(made);
  return made;
};
afterAll(() => {
  for (const made of folders) rmSync(made, { recursive: true, force: true });
});

const REPLAYED = "MESSAGE_REPLAYED";
const LOST = "MESSAGE_REPLAYED_UNRECOVERABLE";
/** Due for renewal at once. */
const DUE = { renewSec: -10, expireSec: 1000 };

describe.each(FORMATS)("%s", (format) => {
  const numbered = (masterToken: VerifiedMasterToken, id: number) =>
    message(format, { masterToken }, { ...HEADER, nonreplayableid: id });

  test("ids: the first within 65536 of 0, 65536 ahead of the largest, 64 unseen behind it, each once", async () => {
    const rows: [id: number, code: string][][] = [
      [
        [0, REPLAYED],
        [65_537, LOST],
        [2 ** 53, REPLAYED],
        [65_536, "accepted"],
        [65_536, REPLAYED],
        [131_073, LOST],
        [131_072, "accepted"],
        [131_072 - 64, "accepted"],
        [131_072 - 64, REPLAYED],
        [131_072 - 65, LOST],
        [65_536, LOST],
        [1, LOST],
      ],
      [
        [1, "accepted"],
        [0, REPLAYED],
        [1, REPLAYED],
        [4, "accepted"],
        [3, "accepted"],
        [3, REPLAYED],
        [2, "accepted"],
        [1, REPLAYED],
        [2, REPLAYED],
        [4, REPLAYED],
        [5, "accepted"],
      ],
    ];
    for (const steps of rows) {
      const world = await World.create();
      const token = await issue(world);
      for (const [id, code] of steps) {
        expect([id, await codeOf(world, await numbered(token, id))]).toEqual([id, code]);
      }
      // The ids of another session are its own.
      expect(await codeOf(world, await numbered(await issue(world, undefined, "device-2"), 1))).toBe("accepted");
    }
  });

  test("one message sent twenty times at once is accepted once; without an id it is accepted each time", async () => {
    const world = await World.create();
    const bytes = await numbered(await issue(world), 1);
    const plain = await message(format, { masterToken: await issue(world, undefined, "device-2") }, HEADER);
    const codes = async (wire: Uint8Array) => {
      const from = world.reports.length;
      await Promise.all(Array.from({ length: 20 }, () => world.post(wire)));
      const out = world.reports.slice(from).filter(({ direction }) => direction === "out");
      return out.map(({ error }) => error?.code ?? "accepted").sort();
    };
    expect(await codes(bytes)).toEqual([...Array(19).fill(REPLAYED), "accepted"]);
    expect(await codes(plain)).toEqual(Array(20).fill("accepted"));
  });

  test("a message of before a crash is known after it: its id is on disk before the answer leaves", async () => {
    const place = folder();
    const state = await openIssuerFile(place);
    const world = await World.create({ state });
    const token = await issue(world);
    const first = await numbered(token, 1);
    expect(await codeOf(world, first)).toBe("accepted");
    // What the disk holds now, as a process finds it that starts after this one was killed.
    const crashed = folder();
    const kept = readdirSync(place).filter((name) => name.startsWith("issuer."));
    for (const name of kept) copyFileSync(join(place, name), join(crashed, name));
    expect(kept.length).toBeGreaterThan(0);
    const again = await openIssuerFile(crashed);
    const restarted = await World.create({ state: again });
    expect(await codeOf(restarted, first)).toBe(REPLAYED);
    expect(await codeOf(restarted, await numbered(token, 2))).toBe("accepted");
    await again.close();
    await state.close();
  });

  test("without the state of its line no message passes for new, and the device starts a new line", async () => {
    const world = await World.create();
    const device = await world.device({ firstFormat: format });
    const once = { body: "x", nonReplayable: true };
    await (await device.request({ body: "x" })).text();
    await (await device.request(once)).text();
    const recorded = world.wire.at(-1)!.request;
    const token = device.session.masterToken;
    const empty = await World.create();
    expect(await codeOf(empty, recorded)).toBe(LOST);
    world.post = (...parts) => empty.post(...parts);
    expect(await (await device.request(once)).text()).toBe("ECHO:x");
    expect(device.session.masterToken?.serialNumber).not.toBe(token?.serialNumber);
    expect(await codeOf(empty, recorded)).toBe(LOST);
  });

  test("a token of an older line is not renewed, whatever its sequence number", async () => {
    const world = await World.create();
    const fields = { ...HEADER, renewable: true, keyrequestdata: await keyRequests(world) };
    const renewing = async (masterToken: VerifiedMasterToken) =>
      outcome(world, await message(format, { masterToken }, fields));
    const old = await issue(world, DUE);
    const current = await issue(world, DUE);
    expect([old.sequenceNumber, current.sequenceNumber]).toEqual([0, 0]);
    expect((await renewing(old)).code).toBe("MASTERTOKEN_SEQUENCE_NUMBER_OUT_OF_SYNC");
    const { code, reply } = await renewing(current);
    expect(code).toBe("accepted");
    expect(reply.issued).toMatchObject({ sequenceNumber: 1, serialNumber: current.serialNumber });
    expect((await renewing(old)).code).toBe("MASTERTOKEN_SEQUENCE_NUMBER_OUT_OF_SYNC");
    // Nor does it get ids accepted.
    expect(await codeOf(world, await numbered(old, 1))).toBe(LOST);
    expect(await codeOf(world, await numbered(current, 1))).toBe("accepted");
  });

  test("of a device and its clone one falls out of the line at its next renewal", async () => {
    const world = await World.create({ issuer: { masterTokenLife: DUE } });
    const fields = { ...HEADER, renewable: true, keyrequestdata: await keyRequests(world) };
    const renewing = async (masterToken: VerifiedMasterToken) =>
      outcome(world, await message(format, { masterToken }, fields));
    const shared = await issue(world, DUE);
    const mine = (await renewing(shared)).reply.issued!;
    const clones = (await renewing(shared)).reply.issued!;
    expect([mine.sequenceNumber, clones.sequenceNumber]).toEqual([1, 2]);
    expect((await renewing(mine)).code).toBe("MASTERTOKEN_SEQUENCE_NUMBER_OUT_OF_SYNC");
    expect((await renewing(clones)).code).toBe("accepted");
  });
});
