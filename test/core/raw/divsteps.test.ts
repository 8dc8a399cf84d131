// Inversion by division steps against BigInt: the function of the builds that have it, exported from their text, where
// names are kept.

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import loadWabt from "wabt";
import { rawCoreOf } from "./raw-core.ts";
import { residue } from "./residue.ts";

const MODULI: Record<string, bigint> = {
  "p of Curve25519": 2n ** 255n - 19n,
  "p of P-256": 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
  "n of P-256": 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  "the largest prime": 2n ** 256n - 189n,
  "a short one": 65537n,
  "the least": 3n,
};

const LIMB = 29n;
const LOW = 2n ** LIMB - 1n;
const wabt = await loadWabt();

function instance(build: string) {
  const path = new URL(`../../../dist/wat/core.${build}.wat`, import.meta.url);
  const text = readFileSync(path, "utf8");
  const end = text.lastIndexOf(")");
  const exported = `${text.slice(0, end)}(export "invert" (func $assembly/ec/divsteps/divstepInvert)))`;
  const { buffer } = wabt.parseWat(build, exported, { simd: true }).toBinary({});
  const x = new WebAssembly.Instance(new WebAssembly.Module(buffer as Uint8Array<ArrayBuffer>), {}).exports;
  return x as unknown as Parameters<typeof rawCoreOf>[0] & { invert(...args: (number | bigint)[]): void };
}

/** 1/a mod m by Euclid; 0 for 0. */
function inverse(a: bigint, m: bigint): bigint {
  let [f, g, d, e] = [m, a, 0n, 1n];
  while (g > 0n) [f, g, d, e] = [g, f % g, e, d - (f / g) * e];
  return a === 0n ? 0n : ((d % m) + m) % m;
}

/** 0 and 1, m - 1, powers of two and what is next to them, long runs, and quotients that are all small. */
function extremes(m: bigint): bigint[] {
  const values = [0n, 1n, 2n, 3n, m - 1n, m - 2n, m >> 1n, (m >> 1n) + 1n, m / 3n, (m * 618033988749n) / 10n ** 12n];
  for (let w = 1n; w < 256n; w++) for (const near of [-1n, 0n, 1n]) values.push(2n ** w + near, m - 2n ** w + near);
  for (const pattern of ["aa", "55", "f0", "00ff", "7fffff80"]) values.push(BigInt(`0x${pattern.repeat(32)}`));
  return values.map((v) => ((v % m) + m) % m);
}

describe.each(["simd", "mvp"])("%s", (build) => {
  const x = instance(build);
  const core = rawCoreOf(x);
  const [at, modulus, out] = [core.inPtr, core.inPtr + 64, core.inPtr + 128];

  function put(ptr: number, value: bigint) {
    const limbs = new Int32Array(core.memory.buffer, ptr, 9);
    for (let i = 0; i < 9; i++) limbs[i] = Number((value >> (LIMB * BigInt(i))) & LOW);
  }
  /** What the limbs are worth, their bounds checked. */
  function get(ptr: number, m: bigint): bigint {
    const limbs = [...new Int32Array(core.memory.buffer, ptr, 9)];
    for (const limb of limbs.slice(0, 8)) expect(Math.abs(limb)).toBeLessThan(2 ** 29);
    const value = limbs.reduceRight((sum, limb) => (sum << LIMB) + BigInt(limb), 0n);
    expect(value < 12n * m && value > -12n * m).toBe(true);
    return ((value % m) + m) % m;
  }
  function invert(a: bigint, m: bigint, to = out): bigint {
    put(at, a);
    put(modulus, m);
    x.invert(to, at, modulus, 2n ** LIMB - inverse(m % 2n ** LIMB, 2n ** LIMB));
    return get(to, m);
  }

  test.each(Object.entries(MODULI))("modulo %s", (_name, m) => {
    for (const a of extremes(m)) expect(invert(a, m)).toBe(inverse(a, m));
    for (let i = 0; i < 2000; i++) {
      const a = BigInt(`0x${randomBytes(40).toString("hex")}`) % m;
      expect(invert(a, m)).toBe(inverse(a, m));
      // Short ones too.
      expect(invert(a >> BigInt(i & 255), m)).toBe(inverse(a >> BigInt(i & 255), m));
    }
  });

  test("in place, and over the modulus", () => {
    const m = MODULI["n of P-256"]!;
    for (const to of [at, modulus]) expect(invert(m / 7n, m, to)).toBe(inverse(m / 7n, m));
  });

  test("nothing is left behind", () => {
    const fresh = rawCoreOf(instance(build));
    invert(2n ** 200n + 12345n, MODULI["p of P-256"]!);
    expect(residue(core, fresh)).toBe(0);
  });
});
