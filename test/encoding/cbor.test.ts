// The CBOR decoder against a writer of its own that uses every permitted form, and against everything not permitted.

import { decode as oracleDecode, Encoder } from "cbor-x";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeObject, encodeObject } from "../../src/encoding/codec.ts";
import { knownName, LABEL_NAMES, LABELS } from "../../src/encoding/labels.ts";
import { MAX_VALUES } from "../../src/encoding/limits.ts";
import { MslError } from "../../src/errors/msl-error.ts";

const M = 2 ** 53;
const raw = (...bytes: number[]) => Uint8Array.from(bytes);
const utf8 = (s: string) => [...Buffer.from(s)];

/** A head whose argument takes the shortest form, or `widen` sizes more. */
function head(major: number, value: number | bigint, widen = 0): number[] {
  const n = BigInt(value);
  const shortest = n < 24n ? 0 : n < 1n << 8n ? 1 : n < 1n << 16n ? 2 : n < 1n << 32n ? 3 : 4;
  const size = Math.min(4, shortest + widen);
  if (size === 0) return [(major << 5) | Number(n)];
  const bytes: number[] = [];
  for (let k = (1 << (size - 1)) - 1; k >= 0; k--) bytes.push(Number((n >> BigInt(8 * k)) & 255n));
  return [(major << 5) | (23 + size), ...bytes];
}

const text = (s: string, widen = 0) => [...head(3, utf8(s).length, widen), ...utf8(s)];

function outcome(bytes: readonly number[]): unknown {
  try {
    return decodeObject(raw(...bytes), "x").toPlain();
  } catch (error) {
    if (!(error instanceof MslError)) throw error;
    return error.code;
  }
}

/** A value with one of the encodings that it may have. */
interface Encoded {
  readonly plain: unknown;
  readonly bytes: readonly number[];
}

const widening = fc.nat(4);
const leaves: fc.Arbitrary<Encoded> = fc.oneof(
  fc.tuple(fc.oneof(fc.maxSafeNat(), fc.nat(300), fc.constant(M)), widening).map(([n, w]) => ({
    plain: n,
    bytes: head(0, n, w),
  })),
  fc.tuple(fc.oneof(fc.maxSafeNat(), fc.nat(300), fc.constant(M - 1)), widening).map(([n, w]) => ({
    plain: -1 - n,
    bytes: head(1, n, w),
  })),
  fc.boolean().map((b) => ({ plain: b, bytes: [b ? 0xf5 : 0xf4] })),
  fc.tuple(fc.string({ unit: "grapheme" }), widening).map(([s, w]) => ({ plain: s, bytes: text(s, w) })),
  fc.tuple(fc.uint8Array({ maxLength: 40 }), widening).map(([b, w]) => ({
    plain: Buffer.from(b).toString("base64"),
    bytes: [...head(2, b.length, w), ...b],
  })),
);

const tree = fc.letrec<{ any: Encoded; map: Encoded }>((tie) => ({
  map: fc
    .tuple(
      fc.uniqueArray(fc.oneof(fc.constantFrom(...LABEL_NAMES), fc.string({ unit: "grapheme" })), { maxLength: 5 }),
      fc.array(fc.tuple(tie("any"), fc.boolean(), widening), { minLength: 5, maxLength: 5 }),
      widening,
    )
    .map(([names, values, widen]) => {
      const plain: Record<string, unknown> = Object.create(null);
      const bytes = head(5, names.length, widen);
      names.forEach((name, i) => {
        const [value, isText, w] = values[i]!;
        const label = LABELS.get(name);
        plain[name] = value.plain;
        bytes.push(...(label === undefined || isText ? text(name, w) : head(0, label, w)), ...value.bytes);
      });
      return { plain, bytes };
    }),
  any: fc.oneof(
    { maxDepth: 4 },
    leaves,
    fc.tuple(fc.array(tie("any"), { maxLength: 4 }), widening).map(([items, w]) => ({
      plain: items.map((item) => item.plain),
      bytes: [...head(4, items.length, w), ...items.flatMap((item) => item.bytes)],
    })),
    tie("map"),
  ),
})).map;

describe("what is read", () => {
  test("every permitted form of a value is that value", () => {
    fc.assert(
      fc.property(tree, ({ plain, bytes }) => {
        expect(outcome(bytes)).toEqual(plain);
      }),
      { numRuns: 500 },
    );
  });

  test("cut at any byte or with one more, it is refused", () => {
    fc.assert(
      fc.property(tree, fc.nat(255), ({ bytes }, extra) => {
        for (let n = 0; n < bytes.length; n++) expect(outcome(bytes.slice(0, n))).toBe("MSL_PARSE_ERROR");
        expect(outcome([...bytes, extra])).toBe("MSL_PARSE_ERROR");
      }),
      { numRuns: 100 },
    );
  });

  test("one changed byte gives a value or a typed error", () => {
    fc.assert(
      fc.property(tree, fc.nat(), fc.nat(255), ({ bytes }, at, value) => {
        const changed = [...bytes];
        changed[at % bytes.length] = value;
        const result = outcome(changed);
        expect(typeof result === "object" || result === "MSL_PARSE_ERROR").toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test("floats that are integers are integers, all others are not", () => {
    const read = (...bytes: number[]) => {
      const map = decodeObject(raw(0xa1, 0x0a, ...bytes), "x");
      try {
        return map.int("messageid", -M, M, "MESSAGE_ID_OUT_OF_RANGE");
      } catch (error) {
        return (error as MslError).code;
      }
    };
    const view = new DataView(new ArrayBuffer(8));
    const want = (value: number) => {
      if (!Number.isInteger(value)) return "MSL_PARSE_ERROR";
      return Math.abs(value) <= M ? value + 0 : "MESSAGE_ID_OUT_OF_RANGE";
    };
    const values = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer().map((n) => n * 2 ** 20),
      fc.constantFrom(M, -M, M + 2, -0, 0.5, Number.MAX_VALUE, Number.MIN_VALUE),
    );
    fc.assert(
      fc.property(values, (value) => {
        view.setFloat64(0, value);
        expect(read(0xfb, ...new Uint8Array(view.buffer))).toBe(want(value));
        const single = Math.fround(value);
        if (!Number.isFinite(single)) return;
        view.setFloat32(0, single);
        expect(read(0xfa, ...new Uint8Array(view.buffer, 0, 4))).toBe(want(single));
      }),
      { numRuns: 2000 },
    );
    for (let bits = 0; bits < 65536; bits++) {
      const value: number = oracleDecode(raw(0xf9, bits >> 8, bits & 255));
      if (Number.isFinite(value)) expect(read(0xf9, bits >> 8, bits & 255)).toBe(want(value));
      else expect(outcome([0xa1, 0x0a, 0xf9, bits >> 8, bits & 255])).toBe("MSL_PARSE_ERROR");
    }
  });

  test("what cbor-x writes with definite lengths is read", () => {
    const encoder = new Encoder({ useRecords: false, variableMapSize: true, mapsAsObjects: true });
    const value = { name: "é€😀", list: [1, -1, 1000, 65536, true, [false]], data: { other: "x" }, n: 2 ** 31 };
    expect(outcome([...encoder.encode(value)])).toEqual(value);
  });
});

describe("labels", () => {
  test("each stands for its name in both directions, at every length of the head", () => {
    LABEL_NAMES.forEach((name, label) => {
      expect([...encodeObject("CBOR", { [name]: 1 })]).toEqual([0xa1, ...head(0, label), 1]);
      for (let widen = 0; widen <= 4; widen++) {
        expect(outcome([0xa1, ...head(0, label, widen), 1])).toEqual({ [name]: 1 });
        expect(outcome([0xa2, ...head(0, label, widen), 1, ...text(name), 1])).toBe("MSL_PARSE_ERROR");
      }
      const bytes = raw(...utf8(`-${name}-`));
      expect(knownName(bytes, 1, bytes.length - 1)).toBe(name);
      expect(knownName(bytes, 0, bytes.length - 1)).toBeNull();
      expect(knownName(bytes, 1, bytes.length)).toBeNull();
    });
  });

  test("those outside the table are read over, but not twice", () => {
    const strange = [
      76n,
      255n,
      (1n << 32n) + 76n,
      1n << 53n,
      3n << 53n,
      (1n << 53n) + 1n,
      (1n << 64n) - 1n,
      (1n << 64n) - 2n,
    ];
    for (const label of strange) {
      const member = (widen: number) => [...head(0, label, widen), 0x81, 0xa1, 0x61, 0x7a, 0xf5];
      expect(outcome([0xa2, ...member(0), 0x0a, 7])).toEqual({ messageid: 7 });
      for (const widen of [0, 1, 4]) expect(outcome([0xa2, ...member(0), ...member(widen)])).toBe("MSL_PARSE_ERROR");
      for (const other of strange.filter((n) => n !== label))
        expect(outcome([0xa2, ...member(0), ...head(0, other), 1])).toEqual({});
      // What they hold is held to the rules all the same.
      expect(outcome([0xa1, ...head(0, label), 0xf6])).toBe("MSL_PARSE_ERROR");
    }
  });
});

describe("what is refused", () => {
  const inMap = (...value: number[]) => [0xa1, 0x0a, ...value];
  const cases: [string, number[]][] = [
    ["null", inMap(0xf6)],
    ["undefined", inMap(0xf7)],
    ["break", inMap(0xff)],
    ["indefinite bytes", inMap(0x5f, 0x41, 1, 0xff)],
    ["indefinite text", inMap(0x7f, 0x61, 0x61, 0xff)],
    ["indefinite list", inMap(0x9f, 1, 0xff)],
    ["indefinite map", [0xbf, 0x0a, 1, 0xff]],
    ["a bignum", inMap(0xc2, 0x41, 1)],
    ["a negative bignum", inMap(0xc3, 0x41, 1)],
    ["a date", inMap(0xc1, 1)],
    ["an embedded tag", inMap(0xd8, 24, 0x41, 0xa0)],
    ["the self-describe tag", [0xd9, 0xd9, 0xf7, 0xa0]],
    ["a byte string as key", [0xa1, 0x41, 0x61, 1]],
    ["a negative key", [0xa1, 0x20, 1]],
    ["a boolean key", [0xa1, 0xf5, 1]],
    ["a float key", [0xa1, 0xf9, 0x3c, 0, 1]],
    ["a map as key", [0xa1, 0xa0, 1]],
    ["the same text twice", [0xa2, 0x61, 0x7a, 1, 0x61, 0x7a, 1]],
    ["malformed UTF-8 in a value", inMap(0x62, 0xc3, 0x28)],
    ["malformed UTF-8 in a key", [0xa1, 0x62, 0xc3, 0x28, 1]],
    ["a list outside a map", [0x81, 1]],
    ["two maps", [0xa0, 0xa0]],
    ["nothing", []],
  ];
  for (let info = 0; info < 32; info++) {
    if (info !== 20 && info !== 21 && (info < 25 || info > 27))
      cases.push([`simple value ${info}`, inMap(0xe0 | info, 32)]);
    if (info > 27) for (let major = 0; major < 7; major++) cases.push([`${major}/${info}`, inMap((major << 5) | info)]);
  }
  test.each(cases)("%s", (_, bytes) => {
    expect(outcome(bytes)).toBe("MSL_PARSE_ERROR");
  });

  test("declared lengths and counts that the bytes cannot hold, of every size", () => {
    for (const major of [2, 3, 4, 5]) {
      for (const size of [1, 2, 4, 8]) {
        for (const fill of [0x7f, 0xff, 0x20]) {
          const declared = [(major << 5) | (24 + Math.log2(size)), ...Array(size).fill(fill)];
          expect(outcome(inMap(...declared, 0, 0, 0))).toBe("MSL_PARSE_ERROR");
          if (major === 5) expect(outcome([...declared, 0x0a, 0, 0])).toBe("MSL_PARSE_ERROR");
        }
      }
    }
  });

  test("33 levels, and more values than the bound", () => {
    const lists = (n: number) => [0xa1, 0x0a, ...Array(n - 2).fill(0x81), 0x80];
    const maps = (n: number) => [
      ...Array(n - 1)
        .fill([0xa1, 0x0a])
        .flat(),
      0xa0,
    ];
    for (const nest of [lists, maps]) {
      expect(typeof outcome(nest(32))).toBe("object");
      expect(outcome(nest(33))).toBe("MSL_PARSE_ERROR");
      expect(outcome(nest(50_000))).toBe("MSL_PARSE_ERROR");
    }
    const wide = (n: number) => [0xa1, 0x0a, ...head(4, n), ...Array(n).fill(0xa0)];
    expect(typeof outcome(wide(MAX_VALUES - 1))).toBe("object");
    expect(outcome(wide(MAX_VALUES))).toBe("MSL_PARSE_ERROR");
  });
});

test("the head counts the members that are written, be they few or many, left out or not", () => {
  for (const total of [0, 1, 22, 23, 24, 25, 300]) {
    for (const every of [1, 2, 7]) {
      const fields: Record<string, number | null> = {};
      for (let i = 0; i < total; i++) fields[`m${i}`] = i % every === 0 ? i : null;
      const kept = Object.entries(fields).filter(([, value]) => value !== null);
      const map = decodeObject(encodeObject("CBOR", fields), "x");
      expect(map.names()).toEqual(kept.map(([name]) => name));
      for (const [name, value] of kept) expect(map.int(name, 0, 1000)).toBe(value);
    }
  }
});
