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
  return {
    name: "PSK",
    encrypts: true,
    protectsIntegrity: true,
    parse: (authdata) => pskData(authdata.string("identity")),
    async cryptoContext(data) {
      if (config.policy !== undefined) await checkEntityPolicy(config.policy, data.identity, "PSK");
      const context = await config.contextOf(data.identity);
      if (context !== null) return context;
      if (config.hideUnknown) return decoy(config.hideUnknown, data.identity);
      return protocolError("ENTITY_NOT_FOUND", "entityauthdata");
    },
  };
}

/** Random keys: verification does the same work and fails. */
function decoy(core: Core, keyId: string): CryptoContext {
  const encryption = core.generateKey(ENCRYPTION_KEY, 16);
  return slotContext(core, { keyId, encryption, mac: core.generateKey(MAC_KEY, 32), owns: true });
}

export function pskData(identity: string): EntityAuthData {
  return { scheme: "PSK", identity, authdata: { identity } };
}
