// Device state in IndexedDB: one record, replaced inside one transaction that also checks that nobody else replaced it,
// so that of two tabs the second is refused. The platform's objects come in as arguments; only what is used is named.
// Chromium flushes a transaction to the disk when asked for `durability: "strict"` (from version 83); before that, a
// power cut may cost the last transactions, never half of one.

import { MslLocalError } from "../errors/msl-error.ts";
import type { Timers } from "../platform/timers.ts";
import type { ClearableStorage } from "./snapshot-storage.ts";

export interface DatabaseRequest<T> {
  readonly result: T;
  readonly error: unknown;
  onsuccess: ((event: never) => unknown) | null;
  onerror: ((event: never) => unknown) | null;
}

export interface OpenDatabaseRequest extends DatabaseRequest<Database> {
  onupgradeneeded: ((event: never) => unknown) | null;
  onblocked: ((event: never) => unknown) | null;
}

export interface DatabaseStore {
  get(key: string): DatabaseRequest<unknown>;
  put(value: unknown, key: string): DatabaseRequest<unknown>;
  delete(key: string): DatabaseRequest<unknown>;
}

export interface DatabaseTransaction {
  readonly error: unknown;
  oncomplete: ((event: never) => unknown) | null;
  onabort: ((event: never) => unknown) | null;
  onerror: ((event: never) => unknown) | null;
  objectStore(name: string): DatabaseStore;
  abort(): void;
}

export interface Database {
  onversionchange: ((event: never) => unknown) | null;
  onclose: ((event: never) => unknown) | null;
  createObjectStore(name: string): unknown;
  transaction(
    stores: string,
    mode: "readonly" | "readwrite",
    options?: { readonly durability: "strict" },
  ): DatabaseTransaction;
  close(): void;
}

/** What `window.indexedDB` has. */
export interface DatabaseFactory {
  open(name: string, version: number): OpenDatabaseRequest;
}

export interface IndexedDbOptions {
  /** Ends an operation that the platform never answers, which happens on first opening in some engines. */
  readonly timers?: Timers | null;
  /** Default 10 seconds. */
  readonly timeoutMs?: number;
}

const STORE = "state";
const DATABASE_VERSION = 1;

interface StoredRecord {
  readonly generation: number;
  readonly snapshot: Uint8Array;
}

/**
 * @param platform  `() => window.indexedDB`: where storage is blocked the property itself throws or is null, and the
 *   operations then fail with STORE_FAILED
 * @param name  of the record; name the network and the entity, so that several share nothing
 * @param database  of the library's own; other data of the application does not go there
 */
export function indexedDbStorage(
  platform: DatabaseFactory | (() => DatabaseFactory | null | undefined),
  name: string,
  database = "tinymsl",
  options: IndexedDbOptions = {},
): ClearableStorage {
  let connection: Database | null = null;
  /** Generation that was loaded or saved last; 0: there was none; NaN, equal to nothing: it cannot be read. */
  let known = 0;

  async function connect(): Promise<Database> {
    if (connection !== null) return connection;
    const factory = typeof platform === "function" ? platform() : platform;
    if (factory === null || factory === undefined) throw new MslLocalError("STORE_FAILED", "There is no IndexedDB.");
    const opened = await openDatabase(factory, database);
    const drop = () => {
      if (connection === opened) connection = null;
    };
    opened.onclose = drop;
    opened.onversionchange = () => {
      drop();
      opened.close();
    };
    connection = opened;
    return opened;
  }

  /** A transaction; once more on a new connection if the platform closed the one at hand. */
  async function begin(mode: "readonly" | "readwrite"): Promise<DatabaseTransaction> {
    for (let attempt = 0; ; attempt++) {
      const db = await connect();
      try {
        return mode === "readwrite"
          ? db.transaction(STORE, mode, { durability: "strict" })
          : db.transaction(STORE, mode);
      } catch (error) {
        connection = null;
        if (attempt > 0) throw error;
      }
    }
  }

  const run = <T>(operation: () => Promise<T>) => limited(failing(operation), options);

  return {
    load: () =>
      run(async () => {
        known = Number.NaN;
        const transaction = await begin("readonly");
        const record = readRecord(await inTransaction(transaction, (done) => read(transaction, name, done)));
        known = record?.generation ?? 0;
        return record?.snapshot ?? null;
      }),

    save: (snapshot) => {
      const bytes = snapshot.slice();
      return run(async () => {
        try {
          const transaction = await begin("readwrite");
          const next = known + 1;
          await inTransaction<void>(transaction, (done) =>
            read(transaction, name, (value) => {
              // Unreadable where something readable was: somebody else wrote it.
              if (generationOf(value) !== known) {
                done.fail(new MslLocalError("STORE_CONFLICT"));
                return;
              }
              transaction.objectStore(STORE).put({ generation: next, snapshot: bytes }, name);
              done(undefined);
            }),
          );
          known = next;
        } finally {
          bytes.fill(0);
        }
      });
    },

    clear: () =>
      run(async () => {
        const transaction = await begin("readwrite");
        await inTransaction<void>(transaction, (done) => {
          transaction.objectStore(STORE).delete(name);
          done(undefined);
        });
        known = 0;
      }),
  };
}

function openDatabase(factory: DatabaseFactory, name: string): Promise<Database> {
  return new Promise((resolve, reject) => {
    const request = factory.open(name, DATABASE_VERSION);
    let isGivenUp = false;
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => {
      if (isGivenUp) request.result.close();
      else resolve(request.result);
    };
    request.onerror = () => {
      const isNewer = (request.error as { name?: string } | null)?.name === "VersionError";
      reject(isNewer ? new MslLocalError("STORE_TOO_NEW") : request.error);
    };
    request.onblocked = () => {
      isGivenUp = true;
      reject(new MslLocalError("STORE_FAILED", "Another tab holds the database."));
    };
  });
}

interface Done<T> {
  (value: T): void;
  /** Undoes the transaction and fails with `error`. */
  fail(error: unknown): void;
}

/** Resolves with what `body` gave once the transaction is complete; nothing counts before. */
function inTransaction<T>(transaction: DatabaseTransaction, body: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    let outcome: { readonly value: T } | null = null;
    let failure: { readonly error: unknown } | null = null;
    const done = Object.assign(
      (value: T) => {
        outcome = { value };
      },
      {
        fail(error: unknown) {
          failure = { error };
          transaction.abort();
        },
      },
    );
    transaction.oncomplete = () => {
      if (outcome === null) reject(new MslLocalError("STORE_FAILED"));
      else resolve(outcome.value);
    };
    transaction.onabort = () => reject(failure === null ? transaction.error : failure.error);
    body(done);
  });
}

function read(transaction: DatabaseTransaction, name: string, then: (value: unknown) => void): void {
  const request = transaction.objectStore(STORE).get(name);
  request.onsuccess = () => then(request.result);
}

function generationOf(value: unknown): number {
  const generation = (value as Partial<StoredRecord> | null | undefined)?.generation;
  if (value === undefined || value === null) return 0;
  return typeof generation === "number" && generation >= 1 ? generation : Number.NaN;
}

/** @throws STORE_CORRUPT for anything but a whole record */
function readRecord(value: unknown): StoredRecord | null {
  if (value === undefined || value === null) return null;
  const { generation, snapshot } = value as Partial<StoredRecord>;
  if (typeof generation !== "number" || !Number.isSafeInteger(generation) || generation < 1) {
    throw new MslLocalError("STORE_CORRUPT");
  }
  if (Object.prototype.toString.call(snapshot) !== "[object Uint8Array]") throw new MslLocalError("STORE_CORRUPT");
  return { generation, snapshot: snapshot as Uint8Array };
}

/** Whatever the platform throws (blocked, full, private mode) becomes STORE_FAILED. */
async function failing<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    if (error instanceof MslLocalError) throw error;
    throw new MslLocalError("STORE_FAILED", null, null, error);
  }
}

function limited<T>(result: Promise<T>, options: IndexedDbOptions): Promise<T> {
  const timers = options.timers ?? null;
  if (timers === null) return result;
  return new Promise((resolve, reject) => {
    const cancel = timers.after(options.timeoutMs ?? 10_000, () =>
      reject(new MslLocalError("STORE_FAILED", "The platform does not answer.")),
    );
    const ended = <V>(settle: (value: V) => void) => {
      return (value: V) => {
        cancel();
        settle(value);
      };
    };
    result.then(ended(resolve), ended(reject));
  });
}
