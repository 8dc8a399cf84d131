// Pre-shared keys by identity, imported into slots once; evicted ones come back by themselves.

import { type Core, ENCRYPTION_KEY, MAC_KEY, WRAPPING_KEY } from "../core/core.ts";
import type { CryptoContext } from "../crypto/crypto-context.ts";
import { slotContext } from "../crypto/symmetric.ts";

/** Key bytes of one entity; taken over and wiped. Without a wrapping key it is derived from the other two. */
export interface PskEntry {
  readonly identity: string;
  readonly encryptionKey: Uint8Array;
  readonly macKey: Uint8Array;
  readonly wrappingKey?: Uint8Array | null;
}

/** Lookup for `psk({ contextOf })` and for key exchanges with the pre-shared keys. */
export function memoryPskKeys(core: Core, entries: Iterable<PskEntry>): (identity: string) => CryptoContext | null {
  const contexts = new Map<string, CryptoContext>();
  for (const entry of entries) contexts.set(entry.identity, pskContext(core, entry));
  return (identity) => contexts.get(identity) ?? null;
}

export function pskContext(core: Core, entry: PskEntry): CryptoContext {
  const encryption = core.importKey(ENCRYPTION_KEY, entry.encryptionKey);
  const mac = core.importKey(MAC_KEY, entry.macKey);
  const given = entry.wrappingKey ?? null;
  const wrapping = given === null ? core.deriveWrappingKey(encryption, mac) : core.importKey(WRAPPING_KEY, given);
  return slotContext(core, { keyId: entry.identity, encryption, mac, wrapping, owns: true });
}
