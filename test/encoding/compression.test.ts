// What is compressed, and how far it may grow again.

import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import {
  type Compression,
  compressIfUseful,
  compressionNamed,
  compressorOf,
  MAX_RATIO,
  uncompress,
} from "../../src/encoding/compression.ts";
import type { Gzip } from "../../src/platform/gzip.ts";
import { nodeGzip } from "../../src/platform/gzip-node.ts";

const NODE: Compression = { gzip: nodeGzip, maxBytes: 64 * 1024 * 1024 };

/** A plug whose output has a given length. */
const toLength = (length: number): Gzip => ({ compress: () => new Uint8Array(length), uncompress: (data) => data });

test("a result is kept if it is strictly shorter and a receiver's limit lets it grow back", () => {
  const kept = (input: number, output: number) => compressIfUseful(toLength(output), new Uint8Array(input)) !== null;
  expect(kept(100, 99)).toBe(true);
  expect(kept(100, 100)).toBe(false);
  expect(kept(100, 101)).toBe(false);
  expect(kept(MAX_RATIO * 50, 50)).toBe(true);
  expect(kept(MAX_RATIO * 50 + 1, 50)).toBe(false);
  expect(kept(MAX_RATIO * 50 - 1, 50)).toBe(true);
  expect(kept(0, 0)).toBe(false);
});

test("what this side keeps, the limit takes", () => {
  for (const data of [
    Buffer.alloc(1000, "ab"),
    Buffer.alloc(6000, "x"),
    Buffer.from("the same the same ".repeat(300)),
  ]) {
    const compressed = compressIfUseful(nodeGzip, data);
    if (compressed !== null) expect(Buffer.from(uncompress("GZIP", NODE, compressed, "x")).equals(data)).toBe(true);
  }
  expect(compressIfUseful(nodeGzip, new Uint8Array(1_000_000))).toBeNull();
  expect(compressIfUseful(nodeGzip, Uint8Array.of(1, 2, 3))).toBeNull();
});

test("inflating stops at the limit, without having made the rest", () => {
  const zeros = new Uint8Array(gzipSync(Buffer.alloc(64 * 1024 * 1024)));
  expect(zeros.length * MAX_RATIO).toBeLessThan(64 * 1024 * 1024);
  const before = process.memoryUsage().arrayBuffers;
  expect(() => uncompress("GZIP", NODE, zeros, "payload.data")).toThrow(/UNCOMPRESSION_ERROR.*payload\.data/);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 1024 * 1024);
  const seen: number[] = [];
  const spy: Gzip = {
    compress: (data) => data,
    uncompress(data, maxLength) {
      seen.push(maxLength);
      return data;
    },
  };
  uncompress("GZIP", { ...NODE, gzip: spy }, new Uint8Array(10), "x");
  uncompress("GZIP", { ...NODE, gzip: spy }, new Uint8Array(10), "x", 3);
  uncompress("GZIP", { gzip: spy, maxBytes: 17 }, new Uint8Array(10), "x", 3);
  expect(seen).toEqual([2000, 30, 17]);
  const small = new Uint8Array(gzipSync(Buffer.alloc(100)));
  expect(uncompress("GZIP", NODE, small, "x", 100 / small.length).length).toBe(100);
  expect(() => uncompress("GZIP", NODE, small, "x", 99 / small.length)).toThrow(/UNCOMPRESSION_ERROR/);
});

test("several members are one text, zeros behind them are ignored, damage is not", () => {
  const members = Buffer.concat([gzipSync("one "), gzipSync("two"), Buffer.alloc(5)]);
  expect(Buffer.from(uncompress("GZIP", NODE, Uint8Array.from(members), "x")).toString()).toBe("one two");
  const whole = gzipSync("a text that is compressed");
  for (let n = 1; n < whole.length; n++)
    expect(() => uncompress("GZIP", NODE, Uint8Array.from(whole.subarray(0, n)), "x"), `${n}`).toThrow(
      /UNCOMPRESSION_ERROR/,
    );
  for (const at of [0, 1, 2, whole.length - 8, whole.length - 1]) {
    const bad = Uint8Array.from(whole);
    bad[at]! ^= 0x55;
    expect(() => uncompress("GZIP", NODE, bad, "x"), `${at}`).toThrow(/UNCOMPRESSION_ERROR/);
  }
  expect(uncompress("GZIP", NODE, new Uint8Array(0), "x").length).toBe(0);
});

test("names: known, known without an implementation, unknown", () => {
  expect(compressionNamed("GZIP", "x")).toBe("GZIP");
  expect(compressionNamed("LZW", "x")).toBe("LZW");
  for (const bad of ["gzip", "ZSTD", "", "__proto__"])
    expect(() => compressionNamed(bad, "payload.compressionalgo")).toThrow(/UNIDENTIFIED_COMPRESSION.*compressionalgo/);
  const one = Uint8Array.of(1);
  expect(() => uncompress("GZIP", { ...NODE, gzip: null }, one, "x")).toThrow(/UNSUPPORTED_COMPRESSION/);
});

test("a plug that fails to compress is a protocol error, and its own error stays inside", () => {
  const broken: Gzip = {
    compress() {
      throw new Error("secret detail");
    },
    uncompress() {
      throw new Error("secret detail");
    },
  };
  expect(() => compressIfUseful(broken, Uint8Array.of(1))).toThrow(/^COMPRESSION_ERROR/);
  try {
    uncompress("GZIP", { ...NODE, gzip: broken }, Uint8Array.of(1), "x");
    expect.unreachable();
  } catch (error) {
    expect((error as Error).cause).toBeUndefined();
    expect((error as Error).message).not.toContain("secret");
  }
});

test("results are plain arrays, whose slices are copies", () => {
  const compressed = nodeGzip.compress(Buffer.from("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
  const data = nodeGzip.uncompress(compressed, 1000);
  for (const bytes of [compressed, data]) {
    expect(bytes.constructor).toBe(Uint8Array);
    const copy = bytes.slice();
    bytes.fill(0);
    expect(copy.some((b) => b !== 0)).toBe(true);
  }
});

test("CTL-86: GZIP is preferred to LZW, and nothing outside the capabilities in force is used", () => {
  expect(compressorOf(["LZW", "GZIP"], nodeGzip)?.algorithm).toBe("GZIP");
  expect(compressorOf(["LZW", "GZIP"], null)?.algorithm).toBe("LZW");
  expect(compressorOf(["LZW"], nodeGzip)?.algorithm).toBe("LZW");
  expect(compressorOf(["GZIP"], null)).toBeNull();
  expect(compressorOf([], nodeGzip)).toBeNull();
  expect(compressorOf(undefined, nodeGzip)).toBeNull();
});
