// AES in CBC, GCM and CMAC against node:crypto and published answers, on every build: keys of all sizes, lengths,
// alignments, areas that overlap, splits, wiping, hostile arguments.

import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as abi from "../../../src/core/abi.ts";
import { BUILDS, importRaw, loadRaw, type RawCore } from "./raw-core.ts";

const hex = (s: string) => new Uint8Array(Buffer.from(s, "hex"));
const toHex = (b: Uint8Array) => Buffer.from(b).toString("hex");
const ALL = 255;
const keySizes = fc.constantFrom(16, 24, 32);

/** AES-CMAC by SP 800-38B §6.2, on node:crypto's CBC. */
function cmac(key: Uint8Array, message: Uint8Array): Buffer {
  const bits = key.length * 8;
  const cbc = (data: Uint8Array) => {
    const cipher = createCipheriv(`aes-${bits}-cbc`, key, Buffer.alloc(16)).setAutoPadding(false);
    return Buffer.concat([cipher.update(data), cipher.final()]).subarray(-16);
  };
  const double = (x: bigint) => ((x << 1n) & ((1n << 128n) - 1n)) ^ (x >> 127n ? 0x87n : 0n);
  let subkey = double(BigInt(`0x${toHex(cbc(Buffer.alloc(16)))}`));
  const isWhole = message.length > 0 && message.length % 16 === 0;
  if (!isWhole) subkey = double(subkey);
  const fill = isWhole ? 0 : 16 - (message.length % 16);
  const padded = Buffer.concat([message, Buffer.from([0x80]), Buffer.alloc(15)]).subarray(0, message.length + fill);
  const last = BigInt(`0x${toHex(padded.subarray(-16))}`) ^ subkey;
  padded.set(Buffer.from(last.toString(16).padStart(32, "0"), "hex"), padded.length - 16);
  return cbc(padded);
}

function gcm(key: Uint8Array, iv: Uint8Array, aad: Uint8Array, message: Uint8Array): Buffer {
  const cipher = createCipheriv(`aes-${key.length * 8}-gcm` as "aes-128-gcm", key, iv).setAAD(aad);
  return Buffer.concat([cipher.update(message), cipher.final(), cipher.getAuthTag()]);
}

/** Bytes outside the stages that a call has left changed. */
function changed(core: RawCore, before: Uint8Array): number[] {
  const places: number[] = [];
  for (let i = 0; i < core.memory.length; i++) {
    const inStage = i >= core.inPtr && i < core.inPtr + 2 * abi.STAGE_SIZE;
    if (!inStage && core.memory[i] !== before[i]) places.push(i);
  }
  return places;
}

describe.each(BUILDS)("%s", (build) => {
  const core = loadRaw(build);
  const { x, inPtr, outPtr } = core;
  const runs = build === "js" ? 40 : 120;

  test("CBC on whole blocks: the result may lie in the input's place or anywhere before it, in pieces", () => {
    fc.assert(
      fc.property(
        keySizes,
        fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 4 }),
        fc.integer({ min: 0, max: 100 }),
        fc.integer({ min: 0, max: 7 }),
        (keySize, pieces, back, shift) => {
          const [key, iv] = [randomBytes(keySize), randomBytes(16)];
          const slot = importRaw(core, abi.KEY_AES, ALL, key);
          const plain = randomBytes(pieces.reduce((sum, n) => sum + n * 16, 0));
          const cipher = createCipheriv(`aes-${keySize * 8}-cbc`, key, iv).setAutoPadding(false);
          const want = Buffer.concat([cipher.update(plain), cipher.final()]);
          const ivPtr = core.put(iv, 3);
          const from = inPtr + 200 + shift;
          const to = from - back;
          core.memory.set(plain, from);
          let at = 0;
          for (const n of pieces) {
            expect(x.aesCbcEncryptBlocks!(slot, ivPtr, from + at, n * 16, to + at)).toBe(abi.OK);
            at += n * 16;
          }
          expect(toHex(core.get(to, at))).toBe(toHex(want));
          core.put(iv, 3);
          core.memory.set(want, from);
          at = 0;
          for (const n of pieces) {
            expect(x.aesCbcDecryptBlocks!(slot, ivPtr, from + at, n * 16, to + at)).toBe(abi.OK);
            at += n * 16;
          }
          expect(toHex(core.get(to, at))).toBe(toHex(plain));
          x.slotClear!(slot);
        },
      ),
      { numRuns: runs },
    );
  });

  test("CBC of 64 KiB in pieces of 32 KiB", () => {
    const [key, iv, plain] = [randomBytes(32), randomBytes(16), randomBytes(65536)];
    const slot = importRaw(core, abi.KEY_AES, ALL, key);
    const decipher = createDecipheriv("aes-256-cbc", key, iv).setAutoPadding(false);
    core.put(iv);
    const sealed: Uint8Array[] = [];
    for (let at = 0; at < 65536; at += 32768) {
      core.put(plain.subarray(at, at + 32768), 16);
      x.aesCbcEncryptBlocks!(slot, inPtr, inPtr + 16, 32768, outPtr);
      sealed.push(core.get(outPtr, 32768));
    }
    expect(Buffer.compare(decipher.update(Buffer.concat(sealed)), plain)).toBe(0);
    core.put(iv);
    for (const [i, piece] of sealed.entries()) {
      core.put(piece, 16);
      x.aesCbcDecryptBlocks!(slot, inPtr, inPtr + 16, 32768, outPtr);
      expect(Buffer.compare(core.get(outPtr, 32768), plain.subarray(i * 32768, (i + 1) * 32768))).toBe(0);
    }
    x.slotClear!(slot);
  });

  test("GCM against node:crypto: every key size, lengths, in place and apart, any alignment", () => {
    fc.assert(
      fc.property(
        keySizes,
        fc.integer({ min: 0, max: 600 }),
        fc.integer({ min: 0, max: 70 }),
        fc.integer({ min: 0, max: 15 }),
        fc.boolean(),
        (keySize, length, aadLength, shift, inPlace) => {
          const [key, iv, aad, plain] = [keySize, 12, aadLength, length].map((n) => randomBytes(n)) as [
            Buffer,
            Buffer,
            Buffer,
            Buffer,
          ];
          const slot = importRaw(core, abi.KEY_AES, ALL, key);
          const ivPtr = core.put(iv, 1);
          const aadPtr = core.put(aad, 40 + shift);
          const from = core.put(plain, 200 + shift);
          const to = inPlace ? from : outPtr + shift;
          expect(x.aesGcmSeal!(slot, ivPtr, aadPtr, aadLength, from, length, to)).toBe(length + 16);
          const sealed = core.get(to, length + 16);
          expect(toHex(sealed)).toBe(toHex(gcm(key, iv, aad, plain)));
          core.memory.fill(0xee, outPtr, outPtr + 700);
          core.put(sealed, 200 + shift);
          expect(x.aesGcmOpen!(slot, ivPtr, aadPtr, aadLength, from, length + 16, to)).toBe(length);
          expect(toHex(core.get(to, length))).toBe(toHex(plain));
          // One bit anywhere is refused, and nothing is written.
          const bad = sealed.slice();
          const at = Math.floor(Math.random() * bad.length);
          bad[at]! ^= 1 << (at & 7);
          core.put(bad, 200 + shift);
          core.memory.fill(0xee, outPtr, outPtr + 700);
          expect(x.aesGcmOpen!(slot, ivPtr, aadPtr, aadLength, from, length + 16, to)).toBe(abi.ERR_BAD_TAG);
          expect(toHex(core.get(from, length + 16))).toBe(toHex(bad));
          expect(core.get(outPtr, 700).every((byte) => byte === 0xee)).toBe(true);
          x.slotClear!(slot);
        },
      ),
      { numRuns: runs },
    );
  });

  test("GCM of 40 000 bytes, the result over IV and additional data", () => {
    const [key, iv, aad, plain] = [randomBytes(16), randomBytes(12), randomBytes(100), randomBytes(40000)];
    const slot = importRaw(core, abi.KEY_AES, ALL, key);
    core.put(iv);
    core.put(aad, 12);
    core.put(plain, 112);
    expect(x.aesGcmSeal!(slot, inPtr, inPtr + 12, 100, inPtr + 112, 40000, inPtr)).toBe(40016);
    const sealed = core.get(inPtr, 40016);
    expect(Buffer.compare(sealed, gcm(key, iv, aad, plain))).toBe(0);
    core.put(iv);
    core.put(aad, 12);
    core.put(sealed, 112);
    expect(x.aesGcmOpen!(slot, inPtr, inPtr + 12, 100, inPtr + 112, 40016, inPtr)).toBe(40000);
    expect(Buffer.compare(core.get(inPtr, 40000), plain)).toBe(0);
    x.slotClear!(slot);
  });

  test("CMAC: the answers of RFC 4493", () => {
    const slot = importRaw(core, abi.KEY_CMAC, ALL, hex("2b7e151628aed2a6abf7158809cf4f3c"));
    const message = hex(
      "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51" +
        "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
    );
    const answers = {
      0: "bb1d6929e95937287fa37d129b756746",
      16: "070a16b46b4d4144f79bdd9dd04a287c",
      40: "dfa66747de9ae63030ca32611497c827",
      64: "51f0bebf7e3b9d92fc49741779363cfe",
    };
    for (const [length, answer] of Object.entries(answers)) {
      expect(x.cmacSign!(slot, core.put(message), Number(length), outPtr)).toBe(16);
      expect(toHex(core.get(outPtr, 16))).toBe(answer);
      expect(x.cmacVerify!(slot, inPtr, Number(length), outPtr, 16)).toBe(abi.OK);
      expect(x.cmacVerify!(slot, inPtr, Number(length), outPtr, 15)).toBe(abi.ERR_BAD_TAG);
      core.memory[outPtr + 9]! ^= 4;
      expect(x.cmacVerify!(slot, inPtr, Number(length), outPtr, 16)).toBe(abi.ERR_BAD_TAG);
    }
    x.slotClear!(slot);
  });

  test("CMAC in one call and in any split, every key size", () => {
    fc.assert(
      fc.property(keySizes, fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 5 }), (keySize, parts) => {
        const key = randomBytes(keySize);
        const slot = importRaw(core, abi.KEY_CMAC, ALL, key);
        const message = randomBytes(parts.reduce((sum, n) => sum + n, 0));
        const want = toHex(cmac(key, message));
        expect(x.cmacSign!(slot, core.put(message, 3), message.length, outPtr + 1)).toBe(16);
        expect(toHex(core.get(outPtr + 1, 16))).toBe(want);
        for (const usage of [abi.USE_SIGN, abi.USE_VERIFY]) {
          expect(x.cmacBegin!(slot, usage)).toBe(abi.OK);
          let at = 3;
          for (const n of parts) {
            expect(x.cmacUpdate!(inPtr + at, n)).toBe(abi.OK);
            at += n;
          }
          if (usage === abi.USE_SIGN) {
            expect(x.cmacEnd!(outPtr)).toBe(16);
            expect(toHex(core.get(outPtr, 16))).toBe(want);
          } else {
            expect(x.cmacEndVerify!(outPtr, 16)).toBe(abi.OK);
          }
        }
        x.slotClear!(slot);
      }),
      { numRuns: runs },
    );
  });

  test("a CMAC stream ends once, with the usage it began with, and not after its key is gone", () => {
    const slot = importRaw(core, abi.KEY_CMAC, ALL, randomBytes(16));
    expect(x.cmacUpdate!(inPtr, 1)).toBe(abi.ERR_ARGUMENT);
    expect(x.cmacBegin!(slot, ALL)).toBe(abi.ERR_ARGUMENT);
    expect(x.cmacBegin!(slot, abi.USE_SIGN)).toBe(abi.OK);
    expect(x.cmacEndVerify!(inPtr, 16)).toBe(abi.ERR_ARGUMENT);
    expect(x.cmacEnd!(outPtr)).toBe(abi.ERR_ARGUMENT);
    expect(x.cmacBegin!(slot, abi.USE_VERIFY)).toBe(abi.OK);
    expect(x.cmacEndVerify!(inPtr, 16)).toBe(abi.ERR_BAD_TAG);
    expect(x.cmacBegin!(slot, abi.USE_SIGN)).toBe(abi.OK);
    x.slotClear!(slot);
    expect(x.cmacUpdate!(inPtr, 1)).toBe(abi.ERR_SLOT);
    expect(x.cmacEnd!(outPtr)).toBe(abi.ERR_ARGUMENT);
  });

  test("types and usages are checked, and areas outside the stages refused", () => {
    const aes = importRaw(core, abi.KEY_AES, abi.USE_DECRYPT, randomBytes(16));
    const mac = importRaw(core, abi.KEY_CMAC, abi.USE_VERIFY, randomBytes(16));
    const end = inPtr + 2 * abi.STAGE_SIZE;
    expect(x.aesGcmSeal!(aes, inPtr, inPtr, 0, inPtr, 0, outPtr)).toBe(abi.ERR_USAGE);
    expect(x.aesGcmSeal!(mac, inPtr, inPtr, 0, inPtr, 0, outPtr)).toBe(abi.ERR_KEY_TYPE);
    expect(x.aesGcmOpen!(mac, inPtr, inPtr, 0, inPtr, 16, outPtr)).toBe(abi.ERR_KEY_TYPE);
    expect(x.aesGcmOpen!(31, inPtr, inPtr, 0, inPtr, 16, outPtr)).toBe(abi.ERR_SLOT);
    expect(x.aesGcmOpen!(aes, inPtr, inPtr, 0, inPtr, 15, outPtr)).toBe(abi.ERR_BAD_TAG);
    expect(x.cmacSign!(mac, inPtr, 0, outPtr)).toBe(abi.ERR_USAGE);
    expect(x.cmacVerify!(aes, inPtr, 0, outPtr, 16)).toBe(abi.ERR_KEY_TYPE);
    const hostile = [0, -1, inPtr - 1, end - 11, end, 0x7fffffff, -0x80000000];
    for (const ptr of hostile) {
      for (const call of [x.aesGcmSeal!, x.aesGcmOpen!]) {
        expect(call(aes, ptr, inPtr, 0, inPtr, 32, outPtr)).toBe(abi.ERR_ARGUMENT);
        expect(call(aes, inPtr, ptr, 64, inPtr, 32, outPtr)).toBe(abi.ERR_ARGUMENT);
        expect(call(aes, inPtr, inPtr, 0, ptr, 64, outPtr)).toBe(abi.ERR_ARGUMENT);
        expect(call(aes, inPtr, inPtr, 0, inPtr, 64, ptr)).toBe(abi.ERR_ARGUMENT);
        expect(call(aes, inPtr, inPtr, 0, inPtr, -1, outPtr)).toBe(abi.ERR_ARGUMENT);
        expect(call(aes, inPtr, inPtr, 0x7fffffff, inPtr, 64, outPtr)).toBe(abi.ERR_ARGUMENT);
        expect(call(aes, inPtr, inPtr, 0, inPtr, 0x7fffffff, outPtr)).toBe(abi.ERR_ARGUMENT);
        expect(call(aes, inPtr, inPtr, 0, inPtr + 16, 64, inPtr + 20)).toBe(abi.ERR_ARGUMENT);
      }
      expect(x.cmacVerify!(mac, ptr, 64, outPtr, 16)).toBe(abi.ERR_ARGUMENT);
      expect(x.cmacVerify!(mac, inPtr, 64, ptr, 16)).toBe(abi.ERR_ARGUMENT);
      expect(x.cmacVerify!(mac, inPtr, -5, outPtr, 16)).toBe(abi.ERR_ARGUMENT);
      expect(x.cmacSign!(mac, inPtr, 1, ptr)).toBe(abi.ERR_ARGUMENT);
    }
    x.slotClear!(aes);
    x.slotClear!(mac);
  });

  test("nothing but the result is left: round keys, hash keys, key stream and chains are wiped", () => {
    const key = randomBytes(32);
    const aes = importRaw(core, abi.KEY_AES, ALL, key);
    const wrap = importRaw(core, abi.KEY_AES_WRAP, ALL, key);
    const mac = importRaw(core, abi.KEY_CMAC, ALL, key);
    core.put(randomBytes(2000));
    const before = core.memory.slice();
    const calls: [string, () => number][] = [
      ["CBC seal", () => x.aesCbcEncrypt!(aes, inPtr, inPtr + 16, 1000, outPtr)],
      ["CBC blocks", () => x.aesCbcDecryptBlocks!(aes, inPtr, inPtr + 16, 992, outPtr)],
      ["CBC with bad padding", () => x.aesCbcDecrypt!(aes, inPtr, inPtr + 16, 992, outPtr)],
      ["GCM seal", () => x.aesGcmSeal!(aes, inPtr, inPtr + 12, 33, inPtr + 50, 999, outPtr)],
      ["GCM open", () => x.aesGcmOpen!(aes, inPtr, inPtr + 12, 33, outPtr, 1015, outPtr)],
      ["GCM with a bad tag", () => x.aesGcmOpen!(aes, inPtr, inPtr + 12, 33, outPtr, 1015, outPtr)],
      ["CMAC", () => x.cmacSign!(mac, inPtr, 999, outPtr)],
      ["CMAC with a bad tag", () => x.cmacVerify!(mac, inPtr, 998, outPtr, 16)],
      ["wrap", () => x.aesWrapBytes!(wrap, inPtr, 64, outPtr)],
      ["unwrap", () => x.aesUnwrapBytes!(wrap, outPtr, 72, outPtr + 100)],
      ["unwrap of what was not wrapped", () => x.aesUnwrapBytes!(wrap, inPtr, 72, outPtr + 100)],
      ["expansion", () => x.slotClear!(importRaw(core, abi.KEY_AES, ALL, key))],
    ];
    for (const [name, call] of calls) {
      call();
      expect(changed(core, before), name).toEqual([]);
    }
    // The control: a stream that runs does hold its chain in memory, and its end takes it away.
    x.cmacBegin!(mac, abi.USE_SIGN);
    x.cmacUpdate!(inPtr, 100);
    expect(changed(core, before).length).toBeGreaterThan(16);
    x.cmacEnd!(outPtr);
    expect(changed(core, before)).toEqual([]);
    for (const slot of [aes, wrap, mac]) x.slotClear!(slot);
    core.memory.fill(0, inPtr, inPtr + 4000);
    expect(core.has(key)).toBe(false);
  });
});
