// Rules of peer-to-peer networks, one test for each numbered item of the conformance checklist.

import { describe, expect, test } from "vitest";
import { createClient } from "../../src/control/client.ts";
import type { PeerHandler } from "../../src/control/peer-api.ts";
import { testCore } from "../variant.ts";
import type { Format } from "../../src/encoding/codec.ts";
import { none, noneData } from "../../src/entity-auth/none.ts";
import { MslUsageError } from "../../src/errors/msl-error.ts";
import type { Transport } from "../../src/platform/transport.ts";
import { clock, duplex, echo, exchanges, nextRequest, pair, serving, settled, side, user } from "./pair.ts";

const BOTH: readonly (readonly [Format])[] = [["JSON"], ["CBOR"]];

describe("roles", () => {
  test("CTL-1 a client without exchanges and a peer without connection fail before any byte", async () => {
    const wire = duplex();
    const core = await testCore();
    const transport = wire.a as unknown as Transport;
    const entity = { scheme: none(), data: () => noneData("x") };
    const environment = { core, clock, timers: null, gzip: null };
    const config = { ...environment, transport, entity, serverSchemes: [none()], keyExchange: [] };
    await expect(createClient(config)).rejects.toBeInstanceOf(MslUsageError);
    const { peer } = await side("peer-a");
    expect(() => peer.session("http://localhost/msl" as unknown as Transport)).toThrow(MslUsageError);
    expect(wire.fromA.pieces).toEqual([]);
  });

  test("CTL-2 peers do not push, and an error message cannot be answered", async () => {
    const a = await side("peer-a");
    const b = await side("peer-b");
    const wire = duplex();
    const session = a.peer.session(wire.a);
    const other = b.peer.session(wire.b);
    const refused = session.request({ body: "x" }).catch((error) => error);
    const request = await nextRequest(other);
    expect("push" in request).toBe(false);
    await request.reject({ error: "MSL_PARSE_ERROR" });
    expect((await refused).code).toBe("MSL_PARSE_ERROR");
    // A peer that is waiting for a message gets the error as such.
    const raw = duplex();
    const waiting = a.peer.session(raw.a);
    await raw.b.writer.write(wire.fromB.pieces[0]!);
    const received = await waiting.receive();
    expect(received).toMatchObject({ kind: "error", error: { code: "MSL_PARSE_ERROR" } });
    expect("request" in received).toBe(false);
    expect(raw.fromA.pieces).toEqual([]);
  });
});

describe.each(BOTH)("%s", (format) => {
  const own = { formats: [format] } as const;

  test("CTL-58 a response awaits a reply only where it asked for something", async () => {
    const { a, b, session, served } = await pair(own, { ...own, config: { keyExchange: [] } });
    const plain = { ...own, config: { keyExchange: [] } };
    const none = await pair(plain, plain);
    expect(await (await none.session.request({ body: "1" })).text()).toBe("ECHO:1");
    expect(none.a.reports.length).toBe(2);
    // B cannot exchange keys: A's request is refused, since it asks for a key exchange.
    await expect(session.request({ body: "1" })).rejects.toMatchObject({ code: "KEYX_FACTORY_NOT_FOUND" });
    expect(a.reports.length).toBe(2);
    expect(served.errors).toHaveLength(1);
    expect(b.reports.at(-1)?.kind).toBe("error");
  });

  test("CTL-58 a response that logs a user in awaits the token", async () => {
    const seen: boolean[] = [];
    const handler: PeerHandler = async (request) => ({ body: await request.text(), localUser: user() });
    const { a, b, session, served } = await pair(own, own, handler);
    for (let i = 0; i < 3; i++) {
      expect(await (await session.request({ body: `${i}` })).text()).toBe(`${i}`);
      await settled(() => b.reports.filter((r) => r.direction === "in").length > i + 1);
      seen.push(b.reports.some((r) => r.direction === "out" && r.hasUserIdToken));
    }
    expect(served.errors).toEqual([]);
    expect(seen.at(-1)).toBe(true);
    expect(a.reports.find((r) => r.direction === "in" && r.userScheme !== null)?.userScheme).toBe("EMAIL_PASSWORD");
    expect(a.reports.at(-1)).toMatchObject({ direction: "in", hasUserIdToken: true });
  });

  test("users of both sides get their tokens, and keep them", async () => {
    const users: (string | null)[] = [];
    const handler: PeerHandler = async (request) => {
      users.push(request.user);
      return { body: await request.text(), localUser: user() };
    };
    const { a, session, served } = await pair(own, own, handler);
    for (let i = 0; i < 3; i++) await (await session.request({ body: "x", user: user() })).text();
    expect(session.hasUser("local-user")).toBe(true);
    expect(users).toEqual(["user-1", "user-1", "user-1"]);
    expect(a.reports.filter((r) => r.direction === "out" && r.userScheme !== null)).toHaveLength(1);
    expect(served.errors).toEqual([]);
  });

  test("CTL-59 a handshake ends its exchange right after the header; tokens follow in further exchanges", async () => {
    const a = await side("peer-a", { ...own, scheme: "NONE" });
    const b = await side("peer-b", { ...own, scheme: "NONE" });
    const transport = exchanges(b.peer);
    const session = a.peer.session(transport, { counterpart: "peer-b" });
    expect(await (await session.request({ body: "one" })).text()).toBe("ECHO:one");
    expect(await (await session.request({ body: "two" })).text()).toBe("ECHO:two");
    expect(transport.opened).toBe(3);
    expect(a.reports[0]).toMatchObject({ kind: "handshake", layers: { payload: 0 } });
    expect(b.reports.at(-1)).toMatchObject({ direction: "out", sequenceNumber: 0 });
  });

  test("CTL-88 CTL-109 a connection of the caller stays open, also behind messages that are read in part", async () => {
    const long = "0123456789".repeat(20_000);
    const pieces = async function* () {
      for (let i = 0; i < 5; i++) yield new TextEncoder().encode(long.slice(0, 20_000));
    };
    const handler: PeerHandler = async (request) => {
      for await (const piece of request) return { body: `${piece.length > 0}:${long}` };
      return { body: "empty" };
    };
    const { session, served, wire } = await pair(own, own, handler);
    for (let i = 0; i < 3; i++) {
      const reply = await session.request({ body: pieces });
      for await (const piece of reply) {
        expect(new TextDecoder().decode(piece).startsWith("true:0123")).toBe(true);
        break;
      }
    }
    const last = await session.request({ body: "short" });
    expect((await last.text()).length).toBe(long.length + 5);
    expect(served.errors).toEqual([]);
    expect(session.isUsable).toBe(true);
    await session.close();
    await served.done;
    expect(wire.fromA.pieces.length).toBeGreaterThan(4);
  });

  test("CTL-111 another sender than the expected one is refused, under its own data and under a token", async () => {
    const { session } = await pair(own, own);
    await expect(session.request({ body: "x", expectSender: "peer-c" })).rejects.toMatchObject({
      code: "MESSAGE_SENDER_MISMATCH",
      where: "entityauthdata",
    });
    expect(session.isUsable).toBe(false);
    const second = await pair(own, own);
    await (await second.session.request({ body: "x", expectSender: "peer-b" })).text();
    await settled(() => second.b.reports.length >= 3);
    await (await second.session.request({ body: "x", expectSender: "peer-b" })).text();
    await expect(second.session.request({ body: "x", expectSender: "peer-c" })).rejects.toMatchObject({
      code: "MESSAGE_SENDER_MISMATCH",
      where: "mastertoken",
    });
  });

  test("CTL-111 a peer that expects one sender answers others with an error", async () => {
    const { session, served } = await pair(own, { ...own, config: { expectSender: "peer-c" } });
    await expect(session.request({ body: "x" })).rejects.toMatchObject({ code: "MESSAGE_SENDER_MISMATCH" });
    expect(served.errors).toHaveLength(1);
  });

  test("CTL-132 retries go over the same connection, with the tokens of the other direction", async () => {
    const a = await side("peer-a", own);
    const b = await side("peer-b", own);
    const wire = duplex();
    let refuses = false;
    const admit = () => {
      const refusal = refuses ? ({ reject: "entity" } as const) : null;
      refuses = false;
      return refusal;
    };
    const errors: unknown[] = [];
    void b.peer.serve(wire.b, echo, { admit, onError: (error) => errors.push(error) });
    const session = a.peer.session(wire.a);
    await (await session.request({ body: "1" })).text();
    await (await session.request({ body: "2" })).text();
    const serial = session.masterToken?.serialNumber;
    const before = a.reports.length;
    refuses = true;
    expect(await (await session.request({ body: "3" })).text()).toBe("ECHO:3");
    expect(session.masterToken?.serialNumber).not.toBe(serial);
    expect(errors).toMatchObject([{ code: "MASTERTOKEN_REJECTED_BY_APP" }]);
    const [sent, refused, again, reply] = a.reports.slice(before);
    expect([sent, refused, again, reply].map((r) => `${r?.direction} ${r?.kind} ${r?.entityScheme}`)).toEqual([
      "out message null",
      "in error PSK",
      "out message PSK",
      "in message null",
    ]);
    expect(again?.messageId).toBe(refused!.messageId + 1);
  });

  test("CTL-145 CTL-146 the answer carries the tokens of the request, swapped", async () => {
    const { a, b, session } = await pair({ ...own, scheme: "NONE" }, { ...own, scheme: "NONE" });
    await (await session.request({ body: "x" })).text();
    const serials = { a: session.masterToken?.serialNumber, b: b.reports.at(-1)?.serialNumber };
    expect(a.reports.at(-2)).toMatchObject({ direction: "out", serialNumber: serials.a });
    expect(a.reports.at(-1)).toMatchObject({ direction: "in", serialNumber: serials.b });
    expect(serials.a).not.toBe(serials.b);
  });

  test("CTL-149 a response that must be protected and cannot be becomes a handshake, then the data", async () => {
    const { a, session, served } = await pair({ ...own, scheme: "NONE" }, { ...own, scheme: "NONE" });
    const reply = await session.request({ body: "clear", encrypted: false, integrity: false });
    expect(reply.encrypted).toBe(true);
    expect(await reply.text()).toBe("ECHO:clear");
    expect(a.reports.map((r) => `${r.direction} ${r.kind}`)).toEqual([
      "out message",
      "in handshake",
      "out message",
      "in message",
    ]);
    expect(a.reports.map((r) => r.layers?.payload === 0)).toEqual([false, true, true, false]);
    expect(served.errors).toEqual([]);
  });

  test("CTL-150 a stray last chunk behind a handshake reply is passed over", async () => {
    const { session, served, wire } = await pair({ ...own, scheme: "NONE" }, { ...own, scheme: "NONE" });
    const stray = new TextEncoder().encode('{"payload":"AA==","signature":""}');
    wire.fromB.tamper = (piece, n) => (n === 0 ? new Uint8Array(Buffer.concat([piece, stray])) : piece);
    wire.fromA.tamper = (piece, n) => (n === 0 ? new Uint8Array(Buffer.concat([piece, stray])) : piece);
    expect(await (await session.request({ body: "x" })).text()).toBe("ECHO:x");
    expect(served.errors).toEqual([]);
  });

  test("CTL-148 tokens that a reply asks for are sent, also beyond the limit of messages", async () => {
    const a = await side("peer-a", own);
    const b = await side("peer-b", own);
    const wire = duplex();
    let n = 0;
    const admit = () => (++n <= 5 ? ({ error: "MESSAGE_REPLAYED" } as const) : null);
    const errors: unknown[] = [];
    const done = b.peer.serve(wire.b, echo, { admitNext: () => admit, onError: (error) => errors.push(error) });
    const session = a.peer.session(wire.a);
    const reply = await session.request({ body: "x" });
    expect(await reply.text()).toBe("ECHO:x");
    expect(errors).toHaveLength(5);
    await settled(() => b.reports.filter((r) => r.direction === "in").length >= 7);
    expect(a.reports.filter((r) => r.direction === "out")).toHaveLength(7);
    expect(b.reports.at(-1)).toMatchObject({ direction: "in", keyx: ["ECDH"] });
    await session.close();
    await done;
  });
});

test("both sides ask and answer on one connection, in turn", async () => {
  const a = await side("peer-a");
  const b = await side("peer-b");
  const wire = duplex();
  const [left, right] = [a.peer.session(wire.a), b.peer.session(wire.b)];
  for (let i = 0; i < 3; i++) {
    const asked = left.request({ body: `a${i}` });
    const request = await nextRequest(right);
    const text = await request.text();
    await request.respond({ body: `b:${text}` });
    expect(await (await asked).text()).toBe(`b:a${i}`);
    const back = right.request({ body: `b${i}` });
    const other = await nextRequest(left);
    expect(other.sender).toBe("peer-b");
    await other.respond({ body: `a:${await other.text()}` });
    expect(await (await back).text()).toBe(`a:b${i}`);
  }
  expect(left.masterToken).not.toBeNull();
  expect(right.masterToken).not.toBeNull();
});

test("send does not await an answer, but the answer to a handshake", async () => {
  const a = await side("peer-a", { scheme: "NONE" });
  const b = await side("peer-b", { scheme: "NONE" });
  const wire = duplex();
  const left = a.peer.session(wire.a, { counterpart: "peer-b" });
  const right = b.peer.session(wire.b);
  const sending = left.send({ body: "one" });
  const request = await nextRequest(right);
  expect(await request.text()).toBe("one");
  await sending;
  await left.send({ body: "two" });
  expect(await (await nextRequest(right)).text()).toBe("two");
});

test("operations of one session do not overlap", async () => {
  const { session } = await pair();
  const first = session.request({ body: "x" });
  await expect(session.request({ body: "y" })).rejects.toBeInstanceOf(MslUsageError);
  expect(await (await first).text()).toBe("ECHO:x");
});

test("a timeout drops the connection, whose messages could no longer be told apart", async () => {
  const a = await side("peer-a");
  const wire = duplex();
  const session = a.peer.session(wire.a);
  await expect(session.receive({ timeoutMs: 20 })).rejects.toMatchObject({ code: "TIMEOUT" });
  expect(session.isUsable).toBe(false);
  await expect(session.request({ body: "x" })).rejects.toMatchObject({ code: "TRANSPORT" });
});

test("serving ends in order when the connection ends", async () => {
  const b = await side("peer-b");
  const wire = duplex();
  const served = serving(b.peer, wire.b);
  await wire.a.writer.end();
  await served.done;
  expect(served.errors).toEqual([]);
});

test("operators see one event for each message that was answered", async () => {
  const events: string[] = [];
  const onEvent = (event: { outcome: string; masterToken: string | null; code: string | null }) =>
    events.push(`${event.outcome} ${event.masterToken} ${event.code}`);
  const { session } = await pair({ scheme: "NONE" }, { scheme: "NONE", config: { onEvent } });
  await (await session.request({ body: "x" })).text();
  await (await session.request({ body: "x" })).text();
  const other = await pair({}, { config: { onEvent, expectSender: "peer-c" } });
  await other.session.request({ body: "x" }).catch(() => {});
  expect(events).toEqual([
    "handshake issued null",
    "response null null",
    "response null null",
    "error null MESSAGE_SENDER_MISMATCH",
  ]);
});
