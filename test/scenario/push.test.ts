// Messages that a server pushes, and what may not pass for one.

import { describe, expect, test } from "vitest";
import type { ClientConfig } from "../../src/control/api.ts";
import { MslProtectionRequired, MslUsageError } from "../../src/errors/msl-error.ts";
import type { Exchange, Transport } from "../../src/platform/transport.ts";
import { bytesReader } from "../../src/transport/pipe.ts";
import { ask, pushing, texts } from "./pushing.ts";
import { World } from "./world.ts";

const bytes = (text: string) => Buffer.from(text);

describe("one server", () => {
  /** A device whose next exchanges are answered with recorded bytes, where `replay` is set. */
  async function replaying(config: Partial<ClientConfig> = {}) {
    const world = await World.create({ handler: pushing });
    const script: { replay: Uint8Array | null } = { replay: null };
    const transport: Transport = {
      async open(options) {
        const { replay } = script;
        if (replay === null) return world.transport.open(options);
        const writer = { write: async () => {}, end: async () => {} };
        const exchange: Exchange = { writer, reader: bytesReader(replay), abort() {} };
        return exchange;
      },
    };
    const tv = await world.device({ transport, ...config });
    await ask(tv);
    return { world, tv, script };
  }

  test.each([
    ["under a master token", {}, "headerdata.sender"],
    ["under the device's own keys", { keyExchange: [] }, "entityauthdata"],
  ])("a device's own message that comes back to it, %s, is no pushed one", async (_, config, where) => {
    const { world, tv, script } = await replaying(config);
    expect(await texts(tv.subscribe({ body: "news" }))).toEqual(["news 1", "news 2", "news 3"]);
    const { request, response } = world.wire.at(-1)!;
    // What the server said under these keys, whenever it was, they verify.
    script.replay = response;
    expect(await texts(tv.subscribe({ body: "news" }))).toEqual(["news 1", "news 2", "news 3"]);
    script.replay = request;
    await expect(texts(tv.subscribe({ body: "news" }))).rejects.toMatchObject({
      code: "MESSAGE_SENDER_MISMATCH",
      where,
    });
    // Nor does a part of it become one.
    script.replay = Uint8Array.from(Buffer.concat([response, request]));
    const heard: string[] = [];
    const listen = async () => {
      for await (const message of tv.subscribe({ body: "news" })) heard.push(await message.text());
    };
    await expect(listen()).rejects.toMatchObject({ code: "MESSAGE_SENDER_MISMATCH", where });
    expect(heard).toEqual(["news 1", "news 2", "news 3"]);
  });

  test("a pushed message with a bit flipped, or cut short, is refused where it is", async () => {
    const { world, tv, script } = await replaying();
    await texts(tv.subscribe({ body: "news" }));
    const { response } = world.wire.at(-1)!;
    const heard: string[] = [];
    const listen = async () => {
      for await (const message of tv.subscribe({ body: "news" })) heard.push(await message.text());
    };
    const flipped = Uint8Array.from(response);
    flipped[response.length - 40]! ^= 1;
    script.replay = flipped;
    await expect(listen()).rejects.toMatchObject({ name: "MslProtocolError" });
    expect(heard).toEqual(["news 1", "news 2"]);
    script.replay = response.subarray(0, response.length - 40);
    await expect(listen()).rejects.toMatchObject({ code: "MSL_PARSE_ERROR" });
  });

  test("a response counts as a pushed message; nothing at all is an empty subscription", async () => {
    const world = await World.create({
      handler: async (request) => ((await request.text()) === "ask" ? { body: "yes" } : null),
    });
    const tv = await world.device();
    expect(await texts(tv.subscribe({ body: "ask" }))).toEqual(["yes"]);
    expect(await texts(tv.subscribe({ body: "silence" }))).toEqual([]);
  });

  test("recovery comes before the first pushed message", async () => {
    let isRefused = false;
    const world = await World.create({
      handler: async (request) => {
        const topic = await request.text();
        if (topic === "ask") return { body: "answer" };
        if (!isRefused && request.masterToken !== null) {
          isRefused = true;
          return { reject: "entity" };
        }
        await request.push({ body: topic });
        return null;
      },
    });
    const tv = await world.device();
    await ask(tv);
    const serial = tv.session.masterToken?.serialNumber;
    async function* once() {
      yield bytes("ne");
      await new Promise(setImmediate);
      yield bytes("ws");
    }
    expect(await texts(tv.subscribe({ body: once() }))).toEqual(["news"]);
    expect(isRefused).toBe(true);
    expect(tv.session.masterToken?.serialNumber).not.toBe(serial);
  });

  test("an anonymous device gets its session first, and pushed messages under it", async () => {
    const world = await World.create({ handler: pushing });
    const tv = await world.device({ entity: world.anonymous() });
    const encrypted: boolean[] = [];
    for await (const message of tv.subscribe({ body: "news" })) encrypted.push(message.encrypted);
    expect(encrypted).toEqual([true, true, true]);
    const reports = world.reports.map(({ direction, kind, keyx }) => [direction, kind, keyx.length > 0]);
    expect(reports).toEqual([
      ["in", "handshake", true],
      ["out", "message", true],
      ...Array(3).fill(["out", "message", false]),
      ["in", "message", false],
    ]);
  });

  test("a request is pushed to or answered, not both, and not when it is over", async () => {
    let late: Promise<void> | null = null;
    const world = await World.create({
      handler: async (request) => {
        if ((await request.text()) === "both") {
          await request.push({ body: "one" });
          return { body: "two" };
        }
        setTimeout(() => {
          late = request.push({ body: "late" });
          late.catch(() => {});
        }, 5);
        return { body: "answer" };
      },
    });
    const tv = await world.device();
    await ask(tv);
    await new Promise((resolve) => setTimeout(resolve, 30));
    await expect(late).rejects.toBeInstanceOf(MslUsageError);
    const heard: string[] = [];
    const both = async () => {
      for await (const message of tv.subscribe({ body: "both" })) heard.push(await message.text());
    };
    await expect(both()).rejects.toMatchObject({ code: "INTERNAL_EXCEPTION" });
    expect(heard).toEqual(["one"]);
  });

  test("what cannot be protected is not pushed; messages pushed at once do not mix", async () => {
    const refusals: unknown[] = [];
    const world = await World.create({
      server: {},
      extend: (_core, own) => ({ entity: own.anonymous("server"), entitySchemes: [own.psk()] }),
      handler: async (request) => {
        await request.push({ body: "secret" }).catch((error) => refusals.push(error));
        const body = () => Array.from({ length: 3 }, () => new Uint8Array(20_000).fill(1));
        const open = { encrypted: false, integrity: false, compress: false, body } as const;
        await Promise.all([request.push(open), request.push(open)]);
        return null;
      },
    });
    const tv = await world.device({
      keyExchange: [],
      serverSchemes: [world.anonymous().scheme],
      requireReply: {},
    });
    const sizes: number[] = [];
    for await (const message of tv.subscribe({ body: "x" })) sizes.push((await message.bytes()).length);
    expect(sizes).toEqual([60_000, 60_000]);
    expect(refusals).toHaveLength(1);
    expect(refusals[0]).toBeInstanceOf(MslProtectionRequired);
  });
});
