// Finds and starts a core build on Node: SIMD first, then the WebAssembly MVP. Says which one runs and why.

import { readFileSync } from "node:fs";
import { MslCoreError } from "../errors/msl-error.ts";
import type { Entropy } from "../platform/entropy.ts";
import type { PlatformCrypto } from "../platform/platform-crypto.ts";
import { nodeEntropy } from "../platform/entropy-node.ts";
import { type Core, createCore } from "./core.ts";
import { instantiateCoreNow } from "./wasm.ts";

export type CoreKind = "simd" | "mvp";

export interface LoadedCore {
  readonly core: Core;
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
  for (const build of kind === "auto" ? (["simd", "mvp"] as const) : [kind]) {
    try {
      const core = createCore(instantiateCoreNow(readBuild(build)), entropy, build, platform);
      const asked = kind === "auto" ? "the best that starts" : "asked for";
      return { core, why: [...failures, `${build}: ${asked}`].join("; ") };
    } catch (error) {
      cause = error;
      failures.push(`${build} did not start`);
    }
  }
  throw new MslCoreError(`${failures.join("; ")}.`, cause);
}

/** The binary lies in dist/, seen from the compiled module, from a bundle, or from the sources. */
function readBuild(build: CoreKind): Uint8Array {
  let cause: unknown;
  for (const up of ["../", "./", "../../dist/"]) {
    try {
      return readFileSync(new URL(`${up}core.${build}.wasm`, import.meta.url));
    } catch (error) {
      cause = error;
    }
  }
  throw new MslCoreError(`core.${build}.wasm is not there.`, cause);
}
