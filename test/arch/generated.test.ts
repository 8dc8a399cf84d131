// Generated sources are what their generators write.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
// @ts-expect-error: plain JavaScript
import { FILES as SEAL } from "../../tools/gen-aes-simd-seal.mjs";
// @ts-expect-error: plain JavaScript
import { FILES as TABLES } from "../../tools/gen-aes-simd.mjs";
// @ts-expect-error: plain JavaScript
import { FILES as P256 } from "../../tools/gen-p256.mjs";
// @ts-expect-error: plain JavaScript
import { FILES as SHA2 } from "../../tools/gen-sha2.mjs";

const all = [SHA2, P256, TABLES, SEAL] as Map<string, string>[];

test.each(all.flatMap((files) => [...files]))("%s", (path, text) => {
  expect(readFileSync(path, "utf8") === text).toBe(true);
});
