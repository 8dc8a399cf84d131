// Issuer state in memory: the default of a single server, and what the file implementation keeps between its writes.
// Every operation is one synchronous step, hence atomic. Tables are bounded; the rows used longest ago are forgotten,
// which costs those devices one re-authentication and never lets a replay through. Identities that anyone may claim
// have a table of their own, so that a flood of them pushes out none that were proved.

import type {
  EntityStanding,
  IssuerState,
  LineKind,
  LineRenewal,
  NewLine,
  ReplayQuestion,
  ReplayVerdict,
  TokenLine,
  UserStanding,
} from "../tokens/issuer-state.ts";
import { judgeNonReplayableId, NO_REPLAY_STATE, type ReplayState } from "../tokens/replay.ts";
import { lineGap, MAX_LINE_GAP, nextSequenceNumber } from "../tokens/token-issuer.ts";

/** A line with the replay state of its serial number. */
export interface LineRecord {
  readonly line: TokenLine;
  readonly replay: ReplayState;
}

export interface UserRecord {
  readonly isRevoked: boolean;
  readonly generation: number;
}

/** A change, as the file implementation logs it; applying it twice changes nothing more. */
export type IssuerChange =
  | { readonly kind: LineKind; readonly identity: string; readonly record: LineRecord }
  | { readonly kind: "stray"; readonly identity: string; readonly serialNumber: number; readonly replay: ReplayState }
  | { readonly kind: "entity"; readonly identity: string; readonly isRevoked: boolean }
  | { readonly kind: "user"; readonly user: string; readonly record: UserRecord }
  | { readonly kind: "master-token" | "user-id-token"; readonly serialNumber: number };

export interface IssuerMemoryOptions {
  /** Proved identities remembered. Default 1 000 000. */
  readonly maxIdentities?: number;
  /** Claimed identities remembered. Default 100 000. */
  readonly maxAnonymous?: number;
}

const KINDS: readonly LineKind[] = ["authenticated", "anonymous"];

/** A map that forgets what was set longest ago. */
class BoundedMap<V> extends Map<string, V> {
  readonly #limit: number;

  constructor(limit: number) {
    super();
    this.#limit = limit;
  }

  put(key: string, value: V): void {
    this.delete(key);
    this.set(key, value);
    if (this.size <= this.#limit) return;
    const oldest = this.keys().next();
    if (!oldest.done) this.delete(oldest.value);
  }
}

export class IssuerMemory implements IssuerState {
  readonly #lines: Readonly<Record<LineKind, BoundedMap<LineRecord>>>;
  /** Replay state of serial numbers that no line has, where the issuer keeps no lines. */
  readonly #strays: BoundedMap<ReplayState>;
  readonly #revokedEntities = new Set<string>();
  readonly #users = new Map<string, UserRecord>();
  readonly #revokedMasterTokens = new Set<number>();
  readonly #revokedUserIdTokens = new Set<number>();
  /** Set by an implementation that persists changes. */
  onChange: ((change: IssuerChange) => void) | null = null;

  constructor(options: IssuerMemoryOptions = {}) {
    const { maxIdentities = 1_000_000, maxAnonymous = 100_000 } = options;
    this.#lines = { authenticated: new BoundedMap(maxIdentities), anonymous: new BoundedMap(maxAnonymous) };
    this.#strays = new BoundedMap(maxIdentities);
  }

  /** Everything, as changes that make it anew. */
  *changes(): Generator<IssuerChange> {
    for (const kind of KINDS) {
      for (const [identity, record] of this.#lines[kind]) yield { kind, identity, record };
    }
    for (const [key, replay] of this.#strays) yield { kind: "stray", ...splitStray(key), replay };
    for (const identity of this.#revokedEntities) yield { kind: "entity", identity, isRevoked: true };
    for (const [user, record] of this.#users) yield { kind: "user", user, record };
    for (const serialNumber of this.#revokedMasterTokens) yield { kind: "master-token", serialNumber };
    for (const serialNumber of this.#revokedUserIdTokens) yield { kind: "user-id-token", serialNumber };
  }

  apply(change: IssuerChange): void {
    switch (change.kind) {
      case "authenticated":
      case "anonymous":
        this.#lines[change.kind].put(change.identity, change.record);
        return;
      case "stray":
        this.#strays.put(strayKey(change.identity, change.serialNumber), change.replay);
        return;
      case "entity":
        if (change.isRevoked) this.#revokedEntities.add(change.identity);
        else this.#revokedEntities.delete(change.identity);
        return;
      case "user":
        this.#users.set(change.user, change.record);
        return;
      case "master-token":
        this.#revokedMasterTokens.add(change.serialNumber);
        return;
      case "user-id-token":
        this.#revokedUserIdTokens.add(change.serialNumber);
    }
  }

  #change(change: IssuerChange): void {
    this.apply(change);
    this.onChange?.(change);
  }

  startLine({ identity, kind, serialNumber }: NewLine): void {
    const line = { serialNumber, newest: 0, parent: null };
    this.#change({ kind, identity, record: { line, replay: NO_REPLAY_STATE } });
  }

  #find(identity: string, serialNumber: number): { readonly kind: LineKind; readonly record: LineRecord } | null {
    for (const kind of KINDS) {
      const record = this.#lines[kind].get(identity);
      if (record?.line.serialNumber === serialNumber) return { kind, record };
    }
    return null;
  }

  readLine(identity: string, serialNumber: number): TokenLine | null {
    return this.#find(identity, serialNumber)?.record.line ?? null;
  }

  readLines(identity: string): readonly TokenLine[] {
    return KINDS.flatMap((kind) => this.#lines[kind].get(identity)?.line ?? []);
  }

  renewLine({ identity, serialNumber, sequenceNumber }: LineRenewal): number | null {
    const found = this.#find(identity, serialNumber);
    if (found === null) return null;
    const { kind, record } = found;
    const { newest, parent } = record.line;
    if (sequenceNumber !== newest && sequenceNumber !== parent) return null;
    if (lineGap(newest, parent) >= MAX_LINE_GAP) return null;
    const next = nextSequenceNumber(newest);
    const line = { serialNumber, newest: next, parent: sequenceNumber };
    this.#change({ kind, identity, record: { ...record, line } });
    return next;
  }

  acceptNonReplayableId({ identity, serialNumber, id, mode, needsLine }: ReplayQuestion): ReplayVerdict {
    const found = this.#find(identity, serialNumber);
    if (found === null && needsLine) return "unrecoverable";
    const known = found?.record.replay ?? this.#strays.get(strayKey(identity, serialNumber)) ?? NO_REPLAY_STATE;
    const { verdict, state } = judgeNonReplayableId(known, id, mode);
    if (verdict !== "ok") return verdict;
    if (found === null) this.#change({ kind: "stray", identity, serialNumber, replay: state });
    else this.#change({ kind: found.kind, identity, record: { ...found.record, replay: state } });
    return "ok";
  }

  entityStanding(identity: string, serialNumber: number): EntityStanding {
    if (this.#revokedEntities.has(identity)) return "entity-revoked";
    return this.#revokedMasterTokens.has(serialNumber) ? "token-revoked" : "good";
  }

  isEntityRevoked(identity: string): boolean {
    return this.#revokedEntities.has(identity);
  }

  revokeEntity(identity: string): void {
    if (!this.#revokedEntities.has(identity)) this.#change({ kind: "entity", identity, isRevoked: true });
  }

  restoreEntity(identity: string): void {
    if (this.#revokedEntities.has(identity)) this.#change({ kind: "entity", identity, isRevoked: false });
  }

  revokeMasterToken(serialNumber: number): void {
    this.#change({ kind: "master-token", serialNumber });
  }

  #user(user: string): UserRecord {
    return this.#users.get(user) ?? { isRevoked: false, generation: 0 };
  }

  userStanding(user: string, serialNumber: number): UserStanding {
    const { isRevoked, generation } = this.#user(user);
    return { isUserRevoked: isRevoked, isTokenRevoked: this.#revokedUserIdTokens.has(serialNumber), generation };
  }

  revokeUser(user: string): void {
    this.#change({ kind: "user", user, record: { ...this.#user(user), isRevoked: true } });
  }

  restoreUser(user: string): void {
    this.#change({ kind: "user", user, record: { ...this.#user(user), isRevoked: false } });
  }

  revokeUserIdToken(serialNumber: number): void {
    this.#change({ kind: "user-id-token", serialNumber });
  }

  demandLogin(user: string): void {
    const { isRevoked, generation } = this.#user(user);
    this.#change({ kind: "user", user, record: { isRevoked, generation: generation + 1 } });
  }

  close(): void {}
}

function strayKey(identity: string, serialNumber: number): string {
  return `${serialNumber}:${identity}`;
}

function splitStray(key: string): { readonly identity: string; readonly serialNumber: number } {
  const colon = key.indexOf(":");
  return { identity: key.slice(colon + 1), serialNumber: Number(key.slice(0, colon)) };
}
