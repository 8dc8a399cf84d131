// Keys of the platform's WebCrypto, made or imported there as non-extractable: their bytes stay in the browser's process
// or below. `crypto.subtle` is absent on pages of http:// origins. The platform object comes in as an argument.

import type { Core } from "../core/core.ts";
import { protocolError } from "../errors/msl-error.ts";
import type { CryptoContext } from "./crypto-context.ts";
import { ecdsaToDer, opaqueSigningContext } from "./opaque-context.ts";
import { type KeyOperations, wrappedSessionState } from "./opaque-keys.ts";

/** A `CryptoKey`. */
export type PlatformKey = object;

/** The part of `SubtleCrypto` that is used. */
export interface PlatformSubtle {
  encrypt(algorithm: unknown, key: never, data: never): Promise<ArrayBuffer>;
  decrypt(algorithm: unknown, key: never, data: never): Promise<ArrayBuffer>;
  sign(algorithm: unknown, key: never, data: never): Promise<ArrayBuffer>;
  verify(algorithm: unknown, key: never, signature: never, data: never): Promise<boolean>;
  importKey(format: "raw", data: never, algorithm: never, extractable: boolean, usages: never): Promise<PlatformKey>;
  exportKey(format: "raw", key: never): Promise<unknown>;
  wrapKey(format: "raw", key: never, wrapping: never, algorithm: unknown): Promise<ArrayBuffer>;
  unwrapKey(
    format: "raw",
    wrapped: never,
    wrapping: never,
    algorithm: unknown,
    keyAlgorithm: never,
    extractable: boolean,
    usages: never,
  ): Promise<PlatformKey>;
}

export interface WebCryptoKeys {
  /** AES-CBC, for `encrypt` and `decrypt`. */
  readonly encryption?: PlatformKey | null;
  /** HMAC with SHA-256, for `sign` and `verify`. */
  readonly mac?: PlatformKey | null;
  /** AES-KW, for `unwrapKey` (devices) or `wrapKey` (issuers). */
  readonly wrapping?: PlatformKey | null;
}

const HMAC = { name: "HMAC", hash: "SHA-256" };
const KEY_WRAP = "AES-KW";
const WRAPPED_AES_128 = 24;
const WRAPPED_MAC = 40;

/**
 * Operations for `opaqueContext`. With a wrapping key, sessions of SYMMETRIC_WRAPPED are unwrapped into non-extractable
 * keys and kept in the device's state as they were wrapped; give `restoreWrappedSession(core, keys)` to the client.
 *
 * @param core  of its entropy come the IVs
 */
export function webCryptoKeys(platform: PlatformSubtle, keys: WebCryptoKeys, core: Core): KeyOperations {
  const subtle = platform as unknown as AnySubtle;
  const { encryption, mac, wrapping } = keys;
  const operations: KeyOperations = {};
  if (encryption) {
    operations.encrypt = async (plain) => {
      const iv = core.random(16);
      return { iv, ciphertext: bytesOf(await subtle.encrypt({ name: "AES-CBC", iv }, encryption, plain)) };
    };
    operations.decrypt = async (iv, ciphertext) => {
      try {
        return bytesOf(await subtle.decrypt({ name: "AES-CBC", iv }, encryption, ciphertext));
      } catch (error) {
        // The platform says no more than this; lengths were checked, so it is the padding.
        const isPadding = (error as { name?: string } | null)?.name === "OperationError";
        return protocolError(isPadding ? "CIPHERTEXT_BAD_PADDING" : "DECRYPT_ERROR", null, error);
      }
    };
  }
  if (mac) {
    operations.sign = async (data) => bytesOf(await subtle.sign("HMAC", mac, data));
    operations.verify = (data, tag) => subtle.verify("HMAC", mac, tag, data);
  }
  if (wrapping) {
    operations.wrap = async (raw) => {
      const key = await subtle.importKey("raw", raw, HMAC, true, ["sign"]);
      return bytesOf(await subtle.wrapKey("raw", key, wrapping, KEY_WRAP));
    };
    operations.unwrap = async (wrapped) => {
      const key = await subtle.unwrapKey("raw", wrapped, wrapping, KEY_WRAP, HMAC, true, ["sign"]);
      return bytesOf(await subtle.exportKey("raw", key));
    };
    operations.unwrapSession = async (encryptionKey, macKey) => {
      if (encryptionKey.length !== WRAPPED_AES_128 || macKey.length !== WRAPPED_MAC) protocolError("UNWRAP_ERROR");
      const unwrap = (wrapped: Uint8Array, algorithm: unknown, usages: string[]) =>
        subtle.unwrapKey("raw", wrapped, wrapping, KEY_WRAP, algorithm, false, usages);
      const session = {
        encryption: await unwrap(encryptionKey, { name: "AES-CBC" }, ["encrypt", "decrypt"]),
        mac: await unwrap(macKey, HMAC, ["sign", "verify"]),
      };
      const stored = wrappedSessionState(encryptionKey, macKey);
      return { keys: webCryptoKeys(platform, session, core), stored };
    };
  }
  return operations;
}

/** A context that signs with a non-extractable RSASSA-PKCS1-v1_5 or ECDSA P-256 key; `verifier` is of its public key. */
export function webCryptoSigner(
  platform: PlatformSubtle,
  key: PlatformKey,
  kind: "RSA" | "ECDSA",
  verifier: CryptoContext | null = null,
): CryptoContext {
  const subtle = platform as unknown as AnySubtle;
  const algorithm = kind === "RSA" ? "RSASSA-PKCS1-v1_5" : { name: "ECDSA", hash: "SHA-256" };
  return opaqueSigningContext(async (data) => {
    const signature = bytesOf(await subtle.sign(algorithm, key, data));
    return kind === "RSA" ? signature : ecdsaToDer(signature);
  }, verifier);
}

/** The same methods with parameters of one type; the platform checks them. */
type AnySubtle = { [name in keyof PlatformSubtle]: (...args: unknown[]) => ReturnType<PlatformSubtle[name]> };

const bytesOf = (buffer: unknown): Uint8Array => new Uint8Array(buffer as ArrayBuffer);
