// Replies that nobody reads do not keep their connection and the keys of their session for good.

import { expect, test } from "vitest";
import type { ClientConfig } from "../../src/control/api.ts";
import type { Timers } from "../../src/platform/timers.ts";
import { Pipe } from "../../src/transport/pipe.ts";
import { countKeys, watch } from "../model/observed.ts";
import { World } from "./world.ts";

/** Timers that a test lets pass. */
class Hands implements Timers {
  readonly #set = new Set<{ left: number; readonly fire: () => void }>();
  readonly aside: boolean[] = [];

  after(ms: number, fire: () => void, isAside = false): () => void {
    const timer = { left: ms, fire };
    this.#set.add(timer);
    this.aside.push(isAside);
    return () => void this.#set.delete(timer);
  }

  get size(): number {
    return this.#set.size;
  }

  pass(ms: number): void {
    for (const timer of [...this.#set]) {
      timer.left -= ms;
      if (timer.left > 0) continue;
      this.#set.delete(timer);
      timer.fire();
    }
  }
}

/** A device with a session, a reply of three chunks that is under way, and another session in its place since. */
async function abandoned(config: Partial<ClientConfig>) {
  const eyes = watch();
  const world = await World.create({
    handler: async (request) => {
      if ((await request.text()) !== "long") return { body: "short" };
      return { body: [1, 2, 3].map((n) => new Uint8Array(16384).fill(n)), compress: false };
    },
  });
  const pipes: Pipe[] = [];
  const transport = {
    async open() {
      const [request, response] = [new Pipe(), new Pipe()];
      pipes.push(response);
      world.serve(request, response).catch(() => {});
      return { writer: request, reader: response, abort: () => response.fail("Aborted.") };
    },
  };
  const hands = new Hands();
  const tv = await world.device({ transport, timers: hands, ...config });
  const ask = async () => expect(await (await tv.request({ body: "short" })).text()).toBe("short");
  await ask();
  const left = countKeys(world.core);
  const reply = await tv.request({ body: "long" });
  const [store] = eyes.stores;
  // The session of the reply is replaced: its keys live for the reply alone.
  store!.retire(store!.masterToken!);
  await ask();
  expect([store!.sessionCount, store!.leaseCount]).toEqual([2, 1]);
  return { world, tv, store: store!, reply, hands, left, response: pipes[1]! };
}

test("a reply that nobody reads is given up, with its connection and the keys of its session", async () => {
  const { reply, hands, store, response } = await abandoned({ unreadMs: 1000 });
  hands.pass(999);
  expect(store.leaseCount).toBe(1);
  hands.pass(1);
  expect([store.sessionCount, store.leaseCount, hands.size]).toEqual([1, 0, 0]);
  await expect(response.write(new Uint8Array(1))).rejects.toMatchObject({ code: "TRANSPORT" });
  // What was here is still given; what was to come is not.
  const sizes: number[] = [];
  const read = async () => {
    for await (const piece of reply) sizes.push(piece.length);
  };
  await expect(read()).rejects.toMatchObject({ code: "TIMEOUT", phase: "unread" });
  expect(sizes).toEqual([16384]);
  expect(reply.complete).toBe(false);
});

test("a reply that is read slowly is not given up, and ends its watch when it is over", async () => {
  const { reply, hands, store } = await abandoned({ unreadMs: 1000 });
  const sizes: number[] = [];
  for await (const piece of reply) {
    sizes.push(piece.length);
    hands.pass(900);
  }
  expect(sizes).toEqual([16384, 16384, 16384]);
  expect([store.leaseCount, hands.size, reply.complete]).toEqual([0, 0, true]);
});

test("whoever waits for the rest of a reply is reading it", async () => {
  let go = () => {};
  const world = await World.create({
    handler: async () => ({
      body: (async function* () {
        yield Buffer.from("one ");
        await new Promise<void>((resolve) => {
          go = resolve;
        });
        yield Buffer.from("two");
      })(),
    }),
  });
  const hands = new Hands();
  const transport = {
    async open() {
      const [request, response] = [new Pipe(), new Pipe()];
      world.serve(request, response).catch(() => {});
      return { writer: request, reader: response, abort() {} };
    },
  };
  const tv = await world.device({ transport, timers: hands, unreadMs: 1000 });
  const reply = await tv.request({ body: "x" });
  const text = reply.text();
  for (let i = 0; i < 5; i++) {
    hands.pass(1000);
    await new Promise(setImmediate);
  }
  go();
  expect(await text).toBe("one two");
  expect(hands.size).toBe(0);
});

test.each([
  ["without timers", { timers: null }],
  ["where it may take for ever", { unreadMs: null }],
])("%s, a reply keeps its session until it is cancelled", async (_, config) => {
  const { reply, hands, store } = await abandoned(config);
  hands.pass(1e9);
  expect([store.sessionCount, store.leaseCount]).toEqual([2, 1]);
  reply.cancel();
  expect([store.sessionCount, store.leaseCount]).toEqual([1, 0]);
});

test("by default it is given up after a minute; the timer lets a program end", async () => {
  const { hands, store } = await abandoned({});
  expect(hands.aside).toEqual([true]);
  hands.pass(60_000);
  expect(store.leaseCount).toBe(0);
});

test("a subscription keeps its session until it ends, whatever becomes of the session meanwhile", async () => {
  const eyes = watch();
  const world = await World.create({
    handler: async (request) => {
      if ((await request.text()) !== "news") return { body: "short" };
      for (const n of [1, 2, 3]) await request.push({ body: `${n}` });
      return null;
    },
  });
  const transport = {
    async open() {
      const [request, response] = [new Pipe(), new Pipe()];
      world.serve(request, response).then(
        () => response.end(),
        () => response.fail("failed"),
      );
      return { duplex: "full" as const, writer: request, reader: response, abort: () => response.fail("Aborted.") };
    },
  };
  const tv = await world.device({ transport, timers: new Hands() });
  await (await tv.request({ body: "x" })).text();
  const [store] = eyes.stores;
  const heard: string[] = [];
  for await (const message of tv.subscribe({ body: "news" })) {
    heard.push(await message.text());
    if (heard.length === 1) {
      store!.retire(store!.masterToken!);
      await (await tv.request({ body: "x" })).text();
      expect(store!.sessionCount).toBe(2);
    }
  }
  expect(heard).toEqual(["1", "2", "3"]);
  expect([store!.sessionCount, store!.leaseCount]).toEqual([1, 0]);
  for await (const message of tv.subscribe({ body: "news" })) {
    expect(message.complete).toBe(true);
    break;
  }
  tv.subscribe({ body: "news" }).close();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(store!.leaseCount).toBe(0);
});
