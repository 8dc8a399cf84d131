// Messages with one counterpart, one after another: requests of this side, and answers to those of the other.

import { MslLimitError, MslRemoteError, MslTransportError } from "../errors/msl-error.ts";
import type { MessageHeader } from "../message/header.ts";
import { nextMessageId } from "../message/ids.ts";
import { repeatableBody } from "./bodies.ts";
import type { Deadline } from "./deadline.ts";
import { sendError } from "./error-reply.ts";
import { type Attempt, INITIAL } from "./exchange.ts";
import type { PeerIncoming, PeerReceived, PeerReceiveOptions, PeerRequestInit, PeerSession } from "./peer-api.ts";
import type { Arrival, PeerChannel } from "./peer-channel.ts";
import type { PeerEngine } from "./peer-engine.ts";
import { answerLast, type Arrived, converse, type PeerOperation } from "./peer-exchange.ts";
import { PeerMessage } from "./peer-incoming.ts";
import type { ReadMessage } from "./peer-read.ts";
import { receiveFrom } from "./peer-receive.ts";
import { SessionState } from "./peer-state.ts";
import { RESEND_BYTES } from "./settings.ts";

export class Session implements PeerSession {
  readonly #state: SessionState;

  constructor(engine: PeerEngine, channel: PeerChannel, name: string | null) {
    this.#state = new SessionState(engine, channel, name);
  }

  get isUsable(): boolean {
    return this.#state.isUsable;
  }

  get masterToken(): PeerSession["masterToken"] {
    const { engine, name } = this.#state;
    const token = engine.counterparts.find(name)?.store.masterToken ?? null;
    return token === null ? null : { serialNumber: token.serialNumber, sequenceNumber: token.sequenceNumber };
  }

  hasUser(id: string): boolean {
    const { engine, name } = this.#state;
    return (engine.counterparts.find(name)?.store.userIdToken(id) ?? null) !== null;
  }

  forgetUser(id: string): Promise<void> {
    const { engine, name } = this.#state;
    return engine.counterparts.change(name, (store) => store.forgetUser(id));
  }

  clear(): Promise<void> {
    const { engine, name } = this.#state;
    return engine.counterparts.change(name, (store) => store.clear());
  }

  close(): Promise<void> {
    return this.#state.close();
  }

  async request(init: PeerRequestInit): Promise<PeerIncoming> {
    const incoming = await this.#ask(init, "all");
    if (incoming === null) throw new MslTransportError("The other side sent no reply.", true);
    return incoming;
  }

  async send(init: PeerRequestInit): Promise<void> {
    await this.#ask({ ...init, wantTokens: false }, "handshakes");
  }

  receive(options: PeerReceiveOptions = {}): Promise<PeerReceived> {
    const state = this.#state;
    return state.exclusively(options, async (deadline) => {
      const { early } = state;
      state.early = null;
      const arrival = early ?? (await this.#next(deadline));
      if (arrival !== null) return receiveFrom(state, arrival, options, deadline);
      deadline.end();
      return { kind: "closed" };
    });
  }

  /** What cannot be read at all is answered too, in the format that everyone reads, before the connection ends. */
  async #next(deadline: Deadline): Promise<Arrival | null> {
    const state = this.#state;
    try {
      return await deadline.race(state.channel.receive());
    } catch (error) {
      deadline.check();
      if (!(error instanceof MslTransportError)) {
        await state.refuse(error, { format: "JSON", header: null }, deadline);
      }
      throw error;
    }
  }

  /** As `receive`, with a message that is here already. */
  receiveMessage(read: ReadMessage, options: PeerReceiveOptions): Promise<PeerReceived> {
    return this.#state.exclusively(options, (deadline) => receiveFrom(this.#state, read, options, deadline));
  }

  #ask(init: PeerRequestInit, awaited: "all" | "handshakes"): Promise<PeerIncoming | null> {
    const state = this.#state;
    const { config, counterparts } = state.engine;
    const body = repeatableBody(init.body, config.resendBytes ?? RESEND_BYTES);
    const intent = {
      ...state.intent(init, body, init.user ?? null, init.remoteUser ?? null),
      wishes: {
        encrypted: init.encrypted !== false,
        integrity: init.integrity !== false,
        nonReplayable: init.nonReplayable === true,
        wantTokens: init.wantTokens === true,
        hasUser: (init.user ?? null) !== null,
        isEmpty: body.isEmpty,
      },
    };
    const expectation = {
      sender: init.expectSender ?? config.expectSender ?? null,
      requireReply: init.requireReply ?? config.requireReply ?? null,
    };
    return state.exclusively(init, async (deadline) => {
      state.isInitiator = true;
      const counterpart = await counterparts.hold(state.name);
      const operation = state.operation(counterpart, intent, deadline, expectation, null);
      let written: Promise<unknown> = Promise.resolve();
      try {
        const start = { state: INITIAL, event: { kind: "start" }, answers: null, automatic: "no" } as const;
        const outcome = await converse(operation, start, awaited);
        if (outcome.kind === "message") {
          written = outcome.written;
          return await this.#deliverReply(operation, outcome);
        }
        deadline.end();
        return null;
      } catch (error) {
        // Behind a reply that was not understood, nothing is.
        const isInStep = error instanceof MslRemoteError || error instanceof MslLimitError || !operation.hasSent;
        if (!isInStep) state.drop();
        throw error;
      } finally {
        counterparts.release(counterpart);
        void written.catch(() => {}).then(() => body.end());
      }
    });
  }

  async #deliverReply(operation: PeerOperation, { header, read, written }: Arrived): Promise<PeerIncoming> {
    const { body, options } = this.#state.deliver(header, read, operation.deadline);
    this.#state.party ??= header.identity;
    const incoming = new PeerMessage(header, body, options);
    await incoming.prefetch();
    const isUserAsking = header.renewable && header.masterToken !== null && header.userScheme !== null;
    const asksTokens = header.keyRequestCount > 0 || isUserAsking;
    // What of the message is still to be sent, comes first; without it, nothing on the connection is understood.
    const sent = written.catch(() => this.#state.drop());
    // The other side waits for tokens while this one may still be reading what it wrote.
    this.#state.tail = asksTokens ? sent.then(() => this.#answerTokens(operation, header)) : sent.then(() => {});
    if (asksTokens && body.isDone) await this.#state.tail;
    return incoming;
  }

  /** Sent even where the operation's messages are used up. */
  async #answerTokens(operation: PeerOperation, header: MessageHeader): Promise<void> {
    const { engine, counterpart, deadline, channel } = operation;
    const { counterparts } = engine;
    const held = await counterparts.hold(counterpart.name);
    const messageId = nextMessageId(header.messageId);
    const attempt: Attempt = { messageId, tokens: "both", renewable: "no", userReason: null, entityReason: null };
    try {
      await answerLast({ ...operation, counterpart: held }, header, attempt);
    } catch (error) {
      // The reply is good whatever becomes of its sender's tokens, but the sender must hear of it.
      const turn = await channel.open(deadline).catch(() => null);
      const failed = { format: header.format, header };
      if (turn !== null) await sendError(engine.errors, error, failed, turn).catch(() => this.#state.drop());
    } finally {
      counterparts.release(held);
    }
  }
}
