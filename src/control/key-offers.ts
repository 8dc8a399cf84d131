// Which key exchanges a message offers: those of the reference always, ECDH and others that it lacks to whom has them
// ("MSL Key Exchange", compatibility with peers that do not know the scheme). Shared by clients and peers.

import { ERRORS, RESPONSE } from "../errors/codes.ts";
import type { KeyExchange, KeyRequest } from "../key-exchange/scheme.ts";
import type { Capabilities } from "../message/capabilities.ts";
import type { ErrorHeader } from "../message/error-header.ts";
import { nextMessageId } from "../message/ids.ts";
import type { DeviceStore } from "../store/device-store.ts";
import type { MasterToken } from "../tokens/master-token.ts";
import type { KeyExchangeSupport } from "./api.ts";

/** The part of a configuration that says what is offered. */
export interface OfferConfig {
  readonly keyExchange: readonly KeyExchange[];
  readonly keyExchangeSupport?: KeyExchangeSupport;
}

/** @param isInitial  the message begins an exchange without a master token, as the only kind that may try */
export function offeredSchemes(config: OfferConfig, store: DeviceStore, isInitial: boolean): readonly KeyExchange[] {
  const { keyExchange, keyExchangeSupport: support = "known" } = config;
  const { keyxSchemes } = store.peer;
  const isTried = isInitial && keyxSchemes === null && support !== "advertised";
  if (support === "known" || isTried) return keyExchange;
  return keyExchange.filter((scheme) => !scheme.needsAdvertisement || keyxSchemes?.includes(scheme.name));
}

/** Takes what the sender of a message says that it can; null: it says nothing. True: it was not known. */
export function learnCapabilities(store: DeviceStore, capabilities: Capabilities | null): boolean {
  const known = store.peer;
  const formats = capabilities?.formats ?? known.formats;
  const keyxSchemes = capabilities?.keyxSchemes ?? [];
  const isNew = formats.join() !== known.formats.join() || keyxSchemes.join() !== known.keyxSchemes?.join();
  if (isNew || known.keyxSchemes === null) store.learnPeer({ formats, keyxSchemes });
  return isNew || known.keyxSchemes === null;
}

/** A message that was answered with an error. */
export interface RefusedOffer {
  readonly messageId: number;
  readonly masterToken: MasterToken | null;
  readonly pending: { readonly requests: readonly KeyRequest[] };
}

const UNKNOWN_SCHEME: ReadonlySet<number | null> = new Set([
  ERRORS.UNIDENTIFIED_KEYX_SCHEME[0],
  ERRORS.KEYX_FACTORY_NOT_FOUND[0],
]);

/**
 * Whether an error says that the other side lacks a scheme which the message offered next to others. It is noted in the
 * store, and `resend` if the message may be sent again without. Whoever offers nothing else does not fall back; nor does
 * anyone for an error that answers another message, which somebody else may have provoked or kept.
 */
export function noteRefusedOffer(
  config: OfferConfig,
  store: DeviceStore,
  error: ErrorHeader,
  { messageId, masterToken, pending }: RefusedOffer,
): "no" | "noted" | "resend" {
  const { keyExchange, keyExchangeSupport: support = "known" } = config;
  const isBelieved = error.authenticated || support === "probe-unauthenticated";
  if (support === "known" || !isBelieved || error.messageId !== nextMessageId(messageId)) return "no";
  if (error.responseCode !== RESPONSE.FAIL || !UNKNOWN_SCHEME.has(error.internalCode)) return "no";
  const lacking = new Set(keyExchange.filter((scheme) => scheme.needsAdvertisement).map((scheme) => scheme.name));
  const count = pending.requests.filter((request) => lacking.has(request.scheme)).length;
  if (count === 0 || count === pending.requests.length) return "no";
  store.learnPeer({ formats: store.peer.formats, keyxSchemes: [] });
  return masterToken === null && support !== "advertised" ? "resend" : "noted";
}
