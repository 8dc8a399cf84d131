// JSON and CBOR codecs: round trips, independent oracles, and everything that is refused.

import { readFileSync } from "node:fs";
import { decode as oracleDecode } from "cbor-x";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeBase64, encodeBase64, encodeBase64Url, decodeBase64Url } from "../../src/encoding/base64.ts";
import { decodeObject, type EncodeFields, encodeObject } from "../../src/encoding/codec.ts";
import { LABEL_NAMES, LABELS } from "../../src/encoding/labels.ts";
import { decodeUtf8, encodeUtf8 } from "../../src/encoding/utf8.ts";

const M = 2 ** 53;
const raw = (...bytes: number[]) => Uint8Array.from(bytes);
const text = (s: string) => Uint8Array.from(Buffer.from(s));

const safeText = fc.string({ unit: "grapheme" }).filter((s) => encodeUtf8(s) !== null);
const leaf = fc.oneof(
  safeText,
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(M, -M, 0, 23, 24, 255, 256, 65536, 2 ** 32),
  fc.boolean(),
);
const object: fc.Arbitrary<EncodeFields> = fc.letrec((tie) => ({
  node: fc.dictionary(
    safeText.filter((s) => s.length < 20),
    fc.oneof({ maxDepth: 3 }, leaf, tie("node"), fc.array(leaf, { maxLength: 4 })),
    { maxKeys: 6 },
  ),
})).node as fc.Arbitrary<EncodeFields>;

describe("round trips", () => {
  test.each(["JSON", "CBOR"] as const)("%s gives back what was written", (format) => {
    fc.assert(
      fc.property(object, (fields) => {
        const plain = decodeObject(encodeObject(format, fields), "x").toPlain();
        expect(JSON.parse(JSON.stringify(plain))).toEqual(JSON.parse(JSON.stringify(fields)));
      }),
      { numRuns: 200 },
    );
  });

  test("JSON is what JSON.parse reads", () => {
    fc.assert(
      fc.property(object, (fields) => {
        const read = JSON.parse(Buffer.from(encodeObject("JSON", fields)).toString());
        expect(read).toEqual(JSON.parse(JSON.stringify(fields)));
      }),
    );
  });

  test("CBOR is what another decoder reads, labels aside", () => {
    const name = (key: unknown) => (typeof key === "number" ? LABEL_NAMES[key] : String(key));
    const unlabel = (value: unknown): unknown => {
      if (value instanceof Map) return Object.fromEntries([...value].map(([k, v]) => [name(k), unlabel(v)]));
      if (Array.isArray(value)) return value.map(unlabel);
      if (value !== null && typeof value === "object" && !(value instanceof Uint8Array)) {
        return Object.fromEntries(
          Object.entries(value).map(([k, v]) => [/^\d+$/.test(k) ? (LABEL_NAMES[Number(k)] ?? k) : k, unlabel(v)]),
        );
      }
      return typeof value === "bigint" ? Number(value) : value;
    };
    const fields = {
      messageid: 1234,
      sequencenumber: 2 ** 40,
      data: raw(1, 2, 3),
      capabilities: { languages: ["en"] },
      other: -5,
      endofmsg: true,
    };
    expect(unlabel(oracleDecode(Buffer.from(encodeObject("CBOR", fields))))).toEqual({
      ...fields,
      data: Buffer.from([1, 2, 3]),
    });
  });

  test("bytes travel in both formats, and byte strings stay bytes", () => {
    for (const format of ["JSON", "CBOR"] as const) {
      for (const n of [0, 1, 2, 3, 100, 70_000]) {
        const bytes = new Uint8Array(n).map((_, i) => i * 7);
        expect(decodeObject(encodeObject(format, { data: bytes }), "x").bytes("data")).toEqual(bytes);
      }
    }
    expect(() => decodeObject(encodeObject("CBOR", { data: "AAAA" }), "x").bytes("data")).toThrow(/x.data/);
    expect(() => decodeObject(encodeObject("CBOR", { data: raw(1) }), "x").string("data")).toThrow(/x.data/);
  });

  test("lone surrogates and numbers that are no integers are not written", () => {
    for (const format of ["JSON", "CBOR"] as const) {
      for (const bad of [{ a: "\ud800" }, { a: 1.5 }, { a: M * 2 }, { a: Number.NaN }])
        expect(() => encodeObject(format, bad)).toThrow(/MSL_ENCODE_ERROR/);
    }
  });

  test("the example of the specification, with labels", () => {
    const fields = { sequencenumber: 1, messageid: 1234, endofmsg: true, data: text("hello") };
    expect(Buffer.from(encodeObject("CBOR", fields)).toString("hex")).toBe("a409010a1904d20bf50c4568656c6c6f");
  });
});

describe("numbers", () => {
  const read = (literal: string) =>
    decodeObject(text(`{"n":${literal}}`), "x").int("n", 0, M, "MESSAGE_ID_OUT_OF_RANGE");
  test("integers by their digits, never rounded into range", () => {
    for (const [literal, value] of [
      ["0", 0],
      ["-0", 0],
      ["5.0", 5],
      ["1e3", 1000],
      ["12e-1e", null],
      ["9007199254740992", M],
      ["90071992547409920e-1", M],
    ] as const) {
      if (value !== null) expect(read(literal)).toBe(value);
    }
    for (const literal of ["9007199254740993", "-1", "1e19", "9223372036854775807", "9007199254740993.0"])
      expect(() => read(literal)).toThrow(/MESSAGE_ID_OUT_OF_RANGE/);
    for (const literal of ["1.5", "9007199254740992.5", "99999999999999999999", "1e400", '"5"', "true"])
      expect(() => read(literal)).toThrow(/MSL_PARSE_ERROR/);
    for (const literal of ["01", "+1", ".5", "1.", "0x10", "NaN", "1e", "-", "--1", "1_0"])
      expect(() => read(literal)).toThrow(/MSL_PARSE_ERROR/);
    expect(decodeObject(text('{"unread":1.5,"n":1}'), "x").int("n", 0, 5)).toBe(1);
  });

  test("CBOR: 2^53, 2^53 + 1, any length of head, floats that are integers", () => {
    const cbor = (...bytes: number[]) =>
      decodeObject(raw(0xa1, 0x0a, ...bytes), "x").int("messageid", 0, M, "MESSAGE_ID_OUT_OF_RANGE");
    expect(cbor(0x1b, 0, 0x20, 0, 0, 0, 0, 0, 0)).toBe(M);
    expect(cbor(0x1b, 0, 0, 0, 0, 0, 0, 0, 5)).toBe(5);
    expect(cbor(0xf9, 0x3c, 0x00)).toBe(1);
    expect(cbor(0xfb, 0x43, 0x40, 0, 0, 0, 0, 0, 0)).toBe(M);
    for (const bad of [
      [0x1b, 0, 0x20, 0, 0, 0, 0, 0, 1],
      [0x1b, 255, 255, 255, 255, 255, 255, 255, 255],
      [0x20],
      [0x3b, 255, 255, 255, 255, 255, 255, 255, 255],
    ]) {
      expect(() => cbor(...bad)).toThrow(/MESSAGE_ID_OUT_OF_RANGE/);
    }
    const lowest = (last: number) =>
      decodeObject(raw(0xa1, 0x0a, 0x3b, 0, 0x20 - last, ...Array(6).fill(255 * last)), "x");
    expect(lowest(1).int("messageid", -M, M)).toBe(-M);
    expect(() => lowest(0).int("messageid", -M, M)).toThrow(/MSL_PARSE_ERROR/);
    for (const bad of [
      [0xf9, 0x3e, 0x00],
      [0xf9, 0x7c, 0x00],
      [0xf9, 0x7e, 0x00],
      [0xf6],
      [0xf7],
      [0xf8, 0x20],
      [0xc1, 0x01],
      [0x61, 0x35],
    ])
      expect(() => cbor(...bad)).toThrow(/MSL_PARSE_ERROR/);
  });
});

describe("what is refused", () => {
  const JSON_BAD = [
    '{"a":1,"a":2}',
    '{"a":null}',
    '{"a":[null]}',
    '{"a":{"b":null}}',
    '{"a":1,}',
    '{"a":[1,]}',
    "{a:1}",
    "{'a':1}",
    '{"a":TRUE}',
    '{"a":1}x',
    ' {"a":1}',
    '{"a":"\u0001"}',
    '{"a":"\t"}',
    '{"a":"\\x"}',
    '{"a":"\\u12g4"}',
    '{"a":"',
    '{"a"}',
    '{"a":}',
    "{",
    "",
    "[]",
    "5",
    '{"a":1;"b":2}',
    '{"a" 1}',
    '{"\\u0061":1,"a":2}',
    '{"a":nul}',
    `{"a":${"[".repeat(33)}${"]".repeat(33)}}`,
    `${'{"a":'.repeat(33)}1${"}".repeat(33)}`,
  ];
  test.each(JSON_BAD)("JSON %s", (bad) =>
    expect(() => decodeObject(text(bad), "where")).toThrow(/MSL_PARSE_ERROR.*where/),
  );

  test("every kind of malformed UTF-8", () => {
    const kinds = [
      [0x80],
      [0xc3],
      [0xc3, 0x28],
      [0xc0, 0xaf],
      [0xc1, 0xbf],
      [0xe0, 0x80, 0xaf],
      [0xe2, 0x28, 0xa1],
      [0xed, 0xa0, 0x80],
      [0xf0, 0x80, 0x80, 0xaf],
      [0xf4, 0x90, 0x80, 0x80],
      [0xf5, 0x80, 0x80, 0x80],
      [0xff],
      [0xfe],
      [0xf0, 0x9f, 0x98],
    ];
    for (const kind of kinds) {
      expect(decodeUtf8(raw(...kind))).toBeNull();
      expect(() => decodeObject(raw(0x7b, 0x22, ...kind, 0x22, 0x3a, 0x31, 0x7d), "x")).toThrow(/MSL_PARSE_ERROR/);
      expect(() => decodeObject(raw(0xa1, 0x60 + kind.length, ...kind, 1), "x")).toThrow(/MSL_PARSE_ERROR/);
      // In values that nobody reads, too.
      expect(() => decodeObject(raw(...text('{"a":"'), ...kind, ...text('"}')), "x")).toThrow(/MSL_PARSE_ERROR/);
      expect(() => decodeObject(raw(0xa1, 0x0a, 0x60 + kind.length, ...kind), "x")).toThrow(/MSL_PARSE_ERROR/);
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
        let want: string | null;
        try {
          want = strict.decode(bytes);
        } catch {
          want = null;
        }
        expect(decodeUtf8(bytes)).toBe(want);
      }),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (s) => {
        const own = encodeUtf8(s);
        if (own !== null) expect(Buffer.from(own).equals(Buffer.from(s))).toBe(true);
      }),
    );
    expect(() => decodeObject(text('{"a":"\\ud800"}'), "x").string("a")).toThrow(/MSL_PARSE_ERROR/);
    expect(decodeObject(text('{"a":"\\ud83d\\ude00"}'), "x").string("a")).toBe("\u{1f600}");
  });

  test("CBOR forms that are not ours", () => {
    const bad = [
      [0xbf, 0xff],
      [0xa1, 0x0a, 0x5f, 0xff],
      [0xa1, 0x0a, 0x9f, 0xff],
      [0xa2, 0x0a, 1, 0x0a, 1],
      [0xa2, 0x0a, 1, 0x69, ...text("messageid"), 1],
      [0xa2, 0x18, 99, 1, 0x18, 99, 2],
      [0xa1, 0x20, 1],
      [0xa1, 0x41, 1, 1],
      [0xa0, 0x00],
      [0xa1],
      [0xbb, 255, 255, 255, 255, 255, 255, 255, 255],
      [0xa1, 0x0a, 0x5a, 255, 255, 255, 255],
      [0xa1, 0x0a, 0x9a, 255, 255, 255, 255],
      [0x80],
      [0xd9, 0xd9, 0xf7, 0xa0],
    ];
    for (const bytes of bad) expect(() => decodeObject(raw(...bytes), "x"), bytes.join()).toThrow(/MSL_PARSE_ERROR/);
    const deep = [
      ...Array(40)
        .fill(0)
        .flatMap(() => [0xa1, 0x0a]),
      1,
    ];
    expect(() => decodeObject(raw(...deep), "x")).toThrow(/MSL_PARSE_ERROR/);
    expect(decodeObject(raw(0xa2, 0x18, 99, 1, 0x0a, 2), "x").int("messageid", 0, 9)).toBe(2);
  });

  test("any bytes give a value or a typed error, cut anywhere too", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom(0x7b, 0xa2, 0xb8), (bytes, first) => {
        try {
          decodeObject(raw(first, ...bytes), "x");
        } catch (error) {
          expect((error as { code?: string }).code).toBe("MSL_PARSE_ERROR");
        }
      }),
      { numRuns: 5000 },
    );
    for (const format of ["JSON", "CBOR"] as const) {
      const whole = encodeObject(format, {
        messageid: 5,
        data: raw(1, 2),
        capabilities: { languages: ["en"] },
        note: "é",
      });
      for (let n = 0; n < whole.length; n++)
        expect(() => decodeObject(whole.slice(0, n), "x")).toThrow(/MSL_PARSE_ERROR/);
    }
  });

  test("names of Object.prototype are ordinary names", () => {
    const map = decodeObject(text('{"__proto__":1,"constructor":2,"toString":3}'), "x");
    expect([map.int("__proto__", 0, 9), map.int("constructor", 0, 9), map.has("hasOwnProperty")]).toEqual([
      1,
      2,
      false,
    ]);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

test("Base64 as MSL reads it", () => {
  const accepted: [string, string][] = [
    ["", ""],
    ["AA==", "00"],
    ["AAA=", "0000"],
    ["AAAA", "000000"],
    ["A A\n=\t=", "00"],
    ["AB==", "00"],
  ];
  for (const [input, hex] of accepted) expect(Buffer.from(decodeBase64(input) ?? raw(9)).toString("hex")).toBe(hex);
  for (const bad of [
    "AA",
    "AA=",
    "AAAAA",
    "AA-_",
    "AA==AAAA",
    "AAAA=",
    "====",
    "=AAA",
    "A===",
    "AA=A",
    "AA\u00a0==",
    "AA\u000b==",
    "é===",
  ])
    expect(decodeBase64(bad), bad).toBeNull();
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(encodeBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
      expect(encodeBase64Url(bytes)).toBe(Buffer.from(bytes).toString("base64url"));
      expect(decodeBase64(encodeBase64(bytes))).toEqual(bytes);
      expect(decodeBase64Url(encodeBase64Url(bytes))).toEqual(bytes);
    }),
  );
});

test("the core's labels are the host's", () => {
  const source = readFileSync("assembly/framing/labels.ts", "utf8");
  const found = [...source.matchAll(/LABEL_(\w+): i32 = (\d+)/g)];
  expect(found.length).toBe(11);
  for (const [, name, label] of found) expect(LABELS.get(name!.toLowerCase())).toBe(Number(label));
  expect(LABEL_NAMES.length).toBe(76);
  expect(LABELS.size).toBe(76);
});
