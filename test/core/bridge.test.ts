// The bridge's families against node:crypto: what goes in and comes out of the host, and the errors that it gives.

import * as node from "node:crypto";
import { describe, expect, test } from "vitest";
import * as abi from "../../src/core/abi.ts";
import { loadCore } from "../../src/core/core-node.ts";
import { type DhGroup, dhAgreeSession, dhGenerate, dhImport } from "../../src/core/dh.ts";
import { ecdsaSign, ecdsaVerify } from "../../src/core/ecdsa.ts";
import { longHmacSign, longHmacVerify, sha384, sha512 } from "../../src/core/hashes.ts";
import {
  CMAC_KEY,
  CONTENT_KEY,
  P256_AGREEMENT,
  RSA_DECRYPTION,
  RSA_SIGNING,
  SESSION_MAC,
} from "../../src/core/key-specs.ts";
import { decodeKeyText, encodeKeyText } from "../../src/core/key-text.ts";
import { cmacSign, cmacVerify, gcmOpen, gcmSeal } from "../../src/core/modes.ts";
import { p256Agree, p256Generate, p256Import, p256PublicKey } from "../../src/core/p256.ts";
import * as rsa from "../../src/core/rsa.ts";
import { MslUsageError } from "../../src/errors/msl-error.ts";
import { nodeTimers } from "../../src/platform/clock-node.ts";

const core = await loadCore("auto");
const random = (n: number) => new Uint8Array(node.randomBytes(n));
const code = (run: () => unknown): string => {
  try {
    run();
  } catch (thrown) {
    return (thrown as { code?: string }).code ?? String(thrown);
  }
  return "none";
};
const equal = (a: Uint8Array, b: Uint8Array) =>
  expect(Buffer.from(a).toString("hex")).toBe(Buffer.from(b).toString("hex"));

describe("hashes and MACs", () => {
  test("SHA-384 and SHA-512 of parts, also beyond the stage", () => {
    const parts = [random(5), random(0), random(100_000), random(70)];
    equal(sha384(core, ...parts), node.createHash("sha384").update(Buffer.concat(parts)).digest());
    equal(sha512(core, ...parts), node.createHash("sha512").update(Buffer.concat(parts)).digest());
  });

  test.each([
    ["sha384", abi.KEY_HMAC_SHA384, 48],
    ["sha512", abi.KEY_HMAC_SHA512, 64],
  ] as const)("HMAC-%s", (name, type, size) => {
    const raw = random(48);
    const key = core.importKey({ type, usage: abi.USE_SIGN | abi.USE_VERIFY }, raw.slice());
    const data = random(90_000);
    const tag = longHmacSign(core, key, data);
    equal(tag, node.createHmac(name, raw).update(data).digest());
    expect(tag).toHaveLength(size);
    expect(longHmacVerify(core, key, data, tag)).toBe(true);
    expect(longHmacVerify(core, key, data.subarray(1), tag)).toBe(false);
    expect(longHmacVerify(core, key, data, tag.subarray(1))).toBe(false);
  });

  test("CMAC in one piece and in steps", () => {
    // RFC 4493 §4, example 2.
    const key = core.importKey(CMAC_KEY, new Uint8Array(Buffer.from("2b7e151628aed2a6abf7158809cf4f3c", "hex")));
    const message = new Uint8Array(Buffer.from("6bc1bee22e409f96e93d7e117393172a", "hex"));
    const tag = cmacSign(core, key, message);
    equal(tag, Buffer.from("070a16b46b4d4144f79bdd9dd04a287c", "hex"));
    expect(cmacVerify(core, key, message, tag)).toBe(true);
    const long = random(100_000);
    const longTag = cmacSign(core, key, long);
    expect(cmacVerify(core, key, long, longTag)).toBe(true);
    long[99_999]! ^= 1;
    expect(cmacVerify(core, key, long, longTag)).toBe(false);
    expect(cmacVerify(core, key, message, tag.subarray(1))).toBe(false);
  });
});

test("AES-GCM seals what node opens, and opens nothing that was changed", () => {
  const raw = random(16);
  const key = core.importKey(CONTENT_KEY, raw.slice());
  const [iv, aad, plain] = [random(12), random(33), random(500)];
  const sealed = gcmSeal(core, key, iv, aad, plain);
  const decipher = node.createDecipheriv("aes-128-gcm", raw, iv).setAAD(aad).setAuthTag(sealed.subarray(500));
  equal(Buffer.concat([decipher.update(sealed.subarray(0, 500)), decipher.final()]), plain);
  equal(gcmOpen(core, key, iv, aad, sealed)!, plain);
  for (const at of [0, 499, 515]) {
    const bad = sealed.slice();
    bad[at]! ^= 1;
    expect(gcmOpen(core, key, iv, aad, bad)).toBeNull();
  }
  expect(gcmOpen(core, key, iv, new Uint8Array(0), sealed)).toBeNull();
  expect(gcmOpen(core, key, iv, aad, sealed.subarray(0, 15))).toBeNull();
  expect(code(() => gcmSeal(core, key, random(16), aad, plain))).toBe("INVALID_ALGORITHM_PARAMS");
  expect(() => gcmSeal(core, key, iv, aad, random(50_000))).toThrow(MslUsageError);
});

test("Base64url of key bytes", () => {
  for (const length of [0, 1, 2, 3, 32, 257]) {
    const bytes = random(length);
    const text = encodeKeyText(core, bytes);
    expect(Buffer.from(text).toString()).toBe(Buffer.from(bytes).toString("base64url"));
    equal(decodeKeyText(core, text), bytes);
  }
  expect(code(() => decodeKeyText(core, new Uint8Array(Buffer.from("AA+_"))))).toBe("INVALID_JWK_KEYDATA");
});

test("P-256 agrees with node; keys and points outside are refused", () => {
  const own = p256Generate(core, { ...P256_AGREEMENT, usage: abi.USE_DERIVE });
  const peer = node.createECDH("prime256v1");
  peer.generateKeys();
  equal(p256PublicKey(core, own.key), own.publicKey);
  const secret = p256Agree(core, own.key, new Uint8Array(peer.getPublicKey()));
  const expected = peer.computeSecret(own.publicKey);
  const info = random(8);
  const session = core.hkdfSession(secret, new Uint8Array(0), info);
  const okm = new Uint8Array(node.hkdfSync("sha256", expected, new Uint8Array(0), info, 48));
  equal(core.exportKey(session.encryption), okm.subarray(0, 16));
  equal(core.exportKey(session.mac), okm.subarray(16));
  const off = new Uint8Array(peer.getPublicKey());
  off[64]! ^= 1;
  for (const bad of [off, new Uint8Array(65), new Uint8Array(0), random(66)]) {
    expect(code(() => p256Agree(core, own.key, bad))).toBe("KEYX_INVALID_PUBLIC_KEY");
  }
  expect(code(() => p256Import(core, new Uint8Array(32)))).toBe("INVALID_PRIVATE_KEY");
  expect(code(() => p256Import(core, new Uint8Array(32).fill(255)))).toBe("INVALID_PRIVATE_KEY");
  expect(code(() => p256Import(core, new Uint8Array(31).fill(1)))).toBe("INVALID_PRIVATE_KEY");
});

test("ECDSA both ways, DER and raw", () => {
  const pair = node.generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { d, x, y } = pair.privateKey.export({ format: "jwk" });
  const [scalar, px, py] = [d, x, y].map((text) => new Uint8Array(Buffer.from(text!, "base64url")));
  const key = p256Import(core, scalar!);
  const publicKey = new Uint8Array(Buffer.concat([Buffer.of(4), px!, py!]));
  const message = random(40);
  const digest = core.sha256(message);
  expect(node.verify("sha256", message, pair.publicKey, ecdsaSign(core, key, digest))).toBe(true);
  for (const dsaEncoding of ["der", "ieee-p1363"] as const) {
    const theirs = new Uint8Array(node.sign("sha256", message, { key: pair.privateKey, dsaEncoding }));
    expect(ecdsaVerify(core, publicKey, digest, theirs)).toBe(true);
    theirs[theirs.length - 1]! ^= 1;
    expect(ecdsaVerify(core, publicKey, digest, theirs)).toBe(false);
  }
  expect(ecdsaVerify(core, publicKey, digest, random(200))).toBe(false);
  expect(code(() => ecdsaVerify(core, publicKey.fill(9, 1, 9), digest, random(64)))).toBe("INVALID_PUBLIC_KEY");
  expect(code(() => p256Agree(core, key, publicKey))).toBe("USAGE");
});

describe("RSA", () => {
  const pair = node.generateKeyPairSync("rsa", { modulusLength: 2048 });
  const jwk = pair.privateKey.export({ format: "jwk" });
  const bytes = (text: string) => new Uint8Array(Buffer.from(text, "base64url"));
  const publicKey = { n: bytes(jwk.n!), e: 65537 };
  const decryption = rsa.rsaImport(core, publicKey, bytes(jwk.d!));
  const signing = rsa.rsaImport(core, publicKey, bytes(jwk.d!), RSA_SIGNING);

  test.each(["SHA-1", "SHA-256"] as const)("OAEP with %s, of bytes and of keys", (hash) => {
    const options = { key: pair.publicKey, oaepHash: hash === "SHA-1" ? "sha1" : "sha256" };
    const plain = random(100);
    equal(rsa.rsaOaepDecrypt(core, decryption, new Uint8Array(node.publicEncrypt(options, plain)), hash), plain);
    const sealed = rsa.rsaOaepEncrypt(core, publicKey, plain, hash);
    equal(node.privateDecrypt({ ...options, key: pair.privateKey }, sealed), plain);
    const key = core.generateKey(SESSION_MAC, 32);
    const wrapped = rsa.rsaOaepWrapKey(core, publicKey, key, hash);
    equal(core.exportKey(rsa.rsaOaepUnwrapKey(core, decryption, wrapped, SESSION_MAC, hash)), core.exportKey(key));
    wrapped[200]! ^= 1;
    expect(code(() => rsa.rsaOaepDecrypt(core, decryption, wrapped, hash))).toBe("CIPHERTEXT_BAD_PADDING");
    expect(code(() => rsa.rsaOaepDecrypt(core, decryption, wrapped.subarray(1), hash))).toBe(
      "CIPHERTEXT_ILLEGAL_BLOCK_SIZE",
    );
    expect(code(() => rsa.rsaOaepEncrypt(core, publicKey, random(250), hash))).toBe("USAGE");
  });

  test("PKCS#1 v1.5 encryption; wrong padding gives other bytes, not an error", () => {
    const padding = node.constants.RSA_PKCS1_PADDING;
    const plain = random(48);
    const ciphertext = new Uint8Array(node.publicEncrypt({ key: pair.publicKey, padding }, plain));
    equal(rsa.rsaPkcs1Decrypt(core, decryption, ciphertext), plain);
    equal(rsa.rsaPkcs1Decrypt(core, decryption, rsa.rsaPkcs1Encrypt(core, publicKey, plain)), plain);
    ciphertext[100]! ^= 1;
    const first = rsa.rsaPkcs1Decrypt(core, decryption, ciphertext);
    equal(first, rsa.rsaPkcs1Decrypt(core, decryption, ciphertext));
    expect(Buffer.from(first).equals(plain)).toBe(false);
  });

  test("signatures both ways", () => {
    const message = random(77);
    const digest = core.sha256(message);
    const signature = rsa.rsaSign(core, signing, digest);
    expect(node.verify("sha256", message, pair.publicKey, signature)).toBe(true);
    const theirs = new Uint8Array(node.sign("sha256", message, pair.privateKey));
    expect(rsa.rsaVerify(core, publicKey, digest, theirs)).toBe(true);
    theirs[9]! ^= 1;
    expect(rsa.rsaVerify(core, publicKey, digest, theirs)).toBe(false);
    expect(rsa.rsaVerify(core, publicKey, digest, theirs.subarray(1))).toBe(false);
    expect(code(() => rsa.rsaVerify(core, { n: publicKey.n, e: 4 }, digest, theirs))).toBe("INVALID_PUBLIC_KEY");
    expect(code(() => rsa.rsaSign(core, decryption, digest))).toBe("USAGE");
  });

  test("a key made in steps, with turns for the event loop, works with node", { timeout: 120_000 }, async () => {
    let turns = 0;
    const timers = {
      after(ms: number, fire: () => void) {
        turns++;
        return nodeTimers.after(ms, fire);
      },
    };
    const key = await rsa.rsaGenerate(core, timers, 2048, RSA_DECRYPTION);
    const made = rsa.rsaPublicKey(core, key);
    expect(made.n).toHaveLength(256);
    expect(turns).toBeGreaterThan(3);
    const theirs = node.createPublicKey({
      key: { kty: "RSA", n: Buffer.from(made.n).toString("base64url"), e: "AQAB" },
      format: "jwk",
    });
    const plain = random(32);
    equal(rsa.rsaOaepDecrypt(core, key, new Uint8Array(node.publicEncrypt(theirs, plain))), plain);
    key.dispose();
  });

  test("more keys than big slots take turns", () => {
    const keys = Array.from({ length: abi.BIG_SLOT_COUNT + 3 }, () => rsa.rsaImport(core, publicKey, bytes(jwk.d!)));
    const plain = random(20);
    const ciphertext = rsa.rsaOaepEncrypt(core, publicKey, plain);
    for (let round = 0; round < 2; round++)
      for (const key of keys) equal(rsa.rsaOaepDecrypt(core, key, ciphertext), plain);
    for (const key of keys) key.dispose();
  });

  test("inconsistent keys are refused", () => {
    expect(code(() => rsa.rsaImport(core, publicKey, random(256).fill(7, 0, 1)))).toBe("INVALID_PRIVATE_KEY");
    const even = { n: publicKey.n.slice(), e: 65537 };
    even.n[255]! &= 254;
    expect(code(() => rsa.rsaImport(core, even, bytes(jwk.d!)))).toBe("INVALID_PRIVATE_KEY");
    expect(code(() => rsa.rsaOaepEncrypt(core, even, random(3)))).toBe("INVALID_PUBLIC_KEY");
  });
});

describe("Diffie-Hellman", () => {
  const group14 = node.createDiffieHellmanGroup("modp14");
  const custom: DhGroup = { p: new Uint8Array(group14.getPrime()), g: Uint8Array.of(2) };

  test.each([
    ["by name", "group14" as DhGroup],
    ["by numbers", custom],
  ])("session keys with node, group %s", (_name, group) => {
    const peer = node.createDiffieHellmanGroup("modp14");
    peer.generateKeys();
    const own = dhGenerate(core, group);
    expect(own.publicKey).toHaveLength(256);
    const s = peer.computeSecret(own.publicKey);
    let first = 0;
    while (s[first] === 0) first++;
    const h = node.createHash("sha384").update(Buffer.of(0)).update(s.subarray(first)).digest();
    const session = dhAgreeSession(core, own.key, new Uint8Array(peer.getPublicKey()));
    equal(core.exportKey(session.encryption), h.subarray(0, 16));
    equal(core.exportKey(session.mac), h.subarray(16));
  });

  test("values outside 2..p-2 and bad groups are refused", () => {
    const own = dhImport(core, "ffdhe2048", random(64));
    const prime = new Uint8Array(256);
    for (const bad of [new Uint8Array(0), Uint8Array.of(0), Uint8Array.of(1), prime.fill(255)]) {
      expect(code(() => dhAgreeSession(core, own.key, bad))).toBe("KEYX_INVALID_PUBLIC_KEY");
    }
    expect(code(() => dhGenerate(core, { p: random(64), g: Uint8Array.of(2) }))).toBe("INVALID_ALGORITHM_PARAMS");
    expect(code(() => dhGenerate(core, { p: custom.p, g: Uint8Array.of(1) }))).toBe("INVALID_ALGORITHM_PARAMS");
  });
});

test("a build without a primitive says so", async () => {
  const small = await loadCore("auto");
  Object.defineProperty(small.io, "x", { value: { ...small.io.x, aesGcmSeal: undefined, rsaImport: undefined } });
  const key = small.importKey(CONTENT_KEY, random(16));
  expect(() => gcmSeal(small, key, random(12), random(0), random(3))).toThrow(/AES-GCM/);
  expect(() => rsa.rsaImport(small, { n: random(256), e: 3 }, random(256))).toThrow(MslUsageError);
});
