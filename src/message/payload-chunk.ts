// Payload chunks ("MSL Messages"):
//   chunk   = { "payload": binary, "signature": binary }
//   payload = { "sequencenumber": int64(0,2^53), "messageid": int64(0,2^53), "endofmsg": boolean?,
//               "compressionalgo": enum(GZIP|LZW)?, "data": binary }
// The core frames the fast path; the codec here decides whatever the core leaves open, and serves keys held elsewhere.

import type { ChunkFields } from "../core/core.ts";
import type { CryptoContext } from "../crypto/crypto-context.ts";
import { openPair, sealPair } from "../crypto/seal.ts";
import {
  type Compression,
  type Compressor,
  compressIfUseful,
  compressionNamed,
  uncompress,
} from "../encoding/compression.ts";
import { decodeObject, encodeObject, type Format } from "../encoding/codec.ts";
import { MAX_ID } from "../encoding/limits.ts";
import { protocolError } from "../errors/msl-error.ts";
import { type Awaitable, chain } from "../platform/awaitable.ts";

/** Application bytes of one chunk, not compressed. */
export interface Chunk {
  readonly sequenceNumber: number;
  readonly messageId: number;
  readonly endOfMessage: boolean;
  readonly data: Uint8Array;
}

/** The wire object of a chunk; `compressor` compresses where that is useful. */
export function writeChunk(
  context: CryptoContext,
  chunk: Chunk,
  format: Format,
  compressor: Compressor | null,
): Awaitable<Uint8Array> {
  const compressed = compressor === null ? null : compressIfUseful(compressor, chunk.data);
  const fields: ChunkFields = {
    sequenceNumber: chunk.sequenceNumber,
    messageId: chunk.messageId,
    endOfMessage: chunk.endOfMessage,
    compression: compressed === null || compressor === null ? null : compressor.algorithm,
    data: compressed ?? chunk.data,
  };
  const { slots } = context;
  const sealed = slots?.core.sealChunk(format, slots.encryption, slots.mac, slots.keyId, fields) ?? null;
  if (sealed !== null) return sealed;
  const plain = encodeObject(format, {
    sequencenumber: fields.sequenceNumber,
    messageid: fields.messageId,
    endofmsg: fields.endOfMessage ? true : null,
    compressionalgo: fields.compression,
    data: fields.data,
  });
  return chain(sealPair(context, plain, format), ({ data, signature }) => {
    plain.fill(0);
    return encodeObject(format, { payload: data, signature });
  });
}

/**
 * Opens a chunk: signature, decryption, ranges, emptiness, decompression, in this order.
 * @throws PAYLOAD_VERIFICATION_FAILED, crypto errors, MSL_PARSE_ERROR, PAYLOAD_*_OUT_OF_RANGE, PAYLOAD_DATA_MISSING,
 *   UNIDENTIFIED_COMPRESSION, UNSUPPORTED_COMPRESSION, UNCOMPRESSION_ERROR
 */
export function readChunk(context: CryptoContext, wire: Uint8Array, compression: Compression): Awaitable<Chunk> {
  const { slots } = context;
  if (slots !== null) {
    const opened = slots.core.openChunk(slots.encryption, slots.mac, wire);
    if (opened.kind === "opened") return finish(opened.value, compression);
    if (opened.kind === "bad-tag") protocolError("PAYLOAD_VERIFICATION_FAILED", "payload");
  }
  const outer = decodeObject(wire, "chunk");
  const payload = outer.bytes("payload");
  const signature = outer.bytes("signature");
  return chain(openPair(context, payload, signature), (plain) => {
    if (plain === null) return protocolError("PAYLOAD_VERIFICATION_FAILED", "payload");
    const map = decodeObject(plain, "payload");
    const sequenceNumber = map.int("sequencenumber", 0, MAX_ID, "PAYLOAD_SEQUENCE_NUMBER_OUT_OF_RANGE");
    const messageId = map.int("messageid", 0, MAX_ID, "PAYLOAD_MESSAGE_ID_OUT_OF_RANGE");
    const endOfMessage = map.boolOr("endofmsg", false);
    const algorithm = map.stringOr("compressionalgo");
    const named = algorithm === null ? null : compressionNamed(algorithm, "payload.compressionalgo");
    const data = map.bytes("data");
    return finish({ sequenceNumber, messageId, endOfMessage, compression: named, data }, compression);
  });
}

function finish(fields: ChunkFields, by: Compression): Chunk {
  const { sequenceNumber, messageId, endOfMessage, compression } = fields;
  if (fields.data.length === 0 && !endOfMessage) protocolError("PAYLOAD_DATA_MISSING", "payload.data");
  const isPlain = compression === null || fields.data.length === 0;
  const data = isPlain ? fields.data : uncompress(compression, by, fields.data, "payload.data");
  return { sequenceNumber, messageId, endOfMessage, data };
}
