// Keeps the bytes of each exchange of a transport: what an eavesdropper on the wire has.

import type { Exchange, Transport } from "../platform/transport.ts";
import { concatBytes } from "../transport/bytes.ts";

export interface RecordedExchange {
  readonly request: Uint8Array;
  readonly response: Uint8Array;
}

export class RecordingTransport implements Transport {
  readonly #transport: Transport;
  readonly #recorded: { request: Uint8Array[]; response: Uint8Array[] }[] = [];

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  get count(): number {
    return this.#recorded.length;
  }

  at(i: number): RecordedExchange {
    const found = this.#recorded.at(i);
    if (found === undefined) throw new Error("no such exchange");
    return { request: concatBytes(found.request), response: concatBytes(found.response) };
  }

  async open(options: Parameters<Transport["open"]>[0]): Promise<Exchange> {
    const exchange = await this.#transport.open(options);
    const record = { request: [] as Uint8Array[], response: [] as Uint8Array[] };
    this.#recorded.push(record);
    return {
      writer: {
        write(bytes) {
          record.request.push(bytes.slice());
          return exchange.writer.write(bytes);
        },
        end: () => exchange.writer.end(),
      },
      reader: {
        async read() {
          const bytes = await exchange.reader.read();
          if (bytes !== null) record.response.push(bytes.slice());
          return bytes;
        },
        cancel: () => exchange.reader.cancel(),
      },
      abort: () => exchange.abort(),
    };
  }
}
