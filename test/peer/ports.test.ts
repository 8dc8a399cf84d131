// Peers over real sockets: TCP, one connection for everything, and HTTP, an exchange for each message.

import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { MslTransportError } from "../../src/errors/msl-error.ts";
import { httpTransport } from "../../src/transport/http-node.ts";
import { listen } from "../../src/transport/server-node.ts";
import { tcpConnect, tcpListen } from "../../src/transport/tcp-node.ts";
import { echo, settled, side } from "./pair.ts";

describe.each([["PSK"], ["NONE"]] as const)("%s", (scheme) => {
  test("over TCP: many messages on one connection, long ones too", async () => {
    const a = await side("peer-a", { scheme });
    const b = await side("peer-b", { scheme });
    const errors: unknown[] = [];
    const onError = (error: unknown) => errors.push(error);
    const listener = await tcpListen((connection) => b.peer.serve(connection, echo, { onError }), { onError });
    const session = a.peer.session(await tcpConnect(listener.url), { counterpart: "peer-b" });
    const long = "long ".repeat(200_000);
    for (const text of ["one", long, "three"]) {
      expect(await (await session.request({ body: text })).text()).toBe(`ECHO:${text}`);
    }
    expect(listener.connections).toBe(1);
    await session.close();
    await settled(() => listener.connections === 0);
    expect(listener.connections).toBe(0);
    expect(errors).toEqual([]);
    await listener.close(100);
  });

  test("over HTTP: each message in an exchange of its own, tokens for both sides all the same", async () => {
    const a = await side("peer-a", { scheme });
    const b = await side("peer-b", { scheme });
    const errors: unknown[] = [];
    const server = await listen((reader, writer, { signal }) => b.peer.answer(reader, writer, echo, { signal }), {
      onError: (error) => errors.push(error),
    });
    const transport = httpTransport(server.url);
    const session = a.peer.session(transport, { counterpart: "peer-b" });
    for (const text of ["one", "two", "three"]) {
      expect(await (await session.request({ body: text })).text()).toBe(`ECHO:${text}`);
    }
    await session.close();
    await settled(() => b.reports.some((r) => r.direction === "out" && r.sequenceNumber === 0));
    expect(b.reports.at(-1)).toMatchObject({ direction: "out", sequenceNumber: 0, encrypted: true });
    expect(errors).toEqual([]);
    transport.close();
    await server.close(100);
    await b.peer.close();
  });
});

test("over HTTP: an answer that must be protected first brings tokens, then the data in the next exchange", async () => {
  const a = await side("peer-a", { scheme: "NONE" });
  const b = await side("peer-b", { scheme: "NONE" });
  const server = await listen((reader, writer, { signal }) => b.peer.answer(reader, writer, echo, { signal }));
  const transport = httpTransport(server.url);
  const session = a.peer.session(transport);
  const reply = await session.request({ body: "clear", encrypted: false, integrity: false });
  expect([reply.encrypted, await reply.text()]).toEqual([true, "ECHO:clear"]);
  expect(a.reports.map((r) => r.kind)).toEqual(["message", "handshake", "message", "message"]);
  transport.close();
  await server.close(100);
});

test("over HTTP: a continuation that never comes is given up, and ends nothing else", async () => {
  const a = await side("peer-a", { scheme: "NONE" });
  const b = await side("peer-b", { scheme: "NONE", config: { continueMs: 50, maxContinuations: 2 } });
  const errors: unknown[] = [];
  const server = await listen((reader, writer) => b.peer.answer(reader, writer, echo), {
    onError: (error) => errors.push(error),
  });
  const transport = httpTransport(server.url);
  let opened = 0;
  const breaking = {
    open(options: Parameters<typeof transport.open>[0]) {
      if (++opened % 2 === 0) throw new MslTransportError("Cut.", false);
      return transport.open(options);
    },
  };
  for (let i = 0; i < 4; i++) {
    await expect(a.peer.session(breaking).request({ body: "x" })).rejects.toMatchObject({ code: "TRANSPORT" });
  }
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(await (await a.peer.session(transport).request({ body: "x" })).text()).toBe("ECHO:x");
  transport.close();
  await server.close(100);
});

describe("the TCP listener", () => {
  test("drops silent connections, and the one silent longest above the bound", async () => {
    const b = await side("peer-b");
    const errors: unknown[] = [];
    const listener = await tcpListen((connection) => b.peer.serve(connection, echo), {
      idleMs: 150,
      maxConnections: 2,
      onError: (error) => errors.push(error),
    });
    const open = () => {
      const socket = connect(listener.port, "127.0.0.1");
      const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
      socket.on("error", () => {});
      socket.resume();
      return closed;
    };
    const first = open();
    await settled(() => listener.connections === 1);
    const others = [open()];
    await settled(() => listener.connections === 2);
    others.push(open());
    await first;
    await settled(() => listener.connections === 2);
    await Promise.all(others);
    await settled(() => listener.connections === 0);
    expect(listener.connections).toBe(0);
    await listener.close(100);
  });

  test("answers garbage with an error and closes, endless objects too", async () => {
    const b = await side("peer-b", { config: { maxObjectBytes: 10_000 } });
    const errors: unknown[] = [];
    const listener = await tcpListen((connection) =>
      b.peer.serve(connection, echo, { onError: (error) => errors.push(error) }),
    );
    for (const bytes of [Buffer.from("hello"), Buffer.from(`{"headerdata":"${"A".repeat(20_000)}`)]) {
      const socket = connect(listener.port, "127.0.0.1");
      const parts: Buffer[] = [];
      socket.on("data", (part: Buffer) => parts.push(part));
      const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
      socket.write(bytes);
      await closed;
      expect(Buffer.concat(parts).toString("latin1")).toContain("errordata");
    }
    expect(errors).toMatchObject([{ code: "MSL_PARSE_ERROR" }, { code: "OBJECT_TOO_LARGE" }]);
    await listener.close(100);
  });

  test("closing lets a running exchange finish", async () => {
    const a = await side("peer-a");
    const b = await side("peer-b");
    let isAsked = false;
    let answer = () => {};
    const waiting = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const listener = await tcpListen((connection) =>
      b.peer.serve(connection, async () => {
        isAsked = true;
        await waiting;
        return { body: "late" };
      }),
    );
    const session = a.peer.session(await tcpConnect(listener.url));
    const asked = session.request({ body: "x" });
    await settled(() => isAsked);
    const closed = listener.close(2000);
    answer();
    expect(await (await asked).text()).toBe("late");
    await session.close();
    await closed;
  });
});

test("connecting to nobody, and to what is no tcp URL", async () => {
  await expect(tcpConnect("tcp://127.0.0.1:1")).rejects.toMatchObject({ code: "TRANSPORT" });
  await expect(tcpConnect("http://127.0.0.1:1")).rejects.toMatchObject({ code: "TRANSPORT" });
  await expect(tcpConnect("tcp://127.0.0.1")).rejects.toMatchObject({ code: "TRANSPORT" });
  const signal = { aborted: false, onabort: null as (() => void) | null };
  const connecting = tcpConnect("tcp://10.255.255.1:9", { signal });
  signal.aborted = true;
  signal.onabort?.();
  await expect(connecting).rejects.toMatchObject({ code: "TRANSPORT" });
});
