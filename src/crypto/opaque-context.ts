// Crypto contexts over keys that live elsewhere: the same envelopes and checks as with keys in slots, with operations
// that may answer later ("MSL Cryptography").

import { type Core, type KeyHandle, type KeySpec, SESSION_ENCRYPTION, SESSION_MAC } from "../core/core.ts";
import { SESSION_CMAC } from "../core/key-specs.ts";
import { sameBytes } from "../core/same-bytes.ts";
import type { MslErrorCode } from "../errors/codes.ts";
import { MslError, protocolError } from "../errors/msl-error.ts";
import { type Awaitable, isPending } from "../platform/awaitable.ts";
import { decodeCiphertextEnvelope, encodeCiphertextEnvelope } from "./ciphertext-envelope.ts";
import type { CryptoContext, OpaqueDecryption, RestoreSession, SessionKeys } from "./crypto-context.ts";
import { type DecryptionOperations, type HeldSession, type KeyOperations, wrappedKeysOf } from "./opaque-keys.ts";
import { detectSignatureEnvelope } from "./signature-envelope.ts";

export { type DecryptionOperations, type HeldSession, type KeyOperations, wrappedSessionState } from "./opaque-keys.ts";

export interface OpaqueContextKeys {
  /** Goes into envelopes: the identity of a pre-shared key's entity. */
  readonly keyId: string;
  readonly keys: KeyOperations;
  /** Whether `dispose` tells the holder that the keys are not needed any longer. */
  readonly owns?: boolean;
}

const MAC_BYTES = { HmacSHA256: 32, AESCmac: 16 } as const;
const IV_BYTES = 16;
const BLOCK = 16;

/**
 * A symmetric context whose keys are elsewhere: for `psk({ contextOf })`, for SYMMETRIC_WRAPPED, for `encryptedStorage`.
 * The core only imports what `unwrap` gives back and exports what `wrap` is to wrap.
 */
export function opaqueContext(core: Core, options: OpaqueContextKeys): CryptoContext {
  const { keyId, keys } = options;
  const algorithm = keys.signatureAlgorithm ?? "HmacSHA256";
  const macBytes = MAC_BYTES[algorithm];
  return {
    encrypt(plain, format) {
      if (keys.encrypt === undefined) return protocolError("ENCRYPT_NOT_SUPPORTED");
      if (plain.length === 0) {
        return encodeCiphertextEnvelope(format, { version: 1, keyId, iv: core.random(IV_BYTES), ciphertext: plain });
      }
      const encrypt = keys.encrypt.bind(keys);
      return answered(
        "ENCRYPT_ERROR",
        () => encrypt(plain),
        ({ iv, ciphertext }) => {
          const isWhole = ciphertext.length === plain.length + BLOCK - (plain.length % BLOCK);
          if (iv.length !== IV_BYTES || !isWhole) return protocolError("ENCRYPT_ERROR");
          return encodeCiphertextEnvelope(format, { version: 1, keyId, iv, ciphertext });
        },
      );
    },
    decrypt(data) {
      if (keys.decrypt === undefined) return protocolError("DECRYPT_NOT_SUPPORTED");
      if (data.length === 0) return data;
      const { iv, ciphertext } = decodeCiphertextEnvelope(data, 1, "CIPHERTEXT_ENVELOPE_PARSE_ERROR");
      if (ciphertext.length === 0) return ciphertext;
      if (iv === null) return protocolError("CIPHERTEXT_ENVELOPE_PARSE_ERROR", "ciphertextenvelope.iv");
      if (iv.length !== IV_BYTES) return protocolError("INVALID_ALGORITHM_PARAMS", "ciphertextenvelope.iv");
      if (ciphertext.length % BLOCK !== 0) return protocolError("CIPHERTEXT_ILLEGAL_BLOCK_SIZE", "ciphertextenvelope");
      const decrypt = keys.decrypt.bind(keys);
      return answered(
        "DECRYPT_ERROR",
        () => decrypt(iv, ciphertext),
        (plain) => plain,
      );
    },
    sign(data) {
      if (keys.sign === undefined) return protocolError("SIGN_NOT_SUPPORTED");
      const sign = keys.sign.bind(keys);
      return answered(
        "HMAC_ERROR",
        () => sign(data),
        (mac) => {
          return mac.length === macBytes ? mac : protocolError("HMAC_ERROR");
        },
      );
    },
    verify(data, signature) {
      if (keys.verify === undefined && keys.sign === undefined) return protocolError("VERIFY_NOT_SUPPORTED");
      let mac = signature;
      if (signature.length !== macBytes) {
        const envelope = detectSignatureEnvelope(signature);
        if (envelope.version === 2 && envelope.algorithm !== algorithm) return false;
        mac = envelope.signature;
      }
      if (mac.length !== macBytes) return false;
      const verify = keys.verify?.bind(keys);
      // `true` and nothing else: a holder that answers with an object has not said that the MAC is right.
      if (verify !== undefined)
        return answered(
          "HMAC_ERROR",
          () => verify(data, mac),
          (isRight) => isRight === true,
        );
      const sign = keys.sign!.bind(keys);
      return answered(
        "HMAC_ERROR",
        () => sign(data),
        (right) => right.length === macBytes && sameBytes(right, mac),
      );
    },
    async wrapKey(key) {
      if (keys.wrap === undefined) return protocolError("WRAP_NOT_SUPPORTED");
      const wrap = keys.wrap.bind(keys);
      const raw = core.exportKey(key);
      try {
        return await answered(
          "WRAP_ERROR",
          () => wrap(raw),
          (wrapped) => wrapped,
        );
      } finally {
        raw.fill(0);
      }
    },
    unwrapKey(wrapped, spec) {
      if (keys.unwrap === undefined) return protocolError("UNWRAP_NOT_SUPPORTED");
      const unwrap = keys.unwrap.bind(keys);
      return answered(
        "UNWRAP_ERROR",
        () => unwrap(wrapped),
        (raw) => core.importKey(spec, raw),
      );
    },
    wrapBytes(data) {
      if (keys.wrap === undefined) return protocolError("WRAP_NOT_SUPPORTED");
      if (data.length < 16 || data.length % 8 !== 0) return protocolError("PLAINTEXT_ILLEGAL_BLOCK_SIZE");
      const wrap = keys.wrap.bind(keys);
      return answered(
        "WRAP_ERROR",
        () => wrap(data),
        (wrapped) => wrapped,
      );
    },
    unwrapBytes(wrapped) {
      if (keys.unwrap === undefined) return protocolError("UNWRAP_NOT_SUPPORTED");
      if (wrapped.length < 24 || wrapped.length % 8 !== 0) return protocolError("CIPHERTEXT_ILLEGAL_BLOCK_SIZE");
      const unwrap = keys.unwrap.bind(keys);
      return answered(
        "UNWRAP_ERROR",
        () => unwrap(wrapped),
        (raw) => raw,
      );
    },
    unwrapSession: sessionUnwrapping(core, keys),
    slots: null,
    dispose() {
      if (options.owns === true) keys.dispose?.();
    },
  };
}

/**
 * Session keys that stand for what `held` does: what a key exchange completes with, and what `restoreSession` gives.
 * The handles open nothing: the core refuses them.
 */
export function opaqueSession(core: Core, held: HeldSession): SessionKeys {
  let isDisposed = false;
  const dispose = () => {
    if (isDisposed) return;
    isDisposed = true;
    held.keys.dispose?.();
  };
  const handle = (spec: KeySpec, length: number): KeyHandle => ({
    type: spec.type,
    usage: 0,
    length,
    get disposed() {
      return isDisposed;
    },
    pin() {},
    unpin() {},
    dispose,
  });
  const isCmac = held.keys.signatureAlgorithm === "AESCmac";
  return {
    encryption: handle(SESSION_ENCRYPTION, 16),
    mac: isCmac ? handle(SESSION_CMAC, 16) : handle(SESSION_MAC, 32),
    opaque: {
      stored: held.stored,
      context: (keyId) => ({ ...opaqueContext(core, { keyId, keys: held.keys }), dispose }),
      forget: () => held.forget?.(),
    },
  };
}

/** `restoreSession` for sessions that are stored as `wrappedSessionState`: their holder unwraps them again. */
export function restoreWrappedSession(core: Core, keys: Pick<KeyOperations, "unwrapSession">): RestoreSession {
  return async (stored) => {
    const held = await keys.unwrapSession?.(...wrappedKeysOf(stored));
    return held === undefined ? null : opaqueSession(core, held);
  };
}

/** A private RSA key that is elsewhere, for the key pairs of ASYMMETRIC_WRAPPED. */
export function opaqueDecryption(core: Core, keys: DecryptionOperations): OpaqueDecryption {
  return {
    decrypt(wrapped) {
      if (keys.decrypt === undefined) return protocolError("DECRYPT_NOT_SUPPORTED");
      const decrypt = keys.decrypt.bind(keys);
      return answered(
        "CIPHERTEXT_BAD_PADDING",
        () => decrypt(wrapped),
        (plain) => plain,
      );
    },
    unwrapSession: sessionUnwrapping(core, keys),
    dispose: () => keys.dispose?.(),
  };
}

/**
 * A signing context whose private key is elsewhere, for `rsa({ local })`, `ecc({ local })` and `x509`: `sign` gives
 * RSASSA-PKCS1-v1_5 or ECDSA with SHA-256, ECDSA in DER (`ecdsaToDer`). Signatures are verified by `verifier`, a context
 * of the public key in the core, where there is one.
 */
export function opaqueSigningContext(
  sign: (data: Uint8Array) => Awaitable<Uint8Array>,
  verifier: CryptoContext | null = null,
): CryptoContext {
  return {
    encrypt: (plain) => plain,
    decrypt: (data) => data,
    sign: (data) => {
      return answered(
        "SIGNATURE_ERROR",
        () => sign(data),
        (signature) => {
          return signature.length > 0 ? signature : protocolError("SIGNATURE_ERROR");
        },
      );
    },
    verify: (data, signature) =>
      verifier === null ? protocolError("VERIFY_NOT_SUPPORTED") : verifier.verify(data, signature),
    wrapKey: () => protocolError("WRAP_NOT_SUPPORTED"),
    unwrapKey: () => protocolError("UNWRAP_NOT_SUPPORTED"),
    slots: null,
    dispose() {},
  };
}

/** DER of an ECDSA signature over P-256 that is r ‖ s, as WebCrypto and smart cards write it. @throws SIGNATURE_ERROR */
export function ecdsaToDer(raw: Uint8Array): Uint8Array {
  if (raw.length !== 64) return protocolError("SIGNATURE_ERROR");
  const integers = [raw.subarray(0, 32), raw.subarray(32)].map((value) => {
    let from = 0;
    while (from < 31 && value[from] === 0) from++;
    const digits = value.subarray(from);
    return digits[0]! >= 0x80 ? Uint8Array.of(0, ...digits) : digits;
  });
  const body = integers.flatMap((digits) => [0x02, digits.length, ...digits]);
  return Uint8Array.of(0x30, body.length, ...body);
}

/** Whole sessions that the holder unwraps and keeps; null: it does not. */
function sessionUnwrapping(core: Core, keys: Pick<KeyOperations, "unwrapSession">): OpaqueDecryption["unwrapSession"] {
  const unwrap = keys.unwrapSession?.bind(keys);
  if (unwrap === undefined) return null;
  return (encryptionKey, macKey) =>
    answered(
      "UNWRAP_ERROR",
      () => unwrap(encryptionKey, macKey),
      (held) => opaqueSession(core, held),
    );
}

/** The holder's answer through `next`; what it raises, as an error of the operation. */
function answered<T, R>(code: MslErrorCode, ask: () => Awaitable<T>, next: (answer: T) => R): Awaitable<R> {
  const failed = (error: unknown): never => {
    if (error instanceof MslError) throw error;
    return protocolError(code, null, error);
  };
  try {
    const answer = ask();
    return isPending(answer) ? answer.then(next).catch(failed) : next(answer);
  } catch (error) {
    return failed(error);
  }
}
