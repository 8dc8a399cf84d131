// The model of renewal and recovery: random schedules of concurrent requests under faults of every kind.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { CoreExports } from "../../src/core/exports.ts";
import { modelHost, play } from "./run.ts";
import { schedules } from "./schedule.ts";

const bytes = readFileSync(new URL("../../dist/core.simd.wasm", import.meta.url));
const host = modelHost(new WebAssembly.Instance(new WebAssembly.Module(bytes), {}).exports as unknown as CoreExports);

test("random schedules keep every rule", async () => {
  const numRuns = Number(process.env.MODEL_RUNS ?? 1000);
  let replies = 0;
  await fc.assert(
    fc.asyncProperty(schedules, async (schedule) => {
      const verdict = await play(host, schedule);
      replies += verdict.replies;
      expect(verdict.problems).toEqual([]);
    }),
    { numRuns, ...(process.env.MODEL_SEED ? { seed: Number(process.env.MODEL_SEED) } : {}) },
  );
  expect(replies).toBeGreaterThan(numRuns);
}, 600_000);
