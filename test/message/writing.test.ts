// How messages are written: what is at hand leaves with the header, what comes later does not hold it up.

import { beforeAll, describe, expect, test } from "vitest";
import { type Core, SESSION_ENCRYPTION, SESSION_MAC } from "../../src/core/core.ts";
import { loadCore } from "../../src/core/core-node.ts";
import type { CryptoContext } from "../../src/crypto/crypto-context.ts";
import { sessionContext } from "../../src/crypto/session.ts";
import { BodyReader, CHUNK_BYTES, writeMessage } from "../../src/message/body.ts";
import { MessageInput } from "../../src/message/message-input.ts";
import { bytesReader } from "../../src/transport/pipe.ts";

const FORMATS = ["JSON", "CBOR"] as const;
let core: Core;
let context: CryptoContext;
beforeAll(async () => {
  core = await loadCore();
  const keys = { encryption: core.generateKey(SESSION_ENCRYPTION, 16), mac: core.generateKey(SESSION_MAC, 32) };
  context = sessionContext(core, "e", 1, keys);
});

/** Keys that answer later. */
const later = (): CryptoContext => ({
  ...context,
  slots: null,
  encrypt: async (plain, format) => context.encrypt(plain, format),
  decrypt: async (data) => context.decrypt(data),
  sign: async (data, format) => context.sign(data, format),
  verify: async (data, signature) => context.verify(data, signature),
});

const LIMITS = { maxObjectBytes: 1 << 20, maxMessageBytes: null };
const body = (n: number) => Uint8Array.from({ length: n }, (_, i) => i * 7);

describe.each(FORMATS)("%s", (format) => {
  const header = Uint8Array.from(Buffer.from(format === "JSON" ? "{}" : "\xa0", "latin1"));
  const optionsOf = (crypto: CryptoContext) => ({ context: crypto, messageId: 5, format, compressor: null });

  async function written(source: Parameters<typeof writeMessage>[1], crypto: CryptoContext = context) {
    const pieces: Uint8Array[] = [];
    const bytes = await writeMessage(header, source, optionsOf(crypto), async (piece) => void pieces.push(piece));
    expect(bytes).toBe(pieces.reduce((n, piece) => n + piece.length, 0));
    return pieces;
  }

  /** The body of written pieces, read by `crypto` in pieces of `step` bytes. */
  async function read(pieces: readonly Uint8Array[], crypto: CryptoContext = context, step = 1 << 20) {
    const all = new Uint8Array(Buffer.concat(pieces));
    const parts: Uint8Array[] = [];
    for (let at = 0; at < all.length; at += step) parts.push(all.subarray(at, at + step));
    const input = new MessageInput(core, bytesReader(...parts), LIMITS);
    expect(await input.next()).toEqual(header);
    const options = {
      context: crypto,
      messageId: 5,
      compression: { gzip: null, maxBytes: 1000 },
      allowTruncated: false,
      isEmpty: false,
    };
    const reader = new BodyReader(input, options);
    const whole = await reader.all(1 << 20);
    expect([reader.isDone, reader.isComplete]).toEqual([true, true]);
    return whole;
  }

  test("a short body leaves in one piece with the header, a long one in one piece a chunk", async () => {
    for (const [size, count] of [
      [0, 1],
      [1, 1],
      [CHUNK_BYTES, 1],
      [CHUNK_BYTES + 1, 2],
      [3 * CHUNK_BYTES, 3],
    ] as const) {
      const pieces = await written([body(size)]);
      expect(pieces.length).toBe(count);
      expect(pieces[0]!.subarray(0, header.length)).toEqual(header);
      expect(await read(pieces)).toEqual(body(size));
    }
  });

  test("no body: the header alone", async () => expect(await written(null)).toEqual([header]));

  test("a body that comes later does not hold up the header", async () => {
    const events: string[] = [];
    async function* source() {
      events.push("asked");
      yield body(10);
    }
    await writeMessage(header, source(), optionsOf(context), async (piece) => void events.push(`${piece.length}`));
    expect(events.slice(0, 2)).toEqual([`${header.length}`, "asked"]);
    expect(await read(await written(source()))).toEqual(body(10));
  });

  test("keys that answer later and keys in slots write and read the same bodies, however the bytes arrive", async () => {
    for (const size of [0, 100, 2 * CHUNK_BYTES + 5]) {
      for (const [writer, reader] of [
        [later(), context],
        [context, later()],
      ] as const) {
        const pieces = await written([body(size)], writer);
        for (const step of [1 << 20, 1000, 17]) expect(await read(pieces, reader, step)).toEqual(body(size));
      }
    }
  });

  test("a failure is met again by every later read", async () => {
    const pieces = await written([body(10)]);
    const last = pieces[0]!;
    last[last.length - 9]! ^= 1;
    const input = new MessageInput(core, bytesReader(last), LIMITS);
    await input.next();
    const options = {
      context,
      messageId: 5,
      compression: { gzip: null, maxBytes: 1000 },
      allowTruncated: false,
      isEmpty: false,
    };
    const reader = new BodyReader(input, options);
    for (const step of [() => reader.peek(), () => reader.next(), () => reader.all(100)]) {
      await expect((async () => step())()).rejects.toThrow(/PAYLOAD_VERIFICATION_FAILED|MSL_PARSE_ERROR/);
    }
  });

  test("a body above the limit is refused, be it in one chunk or in many", async () => {
    for (const size of [101, CHUNK_BYTES + 1]) {
      const pieces = await written([body(size)]);
      const input = new MessageInput(core, bytesReader(...pieces), LIMITS);
      await input.next();
      const options = {
        context,
        messageId: 5,
        compression: { gzip: null, maxBytes: 1000 },
        allowTruncated: false,
        isEmpty: false,
      };
      const reader = new BodyReader(input, options);
      await expect((async () => reader.all(100))()).rejects.toThrow(/MESSAGE_TOO_LARGE/);
    }
  });
});
