// A device in a trusted services network: requests that authenticate, exchange keys, log in and renew by themselves.

import type { EntityAuthData } from "../entity-auth/scheme.ts";
import { MslLimitError, type MslRemoteError, MslUsageError } from "../errors/msl-error.ts";
import { DeviceStore } from "../store/device-store.ts";
import type { UserAuthData } from "../user-auth/scheme.ts";
import type {
  ClientConfig,
  ClientSession,
  Incoming,
  MslClient,
  Outgoing,
  RequestInit,
  SendInit,
  Subscription,
} from "./api.ts";
import { type RepeatableBody, repeatableBody } from "./bodies.ts";
import { OutgoingChannel } from "./channel.ts";
import { runAttempt } from "./client-attempt.ts";
import { ClientEngine } from "./client-engine.ts";
import type { AttemptOutcome, Operation } from "./client-operation.ts";
import { deliver, remoteError } from "./client-reply.ts";
import { Deadline } from "./deadline.ts";
import { type Attempt, type ExchangeEvent, INITIAL, step } from "./exchange.ts";
import { noteRefusedOffer, offeredSchemes } from "./key-offers.ts";
import { RESEND_BYTES } from "./settings.ts";
import { OwnSignal, PushedMessages } from "./subscription.ts";
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

type Final = AttemptOutcome & { kind: "reply" | "sent" };

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
    return this.#ask(init, this.#body(init));
  }

  async send(init: SendInit): Promise<void> {
    await this.#perform(this.#operation({ ...init, wantTokens: false }, this.#body(init), "nothing"));
  }

  open(init: Omit<RequestInit, "body">): { readonly outgoing: Outgoing; readonly incoming: Promise<Incoming> } {
    const outgoing = new OutgoingChannel(this.#engine.capabilities.compression);
    const incoming = this.#ask(init, outgoing);
    incoming.catch((error) => outgoing.fail(error));
    return { outgoing, incoming };
  }

  subscribe(init: SendInit): Subscription {
    const signal = new OwnSignal(init.signal ?? null);
    const operation = this.#operation({ ...init, signal, wantTokens: false }, this.#body(init), "pushes");
    return new PushedMessages(operation, signal, this.#perform(operation));
  }

  #body(init: SendInit): RepeatableBody {
    return repeatableBody(init.body, this.#engine.config.resendBytes ?? RESEND_BYTES);
  }

  async #ask(init: RequestInit, body: RepeatableBody): Promise<Incoming> {
    const operation = this.#operation(init, body, "reply");
    const outcome = await this.#perform(operation);
    if (outcome.kind !== "reply") throw new MslUsageError("A request without a reply.");
    return deliver(operation, outcome, () => operation.deadline.end());
  }

  #operation(init: RequestInit, body: RepeatableBody, awaits: Operation["awaits"]): Operation {
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
      isEmpty: body.isEmpty || awaits !== "reply",
    };
    return { engine, init, wishes, body, awaits, deadline };
  }

  async #perform(operation: Operation): Promise<Final> {
    let isReply = false;
    try {
      const outcome = await this.#run(operation);
      isReply = outcome.kind === "reply";
      if (outcome.kind === "sent") operation.deadline.end();
      return outcome;
    } catch (error) {
      operation.deadline.end();
      throw error;
    } finally {
      // What of it is still being written ends by itself.
      if (!isReply) operation.body.end();
    }
  }

  async #run(operation: Operation): Promise<Final> {
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
        case "sent":
          return outcome;
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

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#engine.store.close();
  }
}
