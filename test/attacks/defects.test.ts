// Faults of the reference that let a request fail or hang for no reason: candidates that are passed over, failures while a
// request is put together.

import { expect, test } from "vitest";
import type { ClientConfig, RequestInit } from "../../src/control/api.ts";
import { pskData } from "../../src/entity-auth/psk.ts";
import { ecdh } from "../../src/key-exchange/ecdh.ts";
import type { KeyExchange } from "../../src/key-exchange/scheme.ts";
import { device as sender, FORMATS, HEADER, keyRequests, message, outcome } from "../conformance/kit.ts";
import { World } from "../scenario/world.ts";

test.each(FORMATS)(
  "of several key requests of the last scheme a bad one is passed over, in any place, %s",
  async (format) => {
    const world = await World.create({ extend: (core) => ({ keyExchange: [ecdh({ core })] }) });
    const [good] = await keyRequests(world, [ecdh({ core: world.core })]);
    const bad = { scheme: "ECDH", keydata: { parametersid: "X25519", publickey: new Uint8Array(32) } };
    const answered = async (keyrequestdata: object[]) => {
      const fields = { ...HEADER, renewable: true, keyrequestdata: keyrequestdata as (typeof bad)[] };
      const { code, reply } = await outcome(world, await message(format, sender(world), fields));
      return [code, reply.issued?.verified.identity ?? null];
    };
    expect(await answered([bad])).toEqual(["KEYX_INVALID_PUBLIC_KEY", null]);
    for (const list of [
      [good!, bad],
      [bad, good!],
      [bad, bad, good!],
      [bad, good!, bad],
    ]) {
      expect(await answered(list)).toEqual(["accepted", "device-1"]);
    }
  },
);

/** Runs the real thing, but fails once when it is armed. */
type Trap = <T>(real: () => T) => () => T;

/** What may fail while a request is put together: in the device's configuration, or in the request. */
const HOOKS: [string, (world: World, trap: Trap) => { config?: Partial<ClientConfig>; init?: RequestInit }][] = [
  ["credentials", (_world, trap) => ({ init: { user: { id: "u", authenticate: trap(() => null) } } })],
  [
    "the entity's data",
    (world, trap) => ({ config: { entity: { scheme: world.psk(), data: trap(() => pskData("device-1")) } } }),
  ],
  [
    "key requests",
    (world, trap) => {
      const [first] = world.keyExchange();
      const scheme: KeyExchange = { ...first!, createRequests: trap(() => first!.createRequests()) };
      return { config: { keyExchange: [scheme] } };
    },
  ],
  ["the editing of service tokens", (_world, trap) => ({ init: { serviceTokens: { edit: trap(() => {}) } } })],
  ["the body", (_world, trap) => ({ init: { body: trap(() => "x") } })],
];

test.each(HOOKS)(
  "%s fail while a request is put together: it fails with them, the one that waits goes on",
  async (_name, make) => {
    const world = await World.create();
    const failure = new Error("The hook failed.");
    let isArmed = false;
    const { config = {}, init = {} } = make(world, (real) => () => {
      if (!isArmed) return real();
      isArmed = false;
      throw failure;
    });
    const device = await world.device(config);
    const ask = async (more: RequestInit) => (await device.request({ body: "x", timeoutMs: 5000, ...more })).text();
    isArmed = true;
    const broken = ask(init).catch((error) => error);
    // Without tokens yet, it waits for those of the first.
    const waiting = ask({ wantTokens: true });
    expect(rootOf(await broken)).toBe(failure);
    expect(await waiting).toBe("ECHO:x");
    expect(await ask(init)).toBe("ECHO:x");
    expect(device.session.masterToken).not.toBeNull();
  },
);

function rootOf(error: unknown): unknown {
  let at = error;
  while (at instanceof Error && at.cause !== undefined) at = at.cause;
  return at;
}
