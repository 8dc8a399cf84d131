// State that all servers of a network share, as atomic operations. Memory and file implementations are in store/;
// a database of a fleet fits behind the same interface. Everything else a server needs is inside the tokens.

import type { Awaitable } from "../platform/awaitable.ts";

/** How the issuer judges non-replayable ids: `window` accepts unseen ids up to 64 behind; `strict` is the reference's rule. */
export type ReplayMode = "window" | "strict";

export type ReplayVerdict = "ok" | "replayed" | "unrecoverable";

/** Line of master tokens of one identity. `parent` is null for a fresh line. */
export interface TokenLine {
  readonly serialNumber: number;
  readonly newest: number;
  readonly parent: number | null;
}

export interface IssuerState {
  /** Starts a new line for `identity`; the previous line, and its replay state, become void. */
  startLine(identity: string, serialNumber: number): Awaitable<void>;
  readLine(identity: string): Awaitable<TokenLine | null>;
  /**
   * Renews: succeeds only for the newest token of the line or its parent, and while newest - parent < 5.
   * @returns the new sequence number, or null when the token is not renewable
   */
  renewLine(identity: string, serialNumber: number, sequenceNumber: number): Awaitable<number | null>;
  /** Tests and sets in one step, per identity and serial number. */
  acceptNonReplayableId(identity: string, serialNumber: number, id: number, mode: ReplayMode): Awaitable<ReplayVerdict>;
  /** Persistent revocation lists. */
  revokeEntity(identity: string): Awaitable<void>;
  isEntityRevoked(identity: string): Awaitable<boolean>;
  revokeMasterToken(serialNumber: number): Awaitable<void>;
  isMasterTokenRevoked(serialNumber: number): Awaitable<boolean>;
  revokeUserIdToken(serialNumber: number): Awaitable<void>;
  isUserIdTokenRevoked(serialNumber: number): Awaitable<boolean>;
  /** Flushes and releases what the state holds. */
  close(): Awaitable<void>;
}
