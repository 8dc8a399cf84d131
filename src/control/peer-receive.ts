// The side of a peer that is spoken to: takes a message, answers handshakes by itself, gives requests to the application
// with the means to answer them.

import type { ServiceTokenHooks } from "../builder/service-tokens.ts";
import { detectFormat } from "../encoding/codec.ts";
import {
  MslLimitError,
  MslProtocolError,
  MslRemoteError,
  MslTransportError,
  protocolError,
} from "../errors/msl-error.ts";
import { ConnectionMessage } from "../message/connection-input.ts";
import type { MessageHeader } from "../message/header.ts";
import type { RejectInit } from "./api.ts";
import { repeatableBody } from "./bodies.ts";
import type { Counterpart } from "./counterparts.ts";
import type { Deadline } from "./deadline.ts";
import { rejectionCode } from "./error-reply.ts";
import type { ExchangeRecord } from "./events.ts";
import type { PeerIncoming, PeerReceived, PeerReceiveOptions, PeerResponseInit } from "./peer-api.ts";
import type { Arrival } from "./peer-channel.ts";
import { converse, type PeerOperation, remoteError } from "./peer-exchange.ts";
import { PeerMessage, PeerRequestMessage } from "./peer-incoming.ts";
import { checkPeerMessage, type Expectation, type ReadMessage, readPeerMessage, updatePeerStore } from "./peer-read.ts";
import type { Delivery, SessionState } from "./peer-state.ts";
import { reportError } from "./reports.ts";
import { disposeExchange } from "./requester.ts";
import { RESEND_BYTES } from "./settings.ts";

const NOTHING = repeatableBody(undefined, 0);

/** Messages counted before a response, and before the answer to a handshake ("MSL Control", limits). */
const BEFORE_RESPONSE = 3;
const BEFORE_HANDSHAKE_ANSWER = 1;

/** Takes a message that begins an operation of this side. A failure is answered, then thrown. */
export async function receiveFrom(
  session: SessionState,
  arrival: Arrival | ReadMessage,
  options: PeerReceiveOptions,
  deadline: Deadline,
): Promise<PeerReceived> {
  const failed: PeerOperation["failed"] = { format: "JSON", header: null };
  const record = session.record();
  let read: ReadMessage | null = null;
  try {
    if ("headerBytes" in arrival) {
      read = arrival;
    } else {
      failed.format = detectFormat(arrival.header[0]!) ?? "JSON";
      const hooks = options.serviceTokens ?? null;
      read = await readPeerMessage(session.engine, arrival.header, arrival.source, () => null, hooks);
    }
    return await take(session, read, options, deadline, failed, record);
  } catch (error) {
    if (read !== null) disposeExchange(read.completed);
    read?.release();
    deadline.check();
    // Errors are never answered; nor is a broken connection.
    if (error instanceof MslTransportError || read?.header.kind === "error") throw error;
    await session.refuse(error, failed, deadline);
    session.report(record, read?.source.bytes ?? 0, "error", error);
    throw error;
  }
}

async function take(
  session: SessionState,
  read: ReadMessage,
  options: PeerReceiveOptions,
  deadline: Deadline,
  failed: PeerOperation["failed"],
  record: ExchangeRecord,
): Promise<PeerReceived> {
  const { engine } = session;
  const { header } = read;
  if (header.kind === "message") record.read(header);
  if (header.kind === "message") {
    failed.header = header;
    failed.format = header.format;
  }
  checkPeerMessage(header, null, expectationOf(session));
  const counterpart = await engine.counterparts.hold(session.nameFor(header));
  try {
    await updatePeerStore(read, counterpart, options.localUser?.id ?? null, deadline, null);
    if (header.kind === "error") {
      reportError(engine.config.onMessage, "in", header, read.headerBytes);
      session.report(record, read.headerBytes, "received-error");
      deadline.end();
      return { kind: "error", error: remoteError(header, 0) };
    }
    session.name = counterpart.name;
    const delivery = session.deliver(header, read, deadline);
    const isHandshake = header.handshake === true || (await isOldHandshake(session, header, delivery, deadline));
    const facts = { hasMasterToken: header.masterToken !== null, hasUserIdToken: header.userIdToken !== null };
    const refusal = (await options.admit?.(facts)) ?? null;
    if (refusal !== null) return protocolError(rejectionCode(refusal, header), "message");
    if (!isHandshake) return requestOf(session, read, header, delivery, options, record);
    delivery.answered();
    return await answerHandshake(session, read, header, counterpart, options, deadline, failed, record);
  } finally {
    engine.counterparts.release(counterpart);
  }
}

/** Old senders leave the flag out and send one empty last chunk. */
async function isOldHandshake(
  session: SessionState,
  header: MessageHeader,
  { body }: Delivery,
  deadline: Deadline,
): Promise<boolean> {
  const isInferable = header.handshake === null || session.engine.config.inferHandshake === true;
  if (!isInferable || !header.renewable || header.keyRequestCount === 0) return false;
  const chunk = await deadline.wait(body.peek());
  return chunk?.endOfMessage === true && chunk.data.length === 0;
}

/** Answers by itself until a message comes that is none. */
async function answerHandshake(
  session: SessionState,
  read: ReadMessage,
  header: MessageHeader,
  counterpart: Counterpart,
  options: PeerReceiveOptions,
  deadline: Deadline,
  failed: PeerOperation["failed"],
  record: ExchangeRecord,
): Promise<PeerReceived> {
  const given = { serviceTokens: options.serviceTokens ?? null };
  const intent = session.intent(given, NOTHING, options.localUser ?? null, null);
  const operation = session.operation(counterpart, intent, deadline, expectationOf(session), header, record);
  const state = { messages: BEFORE_HANDSHAKE_ANSWER, hasFailed: false };
  const event = { kind: "answer", messageId: header.messageId } as const;
  try {
    const outcome = await converse(operation, { state, event, answers: header, automatic: "yes" }, "all");
    if (outcome.kind !== "message") return { kind: "closed" };
    session.report(record, read.source.bytes, "handshake");
    const delivery = session.deliver(outcome.header, outcome.read, deadline);
    const next = session.record();
    next.read(outcome.header);
    return requestOf(session, outcome.read, outcome.header, delivery, options, next);
  } catch (error) {
    failed.header = operation.failed.header;
    failed.format = operation.failed.format;
    if (!(error instanceof MslRemoteError)) throw error;
    deadline.end();
    return { kind: "error", error };
  }
}

function requestOf(
  session: SessionState,
  read: ReadMessage,
  header: MessageHeader,
  delivery: Delivery,
  options: PeerReceiveOptions,
  record: ExchangeRecord,
): PeerReceived {
  const failed = { format: header.format, header };
  const refuse = async (error: unknown) => {
    await session.exclusively({}, (deadline) => session.refuse(error, failed, deadline));
    session.report(record, read.source.bytes, "error", error);
  };
  const request = new PeerRequestMessage(header, delivery.body, delivery.options, {
    respond: (init) => respond(session, { read, header, delivery, record }, options.serviceTokens ?? null, init),
    reject: (reply: RejectInit) => refuse(new MslProtocolError(rejectionCode(reply, header), "message")),
    fail: refuse,
  });
  return { kind: "request", request };
}

interface Asked {
  readonly read: ReadMessage;
  readonly header: MessageHeader;
  readonly delivery: Delivery;
  readonly record: ExchangeRecord;
}

function respond(
  session: SessionState,
  { read, header, delivery, record }: Asked,
  hooks: ServiceTokenHooks | null,
  init: PeerResponseInit,
): Promise<PeerIncoming | null> {
  const { engine } = session;
  const source = repeatableBody(init.body, engine.config.resendBytes ?? RESEND_BYTES);
  const user = init.localUser ?? null;
  const given = { serviceTokens: init.serviceTokens ?? hooks, compress: init.compress ?? true };
  const intent = {
    ...session.intent(given, source, user, init.user ?? null),
    wishes: {
      encrypted: init.encrypted !== false,
      integrity: init.integrity !== false,
      nonReplayable: init.nonReplayable === true,
      wantTokens: false,
      hasUser: user !== null,
      isEmpty: source.isEmpty,
    },
  };
  // A body made while it is sent may be made of the request's; what else is left of the request, nobody wants.
  const isMade = typeof init.body === "object" && !(init.body instanceof Uint8Array);
  const keeps = typeof init.body === "function" || isMade ? delivery.body : null;
  const run = async (deadline: Deadline): Promise<PeerIncoming | null> => {
    const counterpart = await engine.counterparts.hold(session.nameFor(header));
    const operation = session.operation(counterpart, intent, deadline, expectationOf(session), header, record);
    try {
      const state = { messages: BEFORE_RESPONSE, hasFailed: false };
      const event = { kind: "answer", messageId: header.messageId } as const;
      const outcome = await converse(operation, { state, event, answers: header, automatic: "no" }, "tokens");
      session.report(record, read.source.bytes, "response");
      if (outcome.kind === "message") return continuation(session, outcome.header, outcome.read, deadline);
      if (outcome.kind === "early") session.early = outcome.read;
      deadline.end();
      return null;
    } catch (error) {
      const isFinal = error instanceof MslRemoteError || error instanceof MslLimitError;
      // Half a message cannot be taken back.
      const isMidway = operation.hasWritten || error instanceof MslTransportError || deadline.signal.aborted;
      const isRefused = !isFinal && !isMidway;
      if (isRefused) await session.refuse(error, operation.failed, deadline);
      else if (!isFinal) session.drop();
      session.report(record, read.source.bytes, isRefused ? "error" : "failed", error);
      deadline.check();
      throw error;
    } finally {
      engine.counterparts.release(counterpart);
      source.end();
    }
  };
  return session.exclusively(init, run, keeps);
}

/** What the sender of a request said to the answer: tokens, and perhaps more of its data. */
function continuation(
  session: SessionState,
  header: MessageHeader,
  read: ReadMessage,
  deadline: Deadline,
): PeerIncoming {
  if (read.source instanceof ConnectionMessage) read.source.endsAtHeader = true;
  const delivery = session.deliver(header, read, deadline, true);
  session.passOver(delivery);
  return new PeerMessage(header, delivery.body, delivery.options);
}

function expectationOf(session: SessionState): Expectation {
  const sender = session.engine.config.expectSender ?? null;
  return { sender, requireReply: { encrypted: false, integrity: false } };
}
