// The choice of tokens and the decision whether a request renews: what a client puts on the wire.

import { describe, expect, test } from "vitest";
import { memoryStorage } from "../../src/store/memory-storage.ts";
import { clock, user, World } from "../scenario/world.ts";
import { ask, FORMATS, seen, sent } from "./kit.ts";
import { settle, slowWorld } from "./slow.ts";

const SHORT = { masterTokenLife: { renewSec: 5, expireSec: 10 } };

describe.each(FORMATS)("%s: tokens of a request", (firstFormat) => {
  test("CTL-8 the data after a handshake n, answered n + 1, is message n + 2", async () => {
    const world = await World.create();
    await ask(await world.device({ entity: world.anonymous(), firstFormat }));
    const [handshake, data] = seen(world);
    expect([handshake?.kind, data?.kind]).toEqual(["handshake", "message"]);
    expect(data?.messageId).toBe((handshake!.messageId + 2) % (2 ** 53 + 1));
  });

  test("CTL-9 a request names its entity or its master token, never both", async () => {
    const world = await World.create({ issuer: SHORT });
    const device = await world.device({ firstFormat });
    for (let i = 0; i < 5; i++) {
      await ask(device, { user: user() });
      clock.ms += 7000;
    }
    const origins = (await sent(world)).map(({ outer }) => [outer.has("entityauthdata"), outer.has("mastertoken")]);
    expect(origins).toEqual([[true, false], ...Array(4).fill([false, true])]);
  });

  test("CTL-11 a user ID token of another master token's serial number is not sent", async () => {
    const world = await World.create();
    const device = await world.device({ firstFormat });
    await ask(device, { user: user() });
    const post = world.post.bind(world);
    let n = 0;
    world.post = async (...parts) =>
      n++ === 0 ? world.postWith(async () => ({ error: "RESPONSE_REQUIRES_ENCRYPTION" }), ...parts) : post(...parts);
    clock.ms += 1000;
    const hook = { id: "local-user", authenticate: () => null };
    await ask(device, { user: hook }); // refused once, then sent without tokens: a new serial number
    await ask(device, { user: hook });
    const last = seen(world).at(-1);
    expect([last?.serialNumber === null, last?.hasUserIdToken]).toEqual([false, false]);
    expect(seen(world)[1]?.serialNumber).not.toBe(last?.serialNumber);
  });

  test("CTL-12 a user ID token of another local user is not sent", async () => {
    const world = await World.create();
    const device = await world.device({ firstFormat });
    await ask(device, { user: user() });
    await ask(device, { user: { id: "somebody else", authenticate: () => null } });
    await ask(device);
    await ask(device, { user: { id: "local-user", authenticate: () => null } });
    expect(seen(world).map((report) => report.hasUserIdToken)).toEqual([false, false, false, true]);
  });

  test("CTL-13 encryption is wanted of an entity that has none: a handshake comes first", async () => {
    const world = await World.create();
    await ask(await world.device({ entity: world.anonymous(), firstFormat }), { integrity: false });
    expect(seen(world).map((report) => report.kind)).toEqual(["handshake", "message"]);
    expect(seen(world)[1]?.encrypted).toBe(true);
  });

  test("CTL-14 pre-shared keys: no handshake, one renewable message with key requests and encrypted data", async () => {
    const world = await World.create();
    await ask(await world.device({ firstFormat }), { body: "a secret of the device" });
    expect(seen(world)).toHaveLength(1);
    expect(seen(world)[0]).toMatchObject({ kind: "message", renewable: true, encrypted: true });
    expect(seen(world)[0]?.keyx.length).toBeGreaterThan(0);
    expect(Buffer.from(world.wire[0]!.request).includes("a secret")).toBe(false);
  });

  test("CTL-15 integrity is wanted of an entity that has none: a handshake comes first", async () => {
    const world = await World.create();
    await ask(await world.device({ entity: world.anonymous(), firstFormat }), { encrypted: false });
    expect(seen(world).map((report) => report.kind)).toEqual(["handshake", "message"]);
  });

  test("CTL-16 no protection is wanted: the data goes at once, renewable where the renewal slot is free", async () => {
    const { world, release } = await slowWorld({ handler: async () => ({ encrypted: false, integrity: false }) });
    const device = await world.device({ entity: world.anonymous(), firstFormat });
    const plain = { encrypted: false, integrity: false };
    const first = ask(device, plain);
    await settle();
    const second = ask(device, plain);
    await settle();
    const [one, two] = await sent(world);
    expect([one!.data.bool("renewable"), one!.data.has("keyrequestdata")]).toEqual([true, true]);
    expect([two!.data.bool("renewable"), two!.data.has("keyrequestdata")]).toEqual([false, false]);
    release();
    await Promise.all([first, second]);
    expect(seen(world).map((report) => report.kind)).toEqual(["message", "message"]);
  });

  test("CTL-17 a non-replayable request without token: a replayable handshake, then the data with id 1", async () => {
    const world = await World.create();
    await ask(await world.device({ firstFormat }), { nonReplayable: true });
    const [handshake, data] = seen(world);
    expect(handshake).toMatchObject({ kind: "handshake", renewable: true, nonReplayableId: null });
    expect(handshake?.keyx.length).toBeGreaterThan(0);
    expect(data).toMatchObject({ kind: "message", nonReplayableId: 1, sequenceNumber: 0 });
  });

  test("CTL-18 fresh tokens: not renewable, no key requests", async () => {
    const world = await World.create();
    const device = await world.device({ firstFormat });
    await ask(device, { user: user() });
    await ask(device, { user: user() });
    expect(seen(world)[1]).toMatchObject({ renewable: false, keyx: [], hasUserIdToken: true });
    expect((await sent(world))[1]?.data.has("keyrequestdata")).toBe(false);
  });

  test("CTL-19 CTL-20 a token in its renewal window: the first request renews, one beside it goes without waiting", async () => {
    let isSlow = false;
    const { world, release } = await slowWorld(
      { issuer: { masterTokenLife: { renewSec: 5, expireSec: 500 } } },
      () => isSlow,
    );
    const device = await world.device({ firstFormat });
    await ask(device);
    clock.ms += 10_000;
    isSlow = true;
    const first = ask(device);
    await settle();
    isSlow = false;
    expect(await ask(device)).toBe("ECHO:x"); // answered while the first one still waits
    release();
    expect(await first).toBe("ECHO:x");
    const [, renewing, beside] = await sent(world);
    expect([renewing!.data.bool("renewable"), renewing!.data.has("keyrequestdata")]).toEqual([true, true]);
    expect([beside!.data.bool("renewable"), beside!.data.has("keyrequestdata")]).toEqual([false, false]);
  });

  test("CTL-21 CTL-46 an expired token: whoever finds the renewal slot taken waits, and takes the new token", async () => {
    let isSlow = false;
    const { world, release } = await slowWorld({ issuer: SHORT }, () => isSlow);
    const device = await world.device({ firstFormat });
    await ask(device);
    clock.ms += 20_000;
    isSlow = true;
    const all = [ask(device), ask(device), ask(device)];
    await settle();
    expect(world.wire).toHaveLength(2);
    release();
    await Promise.all(all);
    const later = seen(world).slice(1);
    expect(later.map((report) => [report.renewable, report.sequenceNumber])).toEqual([
      [true, 0],
      [false, 1],
      [false, 1],
    ]);
  });

  test("CTL-22 fresh master token: renewable without key requests where a user ID token is to be had or renewed", async () => {
    const world = await World.create({ issuer: { userIdTokenLife: { renewSec: 5, expireSec: 500 } } });
    const device = await world.device({ firstFormat });
    await ask(device);
    await ask(device, { user: user() });
    clock.ms += 10_000;
    await ask(device, { user: { id: "local-user", authenticate: () => null } });
    const [, login, renewal] = seen(world);
    expect(login).toMatchObject({ renewable: true, keyx: [], userScheme: "EMAIL_PASSWORD", hasUserIdToken: false });
    expect(renewal).toMatchObject({ renewable: true, keyx: [], userScheme: null, hasUserIdToken: true });
  });

  test("CTL-23 a non-replayable message that is renewable for another reason carries key requests", async () => {
    const world = await World.create();
    const device = await world.device({ firstFormat });
    await ask(device);
    await ask(device, { nonReplayable: true, user: user() });
    expect(seen(world)[1]).toMatchObject({ renewable: true, nonReplayableId: 1, userScheme: "EMAIL_PASSWORD" });
    expect(seen(world)[1]?.keyx.length).toBeGreaterThan(0);
  });

  test("CTL-24 who wants tokens and has none waits for the renewal under way; with a token and no user it goes at once", async () => {
    let isSlow = true;
    const { world, release } = await slowWorld({}, () => isSlow);
    const device = await world.device({ firstFormat });
    const first = ask(device);
    await settle();
    const second = ask(device, { wantTokens: true });
    await settle();
    expect(world.wire).toHaveLength(1);
    isSlow = false;
    release();
    await Promise.all([first, second]);
    await ask(device, { wantTokens: true });
    expect(seen(world).map((report) => report.renewable)).toEqual([true, false, false]);
  });

  test("CTL-25 who wants tokens for a user and has only a master token waits for the slot and is renewable", async () => {
    let isSlow = false;
    const { world, release } = await slowWorld(
      { issuer: { masterTokenLife: { renewSec: 5, expireSec: 500 } } },
      () => isSlow,
    );
    const device = await world.device({ firstFormat });
    await ask(device);
    clock.ms += 10_000;
    isSlow = true;
    const first = ask(device);
    await settle();
    const second = ask(device, { wantTokens: true, user: user() });
    await settle();
    expect(world.wire).toHaveLength(2);
    isSlow = false;
    release();
    await Promise.all([first, second]);
    expect(seen(world)[2]).toMatchObject({ renewable: true, userScheme: "EMAIL_PASSWORD", sequenceNumber: 1 });
    expect(device.session.hasUser("local-user")).toBe(true);
  });

  test("CTL-26 after a restart the first request renews for want of a clock, the second knows better", async () => {
    const world = await World.create();
    const place = { snapshot: null };
    const before = await world.device({ firstFormat, storage: memoryStorage(place) });
    await ask(before);
    await before.close();
    const device = await world.device({ firstFormat, storage: memoryStorage(place) });
    await ask(device);
    await ask(device);
    const [, one, two] = seen(world);
    expect([one?.renewable, one?.keyx.length, one?.sequenceNumber]).toEqual([true, 2, 0]);
    expect([two?.renewable, two?.keyx.length, two?.sequenceNumber]).toEqual([false, 0, 0]);
  });

  test.each([
    ["one second before its window", 4000, false, false],
    ["in the first second of its window", 5000, true, false],
    ["in the first second of its expiry", 10_000, true, true],
  ])("CTL-27 a token %s, on a device whose clock is years behind", async (_when, ms, isRenewable, mustWait) => {
    clock.ms = Math.floor(clock.ms / 1000) * 1000;
    const isSlow = { value: false };
    const { world, release } = await slowWorld({ issuer: SHORT }, () => isSlow.value);
    const device = await world.device({ firstFormat, clock: { nowMs: () => clock.ms - 300_000_000_000 } });
    await ask(device);
    clock.ms += ms;
    isSlow.value = true;
    const all = [ask(device), ask(device)];
    await settle();
    const under = (await sent(world)).slice(1);
    expect(under.filter(({ data }) => data.bool("renewable"))).toHaveLength(isRenewable ? 1 : 0);
    expect(under).toHaveLength(mustWait ? 1 : 2);
    release();
    await Promise.all(all);
  });

  test("CTL-29 an empty body never travels renewable with key requests and one empty chunk", async () => {
    const world = await World.create({ issuer: SHORT });
    const device = await world.device({ firstFormat });
    await ask(device, { body: "" });
    await ask(device);
    clock.ms += 7000;
    await ask(device, { body: new Uint8Array(0) });
    clock.ms += 20_000;
    await ask(device, { body: "" });
    for (const { data, chunks } of await sent(world)) {
      const looksOld =
        data.bool("renewable") && data.has("keyrequestdata") && chunks.length === 1 && chunks[0]!.data.length === 0;
      expect(looksOld).toBe(false);
    }
    expect(seen(world).map((report) => report.kind)).toEqual(["message", "message", "message", "handshake", "message"]);
  });
});
