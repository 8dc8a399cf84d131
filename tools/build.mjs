// Builds everything into dist/: the core (asc), the library and its types (tsc), the command line and the demo as
// bundles that start fast (esbuild). `node tools/build.mjs core` builds the core alone, `… core simd` one of its
// targets.

import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { buildCore, run } from "./build-core.mjs";

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
  await buildCore(process.argv.slice(3));
} else {
  rmSync("dist", { recursive: true, force: true });
  mkdirSync("dist");
  await Promise.all([buildCore(), run("node_modules/typescript/bin/tsc", ["-p", "tsconfig.json"])]);
  await bundles();
}
