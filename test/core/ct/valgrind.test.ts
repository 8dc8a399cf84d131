// The core compiled to native code, under valgrind, with keys, private scalars, random bytes, plaintext and padding
// marked undefined: no branch and no address depends on them, but for the decisions listed here, each of them public.

import { describe, expect, test } from "vitest";
// @ts-expect-error: plain JavaScript
import { buildProgram } from "../../../tools/native.mjs";
import { hasValgrind, type Report, reportsOf, scenariosOf } from "./valgrind.ts";

/** Decisions that an operation makes public by its answer: innermost function, and one that called it. */
const VERDICTS: readonly (readonly [inner: RegExp, caller: RegExp, why: string])[] = [
  [/cbcDecrypt$/, /./, "whether the padding is right, behind a verified MAC; decided once from a mask"],
  [/aes-kw\/unwrap$/, /./, "whether the integrity value is right; decided once from a mask"],
  [
    /hmacCheck$|EndVerify$|hmac-sha512\/verify$|openCbcHmac$|cmacVerify$|aesGcmOpen$/,
    /./,
    "whether the tag is right; compared in full first",
  ],
  [/slotFill$/, /x25519Agree$/, "whether the shared secret is all zero; compared in full first"],
  [/p256Import$|slotFill$/, /p256Import$/, "whether a private key lies in 1..n-1; compared in full first"],
  [
    /ecdsa\/sign(Checked)?$/,
    /./,
    "whether a nonce lies in 1..n-1 (2^-32 do not, and are dropped), and whether r or s is 0",
  ],
  [/./, /writeInteger$|derWrite$/, "the finished signature, which is public"],
  [/./, /slotRestore$/, "type, usage and length of a key in a sealed blob, behind its verified MAC"],
  [/dh\/fill$|dhAgreeSession$/, /./, "whether a public value or a shared secret lies in range; decided once"],
  [/rsa-generate\/advance$|wasm_floor$/, /rsaGenerate$/, "whether a candidate is rejected, which is thrown away then"],
  [/rsaComplete$/, /./, "whether numbers are a key; decided from masks"],
  [/rsaPrivate$/, /./, "whether the result leads back to the input; compared in full first"],
  [/rsaOpenBlock$/, /./, "whether a ciphertext is below the modulus, both public"],
  [
    /rsaOaepDecrypt$|copy$/,
    /rsaOaepDecrypt$/,
    "whether the encoding is right, and the message's length behind a right one",
  ],
  [
    /rsaPkcs1Decrypt$|copy$/,
    /rsaPkcs1Decrypt$/,
    "the message's length, which for a wrong padding is drawn from key and ciphertext",
  ],
  [
    /base64Decode$|base64\/finish$/,
    /base64Decode$/,
    "whether all letters are of the alphabet; decided once, at the end",
  ],
  [
    /framing\/(json-read|cbor-read|values|labels|chunk)\/|chunkOpen$|bytes\/wipe$/,
    /chunkOpen$/,
    "structure of a plaintext behind a verified MAC",
  ],
  [/./, /framing\/chunk\/readPayload$/, "structure of a plaintext behind a verified MAC"],
];

const isVerdict = (report: Report) =>
  VERDICTS.some(([inner, caller]) => inner.test(report[0] ?? "") && report.some((name) => caller.test(name)));

const program: string | null = hasValgrind ? buildProgram("secrets.c") : null;
if (program === null) {
  if (process.env.CI) throw new Error("CI needs valgrind and a C compiler: constant time is not tested without them.");
  console.log("No valgrind or no C compiler: the native build is not tested for constant time.");
}

const builds = program === null ? [] : ([["mvp", program]] as [string, string][]);
const simd: string | null = program === null ? null : buildProgram("secrets.c", "simd");
if (simd !== null) builds.push(["simd", simd]);
else if (program !== null) {
  if (process.env.CI)
    throw new Error("CI needs SIMDe's headers: the SIMD build is not tested for constant time without.");
  console.log("No SIMDe headers: the SIMD build is not run under valgrind.");
}

describe.each(builds)("%s, native", (_build, path) => {
  test.each(scenariosOf(path).filter((name) => name !== "leak"))("%s", { timeout: 300_000 }, (scenario) => {
    const unexpected = reportsOf(path, scenario).filter((report) => !isVerdict(report));
    expect(unexpected.map((report) => report.slice(0, 4).join(" < "))).toEqual([]);
  });

  test("the planted leak is reported", () => {
    const reports = reportsOf(path, "leak");
    expect(reports.map((report) => report[0])).toContain("leaky_equal");
    expect(reports.every((report) => !isVerdict(report))).toBe(true);
  });
});

if (program === null) {
  test("without valgrind or a C compiler there is nothing to test here", () => expect(builds).toEqual([]));
}
