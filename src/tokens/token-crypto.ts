// The issuer's keys that protect master and user ID tokens: a list of key sets. The newest signs; older ones verify
// until they are retired, so that keys rotate without a device noticing.

import type { CryptoContext } from "../crypto/crypto-context.ts";
import { type Awaitable, isPending } from "../platform/awaitable.ts";

export interface TokenCrypto {
  /** Signs and encrypts new tokens. */
  readonly current: CryptoContext;
  /** The context under which the signature is right, or null: the token was not issued here, or its keys are retired. */
  find(data: Uint8Array, signature: Uint8Array): Awaitable<CryptoContext | null>;
}

/** `contexts`, newest first, at least one. */
export function tokenKeys(contexts: readonly [CryptoContext, ...CryptoContext[]]): TokenCrypto {
  return {
    current: contexts[0],
    find: (data, signature) => findFrom(contexts, 0, data, signature),
  };
}

/** Tries the contexts from `first` on; keys in slots answer at once. */
function findFrom(
  contexts: readonly CryptoContext[],
  first: number,
  data: Uint8Array,
  signature: Uint8Array,
): Awaitable<CryptoContext | null> {
  for (let i = first; i < contexts.length; i++) {
    const context = contexts[i]!;
    const isRight = context.verify(data, signature);
    if (isPending(isRight)) {
      return isRight.then((right) => (right ? context : findFrom(contexts, i + 1, data, signature)));
    }
    if (isRight) return context;
  }
  return null;
}
