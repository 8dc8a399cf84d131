// A device in a trusted services network: requests that authenticate, exchange keys, log in and renew by themselves.

import type { EntityAuthData } from "../entity-auth/scheme.ts";
import { errorName } from "../errors/codes.ts";
import { MslLimitError, MslRemoteError, MslUsageError } from "../errors/msl-error.ts";
import type { ErrorHeader } from "../message/error-header.ts";
import { DeviceStore } from "../store/device-store.ts";
import type { UserAuthData } from "../user-auth/scheme.ts";
import type { ClientConfig, ClientSession, Incoming, MslClient, Outgoing, RequestInit, SendInit } from "./api.ts";
import { type RepeatableBody, repeatableBody } from "./bodies.ts";
import { OutgoingChannel } from "./channel.ts";
import { type AttemptOutcome, type Operation, runAttempt } from "./client-attempt.ts";
import { ClientEngine } from "./client-engine.ts";
import { Deadline } from "./deadline.ts";
import { type Attempt, type ExchangeEvent, INITIAL, step } from "./exchange.ts";
import { IncomingMessage } from "./incoming.ts";
import { noteRefusedOffer, offeredSchemes } from "./key-offers.ts";
import { reportIncoming } from "./reports.ts";
import { MAX_MESSAGE_BYTES, RESEND_BYTES } from "./settings.ts";
import { boundUserIdToken, dropTokens, type SentTokens } from "./token-selection.ts";

/**
 * Opens the device's state and makes a client.
 * @throws STORE_CORRUPT, STORE_FAILED, STORE_TOO_NEW, STORE_ROLLED_BACK, STORE_MISMATCH, CORE_FAILED, MslUsageError
 */
export async function createClient(config: ClientConfig): Promise<MslClient> {
  const { open }: Partial<ClientConfig["transport"]> = config.transport;
  if (typeof open !== "function") throw new MslUsageError("A client needs a transport that opens exchanges.");
  const core = await config.core;
  const data = await config.entity.data(null);
  const store = await DeviceStore.open(core, data?.identity ?? null, config.storage ?? null, config);
  return new Client(new ClientEngine(config, core, store));
}

interface FreshData {
  readonly entityAuth: EntityAuthData | null;
  readonly userAuth: UserAuthData | null;
}

const NO_FRESH_DATA: FreshData = { entityAuth: null, userAuth: null };

class Client implements MslClient {
  readonly session: ClientSession;
  readonly #engine: ClientEngine;
  #isClosed = false;

  constructor(engine: ClientEngine) {
    this.#engine = engine;
    const { store } = engine;
    this.session = {
      get masterToken() {
        const token = store.masterToken;
        return token === null ? null : { serialNumber: token.serialNumber, sequenceNumber: token.sequenceNumber };
      },
      hasUser: (id) => store.userIdToken(id) !== null,
      tokensOf(id) {
        const { masterToken } = store;
        const userIdToken = boundUserIdToken(store, id, masterToken);
        return masterToken === null || userIdToken === null ? null : { masterToken, userIdToken };
      },
      async forgetUser(id) {
        store.forgetUser(id);
        await store.commit();
      },
      async clear() {
        store.clear();
        await store.commit();
      },
    };
  }

  async request(init: RequestInit): Promise<Incoming> {
    const body = repeatableBody(init.body, this.#engine.config.resendBytes ?? RESEND_BYTES);
    const incoming = await this.#start(init, body, true);
    return incoming ?? never();
  }

  async send(init: SendInit): Promise<void> {
    const body = repeatableBody(init.body, this.#engine.config.resendBytes ?? RESEND_BYTES);
    await this.#start({ ...init, wantTokens: false }, body, false);
  }

  open(init: Omit<RequestInit, "body">): { readonly outgoing: Outgoing; readonly incoming: Promise<Incoming> } {
    const outgoing = new OutgoingChannel();
    const incoming = this.#start(init, outgoing, true).then((reply) => reply ?? never());
    incoming.catch((error) => outgoing.fail(error));
    return { outgoing, incoming };
  }

  async #start(init: RequestInit, body: RepeatableBody, expectsReply: boolean): Promise<Incoming | null> {
    if (this.#isClosed) throw new MslUsageError("The client is closed.");
    const engine = this.#engine;
    const deadline = new Deadline(engine.config.timers, init.timeoutMs ?? null, init.signal ?? null);
    const wishes = {
      encrypted: init.encrypted !== false,
      integrity: init.integrity !== false,
      nonReplayable: init.nonReplayable === true,
      wantTokens: init.wantTokens === true,
      hasUser: (init.user ?? null) !== null,
      // A message whose reply is not read gets no tokens: what it needs, a handshake fetches before it.
      isEmpty: body.isEmpty || !expectsReply,
    };
    try {
      return await this.#run({ engine, init, wishes, body, expectsReply, deadline });
    } catch (error) {
      deadline.end();
      throw error;
    }
  }

  async #run(operation: Operation): Promise<Incoming | null> {
    const { config, store } = this.#engine;
    let event: ExchangeEvent = { kind: "start" };
    let state = INITIAL;
    let failed: SentTokens | null = null;
    let fresh = NO_FRESH_DATA;
    let firstError: MslRemoteError | null = null;
    let lastError: MslRemoteError | null = null;
    for (;;) {
      operation.deadline.check();
      const next = step(state, event);
      if (next.kind === "limit") throw firstError ?? new MslLimitError(state.messages);
      if (next.kind !== "attempt") throw lastError ?? new MslLimitError(state.messages);
      state = next.state;
      if (failed !== null) await operation.deadline.race(dropTokens(store, next.drop, failed));
      if (lastError !== null && event.kind === "error-reply" && !operation.body.canRepeat) throw lastError;
      if (next.attempt.keepsData !== true) fresh = await this.#freshData(operation, next.attempt, lastError);
      const outcome = await runAttempt(operation, next.attempt, fresh.entityAuth, fresh.userAuth, failed);
      failed = null;
      switch (outcome.kind) {
        case "reply":
          return this.#deliver(operation, outcome);
        case "sent":
          operation.deadline.end();
          return null;
        case "handshake-reply":
          event = outcome;
          break;
        case "error":
          lastError = remoteError(outcome.error, state.messages / 2);
          firstError ??= lastError;
          failed = outcome.sent;
          event = {
            kind: "error-reply",
            messageId: outcome.error.messageId,
            responseCode: outcome.error.responseCode,
            canExchangeKeys: offeredSchemes(config, store, true).length > 0,
            isOfferRefused: await this.#isOfferRefused(operation, outcome),
          };
      }
    }
  }

  /** Whether to send again what the server refused for a key exchange that it lacks. It is saved that it does. */
  async #isOfferRefused(operation: Operation, { error, sent }: AttemptOutcome & { kind: "error" }): Promise<boolean> {
    const { config, store } = this.#engine;
    const refused = noteRefusedOffer(config, store, error, sent);
    if (refused !== "no") await operation.deadline.race(store.commit());
    return refused === "resend";
  }

  /** Data that recovery asks the application for; a hook that has none delivers the server's error. */
  async #freshData(operation: Operation, attempt: Attempt, error: MslRemoteError | null): Promise<FreshData> {
    if (attempt.entityReason === null && attempt.userReason === null) return NO_FRESH_DATA;
    let entityAuth: EntityAuthData | null = null;
    let userAuth: UserAuthData | null = null;
    if (attempt.entityReason !== null) {
      entityAuth = await operation.deadline.wait(this.#engine.entityData(attempt.entityReason));
      if (entityAuth === null && error !== null) throw error;
    }
    if (attempt.userReason !== null) {
      const query = { reason: attempt.userReason, renewable: false, required: true };
      userAuth = (await operation.deadline.wait(operation.init.user?.authenticate(query) ?? null)) ?? null;
      if (userAuth === null && error !== null) throw error;
    }
    return { entityAuth, userAuth };
  }

  async #deliver(operation: Operation, reply: AttemptOutcome & { kind: "reply" }): Promise<Incoming> {
    const { header, body, input, lease } = reply;
    const { deadline, engine } = operation;
    const incoming = new IncomingMessage(header, body, {
      maxBytes: engine.limits.maxMessageBytes ?? MAX_MESSAGE_BYTES,
      wait: (value) => deadline.wait(value),
      done: () => {
        input.cancel();
        deadline.end();
        lease?.release();
        reportIncoming(engine.config.onMessage, header, input.bytes, false);
      },
    });
    await incoming.prefetch();
    return incoming;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#engine.store.close();
  }
}

function never(): never {
  throw new MslUsageError("A request without a reply.");
}

function remoteError(header: ErrorHeader, attempts: number): MslRemoteError {
  const { internalCode, responseCode, userMessage } = header;
  const code = (internalCode === null ? null : errorName(internalCode)) ?? "INTERNAL_EXCEPTION";
  return new MslRemoteError(code, { internalCode, responseCode, userText: userMessage, attempts });
}
