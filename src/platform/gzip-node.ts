// GZIP through node:zlib; the limit holds while inflating.

import { gunzipSync, gzipSync } from "node:zlib";
import type { Gzip } from "./gzip.ts";

export const nodeGzip: Gzip = {
  compress: (data) => new Uint8Array(gzipSync(data)),
  uncompress: (data, maxLength) => new Uint8Array(gunzipSync(data, { maxOutputLength: Math.max(1, maxLength) })),
};
