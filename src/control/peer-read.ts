// Reads a message between peers: header, checks of the issuer, checks against what was sent, and what it changes in the
// store ("MSL Control", processing a received message). The issuer's checks run on both sides: both issue tokens.

import type { ServiceTokenHooks } from "../builder/service-tokens.ts";
import { MslUnderprotectedError, protocolError } from "../errors/msl-error.ts";
import type { ErrorHeader } from "../message/error-header.ts";
import type { MessageHeader } from "../message/header.ts";
import { readHeader } from "../message/header-reader.ts";
import { nextMessageId } from "../message/ids.ts";
import type { ObjectSource } from "../message/message-input.ts";
import { nowSeconds } from "../platform/clock.ts";
import type { StoreEpoch } from "../store/device-store.ts";
import type { MasterToken } from "../tokens/master-token.ts";
import type { Protection } from "./api.ts";
import type { Counterpart } from "./counterparts.ts";
import type { Deadline } from "./deadline.ts";
import { learnCapabilities } from "./key-offers.ts";
import type { PeerEngine, PendingLookup } from "./peer-engine.ts";
import type { Sent } from "./peer-send.ts";
import { ANY_MESSAGE_ID } from "./recovery.ts";
import { disposeExchange, type OwnExchange, storeServiceTokens, takeExchange } from "./requester.ts";
import { checkRequest } from "./server-checks.ts";

export interface ReadMessage {
  readonly header: MessageHeader | ErrorHeader;
  readonly headerBytes: number;
  readonly source: ObjectSource;
  /** Of a key exchange that the message completed; whoever stores it sets null. */
  completed: OwnExchange | null;
  /** Lets go of the session that the message uses. Idempotent. */
  release(): void;
}

/** @throws MslProtocolError with the message id where the header data could be read */
export async function readPeerMessage(
  engine: PeerEngine,
  object: Uint8Array,
  source: ObjectSource,
  pendingFor: PendingLookup,
  hooks: ServiceTokenHooks | null,
): Promise<ReadMessage> {
  let completed: OwnExchange | null = null;
  const env = engine.readEnvironment(pendingFor, hooks, (exchange) => {
    completed = exchange;
  });
  let release = () => {};
  try {
    const header = await readHeader(object, env);
    if (header.kind === "message") {
      const session = header.masterToken?.verified ?? null;
      if (session !== null) release = once(engine.cache.hold(session));
      await checkRequest(header, engine.config.issuer, nowSeconds(engine.config.clock));
    }
    return { header, headerBytes: object.length, source, completed, release };
  } catch (error) {
    release();
    disposeExchange(completed);
    throw error;
  }
}

function once(release: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) release();
    isDone = true;
  };
}

export interface Expectation {
  readonly sender: string | null;
  readonly requireReply: Protection | null;
}

/** Message id and sender ("MSL Control", control-level checks), and how well a reply is protected. */
export function checkPeerMessage(header: MessageHeader | ErrorHeader, sent: Sent | null, wanted: Expectation): void {
  if (sent !== null) {
    const isAnyId = header.kind === "error" && ANY_MESSAGE_ID.has(header.responseCode);
    if (!isAnyId && header.messageId !== nextMessageId(sent.messageId)) {
      protocolError("UNEXPECTED_RESPONSE_MESSAGE_ID", "headerdata.messageid");
    }
  }
  const sender = header.kind === "error" ? header.entityAuth.identity : header.identity;
  if (wanted.sender !== null && sender !== null && sender !== wanted.sender) {
    const where = header.kind === "message" && header.masterToken !== null ? "mastertoken" : "entityauthdata";
    protocolError("MESSAGE_SENDER_MISMATCH", where);
  }
  if (header.kind === "error" || sent === null || !sent.awaitsData || header.handshake === true) return;
  const protection = wanted.requireReply ?? { encrypted: sent.encrypted, integrity: sent.integrityProtected };
  if (protection.encrypted === true && !header.encrypted) throw new MslUnderprotectedError("message.encrypted");
  if (protection.integrity === true && !header.integrityProtected) {
    throw new MslUnderprotectedError("message.integrity");
  }
}

/**
 * Applies what the message brings for this side, as one unit: the tokens that its sender issued. What was forgotten since
 * `epoch`, when the message was sent that this one answers, stays forgotten.
 */
export async function updatePeerStore(
  read: ReadMessage,
  counterpart: Counterpart,
  userId: string | null,
  deadline: Deadline,
  epoch: StoreEpoch | null,
): Promise<void> {
  const { header } = read;
  // Anyone can write an error that nobody signed.
  if (header.kind === "message" || header.integrityProtected) counterpart.learnTime(header.timestamp);
  if (header.kind === "error") return;
  const { store } = counterpart;
  const { completed } = read;
  const now = store.epoch(userId);
  if (epoch !== null && epoch.clears !== now.clears) {
    disposeExchange(completed);
    read.completed = null;
    return;
  }
  const isKnown = epoch === null || epoch.forgotten === now.forgotten;
  if (completed !== null) {
    takeExchange(store, completed);
    read.completed = null;
  }
  const { masterToken: peerToken, userIdToken, serviceTokens } = header.peer;
  const masterToken = header.keyResponse?.masterToken ?? peerToken;
  const holds = masterToken !== null && holdsSerial(store, masterToken);
  // Differs from reference: tokens bound to a master token that this side no longer has are of no use, and no error.
  if (userId !== null && isKnown && holds && userIdToken !== null && userIdToken.verified === null) {
    store.addUserIdToken(userId, userIdToken);
  }
  const kept = serviceTokens.filter((token) => token.mtSerialNumber === null || holds);
  storeServiceTokens(store, kept, masterToken, holds ? userIdToken : null);
  const learns = learnCapabilities(store, header.capabilities);
  if (completed !== null || (holds && userIdToken !== null) || kept.length > 0 || learns) {
    await deadline.race(store.commit());
  }
}

function holdsSerial(store: Counterpart["store"], token: MasterToken): boolean {
  return store.contextOf(token) !== null;
}
