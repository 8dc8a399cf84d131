// X25519 on every build: public values at the edges of the field and of its limbs, against an independent ladder and
// node:crypto; refusals; hostile arguments; nothing left behind.

import { createPrivateKey, createPublicKey, diffieHellman, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import * as abi from "../../../src/core/abi.ts";
import { BUILDS_AND_SMALL, importRaw, loadRaw } from "./raw-core.ts";

const P = 2n ** 255n - 19n;
const ALL = 255;

function bytesOf(v: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((v >> BigInt(8 * i)) & 255n));
}
const numberOf = (b: Uint8Array) => b.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
const mod = (v: bigint) => ((v % P) + P) % P;
function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let b = mod(base);
  for (let e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = mod(result * b);
    b = mod(b * b);
  }
  return result;
}

/** The ladder of RFC 7748 §5 on BigInt. */
function reference(scalar: Uint8Array, point: Uint8Array): Uint8Array {
  const k = (numberOf(scalar) & ~((2n ** 255n) | 7n)) | (2n ** 254n);
  const u = mod(numberOf(point) & (2n ** 255n - 1n));
  let [x2, z2, x3, z3] = [1n, 0n, u, 1n];
  for (let t = 254n; t >= 0n; t--) {
    const bit = (k >> t) & 1n;
    if (bit) [x2, x3, z2, z3] = [x3, x2, z3, z2];
    const [a, b, c, d] = [x2 + z2, x2 - z2, x3 + z3, x3 - z3];
    const [da, cb, aa, bb] = [mod(d * a), mod(c * b), mod(a * a), mod(b * b)];
    const e = aa - bb;
    [x3, z3] = [mod((da + cb) ** 2n), mod(u * mod((da - cb) ** 2n))];
    [x2, z2] = [mod(aa * bb), mod(e * (aa + 121665n * e))];
    if (bit) [x2, x3, z2, z3] = [x3, x2, z3, z2];
  }
  return bytesOf(mod(x2 * power(z2, P - 2n)));
}

const EDGES: bigint[] = [2n, 3n, 9n, P - 2n, P + 2n, P + 18n, 2n ** 255n - 2n, 2n ** 254n];
// Powers of two around the limbs' borders of both representations, one below and one above, and long runs of ones.
for (const w of [22, 29, 43, 58, 64, 85, 87, 107, 116, 128, 145, 149, 170, 174, 192, 203, 213, 232, 234, 254]) {
  EDGES.push(
    2n ** BigInt(w),
    2n ** BigInt(w) - 1n,
    2n ** BigInt(w) + 1n,
    P - 2n ** BigInt(w),
    2n ** 255n - 2n ** BigInt(w),
  );
}
for (const pattern of ["aa", "55", "f0", "0f", "ff00", "00ff", "7fffff80"]) {
  EDGES.push(numberOf(Buffer.from(pattern.repeat(32).slice(0, 64), "hex")));
}

describe.each(BUILDS_AND_SMALL)("%s", (build) => {
  const core = loadRaw(build);
  const { x, outPtr, inPtr } = core;

  function agree(scalar: Uint8Array, point: Uint8Array, shift = 0): string | number {
    const slot = importRaw(core, abi.KEY_X25519, ALL, scalar);
    const secret = x.x25519Agree!(slot, core.put(point, shift), ALL);
    x.slotClear!(slot);
    if (secret < 0) return secret;
    x.slotExport!(secret, outPtr);
    x.slotClear!(secret);
    return Buffer.from(core.get(outPtr, 32)).toString("hex");
  }

  test("public values at the edges of the field and of the limbs equal the ladder on BigInt", () => {
    const scalars = [randomBytes(32), new Uint8Array(32), new Uint8Array(32).fill(255), randomBytes(32)];
    EDGES.forEach((edge, i) => {
      const scalar = scalars[i % 4]!;
      const want = Buffer.from(reference(scalar, bytesOf(edge))).toString("hex");
      expect(agree(scalar, bytesOf(edge), i % 8), edge.toString(16)).toBe(want);
      expect(agree(scalar, bytesOf(edge | (1n << 255n)), i % 8), "top bit ignored").toBe(want);
    });
  });

  test("low orders, in every form that 32 bytes have, are refused", () => {
    const eight = 325606250916557431795983626356110631294008115727848805560023387167927233504n;
    const other = 39382357235489614581723060781553021112529911719440698176882885853963445705823n;
    for (const low of [0n, 1n, P - 1n, P, P + 1n, eight, other]) {
      for (const top of [0n, 1n << 255n]) {
        expect(agree(randomBytes(32), bytesOf(low | top)), low.toString(16)).toBe(abi.ERR_PUBLIC_KEY);
      }
    }
  });

  test("random keys: both sides agree with node:crypto and with each other", () => {
    for (let i = 0; i < (build === "js" ? 60 : 250); i++) {
      const [a, b] = [randomBytes(32), randomBytes(32)];
      const priv = createPrivateKey({
        key: Buffer.concat([Buffer.from("302e020100300506032b656e04220420", "hex"), a]),
        format: "der",
        type: "pkcs8",
      });
      const slot = importRaw(core, abi.KEY_X25519, ALL, b);
      expect(x.x25519PublicKey!(slot, outPtr + (i & 7))).toBe(32);
      x.slotClear!(slot);
      const theirs = core.get(outPtr + (i & 7), 32);
      const pub = createPublicKey({
        key: Buffer.concat([Buffer.from("302a300506032b656e032100", "hex"), theirs]),
        format: "der",
        type: "spki",
      });
      const want = diffieHellman({ privateKey: priv, publicKey: pub }).toString("hex");
      expect(agree(a, theirs, i & 7)).toBe(want);
    }
  });

  test("pointers outside the stages and slots of other kinds are refused", () => {
    const slot = importRaw(core, abi.KEY_X25519, abi.USE_EXPORT, randomBytes(32));
    const aes = importRaw(core, abi.KEY_AES, ALL, randomBytes(32));
    const end = inPtr + 2 * abi.STAGE_SIZE;
    for (const ptr of [inPtr - 1, end - 31, end, -1, 0, 0x7fffffff]) {
      expect(x.x25519PublicKey!(slot, ptr)).toBe(abi.ERR_ARGUMENT);
      expect(x.x25519Agree!(slot, ptr, ALL)).toBe(abi.ERR_ARGUMENT);
      expect(x.x25519Generate!(ALL, ptr)).toBe(abi.ERR_ARGUMENT);
    }
    expect(x.x25519Agree!(slot, inPtr, ALL)).toBe(abi.ERR_USAGE);
    expect(x.x25519Agree!(aes, inPtr, ALL)).toBe(abi.ERR_KEY_TYPE);
    for (const none of [-1, 999, 31]) expect(x.x25519Agree!(none, inPtr, ALL)).toBe(abi.ERR_SLOT);
    x.slotClear!(slot);
    x.slotClear!(aes);
  });

  test("working space is zero after an agreement, a refusal and a generation", () => {
    const [used, fresh] = [loadRaw(build), loadRaw(build)];
    const slot = importRaw(used, abi.KEY_X25519, ALL, randomBytes(32));
    expect(used.x.x25519Agree!(slot, used.put(randomBytes(32)), ALL)).toBeGreaterThanOrEqual(0);
    expect(used.x.x25519Agree!(slot, used.put(new Uint8Array(32)), ALL)).toBe(abi.ERR_PUBLIC_KEY);
    expect(used.x.x25519Generate!(ALL, used.outPtr)).toBeGreaterThanOrEqual(0);
    used.x.slotsClear!();
    for (const one of [used, fresh]) {
      one.x.entropyFill!(0);
      one.memory.fill(0, one.x.entropyPtr!(), one.x.entropyPtr!() + abi.ENTROPY_POOL_SIZE);
      one.memory.fill(0, one.inPtr, one.inPtr + 2 * abi.STAGE_SIZE);
    }
    expect(Buffer.from(used.memory.buffer).equals(Buffer.from(fresh.memory.buffer))).toBe(true);
  });
});
