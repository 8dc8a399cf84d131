// The JSON decoder against JSON.parse and BigInt arithmetic, and its bounds.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeObject } from "../../src/encoding/codec.ts";
import { MAX_VALUES } from "../../src/encoding/limits.ts";
import { OddNumber, readJsonNumber } from "../../src/encoding/number.ts";
import { MslError } from "../../src/errors/msl-error.ts";

const M = 2n ** 53n;
const bytes = (s: string) => Uint8Array.from(Buffer.from(s));
const decode = (s: string) => decodeObject(bytes(s), "x");

/** The plain value, or the code of the typed error; anything else thrown fails the test. */
function outcome(text: string): unknown {
  try {
    return decode(text).toPlain();
  } catch (error) {
    if (!(error instanceof MslError)) throw error;
    return error.code;
  }
}

/** What JSON.parse makes of a text, with our own rules on top: an object at once, no null, no name twice. */
function oracle(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text, (_, v) => {
      if (v === null) throw new Error("null");
      return v;
    });
  } catch {
    return "MSL_PARSE_ERROR";
  }
  // JSON.parse keeps one of several members of a name: then the result has fewer members than the text has colons.
  const colons = text.replace(/"(?:[^"\\]|\\.)*"/g, "").split(":").length - 1;
  return text.startsWith("{") && membersOf(value) === colons ? value : "MSL_PARSE_ERROR";
}

function membersOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const own = Array.isArray(value) ? 0 : Object.keys(value).length;
  return Object.values(value).reduce((sum: number, v) => sum + membersOf(v), own);
}

describe("grammar", () => {
  test("short texts over JSON's own characters are taken exactly where JSON.parse takes them", () => {
    const piece = fc.constantFrom(
      ...'{}[]",:\\ \n0123.eE+-tfnu',
      '"a"',
      '"b"',
      '"a":',
      "true",
      "false",
      "null",
      "1e2",
      '{"c":1}',
      "[1,2]",
      "\\n",
      "\\u0041",
      "\t",
    );
    let accepted = 0;
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 9 }), (parts) => {
        for (const text of [`{${parts.join("")}}`, `{"k":${parts.join("")}}`, `{"k":[${parts.join(",")}]}`]) {
          const want = oracle(text);
          if (want !== "MSL_PARSE_ERROR") accepted++;
          expect(normal(outcome(text)), text).toEqual(normal(want));
        }
      }),
      { numRuns: 6000 },
    );
    expect(accepted).toBeGreaterThan(500);
  });

  test("one edit of a valid text: both agree", () => {
    const valid = '{"a":[1,-2.5e3,{"b":"x\\u00e9\\n","c":true}],"d":{},"e":[],"f":"é€😀"}';
    const piece = fc.constantFrom(...'{}[]",:\\ 0.e-+tu', "");
    fc.assert(
      fc.property(fc.nat(valid.length), fc.nat(3), piece, (at, cut, insert) => {
        const text = valid.slice(0, at) + insert + valid.slice(at + cut);
        // Cutting may leave half of a surrogate pair, which no bytes stand for.
        if (/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text)) return;
        expect(normal(outcome(text)), text).toEqual(normal(oracle(text)));
      }),
      { numRuns: 4000 },
    );
  });

  test.each([" ", "\n", "\r", "\t", " \r\n\t "])("white space %j between tokens and behind the object", (s) => {
    const text = `{${s}"a"${s}:${s}[${s}1${s},${s}2${s}]${s},${s}"b"${s}:${s}{${s}}${s}}${s}`;
    expect(outcome(text)).toEqual({ a: [1, 2], b: {} });
  });

  test.each(["\u00a0", "\u2028", "\ufeff", "\v", "\f", "\0", "/**/", "//"])("%j is no white space", (s) => {
    expect(outcome(`{${s}"a":1}`)).toBe("MSL_PARSE_ERROR");
    expect(outcome(`{"a":1}${s}`)).toBe("MSL_PARSE_ERROR");
  });

  test("every control character is refused raw and taken as an escape", () => {
    for (let c = 0; c < 0x20; c++) {
      expect(outcome(`{"a":"${String.fromCharCode(c)}"}`)).toBe("MSL_PARSE_ERROR");
      expect(outcome(`{"a":"\\u${c.toString(16).padStart(4, "0")}"}`)).toEqual({ a: String.fromCharCode(c) });
    }
    expect(outcome('{"a":"\x7f"}')).toEqual({ a: "\x7f" });
  });
});

/** Numbers that are none of ours are compared by kind; -0 is 0. */
function normal(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, v) => {
      if (typeof v !== "number") return v;
      return Number.isSafeInteger(v) ? v + 0 : "other number";
    }),
  );
}

describe("strings", () => {
  test("any text, any of its characters escaped in any way, reads as JSON.parse reads it", () => {
    const hex = (c: number, isUpper: boolean) => {
      const digits = c.toString(16).padStart(4, "0");
      return `\\u${isUpper ? digits.toUpperCase() : digits}`;
    };
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.infiniteStream(fc.nat(3)), (s, choices) => {
        let literal = "";
        for (let i = 0; i < s.length; i++) {
          const c = s.charCodeAt(i);
          const isSurrogate = c >= 0xd800 && c < 0xe000;
          const choice = choices.next().value ?? 0;
          if (isSurrogate) {
            // Both halves in one way.
            const pair = s.slice(i, i + 2);
            literal += choice < 2 ? pair : hex(c, choice === 2) + hex(s.charCodeAt(++i), choice === 3);
            if (choice < 2) i++;
          } else literal += choice === 0 ? JSON.stringify(s[i]).slice(1, -1) : hex(c, choice === 1);
        }
        const text = `{"${literal}":"${literal}"}`;
        expect(decode(text).names()).toEqual([s]);
        expect(decode(text).string(s)).toBe(s);
        expect(JSON.parse(text)).toEqual({ [s]: s });
      }),
    );
  });

  test("lone surrogates are no text, as names they refuse the object", () => {
    for (const bad of [
      "\\ud800",
      "\\udc00",
      "\\ud800\\ud800",
      "\\ud800x",
      "\\ud800\\ue000",
      "\\ud800\\udbff",
      "\\udfff",
      "\\udc00\\ud800",
      "\\ud800\\n",
      "a\\ud83d",
    ]) {
      expect(() => decode(`{"a":"${bad}"}`).string("a"), bad).toThrow(/MSL_PARSE_ERROR.*x\.a/);
      expect(() => decode(`{"a":"${bad}"}`).toFields(), bad).toThrow(/MSL_PARSE_ERROR.*x\.a/);
      expect(() => decode(`{"${bad}":1}`), bad).toThrow(/MSL_PARSE_ERROR/);
    }
  });

  test("names that are one text in two spellings are one name", () => {
    for (const other of ["k", "\\u006b", "\\u006B"])
      expect(() => decode(`{"k":1,"${other}":2}`), other).toThrow(/MSL_PARSE_ERROR/);
    expect(decode('{"\\u006dessageid":7}').int("messageid", 0, 9)).toBe(7);
    expect(() => decode('{"messageid":7,"\\u006dessageid":7}')).toThrow(/MSL_PARSE_ERROR/);
  });

  test("escaped Base64 is Base64", () => {
    for (const literal of ["\\/+8=", "\\u002f+8=", "\\/+8\\u003d", "\\/\\n+8="])
      expect(Buffer.from(decode(`{"a":"${literal}"}`).bytes("a")).toString("hex"), literal).toBe("ffef");
    for (const bad of ["\\u00e9===", "\\ud800", "\\\\AAA"])
      expect(() => decode(`{"a":"${bad}"}`).bytes("a"), bad).toThrow(/x\.a/);
  });

  test("long texts, on both sides of the decoder's block size", () => {
    for (const n of [63, 64, 65, 4094, 4095, 4096, 4097, 20_000]) {
      for (const unit of ["a", "é", "€", "😀", "a😀", "é€"]) {
        const s = unit.repeat(n);
        expect(decode(JSON.stringify({ s })).string("s") === s).toBe(true);
      }
    }
  });
});

describe("numbers", () => {
  /** The exact value as a fraction of integers. */
  function exact(literal: string): { numerator: bigint; denominator: bigint } {
    const [, sign, whole, fraction = "", exponent = "0"] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(literal)!;
    const scale = Number(exponent) - fraction.length;
    const digits = BigInt(`${whole}${fraction}`) * (sign === "-" ? -1n : 1n);
    return scale >= 0
      ? { numerator: digits * 10n ** BigInt(scale), denominator: 1n }
      : { numerator: digits, denominator: 10n ** BigInt(-scale) };
  }

  const digits = (max: number) => fc.array(fc.constantFrom(..."0123456789"), { minLength: 1, maxLength: max });
  const literals = fc
    .tuple(
      fc.boolean(),
      fc.oneof(
        digits(20),
        fc.bigInt(M - 3n, M + 3n).map((n) => [...String(n)]),
      ),
      fc.option(fc.oneof(digits(6), fc.constantFrom(["0"], [..."000"]))),
      fc.option(fc.integer({ min: -25, max: 25 })),
    )
    .map(([isNegative, whole, fraction, exponent]) => {
      const head = whole.join("").replace(/^0+(?=\d)/, "");
      return `${isNegative ? "-" : ""}${head}${fraction ? `.${fraction.join("")}` : ""}${exponent === null ? "" : `e${exponent}`}`;
    });

  test("a literal is an integer of ±2^53 exactly where its exact value is one", () => {
    fc.assert(
      fc.property(literals, (literal) => {
        const { numerator, denominator } = exact(literal);
        const read = readJsonNumber(bytes(literal), 0, literal.length);
        const isWhole = numerator % denominator === 0n;
        const value = numerator / denominator;
        if (isWhole && value >= -M && value <= M) {
          expect(read, literal).toBe(Number(value));
          return;
        }
        expect(read, literal).toBeInstanceOf(OddNumber);
        const odd = read as OddNumber;
        const isPlain = /^-?\d+$/.test(literal);
        const is64Bit = value >= -(2n ** 63n) && value < 2n ** 63n;
        expect(odd.isInteger, literal).toBe(isWhole && (!isPlain || is64Bit));
        // Whatever it is near, it never passes for an integer of the range.
        expect(Number.isInteger(odd.approximate) && Math.abs(odd.approximate) <= Number(M), literal).toBe(false);
      }),
      { numRuns: 5000 },
    );
  });

  test("the ends of the ranges, by name", () => {
    const kind = (literal: string) => {
      const read = readJsonNumber(bytes(literal), 0, literal.length);
      if (read === null) return "no number";
      return typeof read === "number" ? read : read.isInteger ? "out of range" : "no integer";
    };
    const cases: [string, number | string][] = [
      ["9007199254740992", Number(M)],
      ["-9007199254740992", -Number(M)],
      ["9007199254740993", "out of range"],
      ["-9007199254740993", "out of range"],
      ["9007199254740992.0", Number(M)],
      ["9007199254740992.00000000000000000001", "no integer"],
      ["9007199254740993e0", "out of range"],
      ["0.9007199254740992e16", Number(M)],
      ["9223372036854775807", "out of range"],
      ["-9223372036854775808", "out of range"],
      ["9223372036854775808", "no integer"],
      ["-9223372036854775809", "no integer"],
      ["1e19", "out of range"],
      ["1e308", "out of range"],
      ["1e400", "no integer"],
      ["-1e400", "no integer"],
      ["1e-400", "no integer"],
      ["0e999999999999", 0],
      ["1e99999999999999999999", "no integer"],
      ["1e-99999999999999999999", "no integer"],
      ["-0", 0],
      ["-0.0e-5", 0],
      ["1E+2", 100],
      ["100e-2", 1],
      ["", "no number"],
      ["-", "no number"],
      ["00", "no number"],
      ["-01", "no number"],
      ["1.", "no number"],
      [".1", "no number"],
      ["1e", "no number"],
      ["1e+", "no number"],
      ["1ee1", "no number"],
      ["1.1.1", "no number"],
      ["1-1", "no number"],
      ["+1", "no number"],
    ];
    for (const [literal, want] of cases) expect(kind(literal), literal).toBe(want);
  });

  test("whole literals around 2^53 and of any length, by BigInt", () => {
    const near = fc.bigInt({ min: -3000n, max: 3000n }).map((n) => M + n);
    const any = fc.bigInt({ min: 0n, max: 10n ** 18n });
    fc.assert(
      fc.property(fc.oneof(near, any, fc.bigInt({ min: 10n ** 14n, max: 10n ** 16n })), (n) => {
        const read = decode(`{"n":${n}}`);
        if (n <= M) expect(read.int("n", 0, Number(M))).toBe(Number(n));
        else expect(() => read.int("n", 0, Number(M), "MESSAGE_ID_OUT_OF_RANGE")).toThrow(/MESSAGE_ID_OUT_OF_RANGE/);
      }),
      { numRuns: 3000 },
    );
  });

  test("a literal has at most 1024 characters", () => {
    expect(outcome(`{"a":0.${"0".repeat(1021)}1,"b":1}`)).toMatchObject({ b: 1 });
    expect(outcome(`{"a":0.${"0".repeat(1022)}1,"b":1}`)).toBe("MSL_PARSE_ERROR");
    expect(outcome(`{"a":${"9".repeat(1_000_000)}}`)).toBe("MSL_PARSE_ERROR");
  });
});

describe("bounds", () => {
  test("32 levels are read, 33 are not", () => {
    const lists = (n: number) => `{"a":${"[".repeat(n - 1)}${"]".repeat(n - 1)}}`;
    const maps = (n: number) => `${'{"a":'.repeat(n)}1${"}".repeat(n)}`;
    for (const nest of [lists, maps]) {
      expect(typeof outcome(nest(32))).toBe("object");
      expect(outcome(nest(33))).toBe("MSL_PARSE_ERROR");
      expect(outcome(nest(1_000_000))).toBe("MSL_PARSE_ERROR");
      expect(outcome(nest(1_000_000).slice(0, 900_000))).toBe("MSL_PARSE_ERROR");
    }
  });

  test("an object holds a bounded number of values", () => {
    const list = (unit: string, n: number) => `{"a":[${Array(n).fill(unit).join(",")}]}`;
    for (const unit of ["{}", "[]", '""', "1"]) {
      expect(typeof outcome(list(unit, MAX_VALUES - 1))).toBe("object");
      expect(outcome(list(unit, MAX_VALUES))).toBe("MSL_PARSE_ERROR");
    }
    const members = (n: number) => `{${Array.from({ length: n }, (_, i) => `"${i}":1`).join(",")}}`;
    expect(decode(members(MAX_VALUES)).names().length).toBe(MAX_VALUES);
    expect(outcome(members(MAX_VALUES + 1))).toBe("MSL_PARSE_ERROR");
  });

  test("cut at any byte, an object is refused; so is what stands behind it", () => {
    const whole = '{"a":[1,-2.5e3,{"b":"x\\u00e9\\n","c":true,"d":false}],"e":"é€😀"}';
    const all = bytes(whole);
    for (let n = 0; n < all.length; n++) expect(() => decodeObject(all.subarray(0, n), "x")).toThrow(/MSL_PARSE_ERROR/);
    for (let c = 0; c < 256; c++) {
      const longer = Uint8Array.of(...all, c);
      if ([9, 10, 13, 32].includes(c)) decodeObject(longer, "x");
      else expect(() => decodeObject(longer, "x")).toThrow(/MSL_PARSE_ERROR/);
    }
  });
});
