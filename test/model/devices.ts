// The devices of the model: clients with a storage that fails, lags and outlives restarts, and the requests that the
// schedule makes of them. What becomes of each request is written down.

import type { MessageReport, MslClient, RequestInit } from "../../src/control/api.ts";
import { createClient } from "../../src/control/client.ts";
import type { Core } from "../../src/core/core.ts";
import { none, noneData } from "../../src/entity-auth/none.ts";
import { psk, pskData } from "../../src/entity-auth/psk.ts";
import { ecdh } from "../../src/key-exchange/ecdh.ts";
import { symmetricWrapped } from "../../src/key-exchange/symmetric-wrapped.ts";
import { emailPasswordData } from "../../src/user-auth/email-password.ts";
import type { Network } from "./network.ts";
import type { DeviceSpec, RequestSpec } from "./schedule.ts";
import { EPOCH_MS, type PskContextOf } from "./servers.ts";
import type { VirtualTime } from "./virtual-time.ts";

export type Outcome =
  | { readonly kind: "pending" }
  | { readonly kind: "reply"; readonly text: string | null }
  | { readonly kind: "error"; readonly error: unknown };

/** A request that was made. */
export interface Made {
  readonly body: string;
  readonly spec: RequestSpec;
  readonly device: Device;
  readonly startMs: number;
  outcome: Outcome;
  endMs: number;
}

interface Signal {
  aborted: boolean;
  reason: unknown;
  onabort: ((this: unknown, event: unknown) => unknown) | null;
}

interface TokenName {
  readonly serialNumber: number;
  readonly sequenceNumber: number;
}

export const ABORTED = new Error("The caller has had enough.");
const SWITCHED_OFF = new Error("The device was switched off.");

export class Device {
  readonly identity: string;
  readonly spec: DeviceSpec;
  /** Seconds by which its clock was moved. */
  offsetSec: number;
  storage: "works" | "fails" | "slow" | "hangs" = "works";
  client: MslClient | null = null;
  readonly problems: string[] = [];
  readonly reports: MessageReport[] = [];
  /** Ended clients, to be closed once their operations are over. */
  readonly ended: MslClient[] = [];
  #disk: Uint8Array | null = null;
  #saved: TokenName | null = null;
  #seen: TokenName | null = null;
  #life = 0;
  readonly #signals = new Set<Signal>();
  readonly #core: Core;
  readonly #time: VirtualTime;
  readonly #network: Network;
  readonly #pskContextOf: PskContextOf;

  constructor(core: Core, time: VirtualTime, network: Network, psks: PskContextOf, spec: DeviceSpec, index: number) {
    this.#core = core;
    this.#time = time;
    this.#network = network;
    this.#pskContextOf = psks;
    this.spec = spec;
    this.identity = `${spec.entity === "PSK" ? "psk" : "none"}-${index}`;
    this.offsetSec = spec.skewSec;
  }

  async start(): Promise<void> {
    const life = ++this.#life;
    const isOff = () => this.#life !== life;
    const contextOf = this.#pskContextOf;
    const scheme = this.spec.entity === "PSK" ? psk({ contextOf }) : none();
    const data = () => (this.spec.entity === "PSK" ? pskData(this.identity) : noneData(this.identity));
    const core = this.#core;
    const client = await createClient({
      core,
      clock: { nowMs: () => EPOCH_MS + this.#time.now + this.offsetSec * 1000 },
      timers: this.#time,
      gzip: null,
      transport: this.#network.transport(isOff),
      entity: { scheme, data },
      serverSchemes: [psk({ contextOf })],
      keyExchange:
        this.spec.entity === "PSK" ? [symmetricWrapped({ core, pskContextOf: contextOf })] : [ecdh({ core })],
      firstFormat: this.spec.format,
      capabilities: { formats: [this.spec.format] },
      storage: {
        load: () => this.#disk?.slice() ?? null,
        save: (snapshot) => this.#save(snapshot.slice(), isOff, client),
      },
      onMessage: (report) => {
        if (report.direction !== "out") return;
        this.reports.push(report);
        // Nobody else renews while this message does: its token is still the newest of its line.
        const { serialNumber, sequenceNumber, keyx } = report;
        if (serialNumber === null || sequenceNumber === null || keyx.length === 0) return;
        if (isBehind({ serialNumber, sequenceNumber }, client.session.masterToken)) {
          this.problems.push("A token that was replaced was renewed.");
        }
      },
    });
    this.client = client;
    this.#seen = client.session.masterToken;
    if (isBehind(this.#seen, this.#saved)) this.problems.push("A restart went back behind what was saved.");
  }

  async #save(snapshot: Uint8Array, isOff: () => boolean, client: MslClient): Promise<void> {
    const token = client.session.masterToken;
    const mode = this.storage;
    if (mode === "fails") throw new Error("The disk is full.");
    if (mode === "slow") await this.#time.sleep(40);
    if (mode === "hangs") await this.#time.sleep(50_000);
    if (isOff()) throw new Error("Off.");
    if (isBehind(token, this.#saved)) this.problems.push("The stored sequence number went back.");
    this.#disk = snapshot;
    this.#saved = token;
  }

  /** Power fails and comes back: whatever runs is gone, the disk has what was saved. */
  async restart(): Promise<void> {
    if (this.client !== null) this.ended.push(this.client);
    this.client = null;
    this.#life++;
    for (const signal of [...this.#signals]) abort(signal, SWITCHED_OFF);
    await this.start();
  }

  /** Watches the token in memory: within a serial number it never goes back. */
  check(): void {
    const token = this.client?.session.masterToken ?? null;
    if (isBehind(token, this.#seen)) this.problems.push("The sequence number in memory went back.");
    if (token !== null) this.#seen = token;
  }

  /** Makes a request; null while the device is starting. */
  make(body: string, spec: RequestSpec): Made | null {
    const { client } = this;
    if (client === null) return null;
    const made: Made = { body, spec, device: this, startMs: this.#time.now, outcome: { kind: "pending" }, endMs: 0 };
    const settle = (outcome: Outcome) => {
      made.outcome = outcome;
      made.endMs = this.#time.now;
    };
    this.#run(client, made).then(
      (text) => settle({ kind: "reply", text }),
      (error) => settle({ kind: "error", error }),
    );
    return made;
  }

  async #run(client: MslClient, { body, spec }: Made): Promise<string | null> {
    const signal: Signal = { aborted: false, reason: undefined, onabort: null };
    this.#signals.add(signal);
    if (spec.abortMs !== null) this.#time.after(spec.abortMs, () => abort(signal, ABORTED));
    try {
      const incoming = await client.request({ ...this.#init(body, spec), signal });
      if (spec.read === "late") await this.#time.sleep(35);
      if (spec.read === "cancel") {
        incoming.cancel();
        return null;
      }
      return await incoming.text();
    } finally {
      this.#signals.delete(signal);
    }
  }

  #init(body: string, spec: RequestSpec): RequestInit {
    const bytes = () => new TextEncoder().encode(sentBody(body, spec));
    const { user } = spec;
    return {
      body: spec.body === "function" ? bytes : spec.body === "one-shot" ? once(bytes()) : bytes(),
      nonReplayable: spec.nonReplayable,
      encrypted: spec.encrypted,
      wantTokens: spec.wantTokens,
      timeoutMs: spec.timeoutMs,
      user:
        user === null
          ? null
          : {
              id: user,
              authenticate: async ({ required }) => {
                await this.#time.sleep(spec.loginMs);
                const isGiven = spec.login === "always" || (spec.login === "required" && required);
                return isGiven ? emailPasswordData(user, `p-${user}`) : null;
              },
            },
    };
  }

  async close(): Promise<void> {
    for (const client of this.ended) await client.close();
    await this.client?.close();
  }
}

export function sentBody(body: string, spec: RequestSpec): string {
  if (spec.body === "empty") return "";
  return spec.body === "long" ? body + "x".repeat(17_000) : body;
}

function* once(bytes: Uint8Array): Generator<Uint8Array> {
  yield bytes.subarray(0, 2);
  yield bytes.subarray(2);
}

function abort(signal: Signal, reason: unknown): void {
  if (signal.aborted) return;
  signal.aborted = true;
  signal.reason = reason;
  signal.onabort?.call(signal, null);
}

function isBehind(token: TokenName | null, before: TokenName | null): boolean {
  return (
    token !== null &&
    before !== null &&
    token.serialNumber === before.serialNumber &&
    token.sequenceNumber < before.sequenceNumber
  );
}
