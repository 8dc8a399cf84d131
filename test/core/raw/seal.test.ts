// Sealed messages (iv ‖ AES-CBC ‖ HMAC-SHA256) against node:crypto on every build: lengths, keys, addresses, in place,
// streams, four at once; refusals; what is left in memory.

import { createCipheriv, createHmac, randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as abi from "../../../src/core/abi.ts";
import { BUILDS, importRaw, loadRaw } from "./raw-core.ts";
import { residue } from "./residue.ts";

const ALL = 255;
const STAGES = 2 * abi.STAGE_SIZE;
const KEY_SIZES = [16, 24, 32] as const;

function sealed(key: Uint8Array, macKey: Uint8Array, iv: Uint8Array, data: Uint8Array): Buffer {
  const cipher = createCipheriv(`aes-${key.length * 8}-cbc`, key, iv);
  const body = Buffer.concat([iv, cipher.update(data), cipher.final()]);
  return Buffer.concat([body, createHmac("sha256", macKey).update(body).digest()]);
}

describe.each(BUILDS)("%s", (build) => {
  const core = loadRaw(build);
  const { x, inPtr } = core;
  const slow = build === "js";

  /** Keys in slots for the time of `use`. */
  function withKeys<T>(key: Uint8Array, macKey: Uint8Array, use: (enc: number, mac: number) => T): T {
    const enc = importRaw(core, abi.KEY_AES, ALL, key);
    const mac = importRaw(core, abi.KEY_HMAC_SHA256, ALL, macKey);
    try {
      return use(enc, mac);
    } finally {
      x.slotClear!(enc);
      x.slotClear!(mac);
    }
  }

  const keys = fc.record({
    key: fc.constantFrom(...KEY_SIZES).chain((n) => fc.uint8Array({ minLength: n, maxLength: n })),
    macKey: fc.uint8Array({ minLength: 1, maxLength: 64 }),
    iv: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  });

  test("every length to 400 seals to node's bytes, from one stage to the other and in place, and opens again", () => {
    for (const size of KEY_SIZES) {
      const [key, macKey, iv] = [randomBytes(size), randomBytes(32), randomBytes(16)];
      withKeys(key, macKey, (enc, mac) => {
        for (let n = 0; n <= 400; n += slow ? 7 : 1) {
          const data = randomBytes(n);
          const expected = sealed(key, macKey, iv, data);
          for (const [ptr, out] of [
            [3, abi.STAGE_SIZE + 1],
            [16, 0],
            [29, 4],
          ] as const) {
            const length = x.sealCbcHmac!(enc, mac, core.put(iv, 80000), core.put(data, ptr), n, inPtr + out);
            expect(length).toBe(expected.length);
            expect(expected.equals(core.get(inPtr + out, length))).toBe(true);
          }
          for (const [ptr, out] of [
            [5, abi.STAGE_SIZE + 2],
            [16, 16],
            [0, 16],
            [100, 7],
          ] as const) {
            expect(x.openCbcHmac!(enc, mac, core.put(expected, ptr), expected.length, inPtr + out)).toBe(n);
            expect(data.equals(core.get(inPtr + out, n))).toBe(true);
          }
        }
      });
    }
  });

  test("lengths to 64 KiB seal in place to node's bytes", () => {
    fc.assert(
      fc.property(keys, fc.nat({ max: 65536 }), ({ key, macKey, iv }, n) => {
        const data = randomBytes(n);
        const expected = sealed(key, macKey, iv, data);
        withKeys(key, macKey, (enc, mac) => {
          const at = core.put(data, 16);
          expect(x.sealCbcHmac!(enc, mac, core.put(iv, 80000), at, n, inPtr)).toBe(expected.length);
          expect(expected.equals(core.get(inPtr, expected.length))).toBe(true);
          expect(x.openCbcHmac!(enc, mac, inPtr, expected.length, inPtr)).toBe(n);
          expect(data.equals(core.get(inPtr, n))).toBe(true);
        });
      }),
      { numRuns: slow ? 5 : 30 },
    );
  });

  test("a stream gives the bytes of one call, for any cut at multiples of 64 and any place", () => {
    const steps = fc.array(fc.nat({ max: 24 }), { maxLength: 6 });
    fc.assert(
      fc.property(keys, steps, fc.nat({ max: 200 }), fc.nat({ max: 9 }), ({ key, macKey, iv }, cuts, rest, shift) => {
        const parts = [...cuts.map((n) => randomBytes(64 * n)), randomBytes(rest)];
        const expected = sealed(key, macKey, iv, Buffer.concat(parts));
        withKeys(key, macKey, (enc, mac) => {
          expect(x.sealStreamBegin!(enc, mac, core.put(iv))).toBe(abi.OK);
          const written = parts.map((part, i) => {
            const at = core.put(part, 9);
            const step = i < cuts.length ? x.sealStreamBlocks! : x.sealStreamEnd!;
            const length = step(at, part.length, at - shift);
            expect(length).toBeGreaterThanOrEqual(0);
            return core.get(at - shift, length);
          });
          expect(Buffer.concat([iv, ...written]).equals(expected)).toBe(true);
          expect(x.sealStreamEnd!(inPtr, 0, inPtr)).toBe(abi.ERR_ARGUMENT);
        });
      }),
      { numRuns: slow ? 15 : 80 },
    );
  });

  test("four messages of one length seal to what each seals to alone", () => {
    for (const size of KEY_SIZES) {
      const [key, macKey] = [randomBytes(size), randomBytes(20)];
      withKeys(key, macKey, (enc, mac) => {
        for (const n of [...Array(slow ? 20 : 150).keys(), 1000, 1024, 4096, 10000]) {
          const ivs = randomBytes(64);
          const data = randomBytes(4 * n);
          const out = inPtr + 42001;
          const length = x.seal4CbcHmac!(enc, mac, core.put(ivs, 1), core.put(data, 71), n, out);
          for (let i = 0; i < 4; i++) {
            const part = (all: Buffer, by: number) => all.subarray(i * by, (i + 1) * by);
            const expected = sealed(key, macKey, part(ivs, 16), part(data, n));
            expect(expected.equals(core.get(out + i * length, length))).toBe(true);
          }
        }
      });
    }
  });

  test("whatever was changed is refused before anything is decrypted; wrong padding behind a right tag leaves nothing", () => {
    const [key, macKey, iv] = [randomBytes(16), randomBytes(32), randomBytes(16)];
    withKeys(key, macKey, (enc, mac) => {
      const message = sealed(key, macKey, iv, randomBytes(70));
      const out = core.outPtr;
      for (let i = 0; i < message.length; i++) {
        const bad = Buffer.from(message);
        bad[i]! ^= 1 << (i & 7);
        core.memory.fill(0x5a, out, out + message.length);
        expect(x.openCbcHmac!(enc, mac, core.put(bad), bad.length, out)).toBe(abi.ERR_BAD_TAG);
        expect(core.get(out, bad.length).every((b) => b === 0x5a)).toBe(true);
      }
      for (let n = 0; n < 48; n++) expect(x.openCbcHmac!(enc, mac, core.put(message), n, out)).toBe(abi.ERR_BAD_TAG);
      const withTag = (body: Uint8Array) => Buffer.concat([body, createHmac("sha256", macKey).update(body).digest()]);
      const open = (m: Uint8Array) => x.openCbcHmac!(enc, mac, core.put(m), m.length, out);
      expect(open(withTag(iv))).toBe(abi.ERR_BLOCK_SIZE);
      expect(open(withTag(randomBytes(16 + 17)))).toBe(abi.ERR_BLOCK_SIZE);
      for (const end of [0, 17, 0x0202_03, 255]) {
        const plain = randomBytes(32);
        plain.writeUIntBE(end, 29, 3);
        const cipher = createCipheriv("aes-128-cbc", key, iv).setAutoPadding(false);
        expect(open(withTag(Buffer.concat([iv, cipher.update(plain), cipher.final()])))).toBe(abi.ERR_BAD_PADDING);
        expect(core.has(plain.subarray(0, 16))).toBe(false);
      }
    });
  });

  test("keys of other types and usages, areas that meet or leave the stages, and steps of no stream are refused", () => {
    const aes = importRaw(core, abi.KEY_AES, abi.USE_ENCRYPT, randomBytes(16));
    const reader = importRaw(core, abi.KEY_AES, abi.USE_DECRYPT, randomBytes(16));
    const mac = importRaw(core, abi.KEY_HMAC_SHA256, abi.USE_SIGN, randomBytes(32));
    const checker = importRaw(core, abi.KEY_HMAC_SHA256, abi.USE_VERIFY, randomBytes(32));
    const out = core.outPtr;
    const calls = (enc: number, tag: number) => [
      x.sealCbcHmac!(enc, tag, inPtr, inPtr + 16, 20, out),
      x.seal4CbcHmac!(enc, tag, inPtr, inPtr + 64, 20, out),
      x.sealStreamBegin!(enc, tag, inPtr),
    ];
    for (const status of calls(reader, mac)) expect(status).toBe(abi.ERR_USAGE);
    for (const status of calls(aes, checker)) expect(status).toBe(abi.ERR_USAGE);
    for (const status of calls(mac, mac)) expect(status).toBe(abi.ERR_KEY_TYPE);
    for (const status of calls(aes, 31)) expect(status).toBe(abi.ERR_SLOT);
    expect(x.openCbcHmac!(aes, checker, inPtr, 96, out)).toBe(abi.ERR_USAGE);
    expect(x.openCbcHmac!(reader, mac, inPtr, 96, out)).toBe(abi.ERR_USAGE);
    const bad = [-1, -(2 ** 31), 2 ** 31 - 1, STAGES + 1];
    for (const n of bad) {
      expect(x.sealCbcHmac!(aes, mac, inPtr, inPtr, n, out)).toBe(abi.ERR_ARGUMENT);
      expect(x.seal4CbcHmac!(aes, mac, inPtr, inPtr, n, out)).toBe(abi.ERR_ARGUMENT);
      expect(x.openCbcHmac!(reader, checker, inPtr, n, out)).toBe(abi.ERR_ARGUMENT);
      expect(x.sealStreamBlocks!(inPtr, n, out)).toBe(abi.ERR_ARGUMENT);
      expect(x.sealStreamEnd!(inPtr, n, out)).toBe(abi.ERR_ARGUMENT);
    }
    for (const p of [0, inPtr - 1, inPtr + STAGES - 10, -1, 2 ** 31 - 1]) {
      expect(x.sealCbcHmac!(aes, mac, p, inPtr + 16, 20, out)).toBe(abi.ERR_ARGUMENT);
      expect(x.sealCbcHmac!(aes, mac, inPtr, p, 20, out)).toBe(abi.ERR_ARGUMENT);
      expect(x.sealCbcHmac!(aes, mac, inPtr, inPtr + 16, 20, p)).toBe(abi.ERR_ARGUMENT);
      expect(x.openCbcHmac!(reader, checker, p, 96, out)).toBe(abi.ERR_ARGUMENT);
      expect(x.openCbcHmac!(reader, checker, inPtr, 96, p)).toBe(abi.ERR_ARGUMENT);
      expect(x.seal4CbcHmac!(aes, mac, inPtr, inPtr + 64, 20, p)).toBe(abi.ERR_ARGUMENT);
      expect(x.sealStreamBegin!(aes, mac, p)).toBe(abi.ERR_ARGUMENT);
    }
    // Ciphertext that would overtake its plaintext.
    for (const shift of [-15, 0, 1, 19]) {
      expect(x.sealCbcHmac!(aes, mac, inPtr, inPtr + 100, 20, inPtr + 100 + shift)).toBe(abi.ERR_ARGUMENT);
    }
    expect(x.openCbcHmac!(reader, checker, inPtr, 96, inPtr + 17)).toBe(abi.ERR_ARGUMENT);
    expect(x.seal4CbcHmac!(aes, mac, inPtr, inPtr + 64, 20, inPtr + 143)).toBe(abi.ERR_ARGUMENT);
    expect(x.sealStreamBlocks!(inPtr, 64, out)).toBe(abi.ERR_ARGUMENT);
    expect(x.sealStreamBegin!(aes, mac, inPtr)).toBe(abi.OK);
    expect(x.sealStreamBlocks!(inPtr, 63, out)).toBe(abi.ERR_BLOCK_SIZE);
    expect(x.sealStreamBlocks!(inPtr, 64, inPtr + 1)).toBe(abi.ERR_ARGUMENT);
    x.slotClear!(aes);
    expect(x.sealStreamBlocks!(inPtr, 64, out)).toBe(abi.ERR_SLOT);
    expect(x.sealStreamDrop!()).toBe(abi.OK);
    for (const slot of [reader, mac, checker]) x.slotClear!(slot);
  });

  test("nothing is left outside the stages, nor of a stream that is dropped or ends", () => {
    const used = loadRaw(build);
    const fresh = loadRaw(build);
    const enc = importRaw(used, abi.KEY_AES, ALL, randomBytes(32));
    const mac = importRaw(used, abi.KEY_HMAC_SHA256, ALL, randomBytes(32));
    const y = used.x;
    const iv = used.inPtr + 80000;
    for (const n of [0, 64, 300, 5000]) {
      expect(y.sealCbcHmac!(enc, mac, iv, used.inPtr + 16, n, used.inPtr)).toBeGreaterThan(0);
      expect(y.openCbcHmac!(enc, mac, used.inPtr, 48 + ((n & ~15) + 16), used.outPtr)).toBe(n);
      y.openCbcHmac!(enc, mac, used.inPtr + 1, 64, used.outPtr);
      expect(y.seal4CbcHmac!(enc, mac, iv, used.inPtr, n, used.inPtr + 40000)).toBeGreaterThan(0);
      expect(y.sealStreamBegin!(enc, mac, iv)).toBe(abi.OK);
      expect(y.sealStreamBlocks!(used.inPtr, n & ~63, used.outPtr)).toBe(n & ~63);
      // The control: a stream that runs does keep its state.
      expect(residue(used, fresh)).toBeGreaterThan(0);
      if ((n & 64) === 0) y.sealStreamDrop!();
      else y.sealStreamEnd!(used.inPtr, 10, used.outPtr);
    }
    y.slotClear!(enc);
    y.slotClear!(mac);
    expect(residue(used, fresh)).toBe(0);
  });
});
