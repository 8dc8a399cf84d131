// Reading members: no coercion between types, errors that say where and nothing else, keys that stay bytes, re-encoding.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeObject,
  detectFormat,
  EncodedObject,
  type EncodeFields,
  type EncodeValue,
  encodeObject,
  type Format,
} from "../../src/encoding/codec.ts";
import type { MslMap } from "../../src/encoding/msl-map.ts";
import { MslError } from "../../src/errors/msl-error.ts";

const M = 2 ** 53;
const FORMATS = ["JSON", "CBOR"] as const;
const bytes = (s: string) => Uint8Array.from(Buffer.from(s));
const json = (s: string) => decodeObject(bytes(s), "x");
const cut = (format: Format, fields: EncodeFields) => decodeObject(encodeObject(format, fields), "x");

const VALUES: EncodeFields = {
  text: "no Base64!",
  number: 5,
  yes: true,
  binary: Uint8Array.of(1, 2, 3, 255),
  object: { a: 1 },
  list: [1],
};

type Read = (map: MslMap, name: string) => unknown;

const READS: Record<
  string,
  { readonly takes: string; readonly get: Read; readonly opt: Read; readonly none: unknown }
> = {
  string: { takes: "text", get: (m, n) => m.string(n), opt: (m, n) => m.stringOr(n), none: null },
  bool: { takes: "yes", get: (m, n) => m.bool(n), opt: (m, n) => m.boolOr(n, false), none: false },
  int: { takes: "number", get: (m, n) => m.int(n, 0, M), opt: (m, n) => m.intOr(n, 0, M), none: null },
  bytes: { takes: "binary", get: (m, n) => m.bytes(n), opt: (m, n) => m.bytesOr(n), none: null },
  map: { takes: "object", get: (m, n) => m.map(n), opt: (m, n) => m.mapOr(n), none: null },
  list: { takes: "list", get: (m, n) => m.list(n), opt: (m, n) => m.listOr(n), none: null },
};

describe.each(FORMATS)("%s", (format) => {
  const map = cut(format, VALUES);

  test.each(Object.keys(READS))("%s takes its own type alone", (kind) => {
    const { takes, get, opt, none } = READS[kind]!;
    for (const name of Object.keys(VALUES)) {
      // JSON carries bytes as text.
      const isTaken = name === takes || (format === "JSON" && kind === "string" && name === "binary");
      if (isTaken) expect(get(map, name)).toEqual(opt(map, name));
      else {
        expect(() => get(map, name), name).toThrow(new RegExp(`MSL_PARSE_ERROR.*\\(at x\\.${name}\\)`));
        expect(() => opt(map, name), name).toThrow(new RegExp(`MSL_PARSE_ERROR.*\\(at x\\.${name}\\)`));
      }
    }
    expect(() => get(map, "absent")).toThrow(/\(at x\.absent\)/);
    expect(opt(map, "absent")).toEqual(none);
  });

  test("lenient reads give nothing for another type", () => {
    for (const name of [...Object.keys(VALUES), "absent"]) {
      const isText = name === "text" || (format === "JSON" && name === "binary");
      expect(map.lenientString(name) !== null, name).toBe(isText);
      expect(map.lenientInt(name), name).toBe(name === "number" ? 5 : null);
      expect(map.lenientList(name)?.length ?? null, name).toBe(name === "list" ? 1 : null);
    }
  });

  test("ranges are inclusive and have their own code", () => {
    const read = (value: number) => cut(format, { n: value }).int("n", -3, 7, "PAYLOAD_MESSAGE_ID_OUT_OF_RANGE");
    for (const value of [-3, 0, 7]) expect(read(value)).toBe(value);
    for (const value of [-4, 8, M, -M]) expect(() => read(value)).toThrow(/PAYLOAD_MESSAGE_ID_OUT_OF_RANGE.*x\.n/);
    expect(() => cut(format, { n: 8 }).int("n", 0, 7)).toThrow(/MSL_PARSE_ERROR.*x\.n/);
    expect(() => cut(format, { n: 8 }).intOr("n", 0, 7)).toThrow(/MSL_PARSE_ERROR.*x\.n/);
  });

  test("errors carry the code of the structure and the path on which it was reached", () => {
    const tokens = [{ name: "a" }, { name: 5, deep: { list: ["t", 1] } }];
    const wire = encodeObject(format, { servicetokens: tokens });
    const outer = decodeObject(wire, "headerdata", "USERIDTOKEN_TOKENDATA_PARSE_ERROR");
    const second = outer.list("servicetokens").map(1);
    expect(second.path).toBe("headerdata.servicetokens[1]");
    expect(() => second.string("name")).toThrow(
      /^USERIDTOKEN_TOKENDATA_PARSE_ERROR.*at headerdata\.servicetokens\[1\]\.name\)/,
    );
    const list = second.map("deep").list("list");
    expect(list.path).toBe("headerdata.servicetokens[1].deep.list");
    expect(list.string(0)).toBe("t");
    expect(() => list.string(1)).toThrow(/deep\.list\[1\]\)/);
    expect(() => list.string(2)).toThrow(/deep\.list\[2\]\)/);
    expect(() => list.map(0)).toThrow(/deep\.list\[0\]\)/);
    expect(() => decodeObject(wire.subarray(1), "headerdata", "USERIDTOKEN_TOKENDATA_PARSE_ERROR")).toThrow(
      /^USERIDTOKEN_TOKENDATA_PARSE_ERROR/,
    );
  });

  test("names of Object.prototype are names, in both directions", () => {
    const names = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", ""];
    const fields: Record<string, number> = Object.create(null);
    for (const [i, name] of names.entries()) fields[name] = i;
    const read = cut(format, fields);
    const again = cut(format, read.toFields());
    for (const [i, name] of names.entries()) expect([read.int(name, 0, 9), again.int(name, 0, 9)]).toEqual([i, i]);
    expect(read.names().sort()).toEqual([...names].sort());
    expect(Object.keys(read.toPlain()).sort()).toEqual([...names].sort());
    const empty = cut(format, {});
    for (const name of names) expect([empty.has(name), empty.lenientString(name)]).toEqual([false, null]);
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  });

  test("what was read can be written again, from a buffer that was wiped since", () => {
    const fields = { ...VALUES, nested: { deeper: [{ data: Uint8Array.of(9) }, "é", -1, false] } };
    const wire = encodeObject(format, fields);
    const want = decodeObject(wire, "x").toPlain();
    const buffer = wire.slice();
    const copy = decodeObject(buffer, "x").toFields();
    buffer.fill(0);
    for (const other of FORMATS) expect(cut(other, copy).toPlain()).toEqual(want);
  });

  test("32 levels are written, 33 and cycles are not", () => {
    const maps = (n: number): EncodeFields => (n === 1 ? {} : { a: maps(n - 1) });
    const list = (n: number): EncodeValue => (n === 1 ? [] : [list(n - 1)]);
    const lists = (n: number): EncodeFields => ({ a: list(n - 1) });
    for (const nest of [maps, lists]) {
      expect(cut(format, nest(32)).has("a")).toBe(true);
      expect(() => encodeObject(format, nest(33))).toThrow(/MSL_ENCODE_ERROR/);
    }
    const cycle: Record<string, unknown> = {};
    cycle.list = [cycle];
    expect(() => encodeObject(format, cycle as EncodeFields)).toThrow(/MSL_ENCODE_ERROR/);
    // The writer is usable afterwards.
    expect(cut(format, { a: 1 }).int("a", 0, 1)).toBe(1);
  });

  test("an encoded object is spliced as it stands, if it is of the same format", () => {
    const inner = encodeObject(format, { b: [1, 2], data: Uint8Array.of(7) });
    const read = cut(format, { a: new EncodedObject(format, inner), list: [new EncodedObject(format, inner)] });
    expect(read.map("a").list("b").length).toBe(2);
    expect([...read.list("list").map(0).bytes("data")]).toEqual([7]);
    const other = format === "JSON" ? "CBOR" : "JSON";
    expect(() => encodeObject(other, { a: new EncodedObject(format, inner) })).toThrow(/MSL_ENCODE_ERROR/);
  });

  test("a received object cannot pass for an encoded one", () => {
    const received = cut("CBOR", { kind: "encoded", format, bytes: bytes('1,"injected":1') }).toFields();
    const read = cut(format, { issuerdata: received });
    expect(read.names()).toEqual(["issuerdata"]);
    expect(read.map("issuerdata").string("kind")).toBe("encoded");
    expect(Buffer.from(read.map("issuerdata").bytes("bytes")).toString()).toBe('1,"injected":1');
  });

  test("absent members are not written, absent elements and strange values are refused", () => {
    expect(cut(format, { a: null, b: undefined, c: 1 }).names()).toEqual(["c"]);
    for (const bad of [[null], [undefined], [[null]], [1.5], [Number.POSITIVE_INFINITY], [M + 2], ["\udc00"]] as const)
      expect(() => encodeObject(format, { a: bad as never })).toThrow(/MSL_ENCODE_ERROR/);
    expect(() => encodeObject(format, { "\ud800": 1 })).toThrow(/MSL_ENCODE_ERROR/);
  });
});

describe("objects inside byte strings", () => {
  test("a native byte string of either format is an object, with the same code and its own path", () => {
    for (const inner of FORMATS) {
      const held = encodeObject(inner, { scheme: "PSK", authdata: { n: 1 } });
      const map = cut("CBOR", { entityauthdata: held, list: [held] });
      expect(map.map("entityauthdata").map("authdata").int("n", 0, 1)).toBe(1);
      expect(map.list("list").map(0).string("scheme")).toBe("PSK");
      expect(() => map.map("entityauthdata").string("absent")).toThrow(/\(at x\.entityauthdata\.absent\)/);
    }
    for (const bad of [bytes(""), bytes("{"), bytes("x"), Uint8Array.of(0xa0, 0)])
      expect(() => cut("CBOR", { data: bad }).map("data")).toThrow(/MSL_PARSE_ERROR.*x\.data/);
  });

  test("a Base64 string is none", () => {
    const held = encodeObject("JSON", { a: 1 });
    expect(() => cut("JSON", { data: held }).map("data")).toThrow(/MSL_PARSE_ERROR.*x\.data/);
  });
});

describe("numbers that are no integers of ±2^53", () => {
  test("do not disturb who does not read them, and are not rounded when written again", () => {
    for (const literal of ["9007199254740993", "-9007199254740993", "1.5", "9007199254740992.5", "1e400", "1e300"]) {
      const map = json(`{"odd":${literal},"messageid":1}`);
      expect(map.int("messageid", 0, 1)).toBe(1);
      expect(() => map.int("odd", -M, M), literal).toThrow(/x\.odd/);
      for (const format of FORMATS)
        expect(() => encodeObject(format, map.toFields()), literal).toThrow(/MSL_ENCODE_ERROR/);
    }
  });

  test("a version number near a known one is not that one", () => {
    expect(json('{"n":9007199254740993}').lenientInt("n")).not.toBe(M);
    expect(json('{"n":2.5}').lenientInt("n")).toBeNull();
    expect(json('{"n":2.0}').lenientInt("n")).toBe(2);
  });
});

describe("key material", () => {
  test("plain Base64 is handed over as it stands, as a view that the importer wipes", () => {
    const wire = bytes('{"encryptionkey":"AAECAw==","hmackey":"BAUG"}');
    const map = decodeObject(wire, "x");
    const { encoding, bytes: view } = map.secret("encryptionkey");
    expect([encoding, Buffer.from(view).toString()]).toEqual(["base64", "AAECAw=="]);
    view.fill(0);
    expect(Buffer.from(wire).includes("AAECAw")).toBe(false);
    expect(Buffer.from(map.secret("hmackey").bytes).toString()).toBe("BAUG");
  });

  test("escaped or spaced Base64, and CBOR, are handed over as raw bytes", () => {
    const cases = ['"A\\u0041ECAw=="', '" AAECAw=="', '"AAEC\\nAw=="', '"AAECAw\\u003d="'];
    for (const literal of cases) {
      const { encoding, bytes: key } = json(`{"k":${literal}}`).secret("k");
      expect([encoding, ...key], literal).toEqual(["raw", 0, 1, 2, 3]);
    }
    const wire = encodeObject("CBOR", { k: Uint8Array.of(5, 6, 7, 8) });
    const { encoding, bytes: key } = decodeObject(wire, "x").secret("k");
    expect([encoding, ...key]).toEqual(["raw", 5, 6, 7, 8]);
    key.fill(0);
    expect([...wire.slice(-4)]).toEqual([0, 0, 0, 0]);
  });

  test("what is no Base64 is refused before any import", () => {
    for (const literal of ['"AAE"', '"A-_A"', "5", "{}", '"\\ud800"', '"AA=A"'])
      expect(() => json(`{"k":${literal}}`).secret("k"), literal).toThrow(/MSL_PARSE_ERROR.*x\.k/);
    expect(() => json("{}").secret("k")).toThrow(/MSL_PARSE_ERROR.*x\.k/);
    expect(() => cut("CBOR", { k: "AAECAw==" }).secret("k")).toThrow(/MSL_PARSE_ERROR.*x\.k/);
  });
});

describe("error texts", () => {
  const canary = "hunter2-C4N4RY";

  /** Message, path and stack of the error that decoding or reading gives. */
  function complaint(step: () => unknown): string {
    try {
      step();
    } catch (error) {
      if (error instanceof MslError) return `${error.message} ${error.where} ${error.stack?.split("\n")[0]}`;
      throw error;
    }
    throw new Error("nothing was refused");
  }

  test("show MSL's own names on the way to a fault, and none that a peer made up", () => {
    const faults = [
      `{"${canary}":1,"${canary}":2}`,
      `{"userauthdata":{"${canary}":{"a":null}}}`,
      `{"userauthdata":{"${canary}":[{"${canary}":"\u0001"}]}}`,
      `{"userauthdata":{"a":"${canary}\u0001"}}`,
      `{"userauthdata":{"a":${canary}}}`,
    ];
    for (const fault of faults) expect(complaint(() => json(fault))).not.toContain(canary);
    expect(complaint(() => json('{"servicetokens":[1,{"data":null}]}'))).toContain("(at x.servicetokens[1])");
    expect(complaint(() => json(`{"userauthdata":{"${canary}":[0,[null]]}}`))).toContain("(at x.userauthdata.?[1])");
    const text = (s: string) => [0x60 + s.length, ...Buffer.from(s)];
    const cbor = (...inner: number[]) => Uint8Array.of(0xa1, 0x18, 70, 0xa1, ...text(canary), ...inner);
    expect(complaint(() => decodeObject(cbor(0x81, 0xf6), "x"))).toContain("(at x.userauthdata.?)");
    expect(complaint(() => decodeObject(cbor(0xa1, ...text(canary), 0xf6), "x"))).not.toContain(canary);
  });

  test("hold nothing of any member, however a message is damaged", () => {
    const fields = { userauthdata: { scheme: "EMAIL_PASSWORD", authdata: { email: canary, password: canary } } };
    for (const format of FORMATS) {
      const wire = encodeObject(format, { ...fields, [canary]: { [canary]: [canary] } });
      fc.assert(
        fc.property(fc.nat(wire.length - 1), fc.nat(255), (at, value) => {
          const bad = wire.slice();
          bad[at] = value;
          try {
            decodeObject(bad, "x").map("userauthdata").map("authdata").string("password");
          } catch (error) {
            expect(String((error as Error).message)).not.toMatch(/hunter2|C4N4/);
          }
        }),
        { numRuns: 1000 },
      );
    }
  });
});

test("the first byte tells the format", () => {
  for (let b = 0; b < 256; b++) expect(detectFormat(b)).toBe(b === 0x7b ? "JSON" : b >> 5 === 5 ? "CBOR" : null);
});
