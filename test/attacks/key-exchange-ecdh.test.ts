// ECDH with points that are none, of low order, or in forms that are not the protocol's, from either side and inside of
// real messages; keys that come back from a mirror; curves that nobody asked for.

import { describe, expect, test } from "vitest";
import type { EncodeFields } from "../../src/encoding/codec.ts";
import { ecdh, type EcdhCurve } from "../../src/key-exchange/ecdh.ts";
import { p256Curve } from "../../src/key-exchange/ecdh-p256.ts";
import { World } from "../scenario/world.ts";
import { ACCEPTED, type Answer, answered, asked, both, codeOf, hex, REFUSED, type Scheme } from "./key-exchange-kit.ts";

const curve =
  (name: EcdhCurve): Scheme =>
  (core) =>
    ecdh({ core, curves: [name], p256: p256Curve });

/** All points of low order in all their forms below 2^255, and the forms with the top bit that X25519 ignores. */
const LOW_ORDER = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];
const topBit = (text: string) => {
  const bytes = hex(text);
  bytes[31] = bytes[31]! | 0x80;
  return bytes;
};

describe("ECDH over X25519", () => {
  const scheme = curve("X25519");

  test("what was not changed is accepted", async () => {
    expect(await both(scheme, (own) => own)).toEqual(ACCEPTED);
  });

  test.each(LOW_ORDER)("the low-order point %s, with its top bit set too", async (text) => {
    expect(await both(scheme, () => hex(text))).toEqual(REFUSED);
    expect(await both(scheme, () => topBit(text))).toEqual(REFUSED);
  });

  test.each([0, 1, 31, 33, 64, 65, 4096])("%i bytes", async (length) => {
    expect(await both(scheme, () => new Uint8Array(length).fill(9))).toEqual(REFUSED);
  });

  test("a key that comes back from a mirror, as it was and with the bit that does not count", async () => {
    const reflected = (change: (own: Uint8Array) => Uint8Array) =>
      answered(scheme, ({ keydata, request }) => ({ ...keydata, publickey: change(request.bytes("publickey")) }));
    expect(await reflected((own) => own)).toBe("KEYX_INVALID_PUBLIC_KEY");
    expect(await reflected((own) => topBit(Buffer.from(own).toString("hex")))).toBe("KEYX_INVALID_PUBLIC_KEY");
  });
});

const P = (1n << 256n) - (1n << 224n) + (1n << 192n) + (1n << 96n) - 1n;
const I =
  "04dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c37725811805271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3";
const X = I.slice(2, 66);
const Y = I.slice(66);
const wide = (value: bigint) => value.toString(16).padStart(64, "0");

const BAD_POINTS: readonly (readonly [string, string])[] = [
  ["not on the curve", I.replace(/b3$/, "b2")],
  ["X = p", `04${wide(P)}${Y}`],
  ["Y = p", `04${X}${wide(P)}`],
  ["X above p", `04${wide(P + 5n)}${Y}`],
  ["Y above p: the same point, were it reduced", `04${X}${wide((BigInt(`0x${Y}`) + P) % (1n << 256n))}`],
  ["zero", `04${"00".repeat(64)}`],
  ["X = 0 without its Y", `04${"00".repeat(32)}${wide(1n)}`],
  ["all ones", `04${"ff".repeat(64)}`],
  ["infinity as one zero byte", "00"],
  ["infinity as 65 zero bytes", "00".repeat(65)],
  ["compressed, even", `02${X}`],
  ["compressed, odd", `03${X}`],
  ["hybrid, right parity", `07${X}${Y}`],
  ["hybrid, wrong parity", `06${X}${Y}`],
  ["hybrid with an even Y", `06${X}${wide(P - BigInt(`0x${Y}`))}`],
  ["coordinates alone", `${X}${Y}`],
  ["first byte 2", `02${X}${Y}`],
  ["first byte 3", `03${X}${Y}`],
  ["first byte 5", `05${X}${Y}`],
  ["first byte 0", `00${X}${Y}`],
  ["one byte more", `${I}00`],
  ["one byte less", I.slice(0, -2)],
  ["a key of X25519", "09".padEnd(64, "0")],
];

describe("ECDH over P-256", () => {
  const scheme = curve("P-256");

  test("what was not changed is accepted", async () => {
    expect(await both(scheme, (own) => own)).toEqual(ACCEPTED);
  });

  test.each(BAD_POINTS)("%s", async (_name, text) => {
    expect(await both(scheme, () => hex(text))).toEqual(REFUSED);
  });

  test("the point of these forms is one, were it written rightly: what fails is the form", async () => {
    const [request, response] = await both(scheme, () => hex(I));
    // Nobody here has its private half: the keys are made, and differ.
    expect([request, response]).not.toContain("KEYX_INVALID_PUBLIC_KEY");
    expect([request, response]).not.toContain("accepted");
  });

  test("no key, and a key that comes back from a mirror", async () => {
    expect(await both(scheme, () => new Uint8Array(0))).toEqual(REFUSED);
    const mirror = ({ keydata, request }: Answer) => ({ ...keydata, publickey: request.bytes("publickey") });
    expect(await answered(scheme, mirror)).toBe("KEYX_INVALID_PUBLIC_KEY");
  });
});

describe("curves", () => {
  const two: Scheme = (core) => ecdh({ core, curves: ["X25519", "P-256"], p256: p256Curve });

  test.each(["P-384", "secp256k1", "x25519", "p-256", "X448", "", "__proto__"])(
    "an unknown one, %j",
    async (parametersid) => {
      const change = (keydata: EncodeFields) => ({ ...keydata, parametersid });
      expect(await asked(curve("X25519"), change)).toBe("UNKNOWN_KEYX_PARAMETERS_ID");
      const response = ({ keydata }: Answer) => ({ ...keydata, parametersid });
      expect(await answered(two, response)).toBe("KEYX_RESPONSE_REQUEST_MISMATCH");
    },
  );

  test("one that is known and not enabled", async () => {
    const world = await World.create({ extend: (core) => ({ keyExchange: [curve("X25519")(core)] }) });
    const only = async (name: EcdhCurve) => codeOf(await world.device({ keyExchange: [curve(name)(world.core)] }));
    expect(await only("P-256")).toBe("UNKNOWN_KEYX_PARAMETERS_ID");
    expect(await only("X25519")).toBe("accepted");
  });

  test("an answer that names the other curve of the request is taken for that one, and is no key of it", async () => {
    const crossed = ({ keydata }: Answer) => ({
      ...keydata,
      parametersid: keydata.parametersid === "X25519" ? "P-256" : "X25519",
    });
    expect(await answered(two, crossed)).toBe("KEYX_INVALID_PUBLIC_KEY");
    expect(await answered(curve("X25519"), crossed)).toBe("KEYX_RESPONSE_REQUEST_MISMATCH");
    expect(await answered(two, ({ keydata }) => keydata)).toBe("accepted");
  });
});
