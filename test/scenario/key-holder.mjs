// Stands for a secure element: a process of its own that makes keys and does operations with them. Keys are named by
// numbers; their bytes are told only to the question "reveal", which a test asks when everything else is over.

import { Buffer } from "node:buffer";
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  generateKeyPairSync,
  privateDecrypt,
  randomBytes,
  sign,
} from "node:crypto";

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

/** AES-CMAC (RFC 4493). */
function cmac(key, data) {
  const block = (input) => createCipheriv("aes-128-ecb", key, null).setAutoPadding(false).update(input);
  const doubled = (from) => {
    const value = (BigInt(`0x${from.toString("hex")}`) << 1n) ^ (from[0] & 128 ? 0x87n : 0n);
    return Buffer.from((value & ((1n << 128n) - 1n)).toString(16).padStart(32, "0"), "hex");
  };
  const xor = (a, b) => Buffer.from(a.map((byte, i) => byte ^ b[i]));
  const subkey = doubled(block(Buffer.alloc(16)));
  const rest = data.length % 16;
  const isWhole = data.length > 0 && rest === 0;
  const padded = isWhole ? Buffer.from(data) : Buffer.concat([data, Buffer.from([128]), Buffer.alloc(15 - rest)]);
  let state = Buffer.alloc(16);
  for (let at = 0; at < padded.length; at += 16) {
    const isLast = at + 16 === padded.length;
    const input = xor(state, padded.subarray(at, at + 16));
    state = block(isLast ? xor(input, isWhole ? subkey : doubled(subkey)) : input);
  }
  return state;
}

const oaepOpen = (key, wrapped) => privateDecrypt({ key: keys.get(key).privateKey, oaepHash: "sha1" }, wrapped);

/** A raw key, or a JSON Web Key. */
function keyOf(text) {
  return text[0] === 0x7b ? Buffer.from(JSON.parse(text.toString()).k, "base64url") : text;
}

const operations = {
  imported: (encryption, mac) => keep({ encryption, mac, wrapping: null }),
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
  cmac: (key, data) => cmac(keys.get(key).mac, data),
  oaep: (key, wrapped) => oaepOpen(key, wrapped),
  oaepSession(key, encryptionKey, macKey) {
    const [encryption, mac] = [encryptionKey, macKey].map((wrapped) => keyOf(oaepOpen(key, wrapped)));
    if (encryption.length !== 16 || mac.length !== 32) throw new Error("No keys of a session.");
    return keep({ encryption, mac, wrapping: null });
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
