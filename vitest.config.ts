// Tests run on the sources, against the core builds in dist/.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    globalSetup: "test/native-setup.ts",
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "threads",
  },
});
