// How the messages of a peer's operation travel: all over one connection, each with its reply in an exchange of its own,
// or as the answer to an exchange that the other side opened, which goes on in the next one that it opens.

import { MslTransportError } from "../errors/msl-error.ts";
import { ConnectionInput } from "../message/connection-input.ts";
import { MessageInput, type ObjectSource } from "../message/message-input.ts";
import type { ByteWriter, Connection, Exchange, Transport } from "../platform/transport.ts";
import type { Continuations } from "./continuations.ts";
import type { Deadline } from "./deadline.ts";
import type { PeerEngine } from "./peer-engine.ts";
import type { ReadMessage } from "./peer-read.ts";
import type { MessageSink, Sent } from "./peer-send.ts";

/** A message's first object, and the rest of it. */
export interface Arrival {
  readonly header: Uint8Array;
  readonly source: ObjectSource;
}

/** One message out and, where one comes, its reply. */
export interface Turn extends MessageSink {
  /**
   * The reply: its objects, or the message as the exchange read it that brought it. Null: the other side ended.
   * @param sender  whom the reply must come from
   */
  reply(sent: Sent, sender: string | null): Promise<Arrival | ReadMessage | null>;
  /** No reply is wanted. */
  finish(): Promise<void>;
  /** The reply may be read while the message is still being written. */
  readonly isFullDuplex: boolean;
  abort(): void;
}

export interface PeerChannel {
  /** Many messages on one stream: what is not read of one must be drained. */
  readonly isStream: boolean;
  /** Replies that nobody must await come in exchanges of their own, some time. */
  readonly isServing: boolean;
  open(deadline: Deadline): Promise<Turn>;
  /** The next message that the other side begins. */
  receive(): Promise<Arrival | null>;
  /** Whether messages can still be told apart. */
  readonly isUsable: boolean;
  /** Ends what was begun in good order. */
  close(): Promise<void>;
  abort(): void;
}

export class StreamChannel implements PeerChannel {
  readonly isStream = true;
  readonly isServing = false;
  readonly #connection: Connection;
  readonly #input: ConnectionInput;
  #isAborted = false;

  constructor(engine: PeerEngine, connection: Connection) {
    this.#connection = connection;
    this.#input = new ConnectionInput(engine.core, connection.reader, engine.limits);
  }

  get isUsable(): boolean {
    return !this.#isAborted && !this.#input.isBroken;
  }

  async open(): Promise<Turn> {
    if (this.#isAborted) throw new MslTransportError("The connection was dropped.", false);
    const { writer } = this.#connection;
    return {
      isFullDuplex: true,
      write: (bytes) => writer.write(bytes),
      flush: async () => writer.flush?.(),
      end: async () => {},
      reply: () => this.receive(),
      finish: async () => {},
      abort: () => this.abort(),
    };
  }

  receive(): Promise<Arrival | null> {
    return this.#input.message();
  }

  async close(): Promise<void> {
    if (this.#isAborted) return;
    this.#isAborted = true;
    const { reader, writer } = this.#connection;
    // The other side need not take what is still under way before this one may go.
    void writer.end().catch(() => {});
    reader.cancel();
  }

  abort(): void {
    if (this.#isAborted) return;
    this.#isAborted = true;
    this.#connection.abort();
  }
}

export class ExchangeChannel implements PeerChannel {
  readonly isStream = false;
  readonly isServing = false;
  readonly isUsable = true;
  readonly #engine: PeerEngine;
  readonly #transport: Transport;

  constructor(engine: PeerEngine, transport: Transport) {
    this.#engine = engine;
    this.#transport = transport;
  }

  async open(deadline: Deadline): Promise<Turn> {
    const exchange = await deadline.race(this.#transport.open({ signal: deadline.signal }));
    return new ExchangeTurn(this.#engine, exchange);
  }

  async receive(): Promise<Arrival | null> {
    throw new MslTransportError("Nothing arrives on a transport but replies.", false);
  }

  async close(): Promise<void> {}

  abort(): void {}
}

class ExchangeTurn implements Turn {
  readonly isFullDuplex: boolean;
  readonly #exchange: Exchange;
  readonly #input: MessageInput;

  constructor(engine: PeerEngine, exchange: Exchange) {
    this.#exchange = exchange;
    this.isFullDuplex = exchange.duplex === "full";
    this.#input = new MessageInput(engine.core, exchange.reader, engine.limits);
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#exchange.writer.write(bytes);
  }

  async flush(): Promise<void> {
    await this.#exchange.writer.flush?.();
  }

  end(): Promise<void> {
    return this.#exchange.writer.end();
  }

  async reply(): Promise<Arrival | null> {
    const header = await this.#input.next();
    return header === null ? null : { header, source: this.#input };
  }

  /** The exchange is over when the other side has ended it: at the latest then the message is there. */
  async finish(): Promise<void> {
    try {
      await this.#input.next();
    } finally {
      this.#input.cancel();
    }
  }

  abort(): void {
    this.#exchange.abort();
  }
}

/** What the exchange that brings a continuation hands over. */
export interface Handover {
  readonly read: ReadMessage;
  readonly writer: ByteWriter;
  /** Called when nothing more will be written. */
  readonly over: () => void;
}

export class ServingChannel implements PeerChannel {
  readonly isStream = false;
  readonly isServing = true;
  readonly isUsable = true;
  readonly #continuations: Continuations<Handover>;
  #writer: ByteWriter;
  #over: () => void;
  #isEnded = false;

  constructor(continuations: Continuations<Handover>, writer: ByteWriter, over: () => void) {
    this.#continuations = continuations;
    this.#writer = writer;
    this.#over = over;
  }

  async open(): Promise<Turn> {
    if (this.#isEnded) throw new MslTransportError("The exchange is over.", false);
    return {
      isFullDuplex: false,
      write: (bytes) => this.#writer.write(bytes),
      flush: async () => this.#writer.flush?.(),
      end: () => this.#end(),
      reply: (sent, sender) => this.#await(sent, sender),
      finish: async () => {},
      abort: () => this.abort(),
    };
  }

  async #end(): Promise<void> {
    if (this.#isEnded) return;
    this.#isEnded = true;
    await this.#writer.end();
    this.#over();
  }

  #await({ messageId, pending }: Sent, sender: string | null): Promise<ReadMessage | null> {
    return new Promise((resolve) => {
      this.#continuations.wait({
        messageId,
        sender,
        pending,
        arrived: (handover) => {
          if (handover === null) return resolve(null);
          this.#writer = handover.writer;
          this.#over = handover.over;
          this.#isEnded = false;
          resolve(handover.read);
        },
      });
    });
  }

  async receive(): Promise<Arrival | null> {
    throw new MslTransportError("An exchange brings one message.", false);
  }

  async close(): Promise<void> {
    await this.#end();
  }

  abort(): void {
    this.#isEnded = true;
    this.#over();
  }
}
