// Bad input to a server, through its public face: each gets a typed MSL error in bounded time and memory, nothing of the
// state changes, and no secret stands in any text.

import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";

import { encodeObject, type EncodeFields, type Format } from "../../src/encoding/codec.ts";
import { sealPair } from "../../src/crypto/seal.ts";
import { writeChunk } from "../../src/message/payload-chunk.ts";
import { World } from "../scenario/world.ts";

const FORMATS = ["JSON", "CBOR"] as const;

interface Parts {
  readonly format: Format;
  readonly header: EncodeFields;
  readonly chunks: readonly Uint8Array[];
}

/** A message under device-1's pre-shared keys, its parts as the test wants them. */
async function message(world: World, { format, header, chunks }: Parts): Promise<Uint8Array> {
  const context = world.pskContextOf("device-1")!;
  const { data, signature } = await sealPair(context, encodeObject(format, header), format);
  const entityauthdata = { scheme: "PSK", authdata: { identity: "device-1" } };
  return Uint8Array.from(
    Buffer.concat([encodeObject(format, { entityauthdata, headerdata: data, signature }), ...chunks]),
  );
}

const HEADER = {
  messageid: 1000,
  renewable: false,
  handshake: false,
  timestamp: 1,
  capabilities: { encoderformats: ["JSON"] },
};

async function payload(world: World, format: Format, fields: EncodeFields): Promise<Uint8Array> {
  const { data, signature } = await sealPair(world.pskContextOf("device-1")!, encodeObject(format, fields), format);
  return encodeObject(format, { payload: data, signature });
}

/** What the server made of a message: the code of its error, or "accepted", and the id of its answer. */
async function outcome(world: World, ...parts: Uint8Array[]): Promise<{ code: string; id: number | null }> {
  const from = world.reports.length;
  await world.post(...parts);
  const out = world.reports.slice(from).filter((report) => report.direction === "out");
  expect(out).toHaveLength(1);
  return { code: out[0]!.error?.code ?? "accepted", id: out[0]!.messageId };
}

const good = (world: World, format: Format) =>
  payload(world, format, { sequencenumber: 1, messageid: 1000, endofmsg: true, data: Buffer.from("hi") });

describe.each(FORMATS)("%s", (format) => {
  test("a good message cut at every byte is refused", async () => {
    const world = await World.create();
    const whole = await message(world, { format, header: HEADER, chunks: [await good(world, format)] });
    expect((await outcome(world, whole)).code).toBe("accepted");
    const codes = new Set<string>();
    for (let n = 0; n < whole.length; n++) codes.add((await outcome(world, whole.slice(0, n))).code);
    expect([...codes]).toEqual(["MSL_PARSE_ERROR"]);
  });

  test("a good message with any byte changed is refused or means the same", async () => {
    const world = await World.create();
    const whole = await message(world, { format, header: HEADER, chunks: [await good(world, format)] });
    for (let n = 0; n < whole.length; n++) {
      const bad = whole.slice();
      bad[n]! ^= 1 << (n % 8);
      const from = world.reports.length;
      await world.post(bad);
      const inward = world.reports.slice(from).find((report) => report.direction === "in");
      if (inward?.kind === "message") expect(inward.sender).toBe("device-1");
    }
  });

  const absent = (name: string) => Object.fromEntries(Object.entries(HEADER).filter(([key]) => key !== name));
  const HEADERS: [string, EncodeFields, string, boolean][] = [
    ["without messageid", absent("messageid"), "MSL_PARSE_ERROR", false],
    ["messageid -1", { ...HEADER, messageid: -1 }, "MESSAGE_ID_OUT_OF_RANGE", false],
    ["messageid a string", { ...HEADER, messageid: "1" }, "MSL_PARSE_ERROR", false],
    ["without renewable", absent("renewable"), "MSL_PARSE_ERROR", true],
    ["renewable 1", { ...HEADER, renewable: 1 }, "MSL_PARSE_ERROR", true],
    ["handshake a string", { ...HEADER, handshake: "x" }, "MSL_PARSE_ERROR", true],
    ["handshake without key requests", { ...HEADER, handshake: true, renewable: true }, "HANDSHAKE_DATA_MISSING", true],
    ["capabilities an array", { ...HEADER, capabilities: [] }, "MSL_PARSE_ERROR", true],
    ["a format that is a number", { ...HEADER, capabilities: { encoderformats: [1] } }, "MSL_PARSE_ERROR", true],
    ["keyrequestdata an object", { ...HEADER, keyrequestdata: {} }, "MSL_PARSE_ERROR", true],
    ["key request without scheme", { ...HEADER, keyrequestdata: [{ keydata: {} }] }, "MSL_PARSE_ERROR", true],
    [
      "empty ECDH key",
      {
        ...HEADER,
        keyrequestdata: [{ scheme: "ECDH", keydata: { parametersid: "X25519", publickey: new Uint8Array(0) } }],
      },
      "KEYX_INVALID_PUBLIC_KEY",
      true,
    ],
    [
      "unknown user scheme",
      { ...HEADER, userauthdata: { scheme: "NOPE", authdata: {} } },
      "UNIDENTIFIED_USERAUTH_SCHEME",
      true,
    ],
    [
      "user scheme without factory",
      { ...HEADER, userauthdata: { scheme: "USER_ID_TOKEN", authdata: {} } },
      "USERAUTH_FACTORY_NOT_FOUND",
      true,
    ],
    [
      "no password",
      { ...HEADER, userauthdata: { scheme: "EMAIL_PASSWORD", authdata: { email: "a@b.c" } } },
      "MSL_PARSE_ERROR",
      true,
    ],
    [
      "blank password",
      { ...HEADER, userauthdata: { scheme: "EMAIL_PASSWORD", authdata: { email: "a@b.c", password: " " } } },
      "EMAILPASSWORD_BLANK",
      true,
    ],
    ["nonreplayableid without token", { ...HEADER, nonreplayableid: 1 }, "INCOMPLETE_NONREPLAYABLE_MESSAGE", true],
    ["nonreplayableid -1", { ...HEADER, nonreplayableid: -1 }, "NONREPLAYABLE_ID_OUT_OF_RANGE", true],
    [
      "user ID token without master token",
      {
        ...HEADER,
        useridtoken: {
          tokendata: encodeObject(format, {
            renewalwindow: 1,
            expiration: 2,
            mtserialnumber: 1,
            serialnumber: 1,
            userdata: new Uint8Array(3),
          }),
          signature: new Uint8Array(32),
        },
      },
      "USERIDTOKEN_MASTERTOKEN_MISMATCH",
      true,
    ],
    [
      "empty service token",
      { ...HEADER, servicetokens: [{ tokendata: new Uint8Array(0), signature: new Uint8Array(0) }] },
      "SERVICETOKEN_TOKENDATA_MISSING",
      true,
    ],
    [
      "ECDH only low-order keys",
      {
        ...HEADER,
        renewable: true,
        keyrequestdata: [{ scheme: "ECDH", keydata: { parametersid: "X25519", publickey: new Uint8Array(32) } }],
      },
      "KEYX_INVALID_PUBLIC_KEY",
      true,
    ],
    [
      "only unknown key exchanges",
      { ...HEADER, renewable: true, keyrequestdata: [{ scheme: "FUTURE", keydata: {} }] },
      "KEYX_FACTORY_NOT_FOUND",
      true,
    ],
  ];
  test.each(HEADERS)("header data: %s", async (_name, header, code, isIdKnown) => {
    const world = await World.create();
    const result = await outcome(world, await message(world, { format, header, chunks: [await good(world, format)] }));
    expect(result.code).toBe(code);
    if (isIdKnown) expect(result.id).toBe(1001);
    expect(await world.state.readLines("device-1")).toEqual([]);
  });

  const CHUNKS: [string, EncodeFields, string][] = [
    [
      "wrong message id",
      { sequencenumber: 1, messageid: 999, endofmsg: true, data: Buffer.from("a") },
      "PAYLOAD_MESSAGE_ID_MISMATCH",
    ],
    [
      "sequence number 0",
      { sequencenumber: 0, messageid: 1000, endofmsg: true, data: Buffer.from("a") },
      "PAYLOAD_SEQUENCE_NUMBER_MISMATCH",
    ],
    [
      "sequence number 2",
      { sequencenumber: 2, messageid: 1000, endofmsg: true, data: Buffer.from("a") },
      "PAYLOAD_SEQUENCE_NUMBER_MISMATCH",
    ],
    [
      "sequence number -1",
      { sequencenumber: -1, messageid: 1000, endofmsg: true, data: Buffer.from("a") },
      "PAYLOAD_SEQUENCE_NUMBER_OUT_OF_RANGE",
    ],
    [
      "message id -1",
      { sequencenumber: 1, messageid: -1, endofmsg: true, data: Buffer.from("a") },
      "PAYLOAD_MESSAGE_ID_OUT_OF_RANGE",
    ],
    ["empty without end", { sequencenumber: 1, messageid: 1000, data: new Uint8Array(0) }, "PAYLOAD_DATA_MISSING"],
    ["no data", { sequencenumber: 1, messageid: 1000, endofmsg: true }, "MSL_PARSE_ERROR"],
    [
      "unknown compression",
      { sequencenumber: 1, messageid: 1000, endofmsg: true, compressionalgo: "ZIP", data: Buffer.from("a") },
      "UNIDENTIFIED_COMPRESSION",
    ],
    [
      "broken LZW",
      { sequencenumber: 1, messageid: 1000, endofmsg: true, compressionalgo: "LZW", data: Buffer.from([65, 255, 255]) },
      "UNCOMPRESSION_ERROR",
    ],
    [
      "broken GZIP",
      { sequencenumber: 1, messageid: 1000, endofmsg: true, compressionalgo: "GZIP", data: Buffer.from("abc") },
      "UNCOMPRESSION_ERROR",
    ],
    [
      "compression bomb",
      {
        sequencenumber: 1,
        messageid: 1000,
        endofmsg: true,
        compressionalgo: "GZIP",
        data: gzipSync(Buffer.alloc(8_000_000)),
      },
      "UNCOMPRESSION_ERROR",
    ],
  ];
  test.each(CHUNKS)("CTL-106 chunk: %s", async (_name, fields, code) => {
    const world = await World.create();
    const chunk = await payload(world, format, fields);
    expect(await outcome(world, await message(world, { format, header: HEADER, chunks: [chunk] }))).toEqual({
      code,
      id: 1001,
    });
  });

  test("a chunk of another message, and chunks in another order, are refused", async () => {
    const world = await World.create();
    const context = world.pskContextOf("device-1")!;
    const chunk = (sequenceNumber: number, endOfMessage: boolean) =>
      writeChunk(
        context,
        { sequenceNumber, messageId: 1000, endOfMessage, data: Uint8Array.of(sequenceNumber) },
        format,
        null,
      );
    const [one, two] = [await chunk(1, false), await chunk(2, true)];
    expect((await outcome(world, await message(world, { format, header: HEADER, chunks: [one, two] }))).code).toBe(
      "accepted",
    );
    expect((await outcome(world, await message(world, { format, header: HEADER, chunks: [two, one] }))).code).toBe(
      "PAYLOAD_SEQUENCE_NUMBER_MISMATCH",
    );
    expect(
      (await outcome(world, await message(world, { format, header: { ...HEADER, messageid: 7 }, chunks: [one, two] })))
        .code,
    ).toBe("PAYLOAD_MESSAGE_ID_MISMATCH");
    expect((await outcome(world, await message(world, { format, header: HEADER, chunks: [one] }))).code).toBe(
      "MSL_PARSE_ERROR",
    );
  });
});

test("CTL-91 wrong key, CTL-93 user data in the clear, unknown entity, both identities absent", async () => {
  const world = await World.create();
  const { data } = await sealPair(world.pskContextOf("device-2")!, encodeObject("JSON", HEADER), "JSON");
  const outer = (fields: EncodeFields) => encodeObject("JSON", fields);
  const psk1 = { scheme: "PSK", authdata: { identity: "device-1" } };
  const signature = new Uint8Array(32);
  const cases: [Uint8Array, string][] = [
    [outer({ entityauthdata: psk1, headerdata: data, signature }), "MESSAGE_ENTITYDATABASED_VERIFICATION_FAILED"],
    [
      outer({ entityauthdata: { scheme: "PSK", authdata: { identity: "nobody" } }, headerdata: data, signature }),
      "ENTITY_NOT_FOUND",
    ],
    [
      outer({ entityauthdata: { scheme: "RSA", authdata: {} }, headerdata: data, signature }),
      "ENTITYAUTH_FACTORY_NOT_FOUND",
    ],
    [
      outer({ entityauthdata: { scheme: "NEW", authdata: {} }, headerdata: data, signature }),
      "UNIDENTIFIED_ENTITYAUTH_SCHEME",
    ],
    [outer({ headerdata: data, signature }), "MESSAGE_ENTITY_NOT_FOUND"],
    [outer({ entityauthdata: psk1, headerdata: new Uint8Array(0), signature }), "HEADER_DATA_MISSING"],
    [outer({ entityauthdata: psk1, headerdata: data }), "MSL_PARSE_ERROR"],
    [
      outer({ mastertoken: { tokendata: new Uint8Array(0), signature }, headerdata: data, signature }),
      "MASTERTOKEN_TOKENDATA_MISSING",
    ],
    [Buffer.from('{"a":1,"a":2}'), "MSL_PARSE_ERROR"],
    [Buffer.from(`{"a":${"[".repeat(33)}${"]".repeat(33)}}`), "MSL_PARSE_ERROR"],
    [Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d]), "MSL_PARSE_ERROR"],
    [
      Buffer.from(
        '{"headerdata":"%%%%","signature":"","entityauthdata":{"scheme":"NONE","authdata":{"identity":"x"}}}',
      ),
      "MSL_PARSE_ERROR",
    ],
    [Buffer.from("not MSL"), "MSL_PARSE_ERROR"],
    [new Uint8Array(0), "MSL_PARSE_ERROR"],
  ];
  for (const [bytes, code] of cases) expect((await outcome(world, bytes)).code).toBe(code);
  const none = { scheme: "NONE", authdata: { identity: "anon" } };
  const login = { scheme: "EMAIL_PASSWORD", authdata: { email: "a@b.c", password: "secret" } };
  const clear = outer({
    entityauthdata: none,
    headerdata: encodeObject("JSON", { ...HEADER, userauthdata: login }),
    signature: new Uint8Array(0),
  });
  expect((await outcome(world, clear)).code).toBe("UNENCRYPTED_MESSAGE_WITH_USERAUTHDATA");
  const past = '{"messageid":9007199254740993,"renewable":false}';
  const big = outer({ entityauthdata: none, headerdata: Buffer.from(past), signature: new Uint8Array(0) });
  expect((await outcome(world, big)).code).toBe("MESSAGE_ID_OUT_OF_RANGE");
});

test("CTL-92 a master token with a changed signature is untrusted, even though its session is cached", async () => {
  const world = await World.create();
  const device = await world.device();
  await (await device.request({ body: "1" })).text();
  await (await device.request({ body: "2" })).text();
  const sent = world.wire.at(-1)!.request;
  const { signature } = readToken(sent);
  const bad = sent.slice();
  const at = Buffer.from(bad).indexOf(Buffer.from(signature));
  bad[at]! ^= 1;
  expect((await outcome(world, bad)).code).toBe("MASTERTOKEN_UNTRUSTED");
});

function readToken(wire: Uint8Array): { signature: Uint8Array } {
  // In CBOR the first 32-byte string behind the token data is the token's signature.
  const marker = Buffer.from([0x00, 0x58, 0x20]);
  const at = Buffer.from(wire).indexOf(marker);
  return { signature: wire.slice(at + 3, at + 35) };
}

test("objects and messages above their limits are refused by name, in bounded memory", async () => {
  const errors: unknown[] = [];
  const world = await World.create({
    server: { maxObjectBytes: 4096, maxMessageBytes: 8192 },
    handler: async (request) => ({ body: await request.bytes(), compress: false }),
  });
  const endless = new Uint8Array(4000).fill(0x41);
  const start = Uint8Array.from(Buffer.from('{"entityauthdata":"'));
  expect((await outcome(world, start, endless, endless, endless)).code).toBe("MSL_PARSE_ERROR");
  const device = await world.device({ maxObjectBytes: 1000 });
  const reply = await device.request({ body: "x".repeat(900), compress: false }).catch((error) => {
    errors.push(error);
    return null;
  });
  const failure = reply === null ? errors[0] : await reply.text().catch((error) => error);
  expect(failure).toMatchObject({ code: "OBJECT_TOO_LARGE" });
  expect((failure as Error).message).toContain("maxObjectBytes is 1000");
});
