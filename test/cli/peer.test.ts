// The command line in a peer-to-peer network: over TCP and over HTTP, with state that survives restarts.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { run } from "../../src/cli/run.ts";
import { tinymsl as command } from "./command.ts";

const KEYS = "test/vectors/keys.json";
const dir = mkdtempSync(join(tmpdir(), "tinymsl-peer-"));
const stops: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const stop of stops) await stop();
  rmSync(dir, { recursive: true, force: true });
});

type Line = Record<string, unknown> & { messages: Record<string, unknown>[] };

async function tinymsl(...args: string[]) {
  const { code, json, err } = await command(...args);
  return { code, lines: json() as Line[], err };
}

async function serve(...args: string[]) {
  const log: Record<string, unknown>[] = [];
  let stop = () => {};
  let done: Promise<number> = Promise.resolve(0);
  const first = await new Promise<{ listening: string; http: string }>((resolve, reject) => {
    done = run(["serve", "--keys", KEYS, "--network", "p2p", ...args], {
      out(line: string) {
        const entry = JSON.parse(line);
        if (entry.listening) resolve(entry);
        else log.push(entry);
      },
      err() {},
      isTerminal: false,
      stdin: async () => new Uint8Array(0),
      onStop: (callback: () => void) => {
        stop = callback;
      },
    });
    done.then((code) => code !== 0 && reject(new Error(`serve ended with ${code}`)), reject);
  });
  const end = async () => {
    stop();
    return done;
  };
  stops.push(end);
  return { ...first, log, end };
}

const request = (url: string, ...args: string[]) =>
  tinymsl("request", url, "--keys", KEYS, "--entity", "PSK:VEC-PEER-1", "--network", "p2p", ...args);

describe.each([
  ["tcp", "JSON"],
  ["tcp", "CBOR"],
  ["http", "JSON"],
  ["http", "CBOR"],
] as const)("%s, %s", (kind, format) => {
  test("requests with and without key exchange, with a user, non-replayable", async () => {
    const server = await serve("--entity", "PSK:VEC-PEER-2", "--format", format);
    const url = kind === "tcp" ? server.listening : server.http;
    expect(url.startsWith(`${kind}://`)).toBe(true);
    const format_ = ["--format", format];
    const result = await request(url, "--keyx", "SYMMETRIC_WRAPPED:PSK", "--body", "hi", "--repeat", "3", ...format_);
    expect(result.err).toEqual([]);
    expect(result.lines.map((line) => [line.ok, line.body, line.sender])).toEqual(
      Array.from({ length: 3 }, () => [true, "ECHO:hi", "VEC-PEER-2"]),
    );
    expect(result.code).toBe(0);
    const [first, , third] = result.lines;
    expect(first?.messages.map((message) => message.format)).toEqual(first?.messages.map(() => format));
    expect(third?.messages[0]).toMatchObject({ entityScheme: null, sequenceNumber: 0 });
    expect(third?.masterToken).toMatchObject({ sequenceNumber: 0 });
    const user = ["--user", "EMAIL_PASSWORD:VEC-user-1", "--non-replayable"];
    const second = await request(url, "--keyx", "ECDH:X25519", "--repeat", "2", "--body", "u", ...user, ...format_);
    expect(second.lines.map((line) => [line.ok, line.user])).toEqual([
      [true, "VEC-user-1"],
      [true, "VEC-user-1"],
    ]);
    await server.end();
  });
});

test("an anonymous peer: handshakes first, and the sender that is expected", async () => {
  const server = await serve("--entity", "PSK:VEC-PEER-2");
  const args = ["request", server.listening, "--keys", KEYS, "--entity", "NONE:VEC-PEER-1", "--keyx", "ECDH:X25519"];
  const good = await tinymsl(...args, "--body", "hi", "--peer", "PSK:VEC-PEER-2");
  expect(good.lines[0]).toMatchObject({ ok: true, body: "ECHO:hi" });
  expect(good.lines[0]?.messages[0]).toMatchObject({ kind: "handshake" });
  const bad = await tinymsl(...args, "--body", "hi", "--peer", "PSK:VEC-PSK-1");
  expect(bad.lines[0]).toMatchObject({ ok: false, error: { origin: "local", code: "MESSAGE_SENDER_MISMATCH" } });
  expect(bad.code).toBe(1);
});

test("both sides keep their state over restarts", async () => {
  const state = ["--state", `file:${join(dir, "peer")}`, "--entity", "PSK:VEC-PEER-2"];
  const store = ["--store", join(dir, "device.state"), "--keyx", "SYMMETRIC_WRAPPED:PSK", "--body", "x"];
  const before = await serve(...state);
  const first = (await request(before.listening, ...store)).lines[0];
  await before.end();
  const after = await serve(...state);
  const second = (await request(after.listening, ...store)).lines[0];
  expect(first?.ok).toBe(true);
  expect(second).toMatchObject({ ok: true, masterToken: first?.masterToken });
  expect(second?.messages[0]).toMatchObject({ entityScheme: null });
  expect(after.log.find((line) => line.direction === "out")).toMatchObject({ sequenceNumber: 0 });
  expect(existsSync(join(dir, "device.state.issuer"))).toBe(true);
  await after.end();
});

test("faults of the server are recovered from on the same connection", async () => {
  const server = await serve("--entity", "PSK:VEC-PEER-2", "--fail", "MESSAGE_REPLAYED@1", "--reauth", "entity@3");
  const { lines } = await request(server.listening, "--keyx", "ECDH:X25519", "--repeat", "3", "--body", "x");
  expect(lines.map((line) => line.ok)).toEqual([true, true, true]);
  const errors = lines.flatMap((line) => line.messages.map((message) => message.error)).filter((code) => code !== null);
  expect(errors).toEqual(["MESSAGE_REPLAYED", "MASTERTOKEN_REJECTED_BY_APP"]);
});

test("nobody listens, and a tcp URL in a trusted network", async () => {
  const { lines, code } = await request("tcp://127.0.0.1:1", "--body", "x");
  expect([code, lines[0]?.ok]).toEqual([1, false]);
  expect(lines[0]?.error).toMatchObject({ origin: "local", code: "TRANSPORT" });
  const wrong = await tinymsl("request", "tcp://h:1", "--keys", KEYS, "--entity", "NONE:x", "--network", "tn");
  expect(wrong.code).toBe(2);
});
