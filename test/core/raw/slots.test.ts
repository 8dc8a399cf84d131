// Key slots, entropy, sealing, wiping, and every export under hostile arguments, on every build.

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as abi from "../../../src/core/abi.ts";
import { BUILDS_AND_SMALL, importRaw, loadRaw, wasmPath } from "./raw-core.ts";

const ALL = 255;

describe.each(BUILDS_AND_SMALL)("%s", (build) => {
  test("type and usage bits are checked on every use", () => {
    const core = loadRaw(build);
    const { x, inPtr, outPtr } = core;
    const aes = importRaw(core, abi.KEY_AES, abi.USE_ENCRYPT, randomBytes(16));
    expect(x.aesCbcEncrypt!(aes, inPtr, inPtr + 16, 5, outPtr)).toBe(16);
    expect(x.aesCbcDecrypt!(aes, inPtr, inPtr + 16, 16, outPtr)).toBe(abi.ERR_USAGE);
    expect(x.hmacSha256Sign!(aes, inPtr, 5, outPtr)).toBe(abi.ERR_KEY_TYPE);
    expect(x.slotExport!(aes, outPtr)).toBe(abi.ERR_USAGE);
    expect(x.aesWrapBytes!(aes, inPtr, 16, outPtr)).toBe(abi.ERR_KEY_TYPE);
    const kw = importRaw(core, abi.KEY_AES_WRAP, abi.USE_WRAP, randomBytes(16));
    expect(x.aesWrapSlot!(kw, aes, outPtr)).toBe(abi.ERR_USAGE);
    expect(x.aesUnwrapBytes!(kw, inPtr, 24, outPtr)).toBe(abi.ERR_USAGE);
    for (const slot of [-1, abi.SLOT_COUNT + abi.BIG_SLOT_COUNT, 99, 2 ** 31 - 1])
      expect(x.hmacSha256Sign!(slot, inPtr, 5, outPtr)).toBe(abi.ERR_SLOT);
    x.slotClear!(aes);
    expect(x.aesCbcEncrypt!(aes, inPtr, inPtr + 16, 5, outPtr)).toBe(abi.ERR_SLOT);
  });

  test("lengths that a type does not take are refused, and the source is wiped all the same", () => {
    const core = loadRaw(build);
    const cases: [number, number[]][] = [
      [abi.KEY_AES, [0, 15, 17, 33]],
      [abi.KEY_AES_WRAP, [0, 8, 31]],
      [abi.KEY_X25519, [31, 33]],
      [abi.KEY_SECRET, [0, 129]],
      [abi.KEY_HMAC_SHA256, [0]],
      [99, [16]],
      [0, [16]],
    ];
    for (const [type, lengths] of cases) {
      for (const length of lengths) {
        const key = randomBytes(length);
        expect(core.x.slotImport!(type, 1, core.put(key), length)).toBe(abi.ERR_ARGUMENT);
        if (length > 8) expect(core.has(key)).toBe(false);
      }
    }
    expect(core.x.slotImport!(abi.KEY_AES, 256, core.put(randomBytes(16)), 16)).toBe(abi.ERR_ARGUMENT);
  });

  test("no slot left is an error without effect; clearing makes room", () => {
    const core = loadRaw(build);
    for (let i = 0; i < abi.SLOT_COUNT; i++) importRaw(core, abi.KEY_AES, ALL, randomBytes(16));
    expect(core.x.freeSlots!()).toBe(0);
    expect(core.x.slotImport!(abi.KEY_AES, ALL, core.put(randomBytes(16)), 16)).toBe(abi.ERR_NO_SLOT);
    expect(core.x.x25519Generate!(ALL, core.outPtr)).toBe(abi.ERR_NO_SLOT);
    const before = core.x.entropyLeft!();
    expect(core.x.slotGenerate!(abi.KEY_AES, ALL, 16)).toBe(abi.ERR_NO_SLOT);
    expect(core.x.entropyLeft!()).toBe(before);
    core.x.slotClear!(7);
    expect(core.x.slotImport!(abi.KEY_AES, ALL, core.put(randomBytes(16)), 16)).toBe(7);
  });

  test("a short entropy pool is an error without effect; bytes are used once", () => {
    const core = loadRaw(build);
    const { x, outPtr } = core;
    x.entropyFill!(15);
    expect(x.slotGenerate!(abi.KEY_AES, ALL, 16)).toBe(abi.ERR_ENTROPY);
    expect(x.entropyLeft!()).toBe(15);
    expect(x.freeSlots!()).toBe(abi.SLOT_COUNT);
    const pool = randomBytes(64);
    core.memory.set(pool, x.entropyPtr!());
    x.entropyFill!(64);
    const slot = x.slotGenerate!(abi.KEY_AES, ALL, 32);
    x.slotExport!(slot, outPtr);
    expect(Buffer.from(core.get(outPtr, 32)).equals(pool.subarray(32))).toBe(true);
    expect(core.get(x.entropyPtr!() + 32, 32)).toEqual(new Uint8Array(32));
    expect(x.entropyFill!(-1)).toBe(abi.ERR_ARGUMENT);
    expect(x.entropyFill!(abi.ENTROPY_POOL_SIZE + 1)).toBe(abi.ERR_ARGUMENT);
  });

  test("an evicted key leaves sealed and comes back; any changed byte is refused", () => {
    const core = loadRaw(build);
    const { x, outPtr } = core;
    for (const [type, length] of [
      [abi.KEY_AES, 32],
      [abi.KEY_HMAC_SHA256, 64],
      [abi.KEY_SECRET, 128],
    ] as const) {
      const key = randomBytes(length);
      const slot = importRaw(core, type, ALL, key);
      const size = x.slotEvict!(slot, outPtr);
      expect(size).toBeLessThanOrEqual(abi.SEALED_KEY_SIZE);
      const sealed = core.get(outPtr, size);
      expect(Buffer.from(sealed).includes(key.subarray(0, 8))).toBe(false);
      expect(core.has(key)).toBe(false);
      for (let i = 0; i < size; i++) {
        const bad = sealed.slice();
        bad[i]! ^= 1 << (i % 8);
        expect(x.slotRestore!(core.put(bad), size)).toBe(abi.ERR_BAD_TAG);
      }
      expect(x.slotRestore!(core.put(sealed), size - 1)).toBe(abi.ERR_BAD_TAG);
      const back = x.slotRestore!(core.put(sealed), size);
      expect(x.slotExport!(back, outPtr)).toBe(length);
      expect(Buffer.from(core.get(outPtr, length)).equals(key)).toBe(true);
      expect(x.slotType!(back)).toBe(type);
      x.slotClear!(back);
    }
    const one = importRaw(core, abi.KEY_AES, ALL, new Uint8Array(16));
    x.slotEvict!(one, outPtr);
    const first = core.get(outPtr, abi.SEALED_KEY_SIZE);
    const two = importRaw(core, abi.KEY_AES, ALL, new Uint8Array(16));
    x.slotEvict!(two, outPtr);
    expect(core.get(outPtr, abi.SEALED_KEY_SIZE)).not.toEqual(first);
    x.slotsClear!();
    expect(x.slotRestore!(core.put(first), abi.SEALED_KEY_SIZE)).toBe(abi.ERR_BAD_TAG);
  });

  test("clearing leaves no key, no schedule and no state in memory, and they were there before", () => {
    const core = loadRaw(build);
    const { x } = core;
    const key = randomBytes(32);
    const mac = randomBytes(48);
    const slots = [importRaw(core, abi.KEY_AES, ALL, key), importRaw(core, abi.KEY_HMAC_SHA256, ALL, mac)];
    const before = core.memory.slice();
    expect(core.has(key) && core.has(mac)).toBe(true);
    for (const slot of slots) x.slotClear!(slot);
    expect(core.has(key) || core.has(mac)).toBe(false);
    // Whatever the imports wrote outside the stages is zero again.
    const fresh = loadRaw(build);
    const inPool = (ptr: number) => ptr >= x.entropyPtr!() && ptr < x.entropyPtr!() + abi.ENTROPY_POOL_SIZE;
    let left = 0;
    for (let i = 0; i < core.memory.length; i++) {
      const isStage = i >= core.inPtr && i < core.inPtr + 2 * abi.STAGE_SIZE;
      if (!isStage && !inPool(i) && core.memory[i] !== fresh.memory[i]) left++;
    }
    expect(left).toBe(0);
    expect(before.some((byte, i) => byte !== core.memory[i])).toBe(true);
  });

  test("every export returns a status for any arguments, and writes outside its buffers stay undone", () => {
    const core = loadRaw(build);
    const names = Object.keys(core.x).filter((name) => typeof core.x[name] === "function" && !name.endsWith("Ptr"));
    const argument = fc.oneof(
      fc.integer(),
      fc.integer({ min: -40, max: 300 }),
      fc.constantFrom(core.inPtr, core.outPtr, core.inPtr + 7, core.outPtr + abi.STAGE_SIZE - 8, 131072, -131072),
    );
    const importable = fc.constantFrom(
      abi.KEY_AES,
      abi.KEY_HMAC_SHA256,
      abi.KEY_AES_WRAP,
      abi.KEY_X25519,
      abi.KEY_SECRET,
    );
    const from = core.inPtr;
    const to = core.inPtr + 2 * abi.STAGE_SIZE;
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.array(argument, { minLength: 10, maxLength: 10 }),
        importable,
        (name, args, type) => {
          core.refill();
          importRaw(core, type, ALL, randomBytes(32));
          const status = core.x[name]!(...args);
          expect(Number.isInteger(status)).toBe(true);
          core.x.slotsClear!();
          core.memory.fill(0, from, to);
          core.x.sha256Digest!(from, 0, core.outPtr);
          // Tables are whole: the digest of nothing is what it is.
          expect(Buffer.from(core.get(core.outPtr, 4)).toString("hex")).toBe("e3b0c442");
        },
      ),
      { numRuns: 4000 },
    );
    expect(to).toBeLessThanOrEqual(131072);
  });
});

test("the MVP and small builds hold no instruction or type beyond WebAssembly's first version", async () => {
  const { default: binaryen } = await import("binaryen");
  for (const build of ["mvp", "small"]) {
    const module = binaryen.readBinary(readFileSync(wasmPath(build)));
    module.setFeatures(binaryen.Features.MVP);
    expect(module.validate()).toBe(1);
  }
  // The control: a build that uses later features is seen.
  const later = binaryen.parseText(
    '(module (func (export "f") (param i32) (result i32) (i32.extend8_s (local.get 0))))',
  );
  later.setFeatures(binaryen.Features.MVP);
  expect(later.validate()).toBe(0);
});
