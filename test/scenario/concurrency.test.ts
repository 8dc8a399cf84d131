// Many requests at a time against several servers that share their state: in memory and in a file, with and without
// random failures.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { MslClient, RequestInit } from "../../src/control/api.ts";
import { psk } from "../../src/entity-auth/psk.ts";
import type { MslErrorCode } from "../../src/errors/codes.ts";
import { MslError } from "../../src/errors/msl-error.ts";
import type { Transport } from "../../src/platform/transport.ts";
import { IssuerMemory } from "../../src/store/issuer-memory.ts";
import { openIssuerFile } from "../../src/store/issuer-file-node.ts";
import type { IssuerState } from "../../src/tokens/issuer-state.ts";
import type { IssuerConfig } from "../../src/tokens/token-issuer.ts";
import { loopbackTransport } from "../../src/transport/loopback.ts";
import { countKeys, watch } from "../model/observed.ts";
import { clock, user, World } from "./world.ts";

const folders: string[] = [];
const states: IssuerState[] = [];

afterEach(async () => {
  for (const state of states.splice(0)) await state.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

async function stateOf(kind: "memory" | "file"): Promise<IssuerState> {
  if (kind === "memory") return new IssuerMemory();
  const folder = mkdtempSync(join(tmpdir(), "msl-"));
  folders.push(folder);
  const state = await openIssuerFile(folder);
  states.push(state);
  return state;
}

/** Servers with cores of their own and one state, as the processes of a fleet. */
function fleet(state: IssuerState, n: number, issuer: Partial<IssuerConfig> = {}): Promise<World[]> {
  return Promise.all(Array.from({ length: n }, () => World.create({ state, issuer })));
}

function seeded(seed: number) {
  let x = seed;
  return (n: number) => {
    x = (Math.imul(x, 1103515245) + 12345) & 0x7fffffff;
    return (x >>> 8) % n;
  };
}

const ERRORS: readonly MslErrorCode[] = [
  "INTERNAL_EXCEPTION",
  "MASTERTOKEN_REJECTED_BY_APP",
  "ENTITY_REJECTED_BY_APP",
  "USERIDTOKEN_REVOKED",
  "RESPONSE_REQUIRES_ENCRYPTION",
  "MESSAGE_EXPIRED_NOT_RENEWABLE",
  "MESSAGE_REPLAYED",
];

/** Each message goes to another server; one in three fails in one way or another while `isFailing` says so. */
function unreliable(worlds: readonly World[], random: (n: number) => number, isFailing: () => boolean): Transport {
  return loopbackTransport(async (reader, writer) => {
    const parts: Uint8Array[] = [];
    for (let part = await reader.read(); part !== null; part = await reader.read()) parts.push(part);
    const world = worlds[random(worlds.length)]!;
    const fate = isFailing() ? random(12) : 12;
    const error = ERRORS[random(ERRORS.length)]!;
    await new Promise((resolve) => setTimeout(resolve, random(4)));
    if (fate === 0) throw new Error("The request is lost.");
    const reply = fate < 3 ? await world.postWith(() => ({ error }), ...parts) : await world.post(...parts);
    await new Promise((resolve) => setTimeout(resolve, random(4)));
    if (fate === 3) throw new Error("The reply is lost.");
    await writer.write(fate === 4 ? reply.slice(0, random(reply.length - 1) + 1) : reply);
  });
}

const ask = async (device: MslClient, body: string, init: RequestInit = {}) =>
  (await device.request({ body, ...init })).text();

describe.each(["memory", "file"] as const)("servers share state in %s", (kind) => {
  test.each(["JSON", "CBOR"] as const)(
    "CTL-44 CTL-45 CTL-48 CTL-51 CTL-54 100 requests at a time with random failures in %s leave no lease, an idle slot, no key",
    async (format) => {
      const random = seeded(format === "JSON" ? 7 : 8);
      const worlds = await fleet(await stateOf(kind), 3, { masterTokenLife: { renewSec: 0, expireSec: 1 } });
      const [first] = worlds;
      const eyes = watch();
      const left = countKeys(first!.core);
      let isFailing = true;
      const transport = unreliable(worlds, random, () => isFailing);
      const common = { transport, firstFormat: format, capabilities: { formats: [format] } };
      const devices = [
        await first!.device(common),
        await first!.device({ ...common, entity: first!.entity("device-2") }),
        await first!.device({ ...common, entity: first!.anonymous("anon-9") }),
      ];
      const results = await Promise.allSettled(
        Array.from({ length: 100 }, (_, i) => {
          clock.ms += 60;
          const init = { nonReplayable: i % 4 === 0, user: i % 3 === 0 ? user() : null, timeoutMs: 30_000 };
          return ask(devices[i % 3]!, `b${i}`, init);
        }),
      );
      results.forEach((result, i) => {
        if (result.status === "fulfilled") expect(result.value).toBe(`ECHO:b${i}`);
        else expect(result.reason).toBeInstanceOf(MslError);
      });
      expect(results.filter((result) => result.status === "fulfilled").length).toBeGreaterThan(40);
      expect(eyes.stores.map((store) => store.leaseCount)).toEqual([0, 0, 0]);
      expect([...eyes.slots].map((slot) => slot.isIdle)).not.toContain(false);
      expect(eyes.problems).toEqual([]);
      isFailing = false;
      for (const device of devices) expect(await ask(device, "last", { user: user() })).toBe("ECHO:last");
      expect(eyes.stores.map((store) => store.sessionCount)).toEqual([1, 1, 1]);
      for (const device of devices) await device.close();
      for (const world of worlds) await world.close();
      expect(left()).toBe(0);
    },
  );

  test("CTL-103 the same non-replayable message at every server at once: one accepts it", async () => {
    const worlds = await fleet(await stateOf(kind), 4);
    const device = await worlds[0]!.device();
    await ask(device, "1");
    await ask(device, "2", { nonReplayable: true });
    const { request } = worlds[0]!.wire.at(-1)!;
    await ask(device, "3", { nonReplayable: true });
    const fresh = worlds[0]!.wire.at(-1)!.request;
    // Both were accepted once already.
    const before = deliveries(worlds);
    await Promise.all(worlds.flatMap((world) => [world.post(request), world.post(fresh)]));
    expect(deliveries(worlds)).toBe(before);
    // This one no server has seen.
    let held: Uint8Array | null = null;
    const [world] = worlds;
    const { post } = world!;
    world!.post = async (...parts) => {
      world!.post = post;
      held = new Uint8Array(Buffer.concat(parts));
      return new Uint8Array(0);
    };
    await expect(ask(device, "4", { nonReplayable: true })).rejects.toMatchObject({ code: "TRANSPORT" });
    await Promise.all(worlds.flatMap((one) => [one.post(held!.slice()), one.post(held!.slice())]));
    expect(deliveries(worlds)).toBe(before + 1);
  });

  test("CTL-61 one token renewed at all servers at once: each renewal has a number of its own", async () => {
    const state = await stateOf(kind);
    const worlds = await fleet(state, 3, { masterTokenLife: { renewSec: 0, expireSec: 1000 } });
    const device = await worlds[0]!.device();
    await ask(device, "1");
    await ask(device, "2");
    const serial = device.session.masterToken!.serialNumber;
    const { request } = worlds[0]!.wire.at(-1)!;
    await Promise.all(worlds.map((world) => world.post(request.slice())));
    // The first and three more from the same parent.
    expect(await state.readLine("device-1", serial)).toMatchObject({ newest: 4, parent: 0 });
    // The device has the first of the four, which is neither the newest nor the parent: it authenticates anew.
    expect(await ask(device, "3")).toBe("ECHO:3");
    expect(device.session.masterToken?.serialNumber).not.toBe(serial);
  });

  test("CTL-122 an entity that one server revokes is refused by all, and back when it is restored", async () => {
    const state = await stateOf(kind);
    const entitySchemes = (world: World) => [
      psk({ contextOf: world.pskContextOf, policy: { isRevoked: (identity) => state.isEntityRevoked(identity) } }),
    ];
    const worlds = await Promise.all(
      [1, 2].map(() => World.create({ state, extend: (_, world) => ({ entitySchemes: entitySchemes(world) }) })),
    );
    const random = seeded(1);
    const device = await worlds[0]!.device({ transport: unreliable(worlds, random, () => false) });
    await ask(device, "1");
    await state.revokeEntity("device-1");
    const results = await Promise.allSettled(Array.from({ length: 10 }, (_, i) => ask(device, `${i}`)));
    for (const result of results) expect(result).toMatchObject({ reason: { code: "ENTITY_REVOKED" } });
    await state.restoreEntity("device-1");
    expect(await Promise.all([ask(device, "a"), ask(device, "b")])).toEqual(["ECHO:a", "ECHO:b"]);
  });
});

function deliveries(worlds: readonly World[]): number {
  return worlds.reduce((n, world) => n + world.reports.filter((r) => r.direction === "in").length, 0);
}

describe("renewal", () => {
  test.each([2, 5, 20])("CTL-44 CTL-50 of %i overlapping requests with an expired token one renews", async (n) => {
    const world = await World.create({ issuer: { masterTokenLife: { renewSec: 5, expireSec: 10 } } });
    const device = await world.device();
    await ask(device, "first");
    clock.ms += 20_000;
    const before = world.reports.length;
    const all = await Promise.all(Array.from({ length: n }, (_, i) => ask(device, `${i}`)));
    expect(all).toEqual(Array.from({ length: n }, (_, i) => `ECHO:${i}`));
    const incoming = world.reports.slice(before).filter((report) => report.direction === "in");
    expect(incoming.filter((report) => report.keyx.length > 0).length).toBe(1);
    expect(incoming.filter((report) => report.sequenceNumber === 0).length).toBe(1);
  });

  test("CTL-53 clients of one process renew independently: one that is stuck does not hold up the other", async () => {
    const world = await World.create();
    const stuck: Transport = { open: () => new Promise(() => {}) };
    const one = await world.device({ entity: world.anonymous("one"), transport: stuck });
    const other = await world.device({ entity: world.anonymous("two") });
    const waiting = ask(one, "x", { timeoutMs: 200 }).catch((error) => error);
    expect(await ask(other, "y", { timeoutMs: 150 })).toBe("ECHO:y");
    expect(await waiting).toMatchObject({ code: "TIMEOUT" });
  });
});

describe("CTL-127 a counter that fell back, against the reference's rule", () => {
  /** A device whose state was set back to before its `given` non-replayable messages. */
  async function setBack(given: number) {
    const world = await World.create({ issuer: { replayMode: "strict" } });
    let disk: Uint8Array | null = null;
    let isKept = true;
    const storage = {
      load: () => disk?.slice() ?? null,
      save(snapshot: Uint8Array) {
        if (isKept) disk = snapshot.slice();
      },
    };
    const device = await world.device({ storage });
    await ask(device, "first");
    isKept = false;
    for (let i = 0; i < given; i++) await ask(device, `${i}`, { nonReplayable: true });
    const again = await world.device({ storage });
    return { world, again, serial: device.session.masterToken!.serialNumber, before: world.wire.length };
  }

  test("by four: the sixth attempt is accepted", async () => {
    const { world, again, serial, before } = await setBack(5);
    expect(await ask(again, "x", { nonReplayable: true })).toBe("ECHO:x");
    expect(world.wire.length - before).toBe(6);
    expect(again.session.masterToken?.serialNumber).toBe(serial);
  });

  test("by five: the limit of messages ends it with the first error", async () => {
    const { world, again, before } = await setBack(6);
    await expect(ask(again, "x", { nonReplayable: true })).rejects.toMatchObject({ code: "MESSAGE_REPLAYED" });
    expect(world.wire.length - before).toBe(6);
  });

  test("by six: the entity authenticates anew", async () => {
    const { again, serial } = await setBack(7);
    expect(await ask(again, "x", { nonReplayable: true })).toBe("ECHO:x");
    expect(again.session.masterToken?.serialNumber).not.toBe(serial);
  });
});

describe("CTL-130 CTL-131 servers that never relent", () => {
  test.each(["PSK", "NONE"] as const)(
    "%s: many requests at a time each end after six messages with the first error",
    async (scheme) => {
      const world = await World.create();
      const { post } = world;
      world.post = (...parts) => world.postWith(() => ({ error: "ENTITY_REJECTED_BY_APP" }), ...parts);
      const eyes = watch();
      const entity = scheme === "PSK" ? world.entity("device-1") : world.anonymous();
      const device = await world.device({ entity });
      const results = await Promise.allSettled(Array.from({ length: 8 }, (_, i) => ask(device, `${i}`)));
      for (const result of results) {
        expect(result).toMatchObject({ reason: { code: "ENTITY_REJECTED_BY_APP", attempts: 1 } });
      }
      expect(world.wire.length).toBe(8 * 6);
      expect([...eyes.slots].every((slot) => slot.isIdle)).toBe(true);
      world.post = post;
      expect(await ask(device, "x")).toBe("ECHO:x");
    },
  );
});
