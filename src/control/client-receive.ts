// Reads what answers a client's message, or is pushed to it: checks it against what was sent, and updates the store.

import type { EntityAuthData } from "../entity-auth/scheme.ts";
import { MslTransportError, MslUnderprotectedError, protocolError } from "../errors/msl-error.ts";
import { BodyReader } from "../message/body.ts";
import { ConnectionInput } from "../message/connection-input.ts";
import type { ErrorHeader } from "../message/error-header.ts";
import type { MessageHeader } from "../message/header.ts";
import { type HeaderOrigin, readHeader } from "../message/header-reader.ts";
import { nextMessageId } from "../message/ids.ts";
import { MessageInput, type ObjectSource } from "../message/message-input.ts";
import type { Exchange } from "../platform/transport.ts";
import type { Lease } from "../store/device-store.ts";
import { isSameMasterToken } from "../tokens/master-token.ts";
import type { Protection } from "./api.ts";
import type { RepeatableBody } from "./bodies.ts";
import { OutgoingChannel } from "./channel.ts";
import type { AttemptOutcome, Operation, Pushes, SentMessage, Writing } from "./client-operation.ts";
import { learnCapabilities } from "./key-offers.ts";
import { ANY_MESSAGE_ID } from "./recovery.ts";
import { reportError, reportIncoming } from "./reports.ts";
import { disposeExchange, type OwnExchange, passingLease, storeServiceTokens, takeExchange } from "./requester.ts";
import { keepsLogin } from "./token-selection.ts";

/** Reads the first message, which may be an error that recovery answers; `sent`: the server ended without any. */
export async function awaitPushes(
  operation: Operation,
  sent: SentMessage,
  exchange: Exchange,
  writing: Writing,
): Promise<AttemptOutcome> {
  const { engine, body } = operation;
  const lease = sent.masterToken === null ? null : engine.store.leaseOf(sent.masterToken);
  const end = (isOver: boolean) => {
    if (isOver) exchange.reader.cancel();
    else exchange.abort();
    lease?.release();
  };
  let failure: unknown = null;
  const written = writing.done.catch((error) => {
    // Where the server takes no more, what it says to that is still of interest.
    if (writing.isCut()) return;
    failure = error;
    exchange.abort();
    throw error;
  });
  written.catch(() => {});
  const input = new ConnectionInput(engine.core, exchange.reader, engine.limits);
  const pushes = { sent, input, written, failure: () => failure, end };
  let outcome: AttemptOutcome | null = null;
  try {
    if (exchange.duplex !== "full") await written;
    outcome = await receivePushed(operation, pushes, null);
    if (outcome !== null) return outcome;
    await written;
    return { kind: "sent" };
  } catch (error) {
    throw failure ?? error;
  } finally {
    if (outcome?.kind === "reply") written.catch(() => {}).finally(() => body.end());
    else end(false);
  }
}

const forever = () => new Promise<never>(() => {});

/**
 * Reads the reply while the message is still being written: whoever answers as it reads would otherwise wait for this
 * side, and this side for it. The session of the message is held until its last byte left.
 */
export async function receiveMeanwhile(
  operation: Operation,
  sent: SentMessage,
  exchange: Exchange,
  writing: Writing,
): Promise<AttemptOutcome> {
  const { engine, body } = operation;
  const lease = sent.masterToken === null ? null : engine.store.leaseOf(sent.masterToken);
  let isWritten = false;
  const written = writing.done
    .then(() => {
      isWritten = true;
    })
    .finally(() => lease?.release());
  if (body instanceof OutgoingChannel) written.catch((error) => body.fail(error));
  // A body that fails ends the message. Where the server takes no more of it, its reply says why.
  const failed = written.then(forever, (error) => (writing.isCut() ? forever() : Promise.reject(error)));
  let outcome: AttemptOutcome | null = null;
  try {
    outcome = await Promise.race([receiveReply(operation, sent, exchange), failed]);
    return outcome;
  } finally {
    if (outcome?.kind === "reply") endMeanwhile(outcome, body, exchange, writing);
    else if (isWritten) exchange.reader.cancel();
    else exchange.abort();
  }
}

/** The reply began before the message was written: it fails with the rest of it. */
function endMeanwhile(
  reply: AttemptOutcome & { kind: "reply" },
  body: RepeatableBody,
  exchange: Exchange,
  { done, isCut }: Writing,
): void {
  void done
    .catch((error) => {
      if (isCut()) return;
      reply.body.fail(error);
      exchange.abort();
    })
    .finally(() => body.end());
}

/** The next message that a server pushes, or null: it ended. `before`: the message before it. */
export async function receivePushed(
  operation: Operation,
  pushes: Pushes,
  before: MessageHeader | null,
): Promise<(AttemptOutcome & { kind: "reply" | "error" }) | null> {
  const arrival = await operation.deadline.race(pushes.input.message());
  if (arrival === null) return null;
  const outcome = await readReply(operation, pushes.sent, arrival.header, arrival.source, { pushes, before });
  return outcome.kind === "reply" || outcome.kind === "error" ? outcome : null;
}

export async function receiveReply(
  operation: Operation,
  sent: SentMessage,
  exchange: Exchange,
): Promise<AttemptOutcome> {
  const { engine, deadline } = operation;
  const input = new MessageInput(engine.core, exchange.reader, engine.limits);
  const object = await deadline.race(input.next());
  if (object === null) throw new MslTransportError("The server sent no reply.", true);
  return readReply(operation, sent, object, input, null);
}

async function readReply(
  operation: Operation,
  sent: SentMessage,
  object: Uint8Array,
  input: ObjectSource,
  pushed: { readonly pushes: Pushes; readonly before: MessageHeader | null } | null,
): Promise<AttemptOutcome> {
  const { engine, init } = operation;
  let completed: OwnExchange | null = null;
  const check = ({ entityAuth }: HeaderOrigin, messageId: number) => {
    checkMessageId(sent, messageId);
    checkSender(operation, entityAuth);
  };
  const env = engine.readEnvironment(sent.pending, init.serviceTokens ?? null, check, (done) => {
    completed = done;
  });
  try {
    const header = await readHeader(object, pushed === null ? env : { ...env, ownIdentity: sent.pending.identity });
    const isAnswer = header.messageId === nextMessageId(sent.messageId);
    checkReply(operation, sent, header, pushed !== null && (header.kind === "message" || pushed.before !== null));
    // Anyone can write an error that nobody signed.
    const isGenuine = header.kind === "message" || header.integrityProtected;
    if (isGenuine && (isAnswer || pushed === null)) engine.learnTime(header.timestamp);
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
    return { kind: "reply", header, body, input, lease, pushes: pushed?.pushes ?? null };
  } catch (error) {
    disposeExchange(completed);
    throw error;
  }
}

function checkMessageId(sent: SentMessage, messageId: number): void {
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
function checkReply(
  operation: Operation,
  sent: SentMessage,
  header: MessageHeader | ErrorHeader,
  isPushed: boolean,
): void {
  const { engine, init } = operation;
  const isAnyId = isPushed || (header.kind === "error" && ANY_MESSAGE_ID.has(header.responseCode));
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
  sent: SentMessage,
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
