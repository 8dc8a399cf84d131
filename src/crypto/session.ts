// Session context of a master token ("MSL Cryptography"): its two session keys, no wrapping key. The key id is
// identity_sequencenumber, or the sequence number alone where the identity is unknown.

import type { Core } from "../core/core.ts";
import type { CryptoContext, SessionKeys } from "./crypto-context.ts";
import { slotContext } from "./symmetric.ts";

/** The context owns the keys. */
export function sessionContext(
  core: Core,
  identity: string | null,
  sequenceNumber: number,
  keys: SessionKeys,
): CryptoContext {
  const keyId = identity === null ? String(sequenceNumber) : `${identity}_${sequenceNumber}`;
  const opaque = keys.opaque ?? null;
  if (opaque !== null) return opaque.context(keyId);
  return slotContext(core, { keyId, encryption: keys.encryption, mac: keys.mac, owns: true });
}
