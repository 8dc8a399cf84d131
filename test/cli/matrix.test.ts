// The command line over every scheme: entities, key exchanges, users and formats, each at least once and in pairs; what
// each fault option does; what `inspect` shows of what was sent.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../../src/cli/run.ts";

const KEYS = "test/vectors/keys.json";
const dir = mkdtempSync(join(tmpdir(), "tinymsl-matrix-"));
let stop = () => {};
let url = "";

async function tinymsl(...args: string[]) {
  const out: string[] = [];
  const io = {
    out: (line: string) => void out.push(line),
    err() {},
    isTerminal: false,
    stdin: async () => new Uint8Array(0),
    onStop() {},
  };
  const code = await run(args, io);
  return { code, rows: out.map((line) => JSON.parse(line)) };
}

function serve(...args: string[]): Promise<{ url: string; stop: () => void }> {
  return new Promise((resolve, reject) => {
    let end = () => {};
    const io = {
      out(line: string) {
        const entry = JSON.parse(line);
        if (entry.listening) resolve({ url: entry.listening, stop: () => end() });
      },
      err() {},
      isTerminal: false,
      stdin: async () => new Uint8Array(0),
      onStop: (callback: () => void) => {
        end = callback;
      },
    };
    run(["serve", "--keys", KEYS, ...args], io).then((code) => code !== 0 && reject(new Error(`serve: ${code}`)));
  });
}

beforeAll(async () => {
  ({ url, stop } = await serve("--entity", "RSA:VEC-rsa-server"));
});
afterAll(() => {
  stop();
  rmSync(dir, { recursive: true, force: true });
});

const ENTITIES = [
  "PSK:VEC-PSK-1",
  "PSK_PROFILE:VEC-PSKP-1",
  "RSA:VEC-rsa-client",
  "ECC:VEC-ecc-client",
  "X509:client",
  "X509:client2",
  "NONE:VEC-ANON-1",
  "NONE_SUFFIXED:VEC-ROOT",
  "PROVISIONED",
  "MT_PROTECTED:PSK:VEC-PSK-1",
  "MT_PROTECTED:ECC:VEC-ecc-client",
] as const;
const EXCHANGES = [
  "ECDH:X25519",
  "ECDH:P-256",
  "DIFFIE_HELLMAN:group14",
  "DIFFIE_HELLMAN:modp2048",
  "DIFFIE_HELLMAN:ffdhe2048",
  "ECDH:P-256,DIFFIE_HELLMAN:group14",
] as const;
const FOR_PSK = [
  "SYMMETRIC_WRAPPED:PSK",
  "JWE_LADDER:PSK",
  "JWK_LADDER:PSK",
  "JWK_LADDER:PSK,JWK_LADDER:WRAP",
] as const;
const WRAPPED = ["JWK_RSA", "RSA", "JWE_RSA", "JWEJS_RSA", "JWK_RSAES"] as const;
const USERS = [null, "EMAIL_PASSWORD:VEC-user-1", "USER_ID_TOKEN"] as const;
const FORMATS = [null, "JSON", "CBOR"] as const;

interface Case {
  readonly entity: string;
  readonly keyx: string;
  readonly user: string | null;
  readonly format: string | null;
}

const of = <T>(list: readonly T[], i: number): T => list[i % list.length]!;
const PAIRS: readonly Case[] = [
  ...ENTITIES.flatMap((entity, e) =>
    [0, 1, 2].map((k) => ({
      entity,
      keyx: of(EXCHANGES, e * 3 + k),
      // An entity that does not know its name cannot show tokens of it.
      user: entity === "PROVISIONED" ? of([null, "EMAIL_PASSWORD:VEC-user-1"], k) : of(USERS, e + k),
      format: of(FORMATS, e + 2 * k),
    })),
  ),
  ...FOR_PSK.map((keyx, i) => ({ entity: "PSK:VEC-PSK-1", keyx, user: of(USERS, i), format: of(FORMATS, i) })),
  ...WRAPPED.map((mechanism, i) => ({
    entity: of(ENTITIES, i * 2),
    keyx: `ASYMMETRIC_WRAPPED:${mechanism}`,
    user: null,
    format: of(FORMATS, i),
  })),
];

test.each(PAIRS)("$entity with $keyx, user $user, format $format", async ({ entity, keyx, user, format }) => {
  const args = ["request", url, "--keys", KEYS, "--entity", entity, "--keyx", keyx, "--body", "hi", "--repeat", "2"];
  if (user !== null) args.push("--user", user);
  if (format !== null) args.push("--format", format);
  const { code, rows } = await tinymsl(...args);
  expect(rows.map((row) => row.error ?? row.body)).toEqual(["ECHO:hi", "ECHO:hi"]);
  expect(code).toBe(0);
  expect(rows[0].masterToken).toEqual(rows[1].masterToken);
  expect(rows[1].roundTrips).toBe(1);
  expect(rows[1].messages.map((message: { format: string }) => message.format)).toEqual(
    Array(2).fill(format ?? "CBOR"),
  );
  expect(rows[0].user === null).toBe(user === null);
});

describe("variants", () => {
  const request = (...args: string[]) => tinymsl("request", url, "--keys", KEYS, "--body", "hi", ...args);

  test("--non-replayable needs a token first, --no-encrypt needs none", async () => {
    const strict = await request("--entity", "PSK:VEC-PSK-1", "--keyx", "ECDH:X25519", "--non-replayable");
    expect([strict.code, strict.rows[0].roundTrips]).toEqual([0, 2]);
    const open = await request("--entity", "NONE:VEC-ANON-1", "--no-encrypt");
    expect(open.code).toBe(1); // nothing protects its integrity
    const signed = await request("--entity", "ECC:VEC-ecc-client", "--no-encrypt");
    expect([signed.code, signed.rows[0].roundTrips]).toEqual([0, 1]);
  });

  test("--peer accepts one sender", async () => {
    const right = await request("--entity", "RSA:VEC-rsa-client", "--no-encrypt", "--peer", "RSA:VEC-rsa-server");
    expect([right.code, right.rows[0].sender]).toEqual([0, "VEC-SERVER"]);
    const wrong = await request("--entity", "RSA:VEC-rsa-client", "--no-encrypt", "--peer", "PSK:VEC-PSK-1");
    expect(wrong.rows[0].error).toMatchObject({ origin: "local", code: "MESSAGE_SENDER_MISMATCH" });
  });

  test("certificates that are not trusted are the server's to refuse", async () => {
    for (const [name, code] of [
      ["untrusted", "X509CERT_VERIFICATION_FAILED"],
      ["expired", "X509CERT_EXPIRED"],
      ["notyet", "X509CERT_NOT_YET_VALID"],
    ] as const) {
      const { rows } = await request("--entity", `X509:${name}`, "--no-encrypt");
      expect(rows[0].error).toMatchObject({ origin: "remote", code });
    }
  });

  test("a ladder's wrapping key is kept with --store and used for the renewal", async () => {
    const server = await serve("--token-life", "1000,-10");
    const store = join(dir, "ladder");
    const args = ["request", server.url, "--keys", KEYS, "--entity", "PSK:VEC-PSK-1", "--store", store, "--body", "x"];
    const first = await tinymsl(...args, "--keyx", "JWE_LADDER:PSK,JWE_LADDER:WRAP");
    const second = await tinymsl(...args, "--keyx", "JWE_LADDER:WRAP");
    expect([first.rows[0].masterToken.sequenceNumber, second.rows[0].masterToken.sequenceNumber]).toEqual([0, 1]);
    server.stop();
  });

  test.each(["simd", "mvp", "js"])("--core %s runs every part", async (core) => {
    const args = ["--core", core, "--entity", "ECC:VEC-ecc-client", "--keyx", "DIFFIE_HELLMAN:group14"];
    expect((await request(...args)).rows[0].body).toBe("ECHO:hi");
  });

  test("a server may be any entity that proves itself", async () => {
    for (const entity of ["PSK:VEC-SERVER", "ECC:VEC-ecc-server", "X509:server", "PSK_PROFILE:VEC-PSKP-SERVER"]) {
      const server = await serve("--entity", entity);
      const { rows } = await tinymsl(
        ...["request", server.url, "--keys", KEYS, "--entity", "RSA:VEC-rsa-client", "--keyx", "ECDH:P-256"],
        ...["--body", "hi", "--peer", entity],
      );
      expect(rows[0].error ?? rows[0].body, entity).toBe("ECHO:hi");
      server.stop();
    }
  });
});
