// Drives the rounds of a peer's operation, whichever role began it: sends, awaits what must come, recovers from errors,
// answers handshakes, until a message is for the application. Decisions are exchange.ts's.

import { detectFormat, type Format } from "../encoding/codec.ts";
import { errorName } from "../errors/codes.ts";
import { MslLimitError, MslRemoteError, MslTransportError } from "../errors/msl-error.ts";
import type { ErrorHeader } from "../message/error-header.ts";
import type { MessageHeader } from "../message/header.ts";
import { nextMessageId } from "../message/ids.ts";
import type { Counterpart } from "./counterparts.ts";
import type { Deadline } from "./deadline.ts";
import type { ExchangeRecord } from "./events.ts";
import { type Attempt, type ExchangeEvent, type ExchangeState, step } from "./exchange.ts";
import { noteRefusedOffer, offeredSchemes } from "./key-offers.ts";
import type { PeerChannel, Turn } from "./peer-channel.ts";
import type { PeerEngine } from "./peer-engine.ts";
import { checkPeerMessage, type Expectation, type ReadMessage, readPeerMessage, updatePeerStore } from "./peer-read.ts";
import { FRESH, type MessageSink, type PeerIntent, type Plan, type Sent, sendPeerMessage } from "./peer-send.ts";
import { reportError, reportIncoming } from "./reports.ts";
import { disposeExchange } from "./requester.ts";
import { dropTokens } from "./token-selection.ts";

/** What is being done, and what is known of the message that came last: an error message would answer it. */
export interface PeerOperation {
  readonly engine: PeerEngine;
  readonly counterpart: Counterpart;
  readonly channel: PeerChannel;
  readonly intent: PeerIntent;
  readonly deadline: Deadline;
  readonly expectation: Expectation;
  failed: { format: Format; header: MessageHeader | null };
  /** For operators: the message that is being answered. */
  readonly record: ExchangeRecord | null;
  /** A byte left. */
  hasSent: boolean;
  /** A byte of this side's last message left, and nothing came back yet. */
  hasWritten: boolean;
}

/** A message for the application. */
export interface Arrived {
  readonly kind: "message";
  readonly header: MessageHeader;
  readonly read: ReadMessage;
  readonly sent: Sent;
  /** What it answers may still be on its way; later messages wait for it. */
  readonly written: Promise<unknown>;
}

/** `early`: where tokens were awaited that never come, the other side's next message is there. */
export type Outcome = Arrived | { readonly kind: "sent" } | { readonly kind: "early"; readonly read: ReadMessage };
type RoundOutcome = Outcome | { readonly kind: "error"; readonly error: ErrorHeader; readonly sent: Sent };

/** Which replies are awaited: all; those to handshakes; those to handshakes and to requests for tokens. */
export type Awaited = "all" | "handshakes" | "tokens";

export interface Start {
  readonly state: ExchangeState;
  readonly event: ExchangeEvent;
  /** The message that the first one answers. */
  readonly answers: MessageHeader | null;
  readonly automatic: "no" | "yes";
}

const DONE = Promise.resolve();

/** @throws MslRemoteError, MslLimitError, everything that building, sending and reading raise */
export async function converse(operation: PeerOperation, start: Start, awaited: Awaited): Promise<Outcome> {
  let { state, event } = start;
  let plan: Omit<Plan, "attempt" | "entityAuth" | "userAuth"> = {
    ...FRESH,
    answers: start.answers,
    automatic: start.automatic,
  };
  let first: MslRemoteError | null = null;
  let last: MslRemoteError | null = null;
  let fresh: Pick<Plan, "entityAuth" | "userAuth"> = FRESH;
  const { engine, counterpart } = operation;
  for (;;) {
    operation.deadline.check();
    const next = step(state, event);
    if (next.kind === "limit") throw first ?? new MslLimitError(state.messages);
    if (next.kind !== "attempt") throw last ?? new MslLimitError(state.messages);
    state = next.state;
    if (plan.failed !== null) await dropTokens(counterpart.store, next.drop, plan.failed);
    const isRetry = event.kind === "error-reply";
    if (last !== null && isRetry && plan.automatic === "no" && !operation.intent.body.canRepeat) throw last;
    if (next.attempt.keepsData !== true) fresh = await freshData(operation, next.attempt, last);
    const { entityAuth, userAuth } = fresh;
    const outcome = await round(operation, { ...plan, entityAuth, userAuth, attempt: next.attempt }, awaited);
    if (outcome.kind === "sent" || outcome.kind === "early") return outcome;
    const { sent } = outcome;
    if (outcome.kind === "error") {
      const { error } = outcome;
      last = remoteError(error, state.messages);
      first ??= last;
      plan = { ...plan, answers: null, peer: sent.peer, failed: sent };
      const canExchangeKeys = offeredSchemes(engine.config, counterpart.store, true).length > 0;
      const refused = noteRefusedOffer(engine.config, counterpart.store, error, sent);
      if (refused !== "no") await operation.deadline.race(counterpart.store.commit());
      const { messageId, responseCode } = error;
      event = { kind: "error-reply", messageId, responseCode, canExchangeKeys, isOfferRefused: refused === "resend" };
      continue;
    }
    const { header } = outcome;
    const isHandshake = header.handshake === true && awaited !== "tokens";
    if (sent.handshake || isHandshake) await operation.deadline.race(outcome.written);
    if (sent.handshake) {
      // Now with tokens: what was held back can be said.
      passed(operation, outcome);
      plan = { ...FRESH, answers: header, automatic: plan.automatic };
      event = { kind: "handshake-reply", messageId: header.messageId };
    } else if (isHandshake) {
      // The other side wants tokens before it says what was asked of it.
      passed(operation, outcome);
      plan = { ...FRESH, answers: header, automatic: "yes" };
      event = { kind: "answer", messageId: header.messageId };
    } else {
      return outcome;
    }
  }
}

/** A message that was for this layer alone. */
function passed(operation: PeerOperation, { header, read }: Arrived): void {
  read.release();
  reportIncoming(operation.engine.config.onMessage, header, read.headerBytes, true);
}

async function round(operation: PeerOperation, plan: Plan, awaited: Awaited): Promise<RoundOutcome> {
  const { engine, channel, counterpart, intent, deadline } = operation;
  const turn = await channel.open(deadline);
  let sent: Sent | null = null;
  let mayOverlap = false;
  try {
    const sink = noting(operation, turn);
    sent = await sendPeerMessage(engine, counterpart, intent, plan, sink, deadline);
    mayOverlap = awaited === "all" && plan.automatic === "no" && turn.isFullDuplex;
    if (mayOverlap) return await overlapping(operation, turn, sink, sent, awaited);
    note(operation, plan, sent, await sent.written);
    const isAwaited = awaited === "all" || plan.automatic === "yes" || sent.handshake;
    if (!isAwaited && channel.isServing && sent.asksTokens && awaited === "tokens") {
      // The tokens come in an exchange of their own, or never: nobody waits for them.
      sent.settle();
      void receiveLater(operation, turn, sent);
      return { kind: "sent" };
    }
    if (!isAwaited && !(awaited === "tokens" && sent.asksTokens)) {
      sent.end();
      await deadline.race(turn.finish());
      return { kind: "sent" };
    }
    const outcome = await receiveReply(operation, turn, sent, awaited);
    sent.end();
    return outcome;
  } catch (error) {
    if (!mayOverlap) sent?.end();
    if (!channel.isStream) turn.abort();
    throw error;
  }
}

/**
 * Reads the reply while the message is still being written: whoever answers as it reads would otherwise wait for this
 * side, and this side for it. The session of the message is held until its last byte left.
 */
async function overlapping(
  operation: PeerOperation,
  turn: Turn,
  sink: WatchedSink,
  sent: Sent,
  awaited: Awaited,
): Promise<RoundOutcome> {
  let left = 2;
  const isOver = () => {
    if (--left === 0) sent.end();
  };
  const written = sent.written.finally(isOver);
  const reply = receiveReply(operation, turn, sent, awaited).finally(isOver);
  // A body that fails ends the message. Where the other side takes no more of it, its reply says why.
  const failed = written.then(forever, (error) => (sink.isCut ? forever() : Promise.reject(error)));
  const outcome = await Promise.race([reply, failed]);
  sent.answered();
  if (outcome.kind === "message") return { ...outcome, written };
  // Behind an error nobody reads on in an exchange; on a connection the rest is passed over.
  if (operation.channel.isStream) await operation.deadline.race(written);
  else turn.abort();
  // The body may be read anew only when nobody reads it any more.
  await operation.deadline.race(written.catch(() => 0));
  return outcome;
}

function note({ record }: PeerOperation, { answers }: Plan, sent: Sent, bytes: number): void {
  if (record === null || answers === null) return;
  record.bytesOut += bytes;
  if (sent.issued !== null) record.issued(answers, sent.issued);
}

/** Sends what ends a conversation: tokens that the last message asked for, and nothing that needs an answer. */
export async function answerLast(operation: PeerOperation, header: MessageHeader, attempt: Attempt): Promise<void> {
  const { engine, channel, counterpart, intent, deadline } = operation;
  const turn = await channel.open(deadline);
  const plan: Plan = { ...FRESH, attempt, answers: header, automatic: "last" };
  const sent = await sendPeerMessage(engine, counterpart, intent, plan, turn, deadline);
  await sent.written.finally(() => sent.end());
  await deadline.race(turn.finish());
}

/** Where a message goes, and what became of it there. */
interface WatchedSink extends MessageSink {
  /** Bytes were not taken. */
  isCut: boolean;
}

function noting(operation: PeerOperation, turn: Turn): WatchedSink {
  const taken = async (writing: Promise<void>) => {
    try {
      await writing;
    } catch (error) {
      sink.isCut = true;
      throw error;
    }
  };
  const sink: WatchedSink = {
    isCut: false,
    write(bytes) {
      operation.hasSent = true;
      operation.hasWritten = true;
      return taken(turn.write(bytes));
    },
    end: () => taken(turn.end()),
    flush: async () => turn.flush?.(),
  };
  return sink;
}

const forever = () => new Promise<never>(() => {});

async function receiveReply(operation: PeerOperation, turn: Turn, sent: Sent, awaited: Awaited): Promise<RoundOutcome> {
  const { engine, counterpart, deadline, expectation, intent } = operation;
  const sender = operation.failed.header?.identity ?? expectation.sender;
  const arrival = await deadline.race(turn.reply(sent, sender));
  if (arrival === null) throw new MslTransportError("The other side sent no reply.", true);
  let read: ReadMessage;
  if ("headerBytes" in arrival) {
    read = arrival;
  } else {
    operation.failed = { format: detectFormat(arrival.header[0]!) ?? "JSON", header: null };
    read = await readPeerMessage(engine, arrival.header, arrival.source, () => sent.pending, intent.hooks);
  }
  const { header } = read;
  try {
    if (header.kind === "message") operation.failed = { format: header.format, header };
    operation.hasWritten = false;
    // Differs from reference: who was asked for tokens and says something else begins anew.
    const isOptional = awaited === "tokens" && !sent.handshake && header.kind === "message" && read.completed === null;
    if (isOptional && header.messageId !== nextMessageId(sent.messageId)) return { kind: "early", read };
    checkPeerMessage(header, sent, expectation);
    await updatePeerStore(read, counterpart, intent.user?.id ?? null, deadline, sent.epoch);
  } catch (error) {
    disposeExchange(read.completed);
    read.release();
    throw error;
  }
  if (header.kind === "message") return { kind: "message", header, read, sent, written: DONE };
  read.release();
  reportError(engine.config.onMessage, "in", header, read.headerBytes);
  return { kind: "error", error: header, sent };
}

async function receiveLater(operation: PeerOperation, turn: Turn, sent: Sent): Promise<void> {
  const { engine, counterpart } = operation;
  const { counterparts } = engine;
  const held = await counterparts.hold(counterpart.name);
  try {
    const outcome = await receiveReply({ ...operation, counterpart: held }, turn, sent, "tokens");
    if (outcome.kind === "message") passed(operation, outcome);
  } catch {
    // Nobody asked for it, and the next message asks again.
  } finally {
    counterparts.release(held);
    sent.end();
    await turn.end().catch(() => {});
  }
}

/** Data that recovery asks the application for; a hook that has none delivers the counterpart's error. */
async function freshData(operation: PeerOperation, attempt: Attempt, error: MslRemoteError | null) {
  let entityAuth: Plan["entityAuth"] = null;
  let userAuth: Plan["userAuth"] = null;
  if (attempt.entityReason !== null) {
    entityAuth = await operation.engine.entityData(attempt.entityReason);
    if (entityAuth === null && error !== null) throw error;
  }
  if (attempt.userReason !== null) {
    const query = { reason: attempt.userReason, renewable: false, required: true };
    userAuth = (await operation.intent.user?.authenticate(query)) ?? null;
    if (userAuth === null && error !== null) throw error;
  }
  return { entityAuth, userAuth };
}

export function remoteError(header: ErrorHeader, messages: number): MslRemoteError {
  const { internalCode, responseCode, userMessage } = header;
  const code = (internalCode === null ? null : errorName(internalCode)) ?? "INTERNAL_EXCEPTION";
  const attempts = Math.max(1, Math.floor(messages / 2));
  return new MslRemoteError(code, { internalCode, responseCode, userText: userMessage, attempts });
}
