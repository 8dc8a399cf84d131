// The bridge's plumbing: memory, stages, entropy and slots of one instance of the core. Only the files of this folder
// use it; above it there are keys and bytes.

import { MslCoreError, MslUsageError } from "../errors/msl-error.ts";
import type { Entropy } from "../platform/entropy.ts";
import * as abi from "./abi.ts";
import type { CoreExports } from "./exports.ts";
import { type KeyHandle, type KeySpec, type SlotKey, SlotCache } from "./key-handle.ts";
import { checked } from "./status.ts";

export class CoreIo {
  readonly x: CoreExports;
  readonly memory: Uint8Array;
  /** Where the stages begin. */
  readonly in: number;
  readonly out: number;
  readonly slots: SlotCache;
  readonly entropy: Entropy;
  #dead = false;

  constructor(exports: CoreExports, entropy: Entropy) {
    const probe = new Uint8Array(32);
    entropy.fill(probe);
    if (probe.every((byte) => byte === 0)) throw new MslCoreError("The entropy source gives zeros.");
    this.x = exports;
    this.memory = new Uint8Array(exports.memory.buffer);
    this.in = exports.stageInPtr();
    this.out = exports.stageOutPtr();
    this.entropy = entropy;
    this.slots = new SlotCache(exports, this.memory, (n) => this.needEntropy(n));
  }

  /** Sees to it that the pool holds `n` bytes. */
  needEntropy(n: number): void {
    if (this.x.entropyLeft() >= n) return;
    const at = this.x.entropyPtr();
    this.entropy.fill(this.memory.subarray(at, at + abi.ENTROPY_POOL_SIZE));
    checked(this.x.entropyFill(abi.ENTROPY_POOL_SIZE));
  }

  /** Runs a step; a trap, which no input should cause, marks the instance dead. */
  run<T>(step: () => T): T {
    if (this.#dead) throw new MslCoreError("The core is dead.");
    try {
      return step();
    } catch (error) {
      if (error instanceof Error && error.name === "RuntimeError") {
        this.#dead = true;
        throw new MslCoreError("The core trapped.", error);
      }
      throw error;
    }
  }

  /** @throws MslUsageError if this build was made without the primitive */
  need(primitive: string, name: keyof CoreExports): void {
    if (typeof this.x[name] !== "function") throw new MslUsageError(`This build of the core has no ${primitive}.`);
  }

  /** Writes bytes into `stage in`; where they lie. */
  put(bytes: Uint8Array, offset = 0): number {
    if (offset + bytes.length > abi.STAGE_SIZE) throw new MslUsageError("An argument is larger than the stage.");
    this.memory.set(bytes, this.in + offset);
    return this.in + offset;
  }

  /** A copy. */
  get(ptr: number, length: number): Uint8Array {
    return this.memory.slice(ptr, ptr + length);
  }

  /** Copies a secret result out and wipes where it lay. */
  takeSecret(ptr: number, length: number): Uint8Array {
    const bytes = this.memory.slice(ptr, ptr + length);
    this.memory.fill(0, ptr, ptr + length);
    return bytes;
  }

  slotOf(key: KeyHandle): number {
    return this.slots.slotOf(key);
  }

  /** Wraps a slot that the core just filled. */
  adopt(slot: number, spec: KeySpec): SlotKey {
    return this.slots.adopt(checked(slot), spec);
  }

  /** Wipes every key; nothing runs afterwards. */
  dispose(): void {
    if (this.#dead) return;
    this.x.slotsClear();
    this.x.stageWipe(abi.STAGE_SIZE, abi.STAGE_SIZE);
    this.x.entropyFill(0);
    this.#dead = true;
  }
}
