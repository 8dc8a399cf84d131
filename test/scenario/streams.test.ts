// Bodies that flow both ways at once, and messages that a server pushes, over every transport that carries them.

import { afterEach, describe, expect, test } from "vitest";
import type { ClientConfig, Incoming, RequestHandler, Subscription } from "../../src/control/api.ts";
import { MslRemoteError } from "../../src/errors/msl-error.ts";
import type { Transport } from "../../src/platform/transport.ts";
import { CARRIERS, live } from "./live.ts";
import { ask, pushing, texts } from "./pushing.ts";
import type { World } from "./world.ts";

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
