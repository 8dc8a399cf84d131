// Message bodies: a sequence of payload chunks, numbered from 1, the last flagged as the end of the message.
// Differs from reference: a body that ends without that flag is truncated, unless the receiver allows it.

import type { CryptoContext } from "../crypto/crypto-context.ts";
import type { Format } from "../encoding/codec.ts";
import { decodeUtf8, encodeUtf8 } from "../encoding/utf8.ts";
import { MslLocalError, MslProtocolError, MslUsageError, protocolError } from "../errors/msl-error.ts";
import { isPending } from "../platform/awaitable.ts";
import type { Gzip } from "../platform/gzip.ts";
import type { MessageInput } from "./message-input.ts";
import { type Chunk, readChunk, writeChunk } from "./payload-chunk.ts";

/** Application bytes that one chunk carries by default. */
export const CHUNK_BYTES = 16384;

export interface BodyReaderOptions {
  readonly context: CryptoContext;
  readonly messageId: number;
  readonly gzip: Gzip | null;
  readonly allowTruncated: boolean;
  /** Handshakes, their answers, and errors have no body: nothing is read. */
  readonly isEmpty: boolean;
}

/** Reads a body chunk by chunk; each failure comes after the bytes before it. */
export class BodyReader {
  readonly #input: MessageInput;
  readonly #options: BodyReaderOptions;
  #expected = 1;
  #isDone: boolean;
  #isComplete = false;
  #peeked: Chunk | null = null;
  #failure: { readonly error: unknown } | null = null;

  constructor(input: MessageInput, options: BodyReaderOptions) {
    this.#input = input;
    this.#options = options;
    this.#isDone = options.isEmpty;
    this.#isComplete = options.isEmpty;
  }

  /** Whether nothing more will be read. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Whether the end-of-message chunk was read. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Looks at the first chunk without taking it, to tell an old-style handshake. */
  async peek(): Promise<Chunk | null> {
    this.#peeked ??= await this.#chunk();
    return this.#peeked;
  }

  /** The next application bytes, or null at the end. @throws MESSAGE_TRUNCATED, the errors of chunks */
  async next(): Promise<Uint8Array | null> {
    for (;;) {
      const chunk = this.#peeked ?? (await this.#chunk());
      this.#peeked = null;
      if (chunk === null) return null;
      if (chunk.data.length > 0) return chunk.data;
    }
  }

  async #chunk(): Promise<Chunk | null> {
    if (this.#failure !== null) throw this.#failure.error;
    if (this.#isDone) return null;
    try {
      const wire = await this.#input.next();
      if (wire === null) return this.#ended();
      const { context, messageId, gzip } = this.#options;
      const read = readChunk(context, wire, gzip);
      const chunk = isPending(read) ? await read : read;
      if (chunk.messageId !== messageId) protocolError("PAYLOAD_MESSAGE_ID_MISMATCH", "payload.messageid");
      if (chunk.sequenceNumber !== this.#expected) {
        protocolError("PAYLOAD_SEQUENCE_NUMBER_MISMATCH", "payload.sequencenumber");
      }
      this.#expected++;
      if (chunk.endOfMessage) {
        this.#isDone = true;
        this.#isComplete = true;
      }
      return chunk;
    } catch (error) {
      this.#isDone = true;
      if (error instanceof MslProtocolError) error.context.messageId ??= this.#options.messageId;
      this.#failure = { error };
      throw error;
    }
  }

  #ended(): null {
    this.#isDone = true;
    if (!this.#options.allowTruncated) throw new MslLocalError("MESSAGE_TRUNCATED", null, "message");
    return null;
  }

  /** The whole body. @throws MESSAGE_TOO_LARGE above `limit` */
  async all(limit: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let size = 0;
    for (let part = await this.next(); part !== null; part = await this.next()) {
      parts.push(part);
      size += part.length;
      if (size > limit) throw new MslLocalError("MESSAGE_TOO_LARGE", `maxMessageBytes is ${limit}.`, "payload.data");
    }
    const only = parts[0];
    if (parts.length === 1 && only !== undefined) return only;
    const whole = new Uint8Array(size);
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  cancel(): void {
    this.#isDone = true;
    this.#input.cancel();
  }
}

/** Bytes of a text body. @throws MslUsageError for a lone surrogate */
export function textBytes(text: string): Uint8Array {
  const bytes = encodeUtf8(text);
  if (bytes === null) throw new MslUsageError("The body holds a lone surrogate.");
  return bytes;
}

export function textOf(bytes: Uint8Array): string {
  return decodeUtf8(bytes) ?? protocolError("MSL_PARSE_ERROR", "payload.data");
}

export interface BodyWriterOptions {
  readonly context: CryptoContext;
  readonly messageId: number;
  readonly format: Format;
  /** Set where the header's capabilities and the caller want compression. */
  readonly gzip: Gzip | null;
}

/**
 * The chunks of a body as wire objects. Pieces are cut to `CHUNK_BYTES`, one byte source element is never held back
 * longer than until the next one arrives, and the last chunk carries the end of the message.
 */
export async function* bodyChunks(
  source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  options: BodyWriterOptions,
): AsyncGenerator<Uint8Array> {
  const { context, messageId, format, gzip } = options;
  let sequenceNumber = 0;
  let held: Uint8Array | null = null;
  const seal = (data: Uint8Array, endOfMessage: boolean) =>
    writeChunk(context, { sequenceNumber: ++sequenceNumber, messageId, endOfMessage, data }, format, gzip);
  for await (const piece of source) {
    for (let at = 0; at < piece.length; at += CHUNK_BYTES) {
      if (held !== null) yield await seal(held, false);
      held = piece.subarray(at, at + CHUNK_BYTES);
    }
  }
  yield await seal(held ?? new Uint8Array(0), true);
}
