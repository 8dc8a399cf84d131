// One large message in each direction over HTTP on Node: `npm run bench:large [-- --mib N]`, 1 GiB unless N says else.
//
// Client and server run in one process, so the growth of its memory is that of both. Resident memory is sampled during
// each transfer and may grow by at most 64 MiB over what it was when the session was established and warmed up; above
// that the command fails. The body is checked by its length and its SHA-256.

import { createHash, randomBytes } from "node:crypto";
import { createClient } from "../dist/client.js";
import { psk, pskData } from "../dist/entity-auth/psk.js";
import { ecdh } from "../dist/key-exchange/ecdh.js";
import { nodeEnvironment } from "../dist/node.js";
import { createServer, createTokenIssuer, tokenKeys } from "../dist/server.js";
import { memoryPskKeys, pskContext } from "../dist/store/entity-keys.js";
import { IssuerMemory } from "../dist/store/issuer-memory.js";
import { httpTransport } from "../dist/transport/http-node.js";
import { listen } from "../dist/transport/server-node.js";
import { option } from "./timing.mjs";

const MIB = 1024 * 1024;
const GROWTH_BYTES = 64 * MIB;
const args = process.argv.slice(2);
const total = Number(option(args, "--mib") ?? 1024) * MIB;
const PIECE = new Uint8Array(randomBytes(65536));

function* pieces(bytes) {
  for (let left = bytes; left > 0; left -= PIECE.length) yield PIECE.subarray(0, Math.min(left, PIECE.length));
}

/** Length and digest of a body as it passes. */
async function measure(body) {
  const hash = createHash("sha256");
  let length = 0;
  for await (const bytes of body) {
    hash.update(bytes);
    length += bytes.length;
  }
  return `${length} ${hash.digest("hex")}`;
}

const expected = new Map();
async function digestOf(bytes) {
  if (!expected.has(bytes)) expected.set(bytes, await measure(pieces(bytes)));
  return expected.get(bytes);
}

/** A request says on its first byte what it wants: `U` sends a body up, `D` asks for one of so many bytes. */
async function handler(request) {
  const iterator = request[Symbol.asyncIterator]();
  const first = await iterator.next();
  const head = Buffer.from(first.value).toString("latin1");
  if (head.startsWith("D")) return { body: pieces(Number(head.slice(1))), compress: false };
  return { body: await measure({ [Symbol.asyncIterator]: () => iterator }), compress: false };
}

const env = nodeEnvironment();
const core = await env.core;
const keys = ["server", "device", "tokens"].map((identity) => ({
  identity,
  encryptionKey: new Uint8Array(randomBytes(16)),
  macKey: new Uint8Array(randomBytes(32)),
}));
const scheme = psk({ contextOf: memoryPskKeys(core, keys.slice(0, 2)) });
const crypto = tokenKeys([pskContext(core, keys[2])]);
const server = await createServer({
  ...env,
  entity: { scheme, data: () => pskData("server") },
  entitySchemes: [scheme],
  keyExchange: [ecdh({ core })],
  tokenCrypto: crypto,
  issuer: createTokenIssuer({ core, crypto, state: new IssuerMemory(), clock: env.clock }),
  maxMessageBytes: null,
});
const endpoint = (reader, writer, options) => server.receive(reader, writer, handler, options);
const listening = await listen(endpoint, { requestMs: 3_600_000 });
let failures = 0;

for (const format of ["JSON", "CBOR"]) {
  const transport = httpTransport(listening.url);
  const device = await createClient({
    ...env,
    transport,
    entity: { scheme, data: () => pskData("device") },
    serverSchemes: [scheme],
    keyExchange: [ecdh({ core })],
    firstFormat: format,
    capabilities: { formats: [format] },
    maxMessageBytes: null,
  });
  const up = async (bytes) => {
    const body = function* () {
      yield Uint8Array.of(0x55);
      yield* pieces(bytes);
    };
    return (await device.request({ body, compress: false })).text();
  };
  const down = async (bytes) => measure(await device.request({ body: `D${bytes}`, compress: false }));
  for (const [name, run] of [
    ["up", up],
    ["down", down],
  ]) {
    const wanted = await digestOf(total);
    await run(32 * MIB);
    globalThis.gc?.();
    const start = process.memoryUsage.rss();
    let peak = start;
    const sampler = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage.rss());
    }, 20);
    const began = performance.now();
    const got = await run(total);
    const seconds = (performance.now() - began) / 1000;
    clearInterval(sampler);
    const growth = peak - start;
    const isGood = got === wanted && growth <= GROWTH_BYTES;
    if (!isGood) failures++;
    const row = {
      format,
      direction: name,
      mib: total / MIB,
      mibPerSecond: Math.round(total / MIB / seconds),
      startRssMib: Math.round(start / MIB),
      growthMib: Math.round((growth / MIB) * 10) / 10,
      intact: got === wanted,
      ok: isGood,
    };
    process.stdout.write(`${JSON.stringify(row)}\n`);
  }
  transport.close();
  await device.close();
}
await listening.close(100);
await server.close();
process.exitCode = failures === 0 ? 0 : 1;
