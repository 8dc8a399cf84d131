// PSK ("MSL Entity Authentication"): authdata = { "identity": string }. Encrypts and signs the header under keys that
// both sides hold; the wrapping key beside them serves SYMMETRIC_WRAPPED.

import type { Core } from "../core/core.ts";
import type { CryptoContext } from "../crypto/crypto-context.ts";
import { slotContext } from "../crypto/symmetric.ts";
import { ENCRYPTION_KEY, MAC_KEY } from "../core/core.ts";
import { protocolError } from "../errors/msl-error.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import { checkEntityPolicy, type EntityAuthData, type EntityPolicy, type EntityScheme } from "./scheme.ts";

export interface PskConfig {
  /** Context of an identity's keys, or null. Keys in hardware answer with a promise. */
  readonly contextOf: (identity: string) => Awaitable<CryptoContext | null>;
  readonly policy?: EntityPolicy;
  /** With a core: an unknown identity is answered like a wrong key, so that strangers cannot enumerate identities. */
  readonly hideUnknown?: Core | null;
}

export function psk(config: PskConfig): EntityScheme {
  const unknown = unknownEntity(config.hideUnknown ?? null);
  return {
    name: "PSK",
    encrypts: true,
    protectsIntegrity: true,
    parse: (authdata) => pskData(authdata.string("identity")),
    async cryptoContext(data) {
      if (config.policy !== undefined) await checkEntityPolicy(config.policy, data.identity, "PSK");
      return (await config.contextOf(data.identity)) ?? unknown(data.identity);
    },
  };
}

/**
 * What stands for the keys of an unknown entity. With a core: random ones, so that verification does the same work and
 * fails. @throws ENTITY_NOT_FOUND without
 */
export function unknownEntity(core: Core | null): (identity: string) => CryptoContext {
  if (core === null) return () => protocolError("ENTITY_NOT_FOUND", "entityauthdata");
  const keys = { encryption: core.generateKey(ENCRYPTION_KEY, 16), mac: core.generateKey(MAC_KEY, 32) };
  return (identity) => slotContext(core, { keyId: identity, ...keys });
}

export function pskData(identity: string): EntityAuthData {
  return { scheme: "PSK", identity, authdata: { identity } };
}
