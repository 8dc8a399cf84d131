// DIFFIE_HELLMAN: agreement in every group, Java's zero bytes, and what an attacker may send as a public value.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { dhImport } from "../../src/core/dh.ts";
import { MslUsageError } from "../../src/errors/msl-error.ts";
import { diffieHellman } from "../../src/key-exchange/diffie-hellman.ts";
import {
  answerOf,
  binding,
  bytesOf,
  bytesOfNumber,
  codeOf,
  core,
  entity,
  expectSame,
  FORMATS,
  fromHex,
  keysOf,
  numberOf,
  onWire,
  parsed,
  run,
} from "./kit.ts";

interface GroupRow {
  readonly parametersid: string;
  readonly p: string;
}

const FILE = JSON.parse(readFileSync(new URL("../vectors/keys.json", import.meta.url), "utf8")) as { dh: GroupRow[] };
const P = BigInt(`0x${FILE.dh.find((row) => row.parametersid === "modp2048")?.p}`);
const GROUPS = ["group14", "ffdhe2048", "ffdhe3072"];
const group14 = diffieHellman({ core });

describe.each(FORMATS)("in %s", (format) => {
  test.each(GROUPS)("both sides agree in %s", async (id) => {
    const requester = diffieHellman({ core, offer: [id] });
    expectSame(await run(requester, group14, {}, format));
  });

  test("fresh keys for each exchange", async () => {
    const first = await run(group14, group14, {}, format);
    const second = await run(group14, group14, {}, format);
    expect(keysOf(first.issuer)).not.toBe(keysOf(second.issuer));
  });
});

test("values travel behind exactly one zero byte, and are taken behind none or several", async () => {
  const outcome = await run(group14, group14);
  const value = bytesOf(outcome.keydata, "publickey");
  expect([value[0], value[1] === 0]).toEqual([0, false]);
  const rewritten = (make: (value: Uint8Array) => Uint8Array) => ({
    request: (keydata: object) => ({ ...keydata, publickey: make(bytesOf(keydata as never, "publickey")) }),
    response: (keydata: object) => ({ ...keydata, publickey: make(bytesOf(keydata as never, "publickey")) }),
  });
  expectSame(
    await run(
      group14,
      group14,
      rewritten((bytes) => bytes.slice(1)),
    ),
  );
  expectSame(
    await run(
      group14,
      group14,
      rewritten((bytes) => Uint8Array.of(0, 0, 0, ...bytes)),
    ),
  );
});

test("the worked example of 2048 bits: the secret behind one zero byte, through SHA-384", async () => {
  const xA = "2ea845120158245bda09c370d05b63a140d26c63c13961601ab625e3c3bee4b5";
  const xB = "6242ec47d9a298d6737c2004525b8b93019512540ac0cf27309399fdca33b8a0";
  const fixed = (x: string) => diffieHellman({ core, generate: (group) => dhImport(core, group, fromHex(x)) });
  const outcome = await run(fixed(xA), fixed(xB));
  expectSame(outcome);
  expect(keysOf(outcome.issuer)).toBe(
    "108c1e5eb2ba77461822a2e61ca8d786 95b0a77fe0881519e3b5dd209c28e616d914e6e6e18bf9b6b2eef6696832ca6c",
  );
});

const BAD_VALUES: readonly (readonly [string, bigint])[] = [
  ["0", 0n],
  ["1", 1n],
  ["p - 1", P - 1n],
  ["p", P],
  ["p + 1", P + 1n],
  ["p + 10", P + 10n],
  ["2p", 2n * P],
  ["2^4096", 1n << 4096n],
];

describe("public values outside 2..p-2", () => {
  test.each(BAD_VALUES)("%s is refused by the issuer, behind any number of zeros", async (_name, value) => {
    for (const zeros of [0, 1, 3]) {
      const publickey = Uint8Array.of(...new Uint8Array(zeros), ...bytesOfNumber(value));
      const request = await parsed(group14, { parametersid: "group14", publickey });
      expect(await codeOf(() => group14.respond(request.parsed, binding()))).toBe("KEYX_INVALID_PUBLIC_KEY");
    }
  });

  test.each(BAD_VALUES)("%s is refused by the requester", async (_name, value) => {
    const publickey = Uint8Array.of(0, ...bytesOfNumber(value));
    const response = (keydata: object) => ({ ...keydata, publickey });
    expect(await codeOf(() => run(group14, group14, { response }))).toBe("KEYX_INVALID_PUBLIC_KEY");
  });

  test("2 and p - 2 are values", async () => {
    for (const value of [2n, P - 2n]) {
      const request = await parsed(group14, { parametersid: "group14", publickey: bytesOfNumber(value) });
      const { keys } = await answerOf(group14, request.parsed, binding());
      expect(keysOf(keys)).toHaveLength(97);
    }
  });

  test("an empty value fails the message, a value much too long does not get to the arithmetic", async () => {
    const keydata = { parametersid: "group14", publickey: new Uint8Array(0) };
    expect(await codeOf(() => parsed(group14, keydata))).toBe("KEYX_INVALID_PUBLIC_KEY");
    const long = await parsed(group14, { parametersid: "group14", publickey: new Uint8Array(100_000).fill(7) });
    expect(await codeOf(() => group14.respond(long.parsed, binding()))).toBe("KEYX_INVALID_PUBLIC_KEY");
  });
});

describe("attacks", () => {
  test("a value that comes back from a mirror is refused on both sides", async () => {
    const [request] = await group14.createRequests();
    const answer = onWire(request!.keydata);
    expect(await codeOf(() => group14.complete(request!, answer, binding()))).toBe("KEYX_INVALID_PUBLIC_KEY");
    const x = "6242ec47d9a298d6737c2004525b8b93019512540ac0cf27309399fdca33b8a0";
    const fixed = diffieHellman({ core, generate: (group) => dhImport(core, group, fromHex(x)) });
    expect(await codeOf(() => run(fixed, fixed))).toBe("KEYX_INVALID_PUBLIC_KEY");
  });

  test("misbinding: the keys name nobody, which is why issuers prefer ECDH", async () => {
    // The issuer believes that it talks to the attacker, the requester that it talks to the issuer: the protocol has it so.
    const issuer = { identity: "mallory", request: entity("mallory"), response: entity("server") };
    expectSame(await run(group14, group14, { issuer }));
  });

  test("a response in another group is no answer to this request", async () => {
    const response = (keydata: object) => ({ ...keydata, parametersid: "ffdhe2048" });
    expect(await codeOf(() => run(group14, group14, { response }))).toBe("KEYX_RESPONSE_REQUEST_MISMATCH");
  });

  test("one request answers once: its private half is gone with it", async () => {
    const [request] = await group14.createRequests();
    const received = await parsed(group14, request!.keydata);
    const { keydata } = await answerOf(group14, received.parsed, binding());
    request!.dispose();
    request!.dispose();
    expect(await codeOf(() => group14.complete(request!, onWire(keydata), binding()))).toBe("KEYX_PRIVATE_KEY_MISSING");
  });

  test("a response to another request of the same device gives other keys, never the issuer's", async () => {
    const [own, other] = [(await group14.createRequests())[0]!, (await group14.createRequests())[0]!];
    const received = await parsed(group14, other.keydata);
    const { keydata, keys } = await answerOf(group14, received.parsed, binding());
    const wrong = await group14.complete(own, onWire(keydata), binding());
    expect(keysOf(wrong)).not.toBe(keysOf(keys));
  });
});

test("unknown and switched-off groups are refused when they are answered, so that other requests are tried", async () => {
  const request = await parsed(group14, { parametersid: "default1", publickey: bytesOfNumber(5n) });
  expect(await codeOf(() => group14.respond(request.parsed, binding()))).toBe("UNKNOWN_KEYX_PARAMETERS_ID");
  const only = diffieHellman({ core, groups: { mine: "ffdhe2048" }, offer: ["mine"] });
  expectSame(await run(only, only));
  const known = await parsed(only, { parametersid: "group14", publickey: bytesOfNumber(5n) });
  expect(await codeOf(() => only.respond(known.parsed, binding()))).toBe("UNKNOWN_KEYX_PARAMETERS_ID");
});

test("whom the scheme is not permitted is refused", async () => {
  const strict = diffieHellman({ core, isPermitted: (identity) => identity !== "device-1" });
  expect(await codeOf(() => run(group14, strict))).toBe("KEYX_INCORRECT_DATA");
});

test("groups of an application: large enough, and no generator that generates nothing", async () => {
  const p = bytesOfNumber(P);
  const own = diffieHellman({ core, groups: { own: { p, g: Uint8Array.of(2) } }, offer: ["own"] });
  expectSame(await run(own, own));
  const refused: readonly { readonly p: Uint8Array; readonly g: Uint8Array }[] = [
    { p, g: p },
    { p, g: bytesOfNumber(P + 2n) },
    { p, g: Uint8Array.of(1) },
    { p, g: Uint8Array.of(0) },
    { p, g: new Uint8Array(0) },
    { p: p.slice(0, 128), g: Uint8Array.of(2) },
    { p: bytesOfNumber((1n << 1023n) + 1155n), g: Uint8Array.of(2) },
  ];
  for (const group of refused) expect(() => diffieHellman({ core, groups: { own: group } })).toThrow(MslUsageError);
  expect(() => diffieHellman({ core, offer: ["nothing"] }).createRequests()).toThrow(MslUsageError);
});

test.each([
  [{ publickey: Uint8Array.of(5) }],
  [{ parametersid: 7, publickey: Uint8Array.of(5) }],
  [{ parametersid: "group14" }],
  [{ parametersid: "group14", publickey: 5 }],
])("a malformed request is a parse error: %j", async (keydata) => {
  expect(await codeOf(() => parsed(group14, keydata))).toBe("MSL_PARSE_ERROR");
});

test("the arithmetic is that of the protocol", async () => {
  // y = g^x mod p with BigInt, as an independent hand.
  const x = 0x1234567n;
  const padded = fromHex(x.toString(16).padStart(64, "0"));
  const { publicKey } = dhImport(core, "group14", padded);
  let y = 1n;
  for (let i = x.toString(2).length - 1; i >= 0; i--) y = (((y * y) % P) * ((x >> BigInt(i)) & 1n ? 2n : 1n)) % P;
  expect(numberOf(publicKey)).toBe(y);
});
