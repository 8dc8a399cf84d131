// How each part of a body is compressed, as its sender chooses while it sends.

import { describe, expect, test } from "vitest";
import type { BodySource, ResponseInit } from "../../src/control/api.ts";
import type { CryptoContext } from "../../src/crypto/crypto-context.ts";
import { openPair } from "../../src/crypto/seal.ts";
import { decodeObject } from "../../src/encoding/codec.ts";
import { compression } from "../../src/message/body.ts";
import { device as deviceOf, contextOf, objectsOf, server as serverOf } from "../conformance/kit.ts";
import type { PeerRequestInit } from "../../src/control/peer-api.ts";
import { pair } from "../peer/pair.ts";
import { World } from "./world.ts";

const FORMATS = ["JSON", "CBOR"] as const;
const TEXT = Buffer.from("compresses well, ".repeat(60));

/** The algorithm of each chunk with data in it. */
async function algorithms(world: World, wire: Uint8Array, context: CryptoContext): Promise<(string | null)[]> {
  const found: (string | null)[] = [];
  for (const object of objectsOf(world, wire).slice(1)) {
    const outer = decodeObject(object, "chunk");
    const plain = await openPair(context, outer.bytes("payload"), outer.bytes("signature"));
    const map = decodeObject(plain!, "payload");
    if (map.bytes("data").length > 0) found.push(map.stringOr("compressionalgo"));
  }
  return found;
}

function* mixed(): Generator<Uint8Array> {
  yield TEXT;
  yield compression("LZW");
  yield TEXT;
  yield compression(null);
  yield TEXT;
  yield compression("GZIP");
  yield TEXT;
}

const ALL = ["GZIP", "LZW", null, "GZIP"];

describe.each(FORMATS)("%s", (firstFormat) => {
  /** Request and response of one exchange without a session, each with the algorithms of its chunks. */
  async function exchange(body: () => BodySource, answer: ResponseInit, capabilities = {}) {
    let got = "";
    const world = await World.create({
      server: { keyExchange: [] },
      handler: async (request) => {
        got = await request.text();
        return answer;
      },
    });
    const tv = await world.device({ firstFormat, keyExchange: [], capabilities });
    const reply = await (await tv.request({ body })).text();
    const { request, response } = world.wire[0]!;
    return {
      got,
      reply,
      request: await algorithms(world, request, contextOf(deviceOf(world))),
      response: await algorithms(world, response, contextOf(serverOf(world))),
    };
  }

  test("marks among the pieces of a request and of a response change the algorithm from there on", async () => {
    const { got, reply, request, response } = await exchange(mixed, { body: mixed });
    expect(got).toBe(`${TEXT}`.repeat(4));
    expect(reply).toBe(`${TEXT}`.repeat(4));
    expect(request).toEqual(ALL);
    expect(response).toEqual(ALL);
  });

  test("arrays with marks are bodies too, and marks that a message cannot follow change nothing", async () => {
    const listed = await exchange(() => [...mixed()], { body: [...mixed()] });
    expect([listed.request, listed.response]).toEqual([ALL, ALL]);
    const { request, response, got } = await exchange(mixed, { body: mixed }, { compression: ["LZW"] });
    const lzw = ["LZW", "LZW", null, null];
    expect([request, response, got]).toEqual([lzw, lzw, `${TEXT}`.repeat(4)]);
  });

  test.each([
    [true, "GZIP"],
    [false, null],
    ["LZW", "LZW"],
    ["GZIP", "GZIP"],
  ] as const)("a message is compressed as its sender says: %s", async (compress, algorithm) => {
    const { response } = await exchange(() => "x", { body: TEXT, compress });
    expect(response).toEqual([algorithm]);
  });

  test("a channel changes its compression between chunks, to what the capabilities have", async () => {
    const world = await World.create({ handler: async (request) => ({ body: await request.text() }) });
    const tv = await world.device({ firstFormat, keyExchange: [], capabilities: { compression: ["LZW"] } });
    const { outgoing, incoming } = tv.open({});
    await outgoing.write(TEXT);
    expect(await outgoing.setCompression(null)).toBe(true);
    await outgoing.write(TEXT);
    expect(await outgoing.setCompression("GZIP")).toBe(false);
    await outgoing.write(TEXT);
    expect(await outgoing.setCompression("LZW")).toBe(true);
    await outgoing.write(TEXT);
    await outgoing.close();
    expect(await (await incoming).text()).toBe(`${TEXT}`.repeat(4));
    expect(await algorithms(world, world.wire[0]!.request, contextOf(deviceOf(world)))).toEqual(["LZW", null, "LZW"]);
    await expect(outgoing.setCompression(null)).rejects.toMatchObject({ code: "USAGE" });
  });

  test("peers choose it as devices and servers do", async () => {
    const own = { formats: [firstFormat] } as const;
    const { session, wire } = await pair(own, own);
    await (await session.request({ body: "first" })).text();
    const size = async (init: PeerRequestInit) => {
      const before = wire.fromA.pieces.length;
      expect(await (await session.request(init)).text()).toBe(`ECHO:${`${TEXT}`.repeat(4)}`);
      return wire.fromA.pieces.slice(before).reduce((n, piece) => n + piece.length, 0);
    };
    const pieces = () => Array.from({ length: 4 }, () => TEXT);
    const [small, some, none] = [
      await size({ body: pieces }),
      await size({ body: mixed }),
      await size({ body: pieces, compress: false }),
    ];
    // One of four pieces is not compressed.
    expect(some - small).toBeGreaterThan(TEXT.length * 0.8);
    expect(none - some).toBeGreaterThan(TEXT.length * 2);
  });
});
