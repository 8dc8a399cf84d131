// The exports of each core build are exactly those that the bridge declares in src/core/exports.ts.

import { readFileSync } from "node:fs";

/** Names declared in the CoreExports interface. */
export function declaredExports(text) {
  const body = text.slice(text.indexOf("interface CoreExports"));
  return new Set([...body.matchAll(/^ {2}(?:readonly )?(\w+)[(:]/gm)].map((match) => match[1]));
}

export function compareExports(declared, actual, build) {
  const missing = [...declared].filter((name) => !actual.has(name)).map((name) => `${build} does not export ${name}`);
  const extra = [...actual].filter((name) => !declared.has(name)).map((name) => `${build} exports ${name}, undeclared`);
  return [...missing, ...extra];
}

export async function wasmExports() {
  const declared = declaredExports(readFileSync("src/core/exports.ts", "utf8"));
  const problems = [];
  for (const build of ["simd", "mvp", "debug"]) {
    const module = await WebAssembly.compile(readFileSync(`dist/core.${build}.wasm`));
    if (WebAssembly.Module.imports(module).length > 0) problems.push(`${build} imports something`);
    const actual = new Set(WebAssembly.Module.exports(module).map((entry) => entry.name));
    problems.push(...compareExports(declared, actual, build));
  }
  return problems;
}
