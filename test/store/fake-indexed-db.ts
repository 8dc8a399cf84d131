// IndexedDB as the standard describes the part that is used: requests answer later, in order; writes of a transaction
// count when it completes and not before; of two transactions that write, one waits for the other; an aborted one leaves
// nothing. Faults: blocked, full, never answering, connections closed by the platform, power cuts at any step.

import type { Database, DatabaseFactory, DatabaseTransaction } from "../../src/store/indexed-db.ts";
import { named } from "./fake-local-storage.ts";

type Handler = ((event: never) => unknown) | null;
const fire = (handler: Handler) => (handler as (() => unknown) | null)?.();

interface Job {
  readonly run: () => void;
}

export class FakeDatabases {
  /** Database, then key of its one store. */
  readonly databases = new Map<string, { version: number; records: Map<string, unknown> }>();
  fault: "blocked" | "full" | "silent" | "absent-store" | null = null;
  /** Steps until the power goes: nothing is answered or stored from then on. */
  stepsLeft: number | null = null;
  readonly durabilities: string[] = [];
  readonly connections: { closeByPlatform(): void }[] = [];
  #writers: Job[] = [];
  #isWriting = false;

  #later(run: () => void): void {
    setTimeout(() => {
      if (this.fault === "silent") return;
      if (this.stepsLeft !== null && this.stepsLeft-- <= 0) {
        this.fault = "silent";
        return;
      }
      run();
    }, 0);
  }

  /** The power is back. */
  restart(): void {
    this.fault = null;
    this.stepsLeft = null;
    this.#writers = [];
    this.#isWriting = false;
  }

  factory(): DatabaseFactory {
    return {
      open: (name, version) => {
        if (this.fault === "blocked") throw named("SecurityError");
        const request = {
          result: null as unknown as Database,
          error: null as unknown,
          onsuccess: null as Handler,
          onerror: null as Handler,
          onupgradeneeded: null as Handler,
          onblocked: null as Handler,
        };
        this.#later(() => {
          const found = this.databases.get(name);
          if (found !== undefined && found.version > version) {
            request.error = named("VersionError");
            fire(request.onerror);
            return;
          }
          const records = found?.records ?? new Map<string, unknown>();
          request.result = this.#connection(records);
          if (found === undefined) {
            this.databases.set(name, { version, records });
            fire(request.onupgradeneeded);
          }
          this.#later(() => fire(request.onsuccess));
        });
        return request;
      },
    };
  }

  #connection(records: Map<string, unknown>): Database {
    let isOpen = true;
    const database: Database = {
      onversionchange: null,
      onclose: null,
      createObjectStore: () => ({}),
      close: () => {
        isOpen = false;
      },
      transaction: (_stores, mode, options) => {
        if (!isOpen) throw named("InvalidStateError");
        if (this.fault === "absent-store") throw named("NotFoundError");
        if (options !== undefined) this.durabilities.push(options.durability);
        return this.#transaction(records, mode);
      },
    };
    this.connections.push({
      closeByPlatform() {
        isOpen = false;
      },
    });
    return database;
  }

  #transaction(records: Map<string, unknown>, mode: "readonly" | "readwrite"): DatabaseTransaction {
    const writes = new Map<string, unknown>();
    let pending = 0;
    let isOver = false;
    let queue: (() => void)[] | null = [];

    const finish = (handler: Handler) => {
      isOver = true;
      if (mode === "readwrite") {
        this.#isWriting = false;
        this.#writers.shift()?.run();
      }
      fire(handler);
    };
    const abort = (error: unknown) => {
      if (isOver) return;
      isOver = true;
      this.#later(() => {
        Object.assign(transaction, { error });
        finish(transaction.onabort);
      });
    };
    const settle = () => {
      if (pending > 0 || isOver) return;
      if (this.fault === "full" && writes.size > 0) {
        abort(named("QuotaExceededError"));
        return;
      }
      this.#later(() => {
        for (const [key, value] of writes) value === undefined ? records.delete(key) : records.set(key, value);
        finish(transaction.oncomplete);
      });
    };
    const submit = <T>(compute: () => T) => {
      const request = { result: undefined as T, error: null, onsuccess: null as Handler, onerror: null as Handler };
      pending++;
      const run = () =>
        this.#later(() => {
          if (isOver) return;
          (request as { result: T }).result = compute();
          fire(request.onsuccess);
          pending--;
          settle();
        });
      if (queue === null) run();
      else queue.push(run);
      return request;
    };
    const begin = () => {
      if (mode === "readwrite") this.#isWriting = true;
      const waiting = queue ?? [];
      queue = null;
      for (const run of waiting) run();
    };

    const transaction: DatabaseTransaction = {
      error: null,
      oncomplete: null,
      onabort: null,
      onerror: null,
      abort: () => abort(null),
      objectStore: () => {
        return {
          get: (key) => submit(() => structuredClone(writes.has(key) ? writes.get(key) : records.get(key))),
          put: (value, key) => {
            const copy = structuredClone(value);
            return submit(() => void writes.set(key, copy));
          },
          delete: (key) => submit(() => void writes.set(key, undefined)),
        };
      },
    };
    if (mode === "readwrite" && this.#isWriting) this.#writers.push({ run: begin });
    else if (mode === "readwrite") {
      this.#isWriting = true;
      this.#later(begin);
    } else this.#later(begin);
    return transaction;
  }
}
