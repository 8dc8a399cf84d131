// One process of `npm run model`: plays its share of schedules and reports what it found.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import type { CoreExports } from "../../src/core/exports.ts";
import { modelHost, play } from "./run.ts";
import { type Schedule, schedules } from "./schedule.ts";

const [wasm = "", runs = "1000", seed = "1", path = "", mode = "stop"] = process.argv.slice(2);
const exports = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(wasm)), {}).exports;
const host = modelHost(exports as unknown as CoreExports);
let steps = 0;
let replies = 0;

/** Counts each kind of problem instead of stopping at the first. */
async function survey(): Promise<void> {
  const found = new Map<string, { n: number; smallest: string }>();
  for (const schedule of fc.sample(schedules, { numRuns: Number(runs), seed: Number(seed) })) {
    const { problems } = await play(host, schedule);
    const text = JSON.stringify(schedule);
    for (const problem of problems) {
      const entry = found.get(problem) ?? { n: 0, smallest: text };
      entry.n++;
      if (text.length < entry.smallest.length) entry.smallest = text;
      found.set(problem, entry);
    }
  }
  for (const [problem, { n, smallest }] of [...found].sort((a, b) => b[1].n - a[1].n)) {
    console.log(`${n}\t${problem}\n\t${smallest}`);
  }
}

async function search(): Promise<void> {
  const started = performance.now();
  const result = await fc.check(
    fc.asyncProperty(schedules, async (schedule: Schedule) => {
      const verdict = await play(host, schedule);
      steps += verdict.steps;
      replies += verdict.replies;
      if (verdict.problems.length > 0) throw new Error(verdict.problems.join("\n"));
    }),
    { numRuns: Number(runs), seed: Number(seed), endOnFailure: mode === "first", ...(path === "" ? {} : { path }) },
  );
  const report = {
    seed: result.seed,
    schedules: result.numRuns,
    steps,
    replies,
    ms: Math.round(performance.now() - started),
    failed: result.failed,
    path: result.counterexamplePath,
    problems: result.errorInstance instanceof Error ? result.errorInstance.message : null,
    schedule: result.counterexample?.[0] ?? null,
  };
  console.log(JSON.stringify(report));
}

if (mode === "survey") await survey();
else await search();
