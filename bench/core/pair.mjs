// One pair in a process of its own: `node pair.mjs '{"op":…,"bytes":…,"output":…,"peer":…,"quick":…}'` prints its row,
// or `{"missing": "why"}`. Both sides get the same inputs, and their results are compared before anything is timed.

import { interleave, ratioRow } from "../timing.mjs";
import { inputsFor } from "./inputs.mjs";
import { Missing } from "./missing.mjs";
import { ourTask } from "./ours.mjs";

const PEERS = {
  noble: async () => (await import("./peers/noble.mjs")).noble,
  webcrypto: async () => (await import("./peers/platform.mjs")).webcryptoPeer,
  node: async () => (await import("./peers/platform.mjs")).node,
  "hash-wasm": async () => (await import("./peers/others.mjs")).hashWasm,
  libsodium: async () => (await import("./peers/others.mjs")).libsodium,
  forge: async () => (await import("./peers/others.mjs")).forge,
  bigint: async () => (await import("./peers/others.mjs")).bigint,
  mbedtls: async () => (await import("./peers/native.mjs")).mbedtls,
  bearssl: async () => (await import("./peers/native.mjs")).bearssl,
};

async function peerTask(op, peer, input) {
  if (peer === "mvp") return ourTask(op, "mvp", input);
  const table = await PEERS[peer]();
  const make = table[op];
  if (make === undefined) throw new Missing(`${peer} has no ${op}`);
  return make(input);
}

const bytesOf = (result) =>
  result === true || result === false
    ? Buffer.from([result ? 1 : 0])
    : typeof result === "string"
      ? Buffer.from(result, "hex")
      : Array.isArray(result)
        ? Buffer.concat(result)
        : Buffer.from(result);

/** Both sides must give the same bytes, unless one draws random numbers or keeps its result to itself. */
async function compare(pair, ours, theirs) {
  if (ours.differs || theirs.differs) return;
  const resultOf = async (task) => bytesOf(await (task.result ?? task.run)());
  if (!(await resultOf(ours)).equals(await resultOf(theirs))) {
    throw new Error(`${pair.op} ${pair.bytes} ${pair.output}: not the result of ${pair.peer}`);
  }
}

async function measure(pair) {
  const input = inputsFor(pair.op, pair.bytes);
  const ours = await ourTask(pair.op, pair.output, input);
  const theirs = await peerTask(pair.op, pair.peer, input);
  await compare(pair, ours, theirs);
  const plan = pair.quick ? { warmMs: 60, roundMs: 3, rounds: 21 } : { warmMs: 250, roundMs: 4, rounds: 101 };
  const messages = pair.op === "seal-4" ? 4 : 1;
  const row = ratioRow({ ...pair, messages }, await interleave(ours, theirs, plan));
  theirs.close?.();
  return row;
}

try {
  console.log(JSON.stringify(await measure(JSON.parse(process.argv[2]))));
} catch (error) {
  if (!(error instanceof Missing)) throw error;
  console.log(JSON.stringify({ missing: error.message }));
}
