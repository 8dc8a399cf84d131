// Decides how a request of a trusted services client is sent: renewable or not, handshake or data, with key requests or
// without ("MSL Control", building a request). Pure: tokens, times and wishes in, decision out.

import type { EntityScheme } from "../entity-auth/scheme.ts";
import type { MasterToken } from "../tokens/master-token.ts";
import { isExpired, isRenewable } from "../tokens/times.ts";
import type { UserIdToken } from "../tokens/user-id-token.ts";

/** What the application wants of the request. */
export interface RequestWishes {
  readonly encrypted: boolean;
  readonly integrity: boolean;
  readonly nonReplayable: boolean;
  readonly wantTokens: boolean;
  readonly hasUser: boolean;
  /** Known to have no body: such a message must never look like an old-style handshake. */
  readonly isEmpty: boolean;
}

export interface RequestTokens {
  readonly masterToken: MasterToken | null;
  readonly userIdToken: UserIdToken | null;
}

export interface RequestSituation extends RequestTokens {
  readonly scheme: EntityScheme;
  /** The server's time in seconds, or null while it is unknown. */
  readonly remoteNow: number | null;
  /** Recovery forces a key exchange. */
  readonly isForced: boolean;
}

/** `must`: it cannot be sent otherwise and waits for the renewal slot. `may`: takes the slot if it is free. */
export type RenewalNeed = "must" | "may" | "no";

export function renewalNeed(wishes: RequestWishes, situation: RequestSituation): RenewalNeed {
  const { masterToken, userIdToken, scheme, remoteNow } = situation;
  const encrypts = masterToken !== null || scheme.encrypts;
  const protects = masterToken !== null || scheme.protectsIntegrity;
  const lacksUser = wishes.hasUser && userIdToken === null;
  const must =
    (wishes.encrypted && !encrypts) ||
    (wishes.integrity && !protects) ||
    situation.isForced ||
    (wishes.nonReplayable && masterToken === null) ||
    (masterToken !== null && isExpired(masterToken, remoteNow, null)) ||
    (lacksUser && !(encrypts && protects)) ||
    (wishes.wantTokens && (masterToken === null || lacksUser));
  if (must) return "must";
  if (wishes.isEmpty) return "no";
  const may =
    masterToken === null ||
    isRenewable(masterToken, remoteNow, null) ||
    lacksUser ||
    (userIdToken !== null && isRenewable(userIdToken, remoteNow, null));
  return may ? "may" : "no";
}

export interface RequestForm {
  readonly renewable: boolean;
  readonly handshake: boolean;
  readonly nonReplayable: boolean;
  readonly withKeyRequests: boolean;
}

/** @param isDelayed  user authentication data exists but this header cannot carry it */
export function requestForm(
  wishes: RequestWishes,
  situation: RequestSituation,
  renewable: boolean,
  isDelayed: boolean,
): RequestForm {
  const { masterToken, scheme, remoteNow } = situation;
  const encrypts = masterToken !== null || scheme.encrypts;
  const protects = masterToken !== null || scheme.protectsIntegrity;
  // Differs from reference: a renewal that the issuer demands carries key requests also where this clock says that it
  // is not due; without them the issuer could only repeat its demand.
  const isDue = masterToken === null || situation.isForced || isRenewable(masterToken, remoteNow, null);
  // A renewable message with key requests and one empty chunk reads as a handshake at old receivers: make it one.
  const wouldMislead = wishes.isEmpty && renewable && isDue;
  const writesData =
    !isDelayed &&
    !wouldMislead &&
    (!wishes.encrypted || encrypts) &&
    (!wishes.integrity || protects) &&
    (!wishes.nonReplayable || masterToken !== null);
  const handshake = !writesData;
  const isRenewableMessage = handshake || renewable;
  return {
    renewable: isRenewableMessage,
    handshake,
    nonReplayable: wishes.nonReplayable && !handshake,
    withKeyRequests: handshake || (isRenewableMessage && (isDue || wishes.nonReplayable)),
  };
}
