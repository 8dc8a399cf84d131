// All recorded vectors through the runner of `tinymsl vectors`. The numbers are pinned: a file that lost vectors, or a
// scheme that quietly left the build, does not pass. A new scheme moves vectors from `skippedBy` to `passed`.

import { describe, expect, test } from "vitest";
import { EXCEPTIONS } from "../../src/cli/vectors/exceptions.ts";
import { recordedVectors, runFolder, VECTORS } from "./bench.ts";

const SKIPPED = {
  AESCmac: 10,
  ASYMMETRIC_WRAPPED: 94,
  DIFFIE_HELLMAN: 42,
  ECC: 20,
  JWE: 26,
  JWE_LADDER: 26,
  JWK: 35,
  JWK_LADDER: 26,
  LZW: 22,
  MT_PROTECTED: 10,
  NONE_SUFFIXED: 4,
  PROVISIONED: 2,
  PSK_PROFILE: 5,
  RSA: 70,
  USER_ID_TOKEN: 8,
  X509: 15,
  "peer-to-peer": 5,
};

describe.each([
  ["under our own rules", false],
  ["under the rules of the reference", true],
])("recorded vectors %s", (_rules, compat) => {
  test("everything that the build contains passes, the rest is skipped by scheme", async () => {
    const run = await runFolder(VECTORS, { compat });
    expect(run.lines.filter((line) => line.startsWith("FAIL"))).toEqual([]);
    expect(Object.fromEntries(run.result.skippedBy)).toEqual(SKIPPED);
    expect(run.lines.at(-1)).toBe("881 passed, 0 failed, 420 skipped");
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
