// Base64 against an oracle of regular expressions and Buffer: every character in every place, and all kinds of faults.

import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeObject } from "../../src/encoding/codec.ts";
import { decodeBase64, decodeBase64Url, encodeBase64, readBase64, writeBase64 } from "../../src/encoding/base64.ts";

/** White space out, then whole groups with padding in its place. */
function oracle(text: string): Buffer | null {
  const plain = text.replace(/[ \t\r\n]/g, "");
  const isValid = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(plain);
  return isValid ? Buffer.from(plain, "base64") : null;
}

function check(text: string): void {
  const own = decodeBase64(text);
  expect(own === null ? null : Buffer.from(own).toString("hex"), JSON.stringify(text)).toBe(
    oracle(text)?.toString("hex") ?? null,
  );
}

test("every byte value in every place of a group is taken or refused as the alphabet says", () => {
  for (let c = 0; c < 256; c++) {
    for (let place = 0; place < 8; place++) {
      const text = "QUJDREVG".split("");
      text[place] = String.fromCharCode(c);
      check(text.join(""));
    }
  }
});

test("bytes above 0x7f are no letters, though their low bits may be", () => {
  for (let c = 0x80; c < 256; c++) {
    for (let place = 0; place < 8; place++) {
      const text = Uint8Array.from(Buffer.from("QUJDREVG"));
      text[place] = c;
      expect(readBase64(text, 0, 8)).toBeNull();
    }
  }
  // Two bytes of UTF-8, each a letter but for its high bit.
  const wire = Uint8Array.from(Buffer.from('{"a":"\u00f1AA"}'));
  expect(() => decodeObject(wire, "x").bytes("a")).toThrow(/MSL_PARSE_ERROR.*x\.a/);
});

test("every byte sequence of up to two bytes, and every last byte of three, is written and read", () => {
  const bytes = (values: number[]) => {
    const text = encodeBase64(Uint8Array.from(values));
    expect(text).toBe(Buffer.from(values).toString("base64"));
    expect([...decodeBase64(text)!]).toEqual(values);
  };
  for (let a = 0; a < 256; a++) {
    bytes([a]);
    for (let b = 0; b < 256; b += 5) {
      bytes([a, b]);
      bytes([b, 255 - b, a]);
    }
  }
});

test("padding, white space and junk anywhere: as the oracle decides", () => {
  const pieces = fc.constantFrom(..."AZaz09+/", "=", "=", " ", "\n", "\t", "\r", "-", "_", "\v", "\f", "\0", "~", "é");
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 14 }), (parts) => check(parts.join(""))),
    { numRuns: 5000 },
  );
  const letters = fc.array(fc.constantFrom(..."ABCDwxyz0189+/"), { minLength: 2, maxLength: 12 });
  fc.assert(
    fc.property(letters, fc.nat(20), pieces, (parts, at, extra) => {
      const text = parts.join("").padEnd(Math.ceil(parts.length / 4) * 4, "=");
      check(text);
      check(text.slice(0, at) + extra + text.slice(at));
    }),
    { numRuns: 3000 },
  );
});

test("reading and writing stay inside the range that they are given", () => {
  const text = Uint8Array.from(Buffer.from("!!!!QUJD!!!!"));
  expect([...readBase64(text, 4, 8)!]).toEqual([65, 66, 67]);
  expect(readBase64(text, 3, 8)).toBeNull();
  const out = new Uint8Array(10).fill(7);
  expect(writeBase64(Uint8Array.of(65), out, 3)).toBe(7);
  expect(Buffer.from(out).toString("latin1")).toBe("\x07\x07\x07QQ==\x07\x07\x07");
});

test("base64url takes both alphabets, padded or not, and gives nothing for the rest", () => {
  const cases: [string, string | null][] = [
    ["", ""],
    ["-_8", "fbff"],
    ["+/8", "fbff"],
    ["-_8=", "fbff"],
    ["- _\n8", "fbff"],
    ["AA", "00"],
    ["AA=", "00"],
    ["A", null],
    ["AAAAA", null],
    ["A!", null],
    ["é", null],
  ];
  for (const [text, hex] of cases) {
    const bytes = decodeBase64Url(text);
    expect(bytes === null ? null : Buffer.from(bytes).toString("hex"), text).toBe(hex);
  }
});
