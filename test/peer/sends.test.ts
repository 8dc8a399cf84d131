// What peers do in place of a push: on one connection either side sends messages of its own, none of them an answer.

import { expect, test } from "vitest";
import { tcpConnect, tcpListen } from "../../src/transport/tcp-node.ts";
import type { Connection } from "../../src/platform/transport.ts";
import { duplex, nextRequest, side } from "./pair.ts";

async function connections(carrier: string): Promise<{ a: Connection; b: Connection; close(): Promise<void> }> {
  if (carrier === "pipes") return { ...duplex(), close: async () => {} };
  let arrived: (connection: Connection) => void = () => {};
  let over: () => void = () => {};
  const b = new Promise<Connection>((resolve) => {
    arrived = resolve;
  });
  const listener = await tcpListen((connection) => {
    arrived(connection);
    return new Promise((resolve) => {
      over = resolve;
    });
  });
  const a = await tcpConnect(listener.url);
  const close = async () => {
    over();
    await listener.close(0);
  };
  return { a, b: await b, close };
}

test.each(["pipes", "TCP"])(
  "over %s, a subscription between peers: one message there, as many back as its receiver likes",
  async (carrier) => {
    const one = await side("peer-a");
    const two = await side("peer-b");
    const wire = await connections(carrier);
    const a = one.peer.session(wire.a);
    const b = two.peer.session(wire.b);
    const ids: number[] = [];
    const serving = (async () => {
      const request = await nextRequest(b);
      const topic = await request.text();
      ids.push(request.messageId);
      for (const n of [1, 2, 3]) await b.send({ body: `${topic} ${n}` });
    })();
    await a.send({ body: "news" });
    const heard: string[] = [];
    for (let i = 0; i < 3; i++) {
      const message = await nextRequest(a);
      heard.push(await message.text());
      ids.push(message.messageId);
    }
    await serving;
    expect(heard).toEqual(["news 1", "news 2", "news 3"]);
    // None is an answer: each has an id of its own.
    expect(new Set([...ids, ids[0]! + 1]).size).toBe(5);
    // And the connection serves requests as before.
    const answering = nextRequest(b).then(async (request) => request.respond({ body: `${await request.text()}!` }));
    expect(await (await a.request({ body: "still there" })).text()).toBe("still there!");
    await answering;
    await a.close();
    await b.close();
    await wire.close();
  },
);

test("between peers a body that is answered as it is read plays ping-pong too", async () => {
  const one = await side("peer-a");
  const two = await side("peer-b");
  const wire = await connections("TCP");
  const a = one.peer.session(wire.a);
  const served = two.peer.serve(wire.b, (request) => ({ body: request }));
  let next = () => {};
  async function* pings() {
    for (const ping of ["a", "b", "c"]) {
      yield Buffer.from(ping);
      await new Promise<void>((resolve) => {
        next = resolve;
      });
    }
  }
  const reply = await a.request({ body: pings(), timeoutMs: 5000 });
  const heard: string[] = [];
  for await (const piece of reply) {
    heard.push(Buffer.from(piece).toString());
    next();
  }
  expect(heard).toEqual(["a", "b", "c"]);
  await a.close();
  await served;
  await wire.close();
});
