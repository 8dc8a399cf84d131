// Runs pairs: a fresh process for each, and for a cold pair many.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { ratioRow } from "../timing.mjs";

const script = (name) => fileURLToPath(new URL(name, import.meta.url));

function child(name, args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script(name), ...args], { encoding: "utf8" });
  if (status !== 0) throw new Error(`${name} ${args.join(" ")}: exit code ${status}\n${stderr}`);
  return stdout;
}

/** Time to 100 seals, process by process in turn; the unit of speed is seals a second, start included. */
function cold(pair, quick) {
  const rounds = [];
  for (let i = 0; i < (quick ? 7 : 21); i++) {
    const round = {};
    for (const who of i % 2 === 0 ? ["ours", "noble"] : ["noble", "ours"]) {
      const out = child("cold.mjs", [who, pair.output]);
      if (out.startsWith("missing")) return { missing: out.slice(9).trim() };
      round[who === "ours" ? "ours" : "theirs"] = (Number(out) * 1e6) / 100;
    }
    rounds.push(round);
  }
  return ratioRow({ ...pair, unit: "op/s", bytes: 0 }, rounds);
}

/** Measures a pair: its row, or `{ missing }`. */
export function runPair(pair, quick) {
  if (pair.op === "cold-100-seals") {
    const row = cold(pair, quick);
    return row.missing === undefined ? { ...row, bytes: pair.bytes } : row;
  }
  const { op, bytes, output, peer } = pair;
  return JSON.parse(child("pair.mjs", [JSON.stringify({ op, bytes, output, peer, quick })]));
}
