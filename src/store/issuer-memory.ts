// Issuer state in memory: the default of a single server, and what the file implementation keeps between its writes.
// Every operation is one synchronous step, hence atomic. Identities are bounded; the ones used longest ago are forgotten,
// which costs those devices one re-authentication.

import type { IssuerState, ReplayMode, ReplayVerdict, TokenLine } from "../tokens/issuer-state.ts";
import { judgeNonReplayableId, NO_REPLAY_STATE, type ReplayState } from "../tokens/replay.ts";
import { lineGap, MAX_LINE_GAP, nextSequenceNumber } from "../tokens/token-issuer.ts";

/** Everything known of one identity. */
export interface IdentityRecord {
  readonly line: TokenLine | null;
  /** Replay state of the line's serial number, and of one that was never started here. */
  readonly replay: { readonly serialNumber: number; readonly state: ReplayState } | null;
}

export interface IssuerRecords {
  readonly identities: ReadonlyMap<string, IdentityRecord>;
  readonly revokedEntities: ReadonlySet<string>;
  readonly revokedMasterTokens: ReadonlySet<number>;
  readonly revokedUserIdTokens: ReadonlySet<number>;
}

export interface IssuerMemoryOptions {
  /** Identities remembered. Default 1 000 000. */
  readonly maxIdentities?: number;
  readonly records?: IssuerRecords | null;
}

/** A change, as the file implementation logs it. */
export type IssuerChange =
  | { readonly kind: "identity"; readonly identity: string; readonly record: IdentityRecord }
  | { readonly kind: "entity"; readonly identity: string }
  | { readonly kind: "master" | "user"; readonly serialNumber: number };

export class IssuerMemory implements IssuerState {
  readonly #maxIdentities: number;
  readonly #identities: Map<string, IdentityRecord>;
  readonly #revokedEntities: Set<string>;
  readonly #revokedMasterTokens: Set<number>;
  readonly #revokedUserIdTokens: Set<number>;
  /** Set by an implementation that persists changes. */
  onChange: ((change: IssuerChange) => void) | null = null;

  constructor(options: IssuerMemoryOptions = {}) {
    this.#maxIdentities = options.maxIdentities ?? 1_000_000;
    this.#identities = new Map(options.records?.identities);
    this.#revokedEntities = new Set(options.records?.revokedEntities);
    this.#revokedMasterTokens = new Set(options.records?.revokedMasterTokens);
    this.#revokedUserIdTokens = new Set(options.records?.revokedUserIdTokens);
  }

  get records(): IssuerRecords {
    return {
      identities: this.#identities,
      revokedEntities: this.#revokedEntities,
      revokedMasterTokens: this.#revokedMasterTokens,
      revokedUserIdTokens: this.#revokedUserIdTokens,
    };
  }

  #put(identity: string, record: IdentityRecord): void {
    this.#identities.delete(identity);
    this.#identities.set(identity, record);
    if (this.#identities.size > this.#maxIdentities) {
      const oldest = this.#identities.keys().next();
      if (!oldest.done) this.#identities.delete(oldest.value);
    }
    this.onChange?.({ kind: "identity", identity, record });
  }

  startLine(identity: string, serialNumber: number): void {
    this.#put(identity, { line: { serialNumber, newest: 0, parent: null }, replay: null });
  }

  readLine(identity: string): TokenLine | null {
    return this.#identities.get(identity)?.line ?? null;
  }

  renewLine(identity: string, serialNumber: number, sequenceNumber: number): number | null {
    const record = this.#identities.get(identity);
    const line = record?.line ?? null;
    if (record === undefined || line === null || line.serialNumber !== serialNumber) return null;
    if (sequenceNumber !== line.newest && sequenceNumber !== line.parent) return null;
    if (lineGap(line.newest, line.parent) >= MAX_LINE_GAP) return null;
    const newest = nextSequenceNumber(line.newest);
    this.#put(identity, { ...record, line: { serialNumber, newest, parent: sequenceNumber } });
    return newest;
  }

  acceptNonReplayableId(identity: string, serialNumber: number, id: number, mode: ReplayMode): ReplayVerdict {
    const record = this.#identities.get(identity) ?? { line: null, replay: null };
    const known = record.replay?.serialNumber === serialNumber ? record.replay.state : NO_REPLAY_STATE;
    const { verdict, state } = judgeNonReplayableId(known, id, mode);
    if (verdict === "ok") this.#put(identity, { ...record, replay: { serialNumber, state } });
    return verdict;
  }

  revokeEntity(identity: string): void {
    this.#revokedEntities.add(identity);
    this.onChange?.({ kind: "entity", identity });
  }

  isEntityRevoked(identity: string): boolean {
    return this.#revokedEntities.has(identity);
  }

  revokeMasterToken(serialNumber: number): void {
    this.#revokedMasterTokens.add(serialNumber);
    this.onChange?.({ kind: "master", serialNumber });
  }

  isMasterTokenRevoked(serialNumber: number): boolean {
    return this.#revokedMasterTokens.has(serialNumber);
  }

  revokeUserIdToken(serialNumber: number): void {
    this.#revokedUserIdTokens.add(serialNumber);
    this.onChange?.({ kind: "user", serialNumber });
  }

  isUserIdTokenRevoked(serialNumber: number): boolean {
    return this.#revokedUserIdTokens.has(serialNumber);
  }

  close(): void {}
}
