// Constant time, read off the optimised text of each build: every branch, address, division and select that depends on
// data in memory is counted by function and compared with what was reviewed (reviewed-branches.json, each with the
// reason why it gives no secret away). A new one fails until someone has looked at it.
// `node tools/checks/constant-time.mjs --list` prints what is not reviewed; `--write` takes the counts over for
// functions that already have a reason.

import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { dataFlow } from "./data-flow.mjs";

export const BUILDS = ["simd", "mvp", "js"];
const REVIEWED = new URL("./reviewed-branches.json", import.meta.url);
const KINDS = ["branch", "address", "division", "select"];

/** `{ function: { why, simd: [branches, addresses, divisions, selects], … } }` */
export function reviewed() {
  return JSON.parse(readFileSync(REVIEWED, "utf8"));
}

const counts = (found) => KINDS.map((kind) => found[kind] ?? 0);

/** Differences between what a build's text holds and what was reviewed. */
export function compareFlow(found, known, build) {
  const problems = [];
  for (const [name, kinds] of Object.entries(found)) {
    const entry = known[name];
    if (entry === undefined || !entry.why) {
      problems.push(`${build}: ${name} depends on data (${KINDS.join(", ")}: ${counts(kinds)}) and was not reviewed`);
    } else if (String(entry[build]) !== String(counts(kinds))) {
      problems.push(`${build}: ${name} has ${counts(kinds)}, reviewed ${entry[build] ?? "none"} (${KINDS.join(", ")})`);
    }
  }
  for (const [name, entry] of Object.entries(known)) {
    if (entry[build] !== undefined && !(name in found)) problems.push(`${build}: ${name} was reviewed and is gone`);
  }
  return problems;
}

export function textOf(build) {
  return readFileSync(new URL(`../../dist/wat/core.${build}.wat`, import.meta.url), "utf8");
}

export function constantTime() {
  const known = reviewed();
  return BUILDS.flatMap((build) => compareFlow(dataFlow(textOf(build)), known, build));
}

function write() {
  const old = reviewed();
  const next = {};
  for (const build of BUILDS) {
    for (const [name, found] of Object.entries(dataFlow(textOf(build)))) {
      next[name] ??= { why: old[name]?.why ?? "" };
      next[name][build] = counts(found);
    }
  }
  const sorted = Object.fromEntries(Object.entries(next).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(
    REVIEWED,
    `${JSON.stringify(sorted, null, 1).replace(/\[\s+([\d,\s]+?)\s+\]/g, (_, list) => `[${list.replace(/\s+/g, " ")}]`)}\n`,
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  if (process.argv.includes("--write")) write();
  const problems = constantTime();
  for (const problem of problems) console.log(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
