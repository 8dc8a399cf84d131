// Key exchange between peers, who have a connection to answer each other's faults on: nothing goes back that would tell an
// issuer what its values decrypted to.

import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Core } from "../../src/core/core.ts";
import { loadCore } from "../../src/core/core-node.ts";
import type { EncodeFields } from "../../src/encoding/codec.ts";
import { asymmetricWrapped, type WrappingMechanism } from "../../src/key-exchange/asymmetric-wrapped.ts";
import { diffieHellman } from "../../src/key-exchange/diffie-hellman.ts";
import { ecdh } from "../../src/key-exchange/ecdh.ts";
import type { KeyExchange } from "../../src/key-exchange/scheme.ts";
import { nodePair } from "../core/rsa-helpers.ts";
import { pair } from "../peer/pair.ts";
import { type Answer, answering, faceOf, publicKeyOf, rawRsa, utf8, wrappingPair } from "./key-exchange-kit.ts";

const SIZE = 256;
const rsa = nodePair(8 * SIZE);

/** What somebody at the other end, and the application at this one, can tell of one exchange. */
interface Shown {
  readonly face: string;
  /** Messages that the requester sent. */
  readonly sent: readonly string[];
  readonly session: boolean;
}

/** `make` gives both sides' scheme; the issuer's answers are changed. */
async function shown(make: (core: Core) => KeyExchange, change: (answer: Answer) => EncodeFields): Promise<Shown> {
  const core = await loadCore();
  const made = await pair(
    { core, config: { keyExchange: [make(core)] } },
    { core, config: { keyExchange: [answering(make(core), change)] } },
  );
  const { session, a } = made;
  const face = await faceOf(async () => (await session.request({ body: "x", wantTokens: true })).text());
  // Whatever it might say of it has been said.
  await new Promise((resolve) => setTimeout(resolve, 20));
  const sent = a.reports.filter((report) => report.direction === "out").map((report) => report.kind);
  return { face, sent, session: session.masterToken !== null };
}

const wrapped = (mechanism: WrappingMechanism) => (core: Core) =>
  asymmetricWrapped({ core, mechanisms: [mechanism], timers: null, keyPair: () => wrappingPair(core, rsa) });

/** Blocks of PKCS#1 v1.5: three wrong ones, and two right ones around what is no key. */
const BLOCKS: readonly (readonly [string, Buffer])[] = [
  ["type 1", Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(SIZE - 12, 7), Buffer.alloc(10)])],
  ["first byte 1", Buffer.concat([Buffer.from([1, 2]), Buffer.alloc(SIZE - 12, 7), Buffer.alloc(10)])],
  ["no zero", Buffer.concat([Buffer.from([0, 2]), Buffer.alloc(SIZE - 2, 7)])],
  ["right, random bytes", Buffer.concat([Buffer.from([0, 2]), Buffer.alloc(200, 7), Buffer.alloc(1), randomBytes(53)])],
  [
    "right, JSON",
    Buffer.concat([Buffer.from([0, 2]), Buffer.alloc(SIZE - 16, 7), Buffer.alloc(1), utf8('{"kty":"oct"}')]),
  ],
];

describe.each(["JWK_RSAES", "JWK_RSA", "RSA"] as const)("%s", (mechanism) => {
  const answered = (block: Buffer | null) =>
    shown(wrapped(mechanism), ({ keydata, request }) =>
      block === null ? keydata : { ...keydata, hmackey: rawRsa(publicKeyOf(request), block) },
    );

  test("a requester answers nothing, and what stays inside is the same for each padding", async () => {
    const [[, block], ...others] = BLOCKS;
    const first = await answered(block!);
    expect([first.face.includes("CIPHERTEXT_BAD_PADDING"), first.sent, first.session]).toEqual([
      true,
      ["message"],
      false,
    ]);
    for (const [name, other] of others) expect([name, await answered(other)]).toEqual([name, first]);
  });

  test("an answer that was not changed is taken", async () => {
    const seen = await answered(null);
    expect([seen.face, seen.session]).toEqual(["ECHO:x", true]);
  });
});

describe.each([
  ["ECDH", (core: Core) => ecdh({ core }), new Uint8Array(32)],
  ["DIFFIE_HELLMAN", (core: Core) => diffieHellman({ core }), Uint8Array.of(0, 1)],
] as const)("%s", (_name, make, bad) => {
  test("a value that gives the secret away, and one from a mirror, are refused by a peer too", async () => {
    for (const change of [
      ({ keydata }: Answer) => ({ ...keydata, publickey: bad }),
      ({ keydata, request }: Answer) => ({ ...keydata, publickey: request.bytes("publickey") }),
    ]) {
      const seen = await shown(make, change);
      expect([seen.face.includes("KEYX_INVALID_PUBLIC_KEY"), seen.session]).toEqual([true, false]);
    }
    expect((await shown(make, ({ keydata }) => keydata)).face).toBe("ECHO:x");
  });
});
