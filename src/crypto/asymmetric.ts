// Signing contexts of asymmetric keys ("MSL Cryptography"): RSASSA-PKCS1-v1_5 and ECDSA over P-256, both with SHA-256.
// They protect integrity alone: encrypt and decrypt give the input.

import type { Core } from "../core/core.ts";
import type { KeyHandle } from "../core/key-handle.ts";
import { ecdsaSign, ecdsaVerify } from "../core/ecdsa.ts";
import {
  type RsaPublicKey,
  rsaOaepDecrypt,
  rsaOaepEncrypt,
  rsaPkcs1Decrypt,
  rsaPkcs1Encrypt,
  rsaSign,
  rsaVerify,
} from "../core/rsa.ts";
import { protocolError } from "../errors/msl-error.ts";
import { decodeCiphertextEnvelope, encodeCiphertextEnvelope } from "./ciphertext-envelope.ts";
import type { CryptoContext } from "./crypto-context.ts";
import { detectSignatureEnvelope, type SignatureAlgorithm } from "./signature-envelope.ts";

/** A private key in a slot of the core. It is lent: the context does not clear it. */
export type SigningKey = KeyHandle;

function signingContext(
  sign: ((digest: Uint8Array) => Uint8Array) | null,
  verify: ((digest: Uint8Array, signature: Uint8Array) => boolean) | null,
  core: Core,
  algorithm: SignatureAlgorithm | null,
): CryptoContext {
  return {
    encrypt: (plain) => plain,
    decrypt: (data) => data,
    sign: (data) => (sign === null ? protocolError("SIGN_NOT_SUPPORTED") : sign(core.sha256(data))),
    verify(data, signature) {
      if (verify === null) return protocolError("VERIFY_NOT_SUPPORTED");
      const envelope = detectSignatureEnvelope(signature);
      // Differs from reference: an envelope that names another algorithm does not verify.
      if (envelope.version === 2 && envelope.algorithm !== algorithm) return false;
      return verify(core.sha256(data), envelope.signature);
    },
    wrapKey: () => protocolError("WRAP_NOT_SUPPORTED"),
    unwrapKey: () => protocolError("UNWRAP_NOT_SUPPORTED"),
    slots: null,
    dispose() {},
  };
}

/** @throws SIGNATURE_ERROR on verify for a signature that is not as long as the modulus, INVALID_PUBLIC_KEY */
export function rsaContext(core: Core, publicKey: RsaPublicKey | null, privateKey: SigningKey | null): CryptoContext {
  return signingContext(
    privateKey === null ? null : (digest) => rsaSign(core, privateKey, digest),
    publicKey === null
      ? null
      : (digest, signature) => {
          if (signature.length !== publicKey.n.length) protocolError("SIGNATURE_ERROR", "signature");
          return rsaVerify(core, publicKey, digest, signature);
        },
    core,
    "SHA256withRSA",
  );
}

/**
 * Signs in DER; verifies DER and raw r ‖ s, as WebCrypto writes it. `publicKey`: 04 ‖ X ‖ Y.
 * @throws SIGNATURE_ERROR on verify for bytes of neither form, INVALID_PUBLIC_KEY
 */
export function ecdsaContext(core: Core, publicKey: Uint8Array | null, privateKey: SigningKey | null): CryptoContext {
  return signingContext(
    privateKey === null ? null : (digest) => ecdsaSign(core, privateKey, digest),
    publicKey === null
      ? null
      : (digest, signature) => {
          if (!isEcdsaForm(signature)) protocolError("SIGNATURE_ERROR", "signature");
          return ecdsaVerify(core, publicKey, digest, signature);
        },
    core,
    null,
  );
}

/**
 * Encrypts and decrypts short data with RSA, in envelopes without an IV; signs nothing and verifies everything, so never
 * a message. PKCS#1 v1.5 rejects implicitly: wrong padding gives bytes that look random.
 * @throws ENCRYPT_NOT_SUPPORTED, DECRYPT_NOT_SUPPORTED, CIPHERTEXT_ENVELOPE_PARSE_ERROR, CIPHERTEXT_BAD_PADDING, CIPHERTEXT_ILLEGAL_BLOCK_SIZE
 */
export function rsaEncryptionContext(
  core: Core,
  keyId: string,
  publicKey: RsaPublicKey | null,
  privateKey: KeyHandle | null,
  padding: "OAEP" | "PKCS1",
): CryptoContext {
  return {
    ...signingContext(null, null, core, null),
    encrypt(plain, format) {
      if (publicKey === null) return protocolError("ENCRYPT_NOT_SUPPORTED");
      const seal = padding === "OAEP" ? rsaOaepEncrypt : rsaPkcs1Encrypt;
      return encodeCiphertextEnvelope(format, {
        version: 1,
        keyId,
        iv: null,
        ciphertext: seal(core, publicKey, plain),
      });
    },
    decrypt(data) {
      if (privateKey === null) return protocolError("DECRYPT_NOT_SUPPORTED");
      const { ciphertext } = decodeCiphertextEnvelope(data, 1, "CIPHERTEXT_ENVELOPE_PARSE_ERROR");
      const open = padding === "OAEP" ? rsaOaepDecrypt : rsaPkcs1Decrypt;
      return open(core, privateKey, ciphertext);
    },
    sign: () => new Uint8Array(0),
    verify: () => true,
  };
}

/** SEQUENCE of two positive integers of at most 33 bytes, in their shortest forms; or 64 bytes. */
function isEcdsaForm(signature: Uint8Array): boolean {
  if (signature.length === 64) return true;
  if (signature[0] !== 0x30 || signature[1] !== signature.length - 2) return false;
  let at = 2;
  for (let i = 0; i < 2; i++) {
    const length = signature[at + 1] ?? 0;
    const first = signature[at + 2] ?? 0;
    if (signature[at] !== 0x02 || length < 1 || length > 33 || at + 2 + length > signature.length) return false;
    if (first >= 0x80 || (first === 0 && length > 1 && (signature[at + 3] ?? 0) < 0x80)) return false;
    at += 2 + length;
  }
  return at === signature.length;
}
