// Instantiates a core build directly, without the bridge, for tests of single exports.

import { existsSync, readFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { createRequire } from "node:module";
import { instantiateSync } from "@assemblyscript/loader";
import { ENTROPY_POOL_SIZE, STAGE_SIZE } from "../../../src/core/abi.ts";

/** What the build gives for a whole core. */
export type Output = "simd" | "mvp" | "js" | "c";
export type Build = Output | "small";

/** core.c as an addon; test/native-setup.ts compiles it before the tests where there is a C compiler. */
const ADDON = fileURLToPath(new URL("../../../dist/native/core.node", import.meta.url));

/** The outputs that can run here. */
export const BUILDS: readonly Output[] = existsSync(ADDON) ? ["simd", "mvp", "js", "c"] : ["simd", "mvp", "js"];

/** With the small profile, for tests of what it holds. */
export const BUILDS_AND_SMALL: readonly Build[] = [...BUILDS, "small"];

type Fn = (...args: number[]) => number;

export interface RawCore {
  readonly x: Record<string, Fn>;
  readonly memory: Uint8Array;
  readonly inPtr: number;
  readonly outPtr: number;
  /** Writes bytes into the stage at an offset; gives the pointer. */
  put(bytes: Uint8Array, offset?: number): number;
  /** Copies bytes out of linear memory. */
  get(ptr: number, len: number): Uint8Array;
  refill(): void;
  has(needle: Uint8Array): boolean;
}

export function wasmPath(build: string): string {
  return fileURLToPath(new URL(`../../../dist/core.${build}.wasm`, import.meta.url));
}

type RawExports = Record<string, Fn> & { memory: { buffer: ArrayBuffer } };

const javascript = (await import(new URL("../../../dist/core.js", import.meta.url).href)) as {
  createExports(): RawExports;
};

/** A fresh instance of a build. */
export function rawExports(build: Build | "debug"): RawExports {
  if (build === "js") return javascript.createExports();
  if (build === "c") return createRequire(import.meta.url)(ADDON).createExports() as RawExports;
  const path = wasmPath(build);
  if (!existsSync(path)) throw new Error(`${path} is missing: run npm run build`);
  return instantiateSync(readFileSync(path)).instance.exports as unknown as RawExports;
}

export function loadRaw(build: Build | "debug"): RawCore {
  return rawCoreOf(rawExports(build));
}

export function rawCoreOf(x: RawExports): RawCore {
  const memory = new Uint8Array(x.memory.buffer);
  const inPtr = x.stageInPtr!();
  const outPtr = x.stageOutPtr!();
  const core: RawCore = {
    x,
    memory,
    inPtr,
    outPtr,
    put(bytes, offset = 0) {
      if (offset + bytes.length > 2 * STAGE_SIZE) throw new Error("does not fit the stages");
      memory.set(bytes, inPtr + offset);
      return inPtr + offset;
    },
    get: (ptr, len) => memory.slice(ptr, ptr + len),
    refill() {
      memory.set(randomBytes(ENTROPY_POOL_SIZE), x.entropyPtr!());
      x.entropyFill!(ENTROPY_POOL_SIZE);
    },
    has: (needle) => Buffer.from(memory.buffer).includes(Buffer.from(needle)),
  };
  core.refill();
  return core;
}

/** Imports a key and gives its slot; throws on a negative status. */
export function importRaw(core: RawCore, type: number, usage: number, key: Uint8Array): number {
  const slot = core.x.slotImport!(type, usage, core.put(key), key.length);
  if (slot < 0) throw new Error(`slotImport: ${slot}`);
  return slot;
}
