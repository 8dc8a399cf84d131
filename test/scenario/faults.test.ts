// Faults that the model of renewal and recovery (test/model) found, each in its smallest form.

import { describe, expect, test } from "vitest";
import { countKeys } from "../model/observed.ts";
import { clock, user, World } from "./world.ts";

const FORMATS = ["JSON", "CBOR"] as const;

function storage() {
  let disk: Uint8Array | null = null;
  return {
    save: (_: Uint8Array): void | Promise<void> => {},
    load: () => disk,
    keep(snapshot: Uint8Array) {
      disk = snapshot.slice();
    },
  };
}

const never = () => new Promise<never>(() => {});

describe.each(FORMATS)("%s", (format) => {
  const formats = { firstFormat: format, capabilities: { formats: [format] } };

  test("CTL-112 a session whose token could not be saved keeps its keys and goes on", async () => {
    const world = await World.create();
    const disk = storage();
    const device = await world.device({ ...formats, storage: disk });
    disk.save = () => {
      throw new Error("The disk is full.");
    };
    await expect(device.request({ body: "x" })).rejects.toMatchObject({ code: "STORE_FAILED" });
    disk.save = () => {};
    expect(await (await device.request({ body: "y" })).text()).toBe("ECHO:y");
    expect(world.reports.filter((report) => report.direction === "in").length).toBe(2);
  });

  test("CTL-112 a token that another exchange brings under entity data takes the place of all others", async () => {
    const world = await World.create({ issuer: { masterTokenLife: { renewSec: 0, expireSec: 1000 } } });
    const device = await world.device(formats);
    await (await device.request({ body: "1" })).text();
    await (await device.request({ body: "2" })).text();
    expect(device.session.masterToken?.sequenceNumber).toBe(1);
    const first = device.session.masterToken?.serialNumber;
    // The server asks for keys anew: the exchange goes under entity data, and the old token is not the message's.
    const post = world.post.bind(world);
    world.post = async (...parts) => {
      world.post = post;
      return world.postWith(async () => ({ error: "RESPONSE_REQUIRES_ENCRYPTION" }), ...parts);
    };
    await (await device.request({ body: "3" })).text();
    const { masterToken } = device.session;
    expect(masterToken?.sequenceNumber).toBe(0);
    expect(masterToken?.serialNumber).not.toBe(first);
  });

  test("CTL-49 CTL-115 a late reply under a replaced token does not log the user out", async () => {
    const world = await World.create();
    const device = await world.device(formats);
    let logins = 0;
    const session = {
      id: "u",
      authenticate: ({ required }: { required: boolean }) => {
        if (required) logins++;
        return required ? user().authenticate() : null;
      },
    };
    await (await device.request({ body: "1", user: session })).text();
    const post = world.post.bind(world);
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    world.post = async (...parts) => {
      const reply = await post(...parts);
      await held;
      return reply;
    };
    const late = device.request({ body: "late", user: session });
    await new Promise((resolve) => setTimeout(resolve, 10));
    world.post = async (...parts) => {
      world.post = post;
      return world.postWith(async () => ({ error: "MASTERTOKEN_REJECTED_BY_APP" }), ...parts);
    };
    await (await device.request({ body: "2", user: session })).text();
    expect(logins).toBe(2);
    release();
    expect(await (await late).text()).toBe("ECHO:late");
    expect(device.session.tokensOf("u")?.masterToken.serialNumber).toBe(device.session.masterToken?.serialNumber);
    await (await device.request({ body: "3", user: session })).text();
    expect(logins).toBe(2);
  });

  test.each([0, 1])(
    "CTL-49 state cleared while request %i is under way: its reply is read, and no key stays",
    async (n) => {
      const world = await World.create();
      const device = await world.device(formats);
      const keys = countKeys(world.core);
      if (n === 1) await (await device.request({ body: "first" })).text();
      const post = world.post.bind(world);
      world.post = async (...parts) => {
        const reply = await post(...parts);
        await device.session.clear();
        return reply;
      };
      expect(await (await device.request({ body: "x" })).text()).toBe("ECHO:x");
      expect(device.session.masterToken).toBeNull();
      await device.close();
      // What is left is the server's: the session that it keeps at hand.
      expect(keys()).toBe(2);
    },
  );
});

describe("CTL-138 a deadline ends the wait for", () => {
  const short = { body: "x", timeoutMs: 50 };
  const timeout = { code: "TIMEOUT" };

  test("credentials", async () => {
    const device = await (await World.create()).device();
    await expect(device.request({ ...short, user: { id: "u", authenticate: never } })).rejects.toMatchObject(timeout);
    expect(await (await device.request({ body: "y", user: user() })).text()).toBe("ECHO:y");
  });

  test("the entity's data, and fresh data that recovery asks for", async () => {
    const world = await World.create();
    const entity = world.entity("device-1");
    let isStuck = false;
    const device = await world.device({
      entity: { ...entity, data: (reason) => (isStuck ? never() : entity.data(reason)) },
    });
    isStuck = true;
    await expect(device.request(short)).rejects.toMatchObject(timeout);
    isStuck = false;
    world.post = (...parts) => {
      isStuck = true;
      return world.postWith(async () => ({ error: "ENTITY_REJECTED_BY_APP" }), ...parts);
    };
    await expect(device.request(short)).rejects.toMatchObject(timeout);
  });

  test("a save of reserved non-replayable ids", async () => {
    const world = await World.create();
    const disk = storage();
    const device = await world.device({ storage: disk });
    await (await device.request({ body: "x" })).text();
    disk.save = never;
    await expect(device.request({ ...short, nonReplayable: true })).rejects.toMatchObject(timeout);
  });

  test("key requests, which are wiped when they come too late", async () => {
    const world = await World.create();
    let give = (_: []) => {};
    let wiped = 0;
    const late = new Promise<[]>((resolve) => {
      give = resolve as typeof give;
    });
    const [exchange] = world.keyExchange();
    const device = await world.device({ keyExchange: [{ ...exchange!, createRequests: () => late }] });
    await expect(device.request(short)).rejects.toMatchObject(timeout);
    give([{ scheme: "ECDH", keydata: {}, dispose: () => wiped++ }] as unknown as []);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(wiped).toBe(1);
  });

  test("a connection, which is dropped when it comes too late", async () => {
    const world = await World.create();
    const { transport } = world;
    let aborted = 0;
    let give = () => {};
    const device = await world.device({
      transport: {
        async open(options) {
          const exchange = await transport.open(options);
          await new Promise<void>((resolve) => {
            give = resolve;
          });
          return { ...exchange, abort: () => aborted++ };
        },
      },
    });
    await expect(device.request(short)).rejects.toMatchObject(timeout);
    give();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(aborted).toBe(1);
  });
});

describe("a server wipes the keys of a session that it issued and could not hand out", () => {
  test("where the user is refused after the key exchange", async () => {
    const world = await World.create({ issuer: { checkUser: () => null } });
    await world.state.revokeUser("user-1");
    const device = await world.device();
    const keys = countKeys(world.core);
    await expect(device.request({ body: "x", user: user() })).rejects.toMatchObject({ code: "USER_REJECTED_BY_APP" });
    expect(keys()).toBe(0);
  });

  test("where the issuer refuses the token", async () => {
    const world = await World.create({ issuer: { masterTokenLife: { renewSec: 0, expireSec: 1000 } } });
    const device = await world.device();
    await (await device.request({ body: "x" })).text();
    const keys = countKeys(world.core);
    // The line moved on without this device: another one renewed under its identity.
    const token = device.session.masterToken!;
    const line = { identity: "device-1", serialNumber: token.serialNumber, keepUntil: clock.ms };
    for (let i = 0; i < 3; i++) await world.state.renewLine({ ...line, sequenceNumber: i });
    await (await device.request({ body: "y" })).text();
    // One session at the device and one at the server came; one at the device went.
    expect(keys()).toBe(2);
  });
});
