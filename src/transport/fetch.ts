// A transport over `fetch`, for browsers, TVs and workers. No Content-Type is set: receivers ignore it, and it would
// cost browsers a preflight round trip. The request body is held whole unless the engine is said to stream it; either
// way the reply is read when the request has been sent.

import { MslTransportError } from "../errors/msl-error.ts";
import { watchCancel } from "../platform/signal.ts";
import type { ByteReader, Exchange, Transport } from "../platform/transport.ts";
import { concatBytes } from "./bytes.ts";
import { Pipe, pipeStream } from "./pipe.ts";

/** The platform's `fetch`, in whatever typings: it is given `{ method, body, signal? }`. */
export type Fetch = (url: string, init: never) => Promise<FetchResponse>;

export interface FetchResponse {
  readonly status: number;
  /** A ReadableStream, where the engine has it. */
  readonly body: object | null;
  arrayBuffer(): Promise<ArrayBuffer>;
}

interface ReadableBody {
  getReader?(): FetchReader;
}

interface FetchReader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array }>;
  cancel(): Promise<void>;
}

interface Controller {
  readonly signal: unknown;
  abort(): void;
}

declare const AbortController: (new () => Controller) | undefined;

export interface FetchOptions {
  /**
   * Large requests are sent as they are made, as a stream. Only for engines that can: Node, Deno, workers, and Chromium
   * over HTTP/2, with a preflight in pages of other origins. Default: they are held whole.
   */
  readonly streamRequests?: boolean;
}

const BUFFER_BYTES = 65536;

/** @param fetch  the platform's `fetch`, bound to its global object */
export function fetchTransport(url: string, fetch: Fetch, options: FetchOptions = {}): Transport {
  return {
    async open({ signal }) {
      const controller = typeof AbortController === "undefined" ? null : new AbortController();
      const exchange = new FetchExchange(url, fetch, controller, options.streamRequests === true);
      watchCancel(signal, () => exchange.abort());
      return exchange;
    },
  };
}

class FetchExchange implements Exchange {
  readonly #parts: Uint8Array[] = [];
  readonly #url: string;
  readonly #fetch: Fetch;
  readonly #controller: Controller | null;
  #response: Promise<FetchResponse> | null = null;
  #source: ByteReader | null = null;

  readonly #canStream: boolean;
  #pipe: Pipe | null = null;
  #size = 0;

  constructor(url: string, fetch: Fetch, controller: Controller | null, canStream: boolean) {
    this.#canStream = canStream;
    this.#url = url;
    this.#fetch = fetch;
    this.#controller = controller;
  }

  readonly writer = {
    write: async (bytes: Uint8Array) => {
      if (this.#pipe !== null) return this.#pipe.write(bytes);
      this.#parts.push(bytes);
      this.#size += bytes.length;
      if (this.#size > BUFFER_BYTES) await this.#flush();
    },
    flush: () => this.#flush(),
    end: async () => {
      if (this.#pipe !== null) return this.#pipe.end();
      this.#start({ body: concatBytes(this.#parts) });
    },
  };

  async #flush(): Promise<void> {
    if (!this.#canStream || this.#pipe !== null || this.#size === 0) return;
    const pipe = new Pipe();
    this.#pipe = pipe;
    this.#start({ body: pipeStream(pipe), duplex: "half" });
    this.#response?.catch(() => pipe.fail("The request failed."));
    await pipe.write(concatBytes(this.#parts.splice(0)));
  }

  #start(body: object): void {
    const controller = this.#controller;
    const init = { method: "POST", ...body, ...(controller !== null && { signal: controller.signal }) };
    const fetch = this.#fetch;
    this.#response = fetch(this.#url, init as never);
    this.#response.catch(() => {});
  }

  readonly reader: ByteReader = {
    read: async () => {
      try {
        this.#source ??= await this.#open();
        return await this.#source.read();
      } catch (error) {
        if (error instanceof MslTransportError) throw error;
        throw new MslTransportError("The request failed.", true, error);
      }
    },
    cancel: () => this.#source?.cancel(),
  };

  async #open(): Promise<ByteReader> {
    if (this.#response === null) throw new MslTransportError("Nothing was sent yet.", false);
    const response = await this.#response;
    const source = await responseReader(response);
    const first = await source.read();
    if (first === null && response.status !== 200) {
      throw new MslTransportError(`The server answered ${response.status} without a message.`, true);
    }
    let held = first;
    return {
      async read() {
        const bytes = held;
        held = null;
        return bytes ?? source.read();
      },
      cancel: () => source.cancel(),
    };
  }

  abort(): void {
    this.#controller?.abort();
    this.#pipe?.fail("Aborted.");
    this.#source?.cancel();
  }
}

/** Streams where the engine can, else takes the whole reply at once. */
async function responseReader(response: FetchResponse): Promise<ByteReader> {
  const stream = (response.body as ReadableBody | null)?.getReader?.();
  if (stream !== undefined) {
    return {
      async read() {
        const { done, value } = await stream.read();
        return done ? null : (value ?? null);
      },
      cancel: () => void stream.cancel().catch(() => {}),
    };
  }
  let whole: Uint8Array | null = new Uint8Array(await response.arrayBuffer());
  return {
    async read() {
      const bytes = whole;
      whole = null;
      return bytes !== null && bytes.length > 0 ? bytes : null;
    },
    cancel() {
      whole = null;
    },
  };
}
