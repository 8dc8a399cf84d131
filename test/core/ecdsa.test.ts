// ECDSA over P-256: RFC 6979, signatures exchanged with node:crypto, forms of a signature, refusals, what is wiped.

import { createECDH, createHash, createPrivateKey, createPublicKey, randomBytes, sign, verify } from "node:crypto";
import { describe, expect, test } from "vitest";
import * as abi from "../../src/core/abi.ts";
import { BUILDS, importRaw, loadRaw, type RawCore } from "./raw/raw-core.ts";
import { residue } from "./raw/residue.ts";

const ALL = 255;
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const P = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;

const num = (value: bigint) => Buffer.from(value.toString(16).padStart(64, "0"), "hex");
const big = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
const sha256 = (data: string | Uint8Array) => createHash("sha256").update(data).digest();

/** x^-1 mod n. */
function inverse(x: bigint): bigint {
  let [base, result] = [x % N, 1n];
  for (let e = N - 2n; e > 0n; e >>= 1n) {
    if (e & 1n) result = (result * base) % N;
    base = (base * base) % N;
  }
  return result;
}

function keyPair(scalar: bigint) {
  const ecdh = createECDH("prime256v1");
  ecdh.setPrivateKey(num(scalar));
  const point = ecdh.getPublicKey();
  const text = (bytes: Buffer) => bytes.toString("base64url");
  const jwk = { kty: "EC", crv: "P-256", x: text(point.subarray(1, 33)), y: text(point.subarray(33)) };
  const publicKey = createPublicKey({ key: jwk, format: "jwk" });
  return { point, publicKey, privateKey: createPrivateKey({ key: { ...jwk, d: text(num(scalar)) }, format: "jwk" }) };
}

/** x of the multiple of the base point, mod n. */
function xOf(scalar: bigint): bigint {
  return big(keyPair(scalar).point.subarray(1, 33)) % N;
}

function signRaw(core: RawCore, slot: number, digest: Uint8Array): Buffer {
  expect(core.x.ecdsaP256Sign!(slot, core.put(digest, 3), core.outPtr)).toBe(64);
  return Buffer.from(core.get(core.outPtr, 64));
}

function check(core: RawCore, pub: Uint8Array, digest: Uint8Array, sig: Uint8Array): number {
  const at = core.put(pub, 1);
  return core.x.ecdsaP256Verify!(at, pub.length, core.put(digest, 99), digest.length, core.put(sig, 401), sig.length);
}

const der = (...integers: bigint[]) => {
  const parts = integers.map((value) => {
    const text = value.toString(16);
    const bytes = Buffer.from(text.padStart(text.length + (text.length % 2), "0"), "hex");
    const body = bytes[0]! > 127 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes;
    return Buffer.concat([Buffer.from([2, body.length]), body]);
  });
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([0x30, body.length]), body]);
};

describe.each(BUILDS)("%s", (build) => {
  const core = loadRaw(build);
  const { x, inPtr, outPtr } = core;
  const importScalar = (scalar: bigint, usage = ALL) => x.p256Import!(usage, core.put(num(scalar)));

  test("RFC 6979, A.2.5", () => {
    const slot = importScalar(0xc9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721n);
    const cases = [
      [
        "sample",
        "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
        "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
      ],
      [
        "test",
        "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367",
        "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
      ],
    ] as const;
    for (const [message, r, s] of cases) expect(signRaw(core, slot, sha256(message)).toString("hex")).toBe(r + s);
    x.slotClear!(slot);
  });

  test("node:crypto verifies what is signed here, in both forms, and the other way round", () => {
    for (let i = 0; i < 40; i++) {
      const scalar = i < 4 ? [1n, 2n, N - 1n, N - 2n][i]! : (big(randomBytes(32)) % (N - 1n)) + 1n;
      const { point, publicKey, privateKey } = keyPair(scalar);
      const slot = importScalar(scalar);
      const message = randomBytes(i * 3);
      const digest = sha256(message);
      const raw = signRaw(core, slot, digest);
      expect(verify("sha256", message, { key: publicKey, dsaEncoding: "ieee-p1363" }, raw)).toBe(true);
      const length = x.ecdsaP256SignDer!(slot, core.put(digest, 3), outPtr);
      const encoded = Buffer.from(core.get(outPtr, length));
      expect(encoded).toEqual(der(big(raw.subarray(0, 32)), big(raw.subarray(32))));
      expect(verify("sha256", message, publicKey, encoded)).toBe(true);
      for (const dsaEncoding of ["der", "ieee-p1363"] as const) {
        const sig = sign("sha256", message, { key: privateKey, dsaEncoding });
        expect(check(core, point, digest, sig)).toBe(abi.OK);
        expect(check(core, point, sha256("another"), sig)).toBe(abi.ERR_BAD_SIGNATURE);
        sig[sig.length - 1]! ^= 1;
        expect(check(core, point, digest, sig)).toBe(abi.ERR_BAD_SIGNATURE);
      }
      const compressed = Buffer.concat([Buffer.from([2 + (point[64]! & 1)]), point.subarray(1, 33)]);
      expect(check(core, compressed, digest, raw)).toBe(abi.OK);
      x.slotClear!(slot);
    }
  });

  test("digests at and above n, of zeros, and longer or shorter than the order", () => {
    const scalar = 12345n;
    const { point } = keyPair(scalar);
    const slot = importScalar(scalar);
    for (const digest of [0n, 1n, N - 1n, N, N + 1n, 2n ** 256n - 1n].map(num)) {
      const sig = signRaw(core, slot, digest);
      const [r, s] = [big(sig.subarray(0, 32)), big(sig.subarray(32))];
      // k = (z + r d) / s and its x is r.
      expect(xOf((((big(digest) + r * scalar) % N) * inverse(s)) % N)).toBe(r);
      expect(check(core, point, digest, sig)).toBe(abi.OK);
      expect(check(core, point, Buffer.concat([digest, randomBytes(32)]), sig)).toBe(abi.OK);
    }
    for (const digest of [Buffer.alloc(0), Buffer.from([7]), randomBytes(20)]) {
      const sig = signRaw(core, slot, num(digest.length === 0 ? 0n : big(digest)));
      expect(check(core, point, digest, sig)).toBe(abi.OK);
    }
    x.slotClear!(slot);
  });

  test("sums of points that are equal, opposite or one alone", () => {
    // The key is 1: u1 + u2 is the nonce. r = x(k), s = (z + r) / k; u1 = z / s, u2 = r / s.
    const { point } = keyPair(1n);
    const at = (k: bigint, z: bigint) => {
      const r = xOf(k);
      return Buffer.concat([num(r), num((((z + r) % N) * inverse(k)) % N)]);
    };
    for (const k of [1n, 2n, 3n, 16n, N - 1n, N - 5n]) {
      const r = xOf(k);
      for (const z of [r, 0n, 1n, N - 1n, (N - r + k) % N]) {
        if ((z + r) % N === 0n) continue;
        expect(check(core, point, num(z), at(k, z)), `${k} ${z}`).toBe(abi.OK);
      }
      // z = -r: the sum is infinity, whatever s.
      expect(check(core, point, num(N - r), Buffer.concat([num(r), num(5n)]))).toBe(abi.ERR_BAD_SIGNATURE);
    }
  });

  test("r and s outside 1..n-1 are refused, also where the equation holds mod n", () => {
    const { point } = keyPair(77n);
    const slot = importScalar(77n);
    const digest = sha256("x");
    const sig = signRaw(core, slot, digest);
    const [r, s] = [big(sig.subarray(0, 32)), big(sig.subarray(32))];
    expect(check(core, point, digest, der(r, s))).toBe(abi.OK);
    for (const [a, b] of [
      [0n, s],
      [r, 0n],
      [0n, 0n],
      [N, s],
      [r, N],
      [r + N, s],
      [r, s + N],
      [P, s],
      [r, 2n ** 256n - 1n],
    ]) {
      expect(check(core, point, digest, der(a!, b!))).toBe(abi.ERR_BAD_SIGNATURE);
      if (a! < 2n ** 256n && b! < 2n ** 256n) {
        expect(check(core, point, digest, Buffer.concat([num(a!), num(b!)]))).toBe(abi.ERR_BAD_SIGNATURE);
      }
    }
    // n - s is as good as s: ECDSA does not say which.
    expect(check(core, point, digest, der(r, N - s))).toBe(abi.OK);
    for (let length = 0; length < 80; length++) {
      if (length === 64) continue;
      const cut = Buffer.concat([sig, Buffer.alloc(16)]).subarray(0, length);
      expect(check(core, point, digest, cut)).toBe(abi.ERR_BAD_SIGNATURE);
    }
    x.slotClear!(slot);
  });

  test("64 bytes that are DER are read as DER", () => {
    // The digest is chosen to fit an s of 26 bytes: z = s k - r d. With an r of 32 bytes that is 64 in all.
    const scalar = 3n;
    let k = 5n;
    while (xOf(k) >= 2n ** 255n || xOf(k) < 2n ** 247n) k++;
    const [r, s] = [xOf(k), 2n ** 205n + 9n];
    const z = (((s * k - r * scalar) % N) + N) % N;
    const made = der(r, s);
    expect(made.length).toBe(64);
    expect(check(core, keyPair(scalar).point, num(z), made)).toBe(abi.OK);
    expect(check(core, keyPair(scalar).point, num(z), Buffer.concat([num(r), num(s)]))).toBe(abi.OK);
  });

  test("usage, type, public key and pointers are checked", () => {
    const slot = importScalar(5n, abi.USE_DERIVE);
    expect(x.ecdsaP256Sign!(slot, inPtr, outPtr)).toBe(abi.ERR_USAGE);
    expect(x.ecdsaP256SignDer!(slot, inPtr, outPtr)).toBe(abi.ERR_USAGE);
    x.slotClear!(slot);
    const aes = importRaw(core, abi.KEY_AES, ALL, randomBytes(16));
    expect(x.ecdsaP256Sign!(aes, inPtr, outPtr)).toBe(abi.ERR_KEY_TYPE);
    x.slotClear!(aes);
    const good = importScalar(5n);
    const end = inPtr + 2 * abi.STAGE_SIZE;
    for (const bad of [0, -1, inPtr - 1, end - 31, 2 ** 31 - 1]) {
      expect(x.ecdsaP256Sign!(good, bad, outPtr)).toBe(abi.ERR_ARGUMENT);
      expect(x.ecdsaP256Sign!(good, inPtr, bad)).toBe(abi.ERR_ARGUMENT);
      expect(x.ecdsaP256SignDer!(good, inPtr, bad)).toBe(abi.ERR_ARGUMENT);
      expect(x.ecdsaP256Verify!(bad, 65, inPtr, 32, inPtr, 64)).toBe(abi.ERR_ARGUMENT);
      expect(x.ecdsaP256Verify!(inPtr, 65, bad, 32, inPtr, 64)).toBe(abi.ERR_ARGUMENT);
      expect(x.ecdsaP256Verify!(inPtr, 65, inPtr, 32, bad, 64)).toBe(abi.ERR_ARGUMENT);
    }
    for (const bad of [-1, -(2 ** 31), 2 ** 31 - 1]) {
      expect(x.ecdsaP256Verify!(inPtr, bad, inPtr, 32, inPtr, 64)).toBe(abi.ERR_ARGUMENT);
      expect(x.ecdsaP256Verify!(inPtr, 65, inPtr, bad, inPtr, 64)).toBe(abi.ERR_ARGUMENT);
      expect(x.ecdsaP256Verify!(inPtr, 65, inPtr, 32, inPtr, bad)).toBe(abi.ERR_ARGUMENT);
    }
    const sig = signRaw(core, good, sha256("x"));
    expect(check(core, Buffer.alloc(65, 4), sha256("x"), sig)).toBe(abi.ERR_PUBLIC_KEY);
    // Digest and signature may lie on each other.
    const at = core.put(sha256("x"));
    expect(x.ecdsaP256Sign!(good, at, at)).toBe(64);
    expect(Buffer.from(core.get(at, 64))).toEqual(sig);
    x.slotClear!(good);
  });

  test("nothing of a key or a nonce is left outside the slots", () => {
    const fresh = loadRaw(build);
    const used = loadRaw(build);
    // The tables of the base point are public, and built at first use.
    for (const each of [fresh, used]) {
      each.x.p256PublicKey!(each.x.p256Import!(ALL, each.put(num(1n))), each.outPtr);
      each.x.slotsClear!();
    }
    const slot = used.x.p256Import!(ALL, used.put(num(99n)));
    expect(residue(used, fresh)).toBeGreaterThan(0);
    const sig = signRaw(used, slot, sha256("x"));
    used.x.ecdsaP256SignDer!(slot, used.inPtr, used.outPtr);
    check(used, keyPair(99n).point, sha256("x"), sig);
    check(used, keyPair(98n).point, sha256("x"), sig);
    check(used, Buffer.alloc(65), sha256("x"), sig);
    used.x.slotsClear!();
    expect(residue(used, fresh)).toBe(0);
  });
});
