// hash-wasm, libsodium.js, node-forge, and BigInt arithmetic as one writes it without a library.

import { createHash } from "node:crypto";

/** hash-wasm with one hasher that is started anew: its fastest way. */
export const hashWasm = {
  async sha256({ data }) {
    const { createSHA256 } = await import("hash-wasm");
    const hasher = await createSHA256();
    return { run: () => hasher.init().update(data).digest("binary") };
  },
  async sha384({ data }) {
    const { createSHA384 } = await import("hash-wasm");
    const hasher = await createSHA384();
    return { run: () => hasher.init().update(data).digest("binary") };
  },
};

export const libsodium = {
  async x25519({ privateKey, publicKey }) {
    const { default: sodium } = await import("libsodium-wrappers");
    await sodium.ready;
    return { run: () => sodium.crypto_scalarmult(privateKey, publicKey) };
  },
};

// forge works on strings of bytes; making them of the input is part of the call, as for every user with bytes.
const text = (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
const fromText = (string) => Buffer.from(string, "latin1");
const loadForge = async () => (await import("node-forge")).default;

const forgeCipher = (make) => async (input) => {
  const forge = await loadForge();
  return {
    run() {
      const cipher = make(forge.cipher, text(input.key));
      cipher.start({ iv: text(input.iv) });
      return cipher;
    },
  };
};

async function forgeCbc(input, decrypting) {
  const { run: start } = await forgeCipher((cipher, key) =>
    decrypting ? cipher.createDecipher("AES-CBC", key) : cipher.createCipher("AES-CBC", key),
  )(input);
  const forge = await loadForge();
  const data = decrypting ? input.ciphertext : input.data;
  return {
    run() {
      const cipher = start();
      cipher.update(forge.util.createBuffer(text(data)));
      cipher.finish();
      return fromText(cipher.output.getBytes());
    },
  };
}

async function forgeRsa({ keyObject, publicKeyObject }) {
  const forge = await loadForge();
  return {
    forge,
    privateKey: forge.pki.privateKeyFromPem(keyObject.export({ format: "pem", type: "pkcs1" })),
    publicKey: forge.pki.publicKeyFromPem(publicKeyObject.export({ format: "pem", type: "spki" })),
  };
}
const forgeDigest = (forge, message) => forge.md.sha256.create().update(text(message));

export const forge = {
  "cbc-encrypt": (input) => forgeCbc(input, false),
  "cbc-decrypt": (input) => forgeCbc(input, true),
  async "rsa2048-private"(input) {
    const { forge, privateKey } = await forgeRsa(input);
    return { run: () => fromText(privateKey.sign(forgeDigest(forge, input.message))) };
  },
  async "rsa2048-verify"(input) {
    const { forge, publicKey } = await forgeRsa(input);
    const signature = text(input.signature);
    return { run: () => publicKey.verify(forgeDigest(forge, input.message).digest().getBytes(), signature) };
  },
};

const toBig = (bytes) => BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
const fromBig = (value, size) => Buffer.from(value.toString(16).padStart(2 * size, "0"), "hex");
const WINDOW = 5;

/** base^exponent mod modulus with windows of five bits, read from the exponent's top. */
function modexp(base, exponent, modulus) {
  const powers = [1n];
  for (let i = 1; i < 1 << WINDOW; i++) powers.push((powers[i - 1] * base) % modulus);
  const bits = exponent.toString(2);
  const text = bits.padStart(Math.ceil(bits.length / WINDOW) * WINDOW, "0");
  let result = 1n;
  for (let i = 0; i < text.length; i += WINDOW) {
    for (let k = 0; k < WINDOW; k++) result = (result * result) % modulus;
    const digit = Number.parseInt(text.slice(i, i + WINDOW), 2);
    if (digit > 0) result = (result * powers[digit]) % modulus;
  }
  return result;
}

/** RFC 8017 §9.2 for SHA-256, as a number. */
const DIGEST_INFO = Buffer.from("3031300d060960864801650304020105000420", "hex");
function encoded(message) {
  const hash = createHash("sha256").update(message).digest();
  const padding = Buffer.alloc(256 - 3 - DIGEST_INFO.length - 32, 0xff);
  return toBig(Buffer.concat([Buffer.from([0, 1]), padding, Buffer.from([0]), DIGEST_INFO, hash]));
}

export const bigint = {
  "rsa2048-private"({ parts, message }) {
    const [p, q, dp, dq, qi] = ["p", "q", "dp", "dq", "qi"].map((name) => toBig(parts[name]));
    return {
      run() {
        const m = encoded(message);
        const mp = modexp(m % p, dp, p);
        const mq = modexp(m % q, dq, q);
        const h = (((((mp - mq) % p) + p) % p) * qi) % p;
        return fromBig(mq + h * q, 256);
      },
    };
  },
  "rsa2048-verify"({ parts, message, signature }) {
    const n = toBig(parts.n);
    return {
      run() {
        // e = 65537: sixteen squarings and a product.
        const s = toBig(signature);
        let power = s;
        for (let i = 0; i < 16; i++) power = (power * power) % n;
        return (power * s) % n === encoded(message);
      },
    };
  },
  modexp2048({ prime, exponent, base }) {
    const p = toBig(prime);
    const run = () => fromBig(modexp(toBig(base), toBig(exponent), p), 256);
    // Ours goes on to MSL's session keys in the same call: the first 48 bytes of a hash of 0 ‖ secret.
    const result = () => {
      const secret = run();
      const start = secret.findIndex((byte) => byte !== 0);
      return createHash("sha384").update(Buffer.alloc(1)).update(secret.subarray(start)).digest();
    };
    return { run, result };
  },
};
