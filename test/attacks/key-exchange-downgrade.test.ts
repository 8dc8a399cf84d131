// Downgrades: schemes that somebody strips from a request, puts into it, or answers with although nobody asked. Under NONE
// whoever sits in the middle can write what it likes; what a device does not offer it cannot be talked into.

import { describe, expect, test } from "vitest";
import { decodeObject, type EncodeFields, encodeObject } from "../../src/encoding/codec.ts";
import { asymmetricWrapped } from "../../src/key-exchange/asymmetric-wrapped.ts";
import { diffieHellman } from "../../src/key-exchange/diffie-hellman.ts";
import { ecdh } from "../../src/key-exchange/ecdh.ts";
import { byPreference, type KeyExchange } from "../../src/key-exchange/scheme.ts";
import { symmetricWrapped } from "../../src/key-exchange/symmetric-wrapped.ts";
import {
  codeOf as codeOfMessage,
  device as deviceOf,
  FORMATS,
  HEADER,
  keyRequests,
  message,
} from "../conformance/kit.ts";
import { nodePair } from "../core/rsa-helpers.ts";
import { World } from "../scenario/world.ts";
import { answering, ask, base64Url, codeOf, rewritten, utf8, wrappingPair } from "./key-exchange-kit.ts";

const attacker = nodePair(2048);
const victim = nodePair(2048);
const SECRET = "nothing that may be read later";

/** A server that has everything, in the order that it prefers. */
const everything = (strictKeyRequests = false) =>
  World.create({
    extend: (core, { pskContextOf }) => ({
      strictKeyRequests,
      keyExchange: byPreference([
        symmetricWrapped({ core, pskContextOf }),
        asymmetricWrapped({ core, timers: null, mechanisms: ["RSA", "JWK_RSA", "JWK_RSAES"] }),
        diffieHellman({ core }),
        ecdh({ core }),
      ]),
    }),
  });

type Offers = readonly EncodeFields[];

/** Key requests that the attacker can make. */
const OWN_RSA: EncodeFields = {
  scheme: "ASYMMETRIC_WRAPPED",
  keydata: {
    keypairid: "attacker",
    mechanism: "RSA",
    publickey: Uint8Array.from(attacker.publicKey.export({ format: "der", type: "spki" })),
  },
};
const PSK: EncodeFields = { scheme: "SYMMETRIC_WRAPPED", keydata: { keyid: "PSK" } };
const UNKNOWN: EncodeFields = { scheme: "FUTURE", keydata: { anything: 1 } };

/** An anonymous device whose offers are changed on their way. */
async function intercepted(own: (world: World) => KeyExchange[], change: ((offers: Offers) => Offers) | null) {
  const world = await everything();
  const sent: Uint8Array[] = [];
  world.tamper = (bytes, direction) => {
    if (direction === "response") return bytes;
    sent.push(bytes);
    if (change === null) return bytes;
    return rewritten(world, bytes, (fields) => {
      const keyrequestdata = change((fields.keyrequestdata ?? []) as Offers);
      return { ...fields, keyrequestdata };
    });
  };
  const device = await world.device({ entity: world.anonymous(), keyExchange: own(world) });
  const code = await codeOf(device, { body: SECRET });
  return { world, device, code, sent };
}

const withoutEcdh = (offers: Offers) => offers.filter(({ scheme }) => scheme !== "ECDH");

const STRIPPED: readonly (readonly [string, (offers: Offers) => Offers, string])[] = [
  ["with nothing left", () => [], "HANDSHAKE_DATA_MISSING"],
  ["with a scheme that nobody knows in its place", () => [UNKNOWN], "KEYX_FACTORY_NOT_FOUND"],
  ["with the attacker's RSA key in its place", () => [OWN_RSA], "KEYX_FACTORY_NOT_FOUND"],
  ["with pre-shared keys in its place", () => [PSK], "ENTITY_NOT_FOUND"],
];

describe("offers that are stripped or exchanged", () => {
  const only = ({ core }: World) => [ecdh({ core })];

  test("who offers ECDH alone gets no session without it, and says nothing", async () => {
    expect((await intercepted(only, null)).code).toBe("accepted");
    for (const [name, change, expected] of STRIPPED) {
      const { world, device, code, sent } = await intercepted(only, change);
      expect([name, code, device.session.masterToken]).toEqual([name, expected, null]);
      expect(sent.length).toBeGreaterThan(0);
      for (const bytes of sent) {
        const header = decodeObject(decodeObject(firstOf(world, bytes), "message").bytes("headerdata"), "headerdata");
        const offers = header.list("keyrequestdata");
        expect([header.bool("handshake"), offers.length, offers.map(0).string("scheme")]).toEqual([true, 1, "ECDH"]);
        expect(Buffer.from(bytes).includes(SECRET)).toBe(false);
      }
    }
  });

  test("who offers more than ECDH falls back where somebody strips it", async () => {
    const two = ({ core }: World) => [ecdh({ core }), diffieHellman({ core })];
    const scheme = ({ world }: { world: World }) => world.reports.find((report) => report.direction === "out")?.keyx;
    const plain = await intercepted(two, null);
    expect([plain.code, scheme(plain)]).toEqual(["accepted", ["ECDH"]]);
    const stripped = await intercepted(two, withoutEcdh);
    expect([stripped.code, scheme(stripped)]).toEqual(["accepted", ["DIFFIE_HELLMAN"]]);
  });

  test("a scheme that was put in the request on its way is no answer", async () => {
    // The server answers the attacker's offer, which the attacker could open: the device does not take it.
    const { world, code, device } = await intercepted(only, () => [OWN_RSA]);
    expect(world.reports.find((report) => report.direction === "out")?.keyx).toEqual(["ASYMMETRIC_WRAPPED"]);
    expect([code, device.session.masterToken]).toEqual(["KEYX_FACTORY_NOT_FOUND", null]);
    // Nor does one that has the scheme, whether it asked for nothing in it or for another key.
    const has = ({ core }: World) => [ecdh({ core }), silent(asymmetricWrapped({ core, timers: null }))];
    expect((await intercepted(has, () => [OWN_RSA])).code).toBe("KEYX_RESPONSE_REQUEST_MISMATCH");
    const asks = ({ core }: World) => [
      asymmetricWrapped({ core, timers: null, keyPair: () => wrappingPair(core, victim) }),
    ];
    expect((await intercepted(asks, () => [OWN_RSA])).code).toBe("KEYX_RESPONSE_REQUEST_MISMATCH");
    expect((await intercepted(asks, null)).code).toBe("accepted");
  });

  test("where the request is signed its offers cannot be changed", async () => {
    const world = await everything();
    const two = [diffieHellman({ core: world.core }), ecdh({ core: world.core })];
    let at = 0;
    world.tamper = (bytes, direction) => {
      if (direction === "response") return bytes;
      const outer = decodeObject(firstOf(world, bytes), "message");
      const headerdata = outer.bytes("headerdata").slice();
      const place = Math.floor((headerdata.length - 1) * at);
      headerdata[place] = headerdata[place]! ^ 1;
      return encodeObject("JSON", { ...(outer.toFields() as EncodeFields), headerdata });
    };
    for (at of [0, 0.25, 0.5, 0.75, 1]) {
      const device = await world.device({ keyExchange: two });
      expect([at, await codeOf(device)]).toEqual([at, "MESSAGE_ENTITYDATABASED_VERIFICATION_FAILED"]);
    }
    world.tamper = null;
    expect(await ask(await world.device({ keyExchange: two }))).toBe("ECHO:x");
  });
});

/** A scheme that is configured, and asks nothing in these messages. */
const silent = (exchange: KeyExchange): KeyExchange => ({ ...exchange, createRequests: () => [] });

const firstOf = (world: World, bytes: Uint8Array) => {
  const scanner = world.core.createScanner(1e7);
  scanner.push(bytes);
  return scanner.next()!.slice();
};

describe("the issuer's choice", () => {
  test("the order in which a request offers schemes decides nothing", async () => {
    const world = await everything();
    const { core, pskContextOf } = world;
    const offers = [symmetricWrapped({ core, pskContextOf }), diffieHellman({ core }), ecdh({ core })];
    for (const keyExchange of [offers, [...offers].reverse(), [offers[1]!, offers[2]!, offers[0]!]]) {
      const device = await world.device({ keyExchange });
      expect(await ask(device)).toBe("ECHO:x");
      expect(world.reports.at(-1)?.keyx).toEqual(["ECDH"]);
    }
    // The worst offer is taken where there is no other.
    expect(await ask(await world.device({ keyExchange: [offers[0]!] }))).toBe("ECHO:x");
    expect(world.reports.at(-1)?.keyx).toEqual(["SYMMETRIC_WRAPPED"]);
  });

  test("an unknown scheme beside a good one costs the message only where that is asked for", async () => {
    for (const strict of [false, true]) {
      const world = await everything(strict);
      const good = await keyRequests(world, [ecdh({ core: world.core })]);
      const code = async (format: (typeof FORMATS)[number], keyrequestdata: Offers) =>
        codeOfMessage(world, await message(format, deviceOf(world), { ...HEADER, renewable: true, keyrequestdata }));
      for (const format of FORMATS) {
        expect(await code(format, good)).toBe("accepted");
        for (const offers of [
          [UNKNOWN, ...good],
          [...good, UNKNOWN],
        ]) {
          expect(await code(format, offers)).toBe(strict ? "UNIDENTIFIED_KEYX_SCHEME" : "accepted");
        }
        // What is malformed is no new scheme.
        for (const broken of [{ keydata: {} }, { scheme: "ECDH" }, { scheme: 7, keydata: {} }]) {
          expect(await code(format, [...good, broken])).toBe("MSL_PARSE_ERROR");
        }
      }
    }
  });
});

describe("an answer under a weaker algorithm than asked for", () => {
  const JWE = ["JWE_RSA", "JWEJS_RSA"] as const;

  test.each(JWE)("%s: the header names another algorithm, another encryption, or none", async (mechanism) => {
    const answered = async (header: string | null) => {
      const world = await World.create({
        extend: (core) => ({
          keyExchange: [
            answering(asymmetricWrapped({ core, timers: null, mechanisms: [mechanism] }), ({ keydata }) => {
              const text = Buffer.from(keydata.encryptionkey as Uint8Array).toString();
              const own = base64Url(utf8('{"alg":"RSA-OAEP","enc":"A128GCM"}'));
              if (!text.includes(own)) throw new Error("the header is not where it was thought to be");
              const changed = header === null ? text : text.replace(own, base64Url(utf8(header)));
              return { ...keydata, encryptionkey: utf8(changed) };
            }),
          ],
        }),
      });
      const { core } = world;
      const own = asymmetricWrapped({
        core,
        timers: null,
        mechanisms: [mechanism],
        keyPair: () => wrappingPair(core, victim),
      });
      return codeOf(await world.device({ keyExchange: [own] }));
    };
    expect(await answered(null)).toBe("accepted");
    for (const [header, code] of [
      ['{"alg":"A128KW","enc":"A128GCM"}', "JWE_ALGORITHM_MISMATCH"],
      ['{"alg":"RSA-OAEP","enc":"A256GCM"}', "JWE_ALGORITHM_MISMATCH"],
      ['{"alg":"RSA1_5","enc":"A128GCM"}', "JWE_PARSE_ERROR"],
      ['{"alg":"dir","enc":"A128GCM"}', "JWE_PARSE_ERROR"],
      ['{"alg":"none","enc":"A128GCM"}', "JWE_PARSE_ERROR"],
      ['{"alg":"RSA-OAEP","enc":"none"}', "JWE_PARSE_ERROR"],
      ['{"alg":"RSA-OAEP","enc":"A128CBC"}', "JWE_PARSE_ERROR"],
      // The same algorithms, written otherwise: the header is under the tag.
      ['{"enc":"A128GCM","alg":"RSA-OAEP"}', "UNWRAP_ERROR"],
    ] as const) {
      expect([header, await answered(header)]).toEqual([header, code]);
    }
  });
});
