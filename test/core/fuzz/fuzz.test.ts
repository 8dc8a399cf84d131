// No export traps or writes where it may not, for any program of calls: a random sample on each build.

import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import * as abi from "../../../src/core/abi.ts";
import { BUILDS, importRaw, loadRaw } from "../raw/raw-core.ts";
import { createDriver } from "./driver.ts";
import { prepareKeys } from "./keys.ts";

describe.each(BUILDS)("%s", (build) => {
  test("random programs of calls", () => {
    const core = loadRaw(build);
    const driver = createDriver(core, () => prepareKeys(core));
    for (let i = 0; i < 300; i++) {
      const program = randomBytes(400);
      const problem = driver.run(program);
      expect(problem === null ? null : `${problem}: ${program.toString("base64")}`).toBeNull();
    }
  });

  test("the control: a write outside is seen", () => {
    const core = loadRaw(build);
    const { digest } = { digest: core.x.sha256Digest! };
    // An instance whose digest also touches a byte that is not its own.
    const x = {
      ...core.x,
      sha256Digest: (ptr: number, len: number, out: number) => {
        core.memory[core.outPtr + abi.STAGE_SIZE - 1]! ^= 1;
        return digest(ptr, len, out);
      },
    };
    const driver = createDriver({ ...core, x }, () => void importRaw(core, abi.KEY_AES, 255, randomBytes(16)));
    const index = driver.names.indexOf("sha256Digest");
    const call = [1, index, 1, 0, 0, 4, 5, 0, 2, 0, 0];
    expect(driver.run(Uint8Array.from(call))).toMatch(/sha256Digest.* changed/);
  });
});
