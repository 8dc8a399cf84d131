// `tinymsl vectors DIR`: runs recorded vectors of the protocol against this build. The runner is in vectors/.

import { loadCore } from "../core/core-node.ts";
import { nodeGzip } from "../platform/gzip-node.ts";
import { compatOption, coreOption } from "./core-option.ts";
import type { Io } from "./io.ts";
import { fail, parseOptions } from "./options.ts";
import { FILES } from "./vectors/files.ts";
import { runVectors } from "./vectors/run.ts";

/** Exit code: 0 if no vector failed and at least one passed, else 1. @throws UsageError */
export async function vectorsCommand(args: readonly string[], io: Io): Promise<number> {
  const options = parseOptions(args, { core: "value", compat: "value" }, 1);
  const dir = options.positional[0] ?? fail("a folder of vectors is needed");
  const kind = coreOption(options);
  const compat = compatOption(options);
  const core = await loadCore(kind);
  const { exitCode } = await runVectors(dir, { core, gzip: nodeGzip, compat, print: io.out, files: FILES });
  return exitCode;
}
