// HMAC-SHA256, HMAC-SHA384 and HMAC-SHA512 against node:crypto, on every build: keys, lengths, splits, aliasing, slots.

import { createHmac, randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as abi from "../../../src/core/abi.ts";
import { BUILDS, importRaw, loadRaw } from "./raw-core.ts";
import { residue } from "./residue.ts";

const ALL = 255;
const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

const MACS = [
  { name: "Sha256", hash: "sha256", length: 32, type: abi.KEY_HMAC_SHA256, longest: 300 },
  { name: "Sha384", hash: "sha384", length: 48, type: abi.KEY_HMAC_SHA384, longest: 128 },
  { name: "Sha512", hash: "sha512", length: 64, type: abi.KEY_HMAC_SHA512, longest: 128 },
] as const;

describe.each(BUILDS)("%s", (build) => {
  const core = loadRaw(build);
  const { x, inPtr, outPtr } = core;
  const runs = build === "js" ? 50 : 150;

  describe.each(MACS)("HMAC-$name", ({ name, hash, length, type, longest }) => {
    const sign = x[`hmac${name}Sign`]!;
    const verify = x[`hmac${name}Verify`]!;
    const begin = x[`hmac${name}Begin`]!;
    const update = x[`hmac${name}Update`]!;
    const end = x[`hmac${name}End`]!;
    const endVerify = x[`hmac${name}EndVerify`]!;
    // A hashed key cannot be exported.
    const usage = abi.USE_SIGN | abi.USE_VERIFY;
    const importKey = (key: Uint8Array) => importRaw(core, type, usage, key);

    test("tags of keys of every length, and no other tag verifies", () => {
      for (let n = 1; n <= longest; n++) {
        const key = randomBytes(n);
        const data = randomBytes((n * 5) % 301);
        const slot = importKey(key);
        const want = createHmac(hash, key).update(data).digest();
        expect(sign(slot, core.put(data), data.length, outPtr)).toBe(length);
        expect(toHex(core.get(outPtr, length))).toBe(want.toString("hex"));
        expect(verify(slot, inPtr, data.length, outPtr, length)).toBe(abi.OK);
        expect(verify(slot, inPtr, data.length, outPtr, length - 1)).toBe(abi.ERR_BAD_TAG);
        expect(verify(slot, inPtr, data.length, outPtr, length + 1)).toBe(abi.ERR_BAD_TAG);
        expect(verify(slot, inPtr, data.length, outPtr, 0)).toBe(abi.ERR_BAD_TAG);
        core.memory[outPtr + (n % length)]! ^= 1 << (n % 8);
        expect(verify(slot, inPtr, data.length, outPtr, length)).toBe(abi.ERR_BAD_TAG);
        x.slotClear!(slot);
      }
      for (const n of [0, ...(longest < 300 ? [longest + 1] : [])]) {
        expect(x.slotImport!(type, usage, inPtr, n)).toBe(abi.ERR_ARGUMENT);
      }
    });

    test("lengths to 64 KiB at any alignment, the tag over the message", () => {
      const slot = importKey(Buffer.alloc(40, 7));
      const size = fc.oneof(fc.nat(600), fc.nat(65536));
      fc.assert(
        fc.property(size, fc.nat(15), fc.nat(15), fc.constantFrom("apart", "head", "tail"), (n, shift, skew, where) => {
          const data = randomBytes(n);
          const ptr = core.put(data, 32 + shift);
          const out = where === "apart" ? inPtr + 80000 + skew : where === "head" ? ptr - skew : ptr + n - skew;
          expect(sign(slot, ptr, n, out)).toBe(length);
          expect(toHex(core.get(out, length))).toBe(createHmac(hash, Buffer.alloc(40, 7)).update(data).digest("hex"));
        }),
        { numRuns: runs },
      );
      x.slotClear!(slot);
    });

    test("any split gives the tag of the whole, signed and verified", () => {
      const key = randomBytes(64);
      const slot = importKey(key);
      fc.assert(
        fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }), fc.nat(7), (parts, shift) => {
          const want = createHmac(hash, key).update(Buffer.concat(parts)).digest();
          const feed = () => {
            for (const p of parts) expect(update(core.put(p, shift), p.length)).toBe(abi.OK);
          };
          expect(begin(slot, abi.USE_SIGN)).toBe(abi.OK);
          feed();
          expect(end(outPtr + shift)).toBe(length);
          expect(toHex(core.get(outPtr + shift, length))).toBe(want.toString("hex"));
          expect(begin(slot, abi.USE_VERIFY)).toBe(abi.OK);
          feed();
          expect(endVerify(outPtr + shift, length)).toBe(abi.OK);
          core.memory[outPtr + shift + parts.length]! ^= 0x80;
          begin(slot, abi.USE_VERIFY);
          feed();
          expect(endVerify(outPtr + shift, length)).toBe(abi.ERR_BAD_TAG);
          expect(endVerify(outPtr + shift, length)).toBe(abi.ERR_ARGUMENT);
        }),
        { numRuns: runs / 2 },
      );
      x.slotClear!(slot);
    });

    test("type and usage of the slot and the areas are checked", () => {
      const other = importRaw(core, abi.KEY_SECRET, ALL, randomBytes(32));
      const signer = importRaw(core, type, abi.USE_SIGN, randomBytes(32));
      const verifier = importRaw(core, type, abi.USE_VERIFY, randomBytes(32));
      expect(sign(other, inPtr, 1, outPtr)).toBe(abi.ERR_KEY_TYPE);
      expect(sign(verifier, inPtr, 1, outPtr)).toBe(abi.ERR_USAGE);
      expect(sign(99, inPtr, 1, outPtr)).toBe(abi.ERR_SLOT);
      expect(verify(signer, inPtr, 1, outPtr, length)).toBe(abi.ERR_USAGE);
      expect(begin(verifier, abi.USE_SIGN)).toBe(abi.ERR_USAGE);
      expect(begin(signer, abi.USE_SIGN | abi.USE_VERIFY)).toBe(abi.ERR_ARGUMENT);
      expect(update(inPtr, 1)).toBe(abi.ERR_ARGUMENT);
      const edge = inPtr + 2 * abi.STAGE_SIZE;
      expect(sign(signer, inPtr - 1, 1, outPtr)).toBe(abi.ERR_ARGUMENT);
      expect(sign(signer, inPtr, 1, edge - length + 1)).toBe(abi.ERR_ARGUMENT);
      expect(verify(verifier, inPtr, -1, outPtr, length)).toBe(abi.ERR_ARGUMENT);
      expect(verify(verifier, inPtr, 1, edge, 1)).toBe(abi.ERR_ARGUMENT);
      expect(begin(signer, abi.USE_SIGN)).toBe(abi.OK);
      expect(endVerify(outPtr, length)).toBe(abi.ERR_ARGUMENT);
      expect(begin(signer, abi.USE_SIGN)).toBe(abi.OK);
      x.slotClear!(signer);
      expect(end(outPtr)).toBe(abi.ERR_SLOT);
      for (const slot of [other, verifier]) x.slotClear!(slot);
    });

    test("a key used, evicted and restored gives the same tags; another key in its slot gives its own", () => {
      const tag = (slot: number) => {
        expect(sign(slot, core.put(Buffer.from("message")), 7, outPtr)).toBe(length);
        return toHex(core.get(outPtr, length));
      };
      const of = (key: Uint8Array) => createHmac(hash, key).update("message").digest("hex");
      const key = randomBytes(longest < 300 ? 128 : 64);
      const slot = importKey(key);
      expect(tag(slot)).toBe(of(key));
      core.refill();
      const sealed = x.slotEvict!(slot, outPtr);
      const blob = core.get(outPtr, sealed);
      const second = randomBytes(20);
      const again = importKey(second);
      expect(again).toBe(slot);
      expect(tag(again)).toBe(of(second));
      const back = x.slotRestore!(core.put(blob), sealed);
      expect(tag(back)).toBe(of(key));
      for (const one of [again, back]) x.slotClear!(one);
    });

    test("nothing stays in memory, refusals and given-up streams included, once the slots are cleared", () => {
      const own = loadRaw(build);
      const fresh = loadRaw(build);
      const slot = importRaw(own, type, ALL, randomBytes(32));
      own.put(randomBytes(600));
      own.x[`hmac${name}Sign`]!(slot, inPtr, 500, outPtr);
      own.x[`hmac${name}Verify`]!(slot, inPtr, 500, outPtr, length - 1);
      own.x[`hmac${name}Verify`]!(slot, inPtr, 501, outPtr, length);
      own.x[`hmac${name}Begin`]!(slot, abi.USE_VERIFY);
      own.x[`hmac${name}Update`]!(inPtr, 500);
      own.x[`hmac${name}EndVerify`]!(outPtr, 7);
      own.x[`hmac${name}Begin`]!(slot, abi.USE_SIGN);
      own.x[`hmac${name}Update`]!(inPtr, 500);
      const during = residue(own, fresh);
      own.x[`hmac${name}EndVerify`]!(outPtr, length);
      const closed = residue(own, fresh);
      own.x[`hmac${name}Begin`]!(slot, abi.USE_SIGN);
      own.x[`hmac${name}Begin`]!(-1, abi.USE_SIGN);
      expect(residue(own, fresh)).toBe(closed);
      expect(during).toBeGreaterThan(closed + 40);
      own.x.slotsClear!();
      expect(residue(own, fresh)).toBe(0);
    });
  });
});
