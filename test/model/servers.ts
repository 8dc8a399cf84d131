// The servers of the model: one or two that share keys and issuer state, restarted and replaced as the schedule says.
// The application answers with what it saw; every delivery is written down.

import type { MslServer } from "../../src/control/api.ts";
import { createServer } from "../../src/control/server.ts";
import { type Core, ENCRYPTION_KEY, MAC_KEY } from "../../src/core/core.ts";
import type { CryptoContext } from "../../src/crypto/crypto-context.ts";
import { slotContext } from "../../src/crypto/symmetric.ts";
import { none } from "../../src/entity-auth/none.ts";
import { psk, pskData } from "../../src/entity-auth/psk.ts";
import { ecdh } from "../../src/key-exchange/ecdh.ts";
import { symmetricWrapped } from "../../src/key-exchange/symmetric-wrapped.ts";
import { IssuerMemory } from "../../src/store/issuer-memory.ts";
import type { IssuerState } from "../../src/tokens/issuer-state.ts";
import { tokenKeyRing } from "../../src/tokens/token-crypto.ts";
import { createTokenIssuer } from "../../src/tokens/token-issuer.ts";
import { bytesReader, CollectingWriter } from "../../src/transport/pipe.ts";
import { emailPassword } from "../../src/user-auth/email-password.ts";
import type { Fault, Schedule } from "./schedule.ts";
import type { VirtualTime } from "./virtual-time.ts";

export const EPOCH_MS = 1_700_000_000_000;

/** One request as the application saw it. */
export interface Delivery {
  readonly body: string;
  readonly sender: string | null;
  readonly user: string | null;
  readonly nonReplayable: boolean;
  readonly exchange: number;
  /** The answer was an error all the same. */
  readonly refused: boolean;
}

export type PskContextOf = (identity: string) => CryptoContext | null;

export class Servers {
  readonly state = new IssuerMemory();
  readonly deliveries: Delivery[] = [];
  readonly problems: string[] = [];
  /** Seconds by which the servers' clock was moved. */
  offsetSec = 0;
  hasFaults = true;
  readonly #core: Core;
  readonly #time: VirtualTime;
  readonly #schedule: Schedule;
  readonly #pskContextOf: PskContextOf;
  readonly #tokenContexts: CryptoContext[] = [];
  readonly #ring;
  #servers: MslServer[] = [];
  readonly #old: MslServer[] = [];

  constructor(core: Core, time: VirtualTime, schedule: Schedule, pskContextOf: PskContextOf) {
    this.#core = core;
    this.#time = time;
    this.#schedule = schedule;
    this.#pskContextOf = pskContextOf;
    this.#ring = tokenKeyRing(this.#tokenKeys(), this);
  }

  nowMs(): number {
    return EPOCH_MS + this.#time.now + this.offsetSec * 1000;
  }

  #tokenKeys(): CryptoContext {
    const core = this.#core;
    const encryption = core.generateKey(ENCRYPTION_KEY, 16);
    const context = slotContext(core, { keyId: "t", encryption, mac: core.generateKey(MAC_KEY, 32), owns: true });
    this.#tokenContexts.push(context);
    return context;
  }

  rotate(keepSec: number): void {
    this.#ring.rotate(this.#tokenKeys(), keepSec);
  }

  async start(): Promise<void> {
    this.#servers = [];
    for (let i = 0; i < this.#schedule.servers; i++) this.#servers.push(await this.#create());
  }

  /** A process ends and another begins; what the old one still works on is never heard of again. */
  async restart(i: number): Promise<void> {
    const at = i % this.#servers.length;
    const old = this.#servers[at]!;
    this.#old.push(old);
    this.#dead.add(old);
    this.#servers[at] = await this.#create();
  }

  readonly #dead = new Set<MslServer>();

  async #create(): Promise<MslServer> {
    const core = this.#core;
    const { tokenSec, userSec, cachedSessions } = this.#schedule;
    const issuer = createTokenIssuer({
      core,
      crypto: this.#ring,
      state: this.#slowState(),
      clock: this,
      masterTokenLife: { renewSec: tokenSec[0], expireSec: tokenSec[1] },
      userIdTokenLife: { renewSec: userSec[0], expireSec: userSec[1] },
    });
    const contextOf = this.#pskContextOf;
    return createServer({
      core,
      clock: this,
      timers: null,
      gzip: null,
      entity: { scheme: psk({ contextOf }), data: () => pskData("server") },
      entitySchemes: [psk({ contextOf }), none()],
      userSchemes: [emailPassword({ verify: (email, password) => (password === `p-${email}` ? email : null) })],
      keyExchange: [symmetricWrapped({ core, pskContextOf: contextOf }), ecdh({ core })],
      tokenCrypto: this.#ring,
      issuer,
      maxCachedSessions: cachedSessions,
      onEvent: ({ outcome, code }) => {
        if (code === "INTERNAL_EXCEPTION" && outcome === "error") this.internalErrors++;
      },
    });
  }

  /** Errors that a server could not explain; those that the schedule asked for are subtracted. */
  internalErrors = 0;

  /** Each operation of the state takes a while, as a database would; it is atomic at its end. */
  #slowState(): IssuerState {
    const { stateMs } = this.#schedule;
    if (stateMs === 0) return this.state;
    const time = this.#time;
    return new Proxy(this.state, {
      get(target, name) {
        const value = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        return async (...args: unknown[]) => {
          await time.sleep(stateMs);
          return Reflect.apply(value, target, args);
        };
      },
    });
  }

  /** The reply's bytes, or null: the server went away meanwhile. */
  async receive(request: Uint8Array, fault: Fault, exchange: number): Promise<Uint8Array | null> {
    const server = this.#servers[fault.server % this.#servers.length]!;
    const writer = new CollectingWriter();
    const isRefused = this.hasFaults && fault.kind === "error";
    const isRefusedLate = this.hasFaults && fault.kind === "error-after";
    try {
      await server.receive(
        bytesReader(request),
        writer,
        async (incoming) => {
          const body = await incoming.text();
          await this.#time.sleep(this.#schedule.handlerMs);
          const { sender, user, nonReplayable } = incoming;
          this.deliveries.push({ body, sender, user, nonReplayable, exchange, refused: isRefusedLate });
          if (isRefusedLate) {
            if (fault.code === "INTERNAL_EXCEPTION") this.internalErrors--;
            return { error: fault.code };
          }
          return { body: echo(body, sender, user) };
        },
        {
          admit: () => {
            if (!isRefused) return null;
            if (fault.code === "INTERNAL_EXCEPTION") this.internalErrors--;
            return { error: fault.code };
          },
        },
      );
    } catch (error) {
      this.problems.push(`A server rejected: ${String(error)}`);
      return null;
    }
    return this.#dead.has(server) ? null : writer.take();
  }

  async close(): Promise<void> {
    for (const server of [...this.#servers, ...this.#old]) await server.close();
    for (const context of this.#tokenContexts) context.dispose();
  }
}

export function echo(body: string, sender: string | null, user: string | null): string {
  return `${body}|${sender}|${user}`;
}
