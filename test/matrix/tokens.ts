// Scenarios: what becomes of tokens: renewal, expiry, loss at either side, log-in anew, restarts, clones and replays.

import { memoryStorage } from "../../src/store/memory-storage.ts";
import { keys, Network, user } from "./network.ts";
import { type Scenario, scenario } from "./scenario.ts";

const LIFE = { masterTokenLife: { renewSec: 10, expireSec: 1000 }, userIdTokenLife: { renewSec: 10, expireSec: 1000 } };

/** Refuses the nth request in the way that is given. */
function refusing(n: number, reply: { readonly reject: "entity" | "user" } | { readonly error: "SSOTOKEN_REJECTED" }) {
  let count = 0;
  return async (request: { readonly user: string | null; text(): Promise<string> }) => {
    const body = await request.text();
    return ++count === n ? (reply as { reject: "entity" }) : { body: `${request.user}: ${body}` };
  };
}

export const TOKENS: readonly Scenario[] = [
  scenario(
    "renewal inside a request, of both tokens",
    { tokens: [{ sequenceNumber: 0 }, { sequenceNumber: 1 }] },
    async (cell) => {
      const network = await Network.create(cell, { issuer: { ...LIFE, issuerData: { tier: "gold", n: 7 } } });
      const device = await network.device();
      await device.ask("one", { user: user() });
      const tokens = [await device.tokens("VEC-user-1")];
      network.clock.ms += 20_000;
      await device.ask("two", { user: user() });
      tokens.push(await device.tokens("VEC-user-1"));
      await device.ask("three", { user: user() });
      return { tokens, ...network.facts() };
    },
  ),

  scenario("recovery from expiry", { bodies: ["ECHO:one", "ECHO:two", "ECHO:three"], sequence: 2 }, async (cell) => {
    const network = await Network.create(cell, { issuer: LIFE });
    // A clock that stands still makes the server tell the device.
    const device = await network.device({ config: { clock: { nowMs: () => 0 } } });
    const bodies = [await device.ask("one", { user: user() })];
    for (const body of ["two", "three"]) {
      network.clock.ms += 5_000_000;
      bodies.push(await device.ask(body, { user: user() }));
    }
    const sequence = device.client.session.masterToken?.sequenceNumber;
    return { bodies, sequence, tokens: await device.tokens("VEC-user-1"), ...network.facts() };
  }),

  scenario("tokens lost at the device", { bodies: ["ECHO:one", "ECHO:two"], isNew: true }, async (cell) => {
    const network = await Network.create(cell);
    const device = await network.device({ keyx: ["SYMMETRIC_WRAPPED:PSK"] });
    const bodies = [await device.ask("one", { user: user() })];
    const before = device.client.session.masterToken?.serialNumber;
    await device.client.session.clear();
    bodies.push(await device.ask("two", { user: user() }));
    const isNew = device.client.session.masterToken?.serialNumber !== before;
    return { bodies, isNew, tokens: await device.tokens("VEC-user-1"), ...network.facts() };
  }),

  scenario("token keys lost at the server", { bodies: ["ECHO:one", "ECHO:two", "ECHO:three"] }, async (cell) => {
    const network = await Network.create(cell);
    const device = await network.device();
    const bodies = [await device.ask("one", { user: user() })];
    network.tokenCrypto.rotate(keys.peerIssuerContext(network.core)!, 100);
    bodies.push(await device.ask("two", { user: user() }));
    network.clock.ms += 200_000;
    bodies.push(await device.ask("three", { user: user() }));
    return { bodies, tokens: await device.tokens("VEC-user-1"), ...network.facts() };
  }),

  scenario("a server that refuses the entity's token once", { body: "VEC-user-1: two" }, async (cell) => {
    const network = await Network.create(cell, { handler: refusing(2, { reject: "entity" }) });
    const device = await network.device();
    await device.ask("one", { user: user() });
    return { body: await device.ask("two", { user: user() }), ...network.facts() };
  }),

  scenario("a server that refuses the user's token once: log-in anew", { body: "VEC-user-2: two" }, async (cell) => {
    const network = await Network.create(cell, { handler: refusing(2, { reject: "user" }) });
    const device = await network.device();
    await device.ask("one", { user: user(1) });
    const body = await device.ask("two", { user: user(1) });
    return { body, tokens: await device.tokens("VEC-user-2"), ...network.facts() };
  }),

  scenario("a user ID token that is revoked", { bodies: ["VEC-user-1", "null", "VEC-user-1"] }, async (cell) => {
    const network = await Network.create(cell, { handler: (request) => ({ body: `${request.user}` }) });
    const device = await network.device();
    const bodies = [await device.ask("one", { user: user() })];
    await network.state.revokeUserIdToken(device.client.session.tokensOf("VEC-user-1")!.userIdToken.serialNumber);
    bodies.push(await device.ask("two", { user: { id: "VEC-user-1", authenticate: () => null } }));
    bodies.push(await device.ask("three", { user: user() }));
    return { bodies, ...network.facts() };
  }),

  scenario(
    "an anonymous device: a handshake, then its data",
    { body: "ECHO:hello", kinds: ["handshake", "message"] },
    async (cell) => {
      const network = await Network.create(cell);
      const device = await network.device({ entity: "NONE:VEC-ANON-1", keyx: ["ECDH:P-256", "ECDH:X25519"] });
      const body = await device.ask("hello", { user: user() });
      const kinds = network.reports.filter((report) => report.direction === "in").map((report) => report.kind);
      return { body, kinds, ...network.facts() };
    },
  ),

  scenario(
    "non-replayable requests, and one that is replayed",
    { error: "MESSAGE_REPLAYED", ids: [1, 2] },
    async (cell) => {
      const network = await Network.create(cell);
      const device = await network.device();
      await device.ask("one", { nonReplayable: true });
      await device.ask("two", { nonReplayable: true });
      await network.post(device.wire.filter((message) => message.direction === "request").at(-1)!.bytes);
      const ids = network.reports.flatMap((report) => report.nonReplayableId ?? []);
      return { error: network.reports.at(-1)?.error?.code, ids, ...network.facts() };
    },
  ),

  scenario("a restart of the device", { bodies: ["ECHO:one", "ECHO:two"], isSame: true, has: true }, async (cell) => {
    const network = await Network.create(cell);
    const place = { snapshot: null };
    const device = await network.device({ config: { storage: memoryStorage(place) } });
    const bodies = [await device.ask("one", { user: user(), nonReplayable: true })];
    const before = device.client.session.masterToken?.serialNumber;
    await device.client.close();
    const again = await network.device({ config: { storage: memoryStorage(place) }, isRestored: true });
    const has = again.client.session.hasUser("VEC-user-1");
    bodies.push(await again.ask("two", { user: user(), nonReplayable: true }));
    const isSame = again.client.session.masterToken?.serialNumber === before;
    return { bodies, has, isSame, ...network.facts() };
  }),

  scenario(
    "two devices with one state: the clone's line ends",
    { bodies: ["ECHO:a", "ECHO:b", "ECHO:c"] },
    async (cell) => {
      const network = await Network.create(cell, { issuer: LIFE });
      const place: { snapshot: Uint8Array | null } = { snapshot: null };
      const device = await network.device({ config: { storage: memoryStorage(place) } });
      await device.ask("one");
      const copy = { snapshot: place.snapshot!.slice() };
      const bodies: string[] = [];
      for (const body of ["a", "b"]) {
        network.clock.ms += 20_000;
        bodies.push(await device.ask(body));
      }
      const clone = await network.device({ config: { storage: memoryStorage(copy) }, isRestored: true });
      bodies.push(await clone.ask("c", { nonReplayable: true }));
      return { bodies, clone: clone.client.session.masterToken?.sequenceNumber, ...network.facts() };
    },
  ),
];
