// What operators see of a server: one event an exchange. It names schemes, codes and sizes of this library's own tables,
// never a secret, a decrypted byte, an identity, or a text that a stranger chose.

import type { MslErrorCode } from "../errors/codes.ts";
import { toWireError } from "../errors/msl-error.ts";
import type { MessageHeader } from "../message/header.ts";
import type { ResponseTokens } from "../builder/response.ts";

export interface ExchangeEvent {
  readonly kind: "exchange";
  /**
   * `response`: the application answered; `handshake`: answered by itself; `error`: an error message was sent;
   * `received-error`: the peer sent an error message; `failed`: nothing, or not all, could be sent.
   */
  readonly outcome: "response" | "handshake" | "error" | "received-error" | "failed";
  /** Of the error that was sent or that ended the exchange. */
  readonly code: MslErrorCode | null;
  /** From the call of `receive` to the end of the answer. */
  readonly ms: number;
  readonly format: "JSON" | "CBOR" | null;
  /** Entity authentication scheme of the request, or null: it came under a master token, or was not read. */
  readonly entityScheme: string | null;
  /** User authentication scheme of the request. */
  readonly userScheme: string | null;
  readonly nonReplayable: boolean;
  readonly masterToken: "issued" | "renewed" | null;
  readonly userIdToken: "issued" | "renewed" | null;
  /** Key exchange that made the new master token. */
  readonly keyExchange: string | null;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export type ServerEvent = ExchangeEvent;

/** Collects the facts of one exchange. */
export class ExchangeRecord {
  readonly #startMs: number;
  #outcome: ExchangeEvent["outcome"] = "failed";
  #code: MslErrorCode | null = null;
  #header: MessageHeader | null = null;
  #masterToken: ExchangeEvent["masterToken"] = null;
  #userIdToken: ExchangeEvent["userIdToken"] = null;
  #keyExchange: string | null = null;
  bytesOut = 0;

  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  read(header: MessageHeader): void {
    this.#header = header;
  }

  issued(request: MessageHeader, tokens: ResponseTokens): void {
    const { keyResponse, userIdToken } = tokens;
    if (keyResponse !== null) {
      this.#masterToken = request.masterToken === null ? "issued" : "renewed";
      this.#keyExchange = keyResponse.scheme;
    }
    if (userIdToken === null || userIdToken === request.userIdToken) return;
    const isSameLine = userIdToken.serialNumber === request.userIdToken?.serialNumber;
    this.#userIdToken = isSameLine ? "renewed" : "issued";
  }

  ended(outcome: ExchangeEvent["outcome"], error: unknown = null): void {
    this.#outcome = outcome;
    if (error !== null) this.#code = toWireError(error).code;
  }

  event(nowMs: number, bytesIn: number): ExchangeEvent {
    const header = this.#header;
    return {
      kind: "exchange",
      outcome: this.#outcome,
      code: this.#code,
      ms: Math.max(0, nowMs - this.#startMs),
      format: header?.format ?? null,
      entityScheme: header?.entityAuth?.scheme ?? null,
      userScheme: header?.userScheme ?? null,
      nonReplayable: (header?.nonReplayableId ?? null) !== null,
      masterToken: this.#masterToken,
      userIdToken: this.#userIdToken,
      keyExchange: this.#keyExchange,
      bytesIn,
      bytesOut: this.bytesOut,
    };
  }
}
