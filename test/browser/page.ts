// The page of the browser test: a device on each core output with each storage of a browser, over two page loads. What
// happened goes to the server that gave the page out; it judges.

import { createClient } from "../../src/control/client.ts";
import type { Core } from "../../src/core/core.ts";
import { type CoreKind, startCore } from "../../src/core/start.ts";
import { psk, pskData } from "../../src/entity-auth/psk.ts";
import { MslError } from "../../src/errors/msl-error.ts";
import { ecdh } from "../../src/key-exchange/ecdh.ts";
import { memoryPskKeys } from "../../src/store/entity-keys.ts";
import { indexedDbStorage } from "../../src/store/indexed-db.ts";
import { localStorageStorage } from "../../src/store/local-storage.ts";
import { fetchTransport } from "../../src/transport/fetch.ts";

const CASES = (["simd", "mvp", "js"] as const).flatMap((core) =>
  (["localStorage", "IndexedDB"] as const).map((storage) => ({ core, storage })),
);
const LARGE = 300_000;

const timers = {
  after(ms: number, fire: () => void) {
    const id = setTimeout(fire, ms);
    return () => clearTimeout(id);
  },
};
const bytesOf = async (url: string) => new Uint8Array(await (await fetch(url)).arrayBuffer());
const tell = (what: object) => fetch("/tell", { method: "POST", body: JSON.stringify(what) });

function storageOf(kind: (typeof CASES)[number]["storage"], name: string) {
  return kind === "localStorage"
    ? localStorageStorage(() => window.localStorage, name)
    : indexedDbStorage(() => window.indexedDB, name, "tinymsl-test", { timers });
}

async function coreOf(kind: CoreKind): Promise<Core> {
  const js = () => import(/* @vite-ignore */ String("/core.js"));
  const { core, kind: started } = await startCore({
    sources: kind === "js" ? { js } : { [kind]: `/core.${kind}.wasm` },
    entropy: { fill: (target) => void crypto.getRandomValues(target as Uint8Array<ArrayBuffer>) },
    fetchBytes: bytesOf,
    timers,
  });
  if (started !== kind) throw new Error(`${started} started in place of ${kind}`);
  return core;
}

/** Code of what a promise rejects with. */
async function codeOf(promise: unknown): Promise<string | null> {
  try {
    await promise;
    return null;
  } catch (error) {
    return error instanceof MslError ? error.code : String(error);
  }
}

async function visit(number: number, { core: kind, storage }: (typeof CASES)[number], name: string): Promise<object> {
  const core = await coreOf(kind);
  const keys = (await (await fetch("/keys")).json()) as { identity: string; encryption: number[]; mac: number[] }[];
  const entries = keys.map(({ identity, encryption, mac }) => ({
    identity,
    encryptionKey: new Uint8Array(encryption),
    macKey: new Uint8Array(mac),
  }));
  const scheme = psk({ contextOf: memoryPskKeys(core, entries) });
  const place = storageOf(storage, name);
  if (number === 1) await place.clear();
  const client = await createClient({
    core,
    clock: { nowMs: () => Date.now() },
    timers,
    gzip: null,
    transport: fetchTransport("/msl", fetch.bind(window)),
    entity: { scheme, data: () => pskData("page") },
    serverSchemes: [scheme],
    keyExchange: [ecdh({ core })],
    storage: place,
    network: "browser-test",
  });
  const facts = async (body: string, nonReplayable = false) =>
    (await client.request({ body, nonReplayable, timeoutMs: 10_000 })).text();
  const small = JSON.parse(await facts("small"));
  const once = JSON.parse(await facts("once", true));
  const large = JSON.parse(await facts("x".repeat(LARGE)));
  const echo = await (await client.request({ body: "long", timeoutMs: 10_000 })).bytes();
  // What another tab would do: it read the state before this one went on.
  const [mine, other] = [storageOf(storage, name), storageOf(storage, name)];
  await mine.load();
  const snapshot = await other.load();
  await mine.save(snapshot!);
  const conflict = await codeOf((async () => other.save(snapshot!))());
  await client.close();
  return { small, once, large, echo: echo.length, conflict };
}

async function run(): Promise<void> {
  const at = Number(new URLSearchParams(location.search).get("at") ?? "0");
  const step = CASES[at >> 1];
  if (step === undefined) return void (await tell({ done: true }));
  const number = (at & 1) + 1;
  const found = await visit(number, step, `${step.core}-device`);
  await tell({ ...step, visit: number, ...found });
  location.search = `?at=${at + 1}`;
}

run().catch((error: unknown) => tell({ failure: String(error) }));
