// SHA-1, SHA-256, SHA-384 and SHA-512 against node:crypto, on every build: lengths, alignments, splits, aliasing.

import { createHash, randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as abi from "../../../src/core/abi.ts";
import { BUILDS, loadRaw } from "./raw-core.ts";
import { residue } from "./residue.ts";

const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

const HASHES = [
  { name: "sha1", length: 20, block: 64 },
  { name: "sha256", length: 32, block: 64 },
  { name: "sha384", length: 48, block: 128 },
  { name: "sha512", length: 64, block: 128 },
] as const;
const STREAMED = HASHES.slice(1);

// FIPS 180-4, the examples with "abc".
const ABC: Record<string, string> = {
  sha1: "a9993e364706816aba3e25717850c26c9cd0d89d",
  sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  sha384: "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
  sha512:
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
};

describe.each(BUILDS)("%s", (build) => {
  const core = loadRaw(build);
  const { x, inPtr, outPtr } = core;
  const runs = build === "js" ? 60 : 200;
  const want = (name: string, data: Uint8Array) => createHash(name).update(data).digest("hex");

  test.each(HASHES)("$name: the published example, and every length to three blocks", ({ name, length, block }) => {
    expect(x[`${name}Digest`]!(core.put(Buffer.from("abc")), 3, outPtr)).toBe(length);
    expect(toHex(core.get(outPtr, length))).toBe(ABC[name]);
    for (let n = 0; n <= 3 * block; n++) {
      const data = randomBytes(n);
      expect(x[`${name}Digest`]!(core.put(data, n % 8), n, outPtr)).toBe(length);
      expect(toHex(core.get(outPtr, length)), `${n} bytes`).toBe(want(name, data));
    }
  });

  test.each(HASHES)("$name: lengths to 64 KiB at any alignment, the digest over the message", ({ name, length }) => {
    const size = fc.oneof(fc.nat(700), fc.nat(65536), fc.constantFrom(65536));
    fc.assert(
      fc.property(size, fc.nat(15), fc.nat(15), fc.constantFrom("apart", "head", "tail"), (n, shift, skew, where) => {
        const data = randomBytes(n);
        const ptr = core.put(data, 32 + shift);
        const out = where === "apart" ? inPtr + 80000 + skew : where === "head" ? ptr - skew : ptr + n - skew;
        expect(x[`${name}Digest`]!(ptr, n, out)).toBe(length);
        expect(toHex(core.get(out, length))).toBe(want(name, data));
      }),
      { numRuns: runs },
    );
  });

  test.each(STREAMED)("$name: any split gives the digest of the whole", ({ name, length }) => {
    const part = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.integer({ min: 0, max: 20000 }).map((n): Uint8Array => randomBytes(n)),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), fc.nat(7), (parts, shift) => {
        expect(x[`${name}Begin`]!()).toBe(abi.OK);
        for (const p of parts) expect(x[`${name}Feed`]!(core.put(p, shift), p.length)).toBe(abi.OK);
        expect(x[`${name}End`]!(outPtr + shift)).toBe(length);
        expect(toHex(core.get(outPtr + shift, length))).toBe(want(name, Buffer.concat(parts)));
      }),
      { numRuns: runs / 2 },
    );
  });

  test("a stream of 5 MB counts its length right", () => {
    const chunk = core.put(randomBytes(80000));
    for (const { name, length } of STREAMED) {
      const hash = createHash(name);
      x[`${name}Begin`]!();
      for (let i = 0; i < 64; i++) {
        x[`${name}Feed`]!(chunk, 80000 - i);
        hash.update(core.memory.subarray(chunk, chunk + 80000 - i));
      }
      expect(x[`${name}End`]!(outPtr + 40000)).toBe(length);
      expect(toHex(core.get(outPtr + 40000, length))).toBe(hash.digest("hex"));
    }
  });

  test("a SHA-384 or SHA-512 stream that was not begun is refused, and after its end there is none", () => {
    x.sha512Begin!();
    expect(x.sha512End!(outPtr)).toBe(64);
    for (const name of ["sha384", "sha512"]) {
      expect(x[`${name}Feed`]!(inPtr, 1)).toBe(abi.ERR_ARGUMENT);
      expect(x[`${name}End`]!(outPtr)).toBe(abi.ERR_ARGUMENT);
    }
  });

  test("areas that do not lie in the stages are refused", () => {
    const end = inPtr + 2 * abi.STAGE_SIZE;
    for (const { name, length } of HASHES) {
      const hash = x[`${name}Digest`]!;
      expect(hash(inPtr - 1, 1, outPtr)).toBe(abi.ERR_ARGUMENT);
      expect(hash(inPtr, 2 * abi.STAGE_SIZE + 1, outPtr)).toBe(abi.ERR_ARGUMENT);
      expect(hash(inPtr, -1, outPtr)).toBe(abi.ERR_ARGUMENT);
      expect(hash(inPtr, 1, end - length + 1)).toBe(abi.ERR_ARGUMENT);
      expect(hash(inPtr, 1, end - length)).toBe(length);
    }
    for (const { name, length } of STREAMED) {
      x[`${name}Begin`]!();
      expect(x[`${name}Feed`]!(inPtr, -1)).toBe(abi.ERR_ARGUMENT);
      expect(x[`${name}End`]!(end - length + 1)).toBe(abi.ERR_ARGUMENT);
      expect(x[`${name}End`]!(outPtr)).toBe(length);
    }
  });

  test("nothing of the messages or states stays in memory, but a running stream's state is there", () => {
    const own = loadRaw(build);
    const fresh = loadRaw(build);
    for (const { name } of HASHES) own.x[`${name}Digest`]!(own.put(randomBytes(1000)), 1000, outPtr);
    expect(residue(own, fresh)).toBe(0);
    for (const { name } of STREAMED) {
      own.x[`${name}Begin`]!();
      own.x[`${name}Feed`]!(inPtr, 777);
      expect(residue(own, fresh)).toBeGreaterThan(40);
      own.x[`${name}End`]!(outPtr);
      expect(residue(own, fresh)).toBe(0);
    }
  });
});
