// HMAC_DRBG against an implementation written from SP 800-90A §10.1.2 over node:crypto's HMAC, on every build.

import { createHmac, randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as abi from "../../../src/core/abi.ts";
import { BUILDS, loadRaw, type RawCore } from "./raw-core.ts";
import { residue } from "./residue.ts";

const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const mac = (key: Uint8Array, ...parts: Uint8Array[]) => {
  const hmac = createHmac("sha256", key);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
};

/** The standard's HMAC_DRBG with SHA-256: no reseeding, no additional input. */
class Reference {
  key: Buffer = Buffer.alloc(32, 0);
  v: Buffer = Buffer.alloc(32, 1);

  constructor(seed: Uint8Array) {
    this.update(seed);
  }

  update(data: Uint8Array): void {
    for (const domain of data.length > 0 ? [0, 1] : [0]) {
      this.key = mac(this.key, this.v, Uint8Array.of(domain), data);
      this.v = mac(this.key, this.v);
    }
  }

  generate(length: number): Buffer {
    const blocks: Buffer[] = [];
    for (let n = 0; n < length; n += 32) {
      this.v = mac(this.key, this.v);
      blocks.push(this.v);
    }
    this.update(new Uint8Array(0));
    return Buffer.concat(blocks).subarray(0, length);
  }
}

/** Puts exactly these bytes into the pool. */
function pool(core: RawCore, bytes: Uint8Array): void {
  core.memory.set(bytes, core.x.entropyPtr!());
  core.x.entropyFill!(bytes.length);
}

describe.each(BUILDS)("%s", (build) => {
  const core = loadRaw(build);
  const { x, inPtr, outPtr } = core;

  test("gives the bytes of the standard's algorithm, for any seed, personalization and requests", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 48, max: 128 }),
        fc.uint8Array({ maxLength: 200 }),
        fc.array(fc.nat(400), { minLength: 1, maxLength: 6 }),
        fc.nat(7),
        (seedLength, pers, requests, shift) => {
          const seed = randomBytes(seedLength);
          pool(core, seed);
          expect(x.drbgInstantiate!(seedLength, core.put(pers, shift), pers.length)).toBe(abi.OK);
          expect(x.entropyLeft!()).toBe(0);
          const reference = new Reference(Buffer.concat([seed, pers]));
          for (const n of requests) {
            expect(x.drbgGenerate!(outPtr + shift, n)).toBe(n);
            expect(toHex(core.get(outPtr + shift, n))).toBe(reference.generate(n).toString("hex"));
          }
        },
      ),
      { numRuns: build === "js" ? 40 : 100 },
    );
    // The longest request.
    const seed = randomBytes(48);
    pool(core, seed);
    x.drbgInstantiate!(48, inPtr, 0);
    expect(x.drbgGenerate!(inPtr, 65536)).toBe(65536);
    expect(core.get(inPtr, 65536)).toEqual(new Uint8Array(new Reference(seed).generate(65536)));
  });

  test("without entropy nothing is done, and an instance that is not seeded gives nothing", () => {
    pool(core, randomBytes(60));
    expect(x.drbgInstantiate!(48, inPtr, 0)).toBe(abi.OK);
    expect(x.entropyLeft!()).toBe(12);
    expect(x.drbgGenerate!(outPtr, 16)).toBe(16);
    expect(x.drbgInstantiate!(48, inPtr, 0)).toBe(abi.ERR_ENTROPY);
    expect(x.entropyLeft!()).toBe(12);
    // The instance before lives on.
    expect(x.drbgGenerate!(outPtr, 16)).toBe(16);
    expect(x.drbgUninstantiate!()).toBe(abi.OK);
    core.memory.fill(0xee, outPtr, outPtr + 32);
    expect(x.drbgGenerate!(outPtr, 16)).toBe(abi.ERR_ENTROPY);
    expect(core.get(outPtr, 32)).toEqual(new Uint8Array(32).fill(0xee));
  });

  test("short seeds, long requests and areas outside the stages are refused", () => {
    core.refill();
    for (const n of [-1, 0, 47, 129, 1 << 30]) expect(x.drbgInstantiate!(n, inPtr, 0)).toBe(abi.ERR_ARGUMENT);
    expect(x.drbgInstantiate!(48, inPtr - 1, 1)).toBe(abi.ERR_ARGUMENT);
    expect(x.drbgInstantiate!(48, inPtr, 1)).toBe(abi.OK);
    for (const n of [-1, 65537]) expect(x.drbgGenerate!(inPtr, n)).toBe(abi.ERR_ARGUMENT);
    expect(x.drbgGenerate!(inPtr - 8, 8)).toBe(abi.ERR_ARGUMENT);
    x.drbgUninstantiate!();
  });

  test("ending an instance leaves nothing of it in memory, and it was there before", () => {
    const own = loadRaw(build);
    const fresh = loadRaw(build);
    const seed = randomBytes(64);
    pool(own, seed);
    own.x.drbgInstantiate!(64, inPtr, 0);
    own.x.drbgGenerate!(outPtr, 100);
    const reference = new Reference(seed);
    reference.generate(100);
    expect(own.has(seed.subarray(0, 16))).toBe(false);
    expect(own.has(reference.key)).toBe(false);
    expect(own.has(reference.v)).toBe(true);
    own.x.drbgUninstantiate!();
    expect(residue(own, fresh)).toBe(0);
  });
});
