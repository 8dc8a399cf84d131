// Recovery from every response code, limits, renewal sharing, cancellation: the client against a scripted server.

import { describe, expect, test } from "vitest";
import type { RequestInit } from "../../src/control/api.ts";
import { INITIAL, MAX_MESSAGES, step } from "../../src/control/exchange.ts";
import { MslRemoteError, MslTimeoutError } from "../../src/errors/msl-error.ts";
import { RESPONSE, type MslErrorCode } from "../../src/errors/codes.ts";
import { nullContext } from "../../src/crypto/null.ts";
import { none, noneData } from "../../src/entity-auth/none.ts";
import { pskData } from "../../src/entity-auth/psk.ts";
import { NO_PEER_TOKENS } from "../../src/message/header.ts";
import { writeHeader } from "../../src/message/header-writer.ts";
import { nextMessageId } from "../../src/message/ids.ts";
import { writeChunk } from "../../src/message/payload-chunk.ts";
import { clock, user, World } from "./world.ts";

/** A server that answers the first `times` messages after `from` with an error. */
async function failingWorld(code: MslErrorCode, times: number, from = 0) {
  let n = 0;
  const world = await World.create();
  const post = world.post.bind(world);
  world.post = async (...parts) => {
    const i = n++;
    if (i < from || i >= from + times) return post(...parts);
    return world.postWith(async () => ({ error: code }), ...parts);
  };
  return world;
}

async function ask(device: Awaited<ReturnType<World["device"]>>, init: RequestInit = {}) {
  return (await device.request({ body: "x", ...init })).text();
}

describe("each response code", () => {
  test.each(["MSL_PARSE_ERROR", "INTERNAL_EXCEPTION"] as const)("CTL-121 %s is not retried", async (code) => {
    const world = await failingWorld(code, 1);
    const error = await ask(await world.device()).catch((e) => e);
    expect(error).toBeInstanceOf(MslRemoteError);
    expect([error.code, error.attempts, world.wire.length]).toEqual([code, 1, 1]);
  });

  test("CTL-122 ENTITY_REAUTH drops the master token and authenticates anew", async () => {
    const world = await failingWorld("MASTERTOKEN_REJECTED_BY_APP", 1, 1);
    const device = await world.device();
    await ask(device);
    const first = device.session.masterToken?.serialNumber;
    expect(await ask(device)).toBe("ECHO:x");
    expect(device.session.masterToken?.serialNumber).not.toBe(first);
    expect(world.reports.filter((r) => r.direction === "in").at(-1)?.entityScheme).toBe("PSK");
  });

  test("CTL-122 an entity hook without new data delivers the error", async () => {
    const world = await failingWorld("ENTITY_REJECTED_BY_APP", 1);
    const entity = world.entity("device-1");
    const device = await world.device({
      entity: { ...entity, data: (reason) => (reason === null ? entity.data(null) : null) },
    });
    await expect(ask(device)).rejects.toMatchObject({ code: "ENTITY_REJECTED_BY_APP" });
    expect(world.wire.length).toBe(1);
  });

  test("CTL-123 USER_REAUTH retries with the master token and asks for credentials", async () => {
    const world = await failingWorld("USERIDTOKEN_REVOKED", 1, 1);
    const device = await world.device();
    const queries: boolean[] = [];
    const session = {
      id: "u",
      authenticate: (q: { required: boolean }) => {
        queries.push(q.required);
        return q.required ? user().authenticate() : null;
      },
    };
    await ask(device, { user: session });
    expect(await ask(device, { user: session })).toBe("ECHO:x");
    expect(queries).toEqual([true, false, true]);
    expect(device.session.hasUser("u")).toBe(true);
  });

  test("CTL-125 KEYX_REQUIRED retries renewable with key requests, without tokens", async () => {
    const world = await failingWorld("RESPONSE_REQUIRES_ENCRYPTION", 1, 1);
    const device = await world.device();
    await ask(device);
    clock.ms += 1000;
    expect(await ask(device)).toBe("ECHO:x");
    const last = world.reports.filter((r) => r.direction === "in").at(-1);
    expect([last?.renewable, last?.keyx.length, last?.sequenceNumber]).toEqual([true, 2, null]);
  });

  test("CTL-126 EXPIRED retries renewable with the same token", async () => {
    const world = await failingWorld("MESSAGE_EXPIRED_NOT_RENEWABLE", 1, 1);
    const device = await world.device();
    await ask(device);
    expect(await ask(device)).toBe("ECHO:x");
    expect(world.reports.filter((r) => r.direction === "in").at(-1)).toMatchObject({
      renewable: true,
      sequenceNumber: 0,
    });
  });

  test("CTL-127 REPLAYED retries with the next id", async () => {
    const world = await failingWorld("MESSAGE_REPLAYED", 2, 1);
    const device = await world.device();
    await ask(device);
    expect(await ask(device, { nonReplayable: true })).toBe("ECHO:x");
    expect(world.reports.filter((r) => r.direction === "in").at(-1)?.nonReplayableId).toBe(3);
  });

  test("CTL-130 a server that always answers ENTITYDATA_REAUTH sees six requests; the first error is delivered", async () => {
    const world = await failingWorld("ENTITY_REJECTED_BY_APP", 99);
    await expect(ask(await world.device())).rejects.toMatchObject({ code: "ENTITY_REJECTED_BY_APP", attempts: 1 });
    expect(world.wire.length).toBe(6);
  });

  test("CTL-7 a retry carries the error's message id + 1", async () => {
    const world = await failingWorld("ENTITY_REJECTED_BY_APP", 1);
    await ask(await world.device());
    const ids = world.reports.map((r) => r.messageId);
    expect(ids[2]).toBe(ids[1]! + 1);
    expect(ids[1]).toBe(ids[0]! + 1);
  });
});

describe("the state machine alone", () => {
  test("every response code leads to a defined step, and no path exceeds the message limit", () => {
    for (const responseCode of Object.values(RESPONSE)) {
      let state = INITIAL;
      let event: Parameters<typeof step>[1] = { kind: "start" };
      let rounds = 0;
      for (;;) {
        const next = step(state, event);
        if (next.kind !== "attempt") {
          expect(["give-up", "limit"]).toContain(next.kind);
          break;
        }
        state = next.state;
        rounds++;
        event = { kind: "error-reply", messageId: 2 ** 53, responseCode, canExchangeKeys: true };
        expect(state.messages).toBeLessThanOrEqual(MAX_MESSAGES);
      }
      expect(rounds).toBeLessThanOrEqual(6);
    }
  });

  test("KEYX_REQUIRED without key requests is given up", () => {
    const event = {
      kind: "error-reply",
      messageId: 1,
      responseCode: RESPONSE.KEYX_REQUIRED,
      canExchangeKeys: false,
    } as const;
    expect(step({ messages: 2, hasFailed: false }, event).kind).toBe("give-up");
  });

  test("CTL-4 message ids wrap at 2^53", () => {
    const next = step(INITIAL, { kind: "handshake-reply", messageId: 2 ** 53 });
    expect(next.kind === "attempt" && next.attempt.messageId).toBe(0);
  });
});

describe("renewal sharing", () => {
  test("CTL-44 of many concurrent first requests one exchanges keys, the others wait for its token", async () => {
    const world = await World.create();
    const device = await world.device({ entity: world.anonymous() });
    const all = await Promise.all(Array.from({ length: 20 }, () => ask(device)));
    expect(all).toEqual(Array(20).fill("ECHO:x"));
    expect(world.reports.filter((r) => r.direction === "in" && r.keyx.length > 0).length).toBe(1);
  });

  test("CTL-48 overlapping requests with an expired token both succeed", async () => {
    const world = await World.create({ issuer: { masterTokenLife: { renewSec: 5, expireSec: 10 } } });
    const device = await world.device();
    await ask(device);
    clock.ms += 20_000;
    expect(await Promise.all([ask(device), ask(device), ask(device)])).toEqual(["ECHO:x", "ECHO:x", "ECHO:x"]);
    expect(device.session.masterToken?.sequenceNumber).toBe(1);
  });

  test("CTL-45 CTL-54 with random failures nothing hangs", async () => {
    const world = await World.create({ issuer: { masterTokenLife: { renewSec: 0, expireSec: 1 } } });
    const post = world.post.bind(world);
    let n = 0;
    world.post = async (...parts) =>
      n++ % 3 === 1 ? world.postWith(async () => ({ error: "INTERNAL_EXCEPTION" }), ...parts) : post(...parts);
    const device = await world.device();
    const results = await Promise.allSettled(
      Array.from({ length: 100 }, () => {
        clock.ms += 300;
        return ask(device, { timeoutMs: 20_000 });
      }),
    );
    const codes = new Set(
      results.filter((r) => r.status === "rejected").map((r) => (r as PromiseRejectedResult).reason.code),
    );
    expect([...codes].filter((code) => code !== "INTERNAL_EXCEPTION")).toEqual([]);
    expect(results.some((r) => r.status === "fulfilled")).toBe(true);
    await ask(device).catch(() => {});
    expect((await Promise.race([ask(device), ask(device).catch(() => "ECHO:x")])).startsWith("ECHO")).toBe(true);
  });
});

describe("time and cancellation", () => {
  test("CTL-138 a server that never answers ends in a timeout", async () => {
    const world = await World.create();
    const silent = {
      open: async () => ({
        writer: { write: async () => {}, end: async () => {} },
        reader: { read: () => new Promise<null>(() => {}), cancel() {} },
        abort() {},
      }),
    };
    const device = await world.device({ transport: silent });
    const start = performance.now();
    await expect(ask(device, { timeoutMs: 200 })).rejects.toBeInstanceOf(MslTimeoutError);
    expect(performance.now() - start).toBeGreaterThan(150);
  });

  test("CTL-137 an abort rejects with the signal's reason and frees the renewal slot", async () => {
    const world = await World.create();
    let isSilent = true;
    const { transport } = world;
    const device = await world.device({
      transport: {
        open: async (options) =>
          isSilent
            ? {
                writer: { write: async () => {}, end: async () => {} },
                reader: { read: () => new Promise<null>(() => {}), cancel() {} },
                abort() {},
              }
            : transport.open(options),
      },
    });
    const controller = new AbortController();
    const pending = ask(device, { signal: controller.signal }).catch((e) => e);
    await new Promise((resolve) => setTimeout(resolve, 20));
    isSilent = false;
    controller.abort(new Error("enough"));
    expect((await pending).message).toBe("enough");
    expect(await ask(device)).toBe("ECHO:x");
  });

  test("CTL-64 a server without key exchange refuses a handshake, which is not retried", async () => {
    const world = await World.create({ server: { keyExchange: [] } });
    const device = await world.device({ entity: world.anonymous() });
    await expect(ask(device)).rejects.toMatchObject({ code: "KEYX_FACTORY_NOT_FOUND", attempts: 1 });
    expect(world.wire.length).toBe(1);
  });

  test("CTL-26 CTL-27 the clock of the device may be wrong by years", async () => {
    const world = await World.create();
    const device = await world.device({ clock: { nowMs: () => clock.ms - 10 * 365 * 86_400_000 } });
    expect(await ask(device)).toBe("ECHO:x");
    expect(await ask(device)).toBe("ECHO:x");
    expect(world.reports.filter((r) => r.direction === "in").map((r) => r.renewable)).toEqual([true, false]);
  });
});

describe("what a client refuses", () => {
  test("CTL-110 a reply with another message id, CTL-91 a reply with a changed signature", async () => {
    const world = await World.create();
    const device = await world.device();
    await ask(device);
    world.tamper = (bytes, direction) => (direction === "response" ? world.wire[0]!.response : bytes);
    await expect(ask(device)).rejects.toMatchObject({ name: expect.stringMatching(/Msl/) });
    world.tamper = (bytes, direction) => {
      const copy = bytes.slice();
      // In the signature, in both formats: the letter A or B.
      const at = copy.length - 10;
      if (direction === "response") copy[at] = copy[at] === 65 ? 66 : 65;
      return copy;
    };
    await expect(ask(device)).rejects.toMatchObject({ code: "PAYLOAD_VERIFICATION_FAILED" });
    world.tamper = null;
    expect(await ask(device)).toBe("ECHO:x");
  });

  test("CTL-108 a reply cut before its end-of-message chunk is truncated, unless allowed", async () => {
    const body = new Uint8Array(40_000).map((_, i) => (i * 7919) >> 3);
    const world = await World.create({ handler: async () => ({ body, compress: false }) });
    world.tamper = (bytes, direction) =>
      direction === "response" ? bytes.slice(0, lastChunk(world.core, bytes)) : bytes;
    const strict = await world.device();
    await expect((await strict.request({ body: "x" })).bytes()).rejects.toMatchObject({ code: "MESSAGE_TRUNCATED" });
    const lenient = await world.device({ allowTruncated: true });
    const reply = await lenient.request({ body: "x" });
    expect((await reply.bytes()).length).toBe(32_768);
    expect(reply.complete).toBe(false);
  });

  test.each(["PSK", "NONE"] as const)("CTL-151 a reply under %s to a request under a master token", async (scheme) => {
    const world = await World.create();
    const device = await world.device({ serverSchemes: [world.psk(), none()] });
    await ask(device);
    const context = scheme === "PSK" ? world.pskContextOf("server")! : nullContext;
    world.post = async () => {
      // What a server that forgot the session would answer, with the right message id.
      const sent = await inspectMessageId(world);
      const messageId = nextMessageId(sent);
      const header = await writeHeader({
        format: "JSON",
        entityAuth: scheme === "PSK" ? pskData("server") : noneData("server"),
        masterToken: null,
        context,
        sender: "",
        timestamp: 1,
        messageId,
        nonReplayableId: null,
        renewable: false,
        handshake: false,
        capabilities: null,
        keyRequests: [],
        keyResponse: null,
        userAuth: null,
        userIdToken: null,
        serviceTokens: [],
        peer: NO_PEER_TOKENS,
      });
      const chunk = await writeChunk(
        context,
        { sequenceNumber: 1, messageId, endOfMessage: true, data: new Uint8Array(1) },
        "JSON",
        null,
      );
      return new Uint8Array(Buffer.concat([header, chunk]));
    };
    await expect(ask(device)).rejects.toMatchObject({ code: "REPLY_UNDERPROTECTED" });
  });

  test("CTL-111 a reply or error of another entity than the expected one", async () => {
    const world = await World.create();
    const device = await world.device({ expectSender: "someone-else" });
    await expect(ask(device)).rejects.toMatchObject({ code: "MESSAGE_SENDER_MISMATCH" });
  });
});

/** The id of the message on its way: the real server reads it, its answer is thrown away. */
async function inspectMessageId(world: World): Promise<number> {
  await world.postWith(async () => ({ error: "NONE" }), world.wire.at(-1)!.request);
  return world.reports.filter((report) => report.direction === "in").at(-1)!.messageId;
}

function lastChunk(core: World["core"], bytes: Uint8Array): number {
  const scanner = core.createScanner(1e7);
  scanner.push(bytes);
  let at = 0;
  let last = 0;
  for (let object = scanner.next(); object !== null; object = scanner.next()) {
    last = at;
    at += object.length;
  }
  return last;
}
