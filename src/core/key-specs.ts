// Types and usages of the keys that the library makes.

import * as abi from "./abi.ts";
import type { KeySpec } from "./key-handle.ts";

/** Session keys leave the core inside master tokens and device state, so they are exportable. */
export const SESSION_ENCRYPTION: KeySpec = {
  type: abi.KEY_AES,
  usage: abi.USE_ENCRYPT | abi.USE_DECRYPT | abi.USE_EXPORT,
};
export const SESSION_MAC: KeySpec = {
  type: abi.KEY_HMAC_SHA256,
  usage: abi.USE_SIGN | abi.USE_VERIFY | abi.USE_EXPORT,
};
/** Session keys of issuers that sign with AES-CMAC. */
export const SESSION_CMAC: KeySpec = { type: abi.KEY_CMAC, usage: abi.USE_SIGN | abi.USE_VERIFY | abi.USE_EXPORT };
/** Keys of entities and issuers never leave. */
export const ENCRYPTION_KEY: KeySpec = { type: abi.KEY_AES, usage: abi.USE_ENCRYPT | abi.USE_DECRYPT };
export const MAC_KEY: KeySpec = { type: abi.KEY_HMAC_SHA256, usage: abi.USE_SIGN | abi.USE_VERIFY };
export const WRAPPING_KEY: KeySpec = { type: abi.KEY_AES_WRAP, usage: abi.USE_WRAP | abi.USE_UNWRAP };
/** Wrapping keys of the ladders: sent wrapped, and kept in the device's state. */
export const LADDER_KEY: KeySpec = {
  type: abi.KEY_AES_WRAP,
  usage: abi.USE_WRAP | abi.USE_UNWRAP | abi.USE_EXPORT,
};
/** An X25519 private key. */
export const X25519_PRIVATE: KeySpec = { type: abi.KEY_X25519, usage: abi.USE_DERIVE };
export const SHARED_SECRET: KeySpec = { type: abi.KEY_SECRET, usage: abi.USE_DERIVE };
export const CMAC_KEY: KeySpec = { type: abi.KEY_CMAC, usage: abi.USE_SIGN | abi.USE_VERIFY };
/** A content encryption key of JSON Web Encryption: made here and sent wrapped. */
export const CONTENT_KEY: KeySpec = { type: abi.KEY_AES, usage: abi.USE_ENCRYPT | abi.USE_DECRYPT | abi.USE_EXPORT };
export const P256_AGREEMENT: KeySpec = { type: abi.KEY_P256, usage: abi.USE_DERIVE };
export const P256_SIGNING: KeySpec = { type: abi.KEY_P256, usage: abi.USE_SIGN };
export const RSA_DECRYPTION: KeySpec = { type: abi.KEY_RSA, usage: abi.USE_DECRYPT | abi.USE_UNWRAP };
export const RSA_SIGNING: KeySpec = { type: abi.KEY_RSA, usage: abi.USE_SIGN };
export const DH_PRIVATE: KeySpec = { type: abi.KEY_DH, usage: abi.USE_DERIVE };
