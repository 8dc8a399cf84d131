// Two builds of the same source are the same bytes. `npm run build:check` builds dist/ and compares; verify compares the
// dist/ that it has just built. Either prints the SHA-256 of each output.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { buildCore } from "../build-core.mjs";

const TARGETS = ["simd", "mvp", "small", "js"];
const OUTPUTS = ["core.simd.wasm", "core.mvp.wasm", "core.small.wasm", "core.js", "core.c", "core.h"];
const EMBEDDED = ["embedded/simd.js", "embedded/mvp.js"];
const AGAIN = "dist/again";

/** Outputs that are missing or differ between two folders. */
export function differences(first, second, names, print = () => {}) {
  return names.flatMap((name) => {
    const [a, b] = [first, second].map((folder) =>
      existsSync(`${folder}/${name}`) ? readFileSync(`${folder}/${name}`) : null,
    );
    if (a === null || b === null) return [`${name} was not built`];
    print(`     ${createHash("sha256").update(a).digest("hex")}  ${name}`);
    return a.equals(b) ? [] : [`${name} differs between two builds`];
  });
}

/** Builds once more, beside the dist/ that is there, and compares. */
export async function reproducible(print = console.log) {
  try {
    await buildCore(TARGETS, AGAIN);
    return differences("dist", AGAIN, [...OUTPUTS, ...EMBEDDED], print);
  } finally {
    rmSync(AGAIN, { recursive: true, force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await buildCore(TARGETS);
  const problems = await reproducible();
  for (const problem of problems) console.log(problem);
  console.log(problems.length === 0 ? "Both builds are the same." : "The builds differ.");
  process.exitCode = problems.length === 0 ? 0 : 1;
}
