// core.js and the embedded modules are ECMAScript 5 but for their `export`, which bundlers and loaders take away.

import { readFileSync } from "node:fs";
import { parse } from "acorn";

const FILES = ["dist/core.js", "dist/embedded/simd.js", "dist/embedded/mvp.js"];

export function es5Problems(path, text) {
  // Minifiers write `export function f` or `export{f as g}`.
  const script = text.replace(/\bexport function\b/, "function").replace(/\bexport\s*\{[^{}]*\}/, "");
  try {
    parse(script, { ecmaVersion: 5, sourceType: "script" });
    return [];
  } catch (error) {
    return [`${path}: ${error.message}`];
  }
}

export function es5(files = FILES) {
  return files.flatMap((path) => es5Problems(path, readFileSync(path, "utf8")));
}
