// A byte pipe with back-pressure between two ends in one process, and readers over what is at hand.

import { MslTransportError } from "../errors/msl-error.ts";
import type { ByteReader, ByteWriter } from "../platform/transport.ts";
import { concatBytes } from "./bytes.ts";

/** What carries messages to an MSL server: `MslServer.receive` with its handler bound. */
export type MessageEndpoint = (
  reader: ByteReader,
  writer: ByteWriter,
  options: { readonly signal: EndpointSignal | null },
) => Promise<void>;

export interface EndpointSignal {
  readonly aborted: boolean;
  readonly reason?: unknown;
  // biome-ignore lint/suspicious/noExplicitAny: the type of an AbortSignal's handler
  onabort: ((this: any, event: any) => any) | null;
}

/** A pipe that holds one piece at a time: a write resolves when its piece was taken. */
export class Pipe implements ByteReader, ByteWriter {
  #piece: Uint8Array | null = null;
  #isEnded = false;
  #failure: MslTransportError | null = null;
  #wakeReader: (() => void) | null = null;
  #wakeWriter: (() => void) | null = null;

  async read(): Promise<Uint8Array | null> {
    for (;;) {
      if (this.#failure !== null) throw this.#failure;
      const piece = this.#piece;
      if (piece !== null) {
        this.#piece = null;
        this.#wakeWriter?.();
        return piece;
      }
      if (this.#isEnded) return null;
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    for (;;) {
      if (this.#failure !== null) throw this.#failure;
      if (this.#isEnded) throw new MslTransportError("The stream was ended.", false);
      if (this.#piece === null) break;
      await new Promise<void>((resolve) => {
        this.#wakeWriter = resolve;
      });
    }
    this.#piece = bytes;
    this.#wakeReader?.();
  }

  async end(): Promise<void> {
    while (this.#piece !== null && this.#failure === null) {
      await new Promise<void>((resolve) => {
        this.#wakeWriter = resolve;
      });
    }
    this.#isEnded = true;
    this.#wakeReader?.();
  }

  /** The reader gives up: writes fail from now on. */
  cancel(): void {
    this.fail("The other side stopped reading.");
  }

  fail(reason: string): void {
    if (this.#isEnded && this.#piece === null) return;
    this.#failure ??= new MslTransportError(reason, true);
    this.#piece = null;
    this.#wakeReader?.();
    this.#wakeWriter?.();
  }
}

/** The platform's ReadableStream, as it is typed there. */
export type PipeStream = typeof globalThis extends { ReadableStream: { prototype: infer S } } ? S : object;

interface StreamSource {
  pull(controller: { enqueue(bytes: Uint8Array): void; close(): void }): Promise<void>;
  cancel(): void;
}

declare const ReadableStream: new (source: StreamSource, strategy: { highWaterMark: number }) => PipeStream;

/** The reading end as a stream, where the platform has them. */
export function pipeStream(pipe: Pipe): PipeStream {
  const source: StreamSource = {
    async pull(controller) {
      const bytes = await pipe.read();
      if (bytes === null) controller.close();
      else controller.enqueue(bytes);
    },
    cancel: () => pipe.cancel(),
  };
  return new ReadableStream(source, { highWaterMark: 0 });
}

/** A reader over bytes that are already here. */
export function bytesReader(...parts: readonly Uint8Array[]): ByteReader {
  let at = 0;
  return {
    async read() {
      return parts[at++] ?? null;
    },
    cancel() {
      at = parts.length;
    },
  };
}

/** A writer that collects. */
export class CollectingWriter implements ByteWriter {
  readonly parts: Uint8Array[] = [];
  size = 0;

  async write(bytes: Uint8Array): Promise<void> {
    this.parts.push(bytes);
    this.size += bytes.length;
  }

  async end(): Promise<void> {}

  take(): Uint8Array {
    return concatBytes(this.parts);
  }
}
