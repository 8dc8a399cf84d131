// An MSL server as a fetch-style handler (`Request` in, `Response` out), for workers and edge servers. The request body
// is read as it arrives; the answer is collected and returned whole.

import { MslTransportError } from "../errors/msl-error.ts";
import type { ByteReader } from "../platform/transport.ts";
import { CollectingWriter, type EndpointSignal, type MessageEndpoint } from "./pipe.ts";

/** The parts of `Request` and `Response` that are used. */
export interface FetchRequest {
  readonly method: string;
  readonly headers: { get(name: string): string | null };
  readonly body: { getReader(): BodyReader } | null;
  readonly signal?: EndpointSignal | null;
}

interface BodyReader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array }>;
  cancel(): Promise<void>;
}

export interface FetchHandlerOptions<R> {
  /** Makes the platform's response: `(body, init) => new Response(body, init)`. */
  readonly respond: (body: Uint8Array | null, init: { status: number; headers: Record<string, string> }) => R;
  readonly cors?: readonly string[];
}

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
    const writer = new CollectingWriter();
    await endpoint(bodyReader(request), writer, { signal: request.signal ?? null });
    const body = writer.take();
    if (body.length > 0) headers["content-type"] = body[0] === 0x7b ? "application/json" : "application/cbor-seq";
    return options.respond(body, { status: 200, headers });
  };
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
