// What the application gets of a received message: facts of the header, and the body as it arrives.

import { isProved, type MessageHeader } from "../message/header.ts";
import { type BodyReader, textOf } from "../message/body.ts";
import type { ServiceToken } from "../tokens/service-token.ts";
import { type Awaitable, isPending } from "../platform/awaitable.ts";
import type { Incoming, ServerRequest } from "./api.ts";

export interface IncomingOptions {
  /** Most bytes that `bytes` and `text` collect. */
  readonly maxBytes: number;
  /** Wraps each wait for bytes: the operation's deadline. */
  wait<T>(value: Awaitable<T>): Awaitable<T>;
  /** Runs once, when the body ended, failed, or was given up. */
  done(): void;
}

export class IncomingMessage implements Incoming {
  readonly messageId: number;
  readonly format: MessageHeader["format"];
  readonly sender: string | null;
  readonly user: string | null;
  readonly encrypted: boolean;
  readonly integrityProtected: boolean;
  readonly serviceTokens: readonly ServiceToken[];
  readonly #body: BodyReader;
  readonly #options: IncomingOptions;
  #isOver = false;

  constructor(header: MessageHeader, body: BodyReader, options: IncomingOptions) {
    this.messageId = header.messageId;
    this.format = header.format;
    this.sender = header.identity;
    this.user = header.user;
    this.encrypted = header.encrypted;
    this.integrityProtected = header.integrityProtected;
    this.serviceTokens = header.serviceTokens;
    this.#body = body;
    this.#options = options;
  }

  get complete(): boolean {
    return this.#body.isComplete;
  }

  /** Reads ahead to the first chunk, so that a short message is over at once; a failure waits for the reader. */
  async prefetch(): Promise<void> {
    try {
      const first = this.#options.wait(this.#body.peek());
      if (isPending(first)) await first;
    } catch {
      // Delivered by the next read.
    }
    if (this.#body.isDone) this.#over();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Nobody reads it: what it holds is needed elsewhere. A later read meets the error. */
  giveUp(error: unknown): void {
    this.#body.fail(error);
    this.#over();
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.done();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const bytes = await this.#options.wait(this.#body.next());
        if (bytes === null) return;
        yield bytes;
      }
    } finally {
      if (!this.#body.isDone) this.#body.cancel();
      this.#over();
    }
  }

  async bytes(): Promise<Uint8Array> {
    try {
      const whole = this.#options.wait(this.#body.all(this.#options.maxBytes));
      return isPending(whole) ? await whole : whole;
    } finally {
      if (!this.#body.isDone) this.#body.cancel();
      this.#over();
    }
  }

  async text(): Promise<string> {
    return textOf(await this.bytes());
  }

  cancel(): void {
    this.#body.cancel();
    this.#over();
  }
}

/** A request. */
export class IncomingRequest extends IncomingMessage implements Omit<ServerRequest, "push"> {
  readonly masterToken: ServerRequest["masterToken"];
  readonly nonReplayable: boolean;
  readonly senderProved: boolean;

  constructor(header: MessageHeader, body: BodyReader, options: IncomingOptions) {
    super(header, body, options);
    const token = header.masterToken;
    this.masterToken =
      token === null ? null : { serialNumber: token.serialNumber, sequenceNumber: token.sequenceNumber };
    this.nonReplayable = header.nonReplayableId !== null;
    this.senderProved = isProved(header);
  }
}

/** A request at a server, which may push instead of answering it. */
export class PushableRequest extends IncomingRequest implements ServerRequest {
  readonly push: ServerRequest["push"];

  constructor(header: MessageHeader, body: BodyReader, options: IncomingOptions, push: ServerRequest["push"]) {
    super(header, body, options);
    this.push = push;
  }
}
