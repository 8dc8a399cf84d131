// Chooses the tokens of a message to be sent: leases the newest master token and, where the message must renew, becomes
// or awaits the one renewal under way. Shared by clients and peers.

import { renewalNeed, type RequestSituation, type RequestWishes } from "../builder/request.ts";
import type { EntityScheme } from "../entity-auth/scheme.ts";
import type { DeviceStore, Lease } from "../store/device-store.ts";
import { isSameMasterToken, type MasterToken } from "../tokens/master-token.ts";
import type { UserIdToken } from "../tokens/user-id-token.ts";
import type { Deadline } from "./deadline.ts";
import type { Attempt } from "./exchange.ts";
import type { Renewal, RenewalSlot } from "./renewal.ts";

/** Tokens of a message that failed, for the clean-up and for `unless-newer`. */
export interface SentTokens {
  readonly masterToken: MasterToken | null;
  readonly userIdToken: UserIdToken | null;
}

export interface Selection extends SentTokens {
  readonly lease: Lease | null;
  readonly renewal: Renewal | null;
  /** What was decided with: the message is built on the same, whatever the clock says by then. */
  readonly decision: Pick<RequestSituation, "remoteNow" | "isForced">;
}

/** Whose tokens: a store, the renewal slot that goes with it, and how its owner protects messages. */
export interface TokenSource {
  readonly store: DeviceStore;
  readonly renewals: RenewalSlot;
  readonly scheme: EntityScheme;
  /** The issuer's time in seconds, or null. */
  readonly remoteNow: number | null;
}

export async function selectTokens(
  source: TokenSource,
  wishes: RequestWishes,
  userId: string | null,
  attempt: Pick<Attempt, "tokens" | "renewable">,
  failed: SentTokens | null,
  deadline: Deadline,
): Promise<Selection> {
  const { store, renewals } = source;
  let lease = attempt.tokens === "none" ? null : store.lease();
  let mayUseUser = attempt.tokens === "both";
  for (;;) {
    const masterToken = lease?.masterToken ?? null;
    const userIdToken = mayUseUser ? boundUserIdToken(store, userId, masterToken) : null;
    const situation: RequestSituation = {
      masterToken,
      userIdToken,
      scheme: source.scheme,
      remoteNow: source.remoteNow,
      isForced: isForced(attempt, failed, masterToken),
    };
    const need = renewalNeed(wishes, situation);
    const decision = { remoteNow: situation.remoteNow, isForced: situation.isForced };
    if (need === "no") return { lease, masterToken, userIdToken, renewal: null, decision };
    const renewal = renewals.tryAcquire();
    if (renewal !== null || need === "may") return { lease, masterToken, userIdToken, renewal, decision };
    try {
      await renewals.wait(deadline);
    } catch (error) {
      lease?.release();
      throw error;
    }
    // Whatever came of it, look at the store: never at the other request's outcome itself.
    lease?.release();
    lease = store.lease();
    if (attempt.tokens === "none") mayUseUser = true;
  }
}

/** User ID token of a local user that fits a master token. */
export function boundUserIdToken(
  store: DeviceStore,
  userId: string | null,
  masterToken: MasterToken | null,
): UserIdToken | null {
  const token = userId === null || masterToken === null ? null : store.userIdToken(userId);
  return token !== null && token.mtSerialNumber === masterToken?.serialNumber ? token : null;
}

/**
 * Whether a late reply's user ID token, bound to a master token that was replaced meanwhile, must not take the place of
 * one that fits the newest: the user would be logged out.
 */
export function keepsLogin(store: DeviceStore, userId: string, late: UserIdToken): boolean {
  const newest = store.masterToken;
  return late.mtSerialNumber !== newest?.serialNumber && boundUserIdToken(store, userId, newest) !== null;
}

/** Recovery's demand for a renewable message; satisfied by another master token than the one that failed. */
function isForced(
  attempt: Pick<Attempt, "renewable">,
  failed: SentTokens | null,
  masterToken: MasterToken | null,
): boolean {
  if (attempt.renewable === "no") return false;
  if (masterToken === null) return true;
  const before = failed?.masterToken ?? null;
  return before !== null && isSameMasterToken(before, masterToken);
}

/** Tokens that a response code takes away from the store. */
export async function dropTokens(
  store: DeviceStore,
  drop: "none" | "master" | "user",
  sent: SentTokens,
): Promise<void> {
  if (drop === "none") return;
  if (drop === "master" && sent.masterToken !== null) store.retire(sent.masterToken);
  if (drop === "user" && sent.masterToken !== null && sent.userIdToken !== null)
    store.removeUserIdToken(sent.userIdToken);
  await store.commit();
}
