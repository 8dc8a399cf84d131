// That the model can find faults: each planted one is found, within the number of schedules that the kept run plays.

import { spawn } from "node:child_process";
import { expect, test } from "vitest";
import { bundleModel, CORE } from "./build.mjs";
import { MUTATIONS } from "./mutations.ts";

const SEED = 20_240_229;

function search(
  file: string,
  runs: number,
  seed: number,
): Promise<{ failed: boolean; schedules: number; problems: string | null }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file, CORE, String(runs), String(seed), "", "first"]);
    let out = "";
    let problem = "";
    child.stdout.on("data", (data) => {
      out += data;
    });
    child.stderr.on("data", (data) => {
      problem += data;
    });
    child.on("error", reject);
    child.on("exit", () => (out === "" ? reject(new Error(problem)) : resolve(JSON.parse(out))));
  });
}

test.each(MUTATIONS.map((mutation, i) => [mutation.name, mutation, i] as const))(
  "found: %s",
  async (_, mutation, i) => {
    const report = await search(await bundleModel(`mutant-${i}`, mutation), 20_000, mutation.seed ?? SEED);
    expect(report.problems).toMatch(mutation.found);
  },
  120_000,
);
