// Attacks by claiming to be somebody: foreign key ids, names that join alike, answers signed by nobody, identities guessed.

import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { importPrivateKey } from "../../src/crypto/key-der.ts";
import { nullContext } from "../../src/crypto/null.ts";
import { type KeyPairConfig, ecc, eccData, rsa, rsaData } from "../../src/entity-auth/key-pair.ts";
import { none, noneData } from "../../src/entity-auth/none.ts";
import { psk, pskData } from "../../src/entity-auth/psk.ts";
import { pskProfile, pskProfileData } from "../../src/entity-auth/psk-profile.ts";
import type { EntityAuthData, EntityScheme } from "../../src/entity-auth/scheme.ts";
import { memoryEccKeys, memoryPskProfileKeys, memoryRsaKeys } from "../../src/store/entity-keys.ts";
import { IssuerMemory } from "../../src/store/issuer-memory.ts";
import { emailPassword } from "../../src/user-auth/email-password.ts";
import { userIdToken, userIdTokenData } from "../../src/user-auth/user-id-token.ts";
import { errorMessage, FORMATS, HEADER, issuerOf, message, outcome, seen, server } from "../conformance/kit.ts";
import { clock, issuerKeys, user, World } from "../scenario/world.ts";

type Local = KeyPairConfig<unknown>["local"];
interface Row {
  readonly pubkeyid: string;
  readonly identities: readonly string[];
  readonly spki: Uint8Array;
}

const kinds = [
  {
    name: "RSA",
    pair: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
    scheme: (world: World, rows: Row[], local: Local = null): EntityScheme =>
      rsa({ core: world.core, store: memoryRsaKeys(rows), local: local ?? null }),
    data: rsaData,
  },
  {
    name: "ECC",
    pair: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
    scheme: (world: World, rows: Row[], local: Local = null): EntityScheme =>
      ecc({ core: world.core, store: memoryEccKeys(rows), local: local ?? null }),
    data: eccData,
  },
];

describe.each(kinds)("$name", ({ pair, scheme, data }) => {
  test("the holder of one stored key cannot take the name of another, whatever its own store says", async () => {
    const mine = pair();
    const spki = new Uint8Array(mine.publicKey.export({ type: "spki", format: "der" }));
    const theirs = new Uint8Array(pair().publicKey.export({ type: "spki", format: "der" }));
    const pkcs8 = new Uint8Array(mine.privateKey.export({ type: "pkcs8", format: "der" }));
    const rows = [
      { pubkeyid: "key-1", identities: ["admin"], spki: theirs },
      { pubkeyid: "key-2", identities: ["device-2"], spki },
    ];
    /** What a server with these rows says to who claims to be `identity` with key-2. */
    const claim = async (stored: Row[], identity: string) => {
      const world = await World.create({
        extend: (_core, made) => ({ entitySchemes: [made.psk(), scheme(made, stored)] }),
      });
      const own = scheme(world, [{ pubkeyid: "key-2", identities: ["device-2", "admin"], spki }], {
        pubkeyid: "key-2",
        privateKey: importPrivateKey(world.core, pkcs8.slice()).key,
      });
      const device = await world.device({ entity: { scheme: own, data: () => data(identity, "key-2") } });
      return device.request({ body: "x", encrypted: false, requireReply: {} }).then(
        async () => seen(world)[0]?.sender,
        (error) => error.code,
      );
    };
    expect(await claim(rows, "admin")).toBe("INCORRECT_ENTITYAUTH_DATA");
    expect(await claim(rows, "device-2")).toBe("device-2");
    // Without the binding the signature would be enough.
    expect(await claim([rows[0]!, { ...rows[1]!, identities: ["admin"] }], "admin")).toBe("admin");
  });
});

describe("PSK_PROFILE", () => {
  const bytes = (seed: number, n: number) => new Uint8Array(n).fill(seed);
  const row = (pskid: string, seed: number) => ({ pskid, encryptionKey: bytes(seed, 16), macKey: bytes(seed, 32) });

  test("ids of which one and a hyphen begin the other, whose profiles would join alike, are not kept together", async () => {
    const { core } = await World.create();
    expect(pskProfileData("a", "b-c").identity).toBe(pskProfileData("a-b", "c").identity);
    for (const ids of [
      ["a", "a-b"],
      ["a-b", "a"],
      ["x-y", "z", "x-y-z"],
      ["a", "a"],
    ]) {
      expect(() => memoryPskProfileKeys(core, ids.map(row))).toThrow(/pskid/);
    }
    // A hyphen alone does no harm, nor does a common beginning.
    const keys = memoryPskProfileKeys(core, ["a-b", "a-c", "ab", "a.b"].map(row));
    expect(["a-b", "a-c", "ab", "a.b", "a"].map((id) => keys(id, `${id}-p`) !== null)).toEqual([
      true,
      true,
      true,
      true,
      false,
    ]);
  });

  test("a device cannot take another's identity through its own keys", async () => {
    const keysOf = (core: World["core"]) => memoryPskProfileKeys(core, [row("tv-1", 1), row("tv-2", 2)]);
    const world = await World.create({
      extend: (core, made) => ({ entitySchemes: [made.psk(), pskProfile({ contextOf: keysOf(core) })] }),
    });
    const context = keysOf(world.core)("tv-1", "tv-1-kids")!;
    const as = (pskid: string, profile: string) =>
      message("JSON", { entity: pskProfileData(pskid, profile), context }, HEADER);
    expect((await outcome(world, await as("tv-1", "kids"))).code).toBe("accepted");
    expect((await outcome(world, await as("tv-2", "kids"))).code).toBe("MESSAGE_ENTITYDATABASED_VERIFICATION_FAILED");
    expect((await outcome(world, await as("tv-3", "kids"))).code).toBe("ENTITY_NOT_FOUND");
    expect(seen(world).map(({ sender }) => sender)).toEqual(["tv-1-kids"]);
  });
});

describe.each(FORMATS)("guessing identities, %s", (format) => {
  const bytes = (seed: number, n: number) => new Uint8Array(n).fill(seed);

  async function answers(isHidden: boolean) {
    const world = await World.create({
      extend(core, made) {
        const hideUnknown = isHidden ? core : null;
        const profiles = memoryPskProfileKeys(core, [
          { pskid: "tv", encryptionKey: bytes(1, 16), macKey: bytes(1, 32) },
        ]);
        const entitySchemes = [
          psk({ contextOf: made.pskContextOf, hideUnknown }),
          pskProfile({ contextOf: profiles, hideUnknown }),
        ];
        return { entitySchemes };
      },
    });
    const context = world.pskContextOf("device-2")!;
    const answer = async (entity: EntityAuthData) => {
      const { reply } = await outcome(world, await message(format, { entity, context }, HEADER));
      const { messageid: _, ...told } = reply.data.toFields();
      return told;
    };
    expect((await outcome(world, await message(format, { entity: pskData("device-2"), context }, HEADER))).code).toBe(
      "accepted",
    );
    return {
      known: [await answer(pskData("device-1")), await answer(pskProfileData("tv", "p"))],
      unknown: [await answer(pskData("nobody")), await answer(pskProfileData("radio", "p"))],
    };
  }

  test("an unknown identity is answered like a wrong key where that is asked for", async () => {
    const hidden = await answers(true);
    expect(hidden.unknown).toEqual(hidden.known);
    expect(hidden.known[0]).toMatchObject({ internalcode: 106038, errorcode: 6 });
    expect(hidden.known[1]).toEqual(hidden.known[0]);
    // Elsewhere, as the reference has it, it tells a stranger who exists.
    const open = await answers(false);
    expect(open.unknown[0]).toMatchObject({ internalcode: 104005, errorcode: 1 });
    expect(open.known).toEqual(hidden.known);
  });
});

test("unknown identities cost no key each: one pair stands for all of them", async () => {
  const world = await World.create();
  let made = 0;
  const core = new Proxy(world.core, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (name === "generateKey") made++;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const scheme = psk({ contextOf: () => null, hideUnknown: core });
  for (let i = 0; i < 100; i++) await scheme.cryptoContext(pskData(`guess-${i}`));
  expect(made).toBe(2);
});

describe("an answer that nobody signed", () => {
  const forged = async (world: World, body: string) => {
    const messageId = seen(world).at(-1)!.messageId + 1;
    const sender = { entity: noneData("server"), context: nullContext };
    return message("JSON", sender, { ...HEADER, messageid: messageId }, body);
  };

  test("is refused: a device takes the schemes of its server, not its own", async () => {
    const world = await World.create({ extend: () => ({ entitySchemes: [none()] }) });
    const own = { entity: world.anonymous(), keyExchange: [] };
    const init = { body: "x", encrypted: false, integrity: false, requireReply: {} } as const;
    const post = world.post.bind(world);
    world.post = async (...parts) => {
      await post(...parts);
      return forged(world, "forged");
    };
    const device = await world.device(own);
    await expect(device.request(init)).rejects.toMatchObject({ code: "ENTITYAUTH_FACTORY_NOT_FOUND" });
    // With the scheme of nobody among the server's, nothing would stop it.
    const careless = await world.device({ ...own, serverSchemes: [world.psk(), none()] });
    expect(await (await careless.request(init)).text()).toBe("forged");
    world.post = post;
    expect(await (await device.request(init)).text()).toBe("ECHO:x");
  });

  test("is refused as an error too, and moves no clock where it is taken", async () => {
    const start = clock.ms;
    const DAY = 86_400;
    const world = await World.create({ issuer: { masterTokenLife: { renewSec: DAY, expireSec: 2 * DAY } } });
    const now = Math.floor(clock.ms / 1000);
    const replied = async (sender: Parameters<typeof errorMessage>[1]) => {
      const fields = { messageid: seen(world).at(-1)!.messageId + 1, errorcode: 2, timestamp: now + 30 * DAY };
      return errorMessage("JSON", sender, fields);
    };
    /** Whether the next request after such an error is renewable: the device takes its token for one that is due. */
    const isMoved = async (serverSchemes: EntityScheme[], sender: Parameters<typeof errorMessage>[1]) => {
      const device = await world.device({ serverSchemes });
      await (await device.request({ body: "1" })).text();
      const post = world.post.bind(world);
      world.post = async (...parts) => {
        await post(...parts);
        return replied(sender);
      };
      const code = await device.request({ body: "2" }).then(
        () => null,
        (error) => error.code,
      );
      world.post = post;
      await (await device.request({ body: "3" })).text();
      return [code, seen(world).at(-1)?.renewable];
    };
    const nobody = { entity: noneData("server"), context: nullContext };
    expect(await isMoved([world.psk()], nobody)).toEqual(["ENTITYAUTH_FACTORY_NOT_FOUND", false]);
    const [code, isRenewable] = await isMoved([world.psk(), none()], nobody);
    expect([code === "ENTITYAUTH_FACTORY_NOT_FOUND", isRenewable]).toEqual([false, false]);
    // The server's own error does move it.
    expect((await isMoved([world.psk()], server(world)))[1]).toBe(true);
    clock.ms = start;
  });
});

describe("a name that is only claimed", () => {
  const DUE = { renewSec: -10, expireSec: 1000 };

  test("stays told apart from a proved one, under its token and over renewals", async () => {
    const facts: unknown[] = [];
    const world = await World.create({
      issuer: { masterTokenLife: DUE, issuerData: { claimed: false } },
      handler: async (request) => {
        facts.push([request.sender, request.senderProved, request.masterToken?.sequenceNumber ?? null]);
        return { body: await request.text() };
      },
    });
    for (const entity of [world.anonymous("device-1"), world.entity("device-1")]) {
      const device = await world.device({ entity });
      for (let i = 0; i < 3; i++) await (await device.request({ body: "x" })).text();
    }
    expect(facts).toEqual([
      ["device-1", false, 0],
      ["device-1", false, 1],
      ["device-1", false, 2],
      ["device-1", true, null],
      ["device-1", true, 0],
      ["device-1", true, 1],
    ]);
  });

  test("does not log in with tokens that were issued to the proved one", async () => {
    const state = new IssuerMemory();
    const world = await World.create({
      state,
      handler: async (request) => ({ body: String(request.user) }),
      extend(core, made) {
        const tokenCrypto = issuerKeys(core);
        const issuer = issuerOf(made);
        const byToken = userIdToken({ core, clock, tokenCrypto, issuer });
        return { userSchemes: [emailPassword({ verify: (email) => email }), byToken] };
      },
    });
    const owner = await world.device();
    await (await owner.request({ body: "x", user: user() })).text();
    const pair = owner.session.tokensOf("local-user")!;
    const silent = { id: "silent", authenticate: () => userIdTokenData(pair.masterToken, pair.userIdToken) };
    const login = async (entity: ReturnType<World["anonymous"] | World["entity"]>) => {
      const device = await world.device({ entity });
      return device.request({ body: "x", user: silent }).then(
        (reply) => reply.text(),
        (error) => error.code,
      );
    };
    expect(await login(world.anonymous("device-1"))).toBe("USERAUTH_ENTITY_MISMATCH");
    expect(await login(world.anonymous("device-2"))).toBe("USERAUTH_ENTITY_MISMATCH");
    expect(await login(world.entity("device-1"))).toBe("a@b.c");
  });
});
