// `npm run fuzz` (FUZZ_MINUTES for each build; corpus.json is written when FUZZ_KEEP is set): the long search. Without
// FUZZ_MINUTES the kept corpus is replayed instead, on every build.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { BUILDS, loadRaw } from "../raw/raw-core.ts";
import { createDriver } from "./driver.ts";
import { evolve, type Pool, seeded, smallest } from "./evolve.ts";
import { prepareKeys } from "./keys.ts";

const FILE = fileURLToPath(new URL("./corpus.json", import.meta.url));
const MINUTES = Number(process.env.FUZZ_MINUTES ?? 0);
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 0x7fffffff);

interface Corpus {
  /** The exports in the order that the programs refer to. */
  readonly names: readonly string[];
  readonly programs: readonly string[];
}

const stored: Corpus = existsSync(FILE) ? JSON.parse(readFileSync(FILE, "utf8")) : { names: [], programs: [] };

describe.each(BUILDS)("%s", (build) => {
  test(MINUTES > 0 ? `search for ${MINUTES} minutes, seed ${SEED}` : "the kept corpus", {
    timeout: MINUTES * 60_000 + 120_000,
  }, () => {
    const core = loadRaw(build);
    const driver = createDriver(core, () => prepareKeys(core), MINUTES > 0 ? undefined : stored.names);
    const pool: Pool = { programs: [], features: new Set() };
    for (const text of stored.programs) {
      const program = new Uint8Array(Buffer.from(text, "base64"));
      const problem = driver.run(program, (feature) => pool.features.add(feature));
      expect(problem === null ? null : `${problem}: ${text}`).toBeNull();
      pool.programs.push(program);
    }
    if (MINUTES === 0) {
      expect(pool.programs.length).toBeGreaterThan(100);
      return;
    }
    const end = performance.now() + MINUTES * 60_000;
    const found = evolve(
      pool,
      (program, seen) => driver.run(program, seen),
      seeded(SEED),
      () => performance.now() >= end,
    );
    console.log(`${build}: ${pool.programs.length} programs, ${pool.features.size} features`);
    expect(found === null ? null : `${found.problem}: ${Buffer.from(found.program).toString("base64")}`).toBeNull();
    if (process.env.FUZZ_KEEP === build) {
      const kept = smallest(pool.programs, (program, seen) => driver.run(program, seen));
      const programs = kept.map((program) => Buffer.from(program).toString("base64"));
      writeFileSync(FILE, `${JSON.stringify({ names: driver.names, programs }, null, 1)}\n`);
    }
  });
});
