// GZIP through node:zlib; the limit holds while inflating. Results are views of what zlib made, not one more copy of it.

import { gunzipSync, gzipSync } from "node:zlib";
import type { Gzip } from "./gzip.ts";

export const nodeGzip: Gzip = {
  compress: (data) => view(gzipSync(data)),
  uncompress: (data, maxLength) => view(gunzipSync(data, { maxOutputLength: Math.max(1, maxLength) })),
};

/** A plain array over the same bytes: Buffer's `slice` would share memory where a Uint8Array's copies. */
function view(bytes: Buffer): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}
