// The control of the wiping tests: a core whose `wipe` does nothing. The operations whose memory is clean in every
// build leave secrets behind in this one, so they were there mid-way, and the scan sees them.

import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as abi from "../../../src/core/abi.ts";
import { importRaw, loadRaw, type RawCore, rawCoreOf } from "./raw-core.ts";
import { residue } from "./residue.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const ALL = 255;

/** Compiles the sources with an empty `wipe`; the optimiser is left out, so that nothing else changes. */
function compileWithoutWiping(folder: string): Uint8Array {
  cpSync(join(root, "assembly"), join(folder, "assembly"), { recursive: true });
  mkdirSync(join(folder, "src/core"), { recursive: true });
  cpSync(join(root, "src/core/abi.ts"), join(folder, "src/core/abi.ts"));
  const path = join(folder, "assembly/bytes.ts");
  const text = readFileSync(path, "utf8");
  const head = "export function wipe(ptr: usize, len: i32): void {";
  if (!text.includes(head)) throw new Error("bytes.ts has no wipe as this test knows it");
  writeFileSync(path, text.replace(head, `${head}\n  if (ptr >= 0) return;`));
  const asc = join(root, "node_modules/assemblyscript/bin/asc.js");
  const uses = ["abort=", "CORE_JS=0", "CORE_SMALL=0"].flatMap((use) => ["--use", use]);
  const memory = ["--initialMemory", "2", "--maximumMemory", "2"];
  const out = join(folder, "core.wasm");
  const options = ["--config", "none", "--runtime", "stub", "--noAssert", ...uses, ...memory, "--outFile", out];
  execFileSync(process.execPath, [asc, join(folder, "assembly/index.ts"), ...options, "-O1"], { stdio: "pipe" });
  return readFileSync(out);
}

let binary: Uint8Array<ArrayBuffer>;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "no-wipe-"));
  binary = new Uint8Array(compileWithoutWiping(folder));
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const leaking = (): RawCore => {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(binary), {});
  return rawCoreOf(instance.exports as never);
};

/** Operations on secrets that end with every slot cleared; what is then left is a leak. */
const OPERATIONS: Record<string, (core: RawCore) => void> = {
  "AES-CBC": (core) => {
    const slot = importRaw(core, abi.KEY_AES, ALL, randomBytes(16));
    core.x.aesCbcEncrypt!(slot, core.inPtr, core.inPtr + 16, 100, core.outPtr);
  },
  "HMAC-SHA256 with a long key": (core) => {
    const slot = importRaw(core, abi.KEY_HMAC_SHA256, abi.USE_SIGN, randomBytes(100));
    core.x.hmacSha256Sign!(slot, core.inPtr, 100, core.outPtr);
  },
  "key wrap": (core) => {
    const wrapping = importRaw(core, abi.KEY_AES_WRAP, ALL, randomBytes(16));
    const slot = importRaw(core, abi.KEY_HMAC_SHA256, ALL, randomBytes(32));
    core.x.aesWrapSlot!(wrapping, slot, core.outPtr);
    core.x.aesUnwrapSlot!(wrapping, core.outPtr, 40, abi.KEY_HMAC_SHA256, ALL);
  },
  X25519: (core) => {
    const slot = core.x.x25519Generate!(ALL, core.outPtr);
    core.x.x25519Agree!(slot, core.put(randomBytes(32)), ALL);
  },
  "ECDSA over P-256": (core) => {
    const slot = core.x.p256Generate!(ALL, core.outPtr);
    core.refill();
    core.x.ecdsaP256Sign!(slot, core.put(randomBytes(32)), core.outPtr);
  },
  HKDF: (core) => {
    const secret = importRaw(core, abi.KEY_SECRET, ALL, randomBytes(32));
    core.x.hkdfSha256!(secret, core.inPtr, 16, core.inPtr, 16, core.outPtr, 64);
  },
};

/** Bytes outside stages and entropy pool that an operation changed for good. */
function left(core: RawCore, run: (core: RawCore) => void): number {
  // The public table of P-256's base point is made at first use.
  core.x.p256Generate!(ALL, core.outPtr);
  core.x.slotsClear!();
  core.refill();
  const before = core.memory.slice();
  run(core);
  core.x.slotsClear!();
  return residue(core, { ...core, memory: before });
}

describe.each(Object.entries(OPERATIONS))("%s", (_name, run) => {
  test("leaves nothing in the build that ships", () => {
    expect(left(loadRaw("mvp"), run)).toBe(0);
  });

  test("leaves secrets where wiping is switched off", () => {
    expect(left(leaking(), run)).toBeGreaterThan(15);
  });
});
