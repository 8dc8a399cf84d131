// HTTP on Node, client side: one POST an exchange, its body exactly one message ("MSL Messages", over HTTP).
// A short message leaves in one piece with its length; a longer one is streamed.

import { Agent, type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http";
import { Agent as TlsAgent, request as httpsRequest } from "node:https";
import { MslTransportError } from "../errors/msl-error.ts";
import type { ByteReader, ByteWriter, Exchange, Transport } from "../platform/transport.ts";
import { watchCancel } from "../platform/signal.ts";
import { concatBytes } from "./bytes.ts";

export interface HttpTransportOptions {
  /** Connections; default: kept alive, shared by this transport's exchanges. */
  readonly agent?: Agent | TlsAgent;
  readonly headers?: Readonly<Record<string, string>>;
  /** Silence of the server after which an exchange fails. Default 60 000. */
  readonly idleMs?: number;
}

const BUFFER_BYTES = 65536;
/** What is read of an unwanted reply before its connection is given up. */
const DRAIN_BYTES = 65536;

export interface HttpTransport extends Transport {
  /** Closes kept connections. */
  close(): void;
}

/** @throws MslTransportError from its exchanges; a malformed URL throws at once */
export function httpTransport(url: string | URL, options: HttpTransportOptions = {}): HttpTransport {
  const target = new URL(url);
  const isTls = target.protocol === "https:";
  const agent = options.agent ?? (isTls ? new TlsAgent({ keepAlive: true }) : new Agent({ keepAlive: true }));
  return {
    async open({ signal }) {
      const exchange = new HttpExchange(target, agent, options);
      const unwatch = watchCancel(signal, () => exchange.abort());
      exchange.onClose = unwatch;
      return exchange;
    },
    close() {
      agent.destroy();
    },
  };
}

class HttpExchange implements Exchange {
  /** HTTP/1.1 lets a server answer before it has read all. What is between it and this side may collect one or both. */
  readonly duplex = "full";
  readonly writer: ByteWriter;
  readonly reader: ByteReader;
  onClose: () => void = () => {};
  readonly #url: URL;
  readonly #agent: Agent | TlsAgent;
  readonly #options: HttpTransportOptions;
  readonly #buffered: Uint8Array[] = [];
  #bufferedBytes = 0;
  #request: ClientRequest | null = null;
  readonly #response: Promise<IncomingMessage>;
  #responded: (response: IncomingMessage) => void = () => {};
  #failed: (error: MslTransportError) => void = () => {};
  #iterator: AsyncIterator<Uint8Array> | null = null;
  #isAborted = false;

  constructor(url: URL, agent: Agent | TlsAgent, options: HttpTransportOptions) {
    this.#url = url;
    this.#agent = agent;
    this.#options = options;
    this.writer = { write: (bytes) => this.#write(bytes), flush: () => this.#flush(), end: () => this.#end() };
    this.reader = { read: () => this.#read(), cancel: () => this.#cancel() };
    this.#response = new Promise<IncomingMessage>((resolve, reject) => {
      this.#responded = resolve;
      this.#failed = reject;
    });
    this.#response.catch(() => {});
  }

  #start(firstByte: number, length: number | null): ClientRequest {
    if (this.#isAborted) throw new MslTransportError("The exchange was aborted.", false);
    const send = this.#url.protocol === "https:" ? httpsRequest : httpRequest;
    const request = send(this.#url, {
      method: "POST",
      agent: this.#agent,
      timeout: this.#options.idleMs ?? 60_000,
      headers: {
        ...this.#options.headers,
        "content-type": firstByte === 0x7b ? "application/json" : "application/cbor-seq",
        ...(length !== null && { "content-length": length }),
      },
    });
    request.setNoDelay(true);
    this.#request = request;
    request.on("response", this.#responded);
    request.on("error", (error) => this.#failed(transportError(error)));
    request.on("timeout", () => request.destroy(new Error("The server was silent.")));
    request.on("close", () => this.onClose());
    return request;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    if (this.#request === null) {
      this.#buffered.push(bytes);
      this.#bufferedBytes += bytes.length;
      if (this.#bufferedBytes > BUFFER_BYTES) await this.#flush();
      return;
    }
    await this.#push(this.#request, bytes);
  }

  /** From here on the length is not known. */
  async #flush(): Promise<void> {
    const first = this.#buffered[0];
    if (first === undefined) return;
    const bytes = concatBytes(this.#buffered);
    this.#buffered.length = 0;
    await this.#push(this.#start(first[0]!, null), bytes);
  }

  /** Writes with back-pressure; a server that answered early or broke off ends the wait. */
  #push(request: ClientRequest, bytes: Uint8Array): Promise<void> {
    if (request.destroyed) return Promise.reject(new MslTransportError("The connection is closed.", true));
    if (request.write(bytes)) return Promise.resolve();
    return new Promise<void>((resolve, reject) => {
      const gone = () => reject(new MslTransportError("The connection is closed.", true));
      request.once("close", gone);
      request.once("drain", () => {
        request.off("close", gone);
        resolve();
      });
    });
  }

  async #end(): Promise<void> {
    if (this.#request === null) {
      const body = concatBytes(this.#buffered);
      this.#start(body[0] ?? 0x7b, body.length).end(body);
      return;
    }
    this.#request.end();
  }

  async #read(): Promise<Uint8Array | null> {
    try {
      if (this.#iterator === null) {
        const response = await this.#response;
        this.#iterator = (response as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
        const first = await this.#iterator.next();
        if (first.done === true && response.statusCode !== 200) {
          throw new MslTransportError(`The server answered ${response.statusCode} without a message.`, true);
        }
        return first.done === true ? null : first.value;
      }
      const next = await this.#iterator.next();
      return next.done === true ? null : next.value;
    } catch (error) {
      throw transportError(error);
    }
  }

  /** No more is wanted. A reply that ends soon is read to its end, so that the connection serves the next exchange. */
  #cancel(): void {
    if (this.#request !== null) void this.#drain().catch(() => this.abort());
  }

  async #drain(): Promise<void> {
    for (let left = DRAIN_BYTES; left > 0; ) {
      const bytes = await this.#read();
      if (bytes === null) return;
      left -= bytes.length;
    }
    this.abort();
  }

  abort(): void {
    this.#isAborted = true;
    this.#failed(new MslTransportError("The exchange was aborted.", false));
    this.#request?.destroy(new Error("Aborted."));
  }
}

function transportError(error: unknown): MslTransportError {
  if (error instanceof MslTransportError) return error;
  const code = (error as { code?: unknown }).code;
  return new MslTransportError(typeof code === "string" ? `${code}.` : "The connection failed.", true, error);
}
