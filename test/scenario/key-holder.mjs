// Stands for a secure element: a process of its own that makes keys and does operations with them. Keys are named by
// numbers; their bytes are told only to the question "reveal", which a test asks when everything else is over.

import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv, createHmac, generateKeyPairSync, randomBytes, sign } from "node:crypto";

/** @type {Map<number, { encryption: Buffer, mac: Buffer, wrapping: Buffer | null } | { privateKey: any }>} */
const keys = new Map();
const revealed = [];
let next = 1;

function keep(set) {
  keys.set(next, set);
  for (const key of [set.encryption, set.mac, set.wrapping]) if (key) revealed.push(key);
  return next++;
}

function keyWrap(wrapping, key) {
  const cipher = createCipheriv("id-aes128-wrap", wrapping, Buffer.alloc(8, 0xa6));
  return Buffer.concat([cipher.update(key), cipher.final()]);
}

function keyUnwrap(wrapping, wrapped) {
  const decipher = createDecipheriv("id-aes128-wrap", wrapping, Buffer.alloc(8, 0xa6));
  return Buffer.concat([decipher.update(wrapped), decipher.final()]);
}

const operations = {
  preShared: () => keep({ encryption: randomBytes(16), mac: randomBytes(32), wrapping: randomBytes(16) }),
  keyPair(kind) {
    const { privateKey, publicKey } =
      kind === "RSA"
        ? generateKeyPairSync("rsa", { modulusLength: 2048 })
        : generateKeyPairSync("ec", { namedCurve: "P-256" });
    keys.set(next, { privateKey });
    revealed.push(Buffer.from(privateKey.export({ format: "jwk" }).d, "base64url"));
    return { key: next++, publicKey: publicKey.export({ format: "der", type: "spki" }) };
  },
  encrypt(key, plain) {
    const iv = randomBytes(16);
    const cipher = createCipheriv("aes-128-cbc", keys.get(key).encryption, iv);
    return { iv, ciphertext: Buffer.concat([cipher.update(plain), cipher.final()]) };
  },
  decrypt(key, iv, ciphertext) {
    const decipher = createDecipheriv("aes-128-cbc", keys.get(key).encryption, iv);
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
  },
  mac: (key, data) => createHmac("sha256", keys.get(key).mac).update(data).digest(),
  wrap: (key, raw) => keyWrap(keys.get(key).wrapping, raw),
  unwrap: (key, wrapped) => keyUnwrap(keys.get(key).wrapping, wrapped),
  unwrapSession(key, encryptionKey, macKey) {
    const { wrapping } = keys.get(key);
    return keep({ encryption: keyUnwrap(wrapping, encryptionKey), mac: keyUnwrap(wrapping, macKey), wrapping: null });
  },
  sign: (key, data) => sign("sha256", data, keys.get(key).privateKey),
  drop: (key) => keys.delete(key),
  count: () => keys.size,
  reveal: () => revealed,
};

process.on("message", ({ id, operation, args }) => {
  try {
    process.send({ id, result: operations[operation](...args) });
  } catch (error) {
    process.send({ id, failure: String(error) });
  }
});
