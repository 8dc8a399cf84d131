// One large message over a socket, client and server in this process: what is kept of the part that has passed, after the
// collector ran, and how many listeners wait. `node --expose-gc transfer.mjs core.wasm HTTP|TCP up|down MiB`

import { readFileSync } from "node:fs";
import { createClient } from "../../src/control/client.ts";
import { createServer } from "../../src/control/server.ts";
import { createCore, ENCRYPTION_KEY, MAC_KEY } from "../../src/core/core.ts";
import type { CoreExports } from "../../src/core/exports.ts";
import { slotContext } from "../../src/crypto/symmetric.ts";
import { psk, pskData } from "../../src/entity-auth/psk.ts";
import { ecdh } from "../../src/key-exchange/ecdh.ts";
import { nodeClock, nodeTimers } from "../../src/platform/clock-node.ts";
import { nodeEntropy } from "../../src/platform/entropy-node.ts";
import { memoryPskKeys } from "../../src/store/entity-keys.ts";
import { IssuerMemory } from "../../src/store/issuer-memory.ts";
import { tokenKeys } from "../../src/tokens/token-crypto.ts";
import { createTokenIssuer } from "../../src/tokens/token-issuer.ts";
import { httpTransport } from "../../src/transport/http-node.ts";
import type { MessageEndpoint } from "../../src/transport/pipe.ts";
import { listen } from "../../src/transport/server-node.ts";
import { tcpListen, tcpTransport } from "../../src/transport/tcp-node.ts";

const [wasm = "", carrier = "HTTP", direction = "up", mib = "64"] = process.argv.slice(2);
const total = Number(mib) << 20;
const PIECE = new Uint8Array(65536).fill(1);

const warnings: string[] = [];
process.on("warning", ({ name }) => warnings.push(name));

const exports = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(wasm)), {}).exports;
const core = createCore(exports as unknown as CoreExports, nodeEntropy, "simd");
const env = { core, clock: nodeClock, timers: nodeTimers, gzip: null };
const entries = ["server", "device"].map((identity, i) => ({
  identity,
  encryptionKey: new Uint8Array(16).fill(i),
  macKey: new Uint8Array(32).fill(i),
}));
const scheme = psk({ contextOf: memoryPskKeys(core, entries) });
const crypto = tokenKeys([
  slotContext(core, {
    keyId: "tokens",
    encryption: core.generateKey(ENCRYPTION_KEY, 16),
    mac: core.generateKey(MAC_KEY, 32),
  }),
]);
const server = await createServer({
  ...env,
  entity: { scheme, data: () => pskData("server") },
  entitySchemes: [scheme],
  keyExchange: [ecdh({ core })],
  tokenCrypto: crypto,
  issuer: createTokenIssuer({ core, crypto, state: new IssuerMemory(), clock: nodeClock }),
  maxMessageBytes: null,
});

function* pieces(bytes: number): Generator<Uint8Array> {
  for (let left = bytes; left > 0; left -= PIECE.length) yield PIECE;
}

/** Bytes that live on after the collector ran. */
async function kept(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    await new Promise(setImmediate);
    (globalThis as unknown as { gc(): void }).gc();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

let growth = 0;

/** Reads a body, and compares what is kept near its end with what was kept near its beginning. */
async function drain(body: AsyncIterable<Uint8Array>): Promise<number> {
  let size = 0;
  let early = 0;
  let isMeasured = false;
  for await (const bytes of body) {
    size += bytes.length;
    if (early === 0 && size > total / 8) early = await kept();
    if (!isMeasured && size > (total * 7) / 8) {
      isMeasured = true;
      growth = (await kept()) - early;
    }
  }
  return size;
}

const endpoint: MessageEndpoint = (reader, writer) =>
  server.receive(
    reader,
    writer,
    async (request) => {
      if (direction === "down") return { body: pieces(total), compress: false };
      return { body: `${await drain(request)}` };
    },
    { timeoutMs: 100_000 },
  );

async function carry() {
  if (carrier === "TCP") {
    const listener = await tcpListen(({ reader, writer }) => endpoint(reader, writer, { signal: null }));
    return { transport: tcpTransport(listener.url), close: () => listener.close(0) };
  }
  const listening = await listen(endpoint);
  const transport = httpTransport(listening.url);
  const close = async () => {
    transport.close();
    await listening.close(0);
  };
  return { transport, close };
}

const { transport, close } = await carry();
const device = await createClient({
  ...env,
  transport,
  entity: { scheme, data: () => pskData("device") },
  serverSchemes: [scheme],
  keyExchange: [ecdh({ core })],
  firstFormat: "CBOR",
  maxMessageBytes: null,
});
const body = direction === "up" ? () => pieces(total) : "x";
const reply = await device.request({ body, compress: false, timeoutMs: 100_000 });
const size = direction === "up" ? Number(await reply.text()) : await drain(reply);
await close();
console.log(JSON.stringify({ size, growth, warnings }));
