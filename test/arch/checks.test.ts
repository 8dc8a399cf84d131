// The structural checks hold, and each of them can fail.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
// @ts-expect-error: plain JavaScript
import * as attacks from "../../tools/checks/attacks.mjs";
// @ts-expect-error: plain JavaScript
import * as conformance from "../../tools/checks/conformance.mjs";
// @ts-expect-error: plain JavaScript
import * as codes from "../../tools/checks/error-codes.mjs";
// @ts-expect-error: plain JavaScript
import * as sizes from "../../tools/checks/file-sizes.mjs";
// @ts-expect-error: plain JavaScript
import * as layers from "../../tools/checks/layers.mjs";
// @ts-expect-error: plain JavaScript
import * as portability from "../../tools/checks/portability.mjs";
// @ts-expect-error: plain JavaScript
import * as exported from "../../tools/checks/wasm-exports.mjs";
// @ts-expect-error: plain JavaScript
import * as words from "../../tools/checks/words.mjs";

describe("the tree", () => {
  test("keeps the import ranks and has no circles", () => expect(layers.layers("src")).toEqual([]));
  test("keeps files below 400 lines", () =>
    expect(sizes.fileSizes(["src", "assembly", "test", "tools", "bench"])).toEqual([]));
  test("uses Node only where a file's name says so", () => expect(portability.portability()).toEqual([]));
  test("declares exactly the exports of each core build", async () => expect(await exported.wasmExports()).toEqual([]));
  test("has a test for each statement of the protocol", () => expect(conformance.conformance()).toEqual([]));
  test("has tests for each attack that is known", () => expect(attacks.attacks()).toEqual([]));
  test("has a test or a reason for each error code", () => expect(codes.errorCodes()).toEqual([]));
  test("names no registry host and no path of a machine", () => expect(words.forbiddenWords()).toEqual([]));
});

describe("the checks can fail", () => {
  test("an error code that no test demands", () => {
    const asserted = codes.assertedIn('const x = "A_CODE"; expect(f()).toBe("B_CODE");\ng("C_CODE");');
    expect([...asserted]).toEqual(["B_CODE"]);
    const table = new Map([["B_CODE", [1, 2]]]);
    const row = "| `B_CODE` | 1 | 2 | [a](../test/a.test.ts) |";
    const raised = new Map([["B_CODE", ["test/a.test.ts"]]]);
    expect(codes.judgeErrors(row, table, new Set(["B_CODE"]), raised)).toEqual([]);
    expect(codes.judgeErrors(row, table, new Set(["B_CODE"]), new Map())).toHaveLength(2);
    expect(codes.judgeErrors("", table, new Set(), raised)).toHaveLength(1);
  });

  test("an attack without row, without test, and with one that does not run or compares nothing", () => {
    const text = `test("a", () => expect(1)); test.each([1])("b %i", () => { expect(2) });
      // test("c", () => expect(3));
      test.skip("d", () => expect(4)); test("e", () => {}); describe.skip("x", () => { test("f", () => expect(5)); });
      const g = 'test("g", () => expect(6))'; test.todo("h"); describe("y", () => { test("i | j", () => expect(7)); });`;
    const tests = attacks.livingTests("a.ts", text);
    expect([...tests]).toEqual(["a", "b %i", "i | j"]);
    const rows = new Map([["H05-1", "05 §3"]]);
    const row = (title: string) => `| H05-1 | 05 §3 | an attack | an answer | [a](../test/a.test.ts) — ${title} |`;
    const judge = (document: string, owed: string[] = []) =>
      attacks.judgeAttacks(document, (path: string) => (path === "test/a.test.ts" ? tests : null), rows, new Set(owed));
    expect(judge(row("a"))).toEqual([]);
    expect(judge(`${row("i ¦ j")}`)).toEqual([]);
    const wrong: [string, RegExp][] = [
      ["", /H05-1 is missing/],
      [`${row("a")}\n${row("a")}`, /stands twice/],
      [row("c"), /no test "c"/],
      [row("d"), /no test "d"/],
      [row("e"), /no test "e"/],
      [row("a").replaceAll("/a.test", "/z.test"), /there is no test\/z.test.ts/],
      [row("a").replace("05 §3", "05 §4"), /is of 05 §3/],
      ["| H05-1 | 05 §3 | an attack | an answer | not shown yet |", /names no test/],
      [row("a").replace("an attack", " "), /says nothing/],
      [row("a").slice(0, -2), /cannot be read/],
      [`${row("a")}\n${row("a").replace("H05-1", "H05-9")}`, /there is no H05-9/],
    ];
    for (const [document, problem] of wrong) expect(judge(document).join()).toMatch(problem);
    expect(judge(row("a"), ["H05-1"]).join()).toMatch(/still owed/);
  });

  test("a statement without test, without row, and a row that names no test", () => {
    const document = readFileSync(conformance.DOCUMENT, "utf8");
    const all = () => conformance.testsByNumber(conformance.testFiles());
    expect(conformance.judge(document, all())).toEqual([]);
    const without = all();
    without.delete(42);
    expect(conformance.judge(document, without)).toEqual(["CTL-42 has no test"]);
    expect(conformance.judge(document.replace(/\| CTL-42 .*\n/, ""), all())).toEqual([
      `${conformance.DOCUMENT}: CTL-42 is missing`,
    ]);
    expect(
      conformance.judge(document.replace(/(\| CTL-42 \|.*): .* \|/, "$1: a test that is not there |"), all()),
    ).toHaveLength(1);
    expect(conformance.titlesIn('test.each([[1, f(2)]])("CTL-1 %d", () => {}); it(`b`); attest("c")')).toEqual([
      "CTL-1 %d",
      "b",
    ]);
  });

  test("an import from a higher rank or a sibling", () => {
    expect(layers.judge("src", "src/crypto/a.ts", "src/tokens/b.ts")).toMatch(/rank/);
    expect(layers.judge("src", "src/encoding/a.ts", "src/core/b.ts")).toMatch(/rank/);
    expect(layers.judge("src", "src/nowhere/a.ts", "src/core/b.ts")).toMatch(/no rank/);
    expect(layers.judge("src", "src/tokens/a.ts", "src/crypto/b.ts")).toBeNull();
  });

  test("a circle", () => {
    const graph = new Map([
      ["a", ["b"]],
      ["b", ["c"]],
      ["c", ["a"]],
    ]);
    expect(layers.cycles(graph)).toEqual(["circle: a → b → c → a"]);
  });

  test("a long file", () => expect(sizes.fileSizes(["src"], 5).length).toBeGreaterThan(50));

  test("a Node module in a portable file", () => {
    expect(portability.portabilityProblems("src/message/x.ts", 'import { a } from "node:fs";')).toHaveLength(1);
    expect(portability.portabilityProblems("src/store/x-node.ts", 'import { a } from "node:fs";')).toEqual([]);
  });

  test("an export too many and one too few", () => {
    const declared = exported.declaredExports(readFileSync("src/core/exports.ts", "utf8"));
    expect(declared.size).toBeGreaterThan(40);
    const actual = new Set(declared);
    actual.delete("pairOpen");
    actual.add("secretDump");
    expect(exported.compareExports(declared, actual, "simd")).toHaveLength(2);
  });

  test("a word that does not belong", () => {
    expect(words.wordsIn("a.md", `see https://${"registry."}npmjs.org/x`)).toHaveLength(1);
  });
});
