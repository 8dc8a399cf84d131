// RSA key generation on every build: what node:crypto says of the keys, the same key from the same entropy, steps, and
// how a key that is being made is kept.

import { checkPrimeSync, createHash, createPublicKey, publicEncrypt, randomBytes, verify } from "node:crypto";
import { describe, expect, test } from "vitest";
import * as abi from "../../src/core/abi.ts";
import { BUILDS, loadRaw, type RawCore } from "./raw/raw-core.ts";
import { arenaIsZero } from "./rsa-helpers.ts";

const USAGE = abi.USE_DECRYPT | abi.USE_SIGN;
const STAGES = 2 * abi.STAGE_SIZE;

/** Entropy that depends on `seed` and how often it was asked for. */
function refillFrom(core: RawCore, seed: string, counter: number): void {
  const pool = Buffer.concat(
    Array.from({ length: abi.ENTROPY_POOL_SIZE / 32 }, (_, i) =>
      createHash("sha256").update(`${seed}/${counter}/${i}`).digest(),
    ),
  );
  core.memory.set(pool, core.x.entropyPtr!());
  core.x.entropyFill!(pool.length);
}

function modulusOf(core: RawCore, slot: number): Buffer {
  const size = core.x.rsaPublicKey!(slot, core.outPtr);
  expect(Buffer.from(core.get(core.outPtr + size, 4)).readUInt32BE()).toBe(65537);
  return Buffer.from(core.get(core.outPtr, size));
}

/** p and q, found in memory by the head of the raw key. */
function primesOf(core: RawCore, bits: number): [Buffer, Buffer] {
  const head = Buffer.alloc(16);
  head.writeUInt32LE(bits, 0);
  head.writeUInt32LE(65537, 4);
  head.writeUInt32LE(bits / 2, 8);
  const memory = Buffer.from(core.memory.buffer);
  const at = memory.indexOf(head) + 32;
  expect(at).toBeGreaterThan(32);
  const half = bits / 16;
  return [Buffer.from(memory.subarray(at, at + half)), Buffer.from(memory.subarray(at + half, at + 2 * half))];
}

const toBig = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString("hex")}`);

function generateInSteps(core: RawCore, bits: number, seed: string): { slot: number; steps: number } {
  const begun = core.x.rsaGenerateBegin!(bits, USAGE);
  expect(begun).toBeGreaterThanOrEqual(abi.SLOT_COUNT);
  for (let steps = 1; ; steps++) {
    refillFrom(core, seed, steps);
    const slot = core.x.rsaGenerateStep!(begun);
    expect(arenaIsZero(core, STAGES)).toBe(true);
    if (slot !== 0) return { slot, steps };
  }
}

const moduli = new Map<string, string>();

describe.each(BUILDS)("%s", (build) => {
  const core = loadRaw(build);
  const { x, outPtr } = core;

  test.each(build === "simd" ? [2048, 3072] : [2048])("a key of %i bits is what node:crypto takes", (bits) => {
    core.refill();
    const slot = x.rsaGenerate!(bits, USAGE);
    expect(slot).toBeGreaterThanOrEqual(abi.SLOT_COUNT);
    const n = modulusOf(core, slot);
    expect(toBig(n).toString(2).length).toBe(bits);
    const [p, q] = primesOf(core, bits);
    expect(toBig(p) * toBig(q)).toBe(toBig(n));
    for (const prime of [p, q]) {
      expect(checkPrimeSync(prime, { checks: 20 })).toBe(true);
      expect(toBig(prime) % 4n).toBe(3n);
      expect(toBig(prime) % 65537n).not.toBe(1n);
    }
    const key = createPublicKey({ key: { kty: "RSA", n: n.toString("base64url"), e: "AQAB" }, format: "jwk" });
    const text = randomBytes(40);
    const ct = publicEncrypt({ key, oaepHash: "sha256" }, text);
    expect(x.rsaOaepDecrypt!(slot, abi.HASH_SHA256, core.put(ct), ct.length, outPtr)).toBe(40);
    expect(Buffer.from(core.get(outPtr, 40)).equals(text)).toBe(true);
    const size = x.rsaPkcs1Sign!(slot, core.put(createHash("sha256").update(text).digest()), outPtr);
    expect(verify("sha256", text, key, core.get(outPtr, size))).toBe(true);
    expect(x.rsaOaepOpenSlot!(slot, abi.HASH_SHA256, core.put(ct), ct.length, abi.KEY_AES, 0)).toBe(abi.ERR_USAGE);
    x.slotClear!(slot);
    expect(core.has(p)).toBe(false);
    expect(core.has(q)).toBe(false);
  });

  test("the same entropy gives the same key on every build, in steps that another key does not disturb", () => {
    const other = x.rsaGenerateBegin!(2048, USAGE);
    const { slot, steps } = generateInSteps(core, 2048, "one");
    expect(steps).toBeGreaterThan(12);
    const modulus = modulusOf(core, slot).toString("hex");
    expect(modulus).toBe(moduli.get("one") ?? modulus);
    moduli.set("one", modulus);
    core.refill();
    expect([0, abi.ERR_ENTROPY]).toContain(x.rsaGenerateStep!(other));
    x.slotClear!(other);
    x.slotClear!(slot);
  });

  test("a key that is being made has no use, may be sealed and brought back, and can be given up", () => {
    let slot = x.rsaGenerateBegin!(2048, USAGE);
    core.refill();
    expect(x.rsaGenerateStep!(slot)).toBe(0);
    expect(x.rsaPkcs1Sign!(slot, core.inPtr, outPtr)).toBe(abi.ERR_USAGE);
    expect(x.rsaOaepDecrypt!(slot, abi.HASH_SHA1, core.inPtr, 256, outPtr)).toBe(abi.ERR_USAGE);
    expect(x.rsaPublicKey!(slot, outPtr)).toBe(abi.ERR_USAGE);
    expect(x.slotExport!(slot, outPtr)).toBe(abi.ERR_USAGE);
    core.refill();
    const size = x.slotEvict!(slot, outPtr);
    expect(size).toBe(abi.SEALED_BIG_KEY_SIZE);
    slot = x.slotRestore!(outPtr, size);
    expect(slot).toBeGreaterThanOrEqual(abi.SLOT_COUNT);
    core.refill();
    expect(x.rsaGenerateStep!(slot)).toBe(0);
    x.entropyFill!(47);
    expect(x.rsaGenerateStep!(slot)).toBe(abi.ERR_ENTROPY);
    expect(x.entropyLeft!()).toBe(47);
    expect(x.slotClear!(slot)).toBe(abi.OK);
    expect(x.rsaGenerateStep!(slot)).toBe(abi.ERR_SLOT);
  });

  test("other sizes, usages and slots are refused", () => {
    core.refill();
    for (const bits of [0, -1, 512, 1024, 2047, 2049, 4104, 8192, 2 ** 31 - 1]) {
      expect(x.rsaGenerateBegin!(bits, USAGE)).toBe(abi.ERR_ARGUMENT);
      expect(x.rsaGenerate!(bits, USAGE)).toBe(abi.ERR_ARGUMENT);
    }
    for (const usage of [-1, abi.USE_EXPORT, 256]) expect(x.rsaGenerateBegin!(2048, usage)).toBe(abi.ERR_ARGUMENT);
    const dh = x.dhGenerate!(abi.DH_GROUP14, 0, 0, 0, 0, abi.USE_DERIVE, outPtr);
    expect(x.rsaGenerateStep!(dh)).toBe(abi.ERR_KEY_TYPE);
    for (const slot of [-1, 0, 99]) expect(x.rsaGenerateStep!(slot)).toBe(abi.ERR_SLOT);
    for (let i = 1; i < abi.BIG_SLOT_COUNT; i++) expect(x.rsaGenerateBegin!(2048, USAGE)).toBeGreaterThan(0);
    expect(x.rsaGenerateBegin!(2048, USAGE)).toBe(abi.ERR_NO_SLOT);
    expect(x.rsaGenerate!(2048, USAGE)).toBe(abi.ERR_NO_SLOT);
    for (let i = 0; i < abi.BIG_SLOT_COUNT; i++) x.slotClear!(abi.SLOT_COUNT + i);
    x.entropyFill!(47);
    expect(x.rsaGenerate!(2048, USAGE)).toBe(abi.ERR_ENTROPY);
    expect(x.slotType!(abi.SLOT_COUNT)).toBe(0);
  });
});
