// Bundles the model, or another program of the tests, with the library's sources into dist/model/, as they are or with
// one place changed.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

/** The core that the model runs on. */
export const CORE = at("../../dist/core.simd.wasm");

/**
 * @param change  `{ file, find, replace }`: one place of one file under src/, which must be there exactly once
 * @returns the bundle's path
 */
export function bundleModel(name, change = null) {
  return bundleProgram(at("worker.ts"), name, change);
}

/** @param entry  path of the program */
export async function bundleProgram(entry, name, change = null) {
  const outfile = at(`../../dist/model/${name}.mjs`);
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    logLevel: "error",
    plugins: change === null ? [] : [changing(change)],
  });
  return outfile;
}

function changing({ file, find, replace }) {
  const path = at(`../../src/${file}`);
  return {
    name: "change",
    setup(builder) {
      builder.onLoad({ filter: /\.ts$/ }, async (args) => {
        if (args.path !== path) return null;
        const text = await readFile(path, "utf8");
        const parts = text.split(find);
        if (parts.length !== 2) throw new Error(`${file} holds the line to change ${parts.length - 1} times: ${find}`);
        return { contents: parts.join(replace), loader: "ts" };
      });
    },
  };
}
