// What a large message leaves behind while it passes: nothing, whichever way and transport it takes. Faults that once did
// are put back, and found.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { bundleProgram, CORE } from "../model/build.mjs";

const MIB = 1 << 20;
/** Kept between the first and the last eighth of a message; some hundred KiB are usual. */
const MOST = 2 * MIB;
const PROGRAM = join(import.meta.dirname, "transfer.ts");

interface Report {
  readonly size: number;
  readonly growth: number;
  readonly warnings: readonly string[];
}

async function transfer(file: string, carrier: string, direction: string, mib: number): Promise<Report> {
  const args = ["--expose-gc", file, CORE, carrier, direction, `${mib}`];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as Report;
}

describe("a message of 64 MiB", () => {
  test.each([
    ["HTTP", "up"],
    ["HTTP", "down"],
    ["TCP", "up"],
    ["TCP", "down"],
  ])("over %s, %s, leaves neither bytes nor listeners behind", async (carrier, direction) => {
    const file = await bundleProgram(PROGRAM, `transfer-${carrier}-${direction}`);
    const { size, growth, warnings } = await transfer(file, carrier, direction, 64);
    expect(size).toBe(64 * MIB);
    expect(growth).toBeLessThan(MOST);
    expect(warnings).toEqual([]);
  });
});

const RACE = "    const waiting = this.#waiting;\n    if (waiting === null) return promise;\n";

describe("found when it is put back:", () => {
  test.each([
    ["up", "HTTP"],
    ["down", "TCP"],
  ])("results of a body sent %s kept by the race against the deadline", async (direction, carrier) => {
    const file = await bundleProgram(PROGRAM, `transfer-race-${direction}`, {
      file: "control/deadline.ts",
      find: RACE,
      replace: `${RACE}    return Promise.race([promise, ((this as any).never ??= new Promise(() => {}))]);\n`,
    });
    const { size, growth } = await transfer(file, carrier, direction, 24);
    expect(size).toBe(24 * MIB);
    expect(growth).toBeGreaterThan(2 * MOST);
  });

  test.each([
    ["transport/http-node.ts", 'request.off("close", gone);', "HTTP", "up"],
    ["transport/server-node.ts", 'res.off("close", gone);', "HTTP", "down"],
  ])("a listener for each wait in %s", async (source, find, carrier, direction) => {
    const file = await bundleProgram(PROGRAM, `transfer-listener-${carrier}-${direction}`, {
      file: source,
      find,
      replace: "",
    });
    const { size, warnings } = await transfer(file, carrier, direction, 8);
    expect(size).toBe(8 * MIB);
    expect(warnings).toContain("MaxListenersExceededWarning");
  });
});
