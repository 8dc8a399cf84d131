// Each scenario on each output of the core: as both sides, as the device and as the server alone, beside the SIMD build.

import { describe, test } from "vitest";
import { BUILDS, type Output } from "../core/raw/raw-core.ts";
import type { Cell } from "./network.ts";
import { expectSame } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";

/** Without a C compiler core.c is not among them: test/native-setup.ts says so. */
const OUTPUTS = BUILDS.filter((output) => output !== "simd");

const cells = (output: Output): readonly (readonly [string, Cell])[] => [
  [`${output}, JSON`, { device: output, server: output, wire: "JSON" }],
  [`${output} as the device, CBOR`, { device: output, server: "simd", wire: "CBOR" }],
  [`${output} as the server, both formats`, { device: "simd", server: output, wire: "both" }],
];

describe.each(SCENARIOS)("$name", (story) => {
  test.each(OUTPUTS.flatMap(cells))("%s", (_, cell) => expectSame(story, cell));
});
