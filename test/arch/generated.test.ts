// Generated sources are what their generators write.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
// @ts-expect-error: plain JavaScript
import { FILES } from "../../tools/gen-sha2.mjs";

test.each([...(FILES as Map<string, string>)])("%s", (path, text) => {
  expect(readFileSync(path, "utf8") === text).toBe(true);
});
