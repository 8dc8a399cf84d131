// Bodies that flow both ways at once, and messages that a server pushes, over every transport that carries them.

import { afterEach, describe, expect, test } from "vitest";
import type { ClientConfig, Incoming, MslClient, RequestHandler, Subscription } from "../../src/control/api.ts";
import { MslProtectionRequired, MslRemoteError, MslUsageError } from "../../src/errors/msl-error.ts";
import type { Exchange, Transport } from "../../src/platform/transport.ts";
import { bytesReader } from "../../src/transport/pipe.ts";
import { CARRIERS, live } from "./live.ts";
import { World } from "./world.ts";

const bytes = (text: string) => Buffer.from(text);
const text = (piece: Uint8Array | undefined) => Buffer.from(piece ?? []).toString();

const closes: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closes.splice(0)) await close();
});

async function started(
  carrier: (typeof CARRIERS)[number],
  handler: RequestHandler,
  overrides: (world: World, transport: Transport) => Partial<ClientConfig> = () => ({}),
) {
  const { world, transport, device, close } = await live(carrier, handler);
  closes.push(close);
  return { world, tv: await device(overrides(world, transport)) };
}

async function texts(subscription: AsyncIterable<Incoming>): Promise<string[]> {
  const all: string[] = [];
  for await (const message of subscription) all.push(await message.text());
  return all;
}

/** Three messages to who names a topic; whoever asks gets an answer. */
const pushing: RequestHandler = async (request) => {
  const topic = await request.text();
  if (topic === "ask") return { body: "answer" };
  for (const n of [1, 2, 3]) await request.push({ body: `${topic} ${n}` });
  return null;
};

const ask = async (tv: MslClient) => (await tv.request({ body: "ask" })).text();

describe.each(CARRIERS)("over %s", (carrier) => {
  test("a channel plays ping-pong: each piece leaves when it is there", async () => {
    const { tv } = await started(carrier, (request) => ({
      body: (async function* () {
        for await (const piece of request) yield bytes(`pong ${text(piece)}`);
      })(),
    }));
    const { outgoing, incoming } = tv.open({ timeoutMs: 5000 });
    let pieces: AsyncIterator<Uint8Array> | null = null;
    for (const n of [1, 2, 3, 4, 5]) {
      await outgoing.write(bytes(`${n}`));
      await outgoing.flush();
      pieces ??= (await incoming)[Symbol.asyncIterator]();
      expect(text((await pieces.next()).value)).toBe(`pong ${n}`);
    }
    await outgoing.close();
    expect((await pieces!.next()).done).toBe(true);
    expect((await incoming).complete).toBe(true);
  });

  test("a large body flows both ways at once", async () => {
    let ahead = 0;
    let most = 0;
    const { tv } = await started(carrier, (request) => ({ body: request, compress: false }));
    const { outgoing, incoming } = tv.open({ compress: false, timeoutMs: 20_000 });
    const piece = new Uint8Array(65536).fill(7);
    const writing = (async () => {
      for (let i = 0; i < 64; i++) {
        await outgoing.write(piece);
        ahead += piece.length;
        most = Math.max(most, ahead);
      }
      await outgoing.close();
    })();
    let size = 0;
    for await (const got of await incoming) {
      size += got.length;
      ahead -= got.length;
      await new Promise(setImmediate);
    }
    await writing;
    expect(size).toBe(64 * piece.length);
    // Sockets hold what the system lets them; nothing else holds more than what is being worked on.
    if (carrier === "loopback") expect(most).toBeLessThan(1 << 20);
  });

  test("a large request that is answered as it is read needs no channel", async () => {
    const { tv } = await started(carrier, (request) => ({ body: request, compress: false }));
    function* pieces() {
      for (let i = 0; i < 128; i++) yield new Uint8Array(65536).fill(i);
    }
    const reply = await tv.request({ body: pieces, compress: false, timeoutMs: 20_000 });
    let size = 0;
    for await (const piece of reply) size += piece.length;
    expect(size).toBe(128 * 65536);
    // Its connection, or another one, serves the next.
    expect(await (await tv.request({ body: "next", timeoutMs: 5000 })).text()).toBe("next");
  });

  test("a body that fails while its answer is read is the end of both", async () => {
    const heard: unknown[] = [];
    const { tv } = await started(carrier, async (request) => {
      return {
        body: (async function* () {
          try {
            for await (const piece of request) yield piece;
          } catch (error) {
            heard.push((error as { code: string }).code);
            throw error;
          }
        })(),
      };
    });
    let fail = () => {};
    async function* pieces() {
      yield bytes("one");
      await new Promise<void>((_, reject) => {
        fail = () => reject(new Error("The disk is gone."));
      });
    }
    const reply = await tv.request({ body: pieces(), timeoutMs: 5000 });
    const got = reply[Symbol.asyncIterator]();
    expect(text((await got.next()).value)).toBe("one");
    const next = got.next();
    fail();
    await expect(next).rejects.toThrow("The disk is gone.");
    await expect(reply.bytes()).rejects.toThrow("The disk is gone.");
    for (let i = 0; i < 200 && heard.length === 0; i++) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(heard).toHaveLength(1);
  });

  test("pushed messages come one after another until the server has said all", async () => {
    const { world, tv } = await started(carrier, pushing);
    await ask(tv);
    world.reports.length = 0;
    expect(await texts(tv.subscribe({ body: "news" }))).toEqual(["news 1", "news 2", "news 3"]);
    const pushed = world.reports.filter(({ direction }) => direction === "out");
    expect(pushed.map(({ kind, serialNumber }) => [kind, serialNumber])).toEqual(
      Array(3).fill(["message", tv.session.masterToken?.serialNumber]),
    );
    expect(await ask(tv)).toBe("answer");
  });

  test("what is not read of a pushed message is passed over; what is read late is not another message's", async () => {
    const { tv } = await started(carrier, async (request) => {
      await request.text();
      for (const n of [1, 2, 3]) {
        await request.push({
          body: (function* () {
            for (let i = 0; i < 5; i++) yield new Uint8Array(16384).fill(n);
          })(),
          compress: false,
        });
      }
      return null;
    });
    const seen: number[] = [];
    let last: Incoming | null = null;
    for await (const message of tv.subscribe({ body: "x" })) {
      if (last !== null) {
        const late: number[] = [];
        for await (const piece of last) late.push(piece[0]!);
        expect(late).toEqual([]);
      }
      last = message;
      for await (const piece of message) {
        seen.push(piece[0]!);
        break;
      }
    }
    expect(seen).toEqual([1, 2, 3]);
  });

  test("the server pushes while the client still speaks", async () => {
    const { tv } = await started(carrier, async (request) => {
      for await (const piece of request) await request.push({ body: `heard ${text(piece)}` });
      return null;
    });
    let next = () => {};
    const heard: string[] = [];
    async function* words() {
      for (const word of ["a", "b", "c"]) {
        yield bytes(word);
        await new Promise<void>((resolve) => {
          next = resolve;
        });
      }
    }
    for await (const message of tv.subscribe({ body: words(), timeoutMs: 5000 })) {
      heard.push(await message.text());
      next();
    }
    expect(heard).toEqual(["heard a", "heard b", "heard c"]);
  });

  test("leaving the loop, or closing, ends the connection: the server hears of it", async () => {
    const ended: string[] = [];
    const { tv } = await started(carrier, async (request) => {
      const body = await request.text();
      try {
        for (;;) {
          await request.push({ body: "tick" });
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      } catch (error) {
        ended.push(`${body}: ${(error as { code: string }).code}`);
        throw error;
      }
    });
    let count = 0;
    for await (const message of tv.subscribe({ body: "leaves" })) {
      expect(await message.text()).toBe("tick");
      if (++count === 3) break;
    }
    const open = tv.subscribe({ body: "closes" });
    setTimeout(() => open.close(), 20);
    for await (const message of open) await message.text();
    open.close();
    for (let i = 0; i < 200 && ended.length < 2; i++) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(ended).toEqual(["leaves: TRANSPORT", "closes: TRANSPORT"]);
  });

  test("a deadline and a signal end a subscription", async () => {
    const { tv } = await started(carrier, async (request) => {
      await request.text();
      await request.push({ body: "once" });
      await new Promise((resolve) => setTimeout(resolve, 300));
      return null;
    });
    const heard: string[] = [];
    const listen = async (subscription: Subscription) => {
      for await (const message of subscription) heard.push(await message.text());
    };
    await expect(listen(tv.subscribe({ body: "x", timeoutMs: 100 }))).rejects.toMatchObject({ code: "TIMEOUT" });
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error("enough")), 100);
    await expect(listen(tv.subscribe({ body: "x", signal: stop.signal }))).rejects.toThrow("enough");
    expect(heard).toEqual(["once", "once"]);
  });

  test("recovery comes before the first message; an error after it ends the subscription", async () => {
    const { world, tv } = await started(carrier, async (request) => {
      const topic = await request.text();
      await request.push({ body: topic });
      if (topic === "bad") throw new Error("of the application");
      return null;
    });
    await texts(tv.subscribe({ body: "x" }));
    await (await tv.request({ body: "bad" }).catch(() => null))?.cancel();
    world.reports.length = 0;
    const heard: string[] = [];
    const bad = async () => {
      for await (const message of tv.subscribe({ body: "bad" })) heard.push(await message.text());
    };
    await expect(bad()).rejects.toMatchObject({ name: MslRemoteError.name, code: "INTERNAL_EXCEPTION" });
    expect(heard).toEqual(["bad"]);
    expect(world.reports.filter(({ direction }) => direction === "in")).toHaveLength(1);
  });
});

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
    // What the server said to this session, whenever it was, the keys verify.
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
