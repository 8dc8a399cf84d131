// core.c and what is compiled from it. core.c itself needs no C compiler; the Node addon for tests and benchmarks does.
// `node tools/native.mjs` builds the addon (dist/native/core.node) and says which compiler it used, or that there is none.

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const OUT = `${ROOT}dist/native`;
/** For test files that run at a time, each with a core for each of its tests: what is not used stays unmapped. */
const INSTANCES = 1024;

/** Writes core.c and core.h from the MVP build in the same folder. */
export function writeC(out = "dist") {
  const wasm2c = `${ROOT}node_modules/wabt/bin/wasm2c`;
  execFileSync(process.execPath, [wasm2c, `${out}/core.mvp.wasm`, "-n", "core", "-o", `${out}/core.c`], { cwd: ROOT });
  withFixedMemory(resolve(ROOT, out, "core.c"));
}

/**
 * What wasm2c writes for memories that grow or trap by guard pages, put straight for one of fixed size: an address and a
 * bound that the compiler knows (wasm-rt.h), and no reads that are only there to trap.
 */
const FIXED_MEMORY = [
  ["#define MEM_ADDR(mem, addr, n) &((mem)->data[addr])", "#define MEM_ADDR(mem, addr, n) CORE_ADDRESS(mem, addr)"],
  ["if (UNLIKELY(a + (uint64_t)sizeof(t) > mem->size))", "if (UNLIKELY(a + (uint64_t)sizeof(t) > CORE_MEMORY_BYTES))"],
  ['#define FORCE_READ_INT(var) __asm__("" ::"r"(var));', "#define FORCE_READ_INT(var)"],
  ['#define FORCE_READ_FLOAT(var) __asm__("" ::"r"(var));', "#define FORCE_READ_FLOAT(var)"],
];

function withFixedMemory(path) {
  let text = readFileSync(path, "utf8");
  for (const [from, to] of FIXED_MEMORY) {
    if (!text.includes(from)) throw new Error(`wasm2c no longer writes: ${from}`);
    text = text.replace(from, to);
  }
  writeFileSync(path, text);
}

/** Exports as `[name, number of arguments]`, read from a header of wasm2c. */
export function exportsOf(header) {
  return [...header.matchAll(/^u32 w2c_core_(\w+)\(w2c_core\*((?:, u32)*)\);/gm)].map((match) => [
    match[1],
    match[2].split(",").length - 1,
  ]);
}

/** The system's C compiler: $CC, cc, gcc or clang; null if there is none. */
export function compiler() {
  for (const name of [process.env.CC, "cc", "gcc", "clang"]) {
    if (name && spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0) return name;
  }
  return null;
}

function isOlder(target, sources) {
  if (!existsSync(target)) return true;
  const time = statSync(target).mtimeMs;
  return sources.some((source) => statSync(source).mtimeMs > time);
}

/**
 * Builds the addon if it is missing or older than its sources; its path, or null without a compiler. With one instance
 * it is compiled as firmware has it, its memory at a fixed place: what benchmarks measure.
 */
export function buildAddon(instances = INSTANCES) {
  const cc = compiler();
  if (cc === null) return null;
  const target = instances === 1 ? `${OUT}/core-single.node` : `${OUT}/core.node`;
  const sources = [`${ROOT}dist/core.c`, `${ROOT}assembly/native/wasm-rt.c`, `${ROOT}test/core/native/addon.c`];
  if (!isOlder(target, [...sources, `${ROOT}assembly/native/wasm-rt.h`, `${ROOT}tools/native.mjs`])) return target;
  mkdirSync(OUT, { recursive: true });
  const table = exportsOf(readFileSync(`${ROOT}dist/core.h`, "utf8"));
  writeFileSync(`${OUT}/exports.inc`, table.map(([name, arity]) => `CORE_EXPORT(${name}, ${arity})\n`).join(""));
  const flags = ["-O3", "-fPIC", "-shared", "-fvisibility=hidden", `-DCORE_INSTANCES=${instances}`, "-DNDEBUG"];
  const includes = ["node_modules/node-api-headers/include", "dist", "dist/native", "assembly/native"];
  if (process.platform === "darwin") flags.push("-undefined", "dynamic_lookup");
  execFileSync(cc, [...flags, ...includes.map((path) => `-I${ROOT}${path}`), ...sources, "-o", target], {
    stdio: "inherit",
  });
  return target;
}

/** A file of src/core/abi.ts's integers for C. */
function writeAbi(target) {
  const text = readFileSync(`${ROOT}src/core/abi.ts`, "utf8");
  const lines = [...text.matchAll(/^export const (\w+) = (-?\d+);/gm)].map(
    ([, name, value]) => `#define ${name} (${value})`,
  );
  writeFileSync(target, `${lines.join("\n")}\n`);
}

/**
 * Builds a program of test/core/native from the text of a build, whose function names are kept: valgrind's reports name
 * them. @returns its path, or null without a compiler, or for the SIMD build without SIMDe's headers
 */
export function buildProgram(source, build = "mvp", flags = []) {
  const cc = compiler();
  if (cc === null) return null;
  const folder = `${OUT}/${build}`;
  mkdirSync(folder, { recursive: true });
  const target = `${folder}/${source.replace(/\.c$/, "")}`;
  const inputs = [
    `${ROOT}dist/wat/core.${build}.wat`,
    `${ROOT}test/core/native/${source}`,
    `${ROOT}assembly/native/wasm-rt.h`,
  ];
  if (!isOlder(target, inputs)) return target;
  const named = `${folder}/core.wasm`;
  const features = build === "simd" ? [] : ["--disable-simd"];
  execFileSync(process.execPath, [
    `${ROOT}node_modules/wabt/bin/wat2wasm`,
    "--debug-names",
    ...features,
    inputs[0],
    "-o",
    named,
  ]);
  execFileSync(process.execPath, [
    `${ROOT}node_modules/wabt/bin/wasm2c`,
    named,
    "-n",
    "core",
    "-o",
    `${folder}/core.c`,
  ]);
  withFixedMemory(`${folder}/core.c`);
  writeAbi(`${folder}/abi.inc`);
  // Not more than valgrind knows: SSE 4.2 has what a permutation of bytes needs.
  const vector = build === "simd" && process.arch === "x64" ? ["-msse4.2"] : [];
  const includes = [folder, `${ROOT}assembly/native`].map((path) => `-I${path}`);
  const sources = [`${folder}/core.c`, `${ROOT}assembly/native/wasm-rt.c`, `${ROOT}test/core/native/${source}`];
  const result = spawnSync(cc, ["-O2", "-g", ...vector, ...flags, ...includes, ...sources, "-o", target], {
    encoding: "utf8",
  });
  if (result.status === 0) return target;
  if (build === "simd" && /simde/.test(result.stderr)) return null;
  throw new Error(result.stderr);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  buildAddon(1);
  const path = buildAddon();
  console.log(path === null ? "No C compiler: core.c is not compiled." : `${path} by ${compiler()}`);
}
