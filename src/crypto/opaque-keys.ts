// Keys that live outside of this process's memory: in a TEE, a secure element, a platform's key store, another process.
// Whoever holds them does these operations; envelopes, key ids and checks stay here (opaque-context.ts).

import type { Awaitable } from "../platform/awaitable.ts";

/**
 * What the holder of an encryption, a MAC and a wrapping key offers ("MSL Cryptography"); an absent operation is one
 * that the key does not have. Each may answer later. A rejection with a protocol error is passed on; any other becomes
 * the operation's *_ERROR with the rejection as its cause.
 *
 * Which operations a device needs: as an entity with PSK encrypt, decrypt, sign and verify; for SYMMETRIC_WRAPPED
 * either `unwrapSession`, and the session keys never leave, or `unwrap`, and they go into slots of the core; for the
 * ladders, whose keys come inside texts, `unwrap`.
 */
export interface KeyOperations {
  /** AES-CBC with PKCS#5 padding under a fresh random IV of 16 bytes. */
  encrypt?(plain: Uint8Array): Awaitable<{ readonly iv: Uint8Array; readonly ciphertext: Uint8Array }>;
  /** Called for data whose MAC is right, so that a padding error tells a stranger nothing. */
  decrypt?(iv: Uint8Array, ciphertext: Uint8Array): Awaitable<Uint8Array>;
  /** What `sign` and `verify` compute. Default: HMAC-SHA256, 32 bytes; AES-CMAC has 16. */
  readonly signatureAlgorithm?: "HmacSHA256" | "AESCmac";
  sign?(data: Uint8Array): Awaitable<Uint8Array>;
  /** Compares in constant time. Absent: `sign` is asked and compared here. */
  verify?(data: Uint8Array, mac: Uint8Array): Awaitable<boolean>;
  /** AES key wrap (RFC 3394) of raw key bytes or of a key text of a ladder, which are wiped afterwards. For issuers. */
  wrap?(key: Uint8Array): Awaitable<Uint8Array>;
  /** The raw bytes of a wrapped key or key text; the keys go into slots of the core and the bytes are wiped. */
  unwrap?(wrapped: Uint8Array): Awaitable<Uint8Array>;
  /** Unwraps an AES-128 key and an HMAC-SHA256 key of 32 bytes, and keeps both. */
  unwrapSession?(encryptionKey: Uint8Array, macKey: Uint8Array): Awaitable<HeldSession>;
  /** This process does not use the keys any longer. Idempotent. */
  dispose?(): void;
}

/**
 * What the holder of a private RSA key offers to ASYMMETRIC_WRAPPED. Either is enough: with `unwrapSession` the session
 * keys never leave; with `decrypt` they go into slots of the core.
 */
export interface DecryptionOperations {
  /** RSAES-OAEP with SHA-1 and MGF1 of it. The result is wiped. */
  decrypt?(wrapped: Uint8Array): Awaitable<Uint8Array>;
  /** Opens both values of a response as the key pair's mechanism wrote them, and keeps the keys. */
  unwrapSession?(encryptionKey: Uint8Array, macKey: Uint8Array): Awaitable<HeldSession>;
  /** This process does not use the key any longer. Idempotent. */
  dispose?(): void;
}

/** A session whose keys stay where they are; `opaqueSession` makes session keys of it. */
export interface HeldSession {
  readonly keys: KeyOperations;
  /**
   * What the device's state holds of it: given back to `restoreSession` after a restart. A name of the keys, or the keys
   * in a form that only their holder opens, such as the wrapped ones. Null: the session ends with this process.
   */
  readonly stored: Uint8Array | null;
  /** The session is over for good: its holder need not keep the keys for a later start. Failures are ignored. */
  forget?(): Awaitable<void>;
}

/**
 * `HeldSession.stored` of a session whose wrapped keys are kept as they came: only their holder opens them. The length of
 * the first is one byte, or 0 and two bytes.
 */
export function wrappedSessionState(encryptionKey: Uint8Array, macKey: Uint8Array): Uint8Array {
  const { length } = encryptionKey;
  const head = length > 0 && length < 256 ? [length] : [0, length >> 8, length & 255];
  return Uint8Array.of(...head, ...encryptionKey, ...macKey);
}

/** The wrapped keys of a state. */
export function wrappedKeysOf(stored: Uint8Array): readonly [encryptionKey: Uint8Array, macKey: Uint8Array] {
  const [length = 0, high = 0, low = 0] = stored;
  const from = length > 0 ? 1 : 3;
  const to = from + (length > 0 ? length : high * 256 + low);
  return [stored.slice(from, to), stored.slice(to)];
}
