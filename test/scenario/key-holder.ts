// Client of the process that holds keys (key-holder.mjs). Everything that passes between the two is recorded.

import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { DecryptionOperations, HeldSession, KeyOperations } from "../../src/crypto/opaque-keys.ts";
import { wrappedSessionState } from "../../src/crypto/opaque-keys.ts";

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly failure?: string;
}

const plain = (value: unknown) => new Uint8Array(value as Uint8Array);

export class KeyHolder {
  readonly traffic: Uint8Array[] = [];
  readonly asked: string[] = [];
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #next = 0;

  constructor() {
    this.#process = fork(join(import.meta.dirname, "key-holder.mjs"), { serialization: "advanced", execArgv: [] });
    this.#process.on("message", ({ id, result, failure }: Answer) => {
      const { resolve, reject } = this.#waiting.get(id)!;
      this.#waiting.delete(id);
      if (failure === undefined) resolve(result);
      else reject(new Error(failure));
    });
    this.#process.on("exit", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("The holder of the keys is gone."));
      this.#waiting.clear();
    });
  }

  async ask(operation: string, ...args: unknown[]): Promise<unknown> {
    this.asked.push(operation);
    if (!this.#process.connected) throw new Error("The holder of the keys is gone.");
    const id = this.#next++;
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#process.send({ id, operation, args });
    const result = await answer;
    if (operation !== "reveal") this.#record([args, result]);
    return result;
  }

  #record(value: unknown): void {
    if (value instanceof Uint8Array) this.traffic.push(value.slice());
    else if (Array.isArray(value)) for (const one of value) this.#record(one);
    else if (typeof value === "object" && value !== null) this.#record(Object.values(value));
  }

  /** Pre-shared keys with a wrapping key. `keepsSessions`: sessions are unwrapped there and stay. */
  operations(key: number, keepsSessions: boolean): KeyOperations {
    return {
      encrypt: async (data) => {
        const { iv, ciphertext } = (await this.ask("encrypt", key, data)) as { iv: Uint8Array; ciphertext: Uint8Array };
        return { iv: plain(iv), ciphertext: plain(ciphertext) };
      },
      decrypt: async (iv, ciphertext) => plain(await this.ask("decrypt", key, iv, ciphertext)),
      sign: async (data) => plain(await this.ask("mac", key, data)),
      wrap: async (raw) => plain(await this.ask("wrap", key, raw)),
      dispose: () => void this.ask("drop", key).catch(() => {}),
      ...(keepsSessions
        ? { unwrapSession: (encryption, mac) => this.#unwrapSession(key, encryption, mac) }
        : { unwrap: async (wrapped) => plain(await this.ask("unwrap", key, wrapped)) }),
    };
  }

  async #unwrapSession(key: number, encryption: Uint8Array, mac: Uint8Array): Promise<HeldSession> {
    const session = (await this.ask("unwrapSession", key, encryption, mac)) as number;
    return { keys: this.operations(session, true), stored: wrappedSessionState(encryption, mac) };
  }

  /** A private RSA key. `keepsSessions`: sessions are opened there and stay. */
  decryption(key: number, keepsSessions: boolean): DecryptionOperations {
    if (!keepsSessions) return { decrypt: async (wrapped) => plain(await this.ask("oaep", key, wrapped)) };
    return {
      unwrapSession: async (encryption, mac) => {
        const session = (await this.ask("oaepSession", key, encryption, mac)) as number;
        return { keys: this.operations(session, true), stored: wrappedSessionState(encryption, mac) };
      },
    };
  }

  async reveal(): Promise<Uint8Array[]> {
    return ((await this.ask("reveal")) as Uint8Array[]).map(plain);
  }

  stop(): void {
    if (this.#process.connected) this.#process.disconnect();
    this.#process.kill();
  }
}
