// compression.json: what is compressed and whether it is worth sending, and what inflates. LZW output follows from its
// input; GZIP output depends on the deflater, so ours is inflated again instead of compared.

import { compressIfUseful, compressorOf, MAX_RATIO, uncompress } from "../../encoding/compression.ts";
import { protocolError } from "../../errors/msl-error.ts";
import { checkOutcome } from "./outcome.ts";
import { COMPRESSION } from "./schemes.ts";
import type { Bench, FileSpec } from "./spec.ts";
import { fail, same, type Vector } from "./vector.ts";

export const COMPRESSION_FILE: FileSpec = {
  file: "compression.json",
  members: ["description", "maxDeflateRatio"],
  lists: {
    vectors: { needs: (vector) => [vector.text("algo")], run: checkBothWays },
    negative: { needs: (vector) => [vector.text("algo")], run: checkInflation },
  },
};

function checkBothWays(vector: Vector, bench: Bench): void {
  same("maxDeflateRatio", MAX_RATIO, bench.common.maxDeflateRatio);
  const algorithm = COMPRESSION.get(vector.text("algo")) ?? fail("no such algorithm");
  const data = vector.bytes("data");
  const recorded = vector.bytes("compressed");
  if (!vector.flag("uncompressAccepted")) fail("recorded as not readable by its own maker");
  same("data", uncompress(algorithm, bench.compression, recorded, "data"), data);
  const compressor = compressorOf([algorithm], bench.gzip) ?? fail("no such compressor");
  // Ours remembers a bounded number of sequences, which these vectors stay below.
  if (algorithm === "LZW") same("compressed", compressor.compress(data), recorded);
  const ours = compressIfUseful(compressor, data);
  same("useful", ours !== null, vector.flag("useful"));
  if (ours !== null)
    same("data through our own compression", uncompress(algorithm, bench.compression, ours, "data"), data);
}

function checkInflation(vector: Vector, bench: Bench): Promise<void> {
  const algorithm = COMPRESSION.get(vector.text("algo")) ?? fail("no such algorithm");
  const compressed = vector.bytes("compressed");
  // Empty data is never handed to a decompressor; what it would say is recorded all the same.
  const attempt = () =>
    compressed.length === 0 && algorithm === "GZIP"
      ? inflateNothing(bench)
      : uncompress(algorithm, bench.compression, compressed, "data");
  return checkOutcome(vector, attempt, (data) => same("result", data, vector.text("result")));
}

function inflateNothing(bench: Bench): Uint8Array {
  try {
    return bench.gzip.uncompress(new Uint8Array(0), 0);
  } catch {
    return protocolError("UNCOMPRESSION_ERROR", "data");
  }
}
