// A crypto context: what a message, token or key exchange is protected with ("MSL Cryptography").
// Slots answer at once; keys held elsewhere (TEE, secure element) answer with a promise through the same methods.

import type { Core, KeyHandle, KeyId, KeySpec } from "../core/core.ts";
import type { Format } from "../encoding/codec.ts";
import type { Awaitable } from "../platform/awaitable.ts";

export interface SessionKeys {
  readonly encryption: KeyHandle;
  readonly mac: KeyHandle;
  /** Set where the keys are outside of the core; the handles then only stand for them. */
  readonly opaque?: OpaqueSession | null;
}

/** A session whose keys stay in hardware. */
export interface OpaqueSession {
  /** @param keyId  goes into envelopes */
  context(keyId: string): CryptoContext;
  /** What the device's state holds of it; null: the session ends with this process. */
  readonly stored: Uint8Array | null;
  /** The session is over for good. Failures are ignored. */
  forget?(): Awaitable<void>;
}

/** A private RSA key that is elsewhere. What its holder raises comes as protocol errors. */
export interface OpaqueDecryption {
  /** RSAES-OAEP with SHA-1. @throws CIPHERTEXT_BAD_PADDING, DECRYPT_NOT_SUPPORTED */
  decrypt(wrapped: Uint8Array): Awaitable<Uint8Array>;
  /** Opens both keys of a session where the private key is; null: `decrypt` gives each to the core. @throws UNWRAP_ERROR */
  readonly unwrapSession: ((encryptionKey: Uint8Array, macKey: Uint8Array) => Awaitable<SessionKeys>) | null;
  dispose(): void;
}

/** Opens what `OpaqueSession.stored` gave, after a restart; null or a rejection: it is lost, and the entity authenticates anew. */
export type RestoreSession = (stored: Uint8Array) => Awaitable<SessionKeys | null>;

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
  /**
   * Unwraps both keys of a session where the wrapping key is, so that their bytes never reach this process: the session
   * stays in the hardware. Absent or null: `unwrapKey` gives each key to the core. @throws as `unwrapKey`
   */
  readonly unwrapSession?: ((encryptionKey: Uint8Array, macKey: Uint8Array) => Awaitable<SessionKeys>) | null;
  /** RFC 3394 of bytes, for key texts; absent where the context cannot. @throws WRAP_NOT_SUPPORTED, PLAINTEXT_ILLEGAL_BLOCK_SIZE */
  wrapBytes?(data: Uint8Array): Awaitable<Uint8Array>;
  /** @throws UNWRAP_NOT_SUPPORTED, UNWRAP_ERROR, CIPHERTEXT_ILLEGAL_BLOCK_SIZE */
  unwrapBytes?(wrapped: Uint8Array): Awaitable<Uint8Array>;
  /** Set when encryption and MAC keys both sit in slots of the core. */
  readonly slots: SlotKeys | null;
  /** Clears the keys that this context owns. Idempotent. */
  dispose(): void;
}
