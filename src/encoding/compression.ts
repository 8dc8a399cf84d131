// Compression of payload chunks and service tokens ("MSL Compression"): kept only where it helps, and stopped while
// inflating once the output passes 200 times the input.

import { protocolError } from "../errors/msl-error.ts";
import type { Gzip } from "../platform/gzip.ts";
import { lzwCompress, lzwUncompress } from "./lzw.ts";

export type CompressionAlgorithm = "GZIP" | "LZW";

/** What this side can inflate, and how much it takes at a time. LZW needs no plug. */
export interface Compression {
  readonly gzip: Gzip | null;
  /** Most bytes that one piece may inflate to, whatever the ratio. */
  readonly maxBytes: number;
}

/** One way of compressing what is sent. */
export interface Compressor {
  readonly algorithm: CompressionAlgorithm;
  compress(data: Uint8Array): Uint8Array;
}

const LZW: Compressor = { algorithm: "LZW", compress: lzwCompress };

/** In the order that senders prefer them. */
export const COMPRESSION_ALGORITHMS: readonly CompressionAlgorithm[] = ["GZIP", "LZW"];

/** The compressor to use where `algorithms` are in force; null: none of them is here. */
export function compressorOf(
  algorithms: readonly CompressionAlgorithm[] | undefined,
  gzip: Gzip | null,
): Compressor | null {
  if (gzip !== null && algorithms?.includes("GZIP") === true) {
    return { algorithm: "GZIP", compress: (data) => gzip.compress(data) };
  }
  return algorithms?.includes("LZW") === true ? LZW : null;
}

/** What a message under `algorithms` can be compressed with: all that is wished for, or one algorithm. */
export function compressionOptions(
  algorithms: readonly CompressionAlgorithm[] | undefined,
  gzip: Gzip | null,
  wish: boolean | CompressionAlgorithm,
): { readonly compressor: Compressor | null; compressorNamed(algorithm: CompressionAlgorithm): Compressor | null } {
  const named = (algorithm: CompressionAlgorithm) =>
    algorithms?.includes(algorithm) === true ? compressorOf([algorithm], gzip) : null;
  const compressor = wish === true ? compressorOf(algorithms, gzip) : wish === false ? null : named(wish);
  return { compressor, compressorNamed: named };
}

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
export function compressIfUseful(compressor: Pick<Compressor, "compress">, data: Uint8Array): Uint8Array | null {
  if (data.length === 0) return null;
  let compressed: Uint8Array;
  try {
    compressed = compressor.compress(data);
  } catch {
    return protocolError("COMPRESSION_ERROR");
  }
  return compressed.length < data.length && compressed.length * MAX_RATIO >= data.length ? compressed : null;
}

/**
 * Inflates. Zero bytes stay zero bytes.
 *
 * @throws UNSUPPORTED_COMPRESSION, UNCOMPRESSION_ERROR (malformed, or above `ratio` or `maxBytes`)
 */
export function uncompress(
  algorithm: CompressionAlgorithm,
  { gzip, maxBytes }: Compression,
  data: Uint8Array,
  where: string,
  ratio: number = MAX_RATIO,
): Uint8Array {
  if (algorithm === "GZIP" && gzip === null) protocolError("UNSUPPORTED_COMPRESSION", where);
  if (data.length === 0) return data;
  const limit = Math.min(Math.floor(data.length * ratio), maxBytes);
  if (algorithm === "LZW" || gzip === null) {
    return lzwUncompress(data, limit) ?? protocolError("UNCOMPRESSION_ERROR", where);
  }
  try {
    return gzip.uncompress(data, limit);
  } catch {
    return protocolError("UNCOMPRESSION_ERROR", where);
  }
}
