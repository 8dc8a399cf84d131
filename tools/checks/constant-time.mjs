// Constant time, read off the optimised text of each build: every branch, address, division and select that depends on
// data in memory is counted by function and compared with what was reviewed (reviewed-branches.json: why it gives no
// secret away, by groups of functions, and the counts). A new one fails until someone has looked at it.
// `node tools/checks/constant-time.mjs` prints what differs; `--write` takes the counts over, after the review.

import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { dataFlow } from "./data-flow.mjs";

export const BUILDS = ["simd", "mvp", "js"];
const REVIEWED = new URL("./reviewed-branches.json", import.meta.url);
const KINDS = ["branch", "address", "division", "select"];

/**
 * `public`: functions whose results are public by contract; `reasons`: `{ functions, why }`, the first that matches
 * counts; `counts`: `{ function: { build: [branches, addresses, divisions, selects] } }`.
 */
export function reviewed() {
  return JSON.parse(readFileSync(REVIEWED, "utf8"));
}

const countsOf = (found) => KINDS.map((kind) => found[kind] ?? 0);

/** Why a function's findings give nothing away; null if no reason was written for it. */
export function reasonFor(name, { reasons }) {
  return reasons.find(({ functions }) => new RegExp(functions).test(name))?.why ?? null;
}

/** Differences between what a build's text holds and what was reviewed. */
export function compareFlow(found, known, build) {
  const problems = [];
  for (const [name, kinds] of Object.entries(found)) {
    const before = known.counts[name]?.[build];
    if (reasonFor(name, known) === null) problems.push(`${build}: ${name} depends on data, and no reason is written`);
    if (String(before) !== String(countsOf(kinds))) {
      problems.push(`${build}: ${name} has ${countsOf(kinds)}, reviewed ${before ?? "none"} (${KINDS.join(", ")})`);
    }
  }
  for (const [name, entry] of Object.entries(known.counts)) {
    if (entry[build] !== undefined && !(name in found)) problems.push(`${build}: ${name} was reviewed and is gone`);
  }
  return problems;
}

/** Findings of a build, by functions named as in assembly/: `cipher/aes-cbc/cbcDecrypt`. */
export function flowOf(build, known = reviewed()) {
  const text = readFileSync(new URL(`../../dist/wat/core.${build}.wat`, import.meta.url), "utf8");
  const isPublic = new Set(known.public.map((name) => `assembly/${name}`));
  const found = dataFlow(text, (name) => isPublic.has(name));
  return Object.fromEntries(Object.entries(found).map(([name, kinds]) => [name.replace(/^assembly\//, ""), kinds]));
}

export function constantTime() {
  const known = reviewed();
  return BUILDS.flatMap((build) => compareFlow(flowOf(build, known), known, build));
}

function write() {
  const known = reviewed();
  const counts = {};
  for (const build of BUILDS) {
    for (const [name, found] of Object.entries(flowOf(build, known))) {
      counts[name] ??= {};
      counts[name][build] = countsOf(found);
    }
  }
  const sorted = Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1));
  const { reasons } = known;
  const text = JSON.stringify({ public: known.public, reasons, counts: Object.fromEntries(sorted) }, null, 2);
  writeFileSync(REVIEWED, `${text.replace(/\[\s+([\d,\s]+?)\s+\]/g, (_, list) => `[${list.replace(/\s+/g, " ")}]`)}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  if (process.argv.includes("--write")) write();
  const problems = constantTime();
  for (const problem of problems) console.log(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
