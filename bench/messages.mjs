// Whole messages through the public client and server: `npm run bench:messages [-- --json FILE]`.
// Seal and open of a 1 KiB request under an established session, by a client and a server in one process, one after the
// other; the handshake, server side; and the bytes of first and steady requests in both formats.

import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { createClient } from "../dist/client.js";
import { psk, pskData } from "../dist/entity-auth/psk.js";
import { ecdh } from "../dist/key-exchange/ecdh.js";
import { nodeEnvironment } from "../dist/node.js";
import { createServer, createTokenIssuer, tokenKeys } from "../dist/server.js";
import { memoryPskKeys, pskContext } from "../dist/store/entity-keys.js";
import { IssuerMemory } from "../dist/store/issuer-memory.js";
import { randomBytes } from "node:crypto";

const ROUNDS = 7;
const ROUND_MS = 400;
const BODY = randomBytes(1024);
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

const reader = (...parts) => ({ read: async () => parts.shift() ?? null, cancel() {} });

function collector() {
  const parts = [];
  return { parts, write: async (bytes) => void parts.push(bytes), end: async () => {} };
}

/** A transport that keeps what was sent and answers from the server. */
function recording(receive) {
  const sent = [];
  return {
    sent,
    async open() {
      const out = collector();
      let answer = null;
      return {
        writer: {
          write: out.write,
          async end() {
            const request = Buffer.concat(out.parts);
            const response = collector();
            await receive(reader(request), response);
            const whole = Buffer.concat(response.parts);
            sent.push({ request, response: whole });
            answer = reader(whole);
          },
        },
        reader: { read: () => answer.read(), cancel() {} },
        abort() {},
      };
    },
  };
}

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

/** Calls a second, as the median of rounds, with the slowest and the fastest. */
async function measure(work) {
  for (let i = 0; i < 300; i++) await work();
  const rates = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    let calls = 0;
    while (performance.now() - start < ROUND_MS) {
      for (let i = 0; i < 20; i++) await work();
      calls += 20;
    }
    rates.push((calls * 1000) / (performance.now() - start));
  }
  return { ours: Math.round(median(rates)), low: Math.round(Math.min(...rates)), high: Math.round(Math.max(...rates)) };
}

const rows = [];

async function steady(format) {
  const { env, core, scheme, server } = await world();
  // The server opens the request and answers with nothing of its own; the client's opening of that answer is not counted
  // twice: a round is the sealing of one 1 KiB request and its opening.
  const handler = async (request) => {
    await request.bytes();
    return { body: "" };
  };
  const transport = recording((input, output) => server.receive(input, output, handler));
  const device = await createClient({
    ...env,
    transport,
    entity: { scheme, data: () => pskData("device-0001") },
    serverSchemes: [scheme],
    keyExchange: [ecdh({ core })],
    capabilities: { formats: [format] },
    firstFormat: format,
  });
  const round = async () => (await device.request({ body: BODY, compress: false })).bytes();
  await round();
  await round();
  rows.push({
    op: "round-trip",
    bytes: 1024,
    output: format,
    peer: "none",
    ...(await measure(round)),
    unit: "messages/s",
  });
  const { request } = transport.sent.at(-1);
  transport.sent.length = 0;
  const open = () => server.receive(reader(request), collector(), handler);
  rows.push({
    op: "open-and-answer",
    bytes: 1024,
    output: format,
    peer: "none",
    ...(await measure(open)),
    unit: "messages/s",
  });
}

async function handshakes() {
  const { env, core, scheme, server } = await world();
  const requests = [];
  for (let i = 0; i < 64; i++) {
    const transport = recording((input, output) => server.receive(input, output, async () => ({ body: "" })));
    const device = await createClient({
      ...env,
      transport,
      entity: { scheme, data: () => pskData("device-0001") },
      serverSchemes: [scheme],
      keyExchange: [ecdh({ core })],
      capabilities: { formats: ["CBOR"] },
      firstFormat: "CBOR",
    });
    await (await device.request({ body: "x" })).bytes();
    requests.push(transport.sent[0].request);
  }
  let i = 0;
  const work = () => server.receive(reader(requests[i++ & 63]), collector(), async () => ({ body: "" }));
  rows.push({
    op: "handshake-ecdh-server",
    bytes: 0,
    output: "CBOR",
    peer: "none",
    ...(await measure(work)),
    unit: "op/s",
  });
}

async function sizes(format) {
  const { env, core, scheme, server } = await world();
  const transport = recording((input, output) => server.receive(input, output, async () => ({ body: "" })));
  const device = await createClient({
    ...env,
    transport,
    entity: { scheme, data: () => pskData("device-0001") },
    serverSchemes: [scheme],
    keyExchange: [ecdh({ core })],
    capabilities: { formats: [format] },
    firstFormat: format,
  });
  for (const body of ["hello", "hello", BODY]) await (await device.request({ body, compress: false })).bytes();
  const [first, small, large] = transport.sent.map(({ request }) => request.length);
  return { format, firstRequest: first, steadyRequest5B: small, steadyRequest1KiB: large };
}

for (const format of ["JSON", "CBOR"]) await steady(format);
await handshakes();
const bytes = [await sizes("JSON"), await sizes("CBOR")];
console.table(rows, ["op", "output", "bytes", "ours", "low", "high", "unit"]);
console.table(bytes);
const file = process.argv.indexOf("--json");
if (file > 0) {
  const machine = `${cpus()[0]?.model.trim()} x${cpus().length}`;
  writeFileSync(process.argv[file + 1], JSON.stringify({ machine, node: process.version, rows, bytes }, null, 2));
}
