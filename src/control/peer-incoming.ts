// What the application gets of a message between peers: as any message, and with the means to answer it.

import type { BodyReader } from "../message/body.ts";
import type { MessageHeader } from "../message/header.ts";
import type { ServiceToken } from "../tokens/service-token.ts";
import type { RejectInit } from "./api.ts";
import { IncomingMessage, type IncomingOptions, IncomingRequest } from "./incoming.ts";
import type { PeerIncoming, PeerRequest, PeerResponseInit } from "./peer-api.ts";

export class PeerMessage extends IncomingMessage implements PeerIncoming {
  readonly peerServiceTokens: readonly ServiceToken[];

  constructor(header: MessageHeader, body: BodyReader, options: IncomingOptions) {
    super(header, body, options);
    this.peerServiceTokens = header.peer.serviceTokens;
  }
}

export interface Answering {
  respond(init: PeerResponseInit): Promise<PeerIncoming | null>;
  fail(error: unknown): Promise<void>;
  reject(reply: RejectInit): Promise<void>;
}

export class PeerRequestMessage extends IncomingRequest implements PeerRequest {
  readonly peerServiceTokens: readonly ServiceToken[];
  readonly #answering: Answering;
  #isAnswered = false;

  constructor(header: MessageHeader, body: BodyReader, options: IncomingOptions, answering: Answering) {
    super(header, body, options);
    this.peerServiceTokens = header.peer.serviceTokens;
    this.#answering = answering;
  }

  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  async respond(init: PeerResponseInit): Promise<PeerIncoming | null> {
    this.#isAnswered = true;
    return this.#answering.respond(init);
  }

  async reject(reply: RejectInit): Promise<void> {
    this.#isAnswered = true;
    return this.#answering.reject(reply);
  }

  /** Answers a failure of the application, or of reading the body. */
  async fail(error: unknown): Promise<void> {
    this.#isAnswered = true;
    return this.#answering.fail(error);
  }
}
