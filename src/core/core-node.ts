// Finds and starts a core build on Node: SIMD first, then the WebAssembly MVP, then JavaScript. Says which one runs and
// why. WebAssembly is compiled synchronously here, which takes milliseconds less than the portable way (start.ts).

import { existsSync, readFileSync } from "node:fs";
import { MslCoreError } from "../errors/msl-error.ts";
import type { Entropy } from "../platform/entropy.ts";
import type { PlatformCrypto } from "../platform/platform-crypto.ts";
import { nodeEntropy } from "../platform/entropy-node.ts";
import { type Core, createCore } from "./core.ts";
import type { CoreExports } from "./exports.ts";
import type { CoreKind, JavaScriptCore } from "./start.ts";

export type { CoreKind } from "./start.ts";

export interface LoadedCore {
  readonly core: Core;
  readonly kind: CoreKind;
  /** One line on the choice. */
  readonly why: string;
}

/** Starts a core. @throws MslCoreError if none starts, or not the one asked for */
export async function loadCore(
  kind: "auto" | CoreKind = "auto",
  entropy: Entropy = nodeEntropy,
  platform: PlatformCrypto | null = null,
): Promise<Core> {
  return (await loadCoreExplained(kind, entropy, platform)).core;
}

export async function loadCoreExplained(
  kind: "auto" | CoreKind,
  entropy: Entropy = nodeEntropy,
  platform: PlatformCrypto | null = null,
): Promise<LoadedCore> {
  const failures: string[] = [];
  let cause: unknown;
  for (const build of kind === "auto" ? (["simd", "mvp", "js"] as const) : [kind]) {
    try {
      const core = createCore(await exportsOf(build), entropy, build, platform);
      const asked = kind === "auto" ? "the best that starts" : "asked for";
      return { core, kind: build, why: [...failures, `${build}: ${asked}`].join("; ") };
    } catch (error) {
      cause = error;
      failures.push(`${build} did not start`);
    }
  }
  throw new MslCoreError(`${failures.join("; ")}.`, cause);
}

/** Without the self-test of `startCore`, whose first calls take milliseconds: Node's engine is one that tests run on. */
async function exportsOf(build: CoreKind): Promise<CoreExports> {
  if (build === "js") return ((await import(locate("core.js").href)) as JavaScriptCore).createExports();
  return instantiateCoreNow(readFileSync(locate(`core.${build}.wasm`)));
}

/** The build lies in dist/, seen from a folder of dist/, from dist/ itself, or from the sources. */
function locate(name: string): URL {
  for (const up of ["../", "./", "../../dist/"]) {
    const url = new URL(`${up}${name}`, import.meta.url);
    if (existsSync(url)) return url;
  }
  throw new MslCoreError(`${name} is not there.`);
}

declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
};

/**
 * Compiles and instantiates at once, without the loader: on Node its asynchronous way costs over ten times as much at
 * start, since it asks for `Response` there, which loads Node's whole fetch implementation.
 */
function instantiateCoreNow(bytes: Uint8Array): CoreExports {
  return new WebAssembly.Instance(new WebAssembly.Module(bytes), {}).exports as CoreExports;
}
