// Runs folders of vectors as `tinymsl vectors` does and keeps what it prints.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { FILES } from "../../src/cli/vectors/files.ts";
import type { Exception } from "../../src/cli/vectors/exceptions.ts";
import { type RunResult, runVectors } from "../../src/cli/vectors/run.ts";
import { Vector } from "../../src/cli/vectors/vector.ts";
import { loadCore } from "../../src/core/core-node.ts";
import { nodeGzip } from "../../src/platform/gzip-node.ts";

export const VECTORS = fileURLToPath(new URL("../vectors/", import.meta.url));

const core = await loadCore();

export async function runFolder(
  dir: string,
  options: { readonly compat?: boolean } = {},
): Promise<{ readonly result: RunResult; readonly lines: readonly string[] }> {
  const lines: string[] = [];
  const result = await runVectors(dir, {
    core,
    gzip: nodeGzip,
    compat: options.compat ?? false,
    print: (line) => lines.push(line),
    files: FILES,
  });
  return { result, lines };
}

/** The recorded vectors that an exception names. */
export function recordedVectors(file: string, list: string, which: Exception["vectors"]): readonly Vector[] {
  const members = JSON.parse(readFileSync(`${VECTORS}${file}`, "utf8")) as Record<string, unknown[]>;
  const vectors = (members[list] ?? []).map((element) => new Vector(element));
  if (typeof which === "function") return vectors.filter(which);
  return vectors.filter((vector) => which.includes(vector.has("name") ? vector.text("name") : vector.text("input")));
}
