// Whole messages through the public client and server: `npm run bench:messages [-- --quick] [--json FILE]`.
//
// `seal-open` counts messages of 1 KiB that one side seals and the other opens, session established. The public code
// has no message without an answer, so a round trip counts as two: the client seals a request, the server opens it and
// answers with the same 1 KiB, the client opens that. Both run in one process, one round trip after the other, over a
// transport that hands the bytes over; compression is off. `round-trip` is the same in round trips, `open-and-answer`
// the server alone with an empty answer, `handshake` the server's part of a first message with ECDH.
// Where the project has a target, the row's peer is that target. Time is the process's CPU time, its garbage collector
// included: what others do on the machine does not count.

import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createClient } from "../dist/client.js";
import { psk, pskData } from "../dist/entity-auth/psk.js";
import { ecdh } from "../dist/key-exchange/ecdh.js";
import { nodeEnvironment } from "../dist/node.js";
import { createServer, createTokenIssuer, tokenKeys } from "../dist/server.js";
import { memoryPskKeys, pskContext } from "../dist/store/entity-keys.js";
import { IssuerMemory } from "../dist/store/issuer-memory.js";
import { loopbackTransport } from "../dist/transport/loopback.js";
import { aloneRow, cpu, machine, option, ratioRow } from "./timing.mjs";

const args = process.argv.slice(2);
const isQuick = args.includes("--quick");
const ROUNDS = isQuick ? 5 : 11;
const WARM_MS = 1000;
const ROUND_MS = isQuick ? 100 : 400;
const BODY = new Uint8Array(randomBytes(1024));
const keysOf = (identity) => ({ identity, encryptionKey: randomBytes(16), macKey: randomBytes(32) });
const [serverKeys, deviceKeys, tokens] = [keysOf("server"), keysOf("device-0001"), keysOf("tokens")];
const copy = ({ identity, encryptionKey, macKey }) => ({
  identity,
  encryptionKey: Uint8Array.from(encryptionKey),
  macKey: Uint8Array.from(macKey),
});

async function world() {
  const env = nodeEnvironment();
  const core = await env.core;
  const scheme = psk({ contextOf: memoryPskKeys(core, [copy(serverKeys), copy(deviceKeys)]) });
  const crypto = tokenKeys([pskContext(core, copy(tokens))]);
  const issuer = createTokenIssuer({ core, crypto, state: new IssuerMemory(), clock: env.clock });
  const entity = { scheme, data: () => pskData("server") };
  const keyExchange = [ecdh({ core })];
  const server = await createServer({
    ...env,
    entity,
    entitySchemes: [scheme],
    keyExchange,
    tokenCrypto: crypto,
    issuer,
  });
  return { env, core, scheme, server };
}

const newDevice = ({ env, core, scheme }, format, transport) =>
  createClient({
    ...env,
    transport,
    entity: { scheme, data: () => pskData("device-0001") },
    serverSchemes: [scheme],
    keyExchange: [ecdh({ core })],
    capabilities: { formats: [format] },
    firstFormat: format,
  });

const reader = (...parts) => ({ read: async () => parts.shift() ?? null, cancel() {} });
const sink = { write: async () => {}, end: async () => {} };

/** A loopback transport that keeps the requests as one piece each. */
function recording({ server }, handler) {
  const requests = [];
  const transport = loopbackTransport(async (input, output, options) => {
    const parts = [];
    for (let part = await input.read(); part !== null; part = await input.read()) parts.push(part);
    const request = new Uint8Array(Buffer.concat(parts));
    requests.push(request);
    await server.receive(reader(request), output, handler, options);
  });
  return { transport, requests };
}

const emptyAnswer = async (request) => {
  await request.bytes();
  return { body: "" };
};
const echo = async (request) => ({ body: await request.bytes(), compress: false });

/** Nanoseconds of CPU time a call, one entry a round. */
async function measure(work) {
  const warmUntil = cpu() + WARM_MS * 1e6;
  while (cpu() < warmUntil) await work();
  const times = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = cpu();
    let calls = 0;
    while (cpu() - start < ROUND_MS * 1e6) {
      for (let i = 0; i < 20; i++) await work();
      calls += 20;
    }
    times.push((cpu() - start) / calls);
  }
  return times;
}

const rows = [];

/** A row against a target of so many a second, or alone where there is none. */
function addRow(fields, times, perCall, target) {
  const ours = times.map((time) => time / perCall);
  if (target === null)
    rows.push(
      aloneRow(
        fields,
        ours.map((time) => 1e9 / time),
      ),
    );
  else {
    const row = ratioRow(
      { ...fields, bytes: 0, peer: "target" },
      ours.map((time) => ({ ours: time, theirs: 1e9 / target })),
    );
    rows.push({ ...row, bytes: fields.bytes });
  }
}

async function steady(format, target) {
  const setting = await world();
  const { server } = setting;
  const transport = loopbackTransport((input, output, options) => server.receive(input, output, echo, options));
  const device = await newDevice(setting, format, transport);
  const round = async () => {
    const answer = await (await device.request({ body: BODY, compress: false })).bytes();
    if (answer.length !== BODY.length) throw new Error("wrong answer");
  };
  for (let i = 0; i < 2; i++) await round();
  const times = await measure(round);
  addRow({ op: "seal-open", bytes: 1024, output: format, unit: "messages/s" }, times, 2, target);
  addRow({ op: "round-trip", bytes: 1024, output: format, unit: "op/s" }, times, 1, null);
}

async function serverAlone(format) {
  const setting = await world();
  const { transport, requests } = recording(setting, emptyAnswer);
  const device = await newDevice(setting, format, transport);
  for (let i = 0; i < 2; i++) await (await device.request({ body: BODY, compress: false })).bytes();
  const request = requests.at(-1);
  const times = await measure(() => setting.server.receive(reader(request), sink, emptyAnswer));
  addRow({ op: "open-and-answer", bytes: 1024, output: format, unit: "messages/s" }, times, 1, null);
}

async function handshakes(target) {
  const setting = await world();
  const { transport, requests } = recording(setting, emptyAnswer);
  const firsts = [];
  for (let i = 0; i < 64; i++) {
    requests.length = 0;
    const device = await newDevice(setting, "CBOR", transport);
    await (await device.request({ body: "x" })).bytes();
    firsts.push(requests[0]);
  }
  let i = 0;
  const times = await measure(() => setting.server.receive(reader(firsts[i++ & 63]), sink, emptyAnswer));
  addRow({ op: "handshake", bytes: 0, output: "CBOR", unit: "op/s" }, times, 1, target);
}

async function sizes(format) {
  const setting = await world();
  const { transport, requests } = recording(setting, emptyAnswer);
  const device = await newDevice(setting, format, transport);
  for (const body of ["hello", "hello", BODY]) await (await device.request({ body, compress: false })).bytes();
  const [first, small, large] = requests.map((request) => request.length);
  return { format, firstRequest: first, steadyRequest5B: small, steadyRequest1KiB: large };
}

const json = option(args, "--json");
await steady("JSON", 10_000);
await steady("CBOR", 20_000);
await serverAlone("JSON");
await serverAlone("CBOR");
await handshakes(3_000);
const bytes = [await sizes("JSON"), await sizes("CBOR")];
console.table(rows, ["op", "output", "bytes", "ours", "theirs", "ratio", "low", "high", "unit"]);
console.table(bytes);
if (json !== null) {
  writeFileSync(json, `${JSON.stringify({ machine: machine(), node: process.version, rows, bytes }, null, 2)}\n`);
}
