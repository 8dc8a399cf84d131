// What an entity authentication scheme is ("MSL Entity Authentication"), and the table that finds one by its wire name.
// A new scheme is one file with a constant or a factory of this type, one row where a profile lists it, one vector file.

import type { CryptoContext } from "../crypto/crypto-context.ts";
import type { EncodeFields } from "../encoding/codec.ts";
import type { MslMap } from "../encoding/msl-map.ts";
import { protocolError } from "../errors/msl-error.ts";
import type { Awaitable } from "../platform/awaitable.ts";

/** Entity authentication data, parsed or about to be sent: `{ scheme, authdata }`. */
export interface EntityAuthData {
  readonly scheme: string;
  /** Identity that the data claims; "" where the issuer assigns it later. */
  readonly identity: string;
  readonly authdata: EncodeFields;
  /** DER certificate, of schemes that have one: key derivation binds it in place of the name. */
  readonly certificateDer?: Uint8Array;
  /** Where it hangs on the data, not on the scheme: whether a verified header proves the identity. */
  readonly authenticated?: boolean;
}

export interface EntityScheme {
  /** Wire name. */
  readonly name: string;
  readonly encrypts: boolean;
  readonly protectsIntegrity: boolean;
  /** Whether a verified header proves the identity; by default, whether the scheme protects integrity. */
  readonly authenticates?: boolean;
  /** Of schemes whose entities have no identity yet. */
  readonly provisioning?: Provisioning;
  /** Reads `authdata`; no policy here. @throws MSL_PARSE_ERROR and the scheme's own errors */
  parse(authdata: MslMap): Awaitable<EntityAuthData>;
  /**
   * Revocation, permission and keys, in this order; verification with the result is the authentication.
   * @throws ENTITY_REVOKED, INCORRECT_ENTITYAUTH_DATA, ENTITY_NOT_FOUND and the scheme's own errors
   */
  cryptoContext(data: EntityAuthData): Awaitable<CryptoContext>;
}

/** Where entities get their identities, when their first master token is made. */
export interface Provisioning {
  /** Null refuses the entity. */
  next(): Awaitable<string | null>;
  /** An identity that nobody got after all: for the next one. */
  giveBack(identity: string): void;
}

export type EntitySchemes = ReadonlyMap<string, EntityScheme>;

/** Names of the registry that this library knows, whether or not a profile contains them. */
export const ENTITY_SCHEME_NAMES: ReadonlySet<string> = new Set([
  "PSK",
  "PSK_PROFILE",
  "X509",
  "RSA",
  "ECC",
  "NONE",
  "NONE_SUFFIXED",
  "MT_PROTECTED",
  "PROVISIONED",
]);

/** Decisions that a deployment may take about entities; each absent one permits. */
export interface EntityPolicy {
  isRevoked?(identity: string): Awaitable<boolean>;
  isPermitted?(identity: string, scheme: string): Awaitable<boolean>;
}

/**
 * Reads the container `{ scheme, authdata }`.
 * @throws MSL_PARSE_ERROR, UNIDENTIFIED_ENTITYAUTH_SCHEME, ENTITYAUTH_FACTORY_NOT_FOUND, the scheme's errors
 */
export function parseEntityAuthData(container: MslMap, schemes: EntitySchemes): Awaitable<EntityAuthData> {
  const name = container.string("scheme");
  const scheme = schemes.get(name);
  if (scheme === undefined && !ENTITY_SCHEME_NAMES.has(name)) {
    protocolError("UNIDENTIFIED_ENTITYAUTH_SCHEME", `${container.path}.scheme`);
  }
  const authdata = container.map("authdata");
  if (scheme === undefined) return protocolError("ENTITYAUTH_FACTORY_NOT_FOUND", `${container.path}.scheme`);
  return scheme.parse(authdata);
}

/** The wire form of the container. */
export function entityAuthFields(data: EntityAuthData): EncodeFields {
  return { scheme: data.scheme, authdata: data.authdata };
}

/** Applies the policy in the order every scheme keeps: revoked, then permitted. */
export async function checkEntityPolicy(policy: EntityPolicy, identity: string, scheme: string): Promise<void> {
  if (await policy.isRevoked?.(identity)) protocolError("ENTITY_REVOKED", "entityauthdata");
  if ((await policy.isPermitted?.(identity, scheme)) === false) {
    protocolError("INCORRECT_ENTITYAUTH_DATA", "entityauthdata");
  }
}
