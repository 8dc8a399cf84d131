// `--core` and `--compat`, which serve, request and vectors share.

import type { CoreKind } from "../core/core-node.ts";
import { fail, type Options } from "./options.ts";

export function coreOption(options: Options): "auto" | CoreKind {
  const kind = options.choice("core", ["auto", "simd", "mvp", "js"], "auto");
  return kind === "js" ? fail("the core js is not contained in this build") : kind;
}

/** Whether the switches that reproduce the reference are set. */
export function compatOption(options: Options): boolean {
  return options.choice("compat", ["ours", "reference"], "ours") === "reference";
}
