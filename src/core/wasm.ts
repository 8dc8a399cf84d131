// Starts a core build where WebAssembly exists, through the AssemblyScript loader: raw exports, no imports, no managed
// objects. Kept apart from the bridge, because the loader needs a TextDecoder when it is imported.

import { instantiate } from "@assemblyscript/loader";
import type { CoreExports } from "./exports.ts";

/** Compiles and instantiates off the main thread: old engines forbid it otherwise above 4 KiB. */
export async function instantiateCore(bytes: Uint8Array): Promise<CoreExports> {
  const { exports } = await instantiate(bytes);
  return exports as unknown as CoreExports;
}
