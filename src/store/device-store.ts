// State of one entity in one network: master tokens with their session keys, user ID tokens by local user, service
// tokens, non-replayable counters ("MSL Store"). A token in use is leased; retiring a leased token hides it at once and
// removes it when its last lease ends, so no reply loses its keys. Changes are saved as one snapshot before they count.

import type { Core } from "../core/core.ts";
import type { CryptoContext, RestoreSession, SessionKeys } from "../crypto/crypto-context.ts";
import { sessionContext } from "../crypto/session.ts";
import { MslLocalError, protocolError } from "../errors/msl-error.ts";
import { isNewer, isSameMasterToken, type MasterToken } from "../tokens/master-token.ts";
import { isSameServiceToken, type ServiceToken } from "../tokens/service-token.ts";
import { isBoundTo, isSameUserIdToken, type UserIdToken } from "../tokens/user-id-token.ts";
import { ReplayIds } from "./replay-ids.ts";
import { decodeSnapshot, encodeSnapshot, type PeerKnowledge } from "./snapshot.ts";
import { disposeKeys, forgetSession, restoredKeys, type Session, storedSession } from "./sessions.ts";
import type { StateStorage } from "./snapshot-storage.ts";

export interface StoreOptions {
  /** Name of the network; state of another one is refused. */
  readonly network?: string | null;
  /** Opens sessions whose keys are elsewhere. */
  readonly restoreSession?: RestoreSession | null;
}

/** Counts what was forgotten: by `clear`, and of one user. */
export interface StoreEpoch {
  readonly clears: number;
  readonly forgotten: number;
}

/** A master token in use. Releasing twice is harmless. */
export interface Lease {
  readonly masterToken: MasterToken;
  readonly context: CryptoContext;
  release(): void;
}

export class DeviceStore {
  readonly #core: Core;
  readonly #identity: string | null;
  readonly #storage: StateStorage | null;
  #sessions: Session[] = [];
  readonly #ids: ReplayIds;
  readonly #users = new Map<string, UserIdToken>();
  #serviceTokens: ServiceToken[] = [];
  #peer: PeerKnowledge = { formats: [], keyxSchemes: null };
  #clears = 0;
  readonly #forgotten = new Map<string, number>();
  #version = 0;
  #saved = 0;
  #saving: Promise<void> | null = null;

  readonly #network: string | null;

  private constructor(core: Core, identity: string | null, storage: StateStorage | null, options: StoreOptions) {
    this.#core = core;
    this.#identity = identity;
    this.#storage = storage;
    this.#network = options.network ?? null;
    this.#ids = new ReplayIds(storage === null ? null : () => this.commit());
  }

  /**
   * Opens the store with what `storage` holds. State of another named network is refused; state that names none is
   * taken over. Sessions whose opaque keys are lost are left out, with all that is bound to them.
   * @throws STORE_CORRUPT, STORE_FAILED, STORE_TOO_NEW, STORE_ROLLED_BACK, STORE_MISMATCH
   */
  static async open(
    core: Core,
    identity: string | null,
    storage: StateStorage | null,
    options: StoreOptions = {},
  ): Promise<DeviceStore> {
    const store = new DeviceStore(core, identity, storage, options);
    const snapshot = (await storage?.load()) ?? null;
    if (snapshot === null) return store;
    try {
      await store.#restore(snapshot, options.restoreSession ?? null);
    } finally {
      snapshot.fill(0);
    }
    return store;
  }

  async #restore(snapshot: Uint8Array, restoreSession: RestoreSession | null): Promise<void> {
    const state = decodeSnapshot(snapshot, this.#core);
    if (this.#network !== null && state.network !== null && this.#network !== state.network) {
      for (const { keys } of state.sessions) if (keys !== undefined) disposeKeys(keys);
      throw new MslLocalError("STORE_MISMATCH");
    }
    for (const { masterToken, keys, opaque } of state.sessions) {
      const restored = keys ?? (await restoredKeys(opaque, restoreSession));
      if (restored !== null) this.#insert(masterToken, restored);
    }
    const isKept = (serial: number | null) => serial === null || this.#hasSerial(serial);
    for (const [serial, id] of state.counters) if (isKept(serial)) this.#ids.restore(serial, id);
    for (const [userId, token] of state.users) if (isKept(token.mtSerialNumber)) this.#users.set(userId, token);
    this.#serviceTokens = state.serviceTokens.filter((token) => isKept(token.mtSerialNumber));
    this.#peer = state.peer;
  }

  #hasSerial(serialNumber: number): boolean {
    return this.#sessions.some((session) => session.masterToken.serialNumber === serialNumber);
  }

  // ------------------------------------------------------------ master tokens

  /** The newest token that is not retired, or null. */
  get masterToken(): MasterToken | null {
    return this.#newest()?.masterToken ?? null;
  }

  #newest(): Session | null {
    let newest: Session | null = null;
    for (const session of this.#sessions) {
      if (session.retired) continue;
      if (newest === null || isNewer(session.masterToken, newest.masterToken)) newest = session;
    }
    return newest;
  }

  #find(token: MasterToken): Session | null {
    return this.#sessions.find((session) => isSameMasterToken(session.masterToken, token)) ?? null;
  }

  /** Leases the newest token, or gives null. */
  lease(): Lease | null {
    return this.#lease(this.#newest());
  }

  /** Leases a stored token, or gives null. */
  leaseOf(token: MasterToken): Lease | null {
    return this.#lease(this.#find(token));
  }

  #lease(session: Session | null): Lease | null {
    if (session === null) return null;
    session.leases++;
    let isHeld = true;
    return {
      masterToken: session.masterToken,
      context: session.context,
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        session.leases--;
        if (session.retired && session.leases === 0) this.#remove(session);
      },
    };
  }

  /** Leases held, for tests of concurrency. */
  get leaseCount(): number {
    return this.#sessions.reduce((n, session) => n + session.leases, 0);
  }

  get sessionCount(): number {
    return this.#sessions.length;
  }

  /** Context of a stored token, retired ones included while they are leased. */
  contextOf(token: MasterToken): CryptoContext | null {
    return this.#find(token)?.context ?? null;
  }

  /** Stores a token with its session keys, which the store takes over. */
  addMasterToken(token: MasterToken, keys: SessionKeys): CryptoContext {
    const known = this.#find(token);
    if (known !== null) {
      if (known.leases > 0) {
        if (known.keys !== keys) disposeKeys(keys);
        return known.context;
      }
      known.context.dispose();
      this.#sessions = this.#sessions.filter((session) => session !== known);
    }
    return this.#insert(token, keys);
  }

  #insert(masterToken: MasterToken, keys: SessionKeys): CryptoContext {
    const context = sessionContext(this.#core, this.#identity, masterToken.sequenceNumber, keys);
    this.#sessions.push({ masterToken, context, keys, leases: 0, retired: false });
    return context;
  }

  /** Hides a token at once and removes it when its last lease ends. Unknown tokens: no effect. */
  retire(token: MasterToken): void {
    const session = this.#find(token);
    if (session === null) return;
    session.retired = true;
    if (session.leases === 0) this.#remove(session);
  }

  /** Retires every token but one. */
  retireOthers(token: MasterToken): void {
    for (const { masterToken } of [...this.#sessions]) {
      if (!isSameMasterToken(masterToken, token)) this.retire(masterToken);
    }
  }

  /** With the last token of a serial number go its user ID tokens, bound service tokens and counter. */
  #remove(session: Session): void {
    this.#sessions = this.#sessions.filter((other) => other !== session);
    session.context.dispose();
    if (session.keys.opaque) forgetSession(session.keys.opaque);
    const serial = session.masterToken.serialNumber;
    if (this.#hasSerial(serial)) return;
    for (const token of [...this.#users.values()]) if (token.mtSerialNumber === serial) this.removeUserIdToken(token);
    this.#serviceTokens = this.#serviceTokens.filter((token) => token.mtSerialNumber !== serial);
    this.#ids.forget(serial);
  }

  /** Everything but unbound service tokens. */
  clear(): void {
    this.#clears++;
    for (const session of [...this.#sessions]) this.retire(session.masterToken);
    this.#users.clear();
    this.#serviceTokens = this.#serviceTokens.filter(isUnbound);
  }

  /**
   * The next non-replayable id of the token's serial number: 1, 2, …, 2^53, 0. Ids are reserved in the stored state
   * before any of them is given, so that a crash never gives one again.
   */
  nextNonReplayableId(token: MasterToken): Promise<number> {
    return this.#ids.next(token.serialNumber);
  }

  // ------------------------------------------------------------ user ID tokens

  userIdToken(userId: string): UserIdToken | null {
    return this.#users.get(userId) ?? null;
  }

  get userIds(): readonly string[] {
    return [...this.#users.keys()];
  }

  /** Replaces the user's token. @throws USERIDTOKEN_MASTERTOKEN_NOT_FOUND */
  addUserIdToken(userId: string, token: UserIdToken): void {
    if (!this.#hasSerial(token.mtSerialNumber)) {
      protocolError("USERIDTOKEN_MASTERTOKEN_NOT_FOUND", "useridtoken");
    }
    this.#users.set(userId, token);
  }

  /** Removes a user with the service tokens bound to it; what a request under way still brings does not bring it back. */
  forgetUser(userId: string): void {
    this.#forgotten.set(userId, (this.#forgotten.get(userId) ?? 0) + 1);
    const token = this.userIdToken(userId);
    if (token !== null) this.removeUserIdToken(token);
  }

  /** What a request began under: its reply is stored only as far as nothing of it was forgotten since. */
  epoch(userId: string | null): StoreEpoch {
    return { clears: this.#clears, forgotten: userId === null ? 0 : (this.#forgotten.get(userId) ?? 0) };
  }

  /** Removes the token wherever it stands, with the service tokens bound to it. */
  removeUserIdToken(token: UserIdToken): void {
    for (const [userId, held] of [...this.#users]) if (isSameUserIdToken(held, token)) this.#users.delete(userId);
    this.#serviceTokens = this.#serviceTokens.filter((held) => held.uitSerialNumber !== token.serialNumber);
  }

  // ------------------------------------------------------------ service tokens

  /** @throws USERIDTOKEN_MASTERTOKEN_NULL, USERIDTOKEN_MASTERTOKEN_MISMATCH */
  serviceTokens(masterToken: MasterToken | null, userIdToken: UserIdToken | null): readonly ServiceToken[] {
    checkPair(masterToken, userIdToken, true);
    return this.#serviceTokens.filter((token) => {
      const { mtSerialNumber: mt, uitSerialNumber: uit } = token;
      if (isUnbound(token)) return true;
      if (masterToken === null || mt !== masterToken.serialNumber) return false;
      return uit === null || (userIdToken !== null && uit === userIdToken.serialNumber);
    });
  }

  /** All or none. @throws SERVICETOKEN_MASTERTOKEN_NOT_FOUND, SERVICETOKEN_USERIDTOKEN_NOT_FOUND */
  addServiceTokens(tokens: readonly ServiceToken[]): void {
    for (const { mtSerialNumber: mt, uitSerialNumber: uit } of tokens) {
      if (mt !== null && !this.#hasSerial(mt)) {
        protocolError("SERVICETOKEN_MASTERTOKEN_NOT_FOUND", "servicetokens");
      }
      if (uit !== null && ![...this.#users.values()].some((user) => user.serialNumber === uit)) {
        protocolError("SERVICETOKEN_USERIDTOKEN_NOT_FOUND", "servicetokens");
      }
    }
    for (const token of tokens) {
      this.#serviceTokens = this.#serviceTokens.filter((held) => !isSameServiceToken(held, token));
      this.#serviceTokens.push(token);
    }
  }

  /**
   * By name: the unbound token. By master token: tokens bound to it and to no user. By user ID token: tokens bound to
   * it. A name narrows; nothing given: no effect. @throws USERIDTOKEN_MASTERTOKEN_MISMATCH
   */
  removeServiceTokens(name: string | null, masterToken: MasterToken | null, userIdToken: UserIdToken | null): void {
    checkPair(masterToken, userIdToken, false);
    if (name === null && masterToken === null && userIdToken === null) return;
    this.#serviceTokens = this.#serviceTokens.filter((token) => {
      if (name !== null && token.name !== name) return true;
      if (userIdToken !== null) return token.uitSerialNumber !== userIdToken.serialNumber;
      if (masterToken !== null)
        return token.mtSerialNumber !== masterToken.serialNumber || token.uitSerialNumber !== null;
      return !isUnbound(token);
    });
  }

  // ------------------------------------------------------------ what the peer can, and saving

  get peer(): PeerKnowledge {
    return this.#peer;
  }

  learnPeer(peer: PeerKnowledge): void {
    this.#peer = peer;
  }

  /** Saves the state as it is now; resolves once a snapshot that holds it is safe. @throws STORE_FAILED */
  async commit(): Promise<void> {
    if (this.#storage === null) return;
    const target = ++this.#version;
    while (this.#saved < target) {
      this.#saving ??= this.#save(this.#storage);
      await this.#saving;
    }
  }

  async #save(storage: StateStorage): Promise<void> {
    const version = this.#version;
    const reserved = this.#ids.reserved();
    let snapshot: Uint8Array | null = null;
    try {
      snapshot = encodeSnapshot(
        {
          network: this.#network,
          sessions: this.#sessions.flatMap(storedSession),
          counters: reserved.ids,
          users: this.#users,
          serviceTokens: this.#serviceTokens,
          peer: this.#peer,
        },
        this.#core,
      );
      await storage.save(snapshot);
      this.#saved = version;
      reserved.isSafe();
    } catch (error) {
      if (error instanceof MslLocalError) throw error;
      throw new MslLocalError("STORE_FAILED", null, null, error);
    } finally {
      snapshot?.fill(0);
      this.#saving = null;
    }
  }

  /** Gives reserved ids back, waits for saves, and wipes all keys. What could not be saved stays reserved. */
  async close(): Promise<void> {
    await this.#saving?.catch(() => {});
    if (this.#ids.giveBack()) await this.commit().catch(() => {});
    for (const session of this.#sessions) session.context.dispose();
    this.#sessions = [];
  }
}

function isUnbound(token: ServiceToken): boolean {
  return token.mtSerialNumber === null && token.uitSerialNumber === null;
}

function checkPair(masterToken: MasterToken | null, userIdToken: UserIdToken | null, needsMaster: boolean): void {
  if (userIdToken === null) return;
  if (masterToken === null) {
    if (needsMaster) protocolError("USERIDTOKEN_MASTERTOKEN_NULL", "useridtoken");
    return;
  }
  if (!isBoundTo(userIdToken, masterToken)) protocolError("USERIDTOKEN_MASTERTOKEN_MISMATCH", "useridtoken");
}
