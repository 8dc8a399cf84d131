// Attacks on whole messages by somebody who holds the wire: what is cut off, moved, doubled, taken from elsewhere, put in
// place of an answer. Both directions; each row first without the manipulation.

import { describe, expect, test } from "vitest";
import type { MslClient } from "../../src/control/api.ts";
import { decodeObject, encodeObject, type EncodeFields } from "../../src/encoding/codec.ts";
import { codeOf, FORMATS, HEADER, issue, message, objectsOf, outcome } from "../conformance/kit.ts";
import { World } from "../scenario/world.ts";

const TEXT = ["one,", "two,", "three,", "four"];
const body = () => TEXT.map((text) => new Uint8Array(Buffer.from(text)));
const WHOLE = TEXT.join("");

/** Gives the objects of a message in another form; null leaves it alone. */
type Change = (objects: Uint8Array[]) => Uint8Array[];

/** Ways to move chunks; the header is object 0, the last chunk 4. */
const CHUNKS: [string, Change][] = [
  ["two exchanged", ([h, a, b, ...rest]) => [h!, b!, a!, ...rest]],
  ["the last first", (list) => [list[0]!, list.at(-1)!, ...list.slice(1, -1)]],
  ["one doubled", ([h, a, ...rest]) => [h!, a!, a!, ...rest]],
  ["the last doubled before itself", (list) => [...list.slice(0, -2), list.at(-1)!, list.at(-2)!, list.at(-1)!]],
  ["one left out", ([h, _a, ...rest]) => [h!, ...rest]],
  ["one in the middle left out", ([h, a, _b, ...rest]) => [h!, a!, ...rest]],
  ["backwards", ([h, ...rest]) => [h!, ...rest.reverse()]],
];

describe.each(FORMATS)("%s", (format) => {
  /** A device with a session; `received` is what the application of the server got whole. */
  async function network() {
    const received: string[] = [];
    const world = await World.create({
      handler: async (request) => {
        received.push(await request.text());
        return { body: body() };
      },
    });
    const device = await connected(world);
    received.length = 0;
    return { world, device, received };
  }

  async function connected(world: World, identity?: string): Promise<MslClient> {
    const capabilities = { formats: [format] };
    const device = await world.device({ firstFormat: format, capabilities }, identity);
    for (let i = 0; i < 2; i++) await (await device.request({ body: "hello" })).text();
    expect(device.session.masterToken).not.toBeNull();
    return device;
  }

  /** The next message in that direction is changed. */
  function changeNext(world: World, direction: "request" | "response", change: Change) {
    world.tamper = (bytes, way) => {
      if (way !== direction) return bytes;
      return new Uint8Array(Buffer.concat(change(objectsOf(world, bytes))));
    };
  }

  /** What the device gets of a request. */
  const ask = async (device: MslClient, text: string | Uint8Array[] = body()) => {
    try {
      const reply = await device.request({ body: text, compress: false });
      const got = await reply.text();
      return got === WHOLE && reply.complete ? "whole" : got;
    } catch (error) {
      return (error as { code: string }).code;
    }
  };

  test.each(CHUNKS)("chunks, %s: refused by server and device", async (_name, change) => {
    const { world, device, received } = await network();
    changeNext(world, "request", (list) => list);
    expect(await ask(device)).toBe("whole");
    expect(received).toEqual([WHOLE]);
    changeNext(world, "request", change);
    expect(await ask(device)).toBe("PAYLOAD_SEQUENCE_NUMBER_MISMATCH");
    expect(received).toEqual([WHOLE]);
    changeNext(world, "response", change);
    expect(await ask(device)).toBe("PAYLOAD_SEQUENCE_NUMBER_MISMATCH");
    world.tamper = null;
    expect(await ask(device)).toBe("whole");
  });

  test("the end cut off at any object or byte: neither side takes the message for whole", async () => {
    const { world, device, received } = await network();
    const codes = new Set<string>();
    for (let keep = 0; keep <= TEXT.length; keep++) {
      changeNext(world, "response", (list) => list.slice(0, keep));
      codes.add(await ask(device));
      received.length = 0;
      changeNext(world, "request", (list) => list.slice(0, keep));
      codes.add(await ask(device));
      expect(received).toEqual([]);
    }
    expect([...codes].sort()).toEqual(["MESSAGE_TRUNCATED", "MSL_PARSE_ERROR", "TRANSPORT"]);
    for (const direction of ["request", "response"] as const) {
      for (let bytes = 1; bytes < 400; bytes += 13) {
        received.length = 0;
        world.tamper = (all, way) => (way === direction ? all.subarray(0, all.length - bytes) : all);
        expect(await ask(device)).not.toBe("whole");
        if (direction === "request") expect(received).toEqual([]);
      }
    }
    world.tamper = null;
    expect(await ask(device)).toBe("whole");
  });

  test("chunks of another message of the session are refused, and headers before others' chunks", async () => {
    const { world, device, received } = await network();
    expect(await ask(device)).toBe("whole");
    const other = world.wire.at(-1)!;
    received.length = 0;
    for (const [direction, bytes] of [
      ["request", other.request],
      ["response", other.response],
    ] as const) {
      const theirs = objectsOf(world, bytes);
      const splices: Change[] = [
        (own) => [own[0]!, ...theirs.slice(1)],
        (own) => [...own.slice(0, 2), theirs[2]!, ...own.slice(3)],
        (own) => [...own.slice(0, -1), theirs.at(-1)!],
      ];
      for (const splice of splices) {
        changeNext(world, direction, splice);
        expect(await ask(device)).toBe("PAYLOAD_MESSAGE_ID_MISMATCH");
      }
    }
    // As the server's answers were replaced, three whole requests got through, none that was spliced.
    expect(received).toEqual([WHOLE, WHOLE, WHOLE]);
  });

  test("chunks of the other direction and of another session are refused", async () => {
    const { world, device, received } = await network();
    expect(await ask(device)).toBe("whole");
    const { request, response } = world.wire.at(-1)!;
    received.length = 0;
    const replaced =
      (from: Uint8Array): Change =>
      (own) => [own[0]!, ...objectsOf(world, from).slice(1)];
    // What the device just said, as the server's answer.
    let asked: Uint8Array = request;
    world.tamper = (bytes, way) => {
      if (way === "request") {
        asked = bytes;
        return bytes;
      }
      return new Uint8Array(Buffer.concat(replaced(asked)(objectsOf(world, bytes))));
    };
    expect(await ask(device)).toBe("PAYLOAD_MESSAGE_ID_MISMATCH");
    changeNext(world, "request", replaced(response));
    expect(await ask(device)).toBe("PAYLOAD_MESSAGE_ID_MISMATCH");
    world.tamper = null;
    const stranger = await connected(world, "device-2");
    expect(await ask(stranger)).toBe("whole");
    const foreign = world.wire.at(-1)!;
    received.length = 0;
    changeNext(world, "request", replaced(foreign.request));
    expect(await ask(device)).toBe("PAYLOAD_VERIFICATION_FAILED");
    changeNext(world, "response", replaced(foreign.response));
    expect(await ask(device)).toBe("PAYLOAD_VERIFICATION_FAILED");
    expect(received).toEqual([WHOLE]);
  });

  test("the answer to another request, an older one, another device's or the request itself is no answer", async () => {
    const { world, device } = await network();
    const old = world.wire.at(-1)!.response;
    const stranger = await connected(world, "device-2");
    expect(await ask(stranger)).toBe("whole");
    const foreign = world.wire.at(-1)!.response;
    let asked = new Uint8Array(0);
    const answerWith = (bytes: () => Uint8Array) => {
      world.tamper = (all, way) => {
        if (way === "request") asked = all.slice();
        return way === "request" ? all : bytes();
      };
    };
    answerWith(() => old);
    expect(await ask(device)).toBe("UNEXPECTED_RESPONSE_MESSAGE_ID");
    answerWith(() => foreign);
    expect(await ask(device)).toBe("MASTERTOKEN_UNTRUSTED");
    answerWith(() => asked);
    expect(await ask(device)).toBe("UNEXPECTED_RESPONSE_MESSAGE_ID");
    // Two at the same time, answered crosswise.
    const waiting: ((bytes: Uint8Array) => void)[] = [];
    const post = world.post.bind(world);
    const answers: Uint8Array[] = [];
    world.tamper = null;
    world.post = async (...parts) => {
      answers.push(await post(...parts));
      if (answers.length === 2) for (const [i, give] of waiting.entries()) give(answers[1 - i]!);
      return answers.length === 2 ? answers[0]! : new Promise((resolve) => waiting.push(resolve));
    };
    const both = await Promise.all([ask(device), ask(device)]);
    expect(both).toEqual(["UNEXPECTED_RESPONSE_MESSAGE_ID", "UNEXPECTED_RESPONSE_MESSAGE_ID"]);
    world.post = post;
    expect(await ask(device)).toBe("whole");
  });

  test("every change of what is sealed has one answer: padding, envelope, initial vector and signature alike", async () => {
    const world = await World.create();
    const token = await issue(world);
    const under = { masterToken: token };
    const entity = {
      entity: { scheme: "PSK", identity: "", authdata: { identity: "device-1" } },
      context: world.pskContextOf("device-1")!,
    };
    const answers = async (bytes: Uint8Array) => {
      const { code, reply } = await outcome(world, bytes);
      const { messageid: _, ...told } = reply.data.toFields();
      return JSON.stringify([code, reply.kind === "error" ? told : "accepted"]);
    };
    for (const [sender, member, place, code] of [
      [under, "headerdata", 0, "MESSAGE_MASTERTOKENBASED_VERIFICATION_FAILED"],
      [under, "signature", 0, "MESSAGE_MASTERTOKENBASED_VERIFICATION_FAILED"],
      [entity, "headerdata", 0, "MESSAGE_ENTITYDATABASED_VERIFICATION_FAILED"],
      [entity, "signature", 0, "MESSAGE_ENTITYDATABASED_VERIFICATION_FAILED"],
      [under, "payload", 1, "PAYLOAD_VERIFICATION_FAILED"],
      [under, "signature", 1, "PAYLOAD_VERIFICATION_FAILED"],
    ] as const) {
      const good = await message(format, sender, HEADER, "0123456789abcdef0123456789");
      expect(await codeOf(world, good)).toBe("accepted");
      const objects = objectsOf(world, good);
      const fields = decodeObject(objects[place]!, "object");
      const sealed = fields.bytes(member).slice();
      const told = new Set<string>();
      for (let at = 0; at < sealed.length; at++) {
        const bent = sealed.slice();
        bent[at]! ^= 1 << (at % 8);
        told.add(await answers(joined(objects, place, { ...fields.toFields(), [member]: bent })));
      }
      for (const length of [0, 1, sealed.length - 16, sealed.length - 1]) {
        if (length === 0 && member === "headerdata") continue;
        told.add(await answers(joined(objects, place, { ...fields.toFields(), [member]: sealed.subarray(0, length) })));
      }
      expect([...told].map((text) => JSON.parse(text)[0])).toEqual([code]);
    }
  });

  function joined(objects: Uint8Array[], place: number, fields: EncodeFields): Uint8Array {
    const parts = objects.map((object, i) => (i === place ? encodeObject(format, fields) : object));
    return new Uint8Array(Buffer.concat(parts));
  }
});
