// Large bodies in both directions: whoever answers as it reads is read while this side still writes.

import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { run } from "../../src/cli/run.ts";
import type { PeerHandler } from "../../src/control/peer-api.ts";
import type { Transport } from "../../src/platform/transport.ts";
import { listenForPeers } from "../../src/transport/listen-peer-node.ts";
import { clock, exchanges, pair, type SideOptions, side } from "./pair.ts";

const MiB = 1024 * 1024;
const FORMATS = ["JSON", "CBOR"] as const;
const issuer = { masterTokenLife: { renewSec: 100, expireSec: 1000 } };
/** Answers as it reads. */
const mirror: PeerHandler = (request) => ({ body: request, compress: false });

/** Nothing makes it smaller. */
const noise = (length: number) => new Uint8Array(randomBytes(length));
const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const same = (a: Uint8Array, b: Uint8Array) => Buffer.from(a).equals(b);

describe.each(FORMATS)("%s", (format) => {
  const own: SideOptions = { formats: [format], issuer };

  test.each(["a connection", "exchanges"] as const)("a body comes back over %s while it is sent", async (kind) => {
    const made = await pair(own, own, mirror);
    const session =
      kind === "exchanges"
        ? made.a.peer.session(exchanges(made.b.peer, mirror), { counterpart: "peer-b" })
        : made.session;
    const body = noise(MiB);
    for (let i = 0; i < 3; i++) {
      const reply = await session.request({ body, compress: false });
      expect(same(await reply.bytes(), body)).toBe(true);
    }
    expect(made.served.errors).toEqual([]);
  });

  test("the session of a body that is being sent lasts until the last byte, whatever the reply renews", async () => {
    const { session, a, served } = await pair(own, own, mirror);
    await (await session.request({ body: "first" })).text();
    const before = session.masterToken!;
    clock.ms += 200_000;
    const body = noise(MiB);
    const reply = await session.request({ body, compress: false });
    expect(session.masterToken).toEqual({ ...before, sequenceNumber: before.sequenceNumber + 1 });
    const isSent = () => a.reports.some((r) => r.direction === "out" && r.bytes > MiB);
    expect(isSent()).toBe(false);
    expect(same(await reply.bytes(), body)).toBe(true);
    expect(await (await session.request({ body: "last" })).text()).toBe("last");
    expect(isSent()).toBe(true);
    expect(served.errors).toEqual([]);
  });

  test("an answer that does not wait for the body: the next message waits for it", async () => {
    let n = 0;
    const hasty: PeerHandler = (request) => (n++ === 0 ? { body: () => "enough" } : mirror(request));
    const { session, a, served } = await pair(own, own, hasty);
    const body = noise(MiB);
    const reply = await session.request({ body, compress: false });
    expect(await reply.text()).toBe("enough");
    expect(same(await (await session.request({ body, compress: false })).bytes(), body)).toBe(true);
    expect(a.reports.filter((r) => r.direction === "out" && r.bytes > MiB)).toHaveLength(2);
    expect(served.errors).toEqual([]);
  });

  test("a body that fails while its answer comes ends the connection", async () => {
    const { session } = await pair(own, own, mirror);
    const failing = async function* () {
      for (let i = 0; ; i++) {
        if (i === 20) throw new Error("The disk is gone.");
        yield noise(50_000);
      }
    };
    const reply = await session.request({ body: failing(), compress: false });
    await expect(reply.bytes()).rejects.toMatchObject({ code: "TRANSPORT" });
    expect(session.isUsable).toBe(false);
    const quiet = await pair(own, own, async (request) => ({ body: await request.bytes() }));
    await expect(quiet.session.request({ body: failing(), compress: false })).rejects.toThrow("The disk is gone.");
    expect(quiet.session.isUsable).toBe(false);
  });
});

test.each([
  ["at once", 0],
  ["after the exchange was cut", 20],
])("a refusal in an exchange that nobody reads on is heard %s, and the whole body sent again", async (_, delay) => {
  const old = await side("peer-b", { ecdh: false, config: { strictKeyRequests: true } });
  const a = await side("peer-a", { config: { keyExchangeSupport: "probe" } });
  const direct = exchanges(old.peer, async (request) => ({ body: await request.bytes(), compress: false }));
  const transport: Transport = {
    async open(options) {
      const exchange = await direct.open(options);
      const read = async () => {
        const piece = await exchange.reader.read();
        if (delay > 0) await later(delay);
        return piece;
      };
      return { ...exchange, reader: { read, cancel: () => exchange.reader.cancel() } };
    },
  };
  const session = a.peer.session(transport, { counterpart: "peer-b" });
  const body = noise(300_000);
  const once = async function* () {
    for (let at = 0; at < body.length; at += 10_000) {
      await later(1);
      yield body.subarray(at, at + 10_000);
    }
  };
  const reply = await session.request({ body: once(), compress: false });
  expect(same(await reply.bytes(), body)).toBe(true);
  expect(old.reports.slice(0, 2)).toMatchObject([{ kind: "error" }, { direction: "in", keyx: ["SYMMETRIC_WRAPPED"] }]);
});

test("an answer made of a request that was given up for a handshake fails: it does not wait for what is gone", async () => {
  const protection = { encrypted: false, integrity: false };
  const plain: PeerHandler = (request) => ({ ...protection, body: request, compress: false });
  const body = noise(300_000);
  const ask = async (handler: PeerHandler) => {
    const { session } = await pair({}, { scheme: "NONE" }, handler);
    return (
      await session.request({ ...protection, requireReply: protection, body, compress: false, timeoutMs: 5000 })
    ).bytes();
  };
  expect(same(await ask(plain), body)).toBe(true);
  // What has to be protected needs a session first, and its handshake comes behind the request on the connection.
  await expect(ask(mirror)).rejects.toMatchObject({ code: "TRANSPORT" });
});

test("by the command line over TCP: 24 MiB there and back at the same time", async () => {
  const dir = mkdtempSync(join(tmpdir(), "tinymsl-large-"));
  const b = await side("peer-b", { scheme: "NONE" });
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(error);
  const listening = await listenForPeers(
    (connection) => b.peer.serve(connection, mirror, { onError }),
    (reader, writer) => b.peer.answer(reader, writer, mirror),
    { host: "127.0.0.1", port: 0 },
  );
  try {
    const body = noise(24 * MiB);
    const file = join(dir, "body");
    writeFileSync(file, body);
    const lines: string[] = [];
    const io = {
      out: (line: string) => void lines.push(line),
      err: (line: string) => void lines.push(line),
      isTerminal: false,
      stdin: async () => new Uint8Array(0),
      onStop() {},
    };
    const keys = ["--keys", "test/vectors/keys.json", "--entity", "NONE:VEC-ANON-1", "--keyx", "ECDH:X25519"];
    const code = await run(["request", listening.url, ...keys, "--body", `@${file}`], io);
    const row = JSON.parse(lines[0]!);
    expect([code, row.ok, row.error, errors]).toEqual([0, true, undefined, []]);
    expect(same(Buffer.from(row.bodyBase64, "base64"), body)).toBe(true);
  } finally {
    await listening.close(0);
    rmSync(dir, { recursive: true, force: true });
  }
});
