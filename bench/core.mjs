// The core against what a user could pick instead: `npm run bench:core [-- --quick] [--only op,op] [--json FILE]
// [--html FILE]`. A ratio is our speed over the peer's, copying in and out included, measured in a process of its own in
// rounds that alternate; low and high are the 10th and 90th percentile of the rounds. CPU time counts where both sides
// are synchronous, else the clock on the wall. Ratios travel between machines better than speeds do. The libraries of
// mbedTLS and BearSSL (Debian: libmbedtls-dev, libbearssl-dev) are optional: without them their rows are missing.

import { writeFileSync } from "node:fs";
import { htmlPage } from "./core/html.mjs";
import { choosePairs } from "./core/plan.mjs";
import { runPair } from "./core/run.mjs";
import { summary, tableLines } from "./core/table.mjs";
import { machine, option } from "./timing.mjs";

const args = process.argv.slice(2);

try {
  await main();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

async function main() {
  const [json, html, only] = ["--json", "--html", "--only"].map((name) => option(args, name));
  const quick = args.includes("--quick");
  const pairs = choosePairs(only, quick);
  const entries = [];
  for (const pair of pairs) {
    if (process.stderr.isTTY)
      process.stderr.write(`\r\x1b[K${entries.length + 1}/${pairs.length} ${pair.op} ${pair.peer}`);
    entries.push({ ...pair, ...runPair(pair, quick) });
  }
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  console.log(tableLines(entries).join("\n"));
  console.log(`\n${summary(entries)}`);
  const rows = entries
    .filter((entry) => entry.missing === undefined)
    .map(({ atLeast: _least, aim: _aim, ...row }) => row);
  const about = { machine: machine(), node: process.version };
  if (json !== null) writeFileSync(json, `${JSON.stringify({ ...about, rows }, null, 2)}\n`);
  if (html !== null) writeFileSync(html, htmlPage(about, entries));
}
