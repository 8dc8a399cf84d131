// Message bodies: a sequence of payload chunks, numbered from 1, the last flagged as the end of the message.
// Differs from reference: a body that ends without that flag is truncated, unless the receiver allows it.

import type { CryptoContext } from "../crypto/crypto-context.ts";
import type { Format } from "../encoding/codec.ts";
import type { Compression, CompressionAlgorithm, Compressor } from "../encoding/compression.ts";
import { decodeUtf8, encodeUtf8 } from "../encoding/utf8.ts";
import { MslLocalError, MslProtocolError, MslUsageError, protocolError } from "../errors/msl-error.ts";
import { type Awaitable, chain, isPending } from "../platform/awaitable.ts";
import type { ObjectSource } from "./message-input.ts";
import { type Chunk, readChunk, writeChunk } from "./payload-chunk.ts";

/** Application bytes that one chunk carries by default. */
export const CHUNK_BYTES = 16384;

/** Among the pieces of a body: what came before it leaves at once, in a chunk of its own. */
export const FLUSH = new Uint8Array(0);

const MARKS: ReadonlyMap<CompressionAlgorithm | null, Uint8Array> = new Map([
  ["GZIP", new Uint8Array(0)],
  ["LZW", new Uint8Array(0)],
  [null, new Uint8Array(0)],
]);

/**
 * Among the pieces of a body: those that follow are compressed so, where the message's capabilities have it; null: they
 * are not compressed.
 */
export function compression(algorithm: CompressionAlgorithm | null): Uint8Array {
  return MARKS.get(algorithm) ?? FLUSH;
}

function isMark(piece: Uint8Array): boolean {
  return piece.length === 0 && (piece === FLUSH || [...MARKS.values()].includes(piece));
}

export interface BodyReaderOptions {
  readonly context: CryptoContext;
  readonly messageId: number;
  readonly compression: Compression;
  readonly allowTruncated: boolean;
  /** Handshakes, their answers, and errors have no body: nothing is read. */
  readonly isEmpty: boolean;
}

/** Reads a body chunk by chunk; each failure comes after the bytes before it. */
export class BodyReader {
  readonly #input: ObjectSource;
  readonly #options: BodyReaderOptions;
  #expected = 1;
  #isDone: boolean;
  #isComplete = false;
  /** The source ended. */
  #isOver = false;
  #peeked: Chunk | null = null;
  #failure: { readonly error: unknown } | null = null;

  constructor(input: ObjectSource, options: BodyReaderOptions) {
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
  peek(): Awaitable<Chunk | null> {
    if (this.#peeked !== null) return this.#peeked;
    return chain(this.#chunk(), (chunk) => {
      this.#peeked = chunk;
      return chunk;
    });
  }

  /**
   * The next application bytes, or null at the end; at once where they are here.
   * @throws MESSAGE_TRUNCATED, the errors of chunks
   */
  next(): Awaitable<Uint8Array | null> {
    for (;;) {
      const chunk = this.#peeked ?? this.#chunk();
      this.#peeked = null;
      if (isPending(chunk)) return chunk.then((arrived) => (hasData(arrived) ? arrived.data : this.#after(arrived)));
      if (hasData(chunk)) return chunk.data;
      if (chunk === null) return null;
    }
  }

  #after(chunk: Chunk | null): Awaitable<Uint8Array | null> {
    return chunk === null ? null : this.next();
  }

  #chunk(): Awaitable<Chunk | null> {
    if (this.#failure !== null) throw this.#failure.error;
    if (this.#isDone) return null;
    try {
      const wire = this.#input.buffered();
      if (wire === null) return this.#arriving();
      const read = this.#read(wire);
      return isPending(read) ? this.#opening(read) : this.#accept(read);
    } catch (error) {
      throw this.#failed(error);
    }
  }

  async #arriving(): Promise<Chunk | null> {
    try {
      const wire = await this.#input.next();
      return wire === null ? this.#ended() : this.#accept(await this.#read(wire));
    } catch (error) {
      throw this.#failed(error);
    }
  }

  async #opening(read: Promise<Chunk>): Promise<Chunk> {
    try {
      return this.#accept(await read);
    } catch (error) {
      throw this.#failed(error);
    }
  }

  #read(wire: Uint8Array): Awaitable<Chunk> {
    return readChunk(this.#options.context, wire, this.#options.compression);
  }

  #accept(chunk: Chunk): Chunk {
    if (chunk.messageId !== this.#options.messageId) protocolError("PAYLOAD_MESSAGE_ID_MISMATCH", "payload.messageid");
    if (chunk.sequenceNumber !== this.#expected) {
      protocolError("PAYLOAD_SEQUENCE_NUMBER_MISMATCH", "payload.sequencenumber");
    }
    this.#expected++;
    if (chunk.endOfMessage) {
      this.#isDone = true;
      this.#isComplete = true;
    }
    return chunk;
  }

  /** Nothing is read after a failure, which every later read meets again, and one that waits. */
  #failed(error: unknown): unknown {
    this.#isDone = true;
    if (error instanceof MslProtocolError) error.context.messageId ??= this.#options.messageId;
    this.#failure ??= { error };
    return this.#failure.error;
  }

  #ended(): null {
    this.#isDone = true;
    this.#isOver = true;
    if (!this.#options.allowTruncated) throw new MslLocalError("MESSAGE_TRUNCATED", null, "message");
    return null;
  }

  /** The whole body, at once where it is here. @throws MESSAGE_TOO_LARGE above `limit` */
  all(limit: number): Awaitable<Uint8Array> {
    const first = this.next();
    // The common case: one chunk, and it is the last.
    if (!isPending(first) && first !== null && this.#isDone && this.#peeked === null && first.length <= limit)
      return first;
    return this.#collect(first, limit);
  }

  async #collect(first: Awaitable<Uint8Array | null>, limit: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let size = 0;
    for (let part = await first; part !== null; part = await this.next()) {
      parts.push(part);
      size += part.length;
      if (size > limit) throw new MslLocalError("MESSAGE_TOO_LARGE", `maxMessageBytes is ${limit}.`, "payload.data");
    }
    const only = parts[0];
    return parts.length === 1 && only !== undefined ? only : joined(parts, size);
  }

  cancel(): void {
    this.#isDone = true;
    this.#input.cancel();
  }

  /** As `cancel`; a later read meets the error. */
  fail(error: unknown): void {
    this.#failed(error);
    this.#input.cancel();
  }

  /**
   * Reads on to the end of the message, given up or not, so that the next message on the connection can be read.
   * @throws the errors of chunks: the connection cannot be used any more
   */
  async drain(): Promise<void> {
    this.#peeked = null;
    while (!this.#isComplete && !this.#isOver) {
      this.#isDone = false;
      if ((await this.#chunk()) === null) return;
    }
  }
}

function hasData(chunk: Chunk | null): chunk is Chunk {
  return chunk !== null && chunk.data.length > 0;
}

function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
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
  readonly compressor: Compressor | null;
  /** What a mark among the pieces asks for; null: the message's capabilities lack it. */
  readonly compressorNamed?: (algorithm: CompressionAlgorithm) => Compressor | null;
}

export type BodyPieces = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/**
 * Writes a message: its header and, unless `body` is null, the chunks of the body. What is at hand as an array leaves
 * with the header in one piece; other sources are asked for bytes once the header is on its way.
 * @param flush  where writes may be held back: called when the body has nothing more for now
 * @returns bytes of the message
 */
export async function writeMessage(
  header: Uint8Array,
  body: BodyPieces | null,
  options: BodyWriterOptions,
  write: (bytes: Uint8Array) => Promise<void>,
  flush: (() => Promise<void>) | null = null,
): Promise<number> {
  let bytes = header.length;
  if (Array.isArray(body) && !body.some(isMark)) {
    const cuts = cutPieces(body);
    for (let i = 0; i < cuts.length; i++) {
      const sealing = sealCut(options, i + 1, cuts[i]!, i === cuts.length - 1);
      const chunk = isPending(sealing) ? await sealing : sealing;
      bytes += chunk.length;
      await write(i === 0 ? joined([header, chunk], bytes) : chunk);
    }
    return bytes;
  }
  await write(header);
  if (body === null) return bytes;
  for await (const chunk of bodyChunks(body, options)) {
    bytes += chunk.length;
    if (chunk !== FLUSH) await write(chunk);
    else await flush?.();
  }
  return bytes;
}

/** The pieces cut to what a chunk carries: at least one cut, which may be empty. */
function cutPieces(pieces: readonly Uint8Array[]): Uint8Array[] {
  const cuts: Uint8Array[] = [];
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; at += CHUNK_BYTES) cuts.push(piece.subarray(at, at + CHUNK_BYTES));
  }
  return cuts.length > 0 ? cuts : [new Uint8Array(0)];
}

function sealCut(options: BodyWriterOptions, sequenceNumber: number, data: Uint8Array, endOfMessage: boolean) {
  const { context, messageId, format, compressor } = options;
  return writeChunk(context, { sequenceNumber, messageId, endOfMessage, data }, format, compressor);
}

/**
 * The chunks of a body as wire objects, and FLUSH where it pauses. Pieces are cut to `CHUNK_BYTES`. The last one carries
 * the end of the message, so a piece is held until the source has given the next: at once, or it leaves without.
 */
export async function* bodyChunks(source: BodyPieces, options: BodyWriterOptions): AsyncGenerator<Uint8Array> {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  let now = options;
  let sequenceNumber = 0;
  let held: Uint8Array | null = null;
  let isFlushed = false;
  let isOver = false;
  try {
    for (;;) {
      const asked = iterator.next();
      if (isPending(asked) && (held !== null || !isFlushed) && !(await settlesSoon(asked))) {
        if (held !== null) yield await sealCut(now, ++sequenceNumber, held, false);
        held = null;
        isFlushed = true;
        yield FLUSH;
      }
      isOver = true;
      const next = await asked;
      if (next.done === true) break;
      isOver = false;
      const piece = next.value;
      if (isMark(piece)) {
        if (held !== null) yield await sealCut(now, ++sequenceNumber, held, false);
        held = null;
        if (piece === FLUSH) yield FLUSH;
        else now = { ...now, compressor: markedCompressor(piece, now) };
        continue;
      }
      for (let at = 0; at < piece.length; at += CHUNK_BYTES) {
        if (held !== null) yield await sealCut(now, ++sequenceNumber, held, false);
        held = piece.subarray(at, at + CHUNK_BYTES);
        isFlushed = false;
      }
    }
    yield await sealCut(now, ++sequenceNumber, held ?? new Uint8Array(0), true);
  } finally {
    // Nobody waits for a source that is still making a piece.
    if (!isOver) void Promise.resolve(iterator.return?.()).catch(() => {});
  }
}

function markedCompressor(mark: Uint8Array, options: BodyWriterOptions): Compressor | null {
  if (mark === MARKS.get(null)) return null;
  const algorithm = mark === MARKS.get("GZIP") ? "GZIP" : "LZW";
  return options.compressorNamed?.(algorithm) ?? options.compressor;
}

/** Turns that a source has for its next piece: enough for any that does not wait for anything outside the program. */
const TURNS = 32;

async function settlesSoon(asked: Promise<unknown>): Promise<boolean> {
  let isSettled = false;
  const settled = () => {
    isSettled = true;
  };
  asked.then(settled, settled);
  for (let turn = 0; turn < TURNS && !isSettled; turn++) await null;
  return isSettled;
}
