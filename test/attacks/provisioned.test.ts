// Attacks on PROVISIONED: strangers who use identities up, with messages and with key exchanges.

import { expect, test } from "vitest";
import { nullContext } from "../../src/crypto/null.ts";
import {
  provisioned,
  type ProvisionedConfig,
  provisionedData,
  type ProvisioningLimit,
  provisioningLimit,
} from "../../src/entity-auth/provisioned.ts";
import { ecdh } from "../../src/key-exchange/ecdh.ts";
import { HEADER, keyRequests, message, outcome, seen, type Sender } from "../conformance/kit.ts";
import { clock, World, type WorldOptions } from "../scenario/world.ts";

const stranger: Sender = { entity: provisionedData(), context: nullContext };

async function network(limit: ProvisioningLimit | null = null, options: WorldOptions = {}) {
  const drawn: string[] = [];
  const config: ProvisionedConfig = {
    limit,
    async nextIdentity() {
      drawn.push(`entity-${drawn.length}`);
      return drawn.at(-1) ?? null;
    },
  };
  const extend: WorldOptions["extend"] = (_core, made) => ({
    entitySchemes: [made.psk(), provisioned(config)],
    ...options.extend?.(_core, made),
  });
  const world = await World.create({ ...options, extend });
  /** A key exchange; the identity of its token, or the error. */
  const exchange = async () => {
    const keyrequestdata = await keyRequests(world);
    const { code, reply } = await outcome(
      world,
      await message("JSON", stranger, { ...HEADER, renewable: true, keyrequestdata }),
    );
    return reply.issued?.verified.identity ?? code;
  };
  return { world, drawn, exchange };
}

test("each device gets an identity of its own and keeps it", async () => {
  const { world, drawn } = await network();
  const names: (string | null)[] = [];
  for (let i = 0; i < 2; i++) {
    const device = await world.device({ entity: { scheme: provisioned(), data: () => provisionedData() } });
    for (let n = 0; n < 2; n++) {
      expect(await (await device.request({ body: "x" })).text()).toBe("ECHO:x");
      names.push(seen(world).at(-1)?.sender ?? null);
    }
  }
  expect(names).toEqual(["entity-0", "entity-0", "entity-1", "entity-1"]);
  expect(drawn).toHaveLength(2);
});

test("messages use no identity up, whatever they are", async () => {
  const { world, drawn, exchange } = await network();
  const keyrequestdata = await keyRequests(world);
  const kinds = [
    HEADER,
    { ...HEADER, renewable: true },
    { ...HEADER, keyrequestdata },
    { ...HEADER, renewable: "no" },
    { ...HEADER, handshake: true },
  ];
  for (let i = 0; i < 50; i++) await outcome(world, await message("JSON", stranger, kinds[i % kinds.length]!));
  expect(drawn).toEqual([]);
  expect(await exchange()).toBe("entity-0");
  expect(await exchange()).toBe("entity-1");
  expect(drawn).toHaveLength(2);
});

test("key exchanges that fail use no identity up: the next one gets it", async () => {
  const { world, drawn, exchange } = await network();
  const low = { scheme: "ECDH", keydata: { parametersid: "X25519", publickey: new Uint8Array(32) } };
  const noKey = { scheme: "SYMMETRIC_WRAPPED", keydata: { keyid: "PSK" } };
  for (let i = 0; i < 20; i++) {
    for (const request of [low, noKey]) {
      const fields = { ...HEADER, renewable: true, keyrequestdata: [request] };
      const { code } = await outcome(world, await message("JSON", stranger, fields));
      expect(code).not.toBe("accepted");
    }
  }
  expect(drawn).toEqual(["entity-0"]);
  expect(await exchange()).toBe("entity-0");
  expect(await exchange()).toBe("entity-1");
});

test("an identity that was refused for its own sake is not the next one's", async () => {
  const { exchange } = await network(null, {
    extend: (core) => ({ keyExchange: [ecdh({ core, isPermitted: async (name) => name !== "entity-0" })] }),
  });
  expect(await exchange()).toBe("KEYX_INCORRECT_DATA");
  expect(await exchange()).toBe("entity-1");
});

test("key exchanges by strangers are limited together, whoever holds a token goes on", async () => {
  const start = clock.ms;
  try {
    const { world, drawn, exchange } = await network(provisioningLimit({ clock, burst: 3, perHour: 60 }));
    const early = await world.device({ entity: { scheme: provisioned(), data: () => provisionedData() } });
    expect(await (await early.request({ body: "x" })).text()).toBe("ECHO:x");
    const results: string[] = [];
    for (let i = 0; i < 40; i++) results.push(await exchange());
    expect(results.slice(0, 2)).toEqual(["entity-1", "entity-2"]);
    expect(new Set(results.slice(2))).toEqual(new Set(["ENTITY_REJECTED_BY_APP"]));
    expect(drawn).toHaveLength(3);
    expect(await (await early.request({ body: "y" })).text()).toBe("ECHO:y");
    // A minute is worth one, days are worth no more than the burst, and a clock that goes back nothing.
    clock.ms += 60_000;
    expect([await exchange(), await exchange()]).toEqual(["entity-3", "ENTITY_REJECTED_BY_APP"]);
    clock.ms -= 3_600_000;
    expect(await exchange()).toBe("ENTITY_REJECTED_BY_APP");
    clock.ms += 86_400_000;
    const later = [];
    for (let i = 0; i < 4; i++) later.push(await exchange());
    expect(later).toEqual(["entity-4", "entity-5", "entity-6", "ENTITY_REJECTED_BY_APP"]);
  } finally {
    clock.ms = start;
  }
});
