// The model's network: one connection a message pair, as over HTTP, with the faults that the schedule names in the order
// in which connections are opened. Nothing here knows the protocol; only bytes are lost, cut, changed, repeated.

import { MslTransportError } from "../../src/errors/msl-error.ts";
import type { Exchange, Transport } from "../../src/platform/transport.ts";
import type { Fault } from "./schedule.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** A connection that nobody answers fails after this long. */
const SILENCE_MS = 100_000;

const NO_FAULT: Fault = {
  kind: "none",
  code: "MSL_PARSE_ERROR",
  at: 0,
  outMs: 1,
  backMs: 1,
  gapMs: 0,
  server: 0,
};

/** Hands one request to a server; the reply's bytes, or null where the server fails without one. */
export type Deliver = (request: Uint8Array, fault: Fault, exchange: number) => Promise<Uint8Array | null>;

export class Network {
  readonly #time: VirtualTime;
  readonly #faults: readonly Fault[];
  readonly #deliver: Deliver;
  #opened = 0;
  #faulty = 0;
  /** Off before and after the schedule: every connection works then. */
  hasFaults = false;
  /** Connections that are neither over nor aborted. */
  open = 0;

  constructor(time: VirtualTime, faults: readonly Fault[], deliver: Deliver) {
    this.#time = time;
    this.#faults = faults;
    this.#deliver = deliver;
  }

  /** What one device connects by; `isOff` cuts a device that is switched off. */
  transport(isOff: () => boolean): Transport {
    let lastReply: Uint8Array | null = null;
    return {
      open: async () => {
        const exchange = this.#opened++;
        const fault = (this.hasFaults ? this.#faults[this.#faulty++] : undefined) ?? NO_FAULT;
        const { kind } = fault;
        if (kind === "open-fails") throw new MslTransportError("Not reachable.", true);
        if (kind === "open-hangs") {
          await this.#time.sleep(SILENCE_MS);
          throw new MslTransportError("Not reachable.", true);
        }
        if (isOff()) throw new MslTransportError("Off.", false);
        const stale = lastReply;
        return this.#connection(fault, exchange, isOff, stale, (reply) => {
          lastReply = reply;
        });
      },
    };
  }

  #connection(
    fault: Fault,
    exchange: number,
    isOff: () => boolean,
    stale: Uint8Array | null,
    remember: (reply: Uint8Array) => void,
  ): Exchange {
    const time = this.#time;
    const deliver = this.#deliver;
    const { kind } = fault;
    const sent: Uint8Array[] = [];
    const arrived: (Uint8Array | null | Error)[] = [];
    let wake: (() => void) | null = null;
    let isOver = false;
    this.open++;

    const put = (piece: Uint8Array | null | Error) => {
      arrived.push(piece);
      wake?.();
    };
    const over = () => {
      if (!isOver) this.open--;
      isOver = true;
      endSilence();
    };
    const broken = () => new MslTransportError("The connection broke.", true);

    const arrive = (whole: Uint8Array) => {
      const bytes = kind === "change-reply" ? changed(whole, fault.at) : whole;
      const cut = Math.floor((bytes.length * fault.at) / 1000);
      const isCut = kind === "cut-reply" || kind === "break-reply";
      if (cut > 0) put(bytes.slice(0, cut));
      const rest = () => {
        if (isCut) put(kind === "cut-reply" ? null : broken());
        else {
          put(bytes.slice(cut));
          put(null);
        }
      };
      if (fault.gapMs === 0 && !isCut) rest();
      else time.after(fault.gapMs, rest);
    };

    const answer = async (request: Uint8Array, isUsed: boolean) => {
      const reply = await deliver(request, fault, exchange);
      if (!isUsed) return;
      if (kind === "lose-reply") return;
      await time.sleep(fault.backMs);
      if (reply === null || reply.length === 0 || kind === "no-reply") {
        put(reply === null ? broken() : null);
        return;
      }
      remember(reply);
      arrive(kind === "stale-reply" && stale !== null ? stale : reply);
    };

    const send = () => {
      const whole = joined(sent);
      if (kind === "lose-request") return;
      const request = kind === "change-request" ? changed(whole, fault.at) : whole;
      const isDouble = kind === "duplicate-first" || kind === "duplicate-second";
      void answer(request, kind !== "duplicate-second");
      if (isDouble) time.after(fault.gapMs, () => void answer(request.slice(), kind === "duplicate-second"));
    };

    const endSilence = time.after(SILENCE_MS, () => put(broken()));

    return {
      writer: {
        async write(bytes) {
          if (isOver || isOff()) throw broken();
          if (kind === "cut-request") {
            // Part of it reaches the server, which sees the connection end there.
            const cut = bytes.slice(0, Math.floor((bytes.length * fault.at) / 1000));
            time.after(fault.outMs, () => void deliver(joined([...sent, cut]), fault, exchange));
            throw broken();
          }
          sent.push(bytes.slice());
        },
        async end() {
          if (isOver || isOff()) throw broken();
          time.after(fault.outMs, send);
        },
      },
      reader: {
        async read() {
          for (;;) {
            if (isOver || isOff()) throw broken();
            const piece = arrived.shift();
            if (piece instanceof Error) throw piece;
            if (piece !== undefined) return piece;
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          }
        },
        cancel: over,
      },
      abort() {
        over();
        wake?.();
      },
    };
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function changed(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  const i = Math.floor((copy.length * at) / 1000);
  if (i < copy.length) copy[i]! ^= 1;
  return copy;
}
