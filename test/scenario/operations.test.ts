// One-shot sends and open channels of a device.

import { describe, expect, test } from "vitest";
import type { RequestHandler } from "../../src/control/api.ts";
import { createClient } from "../../src/control/client.ts";
import { nodeTimers } from "../../src/platform/clock-node.ts";
import { nodeGzip } from "../../src/platform/gzip-node.ts";
import type { Transport } from "../../src/platform/transport.ts";
import { Pipe } from "../../src/transport/pipe.ts";
import { pskData } from "../../src/entity-auth/psk.ts";
import { clock, World } from "./world.ts";

const settle = () => new Promise((resolve) => setTimeout(resolve, 20));

/** Counts what a client reads of each exchange. */
function counting(transport: Transport) {
  const reads: number[] = [];
  const counted: Transport = {
    async open(options) {
      const exchange = await transport.open(options);
      const at = reads.push(0) - 1;
      const read = () => {
        reads[at]!++;
        return exchange.reader.read();
      };
      return { ...exchange, reader: { read, cancel: () => exchange.reader.cancel() } };
    },
  };
  return { reads, counted };
}

/** A device and a server whose bytes flow as they come, both ways at once. */
async function streaming(handler: RequestHandler, format: "JSON" | "CBOR") {
  const world = await World.create({ handler });
  const transport: Transport = {
    async open() {
      const request = new Pipe();
      const response = new Pipe();
      world.serve(request, response).then(
        () => response.end(),
        () => response.fail("failed"),
      );
      const abort = () => {
        request.fail("Aborted.");
        response.fail("Aborted.");
      };
      return { duplex: "full", writer: request, reader: response, abort };
    },
  };
  const device = await createClient({
    core: world.core,
    clock,
    timers: nodeTimers,
    gzip: nodeGzip,
    transport,
    entity: { scheme: world.psk(), data: () => pskData("device-1") },
    serverSchemes: [world.psk()],
    keyExchange: world.keyExchange(),
    firstFormat: format,
  });
  return { world, device };
}

describe.each(["JSON", "CBOR"] as const)("%s", (firstFormat) => {
  test("CTL-55 CTL-28 a send without a handshake reads nothing and asks for no tokens", async () => {
    const bodies: string[] = [];
    const world = await World.create({
      handler: async (request) => {
        bodies.push(await request.text());
        return {};
      },
    });
    const { reads, counted } = counting(world.transport);
    const device = await world.device({ firstFormat, transport: counted });
    await device.send({ body: "one way" });
    await settle();
    expect(bodies).toEqual(["one way"]);
    expect(reads).toEqual([0]);
    expect(world.reports[0]).toMatchObject({ renewable: false, keyx: [] });
    expect(device.session.masterToken).toBeNull();
  });

  test("CTL-56 a send that needs a handshake reads its reply, then sends the data", async () => {
    const bodies: string[] = [];
    const world = await World.create({
      handler: async (request) => {
        bodies.push(await request.text());
        return {};
      },
    });
    const { reads, counted } = counting(world.transport);
    const device = await world.device({ firstFormat, transport: counted, entity: world.anonymous() });
    await device.send({ body: "one way" });
    await settle();
    expect(bodies).toEqual(["one way"]);
    expect(reads.length).toBe(2);
    expect(reads[0]).toBeGreaterThan(0);
    expect(reads[1]).toBe(0);
    expect(device.session.masterToken?.sequenceNumber).toBe(0);
  });

  test("CTL-57 a send whose handshake is refused once still succeeds when the data was sent", async () => {
    const bodies: string[] = [];
    const world = await World.create({
      handler: async (request) => {
        bodies.push(await request.text());
        return {};
      },
    });
    const post = world.post.bind(world);
    let messages = 0;
    world.post = (...parts) =>
      messages++ === 0 ? world.postWith(() => ({ reject: "entity" }), ...parts) : post(...parts);
    const device = await world.device({ firstFormat, entity: world.anonymous() });
    await device.send({ body: "one way" });
    await settle();
    expect(messages).toBe(3);
    expect(bodies).toEqual(["one way"]);
  });

  test("an open channel writes and reads at once, flushes when asked, and ends once", async () => {
    const { device } = await streaming((request) => ({ body: request, compress: false }), firstFormat);
    const { outgoing, incoming } = device.open({ compress: false });
    await outgoing.write(Buffer.from("one"));
    await outgoing.flush();
    await outgoing.write(Buffer.from("and"));
    await outgoing.flush();
    const reply = await incoming;
    const pieces = reply[Symbol.asyncIterator]();
    await outgoing.write(Buffer.from("two"));
    await outgoing.flush();
    expect(Buffer.from((await pieces.next()).value!).toString()).toBe("one");
    await outgoing.flush();
    await outgoing.close();
    await outgoing.close();
    expect(Buffer.from((await pieces.next()).value!).toString()).toBe("and");
    expect(Buffer.from((await pieces.next()).value!).toString()).toBe("two");
    expect((await pieces.next()).done).toBe(true);
    expect(reply.complete).toBe(true);
    await expect(outgoing.write(Buffer.from("x"))).rejects.toMatchObject({ code: "USAGE" });
    await expect(outgoing.flush()).rejects.toMatchObject({ code: "USAGE" });
  });

  test("CTL-84 CTL-85 what a channel writes between flushes is one chunk", async () => {
    const pieces: string[] = [];
    const { device } = await streaming(async (request) => {
      for await (const piece of request) pieces.push(Buffer.from(piece).toString());
      return { body: "done" };
    }, firstFormat);
    const { outgoing, incoming } = device.open({ compress: false });
    for (const text of ["a", "b", "c"]) await outgoing.write(Buffer.from(text));
    await outgoing.flush();
    await outgoing.flush();
    await outgoing.write(Buffer.from("d"));
    await outgoing.close();
    expect(await (await incoming).text()).toBe("done");
    expect(pieces).toEqual(["abc", "d"]);
  });

  test("a channel that is dropped rejects on both sides of it", async () => {
    const { device } = await streaming((request) => ({ body: request }), firstFormat);
    const { outgoing, incoming } = device.open({ compress: false });
    incoming.catch(() => {});
    await outgoing.write(Buffer.from("x"));
    outgoing.abort();
    await expect(incoming).rejects.toMatchObject({ code: "ABORTED" });
    await expect(outgoing.write(Buffer.from("x"))).rejects.toMatchObject({ code: "ABORTED" });
    await expect(outgoing.close()).rejects.toMatchObject({ code: "ABORTED" });
  });

  test("a channel over a half-duplex transport sends all of it before the reply is read", async () => {
    const world = await World.create();
    const half: Transport = {
      async open(options) {
        const { duplex: _, ...exchange } = await world.transport.open(options);
        return exchange;
      },
    };
    const device = await world.device({ firstFormat, transport: half });
    const { outgoing, incoming } = device.open({});
    await outgoing.write(Buffer.from("hello"));
    await outgoing.close();
    expect(await (await incoming).text()).toBe("ECHO:hello");
    expect(device.session.masterToken?.sequenceNumber).toBe(0);
  });
});
