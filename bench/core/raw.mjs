// An output's raw exports behind the thinnest wrapper: what an operation puts in, gets out, and needs.

import { randomFillSync } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import * as abi from "../../dist/chunks/core.js";
import { Missing } from "./missing.mjs";

const dist = (name) => new URL(`../../dist/${name}`, import.meta.url);

export async function rawExports(output) {
  if (output === "js") return (await import(dist("core.js").href)).createExports();
  if (output === "c") {
    const addon = dist("native/core-single.node");
    if (!existsSync(addon)) throw new Missing("dist/native/core-single.node is not built (node tools/native.mjs)");
    const native = createRequire(import.meta.url)(addon.pathname);
    return native.createExports?.() ?? native;
  }
  const binary = readFileSync(dist(`core.${output}.wasm`));
  return new WebAssembly.Instance(new WebAssembly.Module(binary), {}).exports;
}

const SLAB = 65536;

/** A raw core with what each operation needs of it. */
export class Raw {
  constructor(x) {
    this.x = x;
    this.memory = new Uint8Array(x.memory.buffer);
    this.in = x.stageInPtr();
    this.out = x.stageOutPtr();
    this.pool = x.entropyPtr();
    this.slab = new Uint8Array(SLAB);
    this.slabUsed = 0;
  }

  /** The export, or Missing. */
  need(name) {
    const found = this.x[name];
    if (typeof found !== "function") throw new Missing(`the core has no ${name} yet`);
    return found;
  }

  /** What does not fit is left to the bridge, which streams. */
  needRoom(n) {
    if (n > 2 * abi.STAGE_SIZE) throw new Missing("larger than the stage: measured through the bridge only");
  }

  refill(n) {
    if (this.x.entropyLeft() >= n) return;
    randomFillSync(this.memory, this.pool, abi.ENTROPY_POOL_SIZE);
    this.x.entropyFill(abi.ENTROPY_POOL_SIZE);
  }

  put(bytes, offset = 0) {
    this.memory.set(bytes, this.in + offset);
    return this.in + offset;
  }

  /**
   * Copies a result out. Up to 64 bytes V8 keeps on its heap; more go into the next part of a slab, as Node does for its
   * own Buffers, up to a size.
   */
  get(at, length) {
    if (length <= 64 || length > SLAB >> 4) return this.memory.slice(at, at + length);
    if (this.slabUsed + length > SLAB) {
      this.slab = new Uint8Array(SLAB);
      this.slabUsed = 0;
    }
    const copy = this.slab.subarray(this.slabUsed, (this.slabUsed += length));
    copy.set(this.memory.subarray(at, at + length));
    return copy;
  }

  key(type, usage, raw) {
    this.refill(abi.ENTROPY_POOL_SIZE);
    return ok(this.x.slotImport(type, usage, this.put(raw), raw.length));
  }

  aes = ({ key }) => this.key(abi.KEY_AES, abi.USE_ENCRYPT | abi.USE_DECRYPT, key);
  hmac = ({ macKey }) => this.key(abi.KEY_HMAC_SHA256, abi.USE_SIGN | abi.USE_VERIFY, macKey);
}

/** The status, unless it is an error. */
export function ok(status) {
  if (status < 0) throw new Error(`status ${status}`);
  return status;
}
