// Primitives of the core against node:crypto and published answers, on every build.

import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  randomBytes,
} from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as abi from "../../../src/core/abi.ts";
import { BUILDS_AND_SMALL, importRaw, loadRaw } from "./raw-core.ts";

const hex = (s: string) => new Uint8Array(Buffer.from(s, "hex"));
const toHex = (b: Uint8Array) => Buffer.from(b).toString("hex");
const ALL = 255;

describe.each(BUILDS_AND_SMALL)("%s", (build) => {
  const core = loadRaw(build);
  const { x, inPtr, outPtr } = core;

  const aesKey = (key: Uint8Array, type: number = abi.KEY_AES) => importRaw(core, type, ALL, key);

  test("SHA-256 of every length to 300 and of random longer ones", () => {
    const lengths = [...Array(301).keys(), 1000, 4095, 40000];
    for (const n of lengths) {
      const data = randomBytes(n);
      expect(x.sha256Digest!(core.put(data), n, outPtr)).toBe(32);
      expect(toHex(core.get(outPtr, 32))).toBe(createHash("sha256").update(data).digest("hex"));
    }
  });

  test("streaming SHA-256 and HMAC equal the one-shot forms for any split", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 8 }), (parts) => {
        const whole = Buffer.concat(parts);
        x.sha256Begin!();
        for (const part of parts) expect(x.sha256Feed!(core.put(part), part.length)).toBe(0);
        expect(x.sha256End!(outPtr)).toBe(32);
        expect(toHex(core.get(outPtr, 32))).toBe(createHash("sha256").update(whole).digest("hex"));
        const key = randomBytes(32);
        const slot = importRaw(core, abi.KEY_HMAC_SHA256, ALL, key);
        x.hmacSha256Begin!(slot, abi.USE_SIGN);
        for (const part of parts) x.hmacSha256Update!(core.put(part), part.length);
        expect(x.hmacSha256End!(outPtr)).toBe(32);
        expect(toHex(core.get(outPtr, 32))).toBe(createHmac("sha256", key).update(whole).digest("hex"));
        x.slotClear!(slot);
      }),
      { numRuns: 100 },
    );
  });

  test("HMAC-SHA256 with keys of 1 to 200 bytes", () => {
    for (let n = 1; n <= 200; n += 3) {
      const key = randomBytes(n);
      const data = randomBytes(n * 2);
      const slot = importRaw(core, abi.KEY_HMAC_SHA256, abi.USE_SIGN | abi.USE_VERIFY, key);
      expect(x.hmacSha256Sign!(slot, core.put(data), data.length, outPtr)).toBe(32);
      const tag = core.get(outPtr, 32);
      expect(toHex(tag)).toBe(createHmac("sha256", key).update(data).digest("hex"));
      expect(x.hmacSha256Verify!(slot, inPtr, data.length, outPtr, 32)).toBe(abi.OK);
      for (const length of [0, 16, 31]) {
        expect(x.hmacSha256Verify!(slot, inPtr, data.length, outPtr, length)).toBe(abi.ERR_BAD_TAG);
      }
      core.memory[outPtr + (n % 32)]! ^= 1 << (n % 8);
      expect(x.hmacSha256Verify!(slot, inPtr, data.length, outPtr, 32)).toBe(abi.ERR_BAD_TAG);
      x.slotClear!(slot);
    }
  });

  test("AES-CBC with every key size against node:crypto, in place and apart, any alignment", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(16, 24, 32),
        fc.integer({ min: 0, max: 2000 }),
        fc.integer({ min: 0, max: 7 }),
        fc.boolean(),
        (keyLength, length, shift, inPlace) => {
          const key = randomBytes(keyLength);
          const iv = randomBytes(16);
          const data = randomBytes(length);
          const slot = aesKey(key);
          const cipher = createCipheriv(`aes-${keyLength * 8}-cbc`, key, iv);
          const want = Buffer.concat([cipher.update(data), cipher.final()]);
          const src = core.put(data, 64 + shift);
          const dst = inPlace ? src : outPtr + shift;
          expect(x.aesCbcEncrypt!(slot, core.put(iv), src, length, dst)).toBe(want.length);
          expect(toHex(core.get(dst, want.length))).toBe(want.toString("hex"));
          expect(x.aesCbcDecrypt!(slot, core.put(iv), dst, want.length, dst)).toBe(length);
          expect(toHex(core.get(dst, length))).toBe(toHex(data));
          x.slotClear!(slot);
        },
      ),
      { numRuns: 150 },
    );
  });

  test("CBC refuses every wrong padding and every length that is not a block, and wipes what it decrypted", () => {
    const key = randomBytes(16);
    const slot = aesKey(key);
    for (let pad = 0; pad < 256; pad++) {
      for (const spoil of [false, true]) {
        const plain = Buffer.alloc(32, 7);
        for (let i = 0; i < Math.min(pad, 32); i++) plain[31 - i] = pad;
        plain[31] = pad;
        if (spoil && pad > 1 && pad <= 16) plain[31 - pad + 1]! ^= 1;
        const cipher = createCipheriv("aes-128-cbc", key, Buffer.alloc(16)).setAutoPadding(false);
        const data = Buffer.concat([cipher.update(plain), cipher.final()]);
        const src = core.put(data, 16);
        core.put(new Uint8Array(16));
        const valid = pad >= 1 && pad <= 16 && !(spoil && pad > 1);
        const got = x.aesCbcDecrypt!(slot, inPtr, src, 32, outPtr);
        expect(got).toBe(valid ? 32 - pad : abi.ERR_BAD_PADDING);
        if (!valid) expect(core.get(outPtr, 32)).toEqual(new Uint8Array(32));
      }
    }
    for (const n of [0, 1, 15, 17, 31])
      expect(x.aesCbcDecrypt!(slot, inPtr, inPtr + 16, n, outPtr)).toBe(abi.ERR_BLOCK_SIZE);
    x.slotClear!(slot);
  });

  test("CBC in blocks carries the IV on", () => {
    const key = randomBytes(16);
    const iv = randomBytes(16);
    const data = randomBytes(256);
    const slot = aesKey(key);
    const want = createCipheriv("aes-128-cbc", key, iv).setAutoPadding(false).update(data);
    core.put(iv);
    for (const [from, to] of [
      [0, 16],
      [16, 112],
      [112, 256],
    ] as const) {
      x.aesCbcEncryptBlocks!(slot, inPtr, core.put(data.subarray(from, to), 16), to - from, outPtr + from);
    }
    expect(toHex(core.get(outPtr, 256))).toBe(want.toString("hex"));
    core.put(iv);
    for (const [from, to] of [
      [0, 80],
      [80, 96],
      [96, 256],
    ] as const) {
      x.aesCbcDecryptBlocks!(slot, inPtr, outPtr + from, to - from, outPtr + from);
    }
    expect(toHex(core.get(outPtr, 256))).toBe(data.toString("hex"));
    expect(x.aesCbcEncryptBlocks!(slot, inPtr, inPtr + 16, 17, outPtr)).toBe(abi.ERR_BLOCK_SIZE);
    x.slotClear!(slot);
  });

  test("key wrap: published values, node:crypto, keys in slots", () => {
    const kw = aesKey(hex("404142434445464748494a4b4c4d4e4f"), abi.KEY_AES_WRAP);
    const wrapOf = (data: Uint8Array) => {
      const n = x.aesWrapBytes!(kw, core.put(data), data.length, outPtr);
      return n < 0 ? n : toHex(core.get(outPtr, n));
    };
    expect(wrapOf(hex("000102030405060708090a0b0c0d0e0f"))).toBe("757b45abbfb03a02a288b3d4880497ab819279b48b93c4fd");
    expect(wrapOf(hex("0001020304050607"))).toBe("de62787446b52a5d143edfc7f08959ba");
    expect(wrapOf(hex("202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"))).toBe(
      "254439be95919ef4c8e6a26b3ee165ef6137091cfa4d1f14be71f14a594f4d65b46d754a299f5270",
    );
    expect(wrapOf(new Uint8Array(7))).toBe(abi.ERR_BLOCK_SIZE);
    expect(wrapOf(new Uint8Array(0))).toBe(abi.ERR_BLOCK_SIZE);
    for (const keyLength of [16, 24, 32]) {
      const key = randomBytes(keyLength);
      const slot = aesKey(key, abi.KEY_AES_WRAP);
      const data = randomBytes(64);
      const cipher = createCipheriv(`id-aes${keyLength * 8}-wrap`, key, Buffer.alloc(8, 0xa6));
      const want = cipher.update(data);
      expect(x.aesWrapBytes!(slot, core.put(data), 64, outPtr)).toBe(72);
      expect(toHex(core.get(outPtr, 72))).toBe(want.toString("hex"));
      const session = importRaw(core, abi.KEY_HMAC_SHA256, ALL, data.subarray(0, 32));
      expect(x.aesWrapSlot!(slot, session, outPtr)).toBe(40);
      const back = x.aesUnwrapSlot!(slot, outPtr, 40, abi.KEY_HMAC_SHA256, ALL);
      expect(x.slotExport!(back, outPtr)).toBe(32);
      expect(toHex(core.get(outPtr, 32))).toBe(data.subarray(0, 32).toString("hex"));
      for (const s of [slot, session, back]) x.slotClear!(s);
    }
    const wrapped = hex("757b45abbfb03a02a288b3d4880497ab819279b48b93c4fd");
    expect(x.aesUnwrapBytes!(kw, core.put(wrapped), 24, outPtr)).toBe(16);
    for (let bit = 0; bit < 24 * 8; bit += 5) {
      const bad = wrapped.slice();
      bad[bit >> 3]! ^= 1 << (bit & 7);
      expect(x.aesUnwrapBytes!(kw, core.put(bad), 24, outPtr)).toBe(abi.ERR_UNWRAP);
      expect(core.get(outPtr, 16)).toEqual(new Uint8Array(16));
    }
    expect(x.aesUnwrapBytes!(kw, inPtr, 8, outPtr)).toBe(abi.ERR_UNWRAP);
    expect(x.aesUnwrapBytes!(kw, inPtr, 0, outPtr)).toBe(abi.ERR_UNWRAP);
    expect(x.aesUnwrapBytes!(kw, inPtr, 20, outPtr)).toBe(abi.ERR_BLOCK_SIZE);
    x.slotClear!(kw);
  });

  test("HKDF-SHA256 against node:crypto; session keys and the pre-shared wrapping key", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 64 }),
        fc.uint8Array({ maxLength: 100 }),
        fc.uint8Array({ maxLength: 300 }),
        fc.integer({ min: 1, max: 300 }),
        (ikm, salt, info, length) => {
          const secret = importRaw(core, abi.KEY_SECRET, ALL, ikm);
          const saltPtr = core.put(salt);
          const infoPtr = core.put(info, 512);
          expect(x.hkdfSha256!(secret, saltPtr, salt.length, infoPtr, info.length, outPtr, length)).toBe(length);
          const want = Buffer.from(hkdfSync("sha256", ikm, salt, info, length)).toString("hex");
          expect(toHex(core.get(outPtr, length))).toBe(want);
          x.slotClear!(secret);
        },
      ),
      { numRuns: 60 },
    );
    const enc = aesKey(hex("00112233445566778899aabbccddeeff"));
    const macKey = hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    const mac = importRaw(core, abi.KEY_HMAC_SHA256, abi.USE_SIGN, macKey);
    const kw = x.deriveWrapSlot!(enc, mac, ALL);
    expect(x.slotExport!(kw, outPtr)).toBe(16);
    expect(toHex(core.get(outPtr, 16))).toBe("99e4f55830879532b753662151ac1ae9");
    for (const s of [enc, mac, kw]) x.slotClear!(s);
  });

  test("X25519: RFC 7748 values and the iterated one", () => {
    const agree = (k: Uint8Array, u: Uint8Array) => {
      const slot = importRaw(core, abi.KEY_X25519, ALL, k);
      const secret = x.x25519Agree!(slot, core.put(u), ALL);
      x.slotClear!(slot);
      if (secret < 0) return secret;
      x.slotExport!(secret, outPtr);
      x.slotClear!(secret);
      return toHex(core.get(outPtr, 32));
    };
    expect(
      agree(
        hex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
        hex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"),
      ),
    ).toBe("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
    let k = hex(`09${"00".repeat(31)}`);
    let u = k;
    for (let i = 0; i < 1000; i++) {
      const next = hex(agree(k, u) as string);
      u = k;
      k = next;
    }
    expect(toHex(k)).toBe("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
  });

  test("X25519 against node:crypto on random and extreme public values; low orders refused", () => {
    for (let i = 0; i < 100; i++) {
      const slot = x.x25519Generate!(ALL, outPtr);
      core.refill();
      const ours = core.get(outPtr, 32);
      x.slotExport!(slot, outPtr);
      const priv = createPrivateKey({
        key: Buffer.concat([Buffer.from("302e020100300506032b656e04220420", "hex"), core.get(outPtr, 32)]),
        format: "der",
        type: "pkcs8",
      });
      expect(toHex(ours)).toBe(
        createPublicKey(priv).export({ format: "der", type: "spki" }).subarray(12).toString("hex"),
      );
      const peer = randomBytes(32);
      if (i % 3 === 0) peer.fill(0xff, 1, 31);
      if (i % 7 === 0) peer[31] = 0x7f;
      // p - 1, p and p + 1 are low-order: refused by both sides, and tested below.
      peer[0]! &= 0x7f;
      const pub = createPublicKey({
        key: Buffer.concat([Buffer.from("302a300506032b656e032100", "hex"), peer]),
        format: "der",
        type: "spki",
      });
      const want = diffieHellman({ privateKey: priv, publicKey: pub }).toString("hex");
      const secret = x.x25519Agree!(slot, core.put(peer), ALL);
      x.slotExport!(secret, outPtr);
      expect(toHex(core.get(outPtr, 32))).toBe(want);
      x.slotClear!(secret);
      x.slotClear!(slot);
    }
    const slot = importRaw(core, abi.KEY_X25519, ALL, randomBytes(32));
    for (const low of [
      "00".repeat(32),
      `01${"00".repeat(31)}`,
      "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
      "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
      `ec${"ff".repeat(30)}7f`,
      `ed${"ff".repeat(30)}7f`,
      `ee${"ff".repeat(30)}7f`,
      `ed${"ff".repeat(31)}`,
    ]) {
      expect(x.x25519Agree!(slot, core.put(hex(low)), ALL)).toBe(abi.ERR_PUBLIC_KEY);
    }
    x.slotClear!(slot);
  });

  test("CBC decryption agrees with node:crypto on block counts around the parallel width", () => {
    const key = randomBytes(32);
    const slot = aesKey(key);
    for (let blocks = 1; blocks <= 20; blocks++) {
      const iv = randomBytes(16);
      const data = randomBytes(blocks * 16);
      const want = createDecipheriv("aes-256-cbc", key, iv).setAutoPadding(false).update(data);
      core.put(iv);
      x.aesCbcDecryptBlocks!(slot, inPtr, core.put(data, 16), data.length, outPtr);
      expect(toHex(core.get(outPtr, data.length))).toBe(want.toString("hex"));
    }
    x.slotClear!(slot);
  });
});
