// Builds everything into dist/: the core (asc), the library and its types (tsc), the command line and the demo as
// bundles that start fast (esbuild). `node tools/build.mjs core` builds the core alone.

import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { writeC } from "./native.mjs";

const TARGETS = ["simd", "mvp", "js", "debug"];
/** Profiles: for each target there, assembly/index.<target>.ts names what ships. */
const PROFILE_CONFIG = "asconfig.profiles.json";
const PROFILES = Object.keys(JSON.parse(readFileSync(PROFILE_CONFIG, "utf8")).targets);

function run(bin, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bin, ...args], { stdio: ["ignore", "inherit", "inherit"] });
    child.on("error", reject);
    child.on("exit", (code) =>
      code === 0 ? resolve() : reject(new Error(`${bin} ${args.join(" ")}: exit code ${code}`)),
    );
  });
}

async function core() {
  const asc = "node_modules/assemblyscript/bin/asc.js";
  await Promise.all([
    ...TARGETS.map((target) => run(asc, ["--target", target])),
    ...PROFILES.map((name) => run(asc, [`assembly/index.${name}.ts`, "--config", PROFILE_CONFIG, "--target", name])),
  ]);
  for (const target of ["simd", "mvp", ...PROFILES]) {
    const bytes = readFileSync(`dist/core.${target}.wasm`);
    console.log(`core.${target}.wasm ${bytes.length} bytes, ${gzipSync(bytes, { level: 9 }).length} gzip`);
  }
  await javascript();
  writeC();
}

/** core.js: what runs where there is no WebAssembly. One function that makes an instance; ES5 but for `export`. */
async function javascript() {
  const raw = "dist/core.js.raw";
  await run("node_modules/binaryen/bin/wasm2js", ["dist/core.js.wasm", "-O4", "--pedantic", "-o", raw]);
  const text = readFileSync(raw, "utf8");
  // wasm2js ends with `var retasmFunc = asmFunc({…});` and one `export var` a name.
  const body = text.slice(0, text.lastIndexOf("var retasmFunc"));
  const code = `export function createExports() {\n${body}return asmFunc({});\n}\n`;
  writeFileSync("dist/core.js", code);
  rmSync(raw);
  rmSync("dist/core.js.wasm");
  console.log(`core.js ${code.length} bytes, ${gzipSync(code, { level: 9 }).length} gzip`);
}

async function bundles() {
  const { build } = await import("esbuild");
  await build({
    entryPoints: { "cli/main": "src/cli/main.ts", "demo/main": "src/demo/main.ts" },
    outdir: "dist",
    bundle: true,
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
    format: "esm",
    platform: "node",
    target: "node20",
    minifySyntax: true,
    legalComments: "none",
    logLevel: "warning",
  });
  chmodSync("dist/cli/main.js", 0o755);
}

mkdirSync("dist", { recursive: true });
if (process.argv[2] === "core") {
  await core();
} else {
  rmSync("dist", { recursive: true, force: true });
  mkdirSync("dist");
  await Promise.all([core(), run("node_modules/typescript/bin/tsc", ["-p", "tsconfig.json"])]);
  await bundles();
}
