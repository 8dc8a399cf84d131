// Node's modules only where the name of a file or its folder says so: everything else runs on any engine.

import { readFileSync } from "node:fs";
import { sourceFiles } from "./layers.mjs";

export function isPortable(path) {
  const isNode = path.endsWith("-node.ts") || path === "src/node.ts" || /^src\/(cli|demo)\//.test(path);
  return !isNode;
}

/** Imports of node: modules and of packages in portable files. */
export function portabilityProblems(path, text) {
  if (!isPortable(path)) return [];
  const imports = text.matchAll(/(?:from|import)\s*\(?\s*"([^."][^"]*)"/g);
  return [...imports].map((match) => `${path} imports ${match[1]}`);
}

export function portability(root = "src") {
  return sourceFiles(root).flatMap((path) => portabilityProblems(path, readFileSync(path, "utf8")));
}
