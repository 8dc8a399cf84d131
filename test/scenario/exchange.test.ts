// Whole exchanges between a device and a server, in both formats.

import { expect, inject, test } from "vitest";
import { MslRemoteError } from "../../src/errors/msl-error.ts";
import { settledFormat } from "../variant.ts";
import { clock, user, World } from "./world.ts";

test.each(["JSON", "CBOR"] as const)(
  "%s: first request in one round trip, then under the master token",
  async (format) => {
    const world = await World.create();
    const device = await world.device({ firstFormat: format });
    const first = await device.request({ body: "hello" });
    expect(await first.text()).toBe("ECHO:hello");
    expect(world.wire.length).toBe(1);
    expect(device.session.masterToken?.sequenceNumber).toBe(0);
    const second = await device.request({ body: "again" });
    expect(await second.text()).toBe("ECHO:again");
    expect(world.wire.length).toBe(2);
    const [one, two] = world.reports.filter((r) => r.direction === "in");
    expect(one).toMatchObject({ entityScheme: "PSK", format, encrypted: true, sequenceNumber: null });
    expect(one?.keyx).toEqual(["ECDH", "SYMMETRIC_WRAPPED"]);
    expect(two).toMatchObject({ entityScheme: null, format: settledFormat(), sequenceNumber: 0, keyx: [] });
  },
);

test("a user logs in inside a request and is known by the user ID token afterwards", async () => {
  const seen: (string | null)[] = [];
  const world = await World.create({
    handler: async (request) => {
      seen.push(request.user);
      return { body: await request.bytes() };
    },
  });
  const device = await world.device();
  await (await device.request({ body: "x", user: user() })).text();
  expect(device.session.hasUser("local-user")).toBe(true);
  await (await device.request({ body: "y", user: { id: "local-user", authenticate: () => null } })).text();
  expect(seen).toEqual(["user-1", "user-1"]);
  expect(world.wire.length).toBe(2);
});

test("a wrong password is the server's error, and the right one recovers", async () => {
  const world = await World.create();
  const device = await world.device();
  const wrong = await device
    .request({
      body: "x",
      user: { id: "u", authenticate: (q) => (q.reason === null ? user("no").authenticate() : null) },
    })
    .catch((e) => e);
  expect(wrong).toBeInstanceOf(MslRemoteError);
  expect(wrong.code).toBe("EMAILPASSWORD_INCORRECT");
  const right = await device.request({
    body: "x",
    user: { id: "u", authenticate: (q) => user(q.reason === null ? "no" : "secret").authenticate() },
  });
  expect(await right.text()).toBe("ECHO:x");
});

test("an anonymous device shakes hands first, then sends its data", async () => {
  const world = await World.create();
  const device = await world.device({ entity: world.anonymous() });
  expect(await (await device.request({ body: "x", user: user() })).text()).toBe("ECHO:x");
  expect(world.reports.filter((r) => r.direction === "in").map((r) => r.kind)).toEqual(["handshake", "message"]);
});

test("a replayed non-replayable request is refused", async () => {
  const world = await World.create();
  const device = await world.device();
  await (await device.request({ body: "pay", nonReplayable: true })).text();
  const paid = world.wire.at(-1)!.request;
  await world.post(paid);
  expect(world.reports.at(-1)?.error?.code).toBe("MESSAGE_REPLAYED");
});

test("a token in its renewal window is renewed inside a request, and the old one retired", async () => {
  const world = await World.create({ issuer: { masterTokenLife: { renewSec: 10, expireSec: 1000 } } });
  const device = await world.device();
  await (await device.request({ body: "1" })).text();
  clock.ms += 20_000;
  await (await device.request({ body: "2" })).text();
  expect(device.session.masterToken?.sequenceNumber).toBe(1);
  clock.ms += 2_000_000;
  expect(await (await device.request({ body: "3" })).text()).toBe("ECHO:3");
  expect(device.session.masterToken?.sequenceNumber).toBe(2);
});

test("an empty body arrives as an empty body", async () => {
  const world = await World.create();
  const device = await world.device();
  expect(await (await device.request({})).text()).toBe("ECHO:");
  expect(await (await device.request({})).text()).toBe("ECHO:");
});

test("a large body crosses in many chunks", async () => {
  const world = await World.create({ handler: async (request) => ({ body: await request.bytes() }) });
  const device = await world.device();
  const body = Uint8Array.from({ length: 300_000 }, (_, i) => (i * i) & 255);
  expect(Buffer.from(await (await device.request({ body })).bytes()).equals(Buffer.from(body))).toBe(true);
});

test("the core is of the output that the project names", async () => {
  expect((await World.create()).core.kind).toBe(inject("core"));
});
