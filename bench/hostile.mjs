// Hostile clients against `tinymsl serve`: slow headers, slow bodies, an endless chunk, 1 000 idle connections, 10 000
// handshakes. A second, well-behaved client asks all the while; its p99 and the growth of the server's memory are
// printed. Loopback only, bounded in time: `npm run bench:hostile [-- --json FILE]`.

import { fork, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createClient } from "../dist/client.js";
import { psk, pskData } from "../dist/entity-auth/psk.js";
import { ecdh } from "../dist/key-exchange/ecdh.js";
import { nodeEnvironment } from "../dist/node.js";
import { memoryPskKeys } from "../dist/store/entity-keys.js";
import { httpTransport } from "../dist/transport/http-node.js";

const P99_LIMIT_MS = 250;
const RSS_LIMIT_MB = 64;
const ATTACK_MS = 6000;
const DEVICE = "VEC-PSK-1";
const KEYS = "test/vectors/keys.json";
const self = fileURLToPath(import.meta.url);

/** An import wipes the bytes that it takes, so each device gets its own. */
function pskEntry({ identity, encryptionkey, hmackey, wrappingkey }) {
  const bytes = (text) => (text === undefined ? null : Uint8Array.from(Buffer.from(text, "base64")));
  return { identity, encryptionKey: bytes(encryptionkey), macKey: bytes(hmackey), wrappingKey: bytes(wrappingkey) };
}

async function newDevice(url, keys) {
  const env = nodeEnvironment();
  const core = await env.core;
  const scheme = psk({ contextOf: memoryPskKeys(core, keys.psk.map(pskEntry)) });
  const transport = httpTransport(url);
  const entity = { scheme, data: () => pskData(DEVICE) };
  const options = { ...env, transport, entity, serverSchemes: [scheme], keyExchange: [ecdh({ core })] };
  return { options, transport, device: await createClient(options) };
}

// ---------------------------------------------------------------- attackers, in a process of their own

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const HEAD = "POST /msl HTTP/1.1\r\nhost: x\r\n";

function openSockets(port, count, onOpen) {
  return Array.from({ length: count }, () => {
    const socket = connect(port, "127.0.0.1", () => onOpen(socket));
    socket.on("error", () => {});
    return socket;
  });
}

const ATTACKS = {
  async "slow header"(port) {
    openSockets(port, 200, async (socket) => {
      for (const c of HEAD + "x-a: b\r\n".repeat(100)) {
        if (socket.destroyed) return;
        socket.write(c);
        await sleep(100);
      }
    });
    await sleep(ATTACK_MS);
  },
  async "slow body"(port) {
    openSockets(port, 200, async (socket) => {
      socket.write(`${HEAD}content-length: 100000\r\n\r\n{"entityauthdata":"`);
      while (!socket.destroyed) {
        socket.write("A");
        await sleep(100);
      }
    });
    await sleep(ATTACK_MS);
  },
  async "endless chunk"(port) {
    const piece = Buffer.alloc(65536, 0x41);
    openSockets(port, 4, (socket) => {
      socket.write(`${HEAD}transfer-encoding: chunked\r\n\r\n12\r\n{"entityauthdata":\r\n1\r\n"\r\n`);
      const more = () => {
        if (socket.destroyed) return;
        socket.write("10000\r\n");
        socket.write(piece);
        if (socket.write("\r\n")) setImmediate(more);
        else socket.once("drain", more);
      };
      more();
    });
    await sleep(ATTACK_MS);
  },
  async "1000 idle connections"(port) {
    openSockets(port, 1000, () => {});
    await sleep(ATTACK_MS);
  },
  async "10000 handshakes"(_port, url, keys) {
    const { options, transport } = await newDevice(url, keys);
    let done = 0;
    const work = async () => {
      while (done < 10_000) {
        done++;
        const device = await createClient(options);
        await (await device.request({ body: "x" })).bytes();
        await device.close();
      }
    };
    await Promise.all(Array.from({ length: 8 }, work));
    transport.close();
  },
};

if (process.argv[2] === "--attack") {
  const [, , , name, port, url] = process.argv;
  await ATTACKS[name](Number(port), url, JSON.parse(readFileSync(KEYS, "utf8")));
  process.exit(0);
}

// ---------------------------------------------------------------- the measurement

function rssMb(pid) {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024;
}

async function startServer() {
  const child = spawn(process.execPath, ["dist/cli/main.js", "serve", "--keys", KEYS], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout });
  const url = await new Promise((resolve) => lines.once("line", (line) => resolve(JSON.parse(line).listening)));
  lines.on("line", () => {});
  return { child, url };
}

/** Asks one request after the other until `stop`; the times in ms. */
async function ask(device, until) {
  const times = [];
  while (!until.stop) {
    const start = performance.now();
    const text = await (await device.request({ body: "hello", timeoutMs: 10_000 })).text();
    if (text !== "ECHO:hello") throw new Error("wrong answer");
    times.push(performance.now() - start);
    await sleep(2);
  }
  return times;
}

const percentile = (times, p) =>
  [...times].sort((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * p))];
const round = (x) => Math.round(x * 100) / 100;

const folder = mkdtempSync(join(tmpdir(), "tinymsl-hostile-"));
const keys = JSON.parse(readFileSync(KEYS, "utf8"));
const { child, url } = await startServer();
const { port } = new URL(url);
const { device } = await newDevice(url, keys);
// Warm: what the server allocates for ordinary work is not growth.
const warm = { stop: false };
setTimeout(() => {
  warm.stop = true;
}, 3000);
await ask(device, warm);
const before = rssMb(child.pid);
const rows = [];
for (const name of Object.keys(ATTACKS)) {
  const attacker = fork(self, ["--attack", name, port, url], { stdio: "ignore" });
  const until = { stop: false };
  attacker.on("exit", () => {
    until.stop = true;
  });
  const times = await ask(device, until);
  const growth = rssMb(child.pid) - before;
  rows.push({
    attack: name,
    requests: times.length,
    p50Ms: round(percentile(times, 0.5)),
    p99Ms: round(percentile(times, 0.99)),
    rssGrowthMb: round(growth),
  });
}
console.table(rows);
const holds = rows.every((row) => row.p99Ms < P99_LIMIT_MS && row.rssGrowthMb < RSS_LIMIT_MB);
console.log(
  `${holds ? "holds" : "DOES NOT HOLD"}: p99 below ${P99_LIMIT_MS} ms, memory growth below ${RSS_LIMIT_MB} MiB`,
);
const file = process.argv.indexOf("--json");
if (file > 0) writeFileSync(process.argv[file + 1], JSON.stringify({ node: process.version, rows }, null, 2));
child.kill("SIGTERM");
rmSync(folder, { recursive: true, force: true });
await new Promise((resolve) => child.once("exit", resolve));
process.exit(holds ? 0 : 1);
