// Instructions of core.c's operations, counted by callgrind: `npm run bench:instructions`. With the compiler version of
// the committed baseline a count may be at most 3 % higher; under another compiler it is shown and not judged.
// `-- --write` makes the counts the baseline.

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { buildProgram, compiler } from "./native.mjs";

const BASELINE = new URL("../bench/instructions.json", import.meta.url);
const MOST = 1.03;

export function compilerVersion() {
  return execFileSync(compiler(), ["--version"], { encoding: "utf8" }).split("\n")[0];
}

function collected(program, args) {
  const options = ["--tool=callgrind", "--callgrind-out-file=/dev/null"];
  const { stderr, status } = spawnSync("valgrind", [...options, program, ...args], { encoding: "utf8" });
  const match = /Collected : (\d+)/.exec(stderr);
  if (status !== 0 || match === null) throw new Error(`${args[0]}: ${status} ${stderr.slice(-300)}`);
  return Number(match[1]);
}

/** `{ name: instructions }`, or null where valgrind or a C compiler is missing. */
export function countInstructions() {
  if (spawnSync("valgrind", ["--version"]).status !== 0) return null;
  const program = buildProgram("count.c");
  if (program === null) return null;
  const names = execFileSync(program, { encoding: "utf8" }).trim().split("\n");
  return Object.fromEntries(names.map((name) => [name, collected(program, [name]) - collected(program, [name, "0"])]));
}

/** What rose by more than 3 %, or has no baseline. */
export function compareCounts(baseline, counts) {
  return Object.entries(counts).flatMap(([name, count]) => {
    const before = baseline[name];
    if (before === undefined) return [`${name}: no baseline`];
    return count > before * MOST ? [`${name}: ${count} instructions, ${before} before`] : [];
  });
}

/** Problems for `npm run verify`; counts under another compiler are not judged. */
export function instructions(log = console.log) {
  const counts = countInstructions();
  if (counts === null) {
    log("     no valgrind or no C compiler: instructions are not counted");
    return process.env.CI ? ["CI needs valgrind and a C compiler to count instructions"] : [];
  }
  const version = compilerVersion();
  const baseline = existsSync(BASELINE) ? JSON.parse(readFileSync(BASELINE, "utf8")) : { compiler: "none", counts: {} };
  for (const [name, count] of Object.entries(counts))
    log(`     ${name}: ${count} (${baseline.counts[name] ?? "no baseline"})`);
  if (baseline.compiler !== version) {
    log(`     not judged: the baseline was made with ${baseline.compiler}`);
    return [];
  }
  return compareCounts(baseline.counts, counts);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  if (process.argv.includes("--write")) {
    const counts = countInstructions();
    writeFileSync(BASELINE, `${JSON.stringify({ compiler: compilerVersion(), counts }, null, 2)}\n`);
  }
  const problems = instructions();
  for (const problem of problems) console.log(`FAIL ${problem}`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
