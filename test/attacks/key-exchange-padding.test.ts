// Padding and format oracles of ASYMMETRIC_WRAPPED (Bleichenbacher, Manger): whoever may answer a requester's key
// request with any bytes learns nothing of what they decrypt to, not from the error, not from the wire, not from the work.

import { createHash, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { type Core, createCore } from "../../src/core/core.ts";
import type { EncodeFields } from "../../src/encoding/codec.ts";
import { asymmetricWrapped, type WrappingMechanism } from "../../src/key-exchange/asymmetric-wrapped.ts";
import { nodeEntropy } from "../../src/platform/entropy-node.ts";
import { nodePair } from "../core/rsa-helpers.ts";
import { rawExports } from "../core/raw/raw-core.ts";
import { World } from "../scenario/world.ts";
import {
  type Answer,
  answering,
  base64Url,
  observe,
  publicKeyOf,
  rawRsa,
  type Seen,
  utf8,
  wrappingPair,
} from "./key-exchange-kit.ts";

const SIZE = 256;
const pair = nodePair(8 * SIZE);

/** An application that uses one pair again and again, which is the best that an attacker can hope for. */
const reused = (core: Core) => () => wrappingPair(core, pair);

/** What the core was asked to do, call by call. */
interface Watched {
  readonly core: Core;
  readonly calls: string[];
}

function watched(): Watched {
  const calls: string[] = [];
  const exports = Object.fromEntries(
    Object.entries(rawExports("simd")).map(([name, member]) => {
      if (typeof member !== "function") return [name, member];
      const call = (...args: number[]): number => {
        calls.push(name);
        return (member as (...args: number[]) => number)(...args);
      };
      return [name, call];
    }),
  );
  return { core: createCore(exports as never, nodeEntropy, "simd"), calls };
}

/** What a requester shows of one answer, with the calls that its core made from the private operation on. */
type Shown = Seen & { readonly work: readonly string[] };

/** The requester's view of answers in which `change` puts the attacker's values. */
async function shown(
  mechanism: WrappingMechanism,
  change: (answer: Answer, core: Core) => EncodeFields,
): Promise<Shown> {
  const { core, calls } = watched();
  const world = await World.create({
    extend: (core) => ({
      keyExchange: [
        answering(asymmetricWrapped({ core, mechanisms: [mechanism], timers: null }), (answer) => change(answer, core)),
      ],
    }),
  });
  const entity = world.entity("device-1");
  const device = await world.device({
    core,
    entity,
    keyExchange: [asymmetricWrapped({ core, mechanisms: [mechanism], timers: null, keyPair: reused(core) })],
  });
  const seen = await observe(world, device);
  const isPrivate = /^rsa(OaepDecrypt|OaepOpenSlot|Pkcs1Decrypt)$/;
  const work = calls.slice(calls.findIndex((name) => isPrivate.test(name)));
  return { ...seen, work };
}

// ------------------------------------------------------------ blocks by hand

function mgf1(seed: Buffer, length: number): Buffer {
  const blocks: Buffer[] = [];
  for (let i = 0; i * 20 < length; i++) {
    blocks.push(
      createHash("sha1")
        .update(seed)
        .update(Buffer.from([0, 0, 0, i]))
        .digest(),
    );
  }
  return Buffer.concat(blocks).subarray(0, length);
}

const xor = (a: Buffer, b: Buffer) => Buffer.from(a.map((byte, i) => byte ^ b[i]!));

/** RFC 8017 §7.1.1 with an empty label; `damage` changes the data block before it is masked, `first` is the first byte. */
function oaep(message: Uint8Array, damage: (data: Buffer) => void = () => {}, first = 0): Buffer {
  const data = Buffer.alloc(SIZE - 21);
  createHash("sha1").digest().copy(data);
  data[data.length - message.length - 1] = 1;
  data.set(message, data.length - message.length);
  damage(data);
  const seed = randomBytes(20);
  const maskedData = xor(data, mgf1(seed, data.length));
  return Buffer.concat([Buffer.from([first]), xor(seed, mgf1(maskedData, 20)), maskedData]);
}

/** RFC 8017 §7.2.1 with another first byte, type and number of padding bytes. */
function pkcs1(message: Uint8Array, { first = 0, type = 2, padding = SIZE - 3 - message.length } = {}): Buffer {
  const rest = SIZE - 3 - padding - message.length;
  return Buffer.concat([Buffer.from([first, type]), Buffer.alloc(padding, 0xaa), Buffer.alloc(1 + rest), message]);
}

const KENC =
  '{"kty":"oct","key_ops":["encrypt","decrypt"],"alg":"A128CBC","extractable":false,"k":"AAECAwQFBgcICQoLDA0ODw"}';
const KHMAC =
  '{"kty":"oct","key_ops":["sign","verify"],"alg":"HS256","extractable":false,' +
  '"k":"ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8"}';

const jwkOf = (jwk: string, k: Uint8Array) => jwk.replace(/"k":"[^"]*"/, `"k":"${base64Url(k)}"`);

// ------------------------------------------------------------ OAEP

/** What a Manger oracle would tell apart. */
const BAD_OAEP: readonly (readonly [string, (message: Uint8Array) => Buffer])[] = [
  ["first byte 1", (message) => oaep(message, undefined, 1)],
  ["first byte 7f", (message) => oaep(message, undefined, 0x7f)],
  ["another label's hash", (message) => oaep(message, (data) => void (data[0]! ^= 1))],
  ["the last byte of the hash wrong", (message) => oaep(message, (data) => void (data[19]! ^= 1))],
  ["a byte before the separator", (message) => oaep(message, (data) => void (data[20] = 2))],
  ["no separator", (message) => oaep(message, (data) => void data.fill(0, 20))],
  ["first byte, hash and separator wrong", (message) => oaep(message, (data) => void data.fill(0), 5)],
  ["random bytes", () => Buffer.concat([Buffer.from([0x3f]), randomBytes(SIZE - 1)])],
  ["zero", () => Buffer.alloc(SIZE)],
  ["one", () => Buffer.concat([Buffer.alloc(SIZE - 1), Buffer.from([1])])],
];

interface Form {
  readonly mechanism: WrappingMechanism;
  readonly message: Uint8Array;
  /** The value that carries a ciphertext of RSA. */
  put(ciphertext: Uint8Array, honest: Uint8Array): Uint8Array;
}

const compact = (ciphertext: Uint8Array, honest: Uint8Array) => {
  const parts = Buffer.from(honest).toString().split(".");
  parts[1] = base64Url(ciphertext);
  return utf8(parts.join("."));
};
const json = (ciphertext: Uint8Array, honest: Uint8Array) => {
  const jwe = JSON.parse(Buffer.from(honest).toString());
  jwe.recipients[0].encrypted_key = base64Url(ciphertext);
  return utf8(JSON.stringify(jwe));
};
const OAEP_FORMS: readonly Form[] = [
  { mechanism: "RSA", message: randomBytes(16), put: (ciphertext) => ciphertext },
  { mechanism: "JWK_RSA", message: utf8(KENC), put: (ciphertext) => ciphertext },
  { mechanism: "JWE_RSA", message: randomBytes(16), put: compact },
  { mechanism: "JWEJS_RSA", message: randomBytes(16), put: json },
];

describe.each(OAEP_FORMS)("$mechanism: OAEP", ({ mechanism, message, put }) => {
  const answered = (field: "encryptionkey" | "hmackey", block: Buffer) =>
    shown(mechanism, ({ keydata, request }) => {
      const honest = keydata[field] as Uint8Array;
      return { ...keydata, [field]: put(rawRsa(publicKeyOf(request), block), honest) };
    });

  test.each(["encryptionkey", "hmackey"] as const)(
    "whatever is wrong with the padding of the %s, all that shows is the same",
    async (field) => {
      const first = await answered(field, BAD_OAEP[0]![1](message));
      expect(first.face).toMatch(/^MslProtocolError CIPHERTEXT_BAD_PADDING [^<]*$/);
      expect(first.session).toBeNull();
      expect(first.sent).toHaveLength(1); // nothing goes out because of it
      for (const [name, block] of BAD_OAEP)
        expect([name, await answered(field, block(message))]).toEqual([name, first]);
    },
  );

  test("the same block without a fault is taken for what it is", async () => {
    const good = await shown(mechanism, ({ keydata, keys, request }, core) => {
      const key = core.exportKey(keys.encryption);
      const text = mechanism === "RSA" ? key : mechanism === "JWK_RSA" ? utf8(jwkOf(KENC, key)) : message;
      const encryptionkey = put(rawRsa(publicKeyOf(request), oaep(text)), keydata.encryptionkey as Uint8Array);
      return { ...keydata, encryptionkey };
    });
    // Of a JWE the block is another content key, which does not open what was sealed under the issuer's.
    const isJwe = mechanism === "JWE_RSA" || mechanism === "JWEJS_RSA";
    expect(good.face).toMatch(isJwe ? /^MslProtocolError UNWRAP_ERROR / : /^ECHO:x$/);
  });
});

// ------------------------------------------------------------ PKCS#1 v1.5

/** What a Bleichenbacher oracle would tell apart: faults of the padding, and of what is behind a right one. */
const BAD_PKCS1: readonly (readonly [string, (jwk: Uint8Array) => Buffer])[] = [
  ["first byte 1", (jwk) => pkcs1(jwk, { first: 1 })],
  ["type 1", (jwk) => pkcs1(jwk, { type: 1 })],
  ["type 0", (jwk) => pkcs1(jwk, { type: 0 })],
  ["seven bytes of padding", (jwk) => pkcs1(jwk, { padding: 7 })],
  ["no padding", (jwk) => pkcs1(jwk, { padding: 0 })],
  ["no zero behind the padding", () => Buffer.concat([Buffer.from([0, 2]), Buffer.alloc(SIZE - 2, 7)])],
  ["random bytes", () => Buffer.concat([Buffer.from([0x3f]), randomBytes(SIZE - 1)])],
  ["zero", () => Buffer.alloc(SIZE)],
  ["right padding, no message", () => pkcs1(new Uint8Array(0))],
  ["right padding, random bytes", () => pkcs1(Buffer.concat([Buffer.from([1]), randomBytes(40)]))],
  ["right padding, a raw key", () => pkcs1(Buffer.concat([Buffer.from([1]), randomBytes(15)]))],
  ["right padding, bad JSON", (jwk) => pkcs1(jwk.subarray(0, jwk.length - 1))],
  ["right padding, JSON that is no key", () => pkcs1(utf8('{"kty":"oct"}'))],
  ["right padding, an unknown type", () => pkcs1(utf8('{"kty":"OCT","k":"AAAA"}'))],
  ["right padding, deep JSON", () => pkcs1(utf8('{"a":'.repeat(45)))],
  [
    "right padding, a key of another algorithm",
    () => pkcs1(utf8('{"kty":"oct","alg":"A128KW","k":"AAECAwQFBgcICQoLDA0ODw"}')),
  ],
  ["right padding, a key of another length", () => pkcs1(utf8('{"kty":"oct","alg":"A128CBC","k":"AAEC"}'))],
  ["right padding, an unknown algorithm", () => pkcs1(utf8('{"kty":"oct","alg":"none","k":"AAEC"}'))],
  ["right padding, no Base64", () => pkcs1(utf8('{"kty":"oct","alg":"A128CBC","k":"!"}'))],
];

describe("JWK_RSAES: PKCS#1 v1.5", () => {
  const answered = (field: "encryptionkey" | "hmackey", block: Buffer) =>
    shown("JWK_RSAES", ({ keydata, request }) => ({ ...keydata, [field]: rawRsa(publicKeyOf(request), block) }));

  test.each([
    ["encryptionkey", KENC],
    ["hmackey", KHMAC],
  ] as const)(
    "whatever is wrong with the %s, padding or key, the error and the wire are the same",
    async (field, jwk) => {
      const first = await answered(field, BAD_PKCS1[0]![1](utf8(jwk)));
      expect(first.face).toMatch(/^MslProtocolError CIPHERTEXT_BAD_PADDING [^<]*$/);
      expect(first.sent).toHaveLength(1);
      for (const [name, block] of BAD_PKCS1) {
        const { work: _, ...seen } = await answered(field, block(utf8(jwk)));
        const { work: __, ...expected } = first;
        expect([name, seen]).toEqual([name, expected]);
      }
    },
  );

  // A key text of an attacker's own making goes further; who can make one knows what is in it, and learns nothing.
  test("the core does the same work for a wrong padding and for a right one around what is no key", async () => {
    const [, , , , , , random] = BAD_PKCS1;
    const { work } = await answered("encryptionkey", random![1](utf8(KENC)));
    for (const [name, block] of BAD_PKCS1.filter(([name]) => !/algorithm|length|Base64|type$/.test(name))) {
      expect([name, (await answered("encryptionkey", block(utf8(KENC)))).work]).toEqual([name, work]);
    }
    expect(work.filter((name) => name === "rsaPkcs1Decrypt")).toHaveLength(2); // both values, whatever the first one was
  });

  test("which of the two values is wrong does not show", async () => {
    const block = () => pkcs1(randomBytes(40), { type: 1 });
    const [one, other] = [await answered("encryptionkey", block()), await answered("hmackey", block())];
    expect([one.face, one.sent, one.session]).toEqual([other.face, other.sent, other.session]);
  });

  test("the same block without a fault is the session's key", async () => {
    const good = await shown("JWK_RSAES", ({ keydata, keys, request }, core) => {
      const text = utf8(jwkOf(KENC, core.exportKey(keys.encryption)));
      return { ...keydata, encryptionkey: rawRsa(publicKeyOf(request), pkcs1(text)) };
    });
    expect(good.face).toBe("ECHO:x");
  });
});

test("lengths and numbers beyond the modulus are public, and told in one way", async () => {
  const tooLarge = Uint8Array.from(pair.numbers.n);
  for (const mechanism of ["RSA", "JWK_RSA", "JWK_RSAES"] as const) {
    for (const value of [new Uint8Array(0), new Uint8Array(1), new Uint8Array(255), new Uint8Array(257), tooLarge]) {
      const { face, sent } = await shown(mechanism, ({ keydata }) => ({ ...keydata, encryptionkey: value }));
      expect([face.includes("MslProtocolError CIPHERTEXT_BAD_PADDING"), sent.length]).toEqual([true, 1]);
    }
  }
});
