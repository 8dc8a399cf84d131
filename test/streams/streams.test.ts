// Bodies as the streams of the platform: what they carry, how fast they are read, and who hears of it when one side stops.

import { Readable } from "node:stream";
import { ReadableStream, type WritableStream } from "node:stream/web";
import { afterEach, describe, expect, test } from "vitest";
import type { Incoming, Outgoing, RequestHandler } from "../../src/control/api.ts";
import { webBody, webReadable, webWritable } from "../../src/streams/web.ts";
import { nodeBody, nodeReadable, nodeWritable } from "../../src/streams/streams-node.ts";
import { CARRIERS, live } from "../scenario/live.ts";

/** A source that counts what was taken of it, and hears when it is given up. */
interface Source {
  readonly body: AsyncIterable<Uint8Array>;
  readonly taken: () => number;
  readonly stopped: () => boolean;
}

interface Kind {
  source(pieces: number, size: number): Source;
  /** The pieces of a received body. */
  read(incoming: Incoming): { pieces: AsyncIterator<Uint8Array>; stop(): Promise<void> };
  write(outgoing: Outgoing): {
    write(bytes: Uint8Array): Promise<void>;
    close(): Promise<void>;
    abort(): Promise<void>;
  };
  failing(after: number): AsyncIterable<Uint8Array>;
  wrong(): AsyncIterable<Uint8Array>;
}

const web: Kind = {
  source(pieces, size) {
    let taken = 0;
    let isStopped = false;
    const stream = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          if (taken === pieces) controller.close();
          else controller.enqueue(new Uint8Array(size).fill(++taken));
        },
        cancel() {
          isStopped = true;
        },
      },
      { highWaterMark: 0 },
    );
    return { body: webBody(stream), taken: () => taken, stopped: () => isStopped };
  },
  read(incoming) {
    const reader = (webReadable(incoming) as unknown as ReadableStream<Uint8Array>).getReader();
    const next = async () => {
      const { done, value } = await reader.read();
      return done ? ({ done, value: undefined } as const) : { done, value };
    };
    return { pieces: { next }, stop: () => reader.cancel() };
  },
  write(outgoing) {
    const writer = (webWritable(outgoing) as unknown as WritableStream<Uint8Array>).getWriter();
    writer.closed.catch(() => {});
    return {
      write: (bytes) => writer.write(bytes),
      close: () => writer.close(),
      abort: () => writer.abort(),
    };
  },
  failing(after) {
    let n = 0;
    return webBody(
      new ReadableStream({
        pull(controller) {
          if (n++ < after) controller.enqueue(new Uint8Array(1000));
          else controller.error(new Error("The disk is gone."));
        },
      }),
    );
  },
  wrong: () =>
    webBody(
      new ReadableStream({
        start(controller) {
          controller.enqueue("text");
        },
      }),
    ),
};

const node: Kind = {
  source(pieces, size) {
    let taken = 0;
    const stream = new Readable({
      highWaterMark: 1,
      read() {
        this.push(taken === pieces ? null : new Uint8Array(size).fill(++taken));
      },
    });
    return { body: nodeBody(stream), taken: () => taken, stopped: () => stream.destroyed };
  },
  read(incoming) {
    const stream = nodeReadable(incoming);
    return {
      pieces: stream[Symbol.asyncIterator](),
      async stop() {
        stream.destroy();
      },
    };
  },
  write(outgoing) {
    const stream = nodeWritable(outgoing);
    stream.on("error", () => {});
    return {
      write: (bytes) => told((callback) => stream.write(bytes, callback)),
      close: () => told((callback) => stream.end(callback)),
      async abort() {
        stream.destroy();
      },
    };
  },
  failing(after) {
    let n = 0;
    return nodeBody(
      new Readable({
        read() {
          if (n++ < after) this.push(new Uint8Array(1000));
          else this.destroy(new Error("The disk is gone."));
        },
      }),
    );
  },
  wrong: () => nodeBody(Readable.from(["text"])),
};

function told(call: (callback: (error?: Error | null) => void) => unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    call((error) => (error ? reject(error) : resolve()));
  });
}

const closes: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closes.splice(0)) await close();
});

async function start(carrier: (typeof CARRIERS)[number], handler: RequestHandler) {
  const { device, close, world } = await live(carrier, handler);
  closes.push(close);
  return { world, tv: await device({ resendBytes: 0 }) };
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !isTrue(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(isTrue()).toBe(true);
}

async function size(pieces: AsyncIterator<Uint8Array>): Promise<number> {
  let total = 0;
  for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) total += next.value.length;
  return total;
}

describe.each([
  ["web", web],
  ["node", node],
] as const)("%s streams", (_, kind) => {
  describe.each(CARRIERS)("over %s", (carrier) => {
    test("a stream is a request's body, and a response's; the received body is one", async () => {
      const { tv } = await start(carrier, async (request) => {
        const sent = await size(kind.read(request).pieces);
        return { body: kind.source(sent / 10_000, 20_000).body };
      });
      const reply = await tv.request({ body: kind.source(50, 10_000).body });
      expect(await size(kind.read(reply).pieces)).toBe(1_000_000);
      expect(reply.complete).toBe(true);
    });

    test("a channel is written as a stream: each write leaves at once", async () => {
      const { tv } = await start(carrier, (request) => ({ body: request }));
      const { outgoing, incoming } = tv.open({ timeoutMs: 5000 });
      const stream = kind.write(outgoing);
      let pieces: AsyncIterator<Uint8Array> | null = null;
      for (const n of [1, 2, 3]) {
        await stream.write(new Uint8Array(10).fill(n));
        pieces ??= kind.read(await incoming).pieces;
        expect([...(await pieces.next()).value!]).toEqual(Array(10).fill(n));
      }
      await stream.close();
      expect((await pieces!.next()).done).toBe(true);
    });
  });

  test("a source is read as the other side takes it, and is told when it is not wanted to its end", async () => {
    const source = kind.source(1000, 16384);
    let go = () => {};
    const { tv } = await start("loopback", async (request) => {
      const pieces = request[Symbol.asyncIterator]();
      await pieces.next();
      await new Promise<void>((resolve) => {
        go = resolve;
      });
      return { error: "ENTITY_REVOKED" };
    });
    const failing = tv.request({ body: source.body }).catch((error) => error);
    await new Promise((resolve) => setTimeout(resolve, 50));
    // One piece each in the source, in the message, in the pipe, and with the server.
    expect(source.taken()).toBeGreaterThan(1);
    expect(source.taken()).toBeLessThan(8);
    expect(source.stopped()).toBe(false);
    go();
    // The error is heard though the body was not taken to its end.
    expect(await failing).toMatchObject({ code: "ENTITY_REVOKED" });
    await until(source.stopped);
    expect(source.taken()).toBeLessThan(12);
  });

  test("a source is told of a request that fails before it is asked for a byte", async () => {
    const source = kind.source(10, 10);
    const { tv } = await start("loopback", () => ({}));
    const gone = AbortSignal.abort(new Error("gone"));
    await expect(tv.request({ body: source.body, signal: gone })).rejects.toThrow("gone");
    await until(source.stopped);
  });

  test("who stops reading a received body stops the other side's source", async () => {
    const source = kind.source(1000, 16384);
    const { tv } = await start("loopback", () => ({ body: source.body, compress: false }));
    const { pieces, stop } = kind.read(await tv.request({ body: "x" }));
    expect((await pieces.next()).value!.length).toBe(16384);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(source.taken()).toBeLessThan(16);
    expect(source.stopped()).toBe(false);
    await stop();
    await until(source.stopped);
  });

  test("a source that fails is the error of the request, or cuts the response", async () => {
    const { tv } = await start("loopback", async (request) => {
      await request.text().catch(() => {});
      return { body: kind.failing(5) };
    });
    await expect(tv.request({ body: kind.failing(2) })).rejects.toThrow("The disk is gone.");
    const reply = await tv.request({ body: "x" });
    await expect(size(kind.read(reply).pieces)).rejects.toMatchObject({ name: "MslTransportError" });
  });

  test("a channel's stream that is aborted drops the request", async () => {
    const { tv } = await start("loopback", (request) => ({ body: request }));
    const { outgoing, incoming } = tv.open({});
    const failure = incoming.catch((error) => error);
    const stream = kind.write(outgoing);
    await stream.abort();
    expect(await failure).toMatchObject({ code: "ABORTED" });
    await expect(outgoing.write(new Uint8Array(1))).rejects.toMatchObject({ code: "ABORTED" });
  });

  test("a stream of anything but bytes is refused", async () => {
    const { tv } = await start("loopback", async (request) => ({ body: await request.text() }));
    await expect(tv.request({ body: kind.wrong() })).rejects.toMatchObject({ code: "USAGE" });
  });
});
