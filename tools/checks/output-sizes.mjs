// Bytes of each output, raw and after gzip -9. `goal` is what is wanted and is printed when it is missed; `limit` is what
// was reached and a little more, and is not crossed: lower it with each gain.

import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { BUDGETS as PROFILES } from "./profiles.mjs";

export const BUDGETS = {
  "core.simd.wasm": { goal: { raw: 80_000, gzip: 24_000 }, limit: { raw: 88_000, gzip: 38_000 } },
  "core.mvp.wasm": { goal: { raw: 80_000, gzip: 24_000 }, limit: { raw: 74_500, gzip: 34_300 } },
  "core.small.wasm": { goal: PROFILES.small, limit: PROFILES.small },
  "core.js": { goal: { raw: Number.POSITIVE_INFINITY, gzip: 35_000 }, limit: { raw: 128_500, gzip: 43_700 } },
};

const over = (size, most) =>
  Object.keys(most)
    .filter((form) => size[form] > most[form])
    .map((form) => `${form} ${size[form]} > ${most[form]}`);

/** `{ line, problems }` of one output. */
export function judgeSize(name, bytes, budget) {
  const size = { raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length };
  if (budget === undefined) return { line: "", problems: [`${name} has no budget`] };
  const missed = over(size, budget.goal);
  const goal = missed.length > 0 ? `, above its goal: ${missed.join(", ")}` : "";
  return {
    line: `${name}: ${size.raw} bytes, ${size.gzip} after gzip${goal}`,
    problems: over(size, budget.limit).map((what) => `${name}: ${what}`),
  };
}

/** Prints the sizes; gives what crosses a limit. */
export function outputSizes(print = console.log) {
  return Object.entries(BUDGETS).flatMap(([name, budget]) => {
    const { line, problems } = judgeSize(name, readFileSync(`dist/${name}`), budget);
    print(`     ${line}`);
    return problems;
  });
}
