// RSA on every build against node:crypto: import in both forms, encryption, signatures, implicit rejection, refused keys,
// the fault check, wiping, arguments.

import {
  constants,
  createHash,
  createPrivateKey,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
  sign,
  verify,
} from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as abi from "../../src/core/abi.ts";
import { BUILDS, importRaw, loadRaw } from "./raw/raw-core.ts";
import { arenaIsZero, bytesOf, importRsa, nodePair, numbersOf, type RsaPair } from "./rsa-helpers.ts";

const ALL = 255 & ~abi.USE_EXPORT;
const STAGES = 2 * abi.STAGE_SIZE;
const pairs = new Map<string, RsaPair>();

/** Keys are made once for all builds. */
function pair(bits: number, e = 65537): RsaPair {
  const name = `${bits}/${e}`;
  const found = pairs.get(name) ?? nodePair(bits, e);
  pairs.set(name, found);
  return found;
}

const HASHES = [
  ["SHA-1", abi.HASH_SHA1, "sha1", 20],
  ["SHA-256", abi.HASH_SHA256, "sha256", 32],
] as const;

describe.each(BUILDS)("%s", (build) => {
  const core = loadRaw(build);
  const { x, inPtr, outPtr } = core;
  const sizes = build === "js" ? [1024, 2048] : [1024, 1026, 1030, 1536, 2048, 2050, 3072, 4096];
  const put = (key: RsaPair) => [core.put(key.numbers.n), key.numbers.n.length, key.numbers.e] as const;

  test.each(sizes)("%i bits: imported from the primes and from d, encrypts and signs as node:crypto does", (bits) => {
    const key = pair(bits);
    const forms = bits > 2048 && build !== "simd" ? (["primes"] as const) : (["primes", "d"] as const);
    for (const from of forms) {
      core.refill();
      const slot = importRsa(core, key.numbers, ALL, from);
      expect(slot, from).toBeGreaterThanOrEqual(abi.SLOT_COUNT);
      expect(x.rsaPublicKey!(slot, outPtr)).toBe(key.numbers.n.length);
      expect(Buffer.from(core.get(outPtr, key.numbers.n.length)).equals(key.numbers.n)).toBe(true);
      expect(Buffer.from(core.get(outPtr + key.numbers.n.length, 4)).readUInt32BE()).toBe(key.numbers.e);

      const digest = randomBytes(32);
      const size = x.rsaPkcs1Sign!(slot, core.put(digest), outPtr);
      const signature = Buffer.from(core.get(outPtr, size));
      // DigestInfo by hand: node:crypto signs messages, not digests, under PKCS#1.
      const message = randomBytes(100);
      const real = createHash("sha256").update(message).digest();
      x.rsaPkcs1Sign!(slot, core.put(real), outPtr);
      const ours = Buffer.from(core.get(outPtr, size));
      expect(ours.equals(sign("sha256", message, key.privateKey))).toBe(true);
      expect(verify("sha256", message, key.publicKey, ours)).toBe(true);
      core.put(digest, 1024);
      const status = (sig: Buffer) => x.rsaPkcs1Verify!(...put(key), inPtr + 1024, core.put(sig, 2048), sig.length);
      expect(status(signature)).toBe(abi.OK);
      for (const flip of [0, size >> 1, size - 1]) {
        const bad = Buffer.from(signature);
        bad[flip]! ^= 1;
        expect(status(bad)).toBe(abi.ERR_BAD_SIGNATURE);
      }

      for (const [, hash, name, h] of HASHES) {
        const max = size - 2 * h - 2;
        for (const length of max > 33 ? [0, 1, 33, max] : [0, max]) {
          core.refill();
          const text = randomBytes(length);
          const ct = publicEncrypt({ key: key.publicKey, oaepHash: name }, text);
          expect(bytesOf(core, x.rsaOaepDecrypt!(slot, hash, core.put(ct), ct.length, outPtr))).toEqual(text);
          const sealed = x.rsaOaepEncrypt!(...put(key), hash, core.put(text, 1024), length, outPtr);
          expect(sealed).toBe(size);
          const opened = privateDecrypt({ key: key.privateKey, oaepHash: name }, core.get(outPtr, size));
          expect(opened.equals(text)).toBe(true);
        }
        expect(x.rsaOaepEncrypt!(...put(key), hash, inPtr + 1024, max + 1, outPtr)).toBe(abi.ERR_ARGUMENT);
      }

      for (const length of [0, 1, 48, size - 11]) {
        core.refill();
        const text = randomBytes(length);
        const ct = publicEncrypt({ key: key.publicKey, padding: constants.RSA_PKCS1_PADDING }, text);
        expect(bytesOf(core, x.rsaPkcs1Decrypt!(slot, core.put(ct), ct.length, outPtr))).toEqual(text);
        expect(x.rsaPkcs1Encrypt!(...put(key), core.put(text, 1024), length, outPtr)).toBe(size);
        const block = privateDecrypt(
          { key: key.privateKey, padding: constants.RSA_NO_PADDING },
          core.get(outPtr, size),
        );
        expect(block.subarray(0, 2).toString("hex")).toBe("0002");
        expect(block.indexOf(0, 2)).toBe(size - 1 - length);
        expect(block.subarray(size - length).equals(text)).toBe(true);
      }
      expect(x.rsaPkcs1Encrypt!(...put(key), inPtr + 1024, size - 10, outPtr)).toBe(abi.ERR_ARGUMENT);
      x.slotClear!(slot);
      expect(arenaIsZero(core, STAGES)).toBe(true);
    }
  });

  test.each([3, 17, 35, 257, 4294967291])("e = %i", (e) => {
    const key = pair(1024, e);
    for (const from of ["primes", "d"] as const) {
      const slot = importRsa(core, key.numbers, ALL, from);
      expect(slot, from).toBeGreaterThan(0);
      const message = randomBytes(9);
      const size = x.rsaPkcs1Sign!(slot, core.put(createHash("sha256").update(message).digest()), outPtr);
      expect(verify("sha256", message, key.publicKey, core.get(outPtr, size))).toBe(true);
      x.slotClear!(slot);
    }
  });

  test("keys of the vectors are imported from d, and their recorded signatures and ciphertexts agree", () => {
    const read = (name: string) =>
      JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), "utf8"));
    const keys = read("keys").rsa as { pubkeyid: string; pkcs8: string }[];
    const { sign: signatures, encrypt: ciphertexts } = read("asymmetric");
    let count = 0;
    for (const { pubkeyid, pkcs8 } of keys) {
      const object = createPrivateKey({ key: Buffer.from(pkcs8, "base64"), format: "der", type: "pkcs8" });
      const slot = importRsa(core, numbersOf(object.export({ format: "jwk" })), ALL, "d");
      expect(slot).toBeGreaterThan(0);
      for (const item of signatures) {
        if (item.algorithm !== "SHA256withRSA" || item.key !== pubkeyid) continue;
        const digest = createHash("sha256").update(Buffer.from(item.data, "hex")).digest();
        const size = x.rsaPkcs1Sign!(slot, core.put(digest), outPtr);
        expect(Buffer.from(core.get(outPtr, size)).toString("hex")).toBe(item.signature);
        count++;
      }
      for (const item of ciphertexts) {
        if (item.key !== pubkeyid) continue;
        const ct = Buffer.from(JSON.parse(item.envelope).ciphertext, "base64");
        const at = core.put(ct);
        const status = item.mode.includes("OAEP")
          ? x.rsaOaepDecrypt!(slot, abi.HASH_SHA1, at, ct.length, outPtr)
          : x.rsaPkcs1Decrypt!(slot, at, ct.length, outPtr);
        expect((bytesOf(core, status) as Buffer).toString("hex")).toBe(item.plaintext);
        count++;
      }
      x.slotClear!(slot);
    }
    expect(count).toBeGreaterThan(8);
  });

  test("keys travel between slots: sealed under a public key, opened under the private one", () => {
    const key = pair(2048);
    const slot = importRsa(core, key.numbers, ALL);
    const secret = randomBytes(32);
    const exportable = importRaw(core, abi.KEY_HMAC_SHA256, abi.USE_EXPORT | abi.USE_SIGN, secret);
    for (const scheme of ["oaep", "pkcs1"]) {
      core.refill();
      const isOaep = scheme === "oaep";
      const size = isOaep
        ? x.rsaOaepSealSlot!(...put(key), abi.HASH_SHA1, exportable, outPtr)
        : x.rsaPkcs1SealSlot!(...put(key), exportable, outPtr);
      expect(size).toBe(256);
      const ct = core.put(core.get(outPtr, size));
      const open = (type: number, usage: number) =>
        isOaep
          ? x.rsaOaepOpenSlot!(slot, abi.HASH_SHA1, ct, size, type, usage)
          : x.rsaPkcs1OpenSlot!(slot, ct, size, 32, type, usage);
      const back = open(abi.KEY_HMAC_SHA256, abi.USE_EXPORT);
      expect(x.slotExport!(back, outPtr)).toBe(32);
      expect(Buffer.from(core.get(outPtr, 32)).equals(secret)).toBe(true);
      x.slotClear!(back);
      for (const type of [abi.KEY_P256, abi.KEY_RSA, abi.KEY_DH, 0, 99]) expect(open(type, 0)).toBe(abi.ERR_ARGUMENT);
    }
    const plain = importRaw(core, abi.KEY_HMAC_SHA256, abi.USE_SIGN, secret);
    expect(x.rsaOaepSealSlot!(...put(key), abi.HASH_SHA1, plain, outPtr)).toBe(abi.ERR_USAGE);
    expect(x.rsaPkcs1SealSlot!(...put(key), plain, outPtr)).toBe(abi.ERR_USAGE);
    for (const each of [slot, plain, exportable]) x.slotClear!(each);
  });

  test("wrong keys are refused and wiped", () => {
    const key = pair(1024);
    const other = pair(1024, 17);
    const big = pair(2048);
    const { n, e, d, p, q } = key.numbers;
    const even = Buffer.from(n);
    even[127]! &= 254;
    const bumped = (bytes: Buffer, by = 2) => {
      const copy = Buffer.from(bytes);
      copy[copy.length - 1]! ^= by;
      return copy;
    };
    const zero = Buffer.alloc(64);
    const bad: [string, "primes" | "d", Partial<typeof key.numbers>][] = [
      ["even n", "primes", { n: even }],
      ["n of others", "primes", { n: other.numbers.n }],
      ["another prime", "primes", { p: other.numbers.p }],
      ["p = q", "primes", { q: p }],
      ["a bit of q", "primes", { q: bumped(q) }],
      ["even q", "primes", { q: bumped(q, 1) }],
      ["zero", "primes", { q: zero }],
      ["no bytes", "primes", { q: Buffer.alloc(0) }],
      ["sizes", "primes", { p: Buffer.from([1]), q: n }],
      ["large prime", "primes", { p: big.numbers.p }],
      ["small n", "primes", { n: n.subarray(1) }],
      ["e = 1", "primes", { e: 1 }],
      ["even e", "primes", { e: 65536 }],
      ["e = 0", "primes", { e: 0 }],
      ["n of 4104 bits", "primes", { n: Buffer.alloc(513, 255) }],
      ["even n", "d", { n: even }],
      ["odd n of others", "d", { n: other.numbers.n }],
      ["prime n", "d", { n: Buffer.concat([p, p]) }],
      ["a bit of d", "d", { d: bumped(d) }],
      ["even d", "d", { d: bumped(d, 1) }],
      ["d = 0", "d", { d: zero }],
      ["d = 1", "d", { d: Buffer.from([1]) }],
      ["no d", "d", { d: Buffer.alloc(0) }],
      ["long d", "d", { d: Buffer.concat([Buffer.from([1]), d]) }],
      ["another e", "d", { e: 17 }],
    ];
    for (const [what, from, change] of bad) {
      const numbers = { n, e, d, p, q, ...change };
      expect(importRsa(core, numbers, ALL, from), `${what}, ${from}`).toBe(abi.ERR_KEY);
      core.memory.fill(0, inPtr, inPtr + 600);
      for (const secret of [numbers.p, numbers.q, numbers.d]) {
        if (secret.length > 60 && secret !== zero) expect(core.has(secret.subarray(0, 32)), what).toBe(false);
      }
      expect(arenaIsZero(core, STAGES), what).toBe(true);
    }
    // node:crypto parts an odd number of bits into primes of unequal size.
    const uneven = pair(1031).numbers;
    for (const from of ["primes", "d"] as const) expect(importRsa(core, uneven, ALL, from)).toBe(abi.ERR_KEY);
    // Leading zeros do no harm.
    const pad = (bytes: Buffer) => Buffer.concat([Buffer.alloc(3), bytes]);
    for (const from of ["primes", "d"] as const) {
      const slot = importRsa(core, { n: pad(n), e, d: pad(d), p: pad(p), q: pad(q) }, ALL, from);
      expect(slot).toBeGreaterThan(0);
      x.slotClear!(slot);
    }
  });

  test("public keys that are even, small, large or with an unfit exponent are refused", () => {
    const key = pair(1024);
    const { n } = key.numbers;
    const even = Buffer.from(n);
    even[127]! &= 254;
    const cases: [Buffer, number][] = [
      [even, 65537],
      [n.subarray(1), 65537],
      [Buffer.alloc(513, 255), 65537],
      [Buffer.alloc(128), 65537],
      [Buffer.alloc(0), 65537],
      [n, 1],
      [n, 0],
      [n, 65536],
      [n, -2],
    ];
    for (const [bytes, e] of cases) {
      const at = core.put(bytes);
      const text = core.put(randomBytes(32), 1024);
      core.refill();
      expect(x.rsaPkcs1Verify!(at, bytes.length, e, text, inPtr + 2048, bytes.length)).toBe(abi.ERR_PUBLIC_KEY);
      expect(x.rsaOaepEncrypt!(at, bytes.length, e, abi.HASH_SHA1, text, 1, outPtr)).toBe(abi.ERR_PUBLIC_KEY);
      expect(x.rsaPkcs1Encrypt!(at, bytes.length, e, text, 1, outPtr)).toBe(abi.ERR_PUBLIC_KEY);
      expect(x.entropyLeft!()).toBe(abi.ENTROPY_POOL_SIZE);
    }
  });

  test("a fault in any part of the private key is noticed, and nothing of the result leaves", () => {
    const key = pair(1024);
    const dp = Buffer.from(key.privateKey.export({ format: "jwk" }).dp!, "base64url");
    const slot = importRsa(core, key.numbers, ALL);
    // One in 256 has a leading zero, which the core keeps.
    const at = Buffer.from(core.memory.buffer).indexOf(dp) - (64 - dp.length);
    expect(at).toBeGreaterThan(0);
    const ct = publicEncrypt({ key: key.publicKey, oaepHash: "sha1" }, Buffer.from("text"));
    // dP, dQ, qInv lie one after the other.
    for (const offset of [-128, -64, 0, 40, 64, 100, 128, 191]) {
      core.memory[at + offset]! ^= 4;
      core.memory.fill(0, outPtr, outPtr + 512);
      const untouched = core.get(outPtr, 512);
      core.put(randomBytes(32));
      expect(x.rsaPkcs1Sign!(slot, inPtr, outPtr)).toBe(abi.ERR_FAULT);
      const status = x.rsaOaepDecrypt!(slot, abi.HASH_SHA1, core.put(ct), 128, outPtr);
      // With another p or q there is another n, which the ciphertext may exceed.
      expect(offset >= 0 ? [abi.ERR_FAULT] : [abi.ERR_FAULT, abi.ERR_BAD_PADDING]).toContain(status);
      if (offset >= 0) {
        expect(x.rsaPkcs1Decrypt!(slot, core.put(ct), 128, outPtr)).toBe(abi.ERR_FAULT);
        expect(x.rsaOaepOpenSlot!(slot, abi.HASH_SHA1, inPtr, 128, abi.KEY_AES, 0)).toBe(abi.ERR_FAULT);
      }
      expect(core.get(outPtr, 512)).toEqual(untouched);
      expect(arenaIsZero(core, STAGES)).toBe(true);
      core.memory[at + offset]! ^= 4;
    }
    expect(x.rsaOaepDecrypt!(slot, abi.HASH_SHA1, core.put(ct), 128, outPtr)).toBe(4);
    x.slotClear!(slot);
    expect(core.has(dp)).toBe(false);
  });

  test("usage, type, entropy, full slots and pointers outside the stage are refused without effect", () => {
    const key = pair(1024);
    const { n, e } = key.numbers;
    const slot = importRsa(core, key.numbers, abi.USE_VERIFY);
    core.put(n);
    expect(x.rsaPkcs1Sign!(slot, inPtr, outPtr)).toBe(abi.ERR_USAGE);
    expect(x.rsaOaepDecrypt!(slot, abi.HASH_SHA1, inPtr, 128, outPtr)).toBe(abi.ERR_USAGE);
    expect(x.rsaPkcs1Decrypt!(slot, inPtr, 128, outPtr)).toBe(abi.ERR_USAGE);
    expect(x.rsaOaepOpenSlot!(slot, abi.HASH_SHA1, inPtr, 128, abi.KEY_AES, 0)).toBe(abi.ERR_USAGE);
    expect(x.rsaPkcs1OpenSlot!(slot, inPtr, 128, 16, abi.KEY_AES, 0)).toBe(abi.ERR_USAGE);
    expect(x.slotExport!(slot, outPtr)).toBe(abi.ERR_USAGE);
    const aes = importRaw(core, abi.KEY_AES, 255, randomBytes(16));
    for (const bad of [aes, -1, 31, abi.SLOT_COUNT + abi.BIG_SLOT_COUNT]) {
      expect([abi.ERR_SLOT, abi.ERR_KEY_TYPE]).toContain(x.rsaPkcs1Sign!(bad, inPtr, outPtr));
      expect([abi.ERR_SLOT, abi.ERR_KEY_TYPE]).toContain(x.rsaPublicKey!(bad, outPtr));
    }
    core.put(n);
    x.entropyFill!(19);
    expect(x.rsaOaepEncrypt!(inPtr, 128, e, abi.HASH_SHA1, inPtr, 1, outPtr)).toBe(abi.ERR_ENTROPY);
    expect(x.rsaPkcs1Encrypt!(inPtr, 128, e, inPtr, 1, outPtr)).toBe(abi.ERR_ENTROPY);
    expect(x.entropyLeft!()).toBe(19);
    core.refill();
    for (let i = 1; i < abi.BIG_SLOT_COUNT; i++) expect(importRsa(core, key.numbers, ALL)).toBeGreaterThan(0);
    for (const from of ["primes", "d"] as const) {
      expect(importRsa(core, key.numbers, ALL, from)).toBe(abi.ERR_NO_SLOT);
      expect(core.has(key.numbers.d)).toBe(false);
    }
    for (let i = 1; i < abi.BIG_SLOT_COUNT; i++) x.slotClear!(abi.SLOT_COUNT + i);
    const arena = inPtr + STAGES - 32768;
    for (const bad of [0, -1, inPtr - 1, arena - 31, arena, 2 ** 31 - 1]) {
      expect(x.rsaPkcs1Sign!(slot, bad, outPtr)).toBe(abi.ERR_ARGUMENT);
      expect(x.rsaPkcs1Sign!(slot, inPtr, bad)).toBe(abi.ERR_ARGUMENT);
      expect(x.rsaPublicKey!(slot, bad)).toBe(abi.ERR_ARGUMENT);
      expect(x.rsaOaepDecrypt!(slot, abi.HASH_SHA1, bad, 128, outPtr)).toBe(abi.ERR_ARGUMENT);
      expect(x.rsaImport!(inPtr, 128, e, bad, 128, ALL)).toBe(abi.ERR_ARGUMENT);
      expect(x.rsaImportPrimes!(inPtr, 128, e, bad, 64, inPtr, 64, ALL)).toBe(abi.ERR_ARGUMENT);
      expect(x.rsaPkcs1Verify!(bad, 128, e, inPtr, inPtr, 128)).toBe(abi.ERR_ARGUMENT);
    }
    for (const hash of [0, 3, -1]) {
      expect(x.rsaOaepDecrypt!(slot, hash, inPtr, 128, outPtr)).toBe(abi.ERR_ARGUMENT);
      expect(x.rsaOaepEncrypt!(inPtr, 128, e, hash, inPtr, 1, outPtr)).toBe(abi.ERR_ARGUMENT);
    }
    x.slotClear!(slot);
    x.slotClear!(aes);
  });
});
