// `npm run model`: plays random schedules of renewal and recovery on every core of the machine.
//   MODEL_RUNS  schedules in all (default 100000)   MODEL_SEED  first seed (default: from the clock)
//   MODEL_PATH  replays one counterexample of MODEL_SEED
// Prints schedules, seeds and time; ends with status 1 where a rule was broken, with the smallest schedule that breaks it.

import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { bundleModel, CORE } from "./build.mjs";

const runs = Number(process.env.MODEL_RUNS ?? 100_000);
const seed = Number(process.env.MODEL_SEED ?? Date.now() % 0x3fffffff);
const path = process.env.MODEL_PATH ?? "";
const mode = process.argv[2] ?? "stop";
const processes = path === "" && mode !== "survey" ? availableParallelism() : 1;
const file = await bundleModel("worker");

function work(share, ownSeed) {
  return new Promise((resolve, reject) => {
    const args = [file, CORE, String(share), String(ownSeed), path, mode];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    let out = "";
    child.stdout.on("data", (data) => {
      out += data;
    });
    child.on("error", reject);
    child.on("exit", () => resolve(out));
  });
}

const started = performance.now();
const share = Math.ceil(runs / processes);
const outputs = await Promise.all(Array.from({ length: processes }, (_, i) => work(share, seed + i)));
if (mode === "survey") {
  console.log(outputs.join(""));
} else {
  const reports = outputs.map((out) =>
    out === "" ? { failed: true, problems: "The process died." } : JSON.parse(out),
  );
  let schedules = 0;
  for (const report of reports) {
    schedules += report.schedules ?? 0;
    console.log(
      `seed ${report.seed}: ${report.schedules} schedules, ${report.steps} events, ${report.replies} replies, ${report.ms} ms`,
    );
    if (!report.failed) continue;
    process.exitCode = 1;
    console.log(`  broken: ${report.problems}\n  MODEL_SEED=${report.seed} MODEL_PATH=${report.path}`);
    console.log(`  ${JSON.stringify(report.schedule)}`);
  }
  const seconds = (performance.now() - started) / 1000;
  console.log(`${schedules} schedules in ${seconds.toFixed(1)} s, ${Math.round(schedules / seconds)} a second`);
}
