// Starts the best core that works on this engine: SIMD, then the WebAssembly MVP, then JavaScript. A build works when it
// instantiates and answers the self-test, in time: `WebAssembly.validate` promises neither, and under some content
// policies Chromium 69 never settles `instantiate`. Compilation is asynchronous, because Chromium up to 92 refuses the
// synchronous kind above 4 KiB on the main thread.

import { MslCoreError } from "../errors/msl-error.ts";
import type { Entropy } from "../platform/entropy.ts";
import type { PlatformCrypto } from "../platform/platform-crypto.ts";
import type { Timers } from "../platform/timers.ts";
import { type Core, createCore } from "./core.ts";
import type { CoreExports } from "./exports.ts";
import { selfTest } from "./self-test.ts";

export type CoreKind = "simd" | "mvp" | "js";

/** What this needs of an engine's `WebAssembly`. */
export interface WebAssemblyHost {
  instantiate(bytes: Uint8Array, imports: object): Promise<{ readonly instance: { readonly exports: unknown } }>;
}

/** The module `tinymsl/core.js`. */
export interface JavaScriptCore {
  createExports(): CoreExports;
}

/** A build's bytes, its URL, or a function that has or gets the bytes: `coreBytes` of `tinymsl/embedded/…`. */
export type CoreBytes = Uint8Array | string | (() => Uint8Array | Promise<Uint8Array>);

export interface StartOptions {
  /** What to choose from; a build without a source is passed over. */
  readonly sources: {
    readonly simd?: CoreBytes;
    readonly mvp?: CoreBytes;
    readonly js?: JavaScriptCore | (() => Promise<JavaScriptCore>);
  };
  readonly entropy: Entropy;
  /** For large data, as in `createCore`. */
  readonly platformCrypto?: PlatformCrypto;
  /** Gets the bytes of sources that are URLs. */
  readonly fetchBytes?: (url: string) => Promise<Uint8Array>;
  /** Without timers there are no time limits. */
  readonly timers?: Timers;
  /** Time for one build to instantiate, in ms; 3000 unless told. */
  readonly startMs?: number;
  /** Time for one build's bytes to arrive, in ms; 15 000 unless told. */
  readonly loadMs?: number;
  /** In place of the engine's; null: as if there were none. */
  readonly webAssembly?: WebAssemblyHost | null;
}

export interface Attempt {
  readonly kind: CoreKind;
  /** "started", or why not. */
  readonly outcome: string;
}

export interface StartedCore {
  readonly core: Core;
  readonly kind: CoreKind;
  /** The attempts in one line. */
  readonly why: string;
  readonly attempts: readonly Attempt[];
}

/** A build that cannot start, with the reason; the cause is an engine's or a port's error. */
class NotStarted extends Error {
  readonly reason: unknown;
  constructor(outcome: string, reason?: unknown) {
    super(outcome);
    this.reason = reason;
  }
}

declare const WebAssembly: WebAssemblyHost | undefined;

const START_MS = 3000;
const LOAD_MS = 15_000;

/** @throws MslCoreError with the reason of each build, if none starts, or if the entropy source is not usable */
export async function startCore(options: StartOptions): Promise<StartedCore> {
  const attempts: Attempt[] = [];
  let cause: unknown;
  for (const kind of ["simd", "mvp", "js"] as const) {
    try {
      const exports = kind === "js" ? await javascript(options) : await webAssembly(kind, options);
      verify(exports);
      attempts.push({ kind, outcome: "started" });
      // Outside this loop's reasons: an unusable entropy source is no other build's gain.
      const core = createCore(exports, options.entropy, kind, options.platformCrypto ?? null);
      return { core, kind, why: describe(attempts), attempts };
    } catch (error) {
      if (!(error instanceof NotStarted)) throw error;
      cause = error.reason ?? cause;
      attempts.push({ kind, outcome: error.message });
    }
  }
  throw new MslCoreError(`No core starts: ${describe(attempts)}.`, cause);
}

/** One line. */
function describe(attempts: readonly Attempt[]): string {
  return attempts.map(({ kind, outcome }) => `${kind}: ${outcome}`).join("; ");
}

async function webAssembly(kind: "simd" | "mvp", options: StartOptions): Promise<CoreExports> {
  const engine = typeof WebAssembly === "undefined" ? null : WebAssembly;
  const host = options.webAssembly === undefined ? engine : options.webAssembly;
  const source = options.sources[kind];
  if (source === undefined) throw new NotStarted("not given");
  if (host === null) throw new NotStarted("no WebAssembly");
  const load = named("did not load", () => bytesOf(source, options));
  const bytes = await inTime(load, options.loadMs ?? LOAD_MS, "did not load in time", options.timers);
  const start = named("did not instantiate", async () => (await host.instantiate(bytes, {})).instance.exports);
  const limit = options.startMs ?? START_MS;
  return (await inTime(start, limit, "did not instantiate in time", options.timers)) as CoreExports;
}

async function javascript(options: StartOptions): Promise<CoreExports> {
  const source = options.sources.js;
  if (source === undefined) throw new NotStarted("not given");
  const load = named("did not load", async () => (typeof source === "function" ? await source() : source));
  const module = await inTime(load, options.loadMs ?? LOAD_MS, "did not load in time", options.timers);
  return named("did not start", async () => module.createExports());
}

async function bytesOf(source: CoreBytes, options: StartOptions): Promise<Uint8Array> {
  if (typeof source === "function") return source();
  if (typeof source !== "string") return source;
  if (options.fetchBytes === undefined) throw new NotStarted("a URL, but no fetchBytes");
  return options.fetchBytes(source);
}

function verify(exports: CoreExports): void {
  let wrong: string | null;
  try {
    wrong = selfTest(exports);
  } catch (error) {
    throw new NotStarted(`failed in the self-test (${nameOf(error)})`, error);
  }
  if (wrong !== null) throw new NotStarted(`wrong answer of ${wrong} in the self-test`);
}

/** Runs a step, also one that throws at once, and turns its failure into an outcome. */
async function named<T>(outcome: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof NotStarted) throw error;
    throw new NotStarted(`${outcome} (${nameOf(error)})`, error);
  }
}

/** The kind of an error alone: its message may hold what should not be repeated. */
function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "no error object";
}

function inTime<T>(work: Promise<T>, ms: number, outcome: string, timers: Timers | undefined): Promise<T> {
  if (timers === undefined) return work;
  return new Promise((resolve, reject) => {
    const cancel = timers.after(ms, () => reject(new NotStarted(outcome)));
    work.then(
      (value) => {
        cancel();
        resolve(value);
      },
      (error: unknown) => {
        cancel();
        reject(error);
      },
    );
  });
}
