// Streams through `fetch` and through handlers of `Request` and `Response`: pushed messages as they happen, large requests
// as they are made.

import { expect, test } from "vitest";
import { MslTransportError } from "../../src/errors/msl-error.ts";
import type { RequestHandler } from "../../src/control/api.ts";
import { fetchTransport } from "../../src/transport/fetch.ts";
import { fetchHandler } from "../../src/transport/fetch-handler.ts";
import { listen } from "../../src/transport/server-node.ts";
import { webBody, webReadable } from "../../src/streams/web.ts";
import { World } from "./world.ts";

/** A device whose `fetch` is a server's handler, with streams or without. */
async function direct(handler: RequestHandler, streams: boolean) {
  const world = await World.create({ handler });
  const handle = fetchHandler((reader, writer) => world.serve(reader, writer), {
    respond: (body, init) => new Response(body as Uint8Array<ArrayBuffer> | null, init),
    ...(streams && { respondStream: (body: ReadableStream, init: ResponseInit) => new Response(body, init) }),
  });
  const types: (string | null)[] = [];
  const transport = fetchTransport("http://server/msl", async (url: string, init: RequestInit) => {
    const response = await handle(new Request(url, init));
    types.push(response.headers.get("content-type"));
    return response;
  });
  return { tv: await world.device({ transport, firstFormat: "CBOR" }), types };
}

test.each([true, false])(
  "a handler that may stream (%s) lets pushed messages leave as they happen",
  async (streams) => {
    let go = () => {};
    const { tv, types } = await direct(async (request) => {
      await request.text();
      await request.push({ body: "first" });
      await new Promise<void>((resolve) => {
        go = resolve;
      });
      await request.push({ body: "second" });
      return null;
    }, streams);
    const pushed = tv.subscribe({ body: "news", timeoutMs: 5000 })[Symbol.asyncIterator]();
    let isHere = false;
    const first = pushed.next().then(async ({ value }) => {
      isHere = true;
      return value.text();
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(isHere).toBe(streams);
    go();
    expect(await first).toBe("first");
    expect(await (await pushed.next()).value.text()).toBe("second");
    expect((await pushed.next()).done).toBe(true);
    expect(types).toHaveLength(1);
    expect(types[0]).toMatch(/^application\/(json|cbor-seq)$/);
  },
);

test("a body of the platform is a body of a message, and the other way round", async () => {
  const { tv } = await direct(
    async (request) => ({ body: `<${await new Response(webReadable(request)).text()}>` }),
    true,
  );
  const reply = await tv.request({ body: webBody(new Response("from a stream").body!) });
  expect(await new Response(webReadable(reply)).text()).toBe("<from a stream>");
});

test("a streamed answer is made as it is read, and not made further when nobody reads", async () => {
  let made = 0;
  let end: unknown = null;
  const { tv } = await direct(
    () => ({
      body: (async function* () {
        try {
          for (; made < 200; made++) yield new Uint8Array(16384);
        } catch (error) {
          end = error;
        } finally {
          end ??= "stopped";
        }
      })(),
      compress: false,
    }),
    true,
  );
  const reply = await tv.request({ body: "x" });
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(made).toBeGreaterThan(2);
  expect(made).toBeLessThan(20);
  reply.cancel();
  for (let i = 0; i < 100 && end === null; i++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(end).toBe("stopped");
  const whole = await tv.request({ body: "x" });
  made = 100;
  expect((await whole.bytes()).length).toBeGreaterThan(99 * 16384);
});

test("an answer that fails on its way cuts the stream", async () => {
  const { tv } = await direct(
    () => ({
      body: (async function* () {
        yield new Uint8Array(100_000);
        await new Promise(setImmediate);
        throw new Error("The disk is gone.");
      })(),
      compress: false,
    }),
    true,
  );
  const reply = await tv.request({ body: "x" });
  await expect(reply.bytes()).rejects.toBeInstanceOf(MslTransportError);
});

test("large requests are streamed where the engine can, and held whole where it is not said to", async () => {
  const heads: (string | undefined)[] = [];
  const world = await World.create({
    handler: async (request) => {
      let size = 0;
      for await (const piece of request) size += piece.length;
      return { body: `${size}` };
    },
  });
  const listening = await listen((reader, writer) => world.serve(reader, writer));
  const seen: typeof fetch = (url, init) => {
    heads.push(init?.body instanceof ReadableStream ? "stream" : "whole");
    return fetch(url, init);
  };
  function* pieces(n: number) {
    for (let i = 0; i < n; i++) yield new Uint8Array(65536);
  }
  try {
    for (const streamRequests of [true, false]) {
      const tv = await world.device({ transport: fetchTransport(listening.url, seen, { streamRequests }) });
      for (const n of [64, 0]) {
        const reply = await tv.request({ body: () => pieces(n), compress: false, timeoutMs: 10_000 });
        expect(await reply.text()).toBe(`${n * 65536}`);
      }
    }
    expect(heads).toEqual(["stream", "whole", "whole", "whole"]);
    const gone = await world.device({
      transport: fetchTransport("http://127.0.0.1:9/msl", fetch, { streamRequests: true }),
    });
    await expect(gone.request({ body: () => pieces(64), compress: false })).rejects.toBeInstanceOf(MslTransportError);
  } finally {
    await listening.close(0);
  }
});
