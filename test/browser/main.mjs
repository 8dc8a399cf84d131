// `npm run browser`: the library in a real browser. A server gives out a page (page.ts) and answers its messages; a
// headless Chromium runs the page on every core output, with localStorage and IndexedDB, before and after a page load.
// `CHROMIUM` names the program if it is not in the path.

import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { psk, pskData } from "../../dist/entity-auth/psk.js";
import { ecdh } from "../../dist/key-exchange/ecdh.js";
import { nodeEnvironment } from "../../dist/node.js";
import { createServer as createMslServer, createTokenIssuer, tokenKeys } from "../../dist/server.js";
import { memoryPskKeys, pskContext } from "../../dist/store/entity-keys.js";
import { IssuerMemory } from "../../dist/store/issuer-memory.js";
import { nodeHandler } from "../../dist/transport/server-node.js";

const TIMEOUT_MS = 120_000;
const CASES = 6;
const LONG = 200_000;

const chromium = [process.env.CHROMIUM, "chromium", "chromium-browser", "google-chrome"].find(
  (name) => name !== undefined && spawnSync(name, ["--version"]).status === 0,
);
if (chromium === undefined) {
  console.log(
    "No Chromium: with one, the library runs in it, on every core output and with both storages of a browser.",
  );
  process.exit(0);
}

const keysOf = (identity) => ({ identity, encryptionKey: randomBytes(16), macKey: randomBytes(32) });
const entries = [keysOf("server"), keysOf("page")];
const forPage = JSON.stringify(
  entries.map(({ identity, encryptionKey, macKey }) => ({
    identity,
    encryption: [...encryptionKey],
    mac: [...macKey],
  })),
);
const env = nodeEnvironment();
const core = await env.core;
const scheme = psk({ contextOf: memoryPskKeys(core, entries) });
const tokenCrypto = tokenKeys([pskContext(core, keysOf("token keys"))]);
const server = await createMslServer({
  ...env,
  entity: { scheme, data: () => pskData("server") },
  entitySchemes: [scheme],
  keyExchange: [ecdh({ core })],
  tokenCrypto,
  issuer: createTokenIssuer({ core, crypto: tokenCrypto, state: new IssuerMemory(), clock: env.clock }),
});

/** Tells the page what the server saw. */
async function answer(request) {
  const text = await request.text();
  if (text === "long") return { body: new Uint8Array(LONG) };
  const { masterToken, nonReplayable, encrypted, sender } = request;
  return { body: JSON.stringify({ length: text.length, masterToken, nonReplayable, encrypted, sender }) };
}
const msl = nodeHandler((reader, writer, options) => server.receive(reader, writer, answer, options));

const { outputFiles } = await build({
  entryPoints: [fileURLToPath(new URL("page.ts", import.meta.url))],
  bundle: true,
  format: "esm",
  target: "chrome90",
  write: false,
  external: ["/core.js"],
  logLevel: "error",
});
const dist = (name) => readFileSync(new URL(`../../dist/${name}`, import.meta.url));
const files = {
  "/": ["text/html", '<!doctype html><title>tinymsl</title><script type="module" src="/page.js"></script>'],
  "/page.js": ["text/javascript", outputFiles[0].text],
  "/core.js": ["text/javascript", dist("core.js")],
  "/core.simd.wasm": ["application/wasm", dist("core.simd.wasm")],
  "/core.mvp.wasm": ["application/wasm", dist("core.mvp.wasm")],
  "/keys": ["application/json", forPage],
};

const told = [];
let finish;
const finished = new Promise((resolve) => {
  finish = resolve;
});
const http = createServer(async (req, res) => {
  const path = req.url.split("?")[0];
  if (path === "/msl") return msl(req, res);
  if (path === "/tell") {
    let text = "";
    for await (const part of req) text += part;
    res.end();
    const what = JSON.parse(text);
    if (what.done || what.failure) finish(what);
    else told.push(what);
    return;
  }
  const file = files[path];
  res.writeHead(file === undefined ? 404 : 200, { "content-type": file?.[0] ?? "text/plain" });
  res.end(file?.[1]);
});
await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));

const profile = mkdtempSync(join(tmpdir(), "tinymsl-browser-"));
const flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", `--user-data-dir=${profile}`];
const browser = spawn(chromium, [...flags, `http://127.0.0.1:${http.address().port}/`], { stdio: "ignore" });
const timer = setTimeout(() => finish({ failure: "no end in time" }), TIMEOUT_MS);
const end = await finished;
clearTimeout(timer);
await new Promise((resolve) => {
  browser.on("close", resolve);
  browser.kill();
});
http.closeAllConnections();
http.close();
await server.close();
rmSync(profile, { recursive: true, force: true, maxRetries: 5 });

/** What is wrong with what a page found; `first` is what the visit before it found. */
function judge(found, first) {
  const { small, once, large } = found;
  const wrong = [];
  const demand = (holds, what) => holds || wrong.push(what);
  demand(small.sender === "page" && small.encrypted, "not the page, or not encrypted");
  demand((small.masterToken === null) === (first === undefined), "the master token did not survive the page load");
  if (first !== undefined)
    demand(small.masterToken?.serialNumber === first.once.masterToken.serialNumber, "another session");
  demand(once.nonReplayable && once.masterToken !== null, "not a non-replayable message");
  demand(large.length === 300_000 && found.echo === LONG, "bodies of the wrong size");
  demand(found.conflict === "STORE_CONFLICT", `a second tab got ${found.conflict}`);
  return wrong;
}

let failures = end.failure === undefined ? 0 : 1;
if (end.failure !== undefined) console.log(`failed: ${end.failure}`);
for (const [i, found] of told.entries()) {
  const wrong = judge(found, found.visit === 2 ? told[i - 1] : undefined);
  failures += wrong.length;
  const result = wrong.length === 0 ? "ok" : wrong.join("; ");
  console.log(`${found.core}, ${found.storage}, page load ${found.visit}: ${result}`);
}
if (told.length !== 2 * CASES) failures++;
const version = spawnSync(chromium, ["--version"]).stdout.toString().trim();
console.log(`${version}: ${told.length} of ${2 * CASES} page loads, ${failures} failures`);
process.exitCode = failures === 0 ? 0 : 1;
