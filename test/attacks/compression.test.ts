// Bombs: little that inflates to much, in requests, answers and service tokens. What is made of them stays within bounds.

import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { type Core, ENCRYPTION_KEY, MAC_KEY } from "../../src/core/core.ts";
import type { CryptoContext } from "../../src/crypto/crypto-context.ts";
import { slotContext } from "../../src/crypto/symmetric.ts";
import { sealPair } from "../../src/crypto/seal.ts";
import { type EncodeFields, encodeObject } from "../../src/encoding/codec.ts";
import { MAX_RATIO } from "../../src/encoding/compression.ts";
import { lzwCompress } from "../../src/encoding/lzw.ts";
import {
  codeOf,
  device as sender,
  FORMATS,
  HEADER,
  header,
  MESSAGE_ID,
  message,
  seen,
  server,
} from "../conformance/kit.ts";
import { World, type WorldOptions } from "../scenario/world.ts";

const MIB = 1024 * 1024;

/** Bytes of one letter, with so much noise that they shrink to about a fiftieth. */
function plain(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i % 97 === 0 ? (i * 7919) & 255 : 120));
}

const KINDS = [
  { algorithm: "GZIP", compress: (data: Uint8Array) => new Uint8Array(gzipSync(data, { level: 9 })) },
  { algorithm: "LZW", compress: lzwCompress },
] as const;
const CASES = KINDS.flatMap((kind) => FORMATS.map((format) => ({ ...kind, format })));

describe.each(CASES)("$algorithm in $format", ({ algorithm, compress, format }) => {
  const bomb = compress(new Uint8Array(16 * MIB));
  const harmless = compress(plain(100_000));

  /** A chunk with compressed data as it is. */
  async function chunk(context: CryptoContext, data: Uint8Array, change: EncodeFields = {}) {
    const fields = { sequencenumber: 1, messageid: MESSAGE_ID, endofmsg: true, compressionalgo: algorithm, data };
    const sealed = await sealPair(context, encodeObject(format, { ...fields, ...change }), format);
    return encodeObject(format, { payload: sealed.data, signature: sealed.signature });
  }

  async function network(options: WorldOptions = {}) {
    const got: number[] = [];
    const world = await World.create({
      handler: async (request) => {
        got.push((await request.bytes()).length);
        return { body: "x" };
      },
      ...options,
    });
    const context = world.pskContextOf("device-1")!;
    const post = async (...chunks: Uint8Array[]) =>
      codeOf(world, new Uint8Array(Buffer.concat([await header(format, sender(world), HEADER), ...chunks])));
    return { world, got, context, post };
  }

  /** Most bytes of array buffers that `action` left, collected or not. */
  async function cost(action: () => Promise<unknown>): Promise<number> {
    const before = process.memoryUsage().arrayBuffers;
    await action();
    return process.memoryUsage().arrayBuffers - before;
  }

  test("a bomb in a request is refused before it is large", async () => {
    expect(bomb.length * MAX_RATIO).toBeLessThan(16 * MIB);
    const { got, context, post } = await network();
    expect(await post(await chunk(context, harmless))).toBe("accepted");
    const bytes = await chunk(context, bomb);
    const grown = await cost(async () => expect(await post(bytes)).toBe("UNCOMPRESSION_ERROR"));
    expect(grown).toBeLessThan(4 * bomb.length * MAX_RATIO);
    expect(got).toEqual([100_000]);
  });

  test("within the ratio the limit of a message holds, for one chunk and for all together", async () => {
    const { got, context, post } = await network({ server: { maxMessageBytes: 65_536 } });
    const within = compress(plain(60_000));
    const above = compress(plain(70_000));
    expect(above.length * MAX_RATIO).toBeGreaterThan(70_000);
    expect(await post(await chunk(context, within))).toBe("accepted");
    expect(await post(await chunk(context, above))).toBe("UNCOMPRESSION_ERROR");
    const many = [];
    for (let i = 1; i <= 5; i++) many.push(await chunk(context, within, { sequencenumber: i, endofmsg: i === 5 }));
    expect(await post(...many)).not.toBe("accepted");
    expect(got).toEqual([60_000]);
  });

  test("what inflates to a bomb is not inflated again", async () => {
    const { got, context, post } = await network();
    const twice = compress(bomb);
    if (twice.length * MAX_RATIO < bomb.length) expect(await post(await chunk(context, twice))).not.toBe("accepted");
    else expect(await post(await chunk(context, twice))).toBe("accepted");
    expect(got.every((length) => length === bomb.length)).toBe(true);
  });

  test("a bomb in an answer is refused by the device", async () => {
    const { world } = await network();
    const device = await world.device({ firstFormat: format, keyExchange: [] });
    const post = world.post.bind(world);
    const answered = async (data: Uint8Array) => {
      world.post = async (...parts) => {
        world.post = post;
        await post(...parts);
        const messageid = seen(world).at(-1)!.messageId + 1;
        const from = server(world);
        const context = world.pskContextOf("server")!;
        const head = await header(format, from, { ...HEADER, messageid });
        return new Uint8Array(Buffer.concat([head, await chunk(context, data, { messageid })]));
      };
      const reply = await device.request({ body: "x" });
      return reply.bytes().then(
        (bytes) => bytes.length,
        (error) => error.code,
      );
    };
    expect(await answered(harmless)).toBe(100_000);
    const grown = await cost(async () => expect(await answered(bomb)).toBe("UNCOMPRESSION_ERROR"));
    expect(grown).toBeLessThan(4 * bomb.length * MAX_RATIO);
  });

  test("a bomb in a service token is refused where it is read, and stays closed elsewhere", async () => {
    const own = (core: Core) =>
      slotContext(core, {
        keyId: "service",
        encryption: core.importKey(ENCRYPTION_KEY, new Uint8Array(16).fill(7)),
        mac: core.importKey(MAC_KEY, new Uint8Array(32).fill(8)),
      });
    const code = async (servicedata: Uint8Array, isReadable: boolean) => {
      const extend: WorldOptions["extend"] = (core) => {
        const context = own(core);
        return { serviceTokens: { crypto: () => (isReadable ? context : null) } };
      };
      const { world } = await network({ extend });
      const fields = { name: "big", encrypted: false, compressionalgo: algorithm, servicedata };
      const tokendata = encodeObject(format, fields);
      const signature = await own(world.core).sign(tokendata, format);
      const servicetokens = [{ tokendata, signature }];
      return codeOf(world, await message(format, sender(world), { ...HEADER, servicetokens }));
    };
    expect(await code(harmless, true)).toBe("accepted");
    const grown = await cost(async () => expect(await code(bomb, true)).toBe("UNCOMPRESSION_ERROR"));
    expect(grown).toBeLessThan(4 * bomb.length * MAX_RATIO + MIB);
    expect(await code(bomb, false)).toBe("accepted");
  });
});
