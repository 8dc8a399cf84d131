// Misbinding ("MSL Key Exchange", key derivation of ECDH): an attacker with an identity of its own hands a victim's
// public value in under its own name and passes the answer on, or passes a server's answer on as its own. Everybody signs
// what they send, nothing is encrypted before the exchange is over: the attacker sees all and can forge nothing.

import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Core } from "../../src/core/core.ts";
import { importPrivateKey } from "../../src/crypto/key-der.ts";
import { sealPair } from "../../src/crypto/seal.ts";
import { decodeObject, type EncodeFields, encodeObject } from "../../src/encoding/codec.ts";
import { ecc, eccData } from "../../src/entity-auth/key-pair.ts";
import { type EntityAuthData, type EntityScheme, entityAuthFields } from "../../src/entity-auth/scheme.ts";
import { diffieHellman } from "../../src/key-exchange/diffie-hellman.ts";
import { ecdh } from "../../src/key-exchange/ecdh.ts";
import { p256Curve } from "../../src/key-exchange/ecdh-p256.ts";
import { byPreference } from "../../src/key-exchange/scheme.ts";
import { memoryEccKeys } from "../../src/store/entity-keys.ts";
import { objectsOf } from "../conformance/kit.ts";
import { World } from "../scenario/world.ts";
import { codeOf, type Scheme } from "./key-exchange-kit.ts";

const NAMES = ["victim", "mallory", "server"] as const;
type Name = (typeof NAMES)[number];

const pairs = Object.fromEntries(
  NAMES.map((name) => [name, generateKeyPairSync("ec", { namedCurve: "P-256" })] as const),
) as Record<Name, ReturnType<typeof generateKeyPairSync>>;

/** ECC as `name` has it: its own private key, the public keys of all. */
function schemeOf(core: Core, name: Name): EntityScheme {
  const rows = NAMES.map((id) => ({
    pubkeyid: `key of ${id}`,
    identities: [id],
    spki: pairs[id].publicKey.export({ type: "spki", format: "der" }),
  }));
  const pkcs8 = Uint8Array.from(pairs[name].privateKey.export({ type: "pkcs8", format: "der" }));
  const local = { pubkeyid: `key of ${name}`, privateKey: importPrivateKey(core, pkcs8).key };
  return ecc({ core, store: memoryEccKeys(rows), local });
}

const dataOf = (name: Name): EntityAuthData => eccData(name, `key of ${name}`);

/** What the application behind the server was told: who said what. */
interface Heard {
  readonly sender: string | null;
  readonly body: string;
}

interface Scene {
  readonly world: World;
  readonly heard: Heard[];
  /** A message of `name` with this header data, under its own signature. */
  signedBy(name: Name, headerdata: Uint8Array): Promise<Uint8Array>;
  /** What the victim's request ends with. */
  run(expectSender: Name): Promise<string>;
}

async function scene(...schemes: readonly Scheme[]): Promise<Scene> {
  const heard: Heard[] = [];
  const world: World = await World.create({
    extend: (core) => ({
      entity: { scheme: schemeOf(core, "server"), data: () => dataOf("server") },
      entitySchemes: [schemeOf(core, "server")],
      keyExchange: byPreference(schemes.map((scheme) => scheme(core))),
    }),
    handler: async (request) => {
      heard.push({ sender: request.sender, body: await request.text() });
      return { body: "the server's answer" };
    },
  });
  const { core } = world;
  return {
    world,
    heard,
    async signedBy(name, headerdata) {
      const context = await schemeOf(core, name).cryptoContext(dataOf(name));
      const { data, signature } = await sealPair(context, headerdata, "JSON");
      const entityauthdata = entityAuthFields(dataOf(name));
      return encodeObject("JSON", { entityauthdata, headerdata: data, signature });
    },
    async run(expectSender) {
      const victim = schemeOf(core, "victim");
      const device = await world.device({
        entity: { scheme: victim, data: () => dataOf("victim") },
        serverSchemes: [victim],
        keyExchange: schemes.map((scheme) => scheme(core)),
        expectSender,
      });
      return codeOf(device, { body: "the victim's password" });
    },
  };
}

/** Header data of a message that is signed and not encrypted. */
function headerOf(world: World, message: Uint8Array): Uint8Array {
  return decodeObject(objectsOf(world, message)[0]!, "message").bytes("headerdata");
}

const ECDH: readonly (readonly [string, Scheme])[] = [
  ["X25519", (core) => ecdh({ core })],
  ["P-256", (core) => ecdh({ core, curves: ["P-256"], p256: p256Curve })],
];
const DH: Scheme = (core) => diffieHellman({ core });

/** The victim's value under the attacker's name: the victim then works under a token that says "mallory". */
async function attackOnRequester(scheme: Scheme, isOn: boolean) {
  const set = await scene(scheme);
  const { world } = set;
  const post = world.post.bind(world);
  let handshakes = 0;
  world.post = async (...parts) => {
    const sent = Uint8Array.from(Buffer.concat(parts));
    const isHandshake = decodeObject(objectsOf(world, sent)[0]!, "message").has("entityauthdata");
    if (!isHandshake || handshakes++ > 0 || !isOn) return post(sent);
    return post(await set.signedBy("mallory", headerOf(world, sent)));
  };
  return { ...set, result: await set.run("server") };
}

/** The server's answer under the attacker's name: the victim takes the server for "mallory". */
async function attackOnIssuer(scheme: Scheme) {
  const set = await scene(scheme);
  const { world } = set;
  const post = world.post.bind(world);
  let handshakes = 0;
  world.post = async (...parts) => {
    const sent = Uint8Array.from(Buffer.concat(parts));
    const isHandshake = decodeObject(objectsOf(world, sent)[0]!, "message").has("entityauthdata");
    const answer = await post(sent);
    if (!isHandshake || handshakes++ > 0) return answer;
    return set.signedBy("mallory", headerOf(world, answer));
  };
  return { ...set, result: await set.run("mallory") };
}

const OWN_WORDS: Heard = { sender: "victim", body: "the victim's password" };

/** What the server answered, refusals by their codes. */
const answers = (world: World) =>
  world.reports.filter((report) => report.direction === "out").map((report) => report.error?.code ?? report.kind);

/** The first handshake was taken as this sender's. */
function expectHandshakeOf(world: World, sender: Name): void {
  const [handshake] = world.reports.filter((report) => report.direction === "in");
  expect([handshake?.kind, handshake?.sender, answers(world)[0]]).toEqual(["handshake", sender, "message"]);
}

describe.each(ECDH)("ECDH over %s", (_curve, scheme) => {
  test("without an attacker the victim's words are the victim's", async () => {
    const { heard, result } = await attackOnRequester(scheme, false);
    expect([result, heard]).toEqual(["accepted", [OWN_WORDS]]);
  });

  test("a victim's value under the attacker's name gives both sides different keys", async () => {
    const { heard, world, result } = await attackOnRequester(scheme, true);
    expectHandshakeOf(world, "mallory");
    // What the victim says under mallory's token is refused; it authenticates again, and is heard as itself.
    expect(answers(world)[1]).toBe("MESSAGE_MASTERTOKENBASED_VERIFICATION_FAILED");
    expect([result, heard]).toEqual(["accepted", [OWN_WORDS]]);
  });

  test("a server's answer under the attacker's name gives both sides different keys", async () => {
    const { heard, world, result } = await attackOnIssuer(scheme);
    expectHandshakeOf(world, "victim");
    expect(answers(world)[1]).toBe("MESSAGE_MASTERTOKENBASED_VERIFICATION_FAILED");
    expect([result === "accepted", heard]).toEqual([false, []]);
  });
});

describe("DIFFIE_HELLMAN", () => {
  test("without an attacker the victim's words are the victim's", async () => {
    const { heard, result } = await attackOnRequester(DH, false);
    expect([result, heard]).toEqual(["accepted", [OWN_WORDS]]);
  });

  test("a victim's value under the attacker's name: the victim speaks as the attacker, which nothing in the scheme shows", async () => {
    const { heard, world, result } = await attackOnRequester(DH, true);
    expectHandshakeOf(world, "mallory");
    expect([result, heard]).toEqual(["accepted", [{ ...OWN_WORDS, sender: "mallory" }]]);
  });

  test("a server's answer under the attacker's name: the victim takes one for the other, which nothing in the scheme shows", async () => {
    const { heard, world, result } = await attackOnIssuer(DH);
    expectHandshakeOf(world, "victim");
    expect([result, heard]).toEqual(["accepted", [OWN_WORDS]]);
  });

  test("where both sides have ECDH it is taken, and with it the attack is over", async () => {
    const set = await scene(DH, ECDH[0]![1]);
    expect(await set.run("server")).toBe("accepted");
    expect(set.world.reports.find((report) => report.direction === "out")?.keyx).toEqual(["ECDH"]);
  });
});

test("an attacker cannot do either by changing what others signed", async () => {
  const set = await scene(ECDH[0]![1]);
  const { world } = set;
  const post = world.post.bind(world);
  world.post = async (...parts) => {
    const sent = Uint8Array.from(Buffer.concat(parts));
    const outer = decodeObject(objectsOf(world, sent)[0]!, "message").toFields() as EncodeFields;
    return post(encodeObject("JSON", { ...outer, entityauthdata: entityAuthFields(dataOf("mallory")) }));
  };
  expect(await set.run("server")).not.toBe("accepted");
  expect([set.heard, world.reports.at(-1)?.error?.code]).toEqual([[], "MESSAGE_ENTITYDATABASED_VERIFICATION_FAILED"]);
});
