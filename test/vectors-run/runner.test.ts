// The vector runner itself: what it counts, and that it can fail. Works on small folders of damaged vectors.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Io } from "../../src/cli/io.ts";
import { run } from "../../src/cli/run.ts";
import { runFolder, VECTORS } from "./bench.ts";

const root = mkdtempSync(join(tmpdir(), "tinymsl-vectors-"));
let folders = 0;
afterAll(() => rmSync(root, { recursive: true, force: true }));

type Json = Record<string, unknown>;

const TRUNCATED = "payload: no chunk with the end-of-message flag";

function recorded(file: string): Json {
  return JSON.parse(readFileSync(join(VECTORS, file), "utf8")) as Json;
}

/** A folder with the key file and `files`; text is written as it is. */
function folder(
  files: Record<string, unknown>,
  keys: string | null = readFileSync(join(VECTORS, "keys.json"), "utf8"),
): string {
  const dir = join(root, String(folders++));
  mkdirSync(dir);
  if (keys !== null) writeFileSync(join(dir, "keys.json"), keys);
  for (const [name, value] of Object.entries(files)) {
    writeFileSync(join(dir, name), typeof value === "string" ? value : JSON.stringify(value));
  }
  return dir;
}

/** One list of a recorded file, cut to one vector with `change` applied. */
function one(file: string, list: string, name: string | number, change: (vector: Json) => void = () => {}): Json {
  const members = recorded(file);
  const vectors = members[list] as Json[];
  const vector = typeof name === "number" ? vectors[name] : vectors.find((candidate) => candidate.name === name);
  if (vector === undefined) throw new Error(`no vector ${name} in ${file}`);
  change(vector);
  for (const key of Object.keys(members)) {
    if ((Array.isArray(members[key]) || key === "time") && key !== list) delete members[key];
  }
  return { ...members, [list]: [vector] };
}

function flipHex(text: string): string {
  return (text[0] === "0" ? "1" : "0") + text.slice(1);
}

describe("counting", () => {
  test("one untouched vector passes", async () => {
    const run = await runFolder(folder({ "base64.json": one("base64.json", "encode", 3) }));
    expect(run.lines).toEqual(["1 passed, 0 failed, 0 skipped"]);
    expect(run.result.exitCode).toBe(0);
  });

  test("a scheme that the build does not contain is skipped under its name, and skips alone are no success", async () => {
    const jose = one("compression.json", "vectors", 1, (vector) => {
      vector.algo = "JWK";
    });
    const run = await runFolder(folder({ "compression.json": jose }));
    expect(run.lines).toEqual(["SKIP JWK: 1", "0 passed, 0 failed, 1 skipped"]);
    expect(run.result.exitCode).toBe(1);
  });

  test("a folder with nothing but keys is no success", async () => {
    const run = await runFolder(folder({}));
    expect(run.lines).toEqual(["0 passed, 0 failed, 0 skipped"]);
    expect(run.result.exitCode).toBe(1);
  });

  test("an empty folder is a failure: the key file is required", async () => {
    const run = await runFolder(folder({}, null));
    expect(run.lines[0]).toMatch(/^FAIL keys\.json /);
    expect(run.lines.at(-1)).toBe("0 passed, 1 failed, 0 skipped");
    expect(run.result.exitCode).toBe(1);
  });

  test("a key file of another format is a failure", async () => {
    const keys = JSON.stringify({ ...recorded("keys.json"), format: 2 });
    const run = await runFolder(folder({ "base64.json": one("base64.json", "encode", 3) }, keys));
    expect(run.lines[0]).toMatch(/^FAIL keys\.json .*format/);
    expect(run.result.exitCode).toBe(1);
  });
});

describe("what is unknown fails", () => {
  const known = { "base64.json": one("base64.json", "encode", 3) };

  test.each([
    ["a file", { ...known, "tokens9.json": {} }, /^FAIL tokens9\.json /],
    ["a file that is no vector file", { ...known, "notes.txt": "hello" }, /^FAIL notes\.txt /],
    [
      "a list",
      { "base64.json": { ...one("base64.json", "encode", 3), encode2: [{}] } },
      /^FAIL base64\.json encode2#- /,
    ],
    [
      "a list that is none",
      { "base64.json": { ...one("base64.json", "encode", 3), decode: {} } },
      /^FAIL base64\.json decode#- /,
    ],
    ["JSON that is none", { ...known, "errors.json": "{" }, /^FAIL errors\.json /],
    ["a file without members", { ...known, "errors.json": "[]" }, /^FAIL errors\.json /],
  ])("%s", async (_what, files, line) => {
    const run = await runFolder(folder(files));
    expect(run.lines[0]).toMatch(line);
    expect(run.lines.at(-1)).toBe("1 passed, 1 failed, 0 skipped");
    expect(run.result.exitCode).toBe(1);
  });

  test("a recorded field that nothing compares", async () => {
    const file = one("base64.json", "encode", 3, (vector) => (vector.crc = 7));
    const run = await runFolder(folder({ "base64.json": file }));
    expect(run.lines[0]).toMatch(/^FAIL base64\.json encode#0 .*not checked: crc/);
  });

  test("a vector that is no object", async () => {
    const run = await runFolder(folder({ "base64.json": { encode: [7] } }));
    expect(run.lines[0]).toMatch(/^FAIL base64\.json encode#0 -: /);
  });

  test("notes beside the vectors are left alone", async () => {
    const run = await runFolder(folder({ ...known, "README.md": "about" }));
    expect(run.lines).toEqual(["1 passed, 0 failed, 0 skipped"]);
  });
});

describe("the command", () => {
  async function command(...args: string[]) {
    const out: string[] = [];
    const err: string[] = [];
    const io: Io = {
      out: (line) => out.push(line),
      err: (line) => err.push(line),
      isTerminal: false,
      stdin: async () => new Uint8Array(0),
      onStop() {},
    };
    return { code: await run(["vectors", ...args], io), out, err };
  }

  test("runs a folder on the core that is asked for, and under the rules of the reference", async () => {
    const dir = folder({ "messages_negative.json": one("messages_negative.json", "vectors", TRUNCATED) });
    for (const core of ["auto", "simd", "mvp"]) {
      const { code, out } = await command(dir, "--core", core, "--compat", "reference");
      expect([code, out]).toEqual([0, ["1 passed, 0 failed, 0 skipped"]]);
    }
  });

  test.each([
    ["no folder", []],
    ["two folders", ["a", "b"]],
    ["an unknown option", ["a", "--fast"]],
    ["an unknown core", ["a", "--core", "gpu"]],
    ["an unknown peer", ["a", "--compat", "java"]],
  ])("refuses %s", async (_what, args) => {
    const { code, out, err } = await command(...args);
    expect([code, out]).toEqual([2, []]);
    expect(err).not.toEqual([]);
  });

  test("fails for a folder that is not there", async () => {
    const { code, out } = await command(join(root, "nowhere"));
    expect([code, out.at(-1)]).toEqual([1, "0 passed, 1 failed, 0 skipped"]);
  });
});

describe("a damaged vector is noticed in every file", () => {
  const set = (name: string, value: unknown) => (vector: Json) => void (vector[name] = value);
  const flip = (name: string) => (vector: Json) => void (vector[name] = flipHex(vector[name] as string));
  const inError = (name: string, value: unknown) => (vector: Json) => void ((vector.error as Json)[name] = value);
  const under = (outer: string, change: (vector: Json) => void) => (vector: Json) => change(vector[outer] as Json);

  const DAMAGED: readonly [string, string, string | number, (vector: Json) => void][] = [
    ["errors.json", "errors", 5, set("responseCode", 9)],
    ["errors.json", "responseCodes", 2, set("code", 4)],
    ["base64.json", "encode", 3, flip("data")],
    ["base64.json", "decode", 1, set("result", "01")],
    ["base64.json", "decode", 4, set("accepted", true)],
    ["misc.json", "messageIds", 3, set("incremented", 1)],
    ["misc.json", "capabilitiesIntersection", 5, set("preferred", "LZW")],
    ["misc.json", "capabilitiesParse", 1, under("result", set("compressionalgos", "[LZW]"))],
    ["misc.json", "jsonInputs", 1, under("result", set("aLong", 2))],
    ["ciphertext_envelopes.json", "encode", 0, flip("ciphertext")],
    ["ciphertext_envelopes.json", "parse", "v1 as is", under("result", set("keyid", "l"))],
    ["ciphertext_envelopes.json", "parse", "v1 no keyid", inError("internalCode", 100012)],
    ["signature_envelopes.json", "encode", 0, flip("signature")],
    ["signature_envelopes.json", "parse", "v2", under("detect", set("accepted", false))],
    ["symmetric.json", "encrypt", 3, flip("ciphertext")],
    ["symmetric.json", "sign", 4, flip("signature")],
    ["symmetric.json", "wrap", 1, flip("wrapped")],
    ["symmetric.json", "deriveWrappingKey", 0, flip("wrappingKey")],
    ["symmetric.json", "negative", "decrypt: other keyid", flip("result")],
    ["symmetric.json", "negative", "verify: as is", set("result", false)],
    ["compression.json", "vectors", 4, set("useful", true)],
    ["compression.json", "negative", "gzip with trailing bytes", flip("result")],
    ["master_tokens.json", "vectors", 0, set("identity", "entity-9")],
    ["master_tokens.json", "vectors", 0, flip("encryptionKey")],
    ["master_tokens.json", "vectors", 0, flip("signatureKey")],
    ["master_tokens.json", "parse", "signature byte changed", under("issuer", under("result", set("verified", true)))],
    ["master_tokens.json", "isNewerThan", 0, set("aNewerThanB", false)],
    ["user_id_tokens.json", "vectors", 0, set("user", "VEC-user-2")],
    ["user_id_tokens.json", "parse", "no master token", under("client", inError("responseCode", 3))],
    ["service_tokens.json", "vectors", 0, flip("data")],
    ["service_tokens.json", "parse", "as is", under("result", set("decrypted", false))],
    ["entity_auth.json", "vectors", 0, under("protect", flip("signature"))],
    ["entity_auth.json", "vectors", 0, set("encrypts", false)],
    ["entity_auth.json", "parse", "PSK unknown identity", inError("name", "ENTITY_REVOKED")],
    ["user_auth.json", "vectors", 0, set("user", "VEC-user-2")],
    ["user_auth.json", "parse", "wrong password", inError("internalCode", 105005)],
    ["key_exchange.json", "vectors", 7, under("sessionKeys", flip("signatureKey"))],
    [
      "key_exchange.json",
      "negative",
      "SYMMETRIC_WRAPPED:PSK response: other keyid",
      inError("name", "MSL_PARSE_ERROR"),
    ],
    ["messages.json", "vectors", 6, (vector) => flip("applicationData")((vector.messages as Json[])[0]!)],
    ["key_exchange.json", "negative", "unknown scheme", inError("internalCode", 107001)],
    ["messages_negative.json", "vectors", TRUNCATED, under("result", set("applicationData", ""))],
    ["messages_negative.json", "vectors", "correct: PSK", under("result", flip("applicationData"))],
    ["messages_negative.json", "vectors", "header: no renewable", under("reply", set("messageid", "random"))],
    ["messages_negative.json", "vectors", "payload: sequence skips", set("dataBeforeError", "79")],
    [
      "messages_negative.json",
      "vectors",
      "error message: from PSK",
      under("result", under("errorHeader", set("errorcode", 3))),
    ],
  ];

  test("master_tokens.json time.at", async () => {
    const { time } = recorded("master_tokens.json") as { time: Json & { at: Json[] } };
    const at = [{ ...time.at[5], expired: true }];
    const run = await runFolder(folder({ "master_tokens.json": { time: { ...time, at } } }));
    expect(run.lines[0]).toMatch(/^FAIL master_tokens\.json time\.at#0 -: expired by /);
  });

  test.each(DAMAGED)("%s %s %s", async (file, list, name, change) => {
    const intact = await runFolder(folder({ [file]: one(file, list, name) }));
    expect(intact.lines).toEqual(["1 passed, 0 failed, 0 skipped"]);
    const damaged = await runFolder(folder({ [file]: one(file, list, name, change) }));
    expect(damaged.lines[0]).toMatch(new RegExp(`^FAIL ${file.replace(".", "\\.")} ${list}#0 .+: .+`));
    expect(damaged.lines.at(-1)).toBe("0 passed, 1 failed, 0 skipped");
    expect(damaged.result.exitCode).toBe(1);
  });
});
