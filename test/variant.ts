// Which output of the core runs the scenarios, and which formats their sides list: the project of vitest.config.ts says
// it. What a test sets itself goes before it.

import { inject } from "vitest";
import { type Core, createCore } from "../src/core/core.ts";
import { loadCore } from "../src/core/core-node.ts";
import type { CoreExports } from "../src/core/exports.ts";
import type { Format } from "../src/encoding/codec.ts";
import { nodeEntropy } from "../src/platform/entropy-node.ts";
import { type Output, rawExports } from "./core/raw/raw-core.ts";
import { expectedFormats, type Formats, type Wire, WIRES } from "./wires.ts";

declare module "vitest" {
  export interface ProvidedContext {
    readonly core: Output;
    readonly wire: Wire;
  }
}

/** A core of an output; by default of this project's. */
export async function testCore(output: Output = inject("core")): Promise<Core> {
  if (output !== "c") return loadCore(output);
  return createCore(rawExports("c") as unknown as CoreExports, nodeEntropy, "c");
}

/** What of its configuration a side of this project has from its formats. */
export function wireOf(side: "device" | "server"): Formats {
  return WIRES[inject("wire")][side];
}

/** The format of messages between sides of this project that know each other. */
export function settledFormat(): Format {
  return expectedFormats(inject("wire"))[1];
}
