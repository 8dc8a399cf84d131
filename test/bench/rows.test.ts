// The bench computes its rows right and measures only what it knows.

import { describe, expect, test } from "vitest";
// @ts-expect-error: plain JavaScript
import * as page from "../../bench/core/html.mjs";
// @ts-expect-error: plain JavaScript
import * as plan from "../../bench/core/plan.mjs";
// @ts-expect-error: plain JavaScript
import * as table from "../../bench/core/table.mjs";
// @ts-expect-error: plain JavaScript
import * as timing from "../../bench/timing.mjs";

const PAIR = { op: "seal", bytes: 1000, output: "simd", peer: "noble" };
// Nanoseconds a call; ratios 2, 4, 3, 6, 5.
const ROUNDS = [2, 4, 3, 6, 5].map((ratio) => ({ ours: 1000, theirs: 1000 * ratio }));

describe("a row", () => {
  test("has the median of the rounds' ratios, their spread, and speeds from the median times", () => {
    expect(timing.ratioRow(PAIR, ROUNDS)).toEqual({
      ...PAIR,
      ratio: 4,
      low: 2.4,
      high: 5.6,
      ours: 1000,
      theirs: 250,
      unit: "MB/s",
    });
  });

  test("takes ratios round by round, so that a slow moment of the machine cancels", () => {
    const rounds = [1, 10, 100].map((slow) => ({ ours: 100 * slow, theirs: 300 * slow }));
    expect(timing.ratioRow(PAIR, rounds)).toMatchObject({ ratio: 3, low: 3, high: 3 });
  });

  test("counts operations where there is no size", () => {
    const row = timing.ratioRow({ ...PAIR, op: "x25519", bytes: 0 }, [{ ours: 1e5, theirs: 1e6 }]);
    expect(row).toMatchObject({ ratio: 10, ours: 10_000, theirs: 1000, unit: "op/s" });
  });

  test("counts the bytes of all messages that one call handles", () => {
    const row = timing.ratioRow({ ...PAIR, messages: 4 }, [{ ours: 1000, theirs: 2000 }]);
    expect(row).toMatchObject({ bytes: 1000, ratio: 2, ours: 4000, theirs: 2000 });
  });

  test("needs a round", () => expect(() => timing.ratioRow(PAIR, [])).toThrow("no rounds"));

  test("is never empty in one of its members when something is measured alone", () => {
    const row = timing.aloneRow({ op: "seal-open", bytes: 1024, output: "JSON", unit: "messages/s" }, [3, 1, 2]);
    expect(row).toMatchObject({ peer: null, ratio: null, theirs: null, ours: 2, low: 1, high: 3 });
  });
});

test("quantiles lie between neighbours and do not sort numbers as text", () => {
  expect(timing.median([10, 9, 1])).toBe(9);
  expect(timing.median([4, 1, 3, 2])).toBe(2.5);
  expect(timing.quantile([0, 10], 0.1)).toBeCloseTo(1);
});

test("rounds measure both sides, also where one answers later", async () => {
  let [sync, later] = [0, 0];
  const ours = { run: () => void sync++ };
  const theirs = { run: async () => void later++, isAsync: true };
  const rounds = await timing.interleave(ours, theirs, { warmMs: 1, roundMs: 1, rounds: 3 });
  expect(rounds).toHaveLength(3);
  expect(Math.min(sync, later)).toBeGreaterThan(3);
  for (const round of rounds) expect(Math.min(round.ours, round.theirs)).toBeGreaterThan(0);
});

describe("the choice of pairs", () => {
  test("refuses ops that it does not know", () => {
    expect(() => plan.choosePairs("seal,rot13", false)).toThrow("unknown op rot13");
    expect(() => plan.choosePairs("", false)).toThrow("names no op");
  });

  test("takes one op, or all; quick leaves out what has no target", () => {
    expect(plan.choosePairs("x25519", false).every((pair: { op: string }) => pair.op === "x25519")).toBe(true);
    expect(plan.choosePairs(null, false)).toEqual(plan.PAIRS);
    expect(plan.choosePairs(null, true).every((pair: { aim: unknown }) => pair.aim !== null)).toBe(true);
  });

  test("has no pair twice, and each op at least once", () => {
    const names = plan.PAIRS.map(({ op, bytes, output, peer }: typeof PAIR) => `${op} ${bytes} ${output} ${peer}`);
    expect(new Set(names).size).toBe(names.length);
    for (const op of plan.OPS) expect(plan.choosePairs(op, false).length).toBeGreaterThan(0);
  });
});

describe("what is shown", () => {
  const row = { ...PAIR, bytes: 1024, low: 2, high: 6, ours: 4, theirs: 1, unit: "MB/s", atLeast: 4, aim: 5 };

  test("says whether targets are reached", () => {
    const verdicts = [3.99, 4, 4.99, 5].map((ratio) => table.verdict({ ...row, ratio }));
    expect(verdicts).toEqual(["below", "holds", "holds", "aim"]);
    expect(table.verdict({ ...row, ratio: 9, atLeast: null, aim: null })).toBe("");
  });

  test("names a row that is missing, and why", () => {
    const missing = { ...PAIR, bytes: 1024, atLeast: 4, aim: 5, missing: "no <library>" };
    const lines = table.tableLines([{ ...row, ratio: 4 }, missing]);
    expect(lines[1]).toMatch(/seal +1 KiB +simd +noble +4\.00 .* holds/);
    expect(lines[2]).toMatch(/missing .*no <library>$/);
    expect(table.summary([{ ...row, ratio: 4 }, missing])).toBe(
      "1 of 1 measured targets hold, 0 reach the aim; 1 rows are missing.",
    );
    const html = page.htmlPage({ machine: "m", node: "v20" }, [{ ...row, ratio: 4 }, missing]);
    expect(html).toContain("no &#60;library&#62;");
    expect(html).not.toMatch(/https?:|<script|<link/);
  });
});
