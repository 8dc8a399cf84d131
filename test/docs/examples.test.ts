// The examples of docs/examples as a user compiles and runs them: against the package's public paths, with the strictest
// types, on Node.

import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const sources = join(root, "docs/examples");
mkdirSync(join(root, "dist"), { recursive: true });
// Inside the package, whose own name its modules can import.
const out = mkdtempSync(join(root, "dist/examples-"));

beforeAll(() => {
  const files = readdirSync(sources).map((name) => join(sources, name));
  const options = [
    "--ignoreConfig",
    "--strict",
    "--exactOptionalPropertyTypes",
    "--noUncheckedIndexedAccess",
    "--skipLibCheck",
  ];
  const kind = ["--module", "nodenext", "--target", "es2022", "--types", "node", "--rootDir", sources, "--outDir", out];
  execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", ...options, ...kind, ...files], {
    cwd: root,
    stdio: "pipe",
  });
}, 60_000);

afterAll(() => rmSync(out, { recursive: true, force: true }));

const EXPECTED: Readonly<Record<string, RegExp>> = {
  express: /^Hello tv-0001\n\{"ok":true\}\n$/,
  fastify: /^Hello tv-0001\nmsl_exchanges_total\{outcome="response"\} 1\n$/,
  "user-scheme": /^Hello maria\nHello maria\n$/,
};

test("every example is run here", () => {
  const names = readdirSync(sources).map((name) => basename(name, ".ts"));
  expect(names.filter((name) => name !== "network").sort()).toEqual(Object.keys(EXPECTED).sort());
});

test.each(Object.keys(EXPECTED))("%s", async (name) => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(out, `${name}.js`)], {
    timeout: 20_000,
  });
  expect(stderr).toBe("");
  expect(stdout).toMatch(EXPECTED[name]!);
});
