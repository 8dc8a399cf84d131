// What operators do: revocation, demanded logins, key rotation, issuer data; seen from a device.

import { describe, expect, test } from "vitest";
import type { MslClient } from "../../src/control/api.ts";
import { type Core, ENCRYPTION_KEY, MAC_KEY } from "../../src/core/core.ts";
import { slotContext } from "../../src/crypto/symmetric.ts";
import { psk } from "../../src/entity-auth/psk.ts";
import { none } from "../../src/entity-auth/none.ts";
import { IssuerMemory } from "../../src/store/issuer-memory.ts";
import { administration } from "../../src/tokens/administration.ts";
import { type TokenKeyRing, tokenKeyRing } from "../../src/tokens/token-crypto.ts";
import { createTokenIssuer, type IssuerConfig } from "../../src/tokens/token-issuer.ts";
import { clock, user, World } from "../scenario/world.ts";

function tokenContext(core: Core, seed: number) {
  return slotContext(core, {
    keyId: `tokens-${seed}`,
    encryption: core.importKey(ENCRYPTION_KEY, new Uint8Array(16).fill(seed)),
    mac: core.importKey(MAC_KEY, new Uint8Array(32).fill(seed + 1)),
  });
}

async function network(issuerConfig: Partial<IssuerConfig> = {}) {
  const state = new IssuerMemory();
  const admin = administration(state);
  let ring: TokenKeyRing | null = null;
  const made = await World.create({
    state,
    extend(core) {
      ring = tokenKeyRing(tokenContext(core, 1), clock);
      const policy = { isRevoked: (identity: string) => admin.isRevoked(identity) };
      return {
        tokenCrypto: ring,
        issuer: createTokenIssuer({ core, crypto: ring, state, clock, ...issuerConfig }),
        entitySchemes: [psk({ contextOf: (identity) => made.pskContextOf(identity), policy }), none({ policy })],
      };
    },
  });
  return { made, admin, state, ring: ring as unknown as TokenKeyRing };
}

const ask = async (device: MslClient, session = user()) => {
  try {
    return await (await device.request({ body: "x", user: session })).text();
  } catch (error) {
    return (error as { code: string }).code;
  }
};
const codes = (made: World) => made.reports.flatMap((report) => report.error?.code ?? []);

describe("revocation", () => {
  test("of an entity raises MASTERTOKEN_IDENTITY_REVOKED, then ENTITY_REVOKED, until it is restored", async () => {
    const { made, admin } = await network();
    const device = await made.device();
    expect(await ask(device)).toBe("ECHO:x");
    await admin.revokeEntity("device-1");
    expect(await ask(device)).toBe("ENTITY_REVOKED");
    expect(codes(made)).toEqual(["MASTERTOKEN_IDENTITY_REVOKED", "ENTITY_REVOKED"]);
    expect(await ask(await made.device({}, "device-2"))).toBe("ECHO:x");
    await admin.restoreEntity("device-1");
    expect(await ask(device)).toBe("ECHO:x");
  });

  test("a demanded re-authentication of an entity costs it one round trip", async () => {
    const { made, admin } = await network();
    const device = await made.device();
    await ask(device);
    const before = device.session.masterToken?.serialNumber;
    await admin.demandEntityReauth("device-1");
    expect(await ask(device)).toBe("ECHO:x");
    expect(codes(made)).toEqual(["MASTERTOKEN_IDENTITY_REVOKED"]);
    expect(device.session.masterToken?.serialNumber).not.toBe(before);
    made.reports.length = 0;
    expect(await ask(device)).toBe("ECHO:x");
    expect(codes(made)).toEqual([]);
  });

  test("a demanded login makes the device log in again, once", async () => {
    const { made, admin } = await network();
    const device = await made.device();
    await ask(device);
    await admin.demandLogin("user-1");
    expect(await ask(device)).toBe("ECHO:x");
    expect(codes(made)).toEqual(["USERIDTOKEN_REVOKED"]);
    made.reports.length = 0;
    expect(await ask(device)).toBe("ECHO:x");
    expect(codes(made)).toEqual([]);
  });

  test("of a user voids its tokens and refuses new ones: raises USERIDTOKEN_REVOKED and USER_REJECTED_BY_APP", async () => {
    const { made, admin } = await network();
    const device = await made.device();
    await ask(device);
    await admin.revokeUser("user-1");
    const once = {
      id: "local-user",
      authenticate: ({ reason }: { reason: string | null }) => (reason === null ? user().authenticate() : null),
    };
    expect(await ask(device, once as ReturnType<typeof user>)).toBe("USER_REJECTED_BY_APP");
    expect(codes(made)).toEqual(["USERIDTOKEN_REVOKED", "USER_REJECTED_BY_APP"]);
    await admin.restoreUser("user-1");
    expect(await ask(device)).toBe("ECHO:x");
  });
});

describe("token keys", () => {
  test("rotate without a device noticing, and retired keys make it authenticate anew", async () => {
    const start = clock.ms;
    const { made, ring } = await network();
    const device = await made.device();
    await ask(device);
    ring.rotate(tokenContext(made.core, 9), 3600);
    expect(ring.size).toBe(2);
    expect(await ask(device)).toBe("ECHO:x");
    expect(codes(made)).toEqual([]);
    clock.ms = start + 3600_000;
    expect(ring.size).toBe(1);
    expect(await ask(device)).toBe("ECHO:x");
    expect(codes(made)).toEqual(["MASTERTOKEN_UNTRUSTED"]);
    clock.ms = start;
  });

  test("that are accepted ahead verify on a server that does not sign with them yet", async () => {
    const one = await network();
    const next = tokenContext(one.made.core, 9);
    one.ring.accept(next);
    one.ring.accept(next);
    expect(one.ring.size).toBe(2);
    const device = await one.made.device();
    await ask(device);
    one.ring.rotate(next, 0);
    one.ring.rotate(next, 0);
    expect(one.ring.size).toBe(1);
    expect(await ask(device)).toBe("ECHO:x");
    expect(codes(one.made)).toEqual(["MASTERTOKEN_UNTRUSTED"]);
  });
});

describe("issuer data", () => {
  test("is made for an identity, merged on renewal, and readable by the handler's server alone", async () => {
    const seen: unknown[] = [];
    const { made } = await network({
      masterTokenLife: { renewSec: -1, expireSec: 1000 },
      issuerData: (identity) => ({ model: identity, n: seen.length }),
      checkEntity: () => null,
    });
    const device = await made.device({ onMessage: () => {} });
    await ask(device);
    await ask(device);
    await ask(device);
    expect(made.reports.filter((report) => report.direction === "in").map((report) => report.sequenceNumber)).toEqual([
      null,
      0,
      1,
    ]);
  });

  test("that no format can carry raises MASTERTOKEN_ISSUERDATA_ENCODE_ERROR", async () => {
    const { made } = await network({ issuerData: { bad: Number.NaN } });
    expect(await ask(await made.device())).toBe("MASTERTOKEN_ISSUERDATA_ENCODE_ERROR");
  });
});

test("a claimed identity does not end the session of one that proved it", async () => {
  const { made } = await network({ masterTokenLife: { renewSec: -1, expireSec: 100_000 } });
  const device = await made.device();
  await ask(device);
  const intruder = await made.device({ entity: made.anonymous("device-1") });
  await intruder.request({ body: "y", encrypted: false, integrity: false, wantTokens: true });
  await intruder.request({ body: "y" });
  made.reports.length = 0;
  expect(await ask(device)).toBe("ECHO:x");
  expect(codes(made)).toEqual([]);
});
