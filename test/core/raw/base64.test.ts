// Base64 and base64url of the core: against Buffer, the shared vectors and every character, on every build.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as abi from "../../../src/core/abi.ts";
import { BUILDS, loadRaw } from "./raw-core.ts";

interface Encoded {
  readonly data: string;
  readonly base64: string;
  readonly base64url: string;
}
interface Decoded {
  readonly input: string;
  readonly accepted: boolean;
  readonly result?: string;
}
const vectors = JSON.parse(readFileSync(new URL("../../vectors/base64.json", import.meta.url), "utf8")) as {
  readonly encode: readonly Encoded[];
  readonly decode: readonly Decoded[];
  readonly decodeUrl: readonly Decoded[];
};

const STANDARD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE = `${STANDARD.slice(0, 62)}-_`;

describe.each(BUILDS)("%s", (build) => {
  const core = loadRaw(build);
  const { x, inPtr, outPtr } = core;
  const latin = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");
  type Name = "base64Encode" | "base64Decode" | "base64UrlEncode" | "base64UrlDecode";

  /** Runs an export with source and result at the given shifts from a word's start; fails if it writes beyond its result. */
  function run(name: Name, input: Uint8Array, shift = 0, outShift = 0): number | Uint8Array {
    const ptr = core.put(input, shift);
    const out = outPtr + outShift;
    core.memory.fill(0xee, outPtr, outPtr + outShift + input.length * 2 + 32);
    const length = x[name]!(ptr, input.length, out);
    const end = length < 0 ? out + 3 * Math.ceil(input.length / 4) : out + length;
    for (const guard of [core.get(outPtr, outShift), core.get(end, 16)])
      expect(guard.every((b) => b === 0xee)).toBe(true);
    expect(latin(core.get(ptr, input.length))).toBe(latin(input));
    return length < 0 ? length : core.get(out, length);
  }
  const encode = (name: Name, data: Uint8Array, shift = 0, outShift = 0) =>
    latin(run(name, data, shift, outShift) as Uint8Array);
  const decode = (name: Name, text: string | Uint8Array, shift = 0, outShift = 0) => {
    const result = run(name, typeof text === "string" ? Buffer.from(text, "latin1") : text, shift, outShift);
    return typeof result === "number" ? result : Buffer.from(result).toString("hex");
  };

  test("every length to 100 at every alignment equals Buffer, both alphabets, and comes back", () => {
    for (let n = 0; n <= 100; n++) {
      const data = Uint8Array.from({ length: n }, () => Math.floor(Math.random() * 256));
      const hex = Buffer.from(data).toString("hex");
      const text = Buffer.from(data).toString("base64");
      const url = Buffer.from(data).toString("base64url");
      expect(encode("base64Encode", data, n & 7, (n >> 3) & 7)).toBe(text);
      expect(encode("base64UrlEncode", data, n & 7, (n >> 3) & 7)).toBe(url);
      expect(decode("base64Decode", text, n & 7, (n >> 3) & 7)).toBe(hex);
      expect(decode("base64UrlDecode", url, n & 7, (n >> 3) & 7)).toBe(hex);
    }
  });

  test("random data of any length that fits, in place too", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30_000, size: "max" }), fc.nat(7), (data, shift) => {
        const text = Buffer.from(data).toString("base64");
        expect(encode("base64Encode", data, shift)).toBe(text);
        const ptr = core.put(Buffer.from(text), shift);
        expect(x.base64Decode!(ptr, text.length, ptr)).toBe(data.length);
        expect(latin(core.get(ptr, data.length))).toBe(latin(data));
        const url = Buffer.from(data).toString("base64url");
        expect(encode("base64UrlEncode", data, shift)).toBe(url);
        core.put(Buffer.from(url), shift);
        expect(x.base64UrlDecode!(ptr, url.length, ptr)).toBe(data.length);
        expect(latin(core.get(ptr, data.length))).toBe(latin(data));
      }),
      { numRuns: build === "js" ? 15 : 40 },
    );
  });

  test("every byte at every place of a long and a short text: taken exactly where it is a letter", () => {
    for (const [name, letters] of [
      ["base64Decode", STANDARD],
      ["base64UrlDecode", URL_SAFE],
    ] as const) {
      for (const size of [24, 8]) {
        const text = Buffer.from(letters.slice(40, 40 + size), "latin1");
        for (let place = 0; place < size; place++) {
          for (let c = 0; c < 256; c++) {
            const bad = Uint8Array.from(text);
            bad[place] = c;
            // Padding is legal at the end of the standard form.
            if (name === "base64Decode" && c === 61 && place === size - 1) continue;
            const isLetter = letters.includes(String.fromCharCode(c));
            const want = isLetter ? Buffer.from(latin(bad), "base64").toString("hex") : abi.ERR_FORM;
            expect(decode(name, bad), `${name} ${size} ${place} ${c}`).toBe(want);
          }
        }
      }
    }
  });

  test("every byte in the last, begun group", () => {
    for (let c = 0; c < 256; c++) {
      const s = String.fromCharCode(c);
      const isUrl = URL_SAFE.includes(s);
      const isStandard = STANDARD.includes(s);
      for (const text of [`A${s}`, `${s}A`, `A${s}A`, `AA${s}`, `${s}AA`, `AAAA${s}A`]) {
        expect(typeof decode("base64UrlDecode", text) === "string", text).toBe(isUrl);
        const padded = text.padEnd((text.length + 3) & ~3, "=");
        // "AA=" and "=": one more padding character makes another legal text.
        if (s !== "=") expect(typeof decode("base64Decode", padded) === "string", padded).toBe(isStandard);
      }
    }
  });

  test("the shared vectors: white space and padding of base64url are the host's codec's", () => {
    for (const { data, base64, base64url } of vectors.encode) {
      const bytes = Buffer.from(data, "hex");
      expect(encode("base64Encode", bytes)).toBe(base64);
      expect(encode("base64UrlEncode", bytes)).toBe(base64url);
      expect(decode("base64Decode", base64)).toBe(data);
      expect(decode("base64UrlDecode", base64url)).toBe(data);
    }
    for (const { input, accepted, result } of vectors.decode) {
      const taken = accepted && !/\s/.test(input);
      expect(decode("base64Decode", Buffer.from(input)), JSON.stringify(input)).toBe(taken ? result : abi.ERR_FORM);
    }
    for (const { input, accepted, result } of vectors.decodeUrl) {
      const taken = accepted && !/[+/=]/.test(input);
      expect(decode("base64UrlDecode", input), JSON.stringify(input)).toBe(taken ? result : abi.ERR_FORM);
    }
  });

  test("a refused text leaves zeros", () => {
    for (const [name, text] of [
      ["base64Decode", `${"QUJD".repeat(20)}*A==`],
      ["base64UrlDecode", `${"QUJD".repeat(20)}*A`],
    ] as const) {
      core.memory.fill(0xee, outPtr, outPtr + 80);
      expect(x[name]!(core.put(Buffer.from(text)), text.length, outPtr)).toBe(abi.ERR_FORM);
      expect(core.get(outPtr, 60).every((b) => b === 0)).toBe(true);
    }
  });

  test("areas outside the stages, too short, or overlapping are refused", () => {
    const end = inPtr + 2 * abi.STAGE_SIZE;
    for (const name of ["base64Encode", "base64UrlEncode", "base64Decode", "base64UrlDecode"] as const) {
      for (const [ptr, len, out] of [
        [inPtr - 1, 4, outPtr],
        [inPtr, -4, outPtr],
        [inPtr, 4, inPtr - 1],
        [inPtr, 4, end - 2],
        [inPtr, 8, inPtr + 1],
        [inPtr + 4, 8, inPtr],
        [inPtr, 0x7fffffff, outPtr],
        [-1, 4, outPtr],
        [inPtr, 4, -4],
      ] as const) {
        expect(x[name]!(ptr, len, out), `${name} ${ptr} ${len} ${out}`).toBe(abi.ERR_ARGUMENT);
      }
    }
    for (const name of ["base64Encode", "base64UrlEncode"] as const) {
      expect(x[name]!(inPtr, 4, inPtr)).toBe(abi.ERR_ARGUMENT);
      expect(x[name]!(inPtr, 50_000, inPtr + 50_000)).toBe(abi.ERR_ARGUMENT);
    }
  });
});
