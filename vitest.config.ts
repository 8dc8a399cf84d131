// Tests run on the sources, against the core builds in dist/.
import { defineConfig } from "vitest/config";
// @ts-expect-error: plain JavaScript
import { compiler } from "./tools/native.mjs";

const SCENARIOS = ["test/scenario/*.test.ts", "test/peer/*.test.ts", "test/conformance/*.test.ts"];

/** The scenarios once more, on another output of the core and with sides of other formats: test/variant.ts. */
const again = (core: string, wire: string) => ({
  extends: true as const,
  test: { name: `core ${core}, ${wire}`, include: SCENARIOS, provide: { core, wire } },
});

/** Compiles core.c, or says that there is no compiler; CI must have one. */
const native = { globalSetup: "test/native-setup.ts" };
const natively = again("c", "JSON server");

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "threads",
    projects: [
      {
        extends: true,
        test: { name: "tests", include: ["test/**/*.test.ts"], provide: { core: "simd", wire: "both" }, ...native },
      },
      again("simd", "CBOR"),
      again("mvp", "JSON"),
      again("js", "JSON device"),
      ...(compiler() === null ? [] : [{ ...natively, test: { ...natively.test, ...native } }]),
    ],
  },
});
