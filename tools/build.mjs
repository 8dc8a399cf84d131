// Builds everything into dist/: the core (asc), the types (tsc), and the library, the command line and the demo as
// bundles that start fast (esbuild). `node tools/build.mjs core` builds the core alone, `… core simd` one of its
// targets.

import { mkdirSync, rmSync } from "node:fs";
import { buildCore, run } from "./build-core.mjs";

mkdirSync("dist", { recursive: true });
if (process.argv[2] === "core") {
  await buildCore(process.argv.slice(3));
} else {
  rmSync("dist", { recursive: true, force: true });
  mkdirSync("dist");
  await Promise.all([
    buildCore(),
    run("node_modules/typescript/bin/tsc", ["-p", "tsconfig.json", "--emitDeclarationOnly"]),
  ]);
  const { bundleLibrary, bundlePrograms } = await import("./bundle.mjs");
  await Promise.all([bundleLibrary(), bundlePrograms()]);
}
