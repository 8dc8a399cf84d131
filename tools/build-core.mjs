// The core's outputs: asc compiles without optimising, with names; binaryen optimises; the names are then stripped from
// what ships and kept in dist/wat/, where the checks and the native test programs read them.
// asc's own optimiser was left out because it made the SIMD build a third larger at the same speed.
// Everything is written below one folder, dist/ but for the check that two builds are the same.

import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describeForms, EMBEDDED_TYPES, embed } from "./embed.mjs";
import { writeC } from "./native.mjs";

const BINARYEN = "node_modules/binaryen/bin";
const SIMD = [
  "--mvp-features",
  ...["simd", "bulk-memory", "sign-ext", "mutable-globals", "nontrapping-float-to-int"].map(
    (name) => `--enable-${name}`,
  ),
];
const MVP = ["--mvp-features"];
const FEATURES = { simd: SIMD, mvp: MVP, js: MVP };
/** Profiles: for each target there, assembly/index.<target>.ts names what ships. */
const PROFILE_CONFIG = "asconfig.profiles.json";
const PROFILES = Object.keys(JSON.parse(readFileSync(PROFILE_CONFIG, "utf8")).targets);

/**
 * Functions that stay calls, here or there from their only caller too: a call costs nanoseconds, copies of their bodies
 * cost kilobytes, and gzip finds more alike in small functions. None runs in the loops of AES, SHA-2, HMAC, P-256 and X25519.
 */
const CALLED = [
  "assembly/bignum/arena/*",
  "assembly/bignum/bytes-be/*",
  "assembly/bignum/kernel/limb*",
  "assembly/bignum/kernel/setKernel",
  "assembly/bignum/modexp/digitAt",
  "assembly/bignum/modulus/*",
  "assembly/bignum/words/*",
  "assembly/bytes/copy",
  "assembly/bytes/wipe",
  "assembly/cipher/aes-kw/*",
  "assembly/cipher/aes-simd/linear",
  "assembly/cipher/gcm/*",
  "assembly/cipher/ghash*",
  "assembly/dh/*",
  "assembly/ec/ecdsa*",
  "assembly/ec/field25519.i64/scaled",
  "assembly/ec/limbs25519/*",
  "assembly/ec/p256-element/*",
  "assembly/ec/p256-field*/limbs*",
  "assembly/ec/p256-field/feAdd",
  "assembly/ec/p256-field/feSub",
  "assembly/ec/p256-scalar/*",
  "assembly/framing/base64-stage/*",
  "assembly/framing/base64/*",
  "assembly/framing/cbor-read/*",
  "assembly/framing/chunk/number",
  "assembly/framing/envelope/plainAt",
  "assembly/framing/json-read/isPlain",
  "assembly/framing/values/*",
  "assembly/framing/write/*",
  "assembly/hash/mgf1/*",
  "assembly/hash/sha1/*",
  "assembly/hash/sha256/sha256Start",
  "assembly/hash/sha512/sha512SetLength",
  "assembly/mac/cmac/*",
  "assembly/mac/hmac-sha512/*",
  "assembly/memory/key-slots/at",
  "assembly/memory/key-slots/is*",
  "assembly/memory/key-slots/slotCheck",
  "assembly/memory/key-slots/slotFill",
  "assembly/memory/key-slots/slotFillPlain",
  "assembly/memory/layout/inFront",
  "assembly/memory/layout/inStage",
  "assembly/memory/scratch/scratchPop",
  "assembly/memory/scratch/scratchPush",
  "assembly/rsa/oaep/*",
  "assembly/rsa/pkcs1/*",
  "assembly/rsa/rsa-core/*",
  "assembly/rsa/rsa-key/*",
  "~lib/polyfills/bswap<u64>",
];

/**
 * How the full builds are optimised. Without the passes left out, locals are numbered alike in like code, which gzip
 * rewards, at the same speed.
 */
const FAST = [
  "--flexible-inline-max-function-size=65",
  "--skip-pass=reorder-locals",
  "--skip-pass=ssa-nomerge",
  "-O3",
  "--converge",
];
/** Profiles are for where bytes count: after gzip, bodies of up to ten bytes cost less than calls of them. */
const SMALL = ["--always-inline-max-function-size=10", "-Oz", "--converge"];

export function run(bin, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bin, ...args], { stdio: ["ignore", "inherit", "inherit"] });
    child.on("error", reject);
    child.on("exit", (code) =>
      code === 0 ? resolve() : reject(new Error(`${bin} ${args.join(" ")}: exit code ${code}`)),
    );
  });
}

const asc = (...args) => run("node_modules/assemblyscript/bin/asc.js", args);

/** core.TARGET.wasm and its text with names, wat/core.TARGET.wat. */
async function compile(out, target, entry = [], level = FAST) {
  const raw = `${out}/raw/core.${target}`;
  const overrides = ["--optimizeLevel", "0", "--debug", "--outFile", `${raw}.wasm`, "--textFile", `${raw}.wat`];
  await asc(...entry, "--target", target, ...overrides);
  const features = FEATURES[target] ?? MVP;
  const apart = CALLED.map((name) => `--no-inline=*${name}`);
  const named = `${raw}.named.wasm`;
  await run(`${BINARYEN}/wasm-opt`, [`${raw}.wasm`, ...features, ...apart, ...level, "-g", "-o", named]);
  await Promise.all([
    run(`${BINARYEN}/wasm-dis`, [named, ...features, "-o", `${out}/wat/core.${target}.wat`]),
    run(`${BINARYEN}/wasm-opt`, [
      named,
      ...features,
      "--strip-debug",
      "--strip-producers",
      "-o",
      `${out}/core.${target}.wasm`,
    ]),
  ]);
}

/**
 * core.js: what runs where there is no WebAssembly. One function that makes an instance; ES5 but for `export`.
 * wasm2js -Os behind wasm-opt -O3: 3 % smaller than -O4 behind it and as fast; wasm-opt -Os gains 5 % more and makes AES
 * half as fast.
 */
async function javascript(out) {
  const raw = `${out}/raw/core.js`;
  await run(`${BINARYEN}/wasm2js`, [`${out}/core.js.wasm`, "-Os", "--pedantic", "-o", raw]);
  const text = readFileSync(raw, "utf8");
  // wasm2js ends with `var retasmFunc = asmFunc({…});` and one `export var` a name.
  const body = text.slice(0, text.lastIndexOf("var retasmFunc"));
  const { transform } = await import("esbuild");
  const { code } = await transform(`export function createExports() {\n${body}return asmFunc({});\n}\n`, {
    minify: true,
    target: "es5",
    charset: "ascii",
    legalComments: "none",
  });
  writeFileSync(`${out}/core.js`, code);
  writeFileSync(`${out}/core.d.ts`, JAVASCRIPT_TYPES);
  rmSync(`${out}/core.js.wasm`);
}

const JAVASCRIPT_TYPES = `import type { CoreExports } from "./core/exports.js";
/** A new instance of the core, for \`startCore\` or \`createCore\`. */
export declare function createExports(): CoreExports;
`;

/** The WebAssembly build as a module, embedded/NAME.js. */
function embedded(out, name) {
  const bytes = readFileSync(`${out}/core.${name}.wasm`);
  writeFileSync(`${out}/embedded/${name}.js`, embed(bytes));
  writeFileSync(`${out}/embedded/${name}.d.ts`, EMBEDDED_TYPES);
  console.log(describeForms(`core.${name}.wasm`, bytes));
}

function report(out, file) {
  const bytes = readFileSync(`${out}/${file}`);
  console.log(`${file} ${bytes.length} bytes, ${gzipSync(bytes, { level: 9 }).length} gzip`);
}

const STEPS = {
  simd: async (out) => {
    await compile(out, "simd");
    report(out, "core.simd.wasm");
    embedded(out, "simd");
  },
  mvp: async (out) => {
    await compile(out, "mvp");
    report(out, "core.mvp.wasm");
    embedded(out, "mvp");
    writeC(out);
  },
  js: async (out) => {
    await compile(out, "js");
    await javascript(out);
    report(out, "core.js");
  },
  debug: (out) =>
    asc("--target", "debug", "--outFile", `${out}/core.debug.wasm`, "--textFile", `${out}/core.debug.wat`),
};
for (const name of PROFILES) {
  STEPS[name] = async (out) => {
    const entry = [`assembly/index.${name}.ts`, "--config", PROFILE_CONFIG];
    await compile(out, name, entry, SMALL);
    report(out, `core.${name}.wasm`);
  };
}

/** Builds the named outputs, or all of them, into a folder. */
export async function buildCore(targets = [], out = "dist") {
  for (const folder of ["raw", "wat", "embedded"]) mkdirSync(`${out}/${folder}`, { recursive: true });
  const chosen = targets.length > 0 ? targets : Object.keys(STEPS);
  await Promise.all(chosen.map((target) => STEPS[target](out)));
  if (targets.length === 0) rmSync(`${out}/raw`, { recursive: true });
}
