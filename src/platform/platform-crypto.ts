// The platform's own AES-CBC and HMAC, where it has them and they are faster than the core: large data on servers. Only
// session keys are given to it; keys of entities, tokens and wrapping never leave the core.

export interface PlatformCipher {
  /** PKCS#5 padded ciphertext. */
  encrypt(iv: Uint8Array, plain: Uint8Array): Uint8Array;
  /** Plaintext, or null if the padding is wrong. */
  decrypt(iv: Uint8Array, ciphertext: Uint8Array): Uint8Array | null;
}

export interface PlatformMac {
  /** HMAC-SHA256 of the parts one after the other. */
  sign(...parts: readonly Uint8Array[]): Uint8Array;
}

export interface PlatformCrypto {
  /** Bytes from which the platform was measured to be faster. */
  readonly encryptFrom: number;
  readonly decryptFrom: number;
  readonly macFrom: number;
  readonly sealFrom: number;
  readonly openFrom: number;
  /** Copies the key; the caller wipes its bytes. */
  importCipher(key: Uint8Array): PlatformCipher;
  importMac(key: Uint8Array): PlatformMac;
}
