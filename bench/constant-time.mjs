// Timing of secrets in core.js: `npm run bench:constant-time [-- mvp|simd|js]`. Two classes of secrets in random order (one
// fixed, one random), Welch's t over the calls below the 90th percentile, and the difference of the medians. A comparison
// that leaks is measured beside them and must stand out, or nothing here means anything. Measured, not claimed: engines
// optimise JavaScript as they like. After the method of Reparaz, Balasch and Verbauwhede, "Dude, is my code constant time?".

import { randomBytes } from "node:crypto";
import { KEY_AES, KEY_HMAC_SHA256, KEY_X25519 } from "../dist/chunks/core.js";
import { rawExports } from "./core/raw.mjs";
import { quantile } from "./timing.mjs";

const output = process.argv[2] ?? "js";
const x = await rawExports(output);
const memory = new Uint8Array(x.memory.buffer);
const [IN, OUT] = [x.stageInPtr(), x.stageOutPtr()];
const put = (bytes, at) => memory.set(bytes, at);

/** Imports a key, runs `work` with its slot under the clock, clears it. */
function keyed(type, size, work) {
  return (secret) => {
    put(secret.subarray(0, size), IN);
    const slot = x.slotImport(type, 255, IN, size);
    const start = process.hrtime.bigint();
    work(slot, secret);
    const time = Number(process.hrtime.bigint() - start);
    x.slotClear(slot);
    return time;
  };
}

/** Stops at the first difference: what the method must see. */
function leakyEqual(a, b) {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
const zeros = new Uint8Array(4096);
const large = new Uint8Array(4096);

const TASKS = {
  "AES-CBC, key and data": [
    20000,
    keyed(KEY_AES, 16, (slot, secret) => {
      put(secret, IN + 16);
      x.aesCbcEncrypt(slot, IN, IN + 16, 64, OUT);
    }),
  ],
  "HMAC-SHA256, key and data": [
    20000,
    keyed(KEY_HMAC_SHA256, 32, (slot, secret) => {
      put(secret, IN);
      x.hmacSha256Sign(slot, IN, 64, OUT);
    }),
  ],
  "HMAC-SHA256, how much of a tag is right": [
    20000,
    keyed(KEY_HMAC_SHA256, 32, (slot) => x.hmacSha256Verify(slot, IN, 64, OUT, 32)),
  ],
  "X25519, scalar": [3000, keyed(KEY_X25519, 32, (slot) => x.x25519PublicKey(slot, OUT))],
  "control: a comparison that stops early": [
    20000,
    (secret) => {
      large.set(secret);
      const start = process.hrtime.bigint();
      leakyEqual(zeros, large);
      return Number(process.hrtime.bigint() - start);
    },
  ],
};

function welch(a, b) {
  const stats = [a, b].map((list) => {
    const mean = list.reduce((sum, value) => sum + value, 0) / list.length;
    const variance = list.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (list.length - 1);
    return { mean, part: variance / list.length };
  });
  return (stats[0].mean - stats[1].mean) / Math.sqrt(stats[0].part + stats[1].part);
}

const rows = [];
for (const [name, [calls, run]] of Object.entries(TASKS)) {
  const fixed = new Uint8Array(64);
  for (let i = 0; i < calls / 10; i++) run(new Uint8Array(randomBytes(64)));
  const times = [[], []];
  for (let i = 0; i < calls; i++) {
    const kind = randomBytes(1)[0] & 1;
    const secret = new Uint8Array(randomBytes(64));
    if (kind === 0) secret.set(fixed);
    times[kind].push(run(secret));
  }
  const limit = quantile([...times[0], ...times[1]], 0.9);
  const [a, b] = times.map((list) => list.filter((value) => value <= limit));
  const [ma, mb] = [a, b].map((list) => quantile(list, 0.5));
  rows.push({
    secret: name,
    t: Number(welch(a, b).toFixed(1)),
    "fixed ns": ma,
    "random ns": mb,
    "apart %": Number(((100 * (ma - mb)) / mb).toFixed(2)),
  });
}
console.log(`core output: ${output}. |t| below 4.5 is taken for no difference.`);
console.table(rows);
const control = rows.at(-1);
if (Math.abs(control.t) < 50) {
  console.log("The control did not stand out: the machine is too busy for this measurement.");
  process.exitCode = 1;
}
