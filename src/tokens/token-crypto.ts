// The issuer's keys that protect master and user ID tokens: a list of key sets. The newest signs; older ones verify
// until they are retired, so that keys rotate without a device noticing.

import type { CryptoContext } from "../crypto/crypto-context.ts";

export interface TokenCrypto {
  /** Signs and encrypts new tokens. */
  readonly current: CryptoContext;
  /** The context under which the signature is right, or null: the token was not issued here, or its keys are retired. */
  find(data: Uint8Array, signature: Uint8Array): Promise<CryptoContext | null>;
}

/** `contexts`, newest first, at least one. */
export function tokenKeys(contexts: readonly [CryptoContext, ...CryptoContext[]]): TokenCrypto {
  return {
    current: contexts[0],
    async find(data, signature) {
      for (const context of contexts) if (await context.verify(data, signature)) return context;
      return null;
    },
  };
}
