// The check for constant time catches planted leaks, and the shipped builds hold nothing that was not reviewed.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
// @ts-expect-error: plain JavaScript
import { BUILDS, compareFlow, flowOf, reasonFor, reviewed } from "../../../tools/checks/constant-time.mjs";
// @ts-expect-error: plain JavaScript
import { dataFlow } from "../../../tools/checks/data-flow.mjs";

const root = fileURLToPath(new URL("../../../", import.meta.url));

function leaks(): Record<string, Record<string, number>> {
  const folder = mkdtempSync(join(tmpdir(), "leak-"));
  try {
    const text = join(folder, "leak.wat");
    const asc = join(root, "node_modules/assemblyscript/bin/asc.js");
    const options = [
      "--config",
      "none",
      "--runtime",
      "stub",
      "--use",
      "abort=",
      "-O3",
      "--noAssert",
      "--textFile",
      text,
    ];
    execFileSync(process.execPath, [
      asc,
      join(root, "test/core/ct/leak.ts"),
      ...options,
      "--outFile",
      join(folder, "leak.wasm"),
    ]);
    return dataFlow(readFileSync(text, "utf8"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("planted leaks are caught, and only they", () => {
  const found = leaks();
  const names = Object.fromEntries(Object.entries(found).map(([name, kinds]) => [name.split("/").at(-1), kinds]));
  expect(names.leakyEqual).toMatchObject({ branch: 1 });
  expect(names.leakyLookup).toMatchObject({ address: 1 });
  expect(names.leakyRemainder).toMatchObject({ division: 1 });
  expect(names.leakyLoop?.branch).toBeGreaterThan(0);
  expect(names.cleanEqual).toBeUndefined();
});

describe.each(BUILDS as string[])("%s", (build) => {
  test("depends on data only where it was reviewed", () => {
    expect(compareFlow(flowOf(build), reviewed(), build)).toEqual([]);
  });
});

test("one branch more than reviewed, an unknown function, a missing reason, and one that is gone are reported", () => {
  const known = {
    reasons: [{ functions: "^[fg]$", why: "public" }],
    counts: { f: { simd: [1, 0, 0, 0] }, g: { simd: [1, 0, 0, 0] } },
  };
  // f changed, h has neither a reason nor counts, g is gone.
  expect(compareFlow({ f: { branch: 2 }, h: { branch: 1 } }, known, "simd")).toHaveLength(4);
  expect(compareFlow({ f: { branch: 1 }, g: { branch: 1 } }, known, "simd")).toEqual([]);
  expect(reasonFor("f", known)).toBe("public");
});

test("arithmetic of curves, ciphers and big numbers has no division, and no select, on data but where it was named", () => {
  const found: Record<string, Record<string, number>> = flowOf("simd");
  for (const name of Object.keys(found).filter((name) => /ladder25519|field25519|p256-field\/fe|sbox/.test(name))) {
    expect([name, found[name]?.division ?? 0, found[name]?.select ?? 0]).toEqual([name, 0, 0]);
  }
});
