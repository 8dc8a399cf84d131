// `--core` and `--compat`, which serve, request and vectors share.

import type { CoreKind } from "../core/core-node.ts";
import type { Options } from "./options.ts";

export function coreOption(options: Options): "auto" | CoreKind {
  return options.choice("core", ["auto", "simd", "mvp", "js"], "auto");
}

/** Whether the switches that reproduce the reference are set. */
export function compatOption(options: Options): boolean {
  return options.choice("compat", ["ours", "reference"], "ours") === "reference";
}
