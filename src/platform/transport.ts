// What carries messages: one exchange is one request message out and at most one reply message in.

import type { CancelSignal } from "./signal.ts";

/** Bytes arriving: each `read` gives the next piece, or null at the end. */
export interface ByteReader {
  read(): Promise<Uint8Array | null>;
  /** Gives the source up: no more reads follow. */
  cancel(): void;
}

/** Bytes leaving. `write` resolves when more may be written (back-pressure). */
export interface ByteWriter {
  write(bytes: Uint8Array): Promise<void>;
  /** What was written leaves now. Where it is missing, nothing is held back. */
  flush?(): Promise<void>;
  /** Ends the outgoing direction. */
  end(): Promise<void>;
}

/** One request in flight. On a half-duplex transport the writer is ended before the reader gives anything. */
export interface Exchange {
  /** `full`: the reply may be read while the request is still being written. */
  readonly duplex?: "full";
  readonly writer: ByteWriter;
  readonly reader: ByteReader;
  /** Drops the connection; pending reads and writes fail. Idempotent. */
  abort(): void;
}

/** Opens one exchange with the server or peer; failures are MslTransportError. */
export interface Transport {
  open(options: { signal: CancelSignal | null }): Promise<Exchange>;
}

/** One full-duplex byte channel that both sides use for many messages, one after another. */
export interface Connection {
  readonly reader: ByteReader;
  readonly writer: ByteWriter;
  /** Drops the connection; pending reads and writes fail. Idempotent. */
  abort(): void;
}
