// Starts a core build where WebAssembly exists, through the AssemblyScript loader: raw exports, no imports, no managed
// objects. Kept apart from the bridge, because the loader needs a TextDecoder when it is imported.

import { instantiate, instantiateSync } from "@assemblyscript/loader";
import type { CoreExports } from "./exports.ts";

/** Compiles and instantiates off the main thread: old engines forbid it otherwise above 4 KiB. */
export async function instantiateCore(bytes: Uint8Array): Promise<CoreExports> {
  const { exports } = await instantiate(bytes);
  return exports as unknown as CoreExports;
}

/**
 * Compiles and instantiates at once. On Node the asynchronous way costs over ten times as much at start, since the
 * loader asks for `Response` there, which loads Node's whole fetch implementation.
 */
export function instantiateCoreNow(bytes: Uint8Array): CoreExports {
  return instantiateSync(bytes).exports as unknown as CoreExports;
}
