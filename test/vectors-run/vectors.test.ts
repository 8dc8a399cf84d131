// All recorded vectors through the runner of `tinymsl vectors`. Their number is pinned and none may be skipped: a file that
// lost vectors, or a scheme that quietly left the build, does not pass.

import { describe, expect, test } from "vitest";
import { EXCEPTIONS } from "../../src/cli/vectors/exceptions.ts";
import { recordedVectors, runFolder, VECTORS } from "./bench.ts";

/** All vectors of test/vectors. */
const TOTAL = 1301;

describe.each([
  ["under our own rules", false],
  ["under the rules of the reference", true],
])("recorded vectors %s", (_rules, compat) => {
  test("all pass", async () => {
    const run = await runFolder(VECTORS, { compat });
    expect(run.lines.filter((line) => line.startsWith("FAIL"))).toEqual([]);
    expect(run.lines.at(-1)).toBe(`${TOTAL} passed, 0 failed, 0 skipped`);
    expect(run.result.exitCode).toBe(0);
  });
});

test("every exception names recorded vectors", () => {
  for (const row of EXCEPTIONS) {
    expect(recordedVectors(row.file, row.list, row.vectors), row.reason).not.toHaveLength(0);
    if (typeof row.vectors !== "function") {
      expect(recordedVectors(row.file, row.list, row.vectors)).toHaveLength(row.vectors.length);
    }
  }
});
