// Compression of payload chunks and service tokens ("MSL Compression"): kept only where it helps, and stopped while
// inflating once the output passes 200 times the input.

import { protocolError } from "../errors/msl-error.ts";
import type { Gzip } from "../platform/gzip.ts";

export type CompressionAlgorithm = "GZIP" | "LZW";

/** Output over input that a receiver accepts. */
export const MAX_RATIO = 200;

/** The name as an algorithm. @throws UNIDENTIFIED_COMPRESSION */
export function compressionNamed(name: string, where: string): CompressionAlgorithm {
  return name === "GZIP" || name === "LZW" ? name : protocolError("UNIDENTIFIED_COMPRESSION", where);
}

/**
 * The compressed bytes, or null where they would not be worth sending or the receiver's limit would refuse them.
 *
 * @throws COMPRESSION_ERROR
 */
export function compressIfUseful(gzip: Gzip, data: Uint8Array): Uint8Array | null {
  if (data.length === 0) return null;
  let compressed: Uint8Array;
  try {
    compressed = gzip.compress(data);
  } catch {
    return protocolError("COMPRESSION_ERROR");
  }
  return compressed.length < data.length && compressed.length * MAX_RATIO >= data.length ? compressed : null;
}

/**
 * Inflates. Zero bytes stay zero bytes.
 *
 * @throws UNSUPPORTED_COMPRESSION, UNCOMPRESSION_ERROR (malformed, or above `ratio`)
 */
export function uncompress(
  algorithm: CompressionAlgorithm,
  gzip: Gzip | null,
  data: Uint8Array,
  where: string,
  ratio: number = MAX_RATIO,
): Uint8Array {
  if (algorithm !== "GZIP" || gzip === null) protocolError("UNSUPPORTED_COMPRESSION", where);
  if (data.length === 0) return data;
  try {
    return gzip.uncompress(data, data.length * ratio);
  } catch {
    return protocolError("UNCOMPRESSION_ERROR", where);
  }
}
