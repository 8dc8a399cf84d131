// One round of a client's operation: choose tokens, decide renewal, build and send the message, read the reply's header,
// update the store. Which round comes next is exchange.ts's business.

import { requestForm, type RequestSituation } from "../builder/request.ts";
import { editServiceTokens } from "../builder/service-tokens.ts";
import { compressionOptions, compressorOf } from "../encoding/compression.ts";
import type { EntityAuthData } from "../entity-auth/scheme.ts";
import { MslUsageError } from "../errors/msl-error.ts";
import type { KeyExchange, KeyRequest } from "../key-exchange/scheme.ts";
import { writeMessage } from "../message/body.ts";
import { NO_PEER_TOKENS } from "../message/header.ts";
import { writeHeader } from "../message/header-writer.ts";
import { isPending } from "../platform/awaitable.ts";
import { deviceSeconds } from "../platform/clock.ts";
import type { Exchange } from "../platform/transport.ts";
import type { UserAuthData } from "../user-auth/scheme.ts";
import { OutgoingChannel } from "./channel.ts";
import type { AttemptOutcome, Operation, SentMessage, Writing } from "./client-operation.ts";
import { awaitPushes, receiveMeanwhile, receiveReply } from "./client-receive.ts";
import type { Deadline } from "./deadline.ts";
import type { Attempt } from "./exchange.ts";
import { offeredSchemes } from "./key-offers.ts";
import { reportOutgoing } from "./reports.ts";
import { storeServiceTokens } from "./requester.ts";
import { randomId } from "./settings.ts";
import { type Selection, type SentTokens, selectTokens } from "./token-selection.ts";

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
    if (operation.awaits === "pushes" && !sent.handshake) {
      const outcome = await awaitPushes(operation, sent, exchange, writing);
      isDone = outcome.kind !== "error";
      return outcome;
    }
    if (operation.awaits === "reply" && !sent.handshake && exchange.duplex === "full") {
      const outcome = await receiveMeanwhile(operation, sent, exchange, writing);
      isDone = true;
      return outcome;
    }
    await writing.done;
    if (operation.awaits === "nothing" && !sent.handshake) {
      isDone = true;
      exchange.reader.cancel();
      return { kind: "sent" };
    }
    const outcome = await receiveReply(operation, sent, exchange);
    isDone = true;
    if (outcome.kind === "reply") operation.body.end();
    else exchange.reader.cancel();
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
): Promise<{ readonly sent: SentMessage; readonly writing: Writing }> {
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
  const { gzip } = engine.compression;
  const algorithms = engine.capabilities.compression;
  const best = compressorOf(algorithms, gzip);
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
  const options = { context, messageId, format, ...compressionOptions(algorithms, gzip, init.compress ?? true) };
  let isCut = false;
  const taken = async (work: Promise<void> | undefined) => {
    try {
      await deadline.wait(work);
    } catch (error) {
      isCut = true;
      throw error;
    }
  };
  const write = async () => {
    const { writer } = exchange;
    const put = (piece: Uint8Array) => taken(writer.write(piece));
    const bytes = await writeMessage(wire, body, options, put, () => taken(writer.flush?.()));
    await taken(writer.end());
    if (body !== null && operation.body instanceof OutgoingChannel) operation.body.sent();
    reportOutgoing(engine.config.onMessage, header, { bytes, headerBytes: wire.length, scheme });
  };
  const sent: SentMessage = {
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
  return { sent, writing: { done: write(), isCut: () => isCut } };
}

async function keyRequests(method: KeyExchange, deadline: Deadline): Promise<readonly KeyRequest[]> {
  const making = method.createRequests();
  if (!isPending(making)) return making;
  return deadline.raceOr(making, (late) => {
    for (const request of late) request.dispose();
  });
}
