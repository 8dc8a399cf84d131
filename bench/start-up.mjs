// Start of the command and of the core: `npm run bench:start`. The command makes a key file, which ends with calls into
// the core; an empty `node -e 0` runs in turn with it, 20 times each.

import { spawnSync } from "node:child_process";

const RUNS = 20;
const time = (args) => {
  const start = process.hrtime.bigint();
  spawnSync(process.execPath, args, { stdio: "ignore" });
  return Number(process.hrtime.bigint() - start) / 1e6;
};
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

// Core: read, compile, instantiate and call once, in a fresh process whose modules are loaded.
const CORE = `
  const { loadCore } = await import("./dist/node.js");
  const start = process.hrtime.bigint();
  const core = await loadCore();
  core.sha256(new Uint8Array(1));
  console.log(Number(process.hrtime.bigint() - start) / 1e6);`;
const coreStart = () =>
  Number(spawnSync(process.execPath, ["--input-type=module", "-e", CORE], { encoding: "utf8" }).stdout);

const empty = [];
const command = [];
const cores = [];
for (let i = 0; i < RUNS; i++) {
  empty.push(time(["-e", "0"]));
  command.push(time(["dist/cli/main.js", "keygen"]));
  cores.push(coreStart());
}
const result = {
  emptyNodeMs: median(empty),
  commandMs: median(command),
  commandOverEmptyMs: median(command) - median(empty),
  coreStartAndFirstCallMs: median(cores),
};
for (const key of Object.keys(result)) result[key] = Math.round(result[key] * 100) / 100;
console.log(JSON.stringify(result));
