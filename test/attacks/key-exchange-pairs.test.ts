// Key pairs of ASYMMETRIC_WRAPPED: a fresh one for each exchange and mechanism, none that is short, and PKCS#1 v1.5 only
// where somebody asked for it.

import { describe, expect, test } from "vitest";
import type { ClientConfig } from "../../src/control/api.ts";
import type { EncodeFields } from "../../src/encoding/codec.ts";
import { MslUsageError } from "../../src/errors/msl-error.ts";
import {
  asymmetricWrapped,
  type AsymmetricWrappedConfig,
  type WrappingMechanism,
} from "../../src/key-exchange/asymmetric-wrapped.ts";
import { nodeTimers } from "../../src/platform/clock-node.ts";
import { nodePair } from "../core/rsa-helpers.ts";
import { World } from "../scenario/world.ts";
import { answering, ask, asking, codeOf, wrappingPair } from "./key-exchange-kit.ts";

const ALL: readonly WrappingMechanism[] = ["RSA", "JWE_RSA", "JWEJS_RSA", "JWK_RSA", "JWK_RSAES"];
const pairs = [nodePair(2048), nodePair(2048)] as const;

/** A server with these mechanisms, and everything that it was asked. */
async function serverOf(config: Partial<AsymmetricWrappedConfig> = {}) {
  const requests: EncodeFields[] = [];
  const answers: EncodeFields[] = [];
  const world = await World.create({
    extend: (core) => ({
      keyExchange: [
        answering(asymmetricWrapped({ core, timers: null, ...config }), ({ keydata, request }) => {
          requests.push({ keypairid: request.string("keypairid"), publickey: request.bytes("publickey").slice() });
          answers.push(keydata);
          return keydata;
        }),
      ],
    }),
  });
  const device = (own: Partial<AsymmetricWrappedConfig> = {}, more: Partial<ClientConfig> = {}) =>
    world.device({ keyExchange: [asymmetricWrapped({ core: world.core, timers: nodeTimers, ...own })], ...more });
  return { world, requests, answers, device };
}

test("each exchange has a key pair of its own", async () => {
  const { requests, device } = await serverOf();
  const client = await device();
  for (let i = 0; i < 3; i++) {
    expect(await ask(client)).toBe("ECHO:x");
    await client.session.clear();
  }
  expect(requests).toHaveLength(3);
  for (const name of ["keypairid", "publickey"]) {
    expect(new Set(requests.map((request) => String(request[name]))).size).toBe(3);
  }
});

test("the answer to one request opens nothing in the next, whatever id it is given", async () => {
  const answers: EncodeFields[] = [];
  const relabel = { as: "own" as "own" | "first" | "second" };
  const world = await World.create({
    extend: (core) => ({
      keyExchange: [
        answering(asymmetricWrapped({ core, timers: null }), ({ keydata, request }) => {
          answers.push(keydata);
          const first = answers[0]!;
          if (relabel.as === "own") return keydata;
          return relabel.as === "first" ? first : { ...first, keypairid: request.string("keypairid") };
        }),
      ],
    }),
  });
  const device = await world.device({ keyExchange: [asymmetricWrapped({ core: world.core, timers: nodeTimers })] });
  expect(await codeOf(device)).toBe("accepted");
  await device.session.clear();
  relabel.as = "first";
  expect(await codeOf(device)).toBe("KEYX_RESPONSE_REQUEST_MISMATCH");
  relabel.as = "second";
  expect(await codeOf(device)).toBe("CIPHERTEXT_BAD_PADDING");
  relabel.as = "own";
  expect(await codeOf(device)).toBe("accepted");
});

describe("PKCS#1 v1.5", () => {
  test("neither side has it without asking for it", async () => {
    const { world } = await serverOf();
    const [request, ...more] = await asymmetricWrapped({ core: world.core, timers: nodeTimers }).createRequests();
    expect([request?.keydata.mechanism, more]).toEqual(["JWK_RSA", []]);
    request?.dispose();
  });

  test("an issuer that was not told to refuses it, one that was takes it", async () => {
    for (const [mechanisms, code] of [
      [undefined, "UNSUPPORTED_KEYX_MECHANISM"],
      [["RSA", "JWE_RSA", "JWEJS_RSA", "JWK_RSA"], "UNSUPPORTED_KEYX_MECHANISM"],
      [["JWK_RSAES"], "accepted"],
    ] as const) {
      const { device, world } = await serverOf(mechanisms === undefined ? {} : { mechanisms });
      const keyPair = () => wrappingPair(world.core, pairs[0]);
      expect(await codeOf(await device({ mechanisms: ["JWK_RSAES"], keyPair }))).toBe(code);
    }
  });

  test("a requester does not take a pair that outlives the exchange for it", async () => {
    const { device, world } = await serverOf({ mechanisms: ["JWK_RSAES", "JWK_RSA"] });
    const keyPair = () => wrappingPair(world.core, pairs[0], false);
    await expect(ask(await device({ mechanisms: ["JWK_RSAES"], keyPair }))).rejects.toBeInstanceOf(MslUsageError);
    expect(await ask(await device({ mechanisms: ["JWK_RSA"], keyPair }))).toBe("ECHO:x");
    expect(world.wire).toHaveLength(1);
  });

  test("an answer wrapped in PKCS#1 v1.5 to a request for OAEP is no key", async () => {
    const world = await World.create({
      extend: (core) => ({
        keyExchange: [
          // The issuer is made to believe that the request was for the other mechanism.
          lying(asymmetricWrapped({ core, timers: null, mechanisms: ["JWK_RSAES"] }), "JWK_RSAES"),
        ],
      }),
    });
    const own = { core: world.core, timers: null, keyPair: () => wrappingPair(world.core, pairs[0]) };
    expect(await codeOf(await world.device({ keyExchange: [asymmetricWrapped(own)] }))).toBe("CIPHERTEXT_BAD_PADDING");
    const asked = asymmetricWrapped({ ...own, mechanisms: ["JWK_RSAES"] });
    expect(await codeOf(await world.device({ keyExchange: [asked] }))).toBe("accepted");
  });
});

/** An issuer that answers every request as one for `mechanism`. */
function lying(honest: ReturnType<typeof asymmetricWrapped>, mechanism: WrappingMechanism) {
  return {
    ...honest,
    async parseRequest(keydata: Parameters<typeof honest.parseRequest>[0]) {
      return { ...((await honest.parseRequest(keydata)) as object), mechanism };
    },
  };
}

describe("short keys", () => {
  test.each([1024, 2040, 2047])("a requester's modulus of %i bits is refused by the issuer", async (bits) => {
    const { device } = await serverOf({ mechanisms: ALL });
    const spki = nodePair(bits).publicKey.export({ format: "der", type: "spki" });
    const core = (await serverOf()).world.core;
    const honest = asymmetricWrapped({ core, timers: null, keyPair: () => wrappingPair(core, pairs[0]) });
    const short = asking(honest, (keydata) => ({ ...keydata, publickey: Uint8Array.from(spki) }));
    expect(await codeOf(await device({}, { keyExchange: [short] }))).toBe("INVALID_PUBLIC_KEY");
    expect(await codeOf(await device({}, { keyExchange: [honest] }))).toBe("accepted");
  });

  test("an application's own pair of less than 2048 bits is not offered", async () => {
    const { device, world } = await serverOf({ mechanisms: ALL });
    for (const mechanism of ALL) {
      const keyPair = () => wrappingPair(world.core, nodePair(1024));
      await expect(ask(await device({ mechanisms: [mechanism], keyPair }))).rejects.toBeInstanceOf(MslUsageError);
    }
    expect(world.wire).toHaveLength(0);
  });
});

test("one pair is not offered for two mechanisms, also where it was imported twice", async () => {
  const { device, world } = await serverOf({ mechanisms: ALL });
  const mechanisms: readonly WrappingMechanism[] = ["RSA", "JWK_RSA"];
  const shared = wrappingPair(world.core, pairs[0], false);
  const twice = () => wrappingPair(world.core, pairs[0]);
  for (const keyPair of [() => shared, twice]) {
    await expect(ask(await device({ mechanisms, keyPair }))).rejects.toBeInstanceOf(MslUsageError);
  }
  expect(world.wire).toHaveLength(0);
  const each = (mechanism: WrappingMechanism) => wrappingPair(world.core, pairs[mechanism === "RSA" ? 0 : 1]);
  expect(await ask(await device({ mechanisms, keyPair: each }))).toBe("ECHO:x");
});
