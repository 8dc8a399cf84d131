// node:crypto as the platform's cryptography. The sizes are where `npm run bench:crossover` saw it overtake the core.

import { createCipheriv, createDecipheriv, createHmac, createSecretKey } from "node:crypto";
import type { PlatformCrypto } from "./platform-crypto.ts";

export const nodeCrypto: PlatformCrypto = {
  encryptFrom: 768,
  decryptFrom: 1536,
  macFrom: 1024,
  sealFrom: 1280,
  openFrom: 1280,

  importCipher(raw) {
    const key = createSecretKey(raw);
    const name = `aes-${raw.length * 8}-cbc`;
    return {
      encrypt(iv, plain) {
        const cipher = createCipheriv(name, key, iv);
        const body = cipher.update(plain);
        const last = cipher.final();
        const out = new Uint8Array(body.length + last.length);
        out.set(body);
        out.set(last, body.length);
        return out;
      },
      decrypt(iv, ciphertext) {
        const decipher = createDecipheriv(name, key, iv);
        const body = decipher.update(ciphertext);
        try {
          const last = decipher.final();
          const out = new Uint8Array(body.length + last.length);
          out.set(body);
          out.set(last, body.length);
          return out;
        } catch {
          return null;
        } finally {
          body.fill(0);
        }
      },
    };
  },

  importMac(raw) {
    const key = createSecretKey(raw);
    return {
      sign(...parts) {
        const mac = createHmac("sha256", key);
        for (const part of parts) mac.update(part);
        return mac.digest();
      },
    };
  },
};
