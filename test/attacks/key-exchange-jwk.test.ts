// Wrapped keys that say they are for something else: an issuer, or whoever can answer for one, sends key texts whose
// algorithm, use or length is not the protocol's. The reference looks at `k` alone.

import { constants, publicEncrypt } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Core } from "../../src/core/core.ts";
import { LADDER_KEY } from "../../src/core/key-specs.ts";
import { type JweForm, sealJwe } from "../../src/crypto/jwe.ts";
import { slotContext } from "../../src/crypto/symmetric.ts";
import { readPublicKey } from "../../src/crypto/key-der.ts";
import type { EncodeFields } from "../../src/encoding/codec.ts";
import { asymmetricWrapped, type WrappingMechanism } from "../../src/key-exchange/asymmetric-wrapped.ts";
import { jweLadder, jwkLadder, type LadderConfig } from "../../src/key-exchange/ladder.ts";
import type { KeyExchange } from "../../src/key-exchange/scheme.ts";
import { nodePair } from "../core/rsa-helpers.ts";
import { clock, issuerKeys, World } from "../scenario/world.ts";
import { type Answer, answering, base64Url, codeOf, publicKeyOf, utf8, wrappingPair } from "./key-exchange-kit.ts";

type Field = "encryptionkey" | "hmackey" | "wrapkey";
type Jwk = Readonly<Record<string, unknown>>;
/** What an attacker makes of a right key: another one, or any text. */
type Change = (jwk: Jwk) => Jwk | string;

const pair = nodePair(2048);
const KWRAP = Uint8Array.from({ length: 16 }, (_, i) => 0x40 + i);

/** The three keys as the protocol writes them. */
function texts(core: Core, { keys }: Answer, style: "use" | "key_ops"): Record<Field, Jwk> {
  const jwk = (use: string, ops: readonly string[], alg: string, k: Uint8Array): Jwk => ({
    kty: "oct",
    ...(style === "use" ? { use } : { key_ops: ops }),
    alg,
    extractable: false,
    k: base64Url(k),
  });
  return {
    encryptionkey: jwk("enc", ["encrypt", "decrypt"], "A128CBC", core.exportKey(keys.encryption)),
    hmackey: jwk("sig", ["sign", "verify"], "HS256", core.exportKey(keys.mac)),
    wrapkey: jwk("wrap", ["wrapKey", "unwrapKey"], "A128KW", KWRAP),
  };
}

interface Row {
  readonly name: string;
  readonly style: "use" | "key_ops";
  readonly fields: readonly Field[];
  /** What bytes that are no key raise. */
  readonly notJwk: string;
  schemes(core: Core, world: World): { readonly issuer: KeyExchange; readonly requester: KeyExchange };
  /** Wraps texts as the scheme does, with the keys that an issuer has. */
  wrap(core: Core, world: World, answer: Answer, field: Field, text: Uint8Array): Promise<Uint8Array> | Uint8Array;
}

function asymmetric(mechanism: WrappingMechanism, form: JweForm | null): Row {
  return {
    name: mechanism,
    style: form === null ? "key_ops" : "use",
    fields: ["encryptionkey", "hmackey"],
    notJwk: "SESSION_KEY_CREATION_FAILURE",
    schemes: (core) => ({
      issuer: asymmetricWrapped({ core, mechanisms: [mechanism], timers: null }),
      requester: asymmetricWrapped({
        core,
        mechanisms: [mechanism],
        timers: null,
        keyPair: () => wrappingPair(core, pair),
      }),
    }),
    wrap(core, _world, { request }, _field, text) {
      const key = publicKeyOf(request);
      if (form === null)
        return Uint8Array.from(publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING }, text));
      const read = readPublicKey(request.bytes("publickey"));
      const publicKey = read.kind === "RSA" ? read.rsa : null;
      return sealJwe(core, { algorithm: "RSA-OAEP", publicKey, privateKey: null }, "A128GCM", form, text);
    },
  };
}

function ladder(name: string, make: (config: LadderConfig) => KeyExchange, style: "use" | "key_ops"): Row {
  return {
    name,
    style,
    fields: ["wrapkey", "encryptionkey", "hmackey"],
    notJwk: "INVALID_JWK",
    schemes(core, { pskContextOf }) {
      const issuer = { tokenCrypto: issuerKeys(core), clock };
      return { issuer: make({ core, pskContextOf, issuer }), requester: make({ core, pskContextOf }) };
    },
    wrap(core, world, { binding }, field, text) {
      const own = slotContext(core, { keyId: "", wrapping: core.importKey(LADDER_KEY, KWRAP.slice()) });
      const context = field === "wrapkey" ? world.pskContextOf(binding.identity)! : own;
      if (style === "use") return sealJwe(core, { algorithm: "A128KW", context }, "A128GCM", "JSON", text);
      const filled = Buffer.concat([
        text.subarray(0, 1),
        Buffer.alloc((8 - (text.length % 8)) % 8, " "),
        text.subarray(1),
      ]);
      return context.wrapBytes!(filled) as Uint8Array;
    },
  };
}

const ROWS: readonly Row[] = [
  asymmetric("JWK_RSA", null),
  asymmetric("RSA", null),
  asymmetric("JWE_RSA", "compact"),
  asymmetric("JWEJS_RSA", "JSON"),
  ladder("JWK_LADDER", jwkLadder, "key_ops"),
  ladder("JWE_LADDER", jweLadder, "use"),
];

const CODES = {
  encryptionkey: "KEYX_INVALID_ENCRYPTION_KEY",
  hmackey: "KEYX_INVALID_HMAC_KEY",
  wrapkey: "KEYX_INVALID_WRAPPING_KEY",
} as const;

const bytesOf = (jwk: Jwk) => Buffer.from(String(jwk.k), "base64url");
const withLength = (length: number) => (jwk: Jwk) => ({ ...jwk, k: base64Url(Buffer.alloc(length, bytesOf(jwk))) });
const without = (name: string) => (jwk: Jwk) => Object.fromEntries(Object.entries(jwk).filter(([key]) => key !== name));

/** Keys of another purpose, each refused with the field's own code. */
function otherPurposes(field: Field): readonly (readonly [string, Change])[] {
  const right = field === "hmackey" ? 32 : 16;
  const algorithms = ["A128CBC", "HS256", "A128KW", "RSA-OAEP", "RSA1_5"];
  const own = { encryptionkey: "A128CBC", hmackey: "HS256", wrapkey: "A128KW" }[field];
  const [use, ops] = field === "encryptionkey" ? ["sig", ["sign", "verify"]] : ["enc", ["encrypt", "decrypt"]];
  return [
    ...algorithms.filter((alg) => alg !== own).map((alg) => [`alg ${alg}`, (jwk: Jwk) => ({ ...jwk, alg })] as const),
    ["no alg", without("alg")],
    ...[1, 8, 15, 16, 17, 24, 31, 32, 33, 48, 64]
      .filter((length) => length !== right)
      .map((length) => [`${length} bytes`, withLength(length)] as const),
    ["another use", (jwk) => ({ ...jwk, use })],
    ["other operations", (jwk) => ({ ...jwk, key_ops: ops })],
    ["no operation", (jwk) => ({ ...jwk, key_ops: [] })],
    ["a public key", () => ({ kty: "rsa", alg: "RSA-OAEP", n: base64Url(KWRAP), e: "AQAB" })],
  ];
}

/** Texts that are no key of this protocol. */
const NO_KEYS: readonly (readonly [string, Change, string])[] = [
  ["a type in upper case", (jwk) => ({ ...jwk, kty: "OCT" }), "UNIDENTIFIED_JWK_TYPE"],
  ["a use in upper case", (jwk) => ({ ...jwk, use: "ENC" }), "UNIDENTIFIED_JWK_USAGE"],
  ["an operation in upper case", (jwk) => ({ ...jwk, key_ops: ["ENCRYPT"] }), "UNIDENTIFIED_JWK_KEYOP"],
  ["an unknown algorithm", (jwk) => ({ ...jwk, alg: "none" }), "UNIDENTIFIED_JWK_ALGORITHM"],
  ["an empty k", (jwk) => ({ ...jwk, k: "" }), "INVALID_JWK_KEYDATA"],
  ["a k that is no Base64", (jwk) => ({ ...jwk, k: "!!!!" }), "INVALID_JWK_KEYDATA"],
  ["no k", without("k"), "notJwk"],
  ["a list", () => '["oct","A128CBC"]', "notJwk"],
  ["JSON that ends too early", (jwk) => JSON.stringify(jwk).slice(0, -1), "notJwk"],
  ["bytes", () => "\u0000\u0001\u0002 no key", "notJwk"],
];

describe.each(ROWS)("$name", ({ style, fields, schemes, wrap, notJwk }) => {
  /** The code that a device's request ends with when this field's text is changed; and what its session is then. */
  async function answered(field: Field, change: Change) {
    const world: World = await World.create({
      extend: (core, world) => ({
        keyExchange: [
          answering(schemes(core, world).issuer, async (answer) => {
            const keydata: Record<string, unknown> = { ...answer.keydata };
            for (const [name, jwk] of Object.entries(texts(core, answer, style)) as [Field, Jwk][]) {
              if (!fields.includes(name)) continue;
              const made = name === field ? change(jwk) : jwk;
              const text = utf8(typeof made === "string" ? made : JSON.stringify(made));
              keydata[name] = await wrap(core, world, answer, name, text);
            }
            return keydata as EncodeFields;
          }),
        ],
      }),
    });
    const device = await world.device({ keyExchange: [schemes(world.core, world).requester] });
    const code = await codeOf(device);
    expect(device.session.masterToken === null).toBe(code !== "accepted");
    return code;
  }

  test.each(fields)("%s: the right key is taken, written in any order too", async (field) => {
    expect(await answered(field, (jwk) => jwk)).toBe("accepted");
    expect(await answered(field, (jwk) => Object.fromEntries(Object.entries(jwk).reverse()))).toBe("accepted");
    expect(await answered(field, without(style))).toBe("accepted"); // neither is required
  });

  test.each(fields)(
    "%s: a key of another algorithm, length or use is refused with a code of its own",
    async (field) => {
      for (const [name, change] of otherPurposes(field)) {
        expect([name, await answered(field, change)]).toEqual([name, CODES[field]]);
      }
    },
  );

  test.each(fields)("%s: what is no key of the protocol is refused by what is wrong with it", async (field) => {
    for (const [name, change, code] of NO_KEYS) {
      expect([name, await answered(field, change)]).toEqual([name, code === "notJwk" ? notJwk : code]);
    }
  });

  test("the two session keys in each other's place are refused", async () => {
    const swapped = (jwk: Jwk): Jwk => ({ ...jwk, use: "sig", key_ops: ["sign", "verify"], alg: "HS256" });
    expect(await answered("encryptionkey", swapped)).toBe("KEYX_INVALID_ENCRYPTION_KEY");
    const back = (jwk: Jwk): Jwk => ({ ...jwk, use: "enc", key_ops: ["encrypt", "decrypt"], alg: "A128CBC" });
    expect(await answered("hmackey", back)).toBe("KEYX_INVALID_HMAC_KEY");
  });
});
