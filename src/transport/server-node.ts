// HTTP on Node, server side: a handler for any node:http server, and a hardened server of its own. Slow and endless
// clients cost a bounded amount of memory and time: `maxMessageBytes`, `idleMs`, `maxConnections`.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { MslTransportError } from "../errors/msl-error.ts";
import type { ByteReader, ByteWriter } from "../platform/transport.ts";
import { concatBytes } from "./bytes.ts";
import type { EndpointSignal, MessageEndpoint } from "./pipe.ts";

export interface HandlerOptions {
  /** Default `/msl`; null: the handler is mounted where it belongs. */
  readonly path?: string | null;
  /** Origins that browsers may call from; `*` allows all. */
  readonly cors?: readonly string[];
  /** A connection that neither gives nor takes a byte for this long is dropped. Default 10 000. */
  readonly idleMs?: number;
  /** Failures that could not be answered. */
  readonly onError?: (error: unknown) => void;
}

export interface ListenOptions extends HandlerOptions {
  readonly host?: string;
  /** Default 0: a free one. */
  readonly port?: number;
  /** Connections at a time; above it the one idle longest gives way. Default 2048. */
  readonly maxConnections?: number;
  /** A request line and headers must be complete within this time. Default 10 000. */
  readonly headersMs?: number;
  /** A request must be complete within this time. Default 120 000. */
  readonly requestMs?: number;
}

export interface ListeningServer {
  readonly url: string;
  readonly port: number;
  /** Stops accepting, lets running exchanges finish for `graceMs`, then drops them. */
  close(graceMs?: number): Promise<void>;
}

const BUFFER_BYTES = 65536;

/** A listener for `http.createServer`, Express and the like. */
export function nodeHandler(
  endpoint: MessageEndpoint,
  options: HandlerOptions = {},
): (req: IncomingMessage, res: ServerResponse) => void {
  const path = options.path === undefined ? "/msl" : options.path;
  return (req, res) => {
    const target = (req.url ?? "").split("?")[0];
    if (path !== null && target !== path) return void plain(res, 404);
    allowOrigin(req, res, options.cors ?? []);
    if (req.method === "OPTIONS") {
      res.setHeader("access-control-allow-methods", "POST, OPTIONS");
      res.setHeader("access-control-allow-headers", "content-type");
      res.setHeader("access-control-max-age", "86400");
      return void plain(res, 204);
    }
    if (req.method !== "POST") {
      res.setHeader("allow", "POST, OPTIONS");
      return void plain(res, 405);
    }
    serve(endpoint, req, res, options).catch((error) => {
      options.onError?.(error);
      req.socket.destroy();
    });
  };
}

function plain(res: ServerResponse, status: number): void {
  res.writeHead(status, { "content-length": 0 });
  res.end();
}

function allowOrigin(req: IncomingMessage, res: ServerResponse, origins: readonly string[]): void {
  const { origin } = req.headers;
  if (origin === undefined || !(origins.includes("*") || origins.includes(origin))) return;
  res.setHeader("access-control-allow-origin", origins.includes("*") ? "*" : origin);
  res.setHeader("vary", "origin");
}

async function serve(endpoint: MessageEndpoint, req: IncomingMessage, res: ServerResponse, options: HandlerOptions) {
  const signal: EndpointSignal & { aborted: boolean } = { aborted: false, onabort: null };
  res.once("close", () => {
    if (res.writableFinished) return;
    signal.aborted = true;
    signal.onabort?.call(signal, null);
  });
  req.socket.setTimeout(options.idleMs ?? 10_000);
  req.socket.setNoDelay(true);
  const writer = new ResponseWriter(res);
  await endpoint(requestReader(req), writer, { signal });
  await writer.end();
}

function requestReader(req: IncomingMessage): ByteReader {
  const iterator = (req as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  let isOver = false;
  return {
    async read() {
      if (isOver) return null;
      try {
        const next = await iterator.next();
        isOver = next.done === true;
        return next.done === true ? null : next.value;
      } catch (error) {
        throw new MslTransportError("The request broke off.", true, error);
      }
    },
    cancel() {
      // What was sent beyond the message is not read: the connection closes behind the answer.
      if (!isOver && !req.complete) req.pause();
      isOver = true;
    },
  };
}

/** Small answers leave whole and with their length; larger ones are streamed with back-pressure. */
class ResponseWriter implements ByteWriter {
  readonly #res: ServerResponse;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #isEnded = false;

  constructor(res: ServerResponse) {
    this.#res = res;
  }

  async write(bytes: Uint8Array): Promise<void> {
    const res = this.#res;
    if (res.destroyed) throw new MslTransportError("The client is gone.", false);
    if (!res.headersSent) {
      this.#held.push(bytes);
      this.#heldBytes += bytes.length;
      if (this.#heldBytes > BUFFER_BYTES) await this.flush();
      return;
    }
    await this.#push(bytes);
  }

  async flush(): Promise<void> {
    const res = this.#res;
    const first = this.#held[0];
    if (first === undefined) return;
    const bytes = concatBytes(this.#held);
    this.#held = [];
    // What will not be read to its end cannot be followed by another request on the same connection.
    if (!res.req.complete) res.setHeader("connection", "close");
    res.writeHead(200, { "content-type": contentType(first[0]!) });
    await this.#push(bytes);
  }

  async #push(bytes: Uint8Array): Promise<void> {
    const res = this.#res;
    if (res.write(bytes)) return;
    await new Promise<void>((resolve, reject) => {
      const gone = () => reject(new MslTransportError("The client is gone.", false));
      res.once("close", gone);
      res.once("drain", () => {
        res.off("close", gone);
        resolve();
      });
    });
  }

  async end(): Promise<void> {
    if (this.#isEnded || this.#res.destroyed) return;
    this.#isEnded = true;
    const res = this.#res;
    // A request that was not read to its end cannot be followed by another on the same connection.
    if (!res.req.complete && !res.headersSent) res.setHeader("connection", "close");
    if (res.headersSent) return void res.end();
    const body = concatBytes(this.#held);
    const type = body.length > 0 ? { "content-type": contentType(body[0]!) } : {};
    res.writeHead(200, { ...type, "content-length": body.length });
    res.end(body);
  }
}

function contentType(firstByte: number): string {
  return firstByte === 0x7b ? "application/json" : "application/cbor-seq";
}

/** Starts a server for one endpoint. */
export async function listen(endpoint: MessageEndpoint, options: ListenOptions = {}): Promise<ListeningServer> {
  const host = options.host ?? "127.0.0.1";
  const server = createServer({
    headersTimeout: options.headersMs ?? 10_000,
    requestTimeout: options.requestMs ?? 120_000,
    keepAliveTimeout: options.idleMs ?? 10_000,
    connectionsCheckingInterval: 1000,
    maxHeaderSize: 8192,
  });
  server.on("request", nodeHandler(endpoint, options));
  server.on("clientError", (_error, socket) => socket.destroy());
  const sockets = boundConnections(server, options.maxConnections ?? 2048, options.idleMs ?? 10_000);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, host, () => resolve());
  });
  const { port } = server.address() as AddressInfo;
  const shown = host.includes(":") ? `[${host}]` : host;
  return {
    url: `http://${shown}:${port}${options.path ?? "/msl"}`,
    port,
    close: (graceMs = 5000) => closeServer(server, sockets, graceMs),
  };
}

/** Keeps the number of connections bounded: the one without a running request that has waited longest gives way. */
function boundConnections(server: Server, limit: number, idleMs: number): Set<Socket> {
  const sockets = new Set<Socket>();
  const busy = new WeakSet<Socket>();
  server.on("connection", (socket) => {
    socket.setTimeout(idleMs, () => socket.destroy());
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    if (sockets.size <= limit) return;
    for (const other of sockets) {
      if (busy.has(other) || other === socket) continue;
      other.destroy();
      return;
    }
    socket.destroy();
  });
  server.on("request", (req, res) => {
    busy.add(req.socket);
    res.once("close", () => {
      busy.delete(req.socket);
      // Used last: goes to the end of the line.
      if (sockets.delete(req.socket) && !req.socket.destroyed) sockets.add(req.socket);
    });
  });
  return sockets;
}

async function closeServer(server: Server, sockets: Set<Socket>, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => {
    for (const socket of sockets) socket.destroy();
  }, graceMs);
  await closed;
  clearTimeout(timer);
}
