// The command line as a black box: its functions with captured output, a real server on loopback.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parseOptions } from "../../src/cli/options.ts";
import { run } from "../../src/cli/run.ts";
import { tinymsl } from "./command.ts";

const KEYS = "test/vectors/keys.json";
const dir = mkdtempSync(join(tmpdir(), "tinymsl-cli-"));
const stops: (() => void)[] = [];
afterAll(async () => {
  for (const stop of stops) stop();
  rmSync(dir, { recursive: true, force: true });
});

/** Starts `serve` and gives its URL and log. */
async function serve(...args: string[]) {
  const log: Record<string, unknown>[] = [];
  let done: Promise<number> = Promise.resolve(0);
  let stop = () => {};
  const url = await new Promise<string>((resolve, reject) => {
    const io = {
      out(line: string) {
        const entry = JSON.parse(line);
        if (entry.listening) resolve(entry.listening);
        else log.push(entry);
      },
      err() {},
      isTerminal: false,
      stdin: async () => new Uint8Array(0),
      onStop: (callback: () => void) => {
        stop = callback;
      },
    };
    done = run(["serve", "--keys", KEYS, ...args], io);
    done.then((code) => code !== 0 && reject(new Error(`serve ended with ${code}`)));
  });
  const end = async () => {
    stop();
    return done;
  };
  stops.push(() => void end());
  return { url, log, end };
}

const ask = (url: string, ...args: string[]) =>
  tinymsl("request", url, "--keys", KEYS, "--entity", "PSK:VEC-PSK-1", "--body=x", ...args);

describe("serve and request", () => {
  test("key exchange, login and echo in one round trip; SIGTERM ends with 0", async () => {
    const server = await serve();
    const { code, json } = await ask(
      server.url,
      "--keyx",
      "ECDH:X25519",
      "--user",
      "EMAIL_PASSWORD:VEC-user-1",
      "--repeat",
      "2",
      "--peer",
      "PSK:VEC-SERVER",
    );
    expect(code).toBe(0);
    const [first, second] = json();
    expect(first).toMatchObject({
      ok: true,
      body: "ECHO:x",
      roundTrips: 1,
      user: "VEC-user-1",
      masterToken: { sequenceNumber: 0 },
    });
    expect(first.messages[0]).toMatchObject({
      direction: "out",
      kind: "message",
      format: "JSON",
      entityScheme: "PSK",
      userScheme: "EMAIL_PASSWORD",
      keyx: ["ECDH"],
      encrypted: true,
      error: null,
    });
    expect(first.bytesSent).toBe(first.messages[0].bytes);
    expect(second.messages[0]).toMatchObject({
      format: "CBOR",
      sequenceNumber: 0,
      hasUserIdToken: true,
      userScheme: null,
    });
    expect(server.log.length).toBe(4);
    expect(await server.end()).toBe(0);
  });

  test.each(["JSON", "CBOR"])(
    "--format %s starts and stays in it, NONE shakes hands, SYMMETRIC_WRAPPED works",
    async (format) => {
      const { url } = await serve();
      const psk = await ask(
        url,
        "--keyx",
        "SYMMETRIC_WRAPPED:PSK",
        "--format",
        format,
        "--repeat",
        "2",
        "--non-replayable",
      );
      expect(psk.json().map((r) => r.ok)).toEqual([true, true]);
      expect(new Set(psk.json().flatMap((r) => r.messages.map((m: { format: string }) => m.format)))).toEqual(
        new Set([format]),
      );
      const none = await tinymsl(
        "request",
        url,
        "--keys",
        KEYS,
        "--entity",
        "NONE:VEC-ANON-1",
        "--keyx",
        "ECDH:X25519",
        "--format",
        format,
      );
      expect(none.json()[0]).toMatchObject({ ok: true, roundTrips: 2 });
      expect(none.json()[0].messages[0].kind).toBe("handshake");
    },
  );

  test("--fail, --reauth, --revoke, --rotate-after, --token-life, --service-token", async () => {
    const failing = await serve("--fail", "INTERNAL_EXCEPTION@1");
    const failed = await ask(failing.url, "--repeat", "2");
    expect(failed.code).toBe(1);
    expect(failed.json()[0]).toMatchObject({
      ok: false,
      error: { origin: "remote", code: "INTERNAL_EXCEPTION", internalCode: 109000, responseCode: 2 },
    });
    expect(failed.json()[1].ok).toBe(true);
    const reauth = await serve("--reauth", "entity@2");
    const again = await ask(reauth.url, "--keyx", "ECDH:X25519", "--repeat", "2");
    expect(again.json().map((r) => [r.ok, r.roundTrips])).toEqual([
      [true, 1],
      [true, 2],
    ]);
    const revoked = await serve("--revoke", "VEC-PSK-1");
    expect((await ask(revoked.url)).json()[0].error.code).toBe("ENTITY_REVOKED");
    const rotating = await serve("--rotate-after", "1");
    const rotated = await ask(rotating.url, "--keyx", "ECDH:X25519", "--repeat", "3");
    expect(rotated.json().map((r) => [r.ok, r.roundTrips])).toEqual([
      [true, 1],
      [true, 1],
      [true, 1],
    ]);
    const short = await serve("--token-life", "1000,0");
    const renewed = await ask(short.url, "--keyx", "ECDH:X25519", "--repeat", "3");
    expect(renewed.json().map((r) => r.masterToken.sequenceNumber)).toEqual([0, 1, 2]);
    const tokens = await serve("--service-token", "a=b");
    const carried = await ask(tokens.url, "--keyx", "ECDH:X25519", "--repeat", "2");
    // The token of the first answer rides in the second request.
    expect(carried.json()[1].messages[0].bytes).toBeGreaterThan(rotated.json()[1].messages[0].bytes + 50);
    expect(carried.code).toBe(0);
  });

  test("--store keeps the device across runs, --state file keeps the server across restarts", async () => {
    const state = join(dir, "server");
    const store = join(dir, "device");
    const one = await serve("--state", `file:${state}`);
    await ask(one.url, "--keyx", "ECDH:X25519", "--store", store);
    await one.end();
    const two = await serve("--state", `file:${state}`);
    const { json } = await ask(two.url, "--keyx", "ECDH:X25519", "--store", store, "--non-replayable");
    expect(json()[0]).toMatchObject({ ok: true, roundTrips: 1, masterToken: { sequenceNumber: 0 } });
    expect(json()[0].messages[0].sequenceNumber).toBe(0);
  });

  test("a server that is not there is a local transport failure; bodies from files come back as they are", async () => {
    const { code, json } = await ask("http://127.0.0.1:1/msl");
    expect(code).toBe(1);
    expect(json()[0].error).toMatchObject({
      origin: "local",
      code: "TRANSPORT",
      internalCode: null,
      responseCode: null,
    });
    const { url } = await serve();
    const path = join(dir, "body.bin");
    writeFileSync(path, Buffer.from([0xff, 0, 1]));
    const binary = await tinymsl("request", url, "--keys", KEYS, "--entity", "PSK:VEC-PSK-1", "--body", `@${path}`);
    expect(binary.json()[0]).toMatchObject({
      ok: true,
      body: null,
      bodyBase64: Buffer.concat([Buffer.from("ECHO:"), Buffer.from([0xff, 0, 1])]).toString("base64"),
    });
    const wrongPassword = await fetch(url, { method: "GET" });
    expect([wrongPassword.status, (await fetch(url.replace("/msl", "/x"), { method: "POST" })).status]).toEqual([
      405, 404,
    ]);
  });
});

describe("wrong usage is exit code 2", () => {
  test.each([
    [[]],
    [["nope"]],
    [["serve"]],
    [["serve", "--keys", KEYS, "--network", "p3p"]],
    [["serve", "--keys", KEYS, "--port", "x"]],
    [["serve", "--keys", KEYS, "--fail", "NOPE"]],
    [["request"]],
    [["request", "not a url", "--keys", KEYS, "--entity", "PSK:x"]],
    [["request", "http://h/", "--keys", KEYS]],
    [["request", "http://h/", "--keys", KEYS, "--entity", "RSA:x"]],
    [["request", "http://h/", "--keys", KEYS, "--entity", "PSK:x", "--keyx", "DIFFIE_HELLMAN:group15"]],
    [["request", "http://h/", "--keys", KEYS, "--entity", "PSK:x", "--core", "wasm"]],
    [["keygen", "--user", "x"]],
    [["keygen", "--what"]],
    [["vectors"]],
    [["inspect", "/no/such/file"]],
  ])("%j", async (args) => expect((await tinymsl(...args)).code).toBe(2));

  test("a broken key file is named by the member, without its value", async () => {
    const path = join(dir, "keys.json");
    writeFileSync(path, JSON.stringify({ format: 1, msl: { keyid: "x", encryptionkey: "c2VjcmV0", hmackey: "" } }));
    const { code, err } = await tinymsl("serve", "--keys", path);
    expect([code, err[0]]).toEqual([1, "tinymsl serve: msl.encryptionkey: 16, 24, 32 bytes are needed"]);
  });

  test("the option parser", () => {
    const spec = { a: "value", b: "flag", c: "list" } as const;
    const options = parseOptions(["x", "--a=1", "--c", "2", "--c", "3", "--b"], spec, 1);
    expect([options.positional, options.get("a"), options.all("c"), options.has("b")]).toEqual([
      ["x"],
      "1",
      ["2", "3"],
      true,
    ]);
    for (const bad of [["--d"], ["--a"], ["--a", "1", "--a", "2"], ["--b=1"], ["x", "y"], ["--__proto__", "1"]])
      expect(() => parseOptions(bad, spec, 1)).toThrow();
  });
});

describe("inspect and keygen", () => {
  test("shows what rides in a message, hides passwords, says where bytes are malformed", async () => {
    const keys = await tinymsl("keygen", "--psk", "d", "--user", "u:e@x:pass:word", "--rsa", "r", "--ecc", "c");
    const file = JSON.parse(keys.out.join("\n"));
    expect(file.users[0]).toEqual({ userid: "u", email: "e@x", password: "pass:word" });
    expect([file.rsa.length, file.ecc.length, file.format]).toEqual([1, 1, 1]);
    const { World, user } = await import("../scenario/world.ts");
    const world = await World.create();
    const device = await world.device({ firstFormat: "CBOR" });
    await (await device.request({ body: "hello", user: user("secret") })).text();
    const path = join(dir, "message");
    writeFileSync(path, world.wire[0]!.request);
    const closed = await tinymsl("inspect", path, "--json");
    const [message] = JSON.parse(closed.out[0]!).messages;
    expect(message.header).toMatchObject({ offset: 0, format: "CBOR", kind: "message", signature: "no key" });
    expect(message.budget.total).toBe(world.wire[0]!.request.length);
    writeFileSync(path, Buffer.concat([world.wire[0]!.request, Buffer.from([0xa1, 0x0a])]));
    const cut = await tinymsl("inspect", path);
    expect([cut.code, cut.err[0]]).toEqual([1, expect.stringContaining(`from offset`)]);
    expect(cut.out.join("\n") + cut.err.join("\n")).not.toContain("secret");
  });

  test("a recorded exchange of the reference is opened with its keys", async () => {
    const vectors = JSON.parse(
      await import("node:fs").then((fs) => fs.readFileSync("test/vectors/messages.json", "utf8")),
    );
    const { messages } = vectors.vectors.find((v: { name: string }) => v.name === "PSK without key exchange");
    const path = join(dir, "recorded");
    writeFileSync(path, messages[0].message);
    const { code, out } = await tinymsl("inspect", path, "--keys", KEYS, "--json");
    expect(code).toBe(0);
    const [message] = JSON.parse(out[0]!).messages;
    expect(message.header.signature).toBe("verified");
    expect(Buffer.from(message.payloads[0].dataBase64, "base64").toString("hex")).toBe(messages[0].applicationData);
    const text = await tinymsl("inspect", path, "--keys", KEYS);
    expect(text.out.join("\n")).toContain("signature verified");
    expect(Math.max(...text.out.map((line) => line.length))).toBeLessThanOrEqual(110);
  });
});
