// Message ids of requests, answers, errors and retries; user authentication data in messages.

import { describe, expect, test } from "vitest";
import { sealPair } from "../../src/crypto/seal.ts";
import { encodeObject } from "../../src/encoding/codec.ts";
import { pskData } from "../../src/entity-auth/psk.ts";
import { writeErrorMessage } from "../../src/message/error-header.ts";
import { clock, user, World } from "../scenario/world.ts";
import {
  ask,
  codeOf,
  contextOf,
  device as deviceOf,
  FORMATS,
  HEADER,
  message,
  outcome,
  read,
  seen,
  sent,
} from "./kit.ts";

describe.each(FORMATS)("%s: identifiers", (format) => {
  test("CTL-3 message ids of requests are in range and differ", async () => {
    const world = await World.create();
    const device = await world.device({ firstFormat: format });
    for (let i = 0; i < 50; i++) await ask(device);
    const ids = seen(world).map((report) => report.messageId);
    expect(new Set(ids).size).toBe(50);
    for (const id of ids) expect(id >= 0 && id <= 2 ** 53 && Number.isInteger(id)).toBe(true);
    expect(ids.some((id) => id > 2 ** 32)).toBe(true);
  });

  test("CTL-4 the answer to message n is message n + 1, to 2^53 it is 0", async () => {
    const world = await World.create();
    for (const [id, next] of [
      [0, 1],
      [41, 42],
      [2 ** 53 - 1, 2 ** 53],
      [2 ** 53, 0],
    ] as const) {
      const { code, reply } = await outcome(
        world,
        await message(format, deviceOf(world), { ...HEADER, messageid: id }),
      );
      expect([code, reply.data.int("messageid", 0, 2 ** 53)]).toEqual(["accepted", next]);
    }
  });

  test("CTL-5 an error about message n is message n + 1, about an unreadable one of any id", async () => {
    const world = await World.create();
    const bad = await message(format, deviceOf(world), { ...HEADER, messageid: 7, nonreplayableid: 1 });
    expect((await outcome(world, bad)).report.messageId).toBe(8);
    const ids = new Set<number>();
    for (let i = 0; i < 20; i++) {
      const unread = await outcome(
        world,
        await message(format, deviceOf(world), HEADER, "hi", { signature: new Uint8Array(32) }),
      );
      expect(unread.code).not.toBe("accepted");
      ids.add(unread.report.messageId);
    }
    expect(ids.size).toBe(20);
  });

  test("CTL-6 message ids -1 and 2^53 + 1 are refused, not rounded", async () => {
    const world = await World.create();
    const sender = deviceOf(world);
    expect(await codeOf(world, await message(format, sender, { ...HEADER, messageid: -1 }, null))).toBe(
      "MESSAGE_ID_OUT_OF_RANGE",
    );
    const largest = encodeObject(format, { ...HEADER, messageid: 2 ** 53 });
    // One more, as only its last digit or byte says.
    const digits = Buffer.from(
      format === "JSON" ? "9007199254740992" : "1b0020000000000000",
      format === "JSON" ? "utf8" : "hex",
    );
    const at = Buffer.from(largest).indexOf(digits);
    expect(at).toBeGreaterThan(0);
    const changed = largest.slice();
    changed[at + digits.length - 1]! += 1;
    const { data, signature } = await sealPair(contextOf(sender), changed, format);
    const entityauthdata = { scheme: "PSK", authdata: { identity: "device-1" } };
    expect(await codeOf(world, encodeObject(format, { entityauthdata, headerdata: data, signature }))).toBe(
      "MESSAGE_ID_OUT_OF_RANGE",
    );
  });
});

test("CTL-7 a retry carries the error's id + 1, also where that id has nothing to do with the request", async () => {
  const world = await World.create();
  const device = await world.device();
  await ask(device);
  const post = world.post.bind(world);
  let n = 0;
  world.post = async (...parts) => {
    if (n++ > 0) return post(...parts);
    await post(...parts);
    const error = { code: "ENTITY_REJECTED_BY_APP", messageId: 77, timestamp: 1, userMessage: null } as const;
    return writeErrorMessage("JSON", pskData("server"), world.pskContextOf("server")!, error);
  };
  await ask(device);
  expect(seen(world).at(-1)?.messageId).toBe(78);
});

describe.each(FORMATS)("%s: user authentication", (firstFormat) => {
  test("CTL-30 credentials never stand in a header that is not encrypted and signed", async () => {
    const world = await World.create();
    const device = await world.device({ entity: world.anonymous(), firstFormat });
    await ask(device, { user: user(), encrypted: false, integrity: false });
    const all = await sent(world);
    expect(all.some(({ data }) => data.has("userauthdata"))).toBe(true);
    for (const { data, masterToken } of all) if (data.has("userauthdata")) expect(masterToken).not.toBeNull();
    for (const { request } of world.wire) expect(Buffer.from(request).includes("secret")).toBe(false);
  });

  test("CTL-31 a user of an anonymous entity: handshake without credentials, then the login with the data", async () => {
    const world = await World.create();
    const device = await world.device({ entity: world.anonymous(), firstFormat });
    await ask(device, { user: user() });
    const [handshake, login] = seen(world);
    expect(handshake).toMatchObject({ kind: "handshake", userScheme: null });
    expect(login).toMatchObject({ kind: "message", renewable: true, userScheme: "EMAIL_PASSWORD", sequenceNumber: 0 });
    const answer = await read(world, world.wire[1]!.response);
    expect(answer.data.has("useridtoken")).toBe(true);
    expect(device.session.hasUser("local-user")).toBe(true);
  });

  test("CTL-32 credentials are asked for with a user only, required where there is no user ID token", async () => {
    const world = await World.create({ issuer: { userIdTokenLife: { renewSec: 5, expireSec: 500 } } });
    const device = await world.device({ firstFormat });
    const queries: unknown[] = [];
    const session = {
      id: "u",
      authenticate: (query: { required: boolean; renewable: boolean; reason: string | null }) => {
        queries.push([query.required, query.renewable, query.reason]);
        return query.required ? user().authenticate() : null;
      },
    };
    await ask(device);
    expect(queries).toEqual([]);
    await ask(device, { user: session });
    await ask(device, { user: session });
    clock.ms += 10_000;
    await ask(device, { user: session });
    expect(queries).toEqual([
      [true, true, null],
      [false, false, null],
      [false, true, null],
    ]);
  });

  test("CTL-33 without credentials the message goes without a user", async () => {
    const users: (string | null)[] = [];
    const world = await World.create({
      handler: async (request) => {
        users.push(request.user);
        return { body: "fine" };
      },
    });
    const device = await world.device({ firstFormat });
    expect(await ask(device, { user: { id: "u", authenticate: () => null } })).toBe("fine");
    expect(users).toEqual([null]);
  });

  test("CTL-34 credentials given beside a user ID token are sent with it", async () => {
    const world = await World.create();
    const device = await world.device({ firstFormat });
    await ask(device, { user: user() });
    await ask(device, { user: user() });
    expect(seen(world)[1]).toMatchObject({ hasUserIdToken: true, userScheme: "EMAIL_PASSWORD" });
  });
});
