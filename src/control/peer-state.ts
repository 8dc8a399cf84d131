// What the operations of one peer session share: whose turn it is, what the last message left on the connection, and how
// messages are delivered and refused.

import type { ServiceTokenHooks } from "../builder/service-tokens.ts";
import type { CompressionAlgorithm } from "../encoding/compression.ts";
import { MslTransportError, MslUsageError } from "../errors/msl-error.ts";
import { BodyReader } from "../message/body.ts";
import type { ErrorHeader } from "../message/error-header.ts";
import type { MessageHeader } from "../message/header.ts";
import type { CallOptions, UserSession } from "./api.ts";
import type { RepeatableBody } from "./bodies.ts";
import { type Counterpart, counterpartOf } from "./counterparts.ts";
import { Deadline } from "./deadline.ts";
import { sendError } from "./error-reply.ts";
import { type ExchangeEvent, ExchangeRecord } from "./events.ts";
import type { IncomingOptions } from "./incoming.ts";
import type { PeerChannel } from "./peer-channel.ts";
import type { PeerEngine } from "./peer-engine.ts";
import type { PeerOperation } from "./peer-exchange.ts";
import type { Expectation, ReadMessage } from "./peer-read.ts";
import type { PeerIntent } from "./peer-send.ts";
import { reportIncoming } from "./reports.ts";
import { MAX_MESSAGE_BYTES } from "./settings.ts";

/** A message whose body the application may not have read. */
export interface Delivery {
  readonly body: BodyReader;
  readonly options: IncomingOptions;
  /** It was a handshake: nothing of it is for the application, and its operation goes on. */
  answered(): void;
}

export class SessionState {
  readonly engine: PeerEngine;
  readonly channel: PeerChannel;
  /** Whose tokens are used: whom this side spoke to first, or whoever sent the last message. */
  name: string;
  /** This side spoke first, or said whom it expects. */
  isInitiator: boolean;
  /** Identity that the other side of an initiator's session showed first. */
  party: string | null = null;
  /** An answer that is still being sent. */
  tail: Promise<void> | null = null;
  /** A message that came while something else was awaited. */
  early: ReadMessage | null = null;
  #delivery: Delivery | null = null;
  #passed: Delivery | null = null;
  #isBusy = false;
  #isClosed = false;

  constructor(engine: PeerEngine, channel: PeerChannel, name: string | null) {
    this.engine = engine;
    this.channel = channel;
    this.name = name ?? engine.config.expectSender ?? "";
    this.isInitiator = name !== null;
  }

  /** Whose store a message concerns. */
  nameFor(header: MessageHeader | ErrorHeader): string {
    const identity = header.kind === "error" ? header.entityAuth.identity : header.identity;
    const isParty = this.isInitiator && (this.party === null || this.party === identity);
    if (isParty) this.party = identity;
    return isParty ? this.name : (counterpartOf(header) ?? this.name);
  }

  get isUsable(): boolean {
    return !this.#isClosed && this.channel.isUsable;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.tail?.catch(() => {});
    this.early?.release();
    this.#delivery?.options.done();
    this.#passed?.options.done();
    await this.channel.close();
  }

  /** One operation at a time, behind what the last one left. `keeps`: a body that the operation still reads itself. */
  async exclusively<T>(
    options: CallOptions,
    run: (deadline: Deadline) => Promise<T>,
    keeps: BodyReader | null = null,
  ): Promise<T> {
    if (this.#isBusy) throw new MslUsageError("Messages of a session alternate: another operation is under way.");
    if (!this.isUsable) throw new MslTransportError("The session is closed, or its connection is out of step.", false);
    const deadline = new Deadline(this.engine.config.timers, options.timeoutMs ?? null, options.signal ?? null);
    this.#isBusy = true;
    try {
      const delivery = this.#delivery;
      if (delivery !== null && delivery.body !== keeps) await this.#drain(delivery, deadline);
      if (this.#passed !== null && this.#passed.body !== keeps) {
        this.#passed.options.done();
        this.#passed = null;
      }
      await deadline.race(this.tail ?? Promise.resolve());
      this.tail = null;
      return await run(deadline);
    } catch (error) {
      // Whoever gave up may have left a read behind, which would take the next message's bytes.
      if (deadline.signal.aborted) this.drop();
      deadline.end();
      throw error;
    } finally {
      this.#isBusy = false;
    }
  }

  async #drain({ body, options }: Delivery, deadline: Deadline): Promise<void> {
    this.#delivery = null;
    try {
      if (this.channel.isStream) await deadline.race(body.drain());
    } catch (error) {
      this.drop();
      throw error;
    } finally {
      options.done();
    }
  }

  drop(): void {
    if (this.channel.isStream) this.channel.abort();
  }

  /** Answers with an error message. @throws MslErrorResponseFailed */
  async refuse(error: unknown, failed: PeerOperation["failed"], deadline: Deadline): Promise<void> {
    try {
      const turn = await this.channel.open(deadline);
      await deadline.race(sendError(this.engine.errors, error, failed, turn));
    } catch (cause) {
      this.drop();
      throw cause;
    }
  }

  /** The body of a message for the application. `mayLack`: it ends where another message begins. */
  deliver(header: MessageHeader, read: ReadMessage, deadline: Deadline, mayLack = false): Delivery {
    const { config, compression, limits } = this.engine;
    const body = new BodyReader(read.source, {
      context: header.payloadContext,
      messageId: header.messageId,
      compression,
      allowTruncated: mayLack || config.allowTruncated === true,
      isEmpty: header.handshake === true,
    });
    let isOver = false;
    const over = (isHandshake: boolean) => {
      if (isOver) return;
      isOver = true;
      read.source.cancel();
      read.release();
      reportIncoming(config.onMessage, header, read.source.bytes, isHandshake);
    };
    const options: IncomingOptions = {
      maxBytes: limits.maxMessageBytes ?? MAX_MESSAGE_BYTES,
      wait: (value) => deadline.wait(value),
      done: () => {
        over(false);
        deadline.end();
      },
    };
    this.#delivery?.options.done();
    const answered = () => {
      this.#delivery = null;
      over(true);
    };
    this.#delivery = { body, options, answered };
    return this.#delivery;
  }

  /** The message has nothing more for the application, and perhaps no chunks: none are awaited. */
  passOver(delivery: Delivery): void {
    if (this.#delivery === delivery) this.#delivery = null;
    this.#passed?.options.done();
    this.#passed = delivery;
  }

  /** Begins what operators see of a message that is received. */
  record(): ExchangeRecord {
    return new ExchangeRecord(this.engine.config.clock.nowMs());
  }

  report(record: ExchangeRecord, bytesIn: number, outcome: ExchangeEvent["outcome"], error: unknown = null): void {
    const { onEvent, clock } = this.engine.config;
    record.ended(outcome, error);
    onEvent?.(record.event(clock.nowMs(), bytesIn));
  }

  intent(
    given: { readonly serviceTokens?: ServiceTokenHooks | null; readonly compress?: boolean | CompressionAlgorithm },
    body: RepeatableBody,
    user: UserSession | null,
    remoteUser: string | null,
  ): PeerIntent {
    return {
      wishes: {
        encrypted: false,
        integrity: false,
        nonReplayable: false,
        wantTokens: false,
        hasUser: user !== null,
        isEmpty: false,
      },
      body,
      user,
      remoteUser,
      hooks: given.serviceTokens ?? null,
      compress: given.compress ?? true,
    };
  }

  operation(
    counterpart: Counterpart,
    intent: PeerIntent,
    deadline: Deadline,
    expectation: Expectation,
    header: MessageHeader | null,
    record: ExchangeRecord | null = null,
  ): PeerOperation {
    const { engine, channel } = this;
    const failed = { format: header?.format ?? ("JSON" as const), header };
    const progress = { failed, record, hasSent: false, hasWritten: false };
    return { engine, counterpart, channel, intent, deadline, expectation, ...progress };
  }
}
