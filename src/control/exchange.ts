// One logical request as a pure state machine: (state, event) → next step. Sockets, clocks, stores and locks are its
// driver's (client.ts). A round is one message sent and one received; twelve messages end the operation.

import { RESPONSE, type ResponseCode } from "../errors/codes.ts";
import { nextMessageId } from "../message/ids.ts";
import { RECOVERY, type Recovery } from "./recovery.ts";

/** Messages, sent or received, for one operation. */
export const MAX_MESSAGES = 12;

/** How the next message is built. */
export interface Attempt {
  /** Null: a fresh random id. */
  readonly messageId: number | null;
  readonly tokens: "none" | "master" | "both";
  /** Forced by recovery; `unless-newer` is satisfied by another master token than the failed one. */
  readonly renewable: Recovery["renewable"];
  /** Credentials are demanded from the user hook, for this reason if the server named one. */
  readonly userReason: "USERDATA_REAUTH" | "SSOTOKEN_REJECTED" | null;
  readonly entityReason: "ENTITY_REAUTH" | "ENTITYDATA_REAUTH" | null;
  /** With the authentication data of the message before: nobody is asked again. */
  readonly keepsData?: boolean;
}

export interface ExchangeState {
  readonly messages: number;
  /** The failure to deliver if the operation ends at the limit. */
  readonly hasFailed: boolean;
  /** Of the last message. */
  readonly attempt?: Attempt;
  /** A message was sent again with fewer key requests: once is enough. */
  readonly hasResent?: boolean;
}

export type ExchangeEvent =
  | { readonly kind: "start" }
  /** The reply to a handshake request arrived. */
  | { readonly kind: "handshake-reply"; readonly messageId: number }
  /** A peer answers this message, as the first or as a further step of its operation. */
  | { readonly kind: "answer"; readonly messageId: number }
  | { readonly kind: "reply" }
  | {
      readonly kind: "error-reply";
      readonly messageId: number;
      readonly responseCode: ResponseCode;
      readonly canExchangeKeys: boolean;
      /** The peer lacks a key exchange that was offered on trial, and that is not offered again. */
      readonly isOfferRefused?: boolean;
    };

export type ExchangeStep =
  | {
      readonly kind: "attempt";
      readonly state: ExchangeState;
      readonly attempt: Attempt;
      readonly drop: Recovery["drop"];
    }
  | { readonly kind: "deliver" }
  /** The peer's error is final. */
  | { readonly kind: "give-up"; readonly drop: Recovery["drop"] }
  /** Out of messages: deliver the first error, or say that the limit was reached. */
  | { readonly kind: "limit" };

export const INITIAL: ExchangeState = { messages: 0, hasFailed: false };

const FIRST: Attempt = { messageId: null, tokens: "both", renewable: "no", userReason: null, entityReason: null };

export function step(state: ExchangeState, event: ExchangeEvent): ExchangeStep {
  switch (event.kind) {
    case "start":
      return round(state, FIRST, "none");
    case "reply":
      return { kind: "deliver" };
    case "handshake-reply":
    case "answer":
      return round(state, { ...FIRST, messageId: nextMessageId(event.messageId) }, "none");
    case "error-reply":
      return recover(state, event);
  }
}

function round(state: ExchangeState, attempt: Attempt, drop: Recovery["drop"]): ExchangeStep {
  if (state.messages + 2 > MAX_MESSAGES) return { kind: "limit" };
  return { kind: "attempt", state: { ...state, messages: state.messages + 2, attempt }, attempt, drop };
}

function recover(state: ExchangeState, event: ExchangeEvent & { kind: "error-reply" }): ExchangeStep {
  const { attempt: last, hasResent } = state;
  if (event.isOfferRefused === true && last !== undefined && hasResent !== true) {
    const attempt = { ...last, messageId: nextMessageId(event.messageId), keepsData: true };
    return round({ ...state, hasFailed: true, hasResent: true }, attempt, "none");
  }
  const recovery = RECOVERY.get(event.responseCode);
  if (recovery === undefined) return { kind: "give-up", drop: "none" };
  // Without key requests a demand for a key exchange can only repeat itself.
  if (event.responseCode === RESPONSE.KEYX_REQUIRED && !event.canExchangeKeys) return { kind: "give-up", drop: "none" };
  const { ask } = recovery;
  const isEntity = ask === "ENTITY_REAUTH" || ask === "ENTITYDATA_REAUTH";
  return round(
    { ...state, hasFailed: true },
    {
      messageId: nextMessageId(event.messageId),
      tokens: recovery.tokens,
      renewable: recovery.renewable,
      userReason: ask === null || isEntity ? null : ask,
      entityReason: isEntity ? ask : null,
    },
    recovery.drop,
  );
}
