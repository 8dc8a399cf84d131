// Node's modules only where the name of a file or its folder says so: everything else runs on any engine.

import { readFileSync } from "node:fs";
import { sourceFiles } from "./layers.mjs";

export function isPortable(path) {
  const isNode = path.endsWith("-node.ts") || path === "src/node.ts" || /^src\/(cli|demo)\//.test(path);
  return !isNode;
}

/** Imports of node: modules and of packages in portable files; the loader package stands in one file alone. */
export function portabilityProblems(path, text) {
  if (!isPortable(path)) return [];
  const problems = [];
  for (const match of text.matchAll(/(?:from|import)\s*\(?\s*"([^."][^"]*)"/g)) {
    const isLoader = match[1] === "@assemblyscript/loader" && path === "src/core/wasm.ts";
    if (!isLoader) problems.push(`${path} imports ${match[1]}`);
  }
  return problems;
}

export function portability(root = "src") {
  return sourceFiles(root).flatMap((path) => portabilityProblems(path, readFileSync(path, "utf8")));
}
