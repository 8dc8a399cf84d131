// Public entry for Node: `tinymsl/node` fills the environment that client and server ask for.

import type { Environment } from "./control/api.ts";
import { type CoreKind, loadCore } from "./core/core-node.ts";
import { nodeClock, nodeTimers } from "./platform/clock-node.ts";
import { nodeEntropy } from "./platform/entropy-node.ts";
import { nodeGzip } from "./platform/gzip-node.ts";
import { nodeCrypto } from "./platform/platform-crypto-node.ts";

export { type CoreKind, loadCore, loadCoreExplained } from "./core/core-node.ts";
/** For `loadCore`: the randomness and the cryptography of Node. */
export { nodeCrypto, nodeEntropy };

export interface NodeOptions {
  readonly core?: "auto" | CoreKind;
  /** `auto` (default): large data under session keys goes through node:crypto where that was measured to be faster. */
  readonly platformCrypto?: "auto" | "off";
}

/** Core, clock, timers and GZIP of this process. Each call starts a core of its own. */
export function nodeEnvironment(options: NodeOptions = {}): Environment {
  const platform = options.platformCrypto === "off" ? null : nodeCrypto;
  return {
    core: loadCore(options.core ?? "auto", nodeEntropy, platform),
    clock: nodeClock,
    timers: nodeTimers,
    gzip: nodeGzip,
  };
}
