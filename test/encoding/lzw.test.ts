// LZW: known outputs, every width, and hostile input that must neither grow nor crash.

import { expect, test } from "vitest";
import { MAX_RATIO, uncompress } from "../../src/encoding/compression.ts";
import { lzwCompress, lzwUncompress } from "../../src/encoding/lzw.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const ROOM = 1 << 26;

/** Bytes that repeat now and then, so that codes of all kinds occur. */
function text(length: number, seed: number, letters: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 16) % letters;
  });
}

test.each([
  ["A", "41"],
  ["AA", "412080"],
  ["AAAA", "41801040"],
  ["ABABABA", "4121402040"],
  ["a".repeat(20), "61804060503818"],
  ["TOBEORNOTTOBEORTOBEORNOT", "54279088a4f291389e548040a090981c160e"],
  ["", ""],
])("%s is %s", (plain, compressed) => {
  expect(hex(lzwCompress(Buffer.from(plain)))).toBe(compressed);
  expect(Buffer.from(lzwUncompress(Buffer.from(compressed, "hex"), ROOM)!).toString()).toBe(plain);
});

test("what is compressed comes back, at every length around the changes of width and beyond what is remembered", () => {
  const lengths = [1, 2, 255, 256, 257, 258, 259, 512, 767, 768, 769, 770, 1793, 1794, 5000, 16384, 300_000];
  for (const length of lengths) {
    for (const letters of [1, 2, 17, 256]) {
      const data = text(length, length * 7 + letters, letters);
      const back = lzwUncompress(lzwCompress(data), ROOM);
      expect(back !== null && Buffer.from(back).equals(data), `${length} of ${letters}`).toBe(true);
    }
  }
});

test("a code that does not exist yet is an error, at the first place where it can be and later", () => {
  // 8 bits of a first code, then a code of 9 bits.
  const second = (code: number) => Uint8Array.of(0x41, code >> 1, (code & 1) << 7);
  expect(Buffer.from(lzwUncompress(second(256), ROOM)!).toString()).toBe("AAA");
  for (const code of [257, 300, 511]) {
    expect(lzwUncompress(second(code), ROOM)).toBeNull();
    expect(() => uncompress("LZW", { gzip: null, maxBytes: ROOM }, second(code), "payload.data")).toThrow(
      /UNCOMPRESSION_ERROR.*payload\.data/,
    );
  }
});

test("any bytes give data or an error, within the ratio and the bound of one piece", () => {
  for (let seed = 1; seed <= 400; seed++) {
    const hostile = text((seed * 13) % 700, seed, 256);
    const data = lzwUncompress(hostile, hostile.length * MAX_RATIO);
    if (data !== null) expect(data.length).toBeLessThanOrEqual(hostile.length * MAX_RATIO);
  }
});

test("a bomb stops at the limit and costs no more memory than the limit", () => {
  const bomb = lzwCompress(new Uint8Array(16 * 1024 * 1024));
  expect(bomb.length * MAX_RATIO).toBeLessThan(16 * 1024 * 1024);
  const before = process.memoryUsage().arrayBuffers;
  expect(() => uncompress("LZW", { gzip: null, maxBytes: ROOM }, bomb, "x")).toThrow(/UNCOMPRESSION_ERROR/);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * bomb.length * MAX_RATIO);
  const small = lzwCompress(new Uint8Array(5000));
  expect(uncompress("LZW", { gzip: null, maxBytes: 5000 }, small, "x").length).toBe(5000);
  expect(() => uncompress("LZW", { gzip: null, maxBytes: 4999 }, small, "x")).toThrow(/UNCOMPRESSION_ERROR/);
});
