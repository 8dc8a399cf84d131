// The MVP builds hold nothing that came after WebAssembly's first version: no bulk memory, sign extension, saturating
// conversion, mutable globals across the border, multi-value, SIMD or reference types. Binaryen's validator judges.

import { readFileSync } from "node:fs";
import binaryen from "binaryen";

const BUILDS = ["mvp", "small"];

export function mvpProblems(name, bytes) {
  let module;
  try {
    module = binaryen.readBinary(bytes);
    module.setFeatures(binaryen.Features.MVP);
    return module.validate() === 1 ? [] : [`${name} uses what came after the MVP`];
  } catch (problem) {
    return [`${name} cannot be read (${problem.message ?? problem})`];
  } finally {
    module?.dispose();
  }
}

export function mvp(builds = BUILDS) {
  return builds.flatMap((name) => mvpProblems(`core.${name}.wasm`, readFileSync(`dist/core.${name}.wasm`)));
}
