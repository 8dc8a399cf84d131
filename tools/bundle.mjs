// Bundles the JavaScript of dist/: the library, the command line and the demo. Node spends about half a millisecond on
// each file that it loads, so a public path of package.json loads few: `dist/chunks/core.js` holds the bridge to the core
// and the errors, `dist/chunks/msl.js` the other portable modules, but for the adapters to streams; a public path is a list of names from one of them, or
// a module of its own where it needs Node. Every module is there once, so that a class is the same class on every path.

import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { build } from "esbuild";
import { isPortable } from "./checks/portability.mjs";

const COMMON = {
  outdir: "dist",
  bundle: true,
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  format: "esm",
  platform: "node",
  target: "es2022",
  minifySyntax: true,
  legalComments: "none",
  logLevel: "warning",
};

const CHUNKS = ["core", "msl", "streams"];
/** In its chunk for bench/: no public path leads there. */
const MEASURED = ["src/core/seal.ts"];

/** The chunk that holds a source file; null: the file needs Node, or lies in src/ itself and does nothing but export. */
function chunkOf(path) {
  if (!isPortable(path) || /^src\/[^/]+$/.test(path)) return null;
  if (path.startsWith("src/streams/")) return "streams";
  return /^src\/(core|errors|platform)\//.test(path) ? "core" : "msl";
}

/** The entries behind the public paths, `core/start` for dist/core/start.js; those that tools/build-core.mjs makes left out. */
export function publicEntries() {
  const { exports } = JSON.parse(readFileSync("package.json", "utf8"));
  const outputs = Object.values(exports).flatMap((target) => target.default ?? []);
  const names = outputs.map((path) => path.replace(/^\.\/dist\/|\.js$/g, ""));
  return names.filter((name) => name !== "core" && !name.startsWith("embedded/"));
}

export async function bundleLibrary() {
  const entries = publicEntries();
  const sources = entries.map((name) => `src/${name}.ts`);
  const { inputs, outputs } = (await build({ ...COMMON, entryPoints: sources, write: false, metafile: true })).metafile;
  const entryPoints = Object.fromEntries(CHUNKS.map((chunk) => [`chunks/${chunk}`, `all:${chunk}`]));
  for (const name of entries) if (!isPortable(`src/${name}.ts`)) entryPoints[name] = `src/${name}.ts`;
  const plugins = [chunks([...new Set([...Object.keys(inputs), ...MEASURED])])];
  const bundle = await build({ ...COMMON, entryPoints, plugins, write: false, metafile: true });
  for (const { path, text } of bundle.outputFiles) write(relative(".", path), text);

  const exportsOf = (chunk) => bundle.metafile.outputs[`dist/chunks/${chunk}.js`].exports;
  const homes = new Map(CHUNKS.flatMap((chunk) => exportsOf(chunk).map((name) => [name, chunk])));
  for (const { entryPoint, exports } of Object.values(outputs)) {
    if (entryPoint === undefined || !isPortable(entryPoint)) continue;
    write(entryPoint.replace(/^src(.*)ts$/, "dist$1js"), reExports(exports, homes));
  }
}

/** The text of a public path. A name that two files of a chunk export has no home: `export *` leaves it out. */
function reExports(exports, homes) {
  const lost = exports.filter((name) => !homes.has(name));
  if (lost.length > 0) throw new Error(`Not the name of one thing in one chunk: ${lost.join(", ")}`);
  const lines = CHUNKS.map((chunk) => [chunk, exports.filter((name) => homes.get(name) === chunk)]);
  const full = lines.filter(([, names]) => names.length > 0);
  return (
    full.map(([chunk, names]) => `export { ${names.join(", ")} } from "chunk:${chunk}";\n`).join("") || "export {};\n"
  );
}

/** `all:core` exports everything that is in the chunk; an import of it from outside becomes `chunk:core`. */
function chunks(inputs) {
  return {
    name: "chunks",
    setup({ onLoad, onResolve }) {
      onResolve({ filter: /^all:/ }, ({ path }) => ({ path: path.slice(4), namespace: "all" }));
      onLoad({ filter: /./, namespace: "all" }, ({ path }) => ({
        contents: inputs.flatMap((input) => (chunkOf(input) === path ? `export * from "./${input}";\n` : "")).join(""),
        resolveDir: ".",
      }));
      onResolve({ filter: /^\./ }, ({ path, importer, namespace, resolveDir }) => {
        const chunk = chunkOf(relative(".", resolve(resolveDir, path)));
        const inside = namespace === "all" ? importer : chunkOf(relative(".", importer));
        if (inside === "core" && chunk === "msl") throw new Error(`${importer} of the chunk core imports ${path}`);
        return chunk === null || chunk === inside ? null : { path: `chunk:${chunk}`, external: true };
      });
    },
  };
}

/** Writes a file of dist/, with paths in place of the names of chunks. */
function write(path, text) {
  const up = relative(dirname(path), "dist/chunks") || ".";
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text.replaceAll(/"chunk:(\w+)"/g, `"${up.startsWith(".") ? up : `./${up}`}/$1.js"`));
}

export async function bundlePrograms() {
  const { metafile } = await build({
    ...COMMON,
    entryPoints: { "cli/main": "src/cli/main.ts", "demo/main": "src/demo/main.ts" },
    metafile: true,
  });
  chmodSync("dist/cli/main.js", 0o755);
  writeFileSync("dist/THIRD-PARTY.txt", licences(Object.keys(metafile.inputs)));
}

/** The licences of the packages whose files went into a bundle: they ask to come along. */
function licences(inputs) {
  const folders = new Set(inputs.flatMap((path) => /^.*\bnode_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []));
  return [...folders]
    .sort()
    .map((folder) => `${folder.replace(/^.*node_modules\//, "")}\n\n${readFileSync(`${folder}/LICENSE`, "utf8")}`)
    .join("\n");
}
