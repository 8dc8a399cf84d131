// Sessions of a device's store: what is kept of them, and how those whose keys are elsewhere come back after a restart.

import type { CryptoContext, OpaqueSession, RestoreSession, SessionKeys } from "../crypto/crypto-context.ts";
import { MslUsageError } from "../errors/msl-error.ts";
import { isPending } from "../platform/awaitable.ts";
import type { MasterToken } from "../tokens/master-token.ts";
import type { StoredSession } from "./snapshot.ts";

export interface Session {
  readonly masterToken: MasterToken;
  readonly context: CryptoContext;
  readonly keys: SessionKeys;
  leases: number;
  retired: boolean;
}

/** Sessions that outlive the process: neither retired ones nor those whose holder gives no name. */
export function storedSession({ masterToken, keys, retired }: Session): StoredSession[] {
  if (retired) return [];
  const opaque = keys.opaque ?? null;
  if (opaque === null) return [{ masterToken, keys }];
  return opaque.stored === null ? [] : [{ masterToken, opaque: opaque.stored }];
}

export async function restoredKeys(stored: Uint8Array, restore: RestoreSession | null): Promise<SessionKeys | null> {
  if (restore === null) throw new MslUsageError("The state holds opaque sessions: `restoreSession` is missing.");
  try {
    return await restore(stored);
  } catch {
    return null;
  }
}

export function forgetSession(session: OpaqueSession): void {
  try {
    const over = session.forget?.();
    if (over !== undefined && isPending(over)) over.catch(() => {});
  } catch {
    // The holder's own matter: the session is over here.
  }
}

export function disposeKeys(keys: SessionKeys): void {
  keys.encryption.dispose();
  keys.mac.dispose();
}
