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

export default defineConfig({
  test: {
    globalSetup: "test/native-setup.ts",
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "threads",
    projects: [
      {
        extends: true,
        test: { name: "tests", include: ["test/**/*.test.ts"], provide: { core: "simd", wire: "both" } },
      },
      again("simd", "CBOR"),
      again("mvp", "JSON"),
      again("js", "JSON device"),
      // Without a C compiler native-setup.ts says that this one is left out.
      ...(compiler() === null ? [] : [again("c", "JSON server")]),
    ],
  },
});
