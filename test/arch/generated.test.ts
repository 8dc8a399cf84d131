// Generated sources are what their generators write.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
// @ts-expect-error: plain JavaScript
import { FILES as P256 } from "../../tools/gen-p256.mjs";
// @ts-expect-error: plain JavaScript
import { FILES as SHA2 } from "../../tools/gen-sha2.mjs";

test.each([...(SHA2 as Map<string, string>), ...(P256 as Map<string, string>)])("%s", (path, text) => {
  expect(readFileSync(path, "utf8") === text).toBe(true);
});
