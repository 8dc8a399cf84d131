// P-256: keys and ECDH against node:crypto; edge scalars; refusals; what is wiped.

import { createECDH, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import * as abi from "../../src/core/abi.ts";
import { BUILDS, importRaw, loadRaw, type RawCore } from "./raw/raw-core.ts";
import { residue } from "./raw/residue.ts";

const ALL = 255;
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const P = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;

const num = (value: bigint) => Buffer.from(value.toString(16).padStart(64, "0"), "hex");
const big = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString("hex")}`);

function nodeKey(scalar: bigint) {
  const ecdh = createECDH("prime256v1");
  ecdh.setPrivateKey(num(scalar));
  return ecdh;
}

function importScalar(core: RawCore, scalar: bigint, usage = ALL): number {
  return core.x.p256Import!(usage, core.put(num(scalar)));
}

function publicKey(core: RawCore, slot: number): Buffer {
  expect(core.x.p256PublicKey!(slot, core.outPtr)).toBe(65);
  return Buffer.from(core.get(core.outPtr, 65));
}

/** Shared secret, or the status. */
function agree(core: RawCore, slot: number, peer: Uint8Array): Buffer | number {
  const { x } = core;
  const secret = x.p256Agree!(slot, core.put(peer, 7), peer.length, ALL);
  if (secret < 0) return secret;
  expect(x.slotType!(secret)).toBe(abi.KEY_SECRET);
  expect(x.slotExport!(secret, core.outPtr)).toBe(32);
  x.slotClear!(secret);
  return Buffer.from(core.get(core.outPtr, 32));
}

/** Scalars at which carries, windows and comb columns behave unlike those of random ones. */
function edges(): bigint[] {
  const list: bigint[] = [];
  for (let i = 1n; i <= 40n; i++) list.push(i, N - i);
  for (let i = 8n; i < 256n; i += 11n) list.push(2n ** i, 2n ** i - 1n, N - 2n ** i, N - 2n ** i - 1n);
  for (const i of [22n, 44n, 220n, 221n, 222n, 242n, 243n, 255n]) list.push(2n ** i, 2n ** i + 1n, (N + 2n ** i) % N);
  // n + 2d and n + 2 * entry, the cases that the proofs of pointMul and baseMul rule out by parity and size.
  for (let d = 1n; d <= 31n; d += 2n) list.push(N - 2n * d);
  for (const t of [2n ** 220n, 2n ** 221n, 2n ** 220n - 2n ** 176n]) list.push(N - 2n * t, N - t);
  const all = 2n ** 256n - 1n;
  for (const word of [0x5555n, 0xaaaan, 0x0f0fn, 0xf83en, 0x07c1n]) list.push(((all / 0xffffn) * word) % N);
  list.push((N - 1n) / 2n, (N + 1n) / 2n, (N - 1n) / 2n - 1n, P % N, 2n ** 255n - 19n);
  // Long runs of zeros and of ones inside.
  for (let i = 0; i < 12; i++) {
    const [from, to] = [BigInt(i * 20), BigInt(i * 20 + 37)];
    const run = 2n ** to - 2n ** from;
    list.push(run, (big(randomBytes(32)) | run) % N, (big(randomBytes(32)) & ~run) % N);
  }
  return list.filter((value) => value > 0n && value < N);
}

describe.each(BUILDS)("%s", (build) => {
  const core = loadRaw(build);
  const { x, inPtr, outPtr } = core;

  test("public keys of edge scalars are those of node:crypto", () => {
    for (const scalar of edges()) {
      const slot = importScalar(core, scalar);
      expect(publicKey(core, slot).equals(nodeKey(scalar).getPublicKey()), scalar.toString(16)).toBe(true);
      x.slotClear!(slot);
    }
  });

  test("shared secrets of edge scalars are those of node:crypto, with points that are small multiples too", () => {
    const peers = [1n, 2n, 3n, N - 1n, N - 2n, big(randomBytes(31)) + 1n].map(nodeKey);
    edges().forEach((scalar, i) => {
      const slot = importScalar(core, scalar);
      const peer = peers[i % peers.length]!.getPublicKey();
      expect(agree(core, slot, peer), scalar.toString(16)).toEqual(nodeKey(scalar).computeSecret(peer));
      x.slotClear!(slot);
    });
  });

  test("random keys agree both ways, uncompressed and compressed", () => {
    for (let i = 0; i < 60; i++) {
      if (x.entropyLeft!() < 40) core.refill();
      const slot = x.p256Generate!(ALL, outPtr);
      const own = Buffer.from(core.get(outPtr, 65));
      expect(publicKey(core, slot)).toEqual(own);
      const peer = nodeKey((big(randomBytes(32)) % (N - 1n)) + 1n);
      const secret = peer.computeSecret(own);
      expect(agree(core, slot, peer.getPublicKey())).toEqual(secret);
      expect(agree(core, slot, peer.getPublicKey(null, "compressed"))).toEqual(secret);
      x.slotClear!(slot);
    }
  });

  test("generation reduces forty random bytes mod n, and takes 1 for 0", () => {
    const wides = [0n, N, N * 2n ** 64n, 1n, N - 1n, N + 5n, 2n ** 320n - 1n, big(randomBytes(40))];
    for (const wide of wides) {
      const pool = x.entropyPtr!();
      core.memory.set(Buffer.from(wide.toString(16).padStart(80, "0"), "hex"), pool);
      x.entropyFill!(40);
      const slot = x.p256Generate!(ALL, outPtr);
      expect(x.slotExport!(slot, inPtr)).toBe(32);
      expect(big(core.get(inPtr, 32))).toBe(wide % N || 1n);
      expect(core.get(pool, 40).every((byte) => byte === 0)).toBe(true);
      x.slotClear!(slot);
    }
    core.refill();
  });

  test("scalars outside 1..n-1 are no keys; the source is wiped at any rate", () => {
    for (const bad of [0n, N, N + 1n, 2n ** 256n - 1n, P]) {
      expect(importScalar(core, bad)).toBe(abi.ERR_KEY);
      expect(core.get(inPtr, 32).every((byte) => byte === 0)).toBe(true);
    }
    for (const good of [1n, N - 1n]) {
      const slot = importScalar(core, good);
      expect(slot).toBeGreaterThanOrEqual(0);
      expect(core.get(inPtr, 32).every((byte) => byte === 0)).toBe(true);
      x.slotClear!(slot);
    }
    expect(x.slotImport!(abi.KEY_P256, ALL, core.put(num(5n)), 32)).toBe(abi.ERR_ARGUMENT);
    expect(x.slotGenerate!(abi.KEY_P256, ALL, 32)).toBe(abi.ERR_ARGUMENT);
  });

  test("public keys off the curve, out of range or in another form are refused", () => {
    const slot = importScalar(core, 7n);
    const good = nodeKey(9n).getPublicKey();
    const refuse = (bytes: Uint8Array) => expect(agree(core, slot, bytes)).toBe(abi.ERR_PUBLIC_KEY);
    expect(typeof agree(core, slot, good)).toBe("object");
    for (let length = 0; length <= 70; length++) {
      if (length !== 65) refuse(Buffer.concat([good, Buffer.alloc(8)]).subarray(0, length));
    }
    for (const form of [0, 1, 2, 3, 5, 6, 7, 255]) refuse(Buffer.concat([Buffer.from([form]), good.subarray(1)]));
    for (const byte of [1, 32, 33, 64]) {
      const bad = Buffer.from(good);
      bad[byte]! ^= 1;
      refuse(bad);
    }
    // The point with x = 0 exists; x = p is the same element, but not a coordinate. So with y.
    const zero = Buffer.concat([Buffer.from([2]), num(0n)]);
    expect(typeof agree(core, slot, zero)).toBe("object");
    refuse(Buffer.concat([Buffer.from([2]), num(P)]));
    refuse(Buffer.concat([Buffer.from([4]), num(P), good.subarray(33)]));
    refuse(Buffer.concat([Buffer.from([4]), good.subarray(1, 33), num(P)]));
    refuse(Buffer.concat([Buffer.from([4]), num(0n), num(0n)]));
    refuse(Buffer.alloc(65, 255));
    // Half of all x have no point.
    let none = 0;
    for (let i = 0n; i < 30n; i++)
      none += agree(core, slot, Buffer.concat([Buffer.from([3]), num(i)])) === abi.ERR_PUBLIC_KEY ? 1 : 0;
    expect(none).toBe(countWithoutPoint(30n));
    x.slotClear!(slot);
  });

  test("usage, type, entropy, full slots and pointers outside the stage are refused without effect", () => {
    const slot = importScalar(core, 11n, abi.USE_SIGN);
    const peer = core.put(nodeKey(3n).getPublicKey());
    expect(x.p256Agree!(slot, peer, 65, ALL)).toBe(abi.ERR_USAGE);
    const aes = importRaw(core, abi.KEY_AES, ALL, randomBytes(16));
    expect(x.p256Agree!(aes, peer, 65, ALL)).toBe(abi.ERR_KEY_TYPE);
    expect(x.p256PublicKey!(aes, outPtr)).toBe(abi.ERR_KEY_TYPE);
    x.slotClear!(aes);
    for (const bad of [-1, 32, 99, 2 ** 31 - 1, -(2 ** 31)]) {
      expect(x.p256Agree!(bad, peer, 65, ALL)).toBeLessThan(0);
      expect(x.p256PublicKey!(bad, outPtr)).toBe(abi.ERR_SLOT);
    }
    x.entropyFill!(39);
    const free = x.freeSlots!();
    const before = Buffer.from(core.get(outPtr, 65));
    expect(x.p256Generate!(ALL, outPtr)).toBe(abi.ERR_ENTROPY);
    expect([x.entropyLeft!(), x.freeSlots!()]).toEqual([39, free]);
    expect(Buffer.from(core.get(outPtr, 65))).toEqual(before);
    core.refill();
    expect(x.p256Generate!(256, outPtr)).toBe(abi.ERR_ARGUMENT);
    expect(x.p256Import!(256, core.put(num(1n)))).toBe(abi.ERR_ARGUMENT);
    expect(x.entropyLeft!()).toBe(abi.ENTROPY_POOL_SIZE);
    for (const bad of [0, -1, inPtr - 1, inPtr + 2 * abi.STAGE_SIZE - 31, 2 ** 31 - 1]) {
      expect(x.p256Import!(ALL, bad)).toBe(abi.ERR_ARGUMENT);
      expect(x.p256Generate!(ALL, bad)).toBe(abi.ERR_ARGUMENT);
      expect(x.p256PublicKey!(slot, bad)).toBe(abi.ERR_ARGUMENT);
      expect(x.p256Agree!(slot, bad, 65, ALL)).toBe(abi.ERR_ARGUMENT);
    }
    for (const bad of [-1, -(2 ** 31), 2 ** 31 - 1]) expect(x.p256Agree!(slot, inPtr, bad, ALL)).toBe(abi.ERR_ARGUMENT);
    x.slotClear!(slot);
    const derive = importScalar(core, 11n);
    while (x.freeSlots!() > 0) importScalar(core, 1n);
    expect(x.p256Agree!(derive, core.put(nodeKey(3n).getPublicKey()), 65, ALL)).toBe(abi.ERR_NO_SLOT);
    expect(x.p256Generate!(ALL, outPtr)).toBe(abi.ERR_NO_SLOT);
    expect(importScalar(core, 1n)).toBe(abi.ERR_NO_SLOT);
    x.slotsClear!();
  });

  test("nothing of a private key or a secret is left outside the slots, also after a refusal", () => {
    const fresh = loadRaw(build);
    const used = loadRaw(build);
    // The tables of the base point are public, and built at first use.
    for (const each of [fresh, used]) each.x.p256PublicKey!(importScalar(each, 1n), each.outPtr);
    fresh.x.slotsClear!();
    const slot = importScalar(used, big(randomBytes(31)) + 1n);
    const generated = used.x.p256Generate!(ALL, used.outPtr);
    expect(residue(used, fresh)).toBeGreaterThan(0);
    for (const each of [slot, generated]) {
      publicKey(used, each);
      agree(used, each, nodeKey(5n).getPublicKey());
      agree(used, each, Buffer.alloc(65, 4));
    }
    used.x.slotsClear!();
    expect(residue(used, fresh)).toBe(0);
  });
});

/** How many of the x below `end` have no point on the curve, by Euler's criterion. */
function countWithoutPoint(end: bigint): number {
  const b = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;
  let count = 0;
  for (let value = 0n; value < end; value++) {
    let [base, result] = [(((value ** 3n - 3n * value + b) % P) + P) % P, 1n];
    for (let e = (P - 1n) / 2n; e > 0n; e >>= 1n) {
      if (e & 1n) result = (result * base) % P;
      base = (base * base) % P;
    }
    if (result === P - 1n) count++;
  }
  return count;
}
