// SYMMETRIC_WRAPPED and the key wrap of the ladders: values that are too short, of other lengths, under another key, in
// each other's place, or for another key id.

import { describe, expect, test } from "vitest";
import type { Core } from "../../src/core/core.ts";
import type { EncodeFields } from "../../src/encoding/codec.ts";
import { jweLadder, jwkLadder } from "../../src/key-exchange/ladder.ts";
import { symmetricWrapped } from "../../src/key-exchange/symmetric-wrapped.ts";
import { clock, issuerKeys, World } from "../scenario/world.ts";
import { HEADER, device as deviceOf, issue, message, codeOf as codeOfMessage } from "../conformance/kit.ts";
import { type Answer, answering, base64Url, codeOf, utf8 } from "./key-exchange-kit.ts";

/** What a device makes of an issuer's answer that the attacker changed. */
async function answered(change: (answer: Answer, core: Core, world: World) => EncodeFields): Promise<string> {
  const world: World = await World.create({
    extend: (core, world) => ({
      keyExchange: [
        answering(symmetricWrapped({ core, pskContextOf: world.pskContextOf }), (answer) =>
          change(answer, core, world),
        ),
      ],
    }),
  });
  const { core, pskContextOf } = world;
  const device = await world.device({ keyExchange: [symmetricWrapped({ core, pskContextOf })] });
  const code = await codeOf(device);
  expect(device.session.masterToken === null).toBe(code !== "accepted");
  return code;
}

/** Bytes under the wrapping key of a device's pre-shared keys. */
const wrapped = (world: World, bytes: Uint8Array, identity = "device-1") =>
  world.pskContextOf(identity)!.wrapBytes!(bytes) as Uint8Array;

describe("SYMMETRIC_WRAPPED", () => {
  test("wrapped by hand, the issuer's own keys are taken", async () => {
    expect(
      await answered(({ keydata, keys }, core, world) => ({
        ...keydata,
        encryptionkey: wrapped(world, core.exportKey(keys.encryption)),
        hmackey: wrapped(world, core.exportKey(keys.mac)),
      })),
    ).toBe("accepted");
  });

  test.each(["encryptionkey", "hmackey"] as const)(
    "%s: less than 24 bytes, no whole blocks, one bit changed",
    async (field) => {
      for (const [length, code] of [
        [0, "UNWRAP_ERROR"],
        [1, "UNWRAP_ERROR"],
        [8, "UNWRAP_ERROR"],
        [15, "UNWRAP_ERROR"],
        [23, "UNWRAP_ERROR"],
        [25, "CIPHERTEXT_ILLEGAL_BLOCK_SIZE"],
        [39, "CIPHERTEXT_ILLEGAL_BLOCK_SIZE"],
        [24, "UNWRAP_ERROR"],
        [40, "UNWRAP_ERROR"],
        [4096, "UNWRAP_ERROR"],
      ] as const) {
        expect([length, await answered(({ keydata }) => ({ ...keydata, [field]: new Uint8Array(length) }))]).toEqual([
          length,
          code,
        ]);
      }
      // One block of key: the integrity value is right, and the length is not.
      const short = await answered(({ keydata }, _core, world) => ({
        ...keydata,
        [field]: wrapped(world, new Uint8Array(8)),
      }));
      expect(short).toBe("UNWRAP_ERROR");
      for (const at of [0, 7, 8, 23]) {
        const flipped = await answered(({ keydata }) => {
          const value = (keydata[field] as Uint8Array).slice();
          value[at] = value[at]! ^ 1;
          return { ...keydata, [field]: value };
        });
        expect([at, flipped]).toEqual([at, "UNWRAP_ERROR"]);
      }
    },
  );

  test("rightly wrapped keys of other lengths are refused: they are no AES-128, no HMAC-SHA256", async () => {
    for (const length of [24, 32, 40]) {
      const made = (core: Core, world: World) => wrapped(world, core.random(length));
      expect([
        length,
        await answered(({ keydata }, core, world) => ({ ...keydata, encryptionkey: made(core, world) })),
      ]).toEqual([length, length === 40 ? "INVALID_SYMMETRIC_KEY" : "KEYX_INVALID_ENCRYPTION_KEY"]);
    }
    for (const length of [16, 24, 40, 64, 128]) {
      const made = (core: Core, world: World) => wrapped(world, core.random(length));
      expect([
        length,
        await answered(({ keydata }, core, world) => ({ ...keydata, hmackey: made(core, world) })),
      ]).toEqual([length, length === 128 ? "INVALID_SYMMETRIC_KEY" : "KEYX_INVALID_HMAC_KEY"]);
    }
  });

  test("the two keys in each other's place are refused", async () => {
    const swapped = ({ keydata }: Answer) => ({
      ...keydata,
      encryptionkey: keydata.hmackey as Uint8Array,
      hmackey: keydata.encryptionkey as Uint8Array,
    });
    expect(await answered(swapped)).toBe("KEYX_INVALID_ENCRYPTION_KEY");
    const twice = ({ keydata }: Answer) => ({ ...keydata, hmackey: keydata.encryptionkey as Uint8Array });
    expect(await answered(twice)).toBe("KEYX_INVALID_HMAC_KEY");
  });

  test("keys under another device's wrapping key do not unwrap", async () => {
    const foreign = await answered(({ keydata, keys }, core, world) => ({
      ...keydata,
      encryptionkey: wrapped(world, core.exportKey(keys.encryption), "device-2"),
      hmackey: wrapped(world, core.exportKey(keys.mac), "device-2"),
    }));
    expect(foreign).toBe("UNWRAP_ERROR");
  });

  test.each(["SESSION", "psk", "PSK ", "", "MGK"])(
    "a response for the key id %j answers no request for PSK",
    async (keyid) => {
      expect(await answered(({ keydata }) => ({ ...keydata, keyid }))).toBe("KEYX_RESPONSE_REQUEST_MISMATCH");
    },
  );

  test("a request for SESSION gets nothing, with a master token or without", async () => {
    const world = await World.create();
    const keyrequestdata = [{ scheme: "SYMMETRIC_WRAPPED", keydata: { keyid: "SESSION" } }];
    const fields = { ...HEADER, renewable: true, keyrequestdata };
    const due = { renewSec: -10, expireSec: 100 };
    const under = { masterToken: await issue(world, due) };
    for (const format of ["JSON", "CBOR"] as const) {
      expect(await codeOfMessage(world, await message(format, deviceOf(world), fields))).toBe(
        "KEYX_MASTER_TOKEN_MISSING",
      );
      expect(await codeOfMessage(world, await message(format, under, fields))).toBe("WRAP_NOT_SUPPORTED");
      const both = [{ scheme: "SYMMETRIC_WRAPPED", keydata: { keyid: "PSK" } }, ...keyrequestdata];
      const request = await message(format, deviceOf(world), { ...fields, keyrequestdata: both });
      expect(await codeOfMessage(world, request)).toBe("accepted");
    }
  });
});

describe.each([
  ["JWK_LADDER", jwkLadder],
  ["JWE_LADDER", jweLadder],
] as const)("%s", (name, make) => {
  const KWRAP = 16;

  /** The code of an exchange in which `field` has this value; the rest is the issuer's own. */
  async function laddered(field: string, value: (world: World) => Uint8Array | null): Promise<string> {
    const world: World = await World.create({
      extend: (core, world) => ({
        keyExchange: [
          answering(
            make({ core, pskContextOf: world.pskContextOf, issuer: { tokenCrypto: issuerKeys(core), clock } }),
            ({ keydata }) => ({ ...keydata, [field]: value(world) ?? (keydata[field] as Uint8Array) }),
          ),
        ],
      }),
    });
    const { core, pskContextOf } = world;
    return codeOf(await world.device({ keyExchange: [make({ core, pskContextOf })] }));
  }

  /** A wrapped key of these bytes as the scheme carries one. */
  const carried = (bytes: Uint8Array) =>
    name === "JWK_LADDER"
      ? bytes
      : utf8(
          JSON.stringify({
            recipients: [
              {
                header: base64Url(utf8('{"alg":"A128KW","enc":"A128GCM"}')),
                encrypted_key: base64Url(bytes),
                integrity_value: base64Url(new Uint8Array(KWRAP)),
              },
            ],
            initialization_vector: base64Url(new Uint8Array(12)),
            ciphertext: base64Url(new Uint8Array(100)),
          }),
        );

  test("what the issuer sent is taken", async () => {
    expect(await laddered("wrapkey", () => null)).toBe("accepted");
  });

  test.each(["wrapkey", "encryptionkey", "hmackey"])(
    "%s: a key wrap of less than 24 bytes unwraps to nothing",
    async (field) => {
      const damaged = name === "JWK_LADDER" && field === "wrapkey" ? "UNWRAP_ERROR" : "INVALID_SYMMETRIC_KEY";
      for (const length of [1, 8, 15, 16, 17, 23, 24]) {
        expect([length, await laddered(field, () => carried(new Uint8Array(length)))]).toEqual([length, damaged]);
      }
    },
  );

  test("a key wrap of one block is refused, although its integrity value is right", async () => {
    const short = (world: World) => carried(wrapped(world, new Uint8Array(8)));
    expect(await laddered("wrapkey", short)).toBe(name === "JWK_LADDER" ? "UNWRAP_ERROR" : "INVALID_SYMMETRIC_KEY");
  });

  test("a wrapping key under another device's keys does not unwrap", async () => {
    const foreign = (world: World) => {
      const text = utf8(`{      "kty":"oct","alg":"A128KW","k":"${base64Url(new Uint8Array(16))}"}`.padEnd(96));
      return name === "JWK_LADDER"
        ? wrapped(world, text, "device-2")
        : carried(wrapped(world, new Uint8Array(16), "device-2"));
    };
    const damaged = name === "JWK_LADDER" ? "UNWRAP_ERROR" : "INVALID_SYMMETRIC_KEY";
    expect(await laddered("wrapkey", foreign)).toBe(damaged);
  });
});
