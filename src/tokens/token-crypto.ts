// The issuer's keys that protect master and user ID tokens: a list of key sets. The newest signs; older ones verify
// until they are retired, so that keys rotate without a device noticing.

import type { CryptoContext } from "../crypto/crypto-context.ts";
import { type Awaitable, isPending } from "../platform/awaitable.ts";
import { type Clock, nowSeconds } from "../platform/clock.ts";

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

/** Token keys that change while the server runs. */
export interface TokenKeyRing extends TokenCrypto {
  /** Keys that verify but do not sign yet: give them to all servers of the network before any of them signs. */
  accept(next: CryptoContext): void;
  /** From now on these keys sign; those that signed before verify for `keepSec` more, then they are cleared. */
  rotate(next: CryptoContext, keepSec: number): void;
  /** Key sets that verify now. */
  readonly size: number;
}

interface RingEntry {
  readonly context: CryptoContext;
  /** Seconds since 1970, or null. */
  retiresAt: number | null;
}

/**
 * A ring with `first` as the keys that sign. Keep old keys as long as the tokens under them may be used: the lifetime of
 * tokens and the skew of clocks. Later, a token under them is MASTERTOKEN_UNTRUSTED, and its device authenticates anew.
 */
export function tokenKeyRing(first: CryptoContext, clock: Clock): TokenKeyRing {
  let entries: RingEntry[] = [{ context: first, retiresAt: null }];

  function retire(): void {
    const now = nowSeconds(clock);
    const isOver = ({ retiresAt }: RingEntry) => retiresAt !== null && retiresAt <= now;
    if (!entries.some(isOver)) return;
    for (const entry of entries) if (isOver(entry)) entry.context.dispose();
    entries = entries.filter((entry) => !isOver(entry));
  }

  return {
    get current() {
      return entries[0]!.context;
    },
    get size() {
      retire();
      return entries.length;
    },
    find(data, signature) {
      retire();
      const contexts = entries.map((entry) => entry.context);
      return findFrom(contexts, 0, data, signature);
    },
    accept(next) {
      if (!entries.some((entry) => entry.context === next)) entries.push({ context: next, retiresAt: null });
    },
    rotate(next, keepSec) {
      retire();
      const [signing] = entries;
      if (signing === undefined || signing.context === next) return;
      signing.retiresAt = nowSeconds(clock) + keepSec;
      entries = [{ context: next, retiresAt: null }, ...entries.filter((entry) => entry.context !== next)];
    },
  };
}
