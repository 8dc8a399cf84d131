// Bodies on the wire: when they are read, how they are cut into chunks, what is sent again.

import { describe, expect, test } from "vitest";
import { MslRemoteError } from "../../src/errors/msl-error.ts";
import { writeErrorMessage } from "../../src/message/error-header.ts";
import { pskData } from "../../src/entity-auth/psk.ts";
import { World } from "../scenario/world.ts";
import {
  ask,
  chunk,
  device as deviceOf,
  FORMATS,
  HEADER,
  header,
  issue,
  message,
  objectsOf,
  outcome,
  read,
  sent,
} from "./kit.ts";

describe.each(FORMATS)("%s", (firstFormat) => {
  test("CTL-83 the header is on the wire before the body is asked for data, on both sides", async () => {
    const log: string[] = [];
    const watch = (side: string) =>
      function* () {
        log.push(`${side} body`);
        yield Buffer.from("data");
      } as () => Iterable<Uint8Array>;
    const world = await World.create({ handler: async () => ({ body: watch("server") }) });
    const { transport } = world;
    const device = await world.device({
      firstFormat,
      transport: {
        async open(options) {
          const { writer, ...exchange } = await transport.open(options);
          const write = (bytes: Uint8Array) => {
            log.push("device write");
            return writer.write(bytes);
          };
          return { ...exchange, writer: { write, end: () => writer.end() } };
        },
      },
    });
    await ask(device, { body: watch("device") });
    expect(log.indexOf("device write")).toBeGreaterThanOrEqual(0);
    expect(log.indexOf("device write")).toBeLessThan(log.indexOf("device body"));
    const answers: string[] = [];
    const bytes = await message(firstFormat, deviceOf(world), HEADER);
    log.length = 0;
    await world.receiveInto(
      {
        write: async (piece) => {
          answers.push(log.includes("server body") ? "after the body was asked" : "before");
          expect(piece.length).toBeGreaterThan(0);
        },
        end: async () => {},
      },
      bytes,
    );
    expect(answers[0]).toBe("before");
    expect(log).toEqual(["server body"]);
  });

  test("CTL-84 a short body is one chunk with number 1, the end-of-message flag and the data", async () => {
    const world = await World.create();
    const device = await world.device({ firstFormat });
    await ask(device, { body: "abc" });
    const [{ chunks } = { chunks: [] }] = await sent(world);
    expect(
      chunks.map(({ sequenceNumber, endOfMessage, data }) => [
        sequenceNumber,
        endOfMessage,
        Buffer.from(data).toString(),
      ]),
    ).toEqual([[1, true, "abc"]]);
    const answer = await read(world, world.wire[0]!.response);
    expect(answer.chunks.map(({ sequenceNumber, endOfMessage }) => [sequenceNumber, endOfMessage])).toEqual([
      [1, true],
    ]);
  });

  test("CTL-85 each piece that a source gives is a chunk, empty ones are none, and one last chunk ends the message", async () => {
    const world = await World.create();
    const device = await world.device({ firstFormat });
    async function* pieces() {
      for (const text of ["one", "", "two", "", "three", ""]) yield Buffer.from(text);
    }
    async function* nothing() {}
    expect(await ask(device, { body: pieces() })).toBe("ECHO:onetwothree");
    expect(await ask(device, { body: nothing() })).toBe("ECHO:");
    const [one, two] = await sent(world);
    const shape = one!.chunks.map((c) => [c.sequenceNumber, Buffer.from(c.data).toString(), c.endOfMessage]);
    expect(shape).toEqual([
      [1, "one", false],
      [2, "two", false],
      [3, "three", true],
    ]);
    expect(two!.chunks.map((c) => [c.sequenceNumber, c.data.length, c.endOfMessage])).toEqual([[1, 0, true]]);
  });

  test("CTL-87 error messages and handshakes are their header and nothing behind it", async () => {
    const world = await World.create();
    const device = await world.device({ firstFormat, entity: world.anonymous() });
    await ask(device, { body: "abc" });
    expect(objectsOf(world, world.wire[0]!.request)).toHaveLength(1);
    expect(objectsOf(world, world.wire[0]!.response)).toHaveLength(1);
    const answer = await world.post(await message(firstFormat, deviceOf(world), { ...HEADER, nonreplayableid: 1 }));
    expect(objectsOf(world, answer)).toHaveLength(1);
  });

  test("CTL-128 a body that is sent again is the same to the byte; a one-shot body is read once", async () => {
    const bodies: string[] = [];
    const world = await World.create({
      handler: async (request) => {
        bodies.push(await request.text());
        return bodies.length % 3 === 0 ? { body: "fine" } : { error: "MESSAGE_REPLAYED" };
      },
    });
    const device = await world.device({ firstFormat });
    let reads = 0;
    async function* once() {
      reads++;
      for (const piece of ["one ", "two ", "three"]) yield Buffer.from(piece);
    }
    expect(await ask(device, { body: once() })).toBe("fine");
    expect([reads, bodies]).toEqual([1, Array(3).fill("one two three")]);
    bodies.length = 0;
    expect(await ask(device, { body: "text" })).toBe("fine");
    expect(bodies).toEqual(Array(3).fill("text"));
  });

  test("CTL-129 a one-shot body beyond the bound is not sent again: the error is delivered", async () => {
    const world = await World.create({
      handler: async (request) => {
        await request.bytes();
        return { error: "MESSAGE_REPLAYED" };
      },
    });
    const device = await world.device({ firstFormat, resendBytes: 1000 });
    const pieces = [new Uint8Array(900), new Uint8Array(900)];
    const error = await ask(device, { body: pieces.values() }).catch((e) => e);
    expect(error).toBeInstanceOf(MslRemoteError);
    expect([error.code, error.attempts, world.wire.length]).toEqual(["MESSAGE_REPLAYED", 1, 1]);
  });

  test("CTL-133 a server answers no error message, whatever stands in it", async () => {
    const world = await World.create();
    const error = { code: "ENTITY_REJECTED_BY_APP", messageId: 5, timestamp: 1, userMessage: "x" } as const;
    const bytes = await writeErrorMessage(firstFormat, pskData("device-1"), world.pskContextOf("device-1")!, error);
    expect(await world.post(bytes)).toHaveLength(0);
  });

  test("CTL-82 an answered handshake leaves nothing behind it on a connection that stays", async () => {
    const world = await World.create();
    const requests = world.keyExchange()[0]!;
    const [request] = await requests.createRequests();
    const keyrequestdata = [{ scheme: request!.scheme, keydata: request!.keydata }];
    const fields = { ...HEADER, renewable: true, handshake: true, keyrequestdata };
    const answer = await world.post(await header(firstFormat, deviceOf(world), fields));
    expect(objectsOf(world, answer)).toHaveLength(1);
  });

  test("CTL-106 chunks behind the last one are not read", async () => {
    const world = await World.create();
    const masterToken = await issue(world);
    const whole = await message(firstFormat, { masterToken }, HEADER, "data");
    const stray = await chunk(firstFormat, masterToken.verified.context, "more", { sequenceNumber: 2 });
    const { code, reply } = await outcome(world, Uint8Array.from(Buffer.concat([whole, stray])));
    expect([code, Buffer.from(reply.chunks[0]!.data).toString()]).toEqual(["accepted", "ECHO:data"]);
  });
});
