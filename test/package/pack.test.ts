// The packed package, installed into an empty folder: it runs, type-checks and bundles.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "tinymsl-pack-"));
const home = join(folder, "node_modules/tinymsl");

beforeAll(() => {
  const list = execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], { cwd: root });
  const [{ filename }] = JSON.parse(list.toString()) as [{ filename: string }];
  mkdirSync(home, { recursive: true });
  execFileSync("tar", ["-xzf", join(folder, filename), "-C", home, "--strip-components=1"]);
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const tsc = (args: string[]) =>
  execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), ...args], {
    cwd: folder,
    stdio: "pipe",
  });

test("the tarball holds what users need and nothing else", () => {
  const files = JSON.parse(
    execFileSync("npm", ["pack", "--json", "--dry-run", "--ignore-scripts"], { cwd: root }).toString(),
  )[0].files.map((file: { path: string }) => file.path) as string[];
  for (const path of [
    "dist/cli/main.js",
    "dist/core.simd.wasm",
    "dist/core.mvp.wasm",
    "dist/index.d.ts",
    "dist/THIRD-PARTY.txt",
    "README.md",
    "LICENSE",
  ]) {
    expect(files).toContain(path);
  }
  expect(files.filter((path) => !/^(dist\/|README|LICENSE|CHANGELOG|SECURITY|package\.json)/.test(path))).toEqual([]);
  expect(files.filter((path) => path.includes("debug"))).toEqual([]);
});

test("the licence of code that the command carries comes along", () => {
  expect(readFileSync(join(home, "dist/THIRD-PARTY.txt"), "utf8")).toMatch(/^cbor-x\n\nMIT License/);
});

test("the command runs from the installed package", () => {
  const run = (...args: string[]) =>
    execFileSync(process.execPath, [join(home, "dist/cli/main.js"), ...args]).toString();
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  expect(run("--version").trim()).toBe(version);
  expect(JSON.parse(run("keygen", "--psk", "a")).psk.map((entry: { identity: string }) => entry.identity)).toEqual([
    "server",
    "a",
  ]);
});

test("every path of the exports map resolves, and a strict consumer type-checks", () => {
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    exports: Record<string, unknown>;
  };
  const paths = Object.keys(exports).filter((path) => !/\.(wasm|json)$/.test(path));
  const lines = paths.map(
    (path, i) => `import * as m${i} from "tinymsl${path.slice(1)}";\nexport const k${i} = Object.keys(m${i});`,
  );
  writeFileSync(join(folder, "all.mts"), lines.join("\n"));
  cpSync(join(root, "docs/example.ts"), join(folder, "example.mts"));
  cpSync(join(root, "node_modules/@types/node"), join(folder, "node_modules/@types/node"), { recursive: true });
  cpSync(join(root, "node_modules/undici-types"), join(folder, "node_modules/undici-types"), { recursive: true });
  const strict = [
    "--strict",
    "--exactOptionalPropertyTypes",
    "--module",
    "nodenext",
    "--target",
    "es2022",
    "--types",
    "node",
  ];
  tsc([...strict, "--outDir", "out", "all.mts", "example.mts"]);
  const loaded = execFileSync(process.execPath, ["out/all.mjs"], { cwd: folder });
  expect(loaded.toString()).toBe("");
});

test("the README's example prints the server's answer", () => {
  const out = execFileSync(process.execPath, ["out/example.mjs"], { cwd: folder, timeout: 20_000 }).toString();
  expect(out).toBe("Hello tv-0001: what may I watch?\n");
});

test("internals are out of reach", () => {
  writeFileSync(join(folder, "inside.mjs"), 'import "tinymsl/dist/core/core.js";');
  expect(() => execFileSync(process.execPath, ["inside.mjs"], { cwd: folder, stdio: "pipe" })).toThrow(
    /ERR_PACKAGE_PATH_NOT_EXPORTED/,
  );
});

test("a device bundles for a platform without Node's modules, and without what servers need", async () => {
  const { build } = await import("esbuild");
  writeFileSync(
    join(folder, "device.mjs"),
    'export { createClient, createCore } from "tinymsl/client"; export { psk } from "tinymsl/entity-auth/psk"; export { ecdh } from "tinymsl/key-exchange/ecdh"; export { fetchTransport } from "tinymsl/transport/fetch";',
  );
  const { outputFiles } = await build({
    entryPoints: [join(folder, "device.mjs")],
    bundle: true,
    minifySyntax: true,
    minifyWhitespace: true,
    write: false,
    platform: "neutral",
    format: "esm",
    target: "es2020",
  });
  const { text } = outputFiles[0]!;
  expect(text.match(/["']node:\w+|\bTextEncoder|\bTextDecoder|\bsetTimeout|\bBuffer\b/g)).toBeNull();
  expect(text).toMatch(/\bcreateClient\b/);
  expect(text.match(/\b(createServer|createTokenIssuer|IssuerMemory|fetchHandler|memoryPskKeys)\b/g)).toBeNull();
});
