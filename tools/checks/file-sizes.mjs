// Hand-written files stop at 400 lines; the exceptions say why.

import { readFileSync } from "node:fs";
import { existsSync } from "node:fs";
import { sourceFiles } from "./layers.mjs";

const LIMIT = 400;
const EXCEPTIONS = new Map([
  ["src/core/core.ts", "the one bridge: splitting it would spread memory offsets over files"],
]);

export function fileSizes(folders, limit = LIMIT) {
  const files = folders
    .filter(existsSync)
    .flatMap((folder) => [...sourceFiles(folder), ...sourceFiles(folder, ".mjs")]);
  return files.flatMap((path) => {
    if (path.endsWith(".gen.ts") || EXCEPTIONS.has(path)) return [];
    const lines = readFileSync(path, "utf8").split("\n").length - 1;
    return lines > limit ? [`${path}: ${lines} lines`] : [];
  });
}
