// Each scenario in JSON, in CBOR, and between sides of one format and of two: the same comes out, in the expected formats.

import { describe, test } from "vitest";
import type { Wire } from "../wires.ts";
import { expectSame } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";

const PAIRS: readonly Wire[] = ["both", "JSON", "CBOR", "JSON device", "JSON server", "CBOR device", "CBOR server"];

describe.each(SCENARIOS)("$name", (story) => {
  test.each(PAIRS)("%s", (wire) => expectSame(story, { device: "simd", server: "simd", wire }));
});
