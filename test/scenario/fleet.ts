// A fleet for tests: servers in processes of their own (fleet-server.mjs) around one state, and what passes between.

import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import { IssuerMemory } from "../../src/store/issuer-memory.ts";
import type { IssuerState } from "../../src/tokens/issuer-state.ts";
import { pskEntries } from "./world.ts";

const OPERATIONS = [
  "startLine",
  "readLine",
  "readLines",
  "renewLine",
  "acceptNonReplayableId",
  "entityStanding",
  "isEntityRevoked",
  "revokeEntity",
  "restoreEntity",
  "revokeMasterToken",
  "userStanding",
  "revokeUser",
  "restoreUser",
  "revokeUserIdToken",
  "demandLogin",
  "close",
] as const satisfies readonly (keyof IssuerState)[];

interface Told {
  readonly kind: "ask" | "answered" | "delivered" | "listening";
  readonly id: number;
  readonly operation: (typeof OPERATIONS)[number];
  readonly args: readonly unknown[];
  readonly code: string | null;
  readonly text: string;
  readonly url: string;
}

export interface FleetServer {
  readonly url: string;
  readonly pid: number;
  /** Ends it as a power cut does. */
  kill(): void;
}

export class Fleet {
  readonly state = new IssuerMemory();
  /** Bodies that handlers were given, by any server. */
  readonly delivered: string[] = [];
  #answered: (string | null)[] = [];
  /** Sequence numbers that renewals were given, null for refused ones. */
  readonly renewals: unknown[] = [];
  readonly #processes: ChildProcess[] = [];
  readonly #life: { renewSec: number; expireSec: number };

  /** `masterTokenLife`: when tokens of this fleet are to be renewed and end, in seconds from their issue. */
  constructor(masterTokenLife = { renewSec: 3600, expireSec: 7200 }) {
    this.#life = masterTokenLife;
  }

  start(): Promise<FleetServer> {
    const child = fork(join(import.meta.dirname, "fleet-server.mjs"), { serialization: "advanced", execArgv: [] });
    this.#processes.push(child);
    child.send({
      kind: "start",
      entities: pskEntries(),
      tokens: { identity: "tokens", encryptionKey: new Uint8Array(16).fill(7), macKey: new Uint8Array(32).fill(9) },
      operations: OPERATIONS,
      masterTokenLife: this.#life,
    });
    return new Promise((resolve, reject) => {
      child.on("exit", (code) => reject(new Error(`The server ended with ${code}.`)));
      child.on("message", async (told: Told) => {
        if (told.kind === "answered") this.#answered.push(told.code);
        if (told.kind === "delivered") this.delivered.push(told.text);
        if (told.kind === "listening")
          resolve({ url: told.url, pid: child.pid!, kill: () => void child.kill("SIGKILL") });
        if (told.kind === "ask") await this.#answer(child, told);
      });
    });
  }

  async #answer(child: ChildProcess, { id, operation, args }: Told): Promise<void> {
    const run = this.state[operation] as (...args: readonly unknown[]) => unknown;
    const result = await run.apply(this.state, [...args]);
    if (operation === "renewLine") this.renewals.push(result);
    if (child.connected) child.send({ kind: "answer", id, result });
  }

  /** The next `count` answers of the servers since the last look, sorted: codes of errors, "ok" for each response. */
  async answers(count: number): Promise<string[]> {
    while (this.#answered.length < count) await new Promise((resolve) => setTimeout(resolve, 2));
    return this.#answered
      .splice(0)
      .map((code) => code ?? "ok")
      .sort();
  }

  stop(): void {
    for (const child of this.#processes) child.kill("SIGKILL");
  }
}
