// What a public path of the built package loads: few files, no module twice, and one class whatever path it came by.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parse } from "acorn";
import { describe, expect, test } from "vitest";
import { KEY_AES, USE_ENCRYPT } from "../../src/core/abi.ts";

const root = resolve(import.meta.dirname, "../..");
const dist = join(root, "dist");
const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  exports: Record<string, { readonly default: string } | string>;
};
const entries = Object.entries(exports).flatMap(([path, target]) =>
  typeof target === "string" ? [] : [[path, join(root, target.default)] as const],
);

/** Paths of the imports and re-exports of a module. */
function importsOf(file: string): string[] {
  const { body } = parse(readFileSync(file, "utf8"), { ecmaVersion: "latest", sourceType: "module" });
  return body.flatMap((node) => ("source" in node && node.source ? [String(node.source.value)] : []));
}

/** The files below dist/ that a module loads at once, itself included. */
function loadedBy(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const path of importsOf(file)) if (path.startsWith(".")) loadedBy(resolve(dirname(file), path), seen);
  return seen;
}

const most: Record<string, number> = {
  "./node": 2,
  "./errors": 2,
  "./core/start": 2,
  "./core.js": 1,
  "./embedded/simd": 1,
  "./embedded/mvp": 1,
  "./crypto": 1,
  "./store/file": 4,
  "./store/issuer-file": 4,
};

test.each(entries)("%s loads few files", (path, file) => {
  const files = [...loadedBy(file)].map((name) => relative(dist, name));
  expect(files.length, files.join(" ")).toBeLessThanOrEqual(most[path] ?? 3);
});

test("no source is in two of the files, nor a package in any", () => {
  const files = new Set(entries.flatMap(([, file]) => [...loadedBy(file)]));
  const sources = [...files].flatMap((file) => {
    const marks = readFileSync(file, "utf8").match(/^\/\/ (?:src|node_modules)\/\S+$/gm);
    return [...new Set(marks)];
  });
  expect(sources.length).toBeGreaterThan(50);
  expect(sources.filter((source, i) => sources.indexOf(source) !== i)).toEqual([]);
  expect(sources.filter((source) => source.includes("node_modules"))).toEqual([]);
});

describe("classes", () => {
  const load = (path: string) => import(pathToFileURL(join(dist, path)).href);

  test("are the same on every path that has them", async () => {
    const modules = await Promise.all(entries.map(([, file]) => import(pathToFileURL(file).href)));
    const first = new Map<string, unknown>();
    let shared = 0;
    for (const [name, value] of modules.flatMap((module) => Object.entries(module))) {
      if (name === "coreBytes") continue; // each embedded build has its own
      if (first.has(name)) shared++;
      else first.set(name, value);
      expect(value, name).toBe(first.get(name));
    }
    expect(shared).toBeGreaterThan(20);
  });

  test("of errors thrown by a core, a store and a transport are those of ./errors and ./client", async () => {
    const { MslLocalError, MslProtocolError, MslTransportError } = await load("errors/msl-error.js");
    const { MslError } = await load("client.js");
    const { loadCore } = await load("node.js");
    const { fileStorage } = await load("store/file-storage-node.js");
    const { httpTransport } = await load("transport/http-node.js");
    const core = await loadCore();
    const key = core.generateKey({ type: KEY_AES, usage: USE_ENCRYPT }, 16);
    const badFile = fileStorage(join(root, "LICENSE"), { encryption: { core, key: new Uint8Array(32) } });
    const exchange = await httpTransport("http://127.0.0.1/").open({ signal: null });
    const failures: [unknown, () => unknown][] = [
      [MslProtocolError, () => core.cbcEncrypt(key, new Uint8Array(1), new Uint8Array(3))],
      [MslLocalError, () => badFile.load()],
      [
        MslTransportError,
        () => {
          exchange.abort();
          return exchange.reader.read();
        },
      ],
    ];
    for (const [kind, run] of failures) {
      const error = await (async () => run())().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(kind);
      expect(error).toBeInstanceOf(MslError);
    }
  });
});

test("the builds of the core are found from a bundle of Node's path", () => {
  const code =
    'const { loadCoreExplained } = await import("./dist/node.js"); for (const kind of ["simd", "mvp", "js"]) console.log((await loadCoreExplained(kind)).why);';
  const out = execFileSync(process.execPath, ["--input-type=module", "-e", code], { cwd: root, encoding: "utf8" });
  expect(out).toBe("simd: asked for\nmvp: asked for\njs: asked for\n");
});
