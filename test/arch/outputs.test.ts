// The outputs keep what is promised of their form, and each check of it can fail.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import binaryen from "binaryen";
import { afterAll, describe, expect, test } from "vitest";
// @ts-expect-error: plain JavaScript
import * as es5 from "../../tools/checks/es5.mjs";
// @ts-expect-error: plain JavaScript
import * as mvp from "../../tools/checks/mvp.mjs";
// @ts-expect-error: plain JavaScript
import * as sizes from "../../tools/checks/output-sizes.mjs";
// @ts-expect-error: plain JavaScript
import * as twice from "../../tools/checks/reproducible.mjs";
// @ts-expect-error: plain JavaScript
import * as embedding from "../../tools/embed.mjs";

const folder = mkdtempSync(join(tmpdir(), "tinymsl-outputs-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("embedded modules", () => {
  test.each(["simd", "mvp"])("%s gives the bytes of the WebAssembly build, a new array each time", async (name) => {
    const { coreBytes } = (await import(resolve(`dist/embedded/${name}.js`))) as { coreBytes(): Uint8Array };
    const bytes = coreBytes();
    expect(Buffer.from(bytes).equals(readFileSync(`dist/core.${name}.wasm`))).toBe(true);
    bytes.fill(0);
    expect(coreBytes()[1]).toBe(0x61);
  });

  test("carry every byte value, alone and behind every other", async () => {
    const bytes = new Uint8Array(2 * 65536);
    for (let i = 0; i < 65536; i++) bytes.set([i >> 8, i], 2 * i);
    const path = join(folder, "all.mjs");
    writeFileSync(path, embedding.embed(bytes));
    const { coreBytes } = (await import(path)) as { coreBytes(): Uint8Array };
    expect(Buffer.from(coreBytes()).equals(bytes)).toBe(true);
  });

  test("survive a bundler that writes ASCII", async () => {
    const { buildSync } = await import("esbuild");
    const outfile = join(folder, "bundle.mjs");
    buildSync({ entryPoints: ["dist/embedded/mvp.js"], bundle: true, format: "esm", charset: "ascii", outfile });
    const { coreBytes } = (await import(outfile)) as { coreBytes(): Uint8Array };
    expect(Buffer.from(coreBytes()).equals(readFileSync("dist/core.mvp.wasm"))).toBe(true);
  });

  test("are smaller after gzip than hex, base64 and escapes", () => {
    const forms = embedding.forms(readFileSync("dist/core.mvp.wasm")) as [string, number, number][];
    const ours = forms.at(-1)![2];
    for (const [form, , gzip] of forms.slice(1, -1)) expect(gzip, form).toBeGreaterThan(ours);
  });
});

describe("ECMAScript 5", () => {
  test("is what core.js and the embedded modules are", () => expect(es5.es5()).toEqual([]));

  test.each(["let a = 1;", "var f = () => 1;", "var a = 2 ** 3;", "var a = 1n;", "var a = `x`;", "class A {}"])(
    "is not %s",
    (text) => expect(es5.es5Problems("x.js", `export function f(){return 1}${text}`)).toHaveLength(1),
  );

  test("with either form of an export", () => {
    expect(es5.es5Problems("x.js", "export function f(){return 1}")).toEqual([]);
    expect(es5.es5Problems("x.js", "function g(){return 1}export{g as f};")).toEqual([]);
  });
});

describe("the MVP builds", () => {
  test("hold nothing that came after WebAssembly's first version", () => expect(mvp.mvp()).toEqual([]));

  const later: readonly [string, string][] = [
    ["sign extension", '(func (export "f") (param i32) (result i32) (i32.extend8_s (local.get 0)))'],
    ["saturating conversion", '(func (export "f") (param f64) (result i32) (i32.trunc_sat_f64_s (local.get 0)))'],
    ["bulk memory", '(memory 1) (func (export "f") (memory.fill (i32.const 0) (i32.const 0) (i32.const 8)))'],
    ["a mutable global exported", '(global $g (mut i32) (i32.const 0)) (export "g" (global $g))'],
    ["a mutable global imported", '(import "m" "g" (global $g (mut i32)))'],
    ["several results", '(func (export "f") (result i32 i32) (tuple.make 2 (i32.const 0) (i32.const 1)))'],
    ["SIMD", '(func (export "f") (param v128) (result v128) (i8x16.popcnt (local.get 0)))'],
  ];
  test.each(later)("the check sees %s", (_, text) => {
    const module = binaryen.parseText(`(module ${text})`);
    module.setFeatures(binaryen.Features.All);
    const bytes = module.emitBinary();
    module.dispose();
    expect(mvp.mvpProblems("x", bytes)).toHaveLength(1);
  });

  test("the check sees bytes that are no WebAssembly", () => {
    expect(mvp.mvpProblems("x", new Uint8Array(8))).toHaveLength(1);
  });
});

describe("sizes", () => {
  test("are within their limits, and all are printed", () => {
    const lines: string[] = [];
    expect(sizes.outputSizes((line: string) => lines.push(line))).toEqual([]);
    expect(lines).toHaveLength(4);
    for (const line of lines) expect(line).toMatch(/\d+ bytes, \d+ after gzip/);
  });

  test("the check sees bytes above the limit, and an output without one; it prints a missed goal", () => {
    const bytes = Buffer.alloc(1000);
    const budget = (raw: number, gzip: number) => ({ goal: { raw: 500, gzip: 500 }, limit: { raw, gzip } });
    expect(sizes.judgeSize("x", bytes, budget(999, 500)).problems).toEqual(["x: raw 1000 > 999"]);
    expect(sizes.judgeSize("x", bytes, budget(1000, 1)).problems).toHaveLength(1);
    expect(sizes.judgeSize("x", bytes, budget(1000, 500)).problems).toEqual([]);
    expect(sizes.judgeSize("x", bytes, budget(1000, 500)).line).toContain("above its goal: raw 1000 > 500");
    expect(sizes.judgeSize("x", bytes, undefined).problems).toHaveLength(1);
  });
});

test("the comparison of two builds sees a different byte and a missing output", () => {
  const [a, b] = ["a", "b"].map((name) => join(folder, name)) as [string, string];
  for (const path of [a, b]) {
    mkdirSync(path);
    writeFileSync(join(path, "same"), "same");
    writeFileSync(join(path, "other"), path);
  }
  writeFileSync(join(a, "one"), "");
  const lines: string[] = [];
  expect(twice.differences(a, b, ["same"], (line: string) => lines.push(line))).toEqual([]);
  expect(lines).toEqual([expect.stringMatching(/^ +[0-9a-f]{64} {2}same$/)]);
  expect(twice.differences(a, b, ["same", "other", "one"])).toEqual([
    "other differs between two builds",
    "one was not built",
  ]);
});

test("where there is no WebAssembly at all, the command runs on core.js", () => {
  const out = execFileSync(process.execPath, [
    "--jitless",
    "--no-warnings",
    "dist/cli/main.js",
    "keygen",
    "--psk",
    "a",
  ]);
  expect(JSON.parse(out.toString()).psk).toHaveLength(2);
});
