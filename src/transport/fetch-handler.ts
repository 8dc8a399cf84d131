// An MSL server as a fetch-style handler (`Request` in, `Response` out), for workers and edge servers. The request body
// is read as it arrives; the answer is returned whole, or as it is written where the platform's streams are given.

import { MslTransportError } from "../errors/msl-error.ts";
import type { ByteReader, ByteWriter } from "../platform/transport.ts";
import { concatBytes } from "./bytes.ts";
import { type EndpointSignal, type MessageEndpoint, Pipe, type PipeStream, pipeStream } from "./pipe.ts";

/** The parts of `Request` and `Response` that are used. */
export interface FetchRequest {
  readonly method: string;
  readonly headers: { get(name: string): string | null };
  readonly body: { getReader(): BodyReader } | null;
  readonly signal?: EndpointSignal | null;
}

interface BodyReader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
  cancel(): Promise<void>;
}

export interface FetchHandlerOptions<R> {
  /** Makes the platform's response: `(body, init) => new Response(body, init)`. */
  readonly respond: (body: Uint8Array | null, init: { status: number; headers: Record<string, string> }) => R;
  /** The same for a stream. Where it is given, pushed messages and large answers leave as they are written. */
  readonly respondStream?: (body: PipeStream, init: { status: number; headers: Record<string, string> }) => R;
  readonly cors?: readonly string[];
}

const BUFFER_BYTES = 65536;

export function fetchHandler<R>(
  endpoint: MessageEndpoint,
  options: FetchHandlerOptions<R>,
): (request: FetchRequest) => Promise<R> {
  const origins = options.cors ?? [];
  return async (request) => {
    const headers: Record<string, string> = {};
    const origin = request.headers.get("origin");
    if (origin !== null && (origins.includes("*") || origins.includes(origin))) {
      headers["access-control-allow-origin"] = origins.includes("*") ? "*" : origin;
      headers.vary = "origin";
    }
    if (request.method === "OPTIONS") {
      headers["access-control-allow-methods"] = "POST, OPTIONS";
      headers["access-control-allow-headers"] = "content-type";
      return options.respond(null, { status: 204, headers });
    }
    if (request.method !== "POST")
      return options.respond(null, { status: 405, headers: { ...headers, allow: "POST, OPTIONS" } });
    const writer = new AnswerWriter(options.respondStream !== undefined);
    const answering = endpoint(bodyReader(request), writer, { signal: request.signal ?? null });
    await Promise.race([answering, writer.started]);
    const { pipe } = writer;
    const type = writer.firstByte === 0x7b ? "application/json" : "application/cbor-seq";
    if (writer.firstByte !== null) headers["content-type"] = type;
    if (pipe === null || options.respondStream === undefined) {
      return options.respond(writer.take(), { status: 200, headers });
    }
    answering.then(
      () => pipe.end(),
      () => pipe.fail("The server failed."),
    );
    return options.respondStream(pipeStream(pipe), { status: 200, headers });
  };
}

/** Holds an answer until it is whole, or flushed, or large. */
class AnswerWriter implements ByteWriter {
  readonly started: Promise<void>;
  pipe: Pipe | null = null;
  firstByte: number | null = null;
  readonly #canStream: boolean;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #start: () => void = () => {};

  constructor(canStream: boolean) {
    this.#canStream = canStream;
    this.started = new Promise((resolve) => {
      this.#start = resolve;
    });
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.pipe !== null) return this.pipe.write(bytes);
    this.firstByte ??= bytes[0] ?? null;
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > BUFFER_BYTES) await this.flush();
  }

  async flush(): Promise<void> {
    if (!this.#canStream || this.pipe !== null || this.#heldBytes === 0) return;
    this.pipe = new Pipe();
    this.#start();
    await this.pipe.write(this.take());
  }

  async end(): Promise<void> {}

  take(): Uint8Array {
    const whole = concatBytes(this.#held);
    this.#held = [];
    return whole;
  }
}

function bodyReader(request: FetchRequest): ByteReader {
  const stream = request.body?.getReader() ?? null;
  return {
    async read() {
      if (stream === null) return null;
      try {
        const { done, value } = await stream.read();
        return done ? null : (value ?? null);
      } catch (error) {
        throw new MslTransportError("The request broke off.", true, error);
      }
    },
    cancel() {
      stream?.cancel().catch(() => {});
    },
  };
}
