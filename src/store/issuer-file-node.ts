// Issuer state that survives a restart: a snapshot file and a log of changes behind it. A change is on disk before its
// operation answers; changes that arrive together share one flush. Each log line carries its own length and check sum,
// so a log cut at any byte is read up to its last whole change, which nobody was told of yet.

import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { decodeObject, encodeObject } from "../encoding/codec.ts";
import { MAX_ID } from "../encoding/limits.ts";
import { MslLocalError } from "../errors/msl-error.ts";
import type {
  EntityStanding,
  IssuerState,
  LineRenewal,
  NewLine,
  ReplayQuestion,
  ReplayVerdict,
  TokenLine,
  UserStanding,
} from "../tokens/issuer-state.ts";
import { ensureFolder, readFileOrNull, replaceFile } from "./atomic-file-node.ts";
import { type FolderLease, leaseFolder } from "./folder-lease-node.ts";
import { FORMAT, encodeChange, readChanges } from "./issuer-records.ts";
import { IssuerMemory, type IssuerMemoryOptions } from "./issuer-memory.ts";

/** Log bytes after which the snapshot is written anew. */
const COMPACT_AT = 4 * 1024 * 1024;
const SUM = 8;
const HEAD = 4 + SUM;

/**
 * Opens the state in a folder, which is made if need be. One process at a time has it open: two would each forget what
 * the other promised. @throws STORE_IN_USE, STORE_CORRUPT, STORE_FAILED
 */
export async function openIssuerFile(folder: string, options: IssuerMemoryOptions = {}): Promise<IssuerState> {
  await ensureFolder(folder);
  const lease = await leaseFolder(folder);
  try {
    const state = new IssuerFile(folder, lease, options);
    await state.load();
    return state;
  } catch (error) {
    await lease.release();
    throw error;
  }
}

class IssuerFile implements IssuerState {
  readonly #snapshotPath: string;
  readonly #logPath: string;
  readonly #memory: IssuerMemory;
  readonly #lease: FolderLease;
  #log: FileHandle | null = null;
  #logBytes = 0;
  #queue: Uint8Array[] = [];
  #flushing: Promise<void> | null = null;

  constructor(folder: string, lease: FolderLease, options: IssuerMemoryOptions) {
    this.#lease = lease;
    this.#snapshotPath = join(folder, "issuer.state");
    this.#logPath = join(folder, "issuer.log");
    this.#memory = new IssuerMemory(options);
  }

  async load(): Promise<void> {
    const snapshot = await readFileOrNull(this.#snapshotPath);
    const written = snapshot === null ? [] : wholeRecords(snapshot).records;
    if (snapshot !== null) checkSnapshot(snapshot, written);
    const log = await readFileOrNull(this.#logPath);
    const logged = log === null ? { records: [], bytes: 0 } : wholeRecords(log);
    try {
      for (const body of [...written.slice(1), ...logged.records]) {
        for (const change of readChanges(body)) this.#memory.apply(change);
      }
    } catch (error) {
      throw new MslLocalError("STORE_CORRUPT", null, null, error);
    }
    this.#memory.onChange = (change) => this.#queue.push(record(encodeChange(change)));
    try {
      this.#log = await open(this.#logPath, "a", 0o600);
      await this.#log.truncate(logged.bytes);
      this.#logBytes = logged.bytes;
    } catch (error) {
      throw new MslLocalError("STORE_FAILED", null, null, error);
    }
  }

  /** Runs an operation on the memory at once, and answers when its change is on disk. */
  async #durable<T>(operation: () => T): Promise<T> {
    const before = this.#queue.length;
    const result = operation();
    if (this.#queue.length > before || this.#flushing !== null) await this.#flush();
    return result;
  }

  async #flush(): Promise<void> {
    // A flush that already runs may have left before our change was queued: wait for it, then for one of our own.
    while (this.#flushing !== null) await this.#flushing;
    if (this.#queue.length === 0) return;
    this.#flushing = this.#write();
    await this.#flushing;
  }

  async #write(): Promise<void> {
    const batch = concat(this.#queue);
    this.#queue = [];
    try {
      await this.#lease.check();
      if (this.#logBytes + batch.length > COMPACT_AT) await this.#compact();
      else {
        await this.#log!.write(batch);
        await this.#log!.datasync();
        this.#logBytes += batch.length;
      }
    } catch (error) {
      if (error instanceof MslLocalError) throw error;
      throw new MslLocalError("STORE_FAILED", null, null, error);
    } finally {
      this.#flushing = null;
    }
  }

  /** Writes the whole state, then empties the log. A cut in between replays changes that the snapshot already has. */
  async #compact(): Promise<void> {
    const parts = [record(encodeObject("CBOR", { format: FORMAT }))];
    for (const change of this.#memory.changes()) parts.push(record(encodeChange(change)));
    await replaceFile(this.#snapshotPath, concat(parts));
    await this.#log!.truncate(0);
    this.#logBytes = 0;
  }

  startLine(line: NewLine): Promise<void> {
    return this.#durable(() => this.#memory.startLine(line));
  }

  readLine(identity: string, serialNumber: number): TokenLine | null {
    return this.#memory.readLine(identity, serialNumber);
  }

  readLines(identity: string): readonly TokenLine[] {
    return this.#memory.readLines(identity);
  }

  renewLine(renewal: LineRenewal): Promise<number | null> {
    return this.#durable(() => this.#memory.renewLine(renewal));
  }

  acceptNonReplayableId(question: ReplayQuestion): Promise<ReplayVerdict> {
    return this.#durable(() => this.#memory.acceptNonReplayableId(question));
  }

  entityStanding(identity: string, serialNumber: number): EntityStanding {
    return this.#memory.entityStanding(identity, serialNumber);
  }

  isEntityRevoked(identity: string): boolean {
    return this.#memory.isEntityRevoked(identity);
  }

  revokeEntity(identity: string): Promise<void> {
    return this.#durable(() => this.#memory.revokeEntity(identity));
  }

  restoreEntity(identity: string): Promise<void> {
    return this.#durable(() => this.#memory.restoreEntity(identity));
  }

  revokeMasterToken(serialNumber: number): Promise<void> {
    return this.#durable(() => this.#memory.revokeMasterToken(serialNumber));
  }

  userStanding(user: string, serialNumber: number): UserStanding {
    return this.#memory.userStanding(user, serialNumber);
  }

  revokeUser(user: string): Promise<void> {
    return this.#durable(() => this.#memory.revokeUser(user));
  }

  restoreUser(user: string): Promise<void> {
    return this.#durable(() => this.#memory.restoreUser(user));
  }

  revokeUserIdToken(serialNumber: number): Promise<void> {
    return this.#durable(() => this.#memory.revokeUserIdToken(serialNumber));
  }

  demandLogin(user: string): Promise<void> {
    return this.#durable(() => this.#memory.demandLogin(user));
  }

  async close(): Promise<void> {
    try {
      await this.#flush();
    } finally {
      await this.#log?.close();
      this.#log = null;
      await this.#lease.release();
    }
  }
}

// ---------------------------------------------------------------- records: length (4) | check sum (8) | CBOR

function record(body: Uint8Array): Uint8Array {
  const out = new Uint8Array(HEAD + body.length);
  new DataView(out.buffer).setUint32(0, body.length);
  out.set(sum(body), 4);
  out.set(body, HEAD);
  return out;
}

function sum(body: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(body).digest()).subarray(0, SUM);
}

/** The records up to the first that is cut or damaged, and the bytes they take. */
function wholeRecords(file: Uint8Array): { readonly records: Uint8Array[]; readonly bytes: number } {
  const records: Uint8Array[] = [];
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  let at = 0;
  while (at + HEAD <= file.length) {
    const end = at + HEAD + view.getUint32(at);
    if (end > file.length) break;
    const body = file.subarray(at + HEAD, end);
    if (!sum(body).every((byte, i) => byte === file[at + 4 + i])) break;
    records.push(body);
    at = end;
  }
  return { records, bytes: at };
}

/** @throws STORE_CORRUPT for a damaged file, and for one that a newer version wrote */
function checkSnapshot(file: Uint8Array, records: readonly Uint8Array[]): void {
  const size = records.reduce((n, body) => n + HEAD + body.length, 0);
  const first = records[0];
  if (size !== file.length || first === undefined) throw new MslLocalError("STORE_CORRUPT");
  const format = decodeObject(first, "issuer").int("format", 1, MAX_ID);
  if (format > FORMAT) throw new MslLocalError("STORE_CORRUPT", "A newer version wrote it.", "issuer.format");
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
