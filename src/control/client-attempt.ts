// One round of a client's operation: choose tokens, decide renewal, build and send the message, read the reply's header,
// update the store. Which round comes next is exchange.ts's business.

import { requestForm, type RequestSituation, type RequestWishes } from "../builder/request.ts";
import { editServiceTokens } from "../builder/service-tokens.ts";
import { compressorOf } from "../encoding/compression.ts";
import type { Format } from "../encoding/codec.ts";
import type { EntityAuthData } from "../entity-auth/scheme.ts";
import { MslTransportError, MslUnderprotectedError, MslUsageError, protocolError } from "../errors/msl-error.ts";
import type { KeyExchange, KeyRequest } from "../key-exchange/scheme.ts";
import { BodyReader, writeMessage } from "../message/body.ts";
import type { ErrorHeader } from "../message/error-header.ts";
import { type MessageHeader, NO_PEER_TOKENS } from "../message/header.ts";
import { type HeaderOrigin, readHeader } from "../message/header-reader.ts";
import { writeHeader } from "../message/header-writer.ts";
import { nextMessageId } from "../message/ids.ts";
import { MessageInput } from "../message/message-input.ts";
import { isPending } from "../platform/awaitable.ts";
import { deviceSeconds } from "../platform/clock.ts";
import type { Exchange } from "../platform/transport.ts";
import type { Lease, StoreEpoch } from "../store/device-store.ts";
import { isSameMasterToken, type MasterToken } from "../tokens/master-token.ts";
import type { UserIdToken } from "../tokens/user-id-token.ts";
import type { UserAuthData } from "../user-auth/scheme.ts";
import type { Protection, RequestInit } from "./api.ts";
import type { RepeatableBody } from "./bodies.ts";
import { OutgoingChannel } from "./channel.ts";
import type { ClientEngine } from "./client-engine.ts";
import type { Deadline } from "./deadline.ts";
import type { Attempt } from "./exchange.ts";
import { learnCapabilities, offeredSchemes, type RefusedOffer } from "./key-offers.ts";
import { ANY_MESSAGE_ID } from "./recovery.ts";
import { reportError, reportIncoming, reportOutgoing } from "./reports.ts";
import {
  disposeExchange,
  type OwnExchange,
  type PendingRequests,
  passingLease,
  storeServiceTokens,
  takeExchange,
} from "./requester.ts";
import { randomId } from "./settings.ts";
import { keepsLogin, type Selection, type SentTokens, selectTokens } from "./token-selection.ts";

export interface Operation {
  readonly engine: ClientEngine;
  readonly init: RequestInit;
  readonly wishes: RequestWishes;
  readonly body: RepeatableBody;
  /** Otherwise only the replies of handshakes are read. */
  readonly expectsReply: boolean;
  readonly deadline: Deadline;
}

export type AttemptOutcome =
  | { readonly kind: "error"; readonly error: ErrorHeader; readonly sent: SentTokens & RefusedOffer }
  | { readonly kind: "sent" }
  | { readonly kind: "handshake-reply"; readonly messageId: number }
  | {
      readonly kind: "reply";
      readonly header: MessageHeader;
      readonly body: BodyReader;
      readonly input: MessageInput;
      /** Held until the body is over. */
      readonly lease: Lease | null;
    };

interface Outgoing {
  readonly format: Format;
  readonly messageId: number;
  readonly entityAuth: EntityAuthData | null;
  readonly masterToken: MasterToken | null;
  readonly userIdToken: UserIdToken | null;
  readonly handshake: boolean;
  readonly encrypted: boolean;
  readonly integrityProtected: boolean;
  readonly pending: PendingRequests;
  readonly epoch: StoreEpoch;
}

/** Runs one round. `failed`: what the message before carried; `userAuth`: credentials that recovery already got. */
export async function runAttempt(
  operation: Operation,
  attempt: Attempt,
  entityAuth: EntityAuthData | null,
  userAuth: UserAuthData | null,
  failed: SentTokens | null,
): Promise<AttemptOutcome> {
  const selection = await selectTokens(
    operation.engine,
    operation.wishes,
    operation.init.user?.id ?? null,
    attempt,
    failed,
    operation.deadline,
  );
  const requests: KeyRequest[] = [];
  let exchange: Exchange | null = null;
  let isDone = false;
  try {
    exchange = await open(operation);
    const { sent, writing } = await sendMessage(
      operation,
      attempt,
      selection,
      entityAuth,
      userAuth,
      requests,
      exchange,
    );
    const { body } = operation;
    if (body instanceof OutgoingChannel && exchange.duplex === "full" && !sent.handshake) {
      // The session stays leased until the last byte left.
      const { lease } = selection;
      const extra = lease === null ? null : operation.engine.store.leaseOf(lease.masterToken);
      const written = writing.finally(() => extra?.release());
      const failed = written.then(() => new Promise<never>(() => {}));
      failed.catch((error) => body.fail(error));
      const outcome = await Promise.race([receiveReply(operation, sent, exchange), failed]);
      isDone = outcome.kind === "reply";
      return outcome;
    }
    await writing;
    if (!operation.expectsReply && !sent.handshake) {
      isDone = true;
      exchange.reader.cancel();
      return { kind: "sent" };
    }
    const outcome = await receiveReply(operation, sent, exchange);
    isDone = true;
    if (outcome.kind !== "reply") exchange.reader.cancel();
    return outcome;
  } finally {
    for (const request of requests) request.dispose();
    selection.renewal?.settle();
    selection.lease?.release();
    if (!isDone) exchange?.abort();
  }
}

async function open(operation: Operation): Promise<Exchange> {
  const { engine, deadline } = operation;
  const opening = engine.config.transport.open({ signal: deadline.signal });
  return deadline.raceOr(opening, (exchange) => exchange.abort());
}

async function sendMessage(
  operation: Operation,
  attempt: Attempt,
  selection: Selection,
  givenEntityAuth: EntityAuthData | null,
  givenUserAuth: UserAuthData | null,
  requests: KeyRequest[],
  exchange: Exchange,
): Promise<{ readonly sent: Outgoing; readonly writing: Promise<void> }> {
  const { engine, init, wishes, deadline } = operation;
  const { masterToken, userIdToken, lease, renewal } = selection;
  const { scheme } = engine.config.entity;
  const epoch = engine.store.epoch(init.user?.id ?? null);
  const isProtected = masterToken !== null || (scheme.encrypts && scheme.protectsIntegrity);
  const user = init.user ?? null;
  const query = { reason: null, renewable: renewal !== null, required: userIdToken === null };
  const userAuth = givenUserAuth ?? (user === null ? null : await deadline.wait(user.authenticate(query)));
  const isDelayed = userAuth !== null && !isProtected;
  const situation: RequestSituation = {
    masterToken,
    userIdToken,
    scheme,
    ...selection.decision,
  };
  const form = requestForm(wishes, situation, renewal !== null, isDelayed);
  if (form.withKeyRequests) {
    const offered = offeredSchemes(engine.config, engine.store, masterToken === null);
    for (const method of offered) requests.push(...(await keyRequests(method, deadline)));
  }
  if (form.handshake && requests.length === 0) {
    throw new MslUsageError("The request needs a key exchange, and there is no scheme to offer.");
  }
  const ownData = givenEntityAuth ?? engine.entityData(null);
  const identityData = isPending(ownData) ? await deadline.race(ownData) : ownData;
  if (identityData === null) throw new MslUsageError("The entity gave no authentication data.");
  const entityAuth = masterToken === null ? identityData : null;
  const context = lease?.context ?? (await deadline.wait(scheme.cryptoContext(identityData)));
  const format = engine.format;
  const stored = engine.store.serviceTokens(masterToken, userIdToken);
  const hooks = init.serviceTokens ?? null;
  const best = compressorOf(engine.capabilities.compression, engine.compression.gzip);
  const around = { format, masterToken, userIdToken, compressor: best, hooks, handshake: form.handshake };
  const edited = editServiceTokens(stored, around);
  const serviceTokens = isPending(edited) ? await deadline.race(edited) : edited;
  if (serviceTokens !== stored) {
    storeServiceTokens(engine.store, serviceTokens, masterToken, userIdToken);
    await deadline.race(engine.store.commit());
  }
  const nonReplayableId =
    form.nonReplayable && masterToken !== null
      ? await deadline.race(engine.store.nextNonReplayableId(masterToken))
      : null;
  const messageId = attempt.messageId ?? randomId(engine.core);
  const header = {
    format,
    entityAuth,
    masterToken,
    context,
    sender: identityData.identity,
    timestamp: deviceSeconds(engine.config.clock),
    messageId,
    nonReplayableId,
    renewable: form.renewable,
    handshake: form.handshake,
    capabilities: engine.capabilities,
    keyRequests: requests,
    keyResponse: null,
    userAuth: isDelayed ? null : userAuth,
    userIdToken,
    serviceTokens,
    peer: NO_PEER_TOKENS,
  };
  const wire = await writeHeader(header);
  deadline.check();
  const body = form.handshake ? null : operation.body.open();
  const options = { context, messageId, format, compressor: init.compress !== false ? best : null };
  const write = async () => {
    const bytes = await writeMessage(wire, body, options, (piece) => deadline.race(exchange.writer.write(piece)));
    await deadline.race(exchange.writer.end());
    if (body !== null && operation.body instanceof OutgoingChannel) operation.body.sent();
    reportOutgoing(engine.config.onMessage, header, { bytes, headerBytes: wire.length, scheme });
  };
  const sent: Outgoing = {
    format,
    messageId,
    entityAuth,
    masterToken,
    userIdToken,
    handshake: form.handshake,
    encrypted: masterToken !== null || scheme.encrypts,
    integrityProtected: masterToken !== null || scheme.protectsIntegrity,
    pending: { requests, origin: { entityAuth, masterToken }, identity: identityData.identity },
    epoch,
  };
  return { sent, writing: write() };
}

async function keyRequests(method: KeyExchange, deadline: Deadline): Promise<readonly KeyRequest[]> {
  const making = method.createRequests();
  if (!isPending(making)) return making;
  return deadline.raceOr(making, (late) => {
    for (const request of late) request.dispose();
  });
}

async function receiveReply(operation: Operation, sent: Outgoing, exchange: Exchange): Promise<AttemptOutcome> {
  const { engine, init, deadline } = operation;
  const input = new MessageInput(engine.core, exchange.reader, engine.limits);
  const object = await deadline.race(input.next());
  if (object === null) throw new MslTransportError("The server sent no reply.", true);
  let completed: OwnExchange | null = null;
  const check = ({ entityAuth }: HeaderOrigin, messageId: number) => {
    checkMessageId(sent, messageId);
    checkSender(operation, entityAuth);
  };
  const env = engine.readEnvironment(sent.pending, init.serviceTokens ?? null, check, (done) => {
    completed = done;
  });
  try {
    const header = await readHeader(object, env);
    checkReply(operation, sent, header);
    // Anyone can write an error that nobody signed.
    if (header.kind === "message" || header.integrityProtected) engine.learnTime(header.timestamp);
    if (header.kind === "error") {
      reportError(engine.config.onMessage, "in", header, object.length);
      return { kind: "error", error: header, sent };
    }
    const lease = await updateStore(operation, sent, header, completed);
    completed = null;
    if (sent.handshake) {
      reportIncoming(engine.config.onMessage, header, object.length, true);
      lease?.release();
      return { kind: "handshake-reply", messageId: header.messageId };
    }
    const body = new BodyReader(input, {
      context: lease?.context ?? header.payloadContext,
      messageId: header.messageId,
      compression: engine.compression,
      allowTruncated: engine.config.allowTruncated === true,
      isEmpty: false,
    });
    return { kind: "reply", header, body, input, lease };
  } catch (error) {
    disposeExchange(completed);
    throw error;
  }
}

function checkMessageId(sent: Outgoing, messageId: number): void {
  if (messageId !== nextMessageId(sent.messageId)) {
    protocolError("UNEXPECTED_RESPONSE_MESSAGE_ID", "headerdata.messageid");
  }
}

function checkSender({ engine, init }: Operation, entityAuth: EntityAuthData | null): void {
  const expected = init.expectSender ?? engine.config.expectSender ?? null;
  if (expected !== null && entityAuth !== null && entityAuth.identity !== expected) {
    protocolError("MESSAGE_SENDER_MISMATCH", "entityauthdata");
  }
}

/** Message id, sender, protection ("MSL Control", checks against the request). */
function checkReply(operation: Operation, sent: Outgoing, header: MessageHeader | ErrorHeader): void {
  const { engine, init } = operation;
  const isAnyId = header.kind === "error" && ANY_MESSAGE_ID.has(header.responseCode);
  if (!isAnyId) checkMessageId(sent, header.messageId);
  checkSender(operation, header.entityAuth);
  if (header.kind === "error" || sent.handshake) return;
  const wanted: Protection = init.requireReply ??
    engine.config.requireReply ?? { encrypted: sent.encrypted, integrity: sent.integrityProtected };
  if (wanted.encrypted === true && !header.encrypted) throw new MslUnderprotectedError("message.encrypted");
  if (wanted.integrity === true && !header.integrityProtected) throw new MslUnderprotectedError("message.integrity");
  if (sent.masterToken === null) return;
  if (header.masterToken === null || !isSameMasterToken(header.masterToken, sent.masterToken)) {
    throw new MslUnderprotectedError("mastertoken");
  }
}

/**
 * Applies everything that the reply brings as one unit, saves it, and leases the session its body is read under. What
 * the application cleared or forgot while the request was under way stays forgotten.
 */
async function updateStore(
  operation: Operation,
  sent: Outgoing,
  header: MessageHeader,
  completed: OwnExchange | null,
): Promise<Lease | null> {
  const { engine, init } = operation;
  const { store } = engine;
  const userId = init.user?.id ?? null;
  const { clears, forgotten } = store.epoch(userId);
  if (clears !== sent.epoch.clears) {
    // What was cleared stays cleared; the body is read all the same.
    if (completed !== null) return passingLease(completed);
    return header.masterToken === null ? null : store.leaseOf(header.masterToken);
  }
  if (completed !== null) takeExchange(store, completed);
  const masterToken = completed?.masterToken ?? header.masterToken;
  const isKnown = userId !== null && forgotten === sent.epoch.forgotten;
  if (isKnown && header.userIdToken !== null && !keepsLogin(store, userId, header.userIdToken)) {
    store.addUserIdToken(userId, header.userIdToken);
  }
  storeServiceTokens(store, header.serviceTokens, masterToken, header.userIdToken);
  const learns = learnCapabilities(store, header.capabilities);
  const lease = masterToken === null ? null : store.leaseOf(masterToken);
  const changes = completed !== null || header.userIdToken !== null || header.serviceTokens.length > 0 || learns;
  try {
    if (changes) await operation.deadline.race(store.commit());
    return lease;
  } catch (error) {
    lease?.release();
    throw error;
  }
}
