// Finite-field Diffie-Hellman on every build: group constants recomputed from their definitions, exchanges against
// node:crypto and against the recorded ones, refused values, hashing of secrets with leading zeros, wiping.

import { createDiffieHellman, createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as abi from "../../src/core/abi.ts";
import { BUILDS, importRaw, loadRaw, type RawCore } from "./raw/raw-core.ts";

const vectors = (name: string) => JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), "utf8"));
const toBig = (bytes: Uint8Array) => BigInt(`0x0${Buffer.from(bytes).toString("hex")}`);
const toBytes = (value: bigint, len: number) => Buffer.from(value.toString(16).padStart(2 * len, "0"), "hex");

/** floor(2^bits * x) for pi (Machin) and e (series), with guard digits. */
function digits(bits: bigint): { pi: bigint; e: bigint } {
  const guard = 64n;
  const one = 1n << (bits + guard);
  const arctan = (inverse: bigint) => {
    let term = one / inverse;
    let sum = term;
    for (let k = 3n, sign = -1n; term !== 0n; k += 2n, sign = -sign) {
      term /= inverse * inverse;
      sum += (sign * term) / k;
    }
    return sum;
  };
  let e = one;
  for (let k = 1n, term = one; term !== 0n; k++) {
    term /= k;
    e += term;
  }
  return { pi: (4n * (4n * arctan(5n) - arctan(239n))) >> guard, e: e >> guard };
}

/** 2^b - 2^(b-64) + 2^64 * (floor(2^(b-130) * x) + offset) - 1: RFC 3526 and RFC 7919 share this form. */
function prime(bits: bigint, of: "pi" | "e", offset: bigint): bigint {
  return (1n << bits) - (1n << (bits - 64n)) + ((digits(bits - 130n)[of] + offset) << 64n) - 1n;
}

const GROUPS = [
  { name: "group14", id: abi.DH_GROUP14, p: prime(2048n, "pi", 124476n), len: 256 },
  { name: "ffdhe2048", id: abi.DH_FFDHE2048, p: prime(2048n, "e", 560316n), len: 256 },
  { name: "ffdhe3072", id: abi.DH_FFDHE3072, p: prime(3072n, "e", 2625351n), len: 384 },
] as const;

const USE = abi.USE_DERIVE;
const EXPORT = abi.USE_EXPORT;

function importExponent(core: RawCore, group: number, p: Uint8Array, g: Uint8Array, x: Uint8Array): number {
  const at = core.put(p);
  core.put(g, 600);
  core.put(x, 1200);
  return core.x.dhImport!(group, at, p.length, at + 600, g.length, at + 1200, x.length, USE, core.outPtr);
}

/** Session keys, or the status. */
function agree(core: RawCore, slot: number, peer: Uint8Array): string | number {
  const out = core.inPtr + 1024;
  const status = core.x.dhAgreeSession!(slot, core.put(peer), peer.length, EXPORT, EXPORT, out);
  if (status < 0) return status;
  const view = new DataView(core.memory.buffer);
  const slots = [view.getInt32(out, true), view.getInt32(out + 4, true)];
  expect(slots.map((each) => core.x.slotType!(each))).toEqual([abi.KEY_AES, abi.KEY_HMAC_SHA256]);
  return slots
    .map((each) => {
      const key = core.get(core.outPtr, core.x.slotExport!(each, core.outPtr));
      core.x.slotClear!(each);
      return Buffer.from(key).toString("hex");
    })
    .join("");
}

/** Spec 07 §8.2 and §8.3. */
function expected(secret: bigint): string {
  const hex = secret.toString(16);
  const bytes = Buffer.from(`00${hex.length % 2 === 1 ? "0" : ""}${hex}`, "hex");
  return createHash("sha384").update(bytes).digest("hex");
}

const NONE = new Uint8Array(0);

describe.each(BUILDS)("%s", (build) => {
  const core = loadRaw(build);
  const { x } = core;
  const runs = build === "js" ? 1 : 4;

  test.each(GROUPS)("$name has the prime of its definition and agrees with node:crypto", ({ id, p, len }) => {
    for (let run = 0; run < runs; run++) {
      core.refill();
      const ours = x.dhGenerate!(id, 0, 0, 0, 0, USE, core.outPtr);
      expect(ours).toBeGreaterThanOrEqual(abi.SLOT_COUNT);
      const publicValue = core.get(core.outPtr, len);
      const node = createDiffieHellman(toBytes(p, len), Buffer.from([2]));
      node.generateKeys();
      const secret = node.computeSecret(publicValue);
      expect(agree(core, ours, node.getPublicKey())).toBe(expected(toBig(secret)));
      x.slotClear!(ours);
      const again = importExponent(core, id, NONE, NONE, node.getPrivateKey());
      expect(toBig(core.get(core.outPtr, len))).toBe(toBig(node.getPublicKey()));
      expect(agree(core, again, publicValue)).toBe(expected(toBig(secret)));
      x.slotClear!(again);
    }
  });

  test("groups of other sizes by their parameters agree with node:crypto, peers with any leading zeros", () => {
    for (const bits of build === "js" ? [1032, 1536] : [1025, 1032, 1283, 1536, 2304, 4096]) {
      const len = (bits + 7) >> 3;
      // An odd modulus is enough for the arithmetic; a safe prime of each size would take minutes to find.
      const p = (toBig(randomBytes(len)) & ((1n << BigInt(bits - 1)) - 1n)) | (1n << BigInt(bits - 1)) | 1n;
      const node = createDiffieHellman(toBytes(p, len), Buffer.from([5]));
      const exponent = randomBytes(40);
      node.setPrivateKey(exponent);
      node.generateKeys();
      const slot = importExponent(core, abi.DH_CUSTOM, toBytes(p, len + 2), Buffer.from([0, 5]), exponent);
      expect(toBig(core.get(core.outPtr, len))).toBe(toBig(node.getPublicKey()));
      const peer = (toBig(randomBytes(len)) % (p - 3n)) + 2n;
      const power = (base: bigint, exp: bigint) => {
        let result = 1n;
        for (const bit of exp.toString(2)) result = (((result * result) % p) * (bit === "1" ? base : 1n)) % p;
        return result;
      };
      const secret = power(peer, toBig(exponent));
      expect(agree(core, slot, toBytes(peer, len))).toBe(expected(secret));
      expect(agree(core, slot, toBytes(peer, len + 3))).toBe(expected(secret));
      x.slotClear!(slot);
    }
  });

  test("the recorded exchanges give their session keys", () => {
    const dh = vectors("keys").dh as { parametersid: string; p: string; g: string }[];
    let count = 0;
    for (const vector of vectors("key_exchange").vectors) {
      if (vector.scheme !== "DIFFIE_HELLMAN") continue;
      const group = dh.find((each) => each.parametersid === vector.mechanism)!;
      const keys = vector.sessionKeys.encryptionKey + vector.sessionKeys.signatureKey;
      for (const [own, peer] of [
        [vector.requestPrivate, vector.responsePrivate],
        [vector.responsePrivate, vector.requestPrivate],
      ]) {
        const [p, g] = [Buffer.from(group.p, "hex"), Buffer.from(group.g, "hex")];
        const slot = importExponent(core, abi.DH_CUSTOM, p, g, Buffer.from(own.privateValue, "hex"));
        expect(toBig(core.get(core.outPtr, p.length))).toBe(BigInt(`0x${own.publicValue}`));
        expect(agree(core, slot, toBytes(BigInt(`0x${peer.publicValue}`), 257))).toBe(keys);
        x.slotClear!(slot);
        count++;
      }
    }
    expect(count).toBe(8);
  });

  test("secrets of every length are hashed behind exactly one zero byte", () => {
    // x = 1: the secret is the peer's value itself.
    const slot = importExponent(core, abi.DH_FFDHE3072, NONE, NONE, Buffer.from([1]));
    for (const len of [1, 2, 17, 110, 111, 112, 113, 127, 128, 238, 239, 240, 256, 366, 367, 368, 382, 383]) {
      const peer = randomBytes(len);
      peer[0]! |= 0x41;
      expect(agree(core, slot, peer), `${len}`).toBe(expected(toBig(peer)));
    }
    x.slotClear!(slot);
  });

  test("values outside 2..p-2 are refused", () => {
    const slot = x.dhGenerate!(abi.DH_GROUP14, 0, 0, 0, 0, USE, core.outPtr);
    const { p, len } = GROUPS[0];
    for (const value of [0n, 1n, p - 1n, p, p + 1n, 2n ** 2048n - 1n, p * p]) {
      const bytes = toBytes(value, value > p ? 512 : len);
      expect(agree(core, slot, bytes), `${value % 1000n}`).toBe(abi.ERR_PUBLIC_KEY);
    }
    expect(agree(core, slot, NONE)).toBe(abi.ERR_PUBLIC_KEY);
    expect(typeof agree(core, slot, Buffer.from([2]))).toBe("string");
    expect(typeof agree(core, slot, toBytes(p - 2n, len))).toBe("string");
    x.slotClear!(slot);
  });

  test("groups that are small, even, or with a generator outside 2..p-2 are refused, and unknown ones", () => {
    const p2048 = GROUPS[0].p;
    const byParameters = (p: bigint, g: bigint) => {
      const slot = importExponent(core, abi.DH_CUSTOM, toBytes(p, 600), toBytes(g, 600), randomBytes(32));
      x.slotClear!(slot);
      return slot;
    };
    const odd = (bits: number) => 2n ** BigInt(bits) - 105n;
    for (const bits of [8, 512, 768, 1024, 4097]) expect(byParameters(odd(bits), 2n), `${bits}`).toBe(abi.ERR_KEY);
    expect(byParameters(p2048 - 1n, 2n)).toBe(abi.ERR_KEY);
    for (const g of [0n, 1n, p2048 - 1n, p2048, p2048 + 1n]) expect(byParameters(p2048, g)).toBe(abi.ERR_KEY);
    expect(byParameters(p2048, 2n)).toBeGreaterThanOrEqual(0);
    expect(byParameters(p2048, p2048 - 2n)).toBeGreaterThanOrEqual(0);
    for (const id of [-1, 4, 99]) expect(x.dhGenerate!(id, 0, 0, 0, 0, USE, core.outPtr)).toBe(abi.ERR_KEY);
    // An exponent whose public value lies outside is no key.
    for (const bad of [Buffer.from([0]), NONE, Buffer.alloc(257, 1)]) {
      expect(importExponent(core, abi.DH_GROUP14, NONE, NONE, bad)).toBe(abi.ERR_KEY);
    }
  });

  test("the private exponent stays in the slot, and nothing of it or of the secret outside", () => {
    const exponent = randomBytes(32);
    const slot = importExponent(core, abi.DH_FFDHE2048, NONE, NONE, exponent);
    expect(core.has(exponent)).toBe(true);
    const peer = randomBytes(255);
    const fresh = loadRaw(build);
    expect(typeof agree(core, slot, peer)).toBe("string");
    core.x.stageWipe!(abi.STAGE_SIZE, abi.STAGE_SIZE);
    x.slotClear!(slot);
    expect(core.has(exponent)).toBe(false);
    // All of the stages, the arena among them, is as new.
    expect(Buffer.compare(core.get(core.inPtr, 2 * abi.STAGE_SIZE), fresh.get(core.inPtr, 2 * abi.STAGE_SIZE))).toBe(0);
    expect(importExponent(core, abi.DH_CUSTOM, Buffer.from([4]), Buffer.from([2]), exponent)).toBe(abi.ERR_KEY);
    expect(core.has(exponent)).toBe(false);
    const arena = core.inPtr + 2 * abi.STAGE_SIZE - 32768;
    expect(core.get(arena, 32768).every((byte) => byte === 0)).toBe(true);
  });

  test("usage, type, entropy, full slots and pointers outside the stage are refused without effect", () => {
    const { inPtr, outPtr } = core;
    const slot = x.dhGenerate!(abi.DH_GROUP14, 0, 0, 0, 0, abi.USE_SIGN, outPtr);
    expect(agree(core, slot, Buffer.from([2]))).toBe(abi.ERR_USAGE);
    const aes = importRaw(core, abi.KEY_AES, 255, randomBytes(16));
    expect(agree(core, aes, Buffer.from([2]))).toBe(abi.ERR_KEY_TYPE);
    x.slotClear!(aes);
    x.entropyFill!(31);
    expect(x.dhGenerate!(abi.DH_GROUP14, 0, 0, 0, 0, USE, outPtr)).toBe(abi.ERR_ENTROPY);
    expect(x.entropyLeft!()).toBe(31);
    core.refill();
    for (let i = 0; i < abi.BIG_SLOT_COUNT - 1; i++) {
      expect(x.dhGenerate!(abi.DH_GROUP14, 0, 0, 0, 0, USE, outPtr)).toBeGreaterThan(0);
    }
    expect(x.dhGenerate!(abi.DH_GROUP14, 0, 0, 0, 0, USE, outPtr)).toBe(abi.ERR_NO_SLOT);
    for (let i = 0; i < abi.BIG_SLOT_COUNT; i++) x.slotClear!(abi.SLOT_COUNT + i);
    const arena = inPtr + 2 * abi.STAGE_SIZE - 32768;
    for (const bad of [0, -1, inPtr - 1, arena - 511, arena, 2 ** 31 - 1]) {
      expect(x.dhGenerate!(abi.DH_GROUP14, 0, 0, 0, 0, USE, bad)).toBe(abi.ERR_ARGUMENT);
      expect(x.dhImport!(abi.DH_GROUP14, 0, 0, 0, 0, bad, 512, USE, outPtr)).toBe(abi.ERR_ARGUMENT);
      expect(x.dhImport!(abi.DH_CUSTOM, bad, 512, inPtr, 1, inPtr, 32, USE, outPtr)).toBe(abi.ERR_ARGUMENT);
      expect(x.dhAgreeSession!(slot, bad, 512, 0, 0, inPtr)).toBe(abi.ERR_ARGUMENT);
    }
    for (const len of [-1, -(2 ** 31), 2 ** 31 - 1, 60000]) {
      expect(x.dhAgreeSession!(slot, inPtr, len, 0, 0, inPtr)).toBe(abi.ERR_ARGUMENT);
    }
    for (const bad of [-1, 99, 2 ** 31 - 1]) expect(x.dhAgreeSession!(bad, inPtr, 1, 0, 0, inPtr)).toBe(abi.ERR_SLOT);
  });
});
