// Encrypt-then-sign and verify-then-decrypt of (data, signature) pairs: one call into the core where the keys are in
// slots, composed from the context's operations otherwise. Nothing is decrypted before its signature is right.

import type { Format } from "../encoding/codec.ts";
import { type Awaitable, chain } from "../platform/awaitable.ts";
import type { CryptoContext } from "./crypto-context.ts";

export interface SealedPair {
  /** Encoded ciphertext envelope, or the plain bytes where the context does not encrypt. */
  readonly data: Uint8Array;
  readonly signature: Uint8Array;
}

export function sealPair(context: CryptoContext, plain: Uint8Array, format: Format): Awaitable<SealedPair> {
  const { slots } = context;
  if (slots !== null && plain.length > 0) {
    const sealed = slots.core.sealPair(format, slots.encryption, slots.mac, slots.keyId, plain);
    if (sealed !== null) return sealed;
  }
  return chain(context.encrypt(plain, format), (encrypted) => {
    // A context that does not encrypt gives its input, which the caller wipes.
    const data = encrypted === plain ? plain.slice() : encrypted;
    return chain(context.sign(data, format), (signature) => ({ data, signature }));
  });
}

/** The plaintext, which the caller wipes, or null if the signature is wrong. Errors as `CryptoContext.decrypt`. */
export function openPair(
  context: CryptoContext,
  data: Uint8Array,
  signature: Uint8Array,
): Awaitable<Uint8Array | null> {
  const { slots } = context;
  if (slots !== null) {
    const opened = slots.core.openPair(slots.encryption, slots.mac, data, signature);
    if (opened.kind === "opened") return opened.value;
    if (opened.kind === "bad-tag") return null;
  }
  return chain(context.verify(data, signature), (isRight) => {
    if (!isRight) return null;
    return chain(context.decrypt(data), (plain) => (plain === data ? plain.slice() : plain));
  });
}
