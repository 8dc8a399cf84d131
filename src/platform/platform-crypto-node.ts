// node:crypto as the platform's cryptography. The sizes are where `npm run bench:crossover` saw it overtake the core.

import { createCipheriv, createDecipheriv, createHmac, createSecretKey } from "node:crypto";
import type { PlatformCrypto } from "./platform-crypto.ts";

export const nodeCrypto: PlatformCrypto = {
  encryptFrom: 768,
  decryptFrom: 1536,
  macFrom: 1024,
  sealFrom: 896,
  openFrom: 1024,

  importCipher(raw) {
    const key = createSecretKey(raw);
    const name = `aes-${raw.length * 8}-cbc`;
    return {
      encrypt(iv, plain) {
        const cipher = createCipheriv(name, key, iv);
        return plainView(Buffer.concat([cipher.update(plain), cipher.final()]));
      },
      decrypt(iv, ciphertext) {
        // Padding is taken off here: node's own way copies all of the plaintext once more.
        const decipher = createDecipheriv(name, key, iv).setAutoPadding(false);
        const padded = decipher.update(ciphertext);
        decipher.final();
        const length = unpaddedLength(padded);
        if (length >= 0) return plainView(padded.subarray(0, length));
        padded.fill(0);
        return null;
      },
    };
  },

  importMac(raw) {
    const key = createSecretKey(raw);
    return {
      sign(...parts) {
        const mac = createHmac("sha256", key);
        for (const part of parts) mac.update(part);
        return plainView(mac.digest());
      },
    };
  },
};

/** The same bytes as the core would give them: not a Buffer, whose `slice` is a view. */
function plainView(bytes: Buffer): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Length without PKCS#5 padding, or -1 if that is wrong; looks at all of the last block whatever it holds. */
function unpaddedLength(padded: Uint8Array): number {
  const end = padded.length;
  const pad = padded[end - 1] ?? 0;
  let bad = ((pad - 1) >> 31) | ((16 - pad) >> 31);
  for (let i = 0; i < 16; i++) bad |= ((i - pad) >> 31) & ((padded[end - 1 - i] ?? 0) ^ pad);
  return bad === 0 ? end - pad : -1;
}
