// State that all servers of a network share, as atomic operations. Memory and file implementations are in store/;
// a database of a fleet fits behind the same interface: each operation is one conditional statement, none reads what
// another one writes later, and `keepUntil` says when a row may go. Everything else a server needs is in the tokens.

import type { Awaitable } from "../platform/awaitable.ts";

/** How the issuer judges non-replayable ids: `window` accepts unseen ids up to 64 behind; `strict` is the reference's rule. */
export type ReplayMode = "window" | "strict";

export type ReplayVerdict = "ok" | "replayed" | "unrecoverable";

/** Name space of a line: whoever merely claims an identity never touches the line of whoever proved it. */
export type LineKind = "authenticated" | "anonymous";

/** Line of master tokens of one identity in one name space. `parent` is null for a fresh line. */
export interface TokenLine {
  readonly serialNumber: number;
  readonly newest: number;
  readonly parent: number | null;
}

export interface NewLine {
  readonly identity: string;
  readonly kind: LineKind;
  readonly serialNumber: number;
  /** Seconds since 1970 after which nothing needs the row. */
  readonly keepUntil: number;
}

export interface LineRenewal {
  readonly identity: string;
  readonly serialNumber: number;
  /** Of the token that is to be renewed. */
  readonly sequenceNumber: number;
  readonly keepUntil: number;
}

export interface ReplayQuestion {
  readonly identity: string;
  readonly serialNumber: number;
  readonly id: number;
  readonly mode: ReplayMode;
  /** Without a line of this serial number: `unrecoverable`, so that forgotten state never lets a replay through. */
  readonly needsLine: boolean;
  readonly keepUntil: number;
}

/** What revocation says of a master token. */
export type EntityStanding = "good" | "entity-revoked" | "token-revoked";

/** What revocation says of a user and one of its tokens. */
export interface UserStanding {
  readonly isUserRevoked: boolean;
  readonly isTokenRevoked: boolean;
  /** Tokens of another generation are void: it counts the times that the user was told to log in again. */
  readonly generation: number;
}

export interface IssuerState {
  /** Starts a new line of its kind for an identity; the previous one, and its replay state, become void. */
  startLine(line: NewLine): Awaitable<void>;
  /** The line of that serial number, of either kind; null: there is none, or a newer one took its place. */
  readLine(identity: string, serialNumber: number): Awaitable<TokenLine | null>;
  /** The present lines of an identity, at most one of each kind. */
  readLines(identity: string): Awaitable<readonly TokenLine[]>;
  /**
   * Renews: succeeds only for the newest token of the line or its parent, and while newest - parent < 5.
   * @returns the new sequence number, or null when the token is not renewable
   */
  renewLine(renewal: LineRenewal): Awaitable<number | null>;
  /** Tests and sets in one step, per identity and serial number. */
  acceptNonReplayableId(question: ReplayQuestion): Awaitable<ReplayVerdict>;

  /** One look at everything that voids a master token. */
  entityStanding(identity: string, serialNumber: number): Awaitable<EntityStanding>;
  isEntityRevoked(identity: string): Awaitable<boolean>;
  revokeEntity(identity: string): Awaitable<void>;
  restoreEntity(identity: string): Awaitable<void>;
  /** Voids every token of the serial number, renewals included. */
  revokeMasterToken(serialNumber: number): Awaitable<void>;

  /** One look at everything that voids a user ID token. */
  userStanding(user: string, serialNumber: number): Awaitable<UserStanding>;
  revokeUser(user: string): Awaitable<void>;
  restoreUser(user: string): Awaitable<void>;
  revokeUserIdToken(serialNumber: number): Awaitable<void>;
  /** Begins a new generation: every user ID token that the user holds is void, a login gives a new one. */
  demandLogin(user: string): Awaitable<void>;

  /** Flushes and releases what the state holds. */
  close(): Awaitable<void>;
}
