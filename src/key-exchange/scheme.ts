// What a key exchange scheme is ("MSL Key Exchange"): the requester's side makes requests and completes responses,
// the issuer's side answers requests. Selection over several schemes is in message/ and builder/.

import type { SessionKeys } from "../crypto/crypto-context.ts";
import type { EncodeFields } from "../encoding/codec.ts";
import type { MslMap } from "../encoding/msl-map.ts";
import { protocolError } from "../errors/msl-error.ts";
import type { Awaitable } from "../platform/awaitable.ts";

/** Kinds of keys for `core.importKey` and `core.generateKey` in a scheme of an application. */
export { SESSION_ENCRYPTION, SESSION_MAC, SHARED_SECRET } from "../core/key-specs.ts";

/** Who a header speaks for, as key derivation binds it. */
export type HeaderBinding =
  | {
      readonly kind: "entity";
      readonly scheme: string;
      readonly identity: string;
      /** DER, of an entity that authenticates with one: bound in place of its name. */
      readonly certificate?: Uint8Array | null;
    }
  | { readonly kind: "token"; readonly tokendata: Uint8Array; readonly signature: Uint8Array };

/** A request of ours, kept with its private half until the response arrives or the exchange is given up. */
export interface KeyRequest {
  readonly scheme: string;
  readonly keydata: EncodeFields;
  /** Wipes the private half. Idempotent. */
  dispose(): void;
}

/** A request element as received; `parsed` belongs to the scheme. */
export interface ReceivedKeyRequest {
  readonly exchange: KeyExchange;
  readonly parsed: unknown;
}

/** What both sides know when keys are made. */
export interface ExchangeBinding {
  /** Identity of the requester: the entity the new master token speaks for. */
  readonly identity: string;
  readonly request: HeaderBinding;
  readonly response: HeaderBinding;
}

/** One scheme with the variants that this side offers and accepts; a profile lists at most one object per wire name. */
export interface KeyExchange {
  /** Wire name. */
  readonly name: string;
  /** Mechanisms, key ids or parameters that this side offers, for logs: e.g. `ECDH:X25519`. */
  readonly label: string;
  /**
   * The reference does not know it, and fails every message that offers it: capabilities tell who has it, and a client
   * or peer may wait for that (`keyExchangeSupport`).
   */
  readonly needsAdvertisement?: boolean;

  // requester
  /** One or more fresh requests. */
  createRequests(): Awaitable<readonly KeyRequest[]>;
  /** @throws KEYX_RESPONSE_REQUEST_MISMATCH, KEYX_PRIVATE_KEY_MISSING, KEYX_INVALID_PUBLIC_KEY, crypto errors */
  complete(request: KeyRequest, keydata: MslMap, binding: ExchangeBinding): Awaitable<SessionKeys>;

  // issuer
  /** Reads `keydata`; null: an unknown mechanism or key id inside a known scheme, to be skipped or refused. @throws MSL_PARSE_ERROR, the scheme's parse errors */
  parseRequest(keydata: MslMap): Awaitable<unknown | null>;
  /** The error that an unknown mechanism or key id raises under `strictKeyRequests`. */
  readonly unknownVariantError: "UNIDENTIFIED_KEYX_MECHANISM" | "UNIDENTIFIED_KEYX_KEY_ID" | null;
  /**
   * New session keys and the response's key data; null: no exchange for this request, and the search ends ("MSL
   * Control", issuing the master token). @throws the scheme's errors; the caller tries the next candidate
   */
  respond(
    parsed: unknown,
    binding: ExchangeBinding,
  ): Awaitable<{ readonly keydata: EncodeFields; readonly keys: SessionKeys } | null>;
}

/** Refuses entities to whom a scheme is not permitted. @throws KEYX_INCORRECT_DATA */
export async function checkPermitted(
  isPermitted: ((identity: string) => Awaitable<boolean>) | undefined,
  identity: string,
): Promise<void> {
  if ((await isPermitted?.(identity)) === false) protocolError("KEYX_INCORRECT_DATA", "keyrequestdata");
}

/** Runs two steps that each make a key; when the second fails, the first key is cleared. */
export async function bothKeys(
  encryption: () => Awaitable<SessionKeys["encryption"]>,
  mac: () => Awaitable<SessionKeys["mac"]>,
): Promise<SessionKeys> {
  const first = await encryption();
  try {
    return { encryption: first, mac: await mac() };
  } catch (error) {
    first.dispose();
    throw error;
  }
}

/** The wire names in the order that is best to prefer: forward secrecy first ("MSL Key Exchange", which request wins). */
export const PREFERENCE: readonly string[] = [
  "ECDH",
  "DIFFIE_HELLMAN",
  "ASYMMETRIC_WRAPPED",
  "JWE_LADDER",
  "JWK_LADDER",
  "SYMMETRIC_WRAPPED",
];

/** Sorts schemes for an issuer by `PREFERENCE`; schemes of applications come first, in their order. */
export function byPreference(exchanges: readonly KeyExchange[]): readonly KeyExchange[] {
  return [...exchanges].sort((a, b) => PREFERENCE.indexOf(a.name) - PREFERENCE.indexOf(b.name));
}

export const KEY_EXCHANGE_NAMES: ReadonlySet<string> = new Set([
  "ASYMMETRIC_WRAPPED",
  "SYMMETRIC_WRAPPED",
  "DIFFIE_HELLMAN",
  "JWE_LADDER",
  "JWK_LADDER",
  "ECDH",
]);

/**
 * Reads one element of `keyrequestdata`.
 * @returns null for an element to skip: scheme or variant unknown or not enabled, unless `strict`
 * @throws MSL_PARSE_ERROR, with `strict` also UNIDENTIFIED_KEYX_SCHEME, KEYX_FACTORY_NOT_FOUND, UNIDENTIFIED_KEYX_MECHANISM / _KEY_ID
 */
export async function parseKeyRequest(
  element: MslMap,
  schemes: readonly KeyExchange[],
  strict: boolean,
): Promise<ReceivedKeyRequest | null> {
  const name = element.string("scheme");
  const exchange = schemes.find((scheme) => scheme.name === name);
  if (exchange === undefined) {
    if (!strict) return null;
    const code = KEY_EXCHANGE_NAMES.has(name) ? "KEYX_FACTORY_NOT_FOUND" : "UNIDENTIFIED_KEYX_SCHEME";
    return protocolError(code, `${element.path}.scheme`);
  }
  const keydata = element.map("keydata");
  const parsed = await exchange.parseRequest(keydata);
  if (parsed !== null) return { exchange, parsed };
  if (strict && exchange.unknownVariantError !== null) {
    protocolError(exchange.unknownVariantError, `${element.path}.keydata`);
  }
  return null;
}
