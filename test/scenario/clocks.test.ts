// Devices whose clocks are wrong, frozen, broken, or jump between any two steps, against a server with a right one:
// exchanges, renewals and recoveries go on.

import { afterEach, describe, expect, test, vi } from "vitest";
import { ClientEngine } from "../../src/control/client-engine.ts";
import type { MessageReport, MslClient, RequestInit } from "../../src/control/api.ts";
import { type Clock, deviceSeconds, RemoteClock } from "../../src/platform/clock.ts";
import { type MemoryPlace, memoryStorage } from "../../src/store/memory-storage.ts";
import { clock, user, World } from "./world.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Renewal after an hour, expiry after four. */
const LIFE = { renewSec: 3600, expireSec: 4 * 3600 };
const issuer = { masterTokenLife: LIFE, userIdTokenLife: LIFE };

afterEach(() => vi.restoreAllMocks());

/** Uniform numbers below 1, the same in each run. */
function numbers(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 0x100000000;
  };
}

const at = (nowMs: () => number): Clock => ({ nowMs });

const CLOCKS: [string, () => Clock][] = [
  ["right", () => clock],
  ["ten years behind", () => at(() => clock.ms - 3650 * DAY)],
  ["ten years ahead", () => at(() => clock.ms + 3650 * DAY)],
  ["before 1970", () => at(() => -5 * DAY)],
  ["frozen at 1970", () => at(() => 0)],
  ["frozen at the time of its making", () => at(() => 1_500_000_000_000)],
  ["giving no number", () => at(() => Number.NaN)],
  ["infinite", () => at(() => Number.POSITIVE_INFINITY)],
  ["beyond what a message carries", () => at(() => 2 ** 70)],
  ["with fractions", () => at(() => clock.ms + 0.75)],
  ["running at a tenth of the speed", () => at(() => clock.ms / 10)],
  ["running backwards", () => at(() => 2 * 1_700_000_000_000 - clock.ms)],
  [
    "jumping by hours at each look",
    () => {
      const next = numbers(7);
      return at(() => clock.ms + Math.floor((next() - 0.5) * 48) * HOUR);
    },
  ],
  [
    "jumping by years at each look",
    () => {
      const next = numbers(8);
      return at(() => Math.floor((next() - 0.2) * 4e12));
    },
  ],
];

const ask = async (device: MslClient, init: RequestInit = {}) =>
  (await device.request({ body: "x", user: user(), ...init })).text();

const lastIn = (world: World) => world.reports.filter((report) => report.direction === "in").at(-1)!;

describe.each(["JSON", "CBOR"] as const)("clocks, %s", (firstFormat) => {
  describe.each(CLOCKS)("a clock %s", (_, makeClock) => {
    test.each([["with timestamps of the server"], ["without"]])(
      "renews, expires and recovers, %s",
      async (timestamps) => {
        if (timestamps === "without") vi.spyOn(ClientEngine.prototype, "learnTime").mockImplementation(() => {});
        const world = await World.create({ issuer });
        const place: MemoryPlace = { snapshot: null };
        const start = () => world.device({ clock: makeClock(), firstFormat, storage: memoryStorage(place) });
        let device = await start();
        const sequence = () => device.session.masterToken?.sequenceNumber;
        expect(await ask(device)).toBe("ECHO:x");
        const serial = device.session.masterToken?.serialNumber;
        expect(await ask(device, { nonReplayable: true })).toBe("ECHO:x");
        expect(sequence()).toBe(0);

        // Within its renewal window the token is renewed at once, or at the latest when the server calls it expired.
        clock.ms += 2 * HOUR;
        expect(await ask(device)).toBe("ECHO:x");
        expect(await ask(device, { nonReplayable: true })).toBe("ECHO:x");
        clock.ms += 5 * HOUR;
        expect(await ask(device)).toBe("ECHO:x");
        expect(sequence()).toBeGreaterThanOrEqual(1);
        expect(device.session.masterToken?.serialNumber).toBe(serial);

        // Long expired, at a restart, and with many requests at once.
        clock.ms += 30 * DAY;
        await device.close();
        device = await start();
        const before = sequence()!;
        const all = await Promise.all(Array.from({ length: 6 }, (_, i) => ask(device, { nonReplayable: i % 2 === 0 })));
        expect(all).toEqual(Array(6).fill("ECHO:x"));
        expect(sequence()).toBeGreaterThan(before);
        expect(device.session.hasUser("local-user")).toBe(true);

        // The server refuses the token: the device authenticates anew.
        const post = world.post.bind(world);
        world.post = (...parts) => {
          world.post = post;
          return world.postWith(() => ({ error: "MASTERTOKEN_REJECTED_BY_APP" }), ...parts);
        };
        expect(await ask(device, { nonReplayable: true })).toBe("ECHO:x");
        expect(device.session.masterToken?.serialNumber).not.toBe(serial);
        await device.session.clear();
        expect(device.session.masterToken).toBeNull();
        await device.close();
      },
    );
  });

  test("CTL-26 after a restart without a clock the first request is renewable, the second is not", async () => {
    const world = await World.create({ issuer });
    const place: MemoryPlace = { snapshot: null };
    const first = await world.device({ firstFormat, storage: memoryStorage(place) });
    await ask(first);
    await first.close();
    const device = await world.device({ clock: at(() => 0), firstFormat, storage: memoryStorage(place) });
    await ask(device);
    expect(lastIn(world)).toMatchObject({ renewable: true, sequenceNumber: 0 });
    expect(lastIn(world).keyx.length).toBeGreaterThan(0);
    await ask(device);
    expect(lastIn(world)).toMatchObject({ renewable: false, sequenceNumber: 0, keyx: [] });
  });

  test("CTL-119 error headers set the clock as replies do", async () => {
    const world = await World.create({ issuer });
    let offset = 0;
    const reports: MessageReport[] = [];
    const device = await world.device({
      clock: at(() => clock.ms + offset),
      firstFormat,
      onMessage: (report) => reports.push(report),
    });
    await ask(device);
    // The device's clock falls back: it takes the expired token for fresh, and the error corrects it.
    clock.ms += 5 * HOUR;
    offset = -5 * HOUR;
    const sent = world.wire.length;
    expect(await ask(device)).toBe("ECHO:x");
    expect(world.wire.length - sent).toBe(2);
    const last = reports.slice(-4).map((report) => [report.direction, report.kind, report.renewable]);
    expect(last.slice(0, 3)).toEqual([
      ["out", "message", false],
      ["in", "error", false],
      ["out", "message", true],
    ]);
    expect(device.session.masterToken?.sequenceNumber).toBe(1);
    await ask(device);
    expect(lastIn(world).renewable).toBe(false);
  });

  test("CTL-126 an expiry that the device's clock denies is renewed with key requests at once", async () => {
    vi.spyOn(ClientEngine.prototype, "remoteNow", "get").mockReturnValue(1_000_000_000);
    const world = await World.create({ issuer });
    const device = await world.device({ firstFormat });
    await ask(device);
    clock.ms += 5 * HOUR;
    const sent = world.wire.length;
    expect(await ask(device)).toBe("ECHO:x");
    expect(world.wire.length - sent).toBe(2);
    expect(lastIn(world)).toMatchObject({ renewable: true, sequenceNumber: 0 });
    expect(device.session.masterToken?.sequenceNumber).toBe(1);
  });
});

test("CTL-27 the remote time is local seconds plus the difference at the last timestamp", () => {
  let ms = 10_500;
  const remote = new RemoteClock(at(() => ms));
  expect(remote.now).toBeNull();
  remote.learn(null);
  expect(remote.now).toBeNull();
  remote.learn(1000);
  expect(remote.now).toBe(1000);
  ms += 1500;
  expect(remote.now).toBe(1002);
  ms = Number.NaN;
  expect(remote.now).toBeNull();
  remote.learn(2000);
  ms = 10_000;
  expect(remote.now).toBeNull();
  remote.learn(3000);
  expect(remote.now).toBe(3000);
});

test("a device that does not know the time says none", () => {
  expect([0, 1999, 1_700_000_000_000].map((ms) => deviceSeconds(at(() => ms)))).toEqual([0, 1, 1_700_000_000]);
  for (const ms of [-1, Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 2 ** 70]) {
    expect(deviceSeconds(at(() => ms))).toBeNull();
  }
});
