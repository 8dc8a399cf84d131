// DIFFIE_HELLMAN with values that give the secret away, from either side and inside of real messages: outside of 2 to
// p - 2, congruent to a right one, in unknown groups, and back from a mirror.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { SESSION_ENCRYPTION, SESSION_MAC } from "../../src/core/core.ts";
import { MslUsageError } from "../../src/errors/msl-error.ts";
import { diffieHellman } from "../../src/key-exchange/diffie-hellman.ts";
import { ecdh } from "../../src/key-exchange/ecdh.ts";
import { World } from "../scenario/world.ts";
import { ACCEPTED, answered, ask, asked, asking, both, codeOf, hex, REFUSED, type Scheme } from "./key-exchange-kit.ts";

const numberBytes = (value: bigint) => {
  const text = value.toString(16);
  return hex(text.length % 2 === 0 ? text : `0${text}`);
};
const numberOf = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString("hex")}`);

interface GroupRow {
  readonly parametersid: string;
  readonly p: string;
}

const FILE = JSON.parse(readFileSync(new URL("../vectors/keys.json", import.meta.url), "utf8")) as { dh: GroupRow[] };
const prime = (id: string) => BigInt(`0x${FILE.dh.find((row) => row.parametersid === id)?.p}`);
const GROUPS = [
  ["group14", prime("modp2048")],
  ["ffdhe2048", prime("ffdhe2048")],
] as const;

describe.each(GROUPS)("DIFFIE_HELLMAN in %s", (id, p) => {
  const scheme: Scheme = (core) => diffieHellman({ core, offer: [id] });

  test("what was not changed is accepted, behind any number of zeros", async () => {
    for (const zeros of [0, 3]) {
      const padded = (own: Uint8Array) => Uint8Array.of(...new Uint8Array(zeros), ...own);
      expect(await both(scheme, padded)).toEqual(ACCEPTED);
    }
    expect(await both(scheme, (own) => own.subarray(1))).toEqual(ACCEPTED);
  });

  test.each([
    ["0", () => 0n],
    ["1", () => 1n],
    ["p - 1", () => p - 1n],
    ["p", () => p],
    ["p + 1", () => p + 1n],
    ["p + 2", () => p + 2n],
    ["2p - 1", () => 2n * p - 1n],
    ["2p", () => 2n * p],
    ["2p + 1", () => 2n * p + 1n],
    ["2^4096", () => 1n << 4096n],
    ["the value itself and p", (y: bigint) => y + p],
    ["the value itself and 2p", (y: bigint) => y + 2n * p],
  ])("%s is refused by both sides", async (_name, value) => {
    expect(await both(scheme, (own) => numberBytes(value(numberOf(own))))).toEqual(REFUSED);
    expect(await both(scheme, (own) => Uint8Array.of(0, 0, ...numberBytes(value(numberOf(own)))))).toEqual(REFUSED);
  });

  test("no value, and one much too long", async () => {
    for (const length of [0, 1, 2000, 100_000]) {
      const fill = length > 2 ? 7 : 0;
      expect(await both(scheme, () => new Uint8Array(length).fill(fill))).toEqual(REFUSED);
    }
  });

  test("a value that comes back from a mirror is refused", async () => {
    expect(
      await answered(scheme, ({ keydata, request }) => ({ ...keydata, publickey: request.bytes("publickey") })),
    ).toBe("KEYX_INVALID_PUBLIC_KEY");
  });
});

/**
 * An issuer that answers p - 2, which is no square, and takes the requester's own value for the secret: that is right if
 * the exponent is even, for (p - 2)^x is then 2^x, the requester's value, and p less that value if it is odd.
 */
function probing(id: string, p: bigint): Scheme {
  return (core) => {
    const honest = diffieHellman({ core, offer: [id] });
    return {
      ...honest,
      parseRequest: (keydata) => keydata.bytes("publickey").slice(),
      async respond(value) {
        const hash = createHash("sha384")
          .update(Uint8Array.of(0))
          .update((value as Uint8Array).subarray(1))
          .digest();
        const keys = {
          encryption: core.importKey(SESSION_ENCRYPTION, Uint8Array.from(hash.subarray(0, 16))),
          mac: core.importKey(SESSION_MAC, Uint8Array.from(hash.subarray(16))),
        };
        return { keydata: { parametersid: id, publickey: Uint8Array.of(0, ...numberBytes(p - 2n)) }, keys };
      },
    };
  };
}

test.each(GROUPS)("%s: a value outside of the subgroup tells nothing of the exponent", async (id, p) => {
  const world = await World.create({ extend: (core) => ({ keyExchange: [probing(id, p)(core)] }) });
  const codes = new Set<string>();
  for (let i = 0; i < 16; i++) {
    codes.add(await codeOf(await world.device({ keyExchange: [diffieHellman({ core: world.core, offer: [id] })] })));
  }
  // One outcome for all exponents: none of them is odd.
  expect(codes).toEqual(new Set(["accepted"]));
});

describe("groups of DIFFIE_HELLMAN", () => {
  const group14: Scheme = (core) => diffieHellman({ core });

  test.each(["default1", "dh_default1", "KanColle", "modp1024", "", "__proto__", "constructor", "toString", "GROUP14"])(
    "a group that the issuer does not know, %j",
    async (parametersid) => {
      expect(await asked(group14, (keydata) => ({ ...keydata, parametersid }))).toBe("UNKNOWN_KEYX_PARAMETERS_ID");
      expect(await answered(group14, ({ keydata }) => ({ ...keydata, parametersid }))).toBe(
        "KEYX_RESPONSE_REQUEST_MISMATCH",
      );
    },
  );

  test("numbers that are sent along are not read", async () => {
    const small = { p: Uint8Array.of(23), g: Uint8Array.of(23), params: { p: "23", g: "5" } };
    expect(await asked(group14, (keydata) => ({ ...keydata, ...small }))).toBe("accepted");
    expect(await answered(group14, ({ keydata }) => ({ ...keydata, ...small }))).toBe("accepted");
  });

  test("an answer in another group than the request's", async () => {
    expect(await answered(group14, ({ keydata }) => ({ ...keydata, parametersid: "ffdhe2048" }))).toBe(
      "KEYX_RESPONSE_REQUEST_MISMATCH",
    );
  });

  test("a group that is small, or whose generator is p, 0, 1 or above p, is not configured", async () => {
    const world = await World.create();
    const p = prime("modp2048");
    const group = (p: bigint, g: bigint) => () =>
      diffieHellman({ core: world.core, groups: { own: { p: numberBytes(p), g: numberBytes(g) } }, offer: ["own"] });
    const oakley2 = (1n << 1023n) + 1155n;
    for (const [modulus, g] of [
      [p, p],
      [p, 0n],
      [p, 1n],
      [p, p + 2n],
      [oakley2, 2n],
      [23n, 5n],
      [(1n << 2047n) - 1n, 2n],
    ] as const) {
      expect(group(modulus, g)).toThrow(MslUsageError);
    }
    expect(group(p, 2n)).not.toThrow();
  });

  test("one bad candidate does not take the others with it", async () => {
    const world = await World.create({ extend: (core) => ({ keyExchange: [group14(core), ecdh({ core })] }) });
    const bad = asking(group14(world.core), (keydata) => ({ ...keydata, publickey: Uint8Array.of(0, 1) }));
    const device = await world.device({ keyExchange: [bad, ecdh({ core: world.core })] });
    expect(await ask(device)).toBe("ECHO:x");
    expect(world.reports.at(-1)?.keyx).toEqual(["ECDH"]);
  });
});
