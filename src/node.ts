// Public entry for Node: `tinymsl/node` fills the environment that client and server ask for.

import type { Environment } from "./control/api.ts";
import { type CoreKind, loadCore } from "./core/core-node.ts";
import { nodeClock, nodeTimers } from "./platform/clock-node.ts";
import { nodeGzip } from "./platform/gzip-node.ts";

export { type CoreKind, loadCore, loadCoreExplained } from "./core/core-node.ts";
export { nodeEntropy } from "./platform/entropy-node.ts";

/** Core, clock, timers and GZIP of this process. Each call starts a core of its own. */
export function nodeEnvironment(options: { readonly core?: "auto" | CoreKind } = {}): Environment {
  return { core: loadCore(options.core ?? "auto"), clock: nodeClock, timers: nodeTimers, gzip: nodeGzip };
}
