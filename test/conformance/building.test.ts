// How a client puts its messages together: hooks and their order, handshakes, non-replayable ids, shared renewals.

import { describe, expect, test } from "vitest";
import { MslTimeoutError, MslUsageError } from "../../src/errors/msl-error.ts";
import type { KeyExchange } from "../../src/key-exchange/scheme.ts";
import { clock, user, World } from "../scenario/world.ts";
import { ask, FORMATS, seen, sent } from "./kit.ts";
import { settle, slowWorld } from "./slow.ts";

const SHORT = { masterTokenLife: { renewSec: 5, expireSec: 10 } };

/** A scheme that says when it is asked for requests. */
function watched(scheme: KeyExchange, log: string[]): KeyExchange {
  return {
    name: scheme.name,
    label: scheme.label,
    unknownVariantError: scheme.unknownVariantError,
    createRequests: () => {
      log.push("key requests");
      return scheme.createRequests();
    },
    complete: (...args) => scheme.complete(...args),
    parseRequest: (keydata) => scheme.parseRequest(keydata),
    respond: (...args) => scheme.respond(...args),
  };
}

describe.each(FORMATS)("%s", (firstFormat) => {
  test("CTL-35 credentials, key requests, service tokens, then the header is written, then the body is read", async () => {
    const world = await World.create();
    const log: string[] = [];
    const { transport } = world;
    const device = await world.device({
      firstFormat,
      keyExchange: [watched(world.keyExchange()[0]!, log)],
      transport: {
        async open(options) {
          const { writer, ...exchange } = await transport.open(options);
          const write = (bytes: Uint8Array) => {
            log.push("write");
            return writer.write(bytes);
          };
          return { ...exchange, writer: { write, end: () => writer.end() } };
        },
      },
      onMessage: ({ direction }) => log.push(`report ${direction}`),
    });
    await ask(device, {
      user: {
        id: "u",
        authenticate: () => {
          log.push("credentials");
          return user().authenticate();
        },
      },
      serviceTokens: { edit: () => void log.push("service tokens") },
      body: function* () {
        log.push("body");
        yield new Uint8Array(1);
      } as () => Iterable<Uint8Array>,
    });
    const order = log.filter((entry, i) => entry !== log[i - 1]);
    expect(order.slice(0, 5)).toEqual(["credentials", "key requests", "service tokens", "write", "body"]);
    // What is reported is what was written, so the report comes after it.
    expect(log.lastIndexOf("write")).toBeLessThan(log.indexOf("report out"));
    expect(log.indexOf("report out")).toBeLessThan(log.indexOf("report in"));
  });

  test("CTL-36 a handshake is renewable, has key requests, no non-replayable id and no payload", async () => {
    const world = await World.create();
    const device = await world.device({ entity: world.anonymous(), firstFormat });
    await ask(device, { nonReplayable: true, user: user() });
    const [handshake] = await sent(world);
    expect(handshake?.data.bool("handshake")).toBe(true);
    expect(handshake?.data.bool("renewable")).toBe(true);
    expect(handshake?.data.bool("nonreplayable")).toBe(false);
    expect(handshake?.data.list("keyrequestdata").length).toBeGreaterThan(0);
    expect([handshake?.data.has("nonreplayableid"), handshake?.data.has("userauthdata")]).toEqual([false, false]);
    expect(handshake?.chunks).toEqual([]);
  });

  test("CTL-37 a handshake without key requests fails here, and nothing is sent", async () => {
    const world = await World.create();
    const device = await world.device({ entity: world.anonymous(), firstFormat, keyExchange: [] });
    await expect(ask(device)).rejects.toBeInstanceOf(MslUsageError);
    expect(world.reports).toEqual([]);
  });

  test("CTL-38 CTL-39 for a handshake the service token hook runs, again for the data; the body is read for the data only", async () => {
    const world = await World.create();
    const device = await world.device({ entity: world.anonymous(), firstFormat });
    const handshakes: boolean[] = [];
    let bodies = 0;
    await ask(device, {
      serviceTokens: { edit: (_, { handshake }) => void handshakes.push(handshake) },
      body: () => {
        bodies++;
        return "data";
      },
    });
    expect(seen(world).map(({ kind }) => kind)).toEqual(["handshake", "message"]);
    expect([handshakes, bodies]).toEqual([[true, false], 1]);
  });

  test("CTL-40 each non-replayable message uses the next id, retries too; other messages use none", async () => {
    const world = await World.create();
    const device = await world.device({ firstFormat });
    await ask(device);
    const post = world.post.bind(world);
    let n = 0;
    world.post = async (...parts) =>
      n++ === 1 ? world.postWith(async () => ({ error: "MESSAGE_REPLAYED" }), ...parts) : post(...parts);
    for (const nonReplayable of [true, true, false, true]) await ask(device, { nonReplayable });
    expect(seen(world).map((report) => report.nonReplayableId)).toEqual([null, 1, 2, 3, null, 4]);
  });

  test.each(["PSK", "NONE"])(
    "CTL-41 without master token and without key exchange a non-replayable message of %s is not built",
    async (scheme) => {
      const world = await World.create();
      const entity = scheme === "PSK" ? world.entity("device-1") : world.anonymous();
      const device = await world.device({ entity, firstFormat, keyExchange: [] });
      const plain = { encrypted: false, integrity: false };
      await expect(ask(device, { ...plain, nonReplayable: true })).rejects.toBeInstanceOf(MslUsageError);
      expect(world.reports).toEqual([]);
    },
  );

  test("CTL-47 a waiter whose time is over fails alone; the owner of the renewal goes on", async () => {
    const { world, release } = await slowWorld();
    const device = await world.device({ firstFormat });
    const owner = ask(device);
    await settle();
    const waiter = await ask(device, { wantTokens: true, timeoutMs: 30 }).catch((error) => error);
    expect(waiter).toBeInstanceOf(MslTimeoutError);
    expect(waiter.phase).toBe("renewal");
    release();
    expect(await owner).toBe("ECHO:x");
    expect(device.session.masterToken?.sequenceNumber).toBe(0);
  });

  test("CTL-49 a request in flight under the old token reads its answer after another one replaced the token", async () => {
    let held = -1;
    const { world, release } = await slowWorld(
      { issuer: { masterTokenLife: { renewSec: 5, expireSec: 500 } } },
      (n) => n === held,
    );
    const device = await world.device({ firstFormat });
    await ask(device);
    held = 1;
    const old = ask(device);
    await settle();
    clock.ms += 7000;
    await ask(device);
    expect(device.session.masterToken?.sequenceNumber).toBe(1);
    release();
    expect(await old).toBe("ECHO:x");
  });

  test("CTL-52 an aborted owner frees the renewal for the next; an aborted waiter changes nothing", async () => {
    let isHeld = true;
    const { world, release } = await slowWorld({ issuer: SHORT }, () => isHeld);
    const device = await world.device({ firstFormat });
    const owner = new AbortController();
    const first = ask(device, { signal: owner.signal }).catch(() => "aborted");
    await settle();
    const waiter = new AbortController();
    const second = ask(device, { wantTokens: true, signal: waiter.signal }).catch(() => "aborted");
    const third = ask(device, { wantTokens: true });
    await settle();
    waiter.abort();
    expect(await second).toBe("aborted");
    expect(world.wire).toHaveLength(1);
    isHeld = false;
    owner.abort();
    expect(await first).toBe("aborted");
    expect(await third).toBe("ECHO:x");
    release();
    expect(await ask(device)).toBe("ECHO:x");
  });
});
