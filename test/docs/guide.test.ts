// The programs of docs/GUIDE.md: each ```ts block is a module that is compiled as a user's and run; what it prints is the
// ```text block behind it.

import { execFile, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const guide = readFileSync(join(root, "docs/GUIDE.md"), "utf8");

interface Program {
  readonly section: string;
  readonly source: string;
  readonly prints: string;
}

function programs(): readonly Program[] {
  const found: Program[] = [];
  let section = "";
  const parts = /^## (.*)$|^```ts\n([\s\S]*?)^```\n(?:\n```text\n([\s\S]*?)^```$)?/gm;
  for (const [, title, source, prints] of guide.matchAll(parts)) {
    if (title !== undefined) section = title;
    else found.push({ section, source: source!, prints: prints ?? "" });
  }
  return found;
}

const all = programs();
mkdirSync(join(root, "dist"), { recursive: true });
// Inside the package, whose own name its modules can import.
const folder = mkdtempSync(join(root, "dist/guide-"));

beforeAll(() => {
  cpSync(join(root, "docs/examples/network.ts"), join(folder, "network.ts"));
  all.forEach(({ source }, i) => {
    writeFileSync(join(folder, `program-${i}.ts`), source);
  });
  const files = all.map((_, i) => join(folder, `program-${i}.ts`));
  const strict = ["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--skipLibCheck"];
  const kind = ["--ignoreConfig", "--module", "nodenext", "--target", "es2022", "--types", "node", "--rootDir", folder];
  const compiled = spawnSync(process.execPath, ["node_modules/typescript/bin/tsc", ...kind, ...strict, ...files], {
    cwd: root,
    encoding: "utf8",
  });
  expect(compiled.stdout).toBe("");
  expect(compiled.status).toBe(0);
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("every block of code is a program with its output", () => {
  const fences = guide.match(/^```\w+$/gm) ?? [];
  expect(all.length).toBeGreaterThan(5);
  expect(fences).toEqual(all.flatMap(() => ["```ts", "```text"]));
  for (const { prints } of all) expect(prints).not.toBe("");
});

test.each(all.map((program, i) => ({ ...program, i })))(
  "$section",
  async ({ i, prints }) => {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(folder, `program-${i}.js`)], {
      cwd: root,
      timeout: 30_000,
    });
    expect(stderr).toBe("");
    expect(stdout).toBe(prints);
  },
  40_000,
);
