// Issuer state that survives a restart: a snapshot file and a log of changes behind it. A change is on disk before its
// operation answers; changes that arrive together share one flush. Each log line carries its own length and check sum,
// so a log cut at any byte is read up to its last whole change, which nobody was told of yet.

import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { decodeObject, encodeObject } from "../encoding/codec.ts";
import { MAX_ID } from "../encoding/limits.ts";
import type { MslMap } from "../encoding/msl-map.ts";
import { MslLocalError } from "../errors/msl-error.ts";
import type { IssuerState, ReplayMode, ReplayVerdict, TokenLine } from "../tokens/issuer-state.ts";
import { ensureFolder, readFileOrNull, replaceFile } from "./atomic-file-node.ts";
import { type IdentityRecord, type IssuerChange, IssuerMemory, type IssuerMemoryOptions } from "./issuer-memory.ts";

const FORMAT = 1;
/** Log bytes after which the snapshot is written anew. */
const COMPACT_AT = 4 * 1024 * 1024;
const SUM = 8;
const HEAD = 4 + SUM;

/** Opens the state in a folder, which is made if need be. @throws STORE_CORRUPT, STORE_FAILED */
export async function openIssuerFile(folder: string, options: IssuerMemoryOptions = {}): Promise<IssuerState> {
  await ensureFolder(folder);
  const state = new IssuerFile(folder, options);
  await state.load();
  return state;
}

class IssuerFile implements IssuerState {
  readonly #snapshotPath: string;
  readonly #logPath: string;
  readonly #options: IssuerMemoryOptions;
  #memory: IssuerMemory;
  #log: FileHandle | null = null;
  #logBytes = 0;
  #queue: Uint8Array[] = [];
  #flushing: Promise<void> | null = null;

  constructor(folder: string, options: IssuerMemoryOptions) {
    this.#snapshotPath = join(folder, "issuer.state");
    this.#logPath = join(folder, "issuer.log");
    this.#options = options;
    this.#memory = new IssuerMemory(options);
  }

  async load(): Promise<void> {
    const snapshot = await readFileOrNull(this.#snapshotPath);
    const changes = snapshot === null ? [] : wholeRecords(snapshot).records;
    if (snapshot !== null && !isSnapshot(snapshot, changes)) throw new MslLocalError("STORE_CORRUPT");
    const log = await readFileOrNull(this.#logPath);
    const logged = log === null ? { records: [], bytes: 0 } : wholeRecords(log);
    this.#memory = replay([...changes.slice(1), ...logged.records], this.#options);
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
    const { identities, revokedEntities, revokedMasterTokens, revokedUserIdTokens } = this.#memory.records;
    const parts = [record(encodeObject("CBOR", { format: FORMAT, count: identities.size }))];
    const add = (change: IssuerChange) => parts.push(record(encodeChange(change)));
    for (const [identity, value] of identities) add({ kind: "identity", identity, record: value });
    for (const identity of revokedEntities) add({ kind: "entity", identity });
    for (const serialNumber of revokedMasterTokens) add({ kind: "master", serialNumber });
    for (const serialNumber of revokedUserIdTokens) add({ kind: "user", serialNumber });
    await replaceFile(this.#snapshotPath, concat(parts));
    await this.#log!.truncate(0);
    this.#logBytes = 0;
  }

  startLine(identity: string, serialNumber: number): Promise<void> {
    return this.#durable(() => this.#memory.startLine(identity, serialNumber));
  }

  readLine(identity: string): TokenLine | null {
    return this.#memory.readLine(identity);
  }

  renewLine(identity: string, serialNumber: number, sequenceNumber: number): Promise<number | null> {
    return this.#durable(() => this.#memory.renewLine(identity, serialNumber, sequenceNumber));
  }

  acceptNonReplayableId(identity: string, serial: number, id: number, mode: ReplayMode): Promise<ReplayVerdict> {
    return this.#durable(() => this.#memory.acceptNonReplayableId(identity, serial, id, mode));
  }

  revokeEntity(identity: string): Promise<void> {
    return this.#durable(() => this.#memory.revokeEntity(identity));
  }

  isEntityRevoked(identity: string): boolean {
    return this.#memory.isEntityRevoked(identity);
  }

  revokeMasterToken(serialNumber: number): Promise<void> {
    return this.#durable(() => this.#memory.revokeMasterToken(serialNumber));
  }

  isMasterTokenRevoked(serialNumber: number): boolean {
    return this.#memory.isMasterTokenRevoked(serialNumber);
  }

  revokeUserIdToken(serialNumber: number): Promise<void> {
    return this.#durable(() => this.#memory.revokeUserIdToken(serialNumber));
  }

  isUserIdTokenRevoked(serialNumber: number): boolean {
    return this.#memory.isUserIdTokenRevoked(serialNumber);
  }

  async close(): Promise<void> {
    await this.#flush();
    await this.#log?.close();
    this.#log = null;
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

function isSnapshot(file: Uint8Array, records: readonly Uint8Array[]): boolean {
  const size = records.reduce((n, body) => n + HEAD + body.length, 0);
  const first = records[0];
  return (
    size === file.length && first !== undefined && decodeObject(first, "issuer").int("format", 1, MAX_ID) === FORMAT
  );
}

function encodeChange(change: IssuerChange): Uint8Array {
  if (change.kind === "entity") return encodeObject("CBOR", { kind: "entity", identity: change.identity });
  if (change.kind !== "identity") return encodeObject("CBOR", { kind: change.kind, serialnumber: change.serialNumber });
  const { line, replay } = change.record;
  return encodeObject("CBOR", {
    kind: "identity",
    identity: change.identity,
    line: line === null ? null : { serialnumber: line.serialNumber, newest: line.newest, parent: line.parent },
    replay: replay === null ? null : { serialnumber: replay.serialNumber, ...replay.state },
  });
}

function replay(records: readonly Uint8Array[], options: IssuerMemoryOptions): IssuerMemory {
  const identities = new Map<string, IdentityRecord>();
  const revokedEntities = new Set<string>();
  const revokedMasterTokens = new Set<number>();
  const revokedUserIdTokens = new Set<number>();
  try {
    for (const body of records) {
      const map = decodeObject(body, "issuer");
      const kind = map.string("kind");
      if (kind === "entity") revokedEntities.add(map.string("identity"));
      else if (kind === "identity") {
        const identity = map.string("identity");
        identities.delete(identity);
        identities.set(identity, readIdentity(map));
      } else (kind === "master" ? revokedMasterTokens : revokedUserIdTokens).add(map.int("serialnumber", 0, MAX_ID));
    }
  } catch (error) {
    throw new MslLocalError("STORE_CORRUPT", null, null, error);
  }
  return new IssuerMemory({
    ...options,
    records: { identities, revokedEntities, revokedMasterTokens, revokedUserIdTokens },
  });
}

function readIdentity(map: MslMap): IdentityRecord {
  const line = map.mapOr("line");
  const seen = map.mapOr("replay");
  return {
    line:
      line === null
        ? null
        : {
            serialNumber: line.int("serialnumber", 0, MAX_ID),
            newest: line.int("newest", 0, MAX_ID),
            parent: line.intOr("parent", 0, MAX_ID),
          },
    replay:
      seen === null
        ? null
        : {
            serialNumber: seen.int("serialnumber", 0, MAX_ID),
            state: {
              newest: seen.int("newest", 0, MAX_ID),
              low: seen.int("low", -0x80000000, 0x7fffffff),
              high: seen.int("high", -0x80000000, 0x7fffffff),
            },
          },
  };
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
