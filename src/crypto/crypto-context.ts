// A crypto context: what a message, token or key exchange is protected with ("MSL Cryptography").
// Slots answer at once; keys held elsewhere (TEE, secure element) answer with a promise through the same methods.

import type { Core, KeyHandle, KeyId, KeySpec } from "../core/core.ts";
import type { Format } from "../encoding/codec.ts";
import type { Awaitable } from "../platform/awaitable.ts";

export interface SessionKeys {
  readonly encryption: KeyHandle;
  readonly mac: KeyHandle;
}

/** Keys in slots, for the fused path: a whole pair or chunk in one call into the core. */
export interface SlotKeys extends SessionKeys {
  readonly core: Core;
  /** Goes into the envelope's `keyid`. */
  readonly keyId: KeyId;
}

export interface CryptoContext {
  /** Encoded ciphertext envelope, version 1, in `format`; contexts that do not encrypt give the input. */
  encrypt(plain: Uint8Array, format: Format): Awaitable<Uint8Array>;
  /** @throws CIPHERTEXT_ENVELOPE_PARSE_ERROR, CIPHERTEXT_BAD_PADDING, CIPHERTEXT_ILLEGAL_BLOCK_SIZE, INVALID_ALGORITHM_PARAMS, DECRYPT_NOT_SUPPORTED */
  decrypt(data: Uint8Array): Awaitable<Uint8Array>;
  /** Signature envelope, version 1: the raw signature. */
  sign(data: Uint8Array, format: Format): Awaitable<Uint8Array>;
  /** False for a wrong signature; detects version 2 envelopes. */
  verify(data: Uint8Array, signature: Uint8Array): Awaitable<boolean>;
  /** Key wrap of a key (RFC 3394 for symmetric contexts). @throws WRAP_NOT_SUPPORTED */
  wrapKey(key: KeyHandle): Awaitable<Uint8Array>;
  /** @throws UNWRAP_NOT_SUPPORTED, UNWRAP_ERROR, CIPHERTEXT_ILLEGAL_BLOCK_SIZE */
  unwrapKey(wrapped: Uint8Array, spec: KeySpec): Awaitable<KeyHandle>;
  /** Set when encryption and MAC keys both sit in slots of the core. */
  readonly slots: SlotKeys | null;
  /** Clears the keys that this context owns. Idempotent. */
  dispose(): void;
}
