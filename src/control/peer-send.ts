// Builds and sends one message between peers, question or answer: chooses the tokens that the counterpart issued, issues
// those that it asks for, and puts both into the header ("MSL Control", building a response).

import { type RequestSituation, type RequestWishes, requestForm } from "../builder/request.ts";
import { needsExchange, type ResponseTokens, responseTokens } from "../builder/response.ts";
import { editPeerServiceTokens, type ServiceTokenHooks } from "../builder/service-tokens.ts";
import { type CompressionAlgorithm, compressionOptions, compressorOf } from "../encoding/compression.ts";
import type { EntityAuthData } from "../entity-auth/scheme.ts";
import { MslProtectionRequired, MslUsageError } from "../errors/msl-error.ts";
import type { KeyRequest } from "../key-exchange/scheme.ts";
import { writeMessage } from "../message/body.ts";
import { type MessageHeader, NO_PEER_TOKENS, type PeerTokens } from "../message/header.ts";
import { writeHeader } from "../message/header-writer.ts";
import { deviceSeconds, nowSeconds } from "../platform/clock.ts";
import type { StoreEpoch } from "../store/device-store.ts";
import type { MasterToken } from "../tokens/master-token.ts";
import { isSameSlot, type ServiceToken } from "../tokens/service-token.ts";
import type { UserIdToken } from "../tokens/user-id-token.ts";
import type { UserAuthData } from "../user-auth/scheme.ts";
import type { UserSession } from "./api.ts";
import type { RepeatableBody } from "./bodies.ts";
import type { Counterpart } from "./counterparts.ts";
import type { Deadline } from "./deadline.ts";
import { replyFormat } from "./error-reply.ts";
import type { Attempt } from "./exchange.ts";
import { offeredSchemes } from "./key-offers.ts";
import type { PeerEngine } from "./peer-engine.ts";
import { reportOutgoing } from "./reports.ts";
import { type PendingRequests, storeServiceTokens } from "./requester.ts";
import { randomId } from "./settings.ts";
import { type Selection, type SentTokens, selectTokens } from "./token-selection.ts";

/** What an operation wants of its messages. */
export interface PeerIntent {
  readonly wishes: RequestWishes;
  readonly body: RepeatableBody;
  readonly user: UserSession | null;
  readonly remoteUser: string | null;
  readonly hooks: ServiceTokenHooks | null;
  readonly compress: boolean | CompressionAlgorithm;
}

/** The next message of an operation. */
export interface Plan {
  readonly attempt: Attempt;
  /** The message that it answers; null: the first one, or a retry. */
  readonly answers: MessageHeader | null;
  /** Tokens of the other direction, as the failed message carried them. */
  readonly peer: PeerTokens;
  /** It answers by itself: no body, no demands; `last` asks for nothing more. */
  readonly automatic: "no" | "yes" | "last";
  readonly failed: SentTokens | null;
  readonly entityAuth: EntityAuthData | null;
  readonly userAuth: UserAuthData | null;
}

export const FRESH: Pick<Plan, "answers" | "peer" | "automatic" | "failed" | "entityAuth" | "userAuth"> = {
  answers: null,
  peer: NO_PEER_TOKENS,
  automatic: "no",
  failed: null,
  entityAuth: null,
  userAuth: null,
};

export interface Sent extends SentTokens {
  readonly messageId: number;
  readonly handshake: boolean;
  readonly encrypted: boolean;
  readonly integrityProtected: boolean;
  /** Whether a reply, if one is awaited, is the application's. */
  readonly awaitsData: boolean;
  /** Whether it asks for tokens, so that a reply comes even where none was asked for. */
  readonly asksTokens: boolean;
  readonly peer: PeerTokens;
  readonly pending: PendingRequests;
  readonly epoch: StoreEpoch;
  /** Bytes of the message, once all of it left. */
  readonly written: Promise<number>;
  /** What it issued to the sender of the message that it answers. */
  readonly issued: ResponseTokens | null;
  /** Ends the renewal: its answer came. Idempotent. */
  answered(): void;
  /** Ends renewal and lease. Idempotent. */
  settle(): void;
  /** Wipes the key requests too. Idempotent. */
  end(): void;
}

/** Where the bytes of the message go. */
export interface MessageSink {
  write(bytes: Uint8Array): Promise<void>;
  flush?(): Promise<void>;
  end(): Promise<void>;
}

const NO_WISHES: RequestWishes = {
  encrypted: false,
  integrity: false,
  nonReplayable: false,
  wantTokens: false,
  hasUser: false,
  isEmpty: false,
};

/** Begins to send a message: `written` says when it is done, and must be awaited. */
export async function sendPeerMessage(
  engine: PeerEngine,
  counterpart: Counterpart,
  intent: PeerIntent,
  plan: Plan,
  sink: MessageSink,
  deadline: Deadline,
): Promise<Sent> {
  const isAutomatic = plan.automatic !== "no";
  const wishes = isAutomatic ? { ...NO_WISHES, hasUser: intent.wishes.hasUser } : intent.wishes;
  const selection = await choose(engine, counterpart, intent, plan, wishes, deadline);
  const requests: KeyRequest[] = [];
  const releases: (() => void)[] = [];
  let isSettled = false;
  const settle = () => {
    if (isSettled) return;
    isSettled = true;
    selection.renewal?.settle();
    selection.lease?.release();
    for (const release of releases) release();
  };
  const end = () => {
    settle();
    for (const request of requests) request.dispose();
  };
  try {
    const answered = () => selection.renewal?.settle();
    const held = { requests, releases, answered, settle, end };
    return await send(engine, counterpart, intent, plan, wishes, selection, held, sink, deadline);
  } catch (error) {
    end();
    throw error;
  }
}

async function choose(
  engine: PeerEngine,
  counterpart: Counterpart,
  intent: PeerIntent,
  plan: Plan,
  wishes: RequestWishes,
  deadline: Deadline,
): Promise<Selection> {
  const { store, renewals, remoteNow } = counterpart;
  const source = { store, renewals, remoteNow, scheme: engine.config.entity.scheme };
  const userId = intent.user?.id ?? null;
  if (plan.automatic !== "no") {
    // It never waits: the renewal it would wait for may be the other side's answer to it.
    const impatient = { ...wishes, hasUser: false };
    const selection = await selectTokens(
      source,
      impatient,
      userId,
      { tokens: "both", renewable: "no" },
      null,
      deadline,
    );
    if (plan.automatic === "yes") return selection;
    selection.renewal?.settle();
    return { ...selection, renewal: null };
  }
  return selectTokens(source, wishes, userId, plan.attempt, plan.failed, deadline);
}

interface Held {
  readonly requests: KeyRequest[];
  readonly releases: (() => void)[];
  readonly answered: () => void;
  readonly settle: () => void;
  readonly end: () => void;
}

async function send(
  engine: PeerEngine,
  counterpart: Counterpart,
  intent: PeerIntent,
  plan: Plan,
  wishes: RequestWishes,
  selection: Selection,
  held: Held,
  sink: MessageSink,
  deadline: Deadline,
): Promise<Sent> {
  const { config, compression } = engine;
  const { store } = counterpart;
  const { scheme } = config.entity;
  const { masterToken, userIdToken, lease } = selection;
  const isAutomatic = plan.automatic !== "no";
  const epoch = store.epoch(intent.user?.id ?? null);
  const renewable = selection.renewal !== null;
  const encrypted = masterToken !== null || scheme.encrypts;
  const integrityProtected = masterToken !== null || scheme.protectsIntegrity;
  const query = { reason: null, renewable, required: userIdToken === null };
  const userAuth = plan.userAuth ?? (await intent.user?.authenticate(query)) ?? null;
  const isDelayed = userAuth !== null && !(encrypted && integrityProtected);
  const situation: RequestSituation = {
    masterToken,
    userIdToken,
    scheme,
    ...selection.decision,
  };
  const form = requestForm(wishes, situation, renewable, isDelayed && !isAutomatic);
  if (form.withKeyRequests) {
    const offered = offeredSchemes(config, store, masterToken === null && plan.answers === null);
    for (const method of offered) held.requests.push(...(await method.createRequests()));
  }
  if (form.handshake && held.requests.length === 0) {
    throw new MslUsageError("The message needs a key exchange, and there is no scheme to offer.");
  }
  const identityData = plan.entityAuth ?? (await engine.entityData(null));
  if (identityData === null) throw new MslUsageError("The entity gave no authentication data.");
  const entityAuth = masterToken === null ? identityData : null;
  const { answers } = plan;
  const reply = answers === null ? null : replyFormat(answers, engine.capabilities);
  const format = reply?.format ?? engine.formatFor(counterpart);
  const now = nowSeconds(config.clock);
  const issued = await issue(engine, plan, { entityAuth: identityData, headerToken: masterToken, format, now }, intent);
  const issuedToken = issued?.keyResponse?.masterToken ?? null;
  if (issuedToken !== null) {
    held.releases.push(engine.cache.hold(issuedToken.verified));
    engine.cache.set(issuedToken);
  }
  const peerBase: PeerTokens =
    answers === null || issued === null
      ? plan.peer
      : { masterToken: answers.masterToken, userIdToken: issued.userIdToken, serviceTokens: issued.serviceTokens };
  const tokens = {
    primary: merged(store.serviceTokens(masterToken, userIdToken), answers, masterToken, userIdToken),
    peer: peerBase.serviceTokens,
  };
  const hooks = intent.hooks ?? config.serviceTokens ?? null;
  const capabilities = answers === null ? engine.capabilities : (reply?.capabilities ?? null);
  const best = compressorOf(capabilities?.compression, compression.gzip);
  const around = {
    format,
    masterToken,
    userIdToken,
    compressor: best,
    hooks,
    handshake: form.handshake || isAutomatic,
  };
  const peerMasterToken = issuedToken ?? peerBase.masterToken;
  const edited = await editPeerServiceTokens(tokens, around, {
    masterToken: peerMasterToken,
    userIdToken: peerBase.userIdToken,
  });
  if (edited.primary !== tokens.primary) {
    storeServiceTokens(store, edited.primary, masterToken, userIdToken);
    await store.commit();
  }
  const nonReplayableId =
    form.nonReplayable && masterToken !== null ? await store.nextNonReplayableId(masterToken) : null;
  const messageId = plan.attempt.messageId ?? randomId(engine.core);
  const peer = { ...peerBase, serviceTokens: edited.peer };
  const context = lease?.context ?? (await scheme.cryptoContext(identityData));
  const header = {
    format,
    entityAuth,
    masterToken,
    context,
    sender: identityData.identity,
    timestamp: deviceSeconds(config.clock),
    messageId,
    nonReplayableId,
    renewable: form.renewable,
    handshake: form.handshake,
    capabilities,
    keyRequests: held.requests,
    keyResponse: issued?.keyResponse ?? null,
    userAuth: isDelayed ? null : userAuth,
    userIdToken,
    serviceTokens: edited.primary,
    peer,
  };
  const wire = await writeHeader(header);
  deadline.check();
  const body = form.handshake || isAutomatic ? null : intent.body.open();
  const { gzip } = compression;
  const options = {
    context,
    messageId,
    format,
    ...compressionOptions(capabilities?.compression, gzip, intent.compress),
  };
  const put = (piece: Uint8Array) => deadline.race(sink.write(piece));
  const write = async () => {
    const bytes = await writeMessage(wire, body, options, put, async () => deadline.wait(sink.flush?.()));
    await deadline.race(sink.end());
    reportOutgoing(config.onMessage, header, { bytes, headerBytes: wire.length, scheme });
    return bytes;
  };
  return {
    messageId,
    masterToken,
    userIdToken,
    handshake: form.handshake,
    encrypted,
    integrityProtected,
    awaitsData: !form.handshake,
    asksTokens: form.renewable && (held.requests.length > 0 || (masterToken !== null && header.userAuth !== null)),
    peer: { ...peer, masterToken: peerMasterToken },
    pending: { requests: held.requests, origin: { entityAuth, masterToken }, identity: identityData.identity },
    epoch,
    written: write(),
    issued,
    answered: held.answered,
    settle: held.settle,
    end: held.end,
  };
}

/** Tokens that the answered message asks for; null where none is answered. */
async function issue(
  engine: PeerEngine,
  plan: Plan,
  around: { entityAuth: EntityAuthData; headerToken: MasterToken | null; format: MessageHeader["format"]; now: number },
  intent: PeerIntent,
): Promise<ResponseTokens | null> {
  const { answers } = plan;
  if (answers === null) return null;
  const { core, config } = engine;
  const { issuer, keyExchange } = config;
  const remoteUser = plan.automatic === "no" ? intent.remoteUser : null;
  if (remoteUser !== null && answers.masterToken === null && !needsExchange(answers, around.now)) {
    throw new MslProtectionRequired("RESPONSE_REQUIRES_MASTERTOKEN");
  }
  return responseTokens(answers, { core, issuer, keyExchange, ...around }, remoteUser);
}

/** Stored tokens, and those of the answered message that fit and are not stored. */
function merged(
  stored: readonly ServiceToken[],
  answers: MessageHeader | null,
  masterToken: MasterToken | null,
  userIdToken: UserIdToken | null,
): readonly ServiceToken[] {
  const carried = (answers?.peer.serviceTokens ?? []).filter(
    (token) =>
      !stored.some((held) => isSameSlot(held, token)) &&
      (token.mtSerialNumber === null || token.mtSerialNumber === masterToken?.serialNumber) &&
      (token.uitSerialNumber === null || token.uitSerialNumber === userIdToken?.serialNumber) &&
      (token.data === null || token.data.length > 0),
  );
  return carried.length === 0 ? stored : [...stored, ...carried];
}
