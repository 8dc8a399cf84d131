// What a message says of its sender's key exchanges beyond those of the reference: read, written and intersected.

import { expect, test } from "vitest";
import { ownCapabilities } from "../../src/control/settings.ts";
import { loadCore } from "../../src/core/core-node.ts";
import { decodeObject, encodeObject } from "../../src/encoding/codec.ts";
import { ecdh } from "../../src/key-exchange/ecdh.ts";
import type { KeyExchange } from "../../src/key-exchange/scheme.ts";
import { symmetricWrapped } from "../../src/key-exchange/symmetric-wrapped.ts";
import { capabilitiesFields, intersectCapabilities, parseCapabilities } from "../../src/message/capabilities.ts";

const FORMATS = ["JSON", "CBOR"] as const;
const EMPTY = { compression: [], languages: [], formats: [], keyxSchemes: [] } as const;

test.each(FORMATS)("keyxschemes in %s: a set of names, of which unknown ones stay", (format) => {
  const parse = (keyxschemes: unknown) =>
    parseCapabilities(decodeObject(encodeObject(format, { keyxschemes } as never), "capabilities")).keyxSchemes;
  expect(parse(["ECDH", "LATER", "ECDH"])).toEqual(["ECDH", "LATER"]);
  expect(parse([])).toEqual([]);
  expect(parse(null)).toEqual([]);
  expect(parse("ECDH")).toEqual([]);
  expect(() => parse(["ECDH", 1])).toThrow(expect.objectContaining({ code: "MSL_PARSE_ERROR" }));
  const wire = (keyxSchemes: readonly string[]) =>
    decodeObject(encodeObject(format, capabilitiesFields({ ...EMPTY, keyxSchemes })), "capabilities");
  expect(wire([]).has("keyxschemes")).toBe(false);
  expect(parseCapabilities(wire(["ECDH"])).keyxSchemes).toEqual(["ECDH"]);
});

test("the intersection has what both have; a side that says nothing has none", () => {
  const of = (...keyxSchemes: string[]) => ({ ...EMPTY, keyxSchemes });
  expect(intersectCapabilities(of("A", "ECDH"), of("ECDH", "B"))?.keyxSchemes).toEqual(["ECDH"]);
  expect(intersectCapabilities(of("ECDH"), of())?.keyxSchemes).toEqual([]);
  expect(intersectCapabilities(of(), of("ECDH"))?.keyxSchemes).toEqual([]);
  expect(intersectCapabilities(null, of("ECDH"))).toBeNull();
});

test("schemes that need it are advertised, an application's own too, and no others", async () => {
  const core = await loadCore();
  const wrapped = symmetricWrapped({ core, pskContextOf: () => null });
  const own: KeyExchange = { ...wrapped, name: "FACTORY_SECRET", needsAdvertisement: true };
  expect(ownCapabilities(undefined, null, [ecdh({ core }), wrapped, own]).keyxSchemes).toEqual([
    "ECDH",
    "FACTORY_SECRET",
  ]);
  expect(ownCapabilities(undefined, null, [wrapped]).keyxSchemes).toEqual([]);
});
