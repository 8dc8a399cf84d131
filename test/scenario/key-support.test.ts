// Whom a device offers ECDH: servers known to have it, servers that say so, or any server once, falling back when an
// authenticated error refuses it.

import { describe, expect, test } from "vitest";
import type { ClientConfig, KeyExchangeSupport, MslClient, ServerConfig } from "../../src/control/api.ts";
import type { Core } from "../../src/core/core.ts";
import { none, noneData } from "../../src/entity-auth/none.ts";
import { nullContext } from "../../src/crypto/null.ts";
import { pskData } from "../../src/entity-auth/psk.ts";
import { ERRORS, type MslErrorCode } from "../../src/errors/codes.ts";
import { writeErrorMessage } from "../../src/message/error-header.ts";
import { DeviceStore } from "../../src/store/device-store.ts";
import { IssuerMemory } from "../../src/store/issuer-memory.ts";
import { type MemoryPlace, memoryStorage } from "../../src/store/memory-storage.ts";
import { clock, user, World } from "./world.ts";

const BOTH = ["ECDH", "SYMMETRIC_WRAPPED"];
const LEAST = ["SYMMETRIC_WRAPPED"];

/** Servers of one network: with ECDH, without, and without as the reference has it. */
type Kind = "ecdh" | "without" | "strict";

async function world(kind: Kind, state = new IssuerMemory(), server: Partial<ServerConfig> = {}) {
  const extend = (_: Core, made: World): Partial<ServerConfig> => ({
    ...(kind !== "ecdh" && { keyExchange: made.keyExchange().slice(1) }),
    strictKeyRequests: kind === "strict",
    ...server,
  });
  return World.create({ state, issuer: { masterTokenLife: { renewSec: 100, expireSec: 1000 } }, extend });
}

/** A device whose messages go to `place.world`. */
async function device(place: { world: World }, overrides: Partial<ClientConfig> = {}) {
  return place.world.device({ transport: { open: (options) => place.world.transport.open(options) }, ...overrides });
}

/** What each message offered. */
const offers = (w: World) => w.reports.filter((r) => r.direction === "in" && r.kind !== "error").map((r) => r.keyx);
const ask = async (client: MslClient, init: Parameters<MslClient["request"]>[0] = {}) =>
  (await client.request({ body: "x", ...init })).text();
const learned = async (w: World, place: MemoryPlace) =>
  (await DeviceStore.open(w.core, "device-1", memoryStorage(place))).peer.keyxSchemes;
/** Schemes of the key requests that a device made. */
const sentOffers = (reports: readonly { direction: string; keyx: readonly string[] }[]) =>
  reports.filter((r) => r.direction === "out").map((r) => r.keyx);

describe("known, the default", () => {
  test("what is listed is offered at once, whatever the server said", async () => {
    const place = { world: await world("without") };
    const client = await device(place);
    await ask(client);
    await client.session.clear();
    await ask(client);
    expect(offers(place.world)).toEqual([BOTH, BOTH]);
  });

  test("ECDH alone takes one round trip; a server without it fails the message", async () => {
    const place = { world: await world("ecdh") };
    const config = { keyExchange: place.world.keyExchange().slice(0, 1) };
    const client = await device(place, config);
    expect(await ask(client)).toBe("ECHO:x");
    expect([place.world.wire.length, client.session.masterToken !== null]).toEqual([1, true]);
    const other = { world: await world("strict") };
    await expect(ask(await device(other, config))).rejects.toMatchObject({ code: "KEYX_FACTORY_NOT_FOUND" });
    expect(other.world.wire.length).toBe(1);
  });
});

describe("advertised", () => {
  const keyExchangeSupport = "advertised";

  test("ECDH is offered from the renewal after the server said that it has it, also over a restart", async () => {
    const place = { world: await world("ecdh") };
    const storage: MemoryPlace = { snapshot: null };
    const config = { keyExchangeSupport, storage: memoryStorage(storage) } as const;
    const client = await device(place, config);
    await ask(client);
    expect(await learned(place.world, storage)).toEqual(["ECDH"]);
    await client.close();
    const again = await device(place, { ...config, storage: memoryStorage(storage) });
    clock.ms += 200_000;
    await ask(again);
    await again.session.clear();
    await ask(again);
    expect(offers(place.world)).toEqual([LEAST, BOTH, BOTH]);
    const answered = place.world.reports.filter((r) => r.direction === "out").map((r) => r.keyx);
    expect(answered).toEqual([["SYMMETRIC_WRAPPED"], ["ECDH"], ["ECDH"]]);
  });

  test("a reply without the member says that the server has it no longer", async () => {
    const state = new IssuerMemory();
    const [first, second] = [await world("ecdh", state), await world("without", state)];
    const place = { world: first };
    const storage: MemoryPlace = { snapshot: null };
    const client = await device(place, { keyExchangeSupport, storage: memoryStorage(storage) });
    await ask(client);
    place.world = second;
    await ask(client);
    expect(await learned(second, storage)).toEqual([]);
    clock.ms += 200_000;
    await ask(client);
    expect(offers(second)).toEqual([[], LEAST]);
    place.world = first;
    await ask(client);
    clock.ms += 200_000;
    await ask(client);
    expect(offers(first)).toEqual([LEAST, [], BOTH]);
  });

  test("a device with ECDH alone has nothing to offer yet: it goes without a session, or fails", async () => {
    const place = { world: await world("ecdh") };
    const config = { keyExchangeSupport, keyExchange: place.world.keyExchange().slice(0, 1) } as const;
    const client = await device(place, config);
    await ask(client);
    expect(client.session.masterToken).toBeNull();
    await ask(client);
    expect(client.session.masterToken).not.toBeNull();
    const anonymous = await device(place, { ...config, entity: place.world.anonymous() });
    await expect(ask(anonymous)).rejects.toMatchObject({ code: "USAGE" });
    expect(offers(place.world)).toEqual([[], ["ECDH"]]);
  });
});

describe("probe", () => {
  const keyExchangeSupport = "probe";

  test("a server with ECDH takes it in the first round trip", async () => {
    const place = { world: await world("ecdh") };
    await ask(await device(place, { keyExchangeSupport }));
    expect(offers(place.world)).toEqual([BOTH]);
    expect(place.world.reports.at(-1)?.keyx).toEqual(["ECDH"]);
  });

  test("the message is sent again without ECDH, with all else that it had, and never tried again", async () => {
    const place = { world: await world("strict") };
    const storage: MemoryPlace = { snapshot: null };
    const reports: { direction: string; keyx: readonly string[]; messageId: number }[] = [];
    let asked = 0;
    const session = {
      ...user(),
      authenticate() {
        asked++;
        return user().authenticate();
      },
    };
    const config = {
      keyExchangeSupport,
      storage: memoryStorage(storage),
      onMessage: reports.push.bind(reports),
    } as const;
    const client = await device(place, config);
    expect(await ask(client, { user: session })).toBe("ECHO:x");
    expect(sentOffers(reports)).toEqual([BOTH, LEAST]);
    const ids = reports.map((r) => r.messageId);
    expect(ids).toEqual([ids[0], ids[0]! + 1, ids[0]! + 2, ids[0]! + 3]);
    expect([client.session.masterToken !== null, client.session.hasUser("local-user"), asked]).toEqual([true, true, 2]);
    expect(await learned(place.world, storage)).toEqual([]);
    await client.session.clear();
    await client.close();
    const again = await device(place, { ...config, storage: memoryStorage(storage) });
    await ask(again);
    expect(sentOffers(reports)).toEqual([BOTH, LEAST, LEAST]);
  });

  test("a server that got it meanwhile says so, and the next renewal uses it", async () => {
    const state = new IssuerMemory();
    const place = { world: await world("strict", state) };
    const client = await device(place, { keyExchangeSupport });
    await ask(client);
    place.world = await world("ecdh", state);
    await ask(client);
    clock.ms += 200_000;
    await ask(client);
    expect(offers(place.world)).toEqual([[], BOTH]);
  });

  /** A server that answers the n-th message with an error of its own. */
  async function failing(codes: readonly (MslErrorCode | null)[]) {
    const made = await world("ecdh");
    const post = made.post.bind(made);
    let n = 0;
    made.post = async (...parts) => {
      const code = codes[n++] ?? null;
      return code === null ? post(...parts) : made.postWith(async () => ({ error: code }), ...parts);
    };
    return { world: made };
  }

  test.each(["UNIDENTIFIED_KEYX_SCHEME", "KEYX_FACTORY_NOT_FOUND"] as const)("after %s once", async (code) => {
    expect([107000, 107001]).toContain(ERRORS[code][0]);
    const place = await failing([code]);
    const client = await device(place, { keyExchangeSupport });
    await ask(client);
    expect(offers(place.world)).toEqual([BOTH, LEAST]);
    const stubborn = await failing([code, code, code]);
    await expect(ask(await device(stubborn, { keyExchangeSupport }))).rejects.toMatchObject({ code, attempts: 2 });
    expect(stubborn.world.wire.length).toBe(2);
  });

  test.each(["UNIDENTIFIED_KEYX_MECHANISM", "KEYX_RESPONSE_REQUEST_MISMATCH", "MSL_PARSE_ERROR"] as const)(
    "not after %s",
    async (code) => {
      const place = await failing([code]);
      await expect(ask(await device(place, { keyExchangeSupport }))).rejects.toMatchObject({ code });
      expect(place.world.wire.length).toBe(1);
    },
  );

  test("within the limit of messages, and with the data that other errors asked for", async () => {
    const entity = "ENTITY_REJECTED_BY_APP";
    const reasons: (string | null)[] = [];
    const place = await failing([entity, "KEYX_FACTORY_NOT_FOUND"]);
    const data = (reason: string | null) => {
      reasons.push(reason);
      return pskData("device-1");
    };
    const client = await device(place, { keyExchangeSupport, entity: { scheme: place.world.psk(), data } });
    await ask(client);
    expect(offers(place.world)).toEqual([BOTH, BOTH, LEAST]);
    expect(reasons.filter((reason) => reason !== null)).toEqual(["ENTITYDATA_REAUTH"]);
    const late = await failing([entity, entity, entity, entity, entity, "KEYX_FACTORY_NOT_FOUND"]);
    await expect(ask(await device(late, { keyExchangeSupport }))).rejects.toMatchObject({ code: entity });
    expect(late.world.wire.length).toBe(6);
    const last = await failing([entity, entity, entity, entity, "KEYX_FACTORY_NOT_FOUND"]);
    expect(await ask(await device(last, { keyExchangeSupport }))).toBe("ECHO:x");
    expect(last.world.wire.length).toBe(6);
  });

  test("not where ECDH alone is offered: who must not fall back fails, each time", async () => {
    const place = { world: await world("strict") };
    const storage: MemoryPlace = { snapshot: null };
    const keyExchange = place.world.keyExchange().slice(0, 1);
    const client = await device(place, { keyExchangeSupport, keyExchange, storage: memoryStorage(storage) });
    for (let i = 1; i <= 2; i++) {
      await expect(ask(client)).rejects.toMatchObject({ code: "KEYX_FACTORY_NOT_FOUND" });
      expect(place.world.wire.length).toBe(i);
    }
    expect(storage.snapshot).toBeNull();
  });

  test.each(["an iterable", "an open body"] as const)(
    "%s that is gone cannot be sent again: the next one fares better",
    async (kind) => {
      const place = { world: await world("strict") };
      const client = await device(place, { keyExchangeSupport, resendBytes: 2 });
      const pieces = function* () {
        for (let i = 0; i < 4; i++) yield new Uint8Array(1000);
      };
      const first = async () => {
        if (kind === "an iterable") return client.request({ body: pieces() });
        const { outgoing, incoming } = client.open({});
        await outgoing.write(new Uint8Array(10));
        await outgoing.close();
        return incoming;
      };
      await expect(first()).rejects.toMatchObject({ code: "KEYX_FACTORY_NOT_FOUND" });
      expect(place.world.wire.length).toBe(1);
      const reply = await client.request({ body: pieces() });
      expect((await reply.bytes()).length).toBe(4005);
      expect(offers(place.world)).toEqual([LEAST]);
      expect(place.world.wire.length).toBe(2);
    },
  );
});

test.each(["advertised", "probe"] as const)(
  "a renewal that the server refuses for ECDH fails; the next one goes without: %s",
  async (keyExchangeSupport) => {
    const state = new IssuerMemory();
    const place = { world: await world("ecdh", state) };
    const storage: MemoryPlace = { snapshot: null };
    const client = await device(place, { keyExchangeSupport, storage: memoryStorage(storage) });
    await ask(client);
    place.world = await world("strict", state);
    clock.ms += 200_000;
    await expect(ask(client)).rejects.toMatchObject({ code: "KEYX_FACTORY_NOT_FOUND" });
    expect(place.world.wire.length).toBe(1);
    expect(await learned(place.world, storage)).toEqual([]);
    expect(await ask(client)).toBe("ECHO:x");
    expect(offers(place.world).at(-1)).toEqual(LEAST);
  },
);

test("a renewal tries nothing: a device whose state does not say what the server has offers no ECDH", async () => {
  const place = { world: await world("ecdh") };
  const storage: MemoryPlace = { snapshot: null };
  const client = await device(place, { keyExchangeSupport: "probe", storage: memoryStorage(storage) });
  await ask(client);
  await client.close();
  const state = await DeviceStore.open(place.world.core, "device-1", memoryStorage(storage));
  state.learnPeer({ formats: [], keyxSchemes: null });
  await state.commit();
  await state.close();
  clock.ms += 200_000;
  await ask(await device(place, { keyExchangeSupport: "probe", storage: memoryStorage(storage) }));
  expect(offers(place.world)).toEqual([BOTH, LEAST]);
});

describe("an attacker on the way to a server that proves nothing", () => {
  const refusal = (messageId: number) =>
    writeErrorMessage("JSON", noneData("server"), nullContext, {
      code: "UNIDENTIFIED_KEYX_SCHEME",
      messageId,
      timestamp: null,
      userMessage: null,
    });

  /** The attacker, who can read it, refuses the first message in the server's name. */
  async function attacked(keyExchangeSupport: KeyExchangeSupport, isForging: boolean) {
    const entity = { scheme: none(), data: () => noneData("server") };
    const place = { world: await world("ecdh", new IssuerMemory(), { entity }) };
    const post = place.world.post.bind(place.world);
    place.world.post = async (...parts) => {
      const answer = await post(...parts);
      const { messageId } = place.world.reports.at(-1)!;
      return isForging && place.world.wire.length === 1 ? refusal(messageId) : answer;
    };
    const storage: MemoryPlace = { snapshot: null };
    const config = { keyExchangeSupport, serverSchemes: [none()], storage: memoryStorage(storage) };
    return { place, storage, client: await device(place, config) };
  }

  test("cannot talk a probing device out of ECDH", async () => {
    const quiet = await attacked("probe", false);
    expect(await ask(quiet.client)).toBe("ECHO:x");
    expect(quiet.place.world.reports.at(-1)?.keyx).toEqual(["ECDH"]);
    const { place, client, storage } = await attacked("probe", true);
    await expect(ask(client)).rejects.toMatchObject({ code: "UNIDENTIFIED_KEYX_SCHEME" });
    expect([place.world.wire.length, storage.snapshot]).toEqual([1, null]);
    await ask(client);
    expect(offers(place.world)).toEqual([BOTH, BOTH]);
    expect(place.world.reports.at(-1)?.keyx).toEqual(["ECDH"]);
  });

  test("succeeds where errors of anyone are believed, as the documentation says", async () => {
    const { place, client } = await attacked("probe-unauthenticated", true);
    expect(await ask(client)).toBe("ECHO:x");
    expect(offers(place.world)).toEqual([BOTH, LEAST]);
    expect(place.world.reports.at(-1)?.keyx).toEqual(["SYMMETRIC_WRAPPED"]);
  });

  test("is not heard by a device that knows its server by a key", async () => {
    const place = { world: await world("ecdh") };
    const forged = await refusal(7);
    place.world.tamper = (bytes, direction) => (direction === "response" ? forged : bytes);
    const client = await device(place, { keyExchangeSupport: "probe-unauthenticated" });
    await expect(ask(client)).rejects.toMatchObject({ name: "MslProtocolError", code: "ENTITYAUTH_FACTORY_NOT_FOUND" });
    expect(place.world.wire.length).toBe(1);
  });
});

test("an attacker who keeps a server's own refusal of another message cannot use it again", async () => {
  const place = { world: await world("strict") };
  await ask(await device(place, { keyExchangeSupport: "probe" }));
  expect(offers(place.world)).toEqual([LEAST]);
  const kept = place.world.wire[0]!.response;
  place.world = await world("ecdh");
  place.world.tamper = (bytes, direction, n) => (direction === "response" && n === 0 ? kept : bytes);
  const storage: MemoryPlace = { snapshot: null };
  const client = await device(place, { keyExchangeSupport: "probe", storage: memoryStorage(storage) });
  // The error itself is the server's, as the code shows: of FAIL any message id is taken.
  await expect(ask(client)).rejects.toMatchObject({ name: "MslRemoteError", code: "KEYX_FACTORY_NOT_FOUND" });
  expect([place.world.wire.length, storage.snapshot]).toEqual([1, null]);
  await ask(client);
  expect(place.world.reports.at(-1)?.keyx).toEqual(["ECDH"]);
});
