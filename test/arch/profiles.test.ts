// The small profile holds its primitives alone, within its bytes; and the check of profiles can fail.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
// @ts-expect-error: plain JavaScript
import * as checks from "../../tools/checks/profiles.mjs";
// @ts-expect-error: plain JavaScript
import { declaredExports } from "../../tools/checks/wasm-exports.mjs";

const entry = readFileSync("assembly/index.small.ts", "utf8");
const bytes = readFileSync("dist/core.small.wasm");
const declared = declaredExports(readFileSync("src/core/exports.ts", "utf8"));
const budget = { raw: 28_000, gzip: 10_000 };

describe("the small profile", () => {
  test("holds what its entry file names, within its budget", () => expect(checks.profiles()).toEqual([]));

  test("holds no export of another primitive", () => {
    const names = WebAssembly.Module.exports(new WebAssembly.Module(bytes)).map((one) => one.name);
    const others = /Gcm|cmac|p256|ecd|rsa|oaep|pkcs|^dh|mod|sha1|sha384|sha512|drbg|mgf|Url/;
    expect(names.filter((name) => others.test(name))).toEqual([]);
    expect(names.length).toBeGreaterThan(40);
  });
});

describe("the check of profiles fails", () => {
  const problems = (text: string, limits: typeof budget | undefined) =>
    checks.profileProblems("small", bytes, text, declared, limits) as string[];

  test("on an export that the entry file does not name, and on a named one that is missing", () => {
    expect(problems(entry.replace("x25519Agree, ", ""), budget)).toHaveLength(1);
    expect(problems(`${entry}export { gone } from "./gone";\n`, budget)).toHaveLength(1);
  });

  test("on an export that the bridge does not declare", () => {
    const fewer = new Set(declared);
    fewer.delete("scanFeed");
    expect(checks.profileProblems("small", bytes, entry, fewer, budget)).toHaveLength(1);
  });

  test("on bytes above the budget, and on a profile without one", () => {
    expect(problems(entry, { raw: 10_000, gzip: 5_000 })).toHaveLength(2);
    expect(problems(entry, undefined)).toHaveLength(1);
  });

  test("reads renamed exports", () => {
    expect(checks.namedExports('export { a, b as c } from "./x";\nexport {\n  d,\n} from "./y";\n')).toEqual(
      new Set(["a", "c", "d"]),
    );
  });
});
