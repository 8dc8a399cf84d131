// The model of renewal and recovery: random schedules of concurrent requests under faults of every kind. A fixed part of
// them runs with the tests (MODEL_RUNS, MODEL_SEED); `npm run model` plays 100 000 new ones.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { CoreExports } from "../../src/core/exports.ts";
import { modelHost, play } from "./run.ts";
import { schedules } from "./schedule.ts";

const bytes = readFileSync(new URL("../../dist/core.simd.wasm", import.meta.url));
const host = modelHost(new WebAssembly.Instance(new WebAssembly.Module(bytes), {}).exports as unknown as CoreExports);

test("CTL-45 CTL-49 CTL-50 CTL-51 CTL-52 CTL-54 CTL-137 random schedules keep every rule", async () => {
  const numRuns = Number(process.env.MODEL_RUNS ?? 400);
  let replies = 0;
  await fc.assert(
    fc.asyncProperty(schedules, async (schedule) => {
      const verdict = await play(host, schedule);
      replies += verdict.replies;
      expect(verdict.problems).toEqual([]);
    }),
    { numRuns, seed: Number(process.env.MODEL_SEED ?? 44) },
  );
  expect(replies).toBeGreaterThan(numRuns);
}, 600_000);
