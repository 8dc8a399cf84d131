// What Node has itself: node:crypto called synchronously with KeyObjects, WebCrypto with imported CryptoKeys, one
// operation after the other.

import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
  sign,
  timingSafeEqual,
  verify,
  webcrypto,
} from "node:crypto";

const encrypt = (key, iv, data) => {
  const cipher = createCipheriv("aes-128-cbc", key, iv);
  return Buffer.concat([cipher.update(data), cipher.final()]);
};
const decrypt = (key, iv, ciphertext) => {
  const decipher = createDecipheriv("aes-128-cbc", key, iv);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
};
const mac = (key, iv, ciphertext) => createHmac("sha256", key).update(iv).update(ciphertext).digest();
const secretKeys = ({ key, macKey }) => ({ key: createSecretKey(key), macKey: createSecretKey(macKey) });
const ecPublic = (point) => {
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => Buffer.from(part).toString("base64url"));
  return createPublicKey({ key: { kty: "EC", crv: "P-256", x, y }, format: "jwk" });
};

export const node = {
  seal(input) {
    const { key, macKey } = secretKeys(input);
    const { iv, data } = input;
    return {
      run() {
        const ciphertext = encrypt(key, iv, data);
        return [iv, ciphertext, mac(macKey, iv, ciphertext)];
      },
    };
  },
  open(input) {
    const { key, macKey } = secretKeys(input);
    const { iv, ciphertext, tag } = input;
    return {
      run() {
        if (!timingSafeEqual(mac(macKey, iv, ciphertext), tag)) throw new Error("tag");
        return decrypt(key, iv, ciphertext);
      },
    };
  },
  "cbc-encrypt"(input) {
    const { key } = secretKeys(input);
    return { run: () => encrypt(key, input.iv, input.data) };
  },
  "cbc-decrypt"(input) {
    const { key } = secretKeys(input);
    return { run: () => decrypt(key, input.iv, input.ciphertext) };
  },
  "hmac-sha256"(input) {
    const { macKey } = secretKeys(input);
    return { run: () => createHmac("sha256", macKey).update(input.data).digest() };
  },
  sha256: ({ data }) => ({ run: () => createHash("sha256").update(data).digest() }),
  sha384: ({ data }) => ({ run: () => createHash("sha384").update(data).digest() }),
  "p256-ecdh"({ keyObject, peerPublicKey }) {
    const publicKey = ecPublic(peerPublicKey);
    return { run: () => diffieHellman({ privateKey: keyObject, publicKey }) };
  },
  "p256-keygen": () => ({ run: () => generateKeyPairSync("ec", { namedCurve: "P-256" }), differs: true }),
  "ecdsa-sign": ({ keyObject, message }) => ({
    run: () => sign("sha256", message, { key: keyObject, dsaEncoding: "ieee-p1363" }),
    differs: true,
  }),
  "ecdsa-verify"({ publicKey, message, signature }) {
    const options = { key: ecPublic(publicKey), dsaEncoding: "ieee-p1363" };
    return { run: () => verify("sha256", message, options, signature) };
  },
  x25519: ({ keyObject, peerKeyObject }) => ({
    run: () => diffieHellman({ privateKey: keyObject, publicKey: peerKeyObject }),
  }),
  "rsa2048-private": ({ keyObject, message }) => ({ run: () => sign("sha256", message, keyObject) }),
  "rsa2048-verify": ({ publicKeyObject, message, signature }) => ({
    run: () => verify("sha256", message, publicKeyObject, signature),
  }),
};

const { subtle } = webcrypto;
const AES = "AES-CBC";
const HMAC = { name: "HMAC", hash: "SHA-256" };
const ECDH = { name: "ECDH", namedCurve: "P-256" };
const ECDSA = { name: "ECDSA", namedCurve: "P-256" };
const ECDSA_SHA256 = { name: "ECDSA", hash: "SHA-256" };
const RSA = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };

const importKeys = async ({ key, macKey }) => ({
  key: await subtle.importKey("raw", key, AES, false, ["encrypt", "decrypt"]),
  macKey: await subtle.importKey("raw", macKey, HMAC, false, ["sign", "verify"]),
});
/** WebCrypto signs one piece of memory. */
function concat(a, b) {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}
const view = async (promise) => new Uint8Array(await promise);

const awaited = {
  async seal(input) {
    const { key, macKey } = await importKeys(input);
    const { iv, data } = input;
    return async () => {
      const ciphertext = await subtle.encrypt({ name: AES, iv }, key, data);
      const signed = concat(iv, new Uint8Array(ciphertext));
      return [signed, await view(subtle.sign("HMAC", macKey, signed))];
    };
  },
  async open(input) {
    const { key, macKey } = await importKeys(input);
    const { iv, ciphertext, tag } = input;
    return async () => {
      if (!(await subtle.verify("HMAC", macKey, tag, concat(iv, ciphertext)))) throw new Error("tag");
      return view(subtle.decrypt({ name: AES, iv }, key, ciphertext));
    };
  },
  async "cbc-encrypt"(input) {
    const { key } = await importKeys(input);
    return () => view(subtle.encrypt({ name: AES, iv: input.iv }, key, input.data));
  },
  async "cbc-decrypt"(input) {
    const { key } = await importKeys(input);
    return () => view(subtle.decrypt({ name: AES, iv: input.iv }, key, input.ciphertext));
  },
  async "hmac-sha256"(input) {
    const { macKey } = await importKeys(input);
    return () => view(subtle.sign("HMAC", macKey, input.data));
  },
  sha256: async (input) => () => view(subtle.digest("SHA-256", input.data)),
  sha384: async (input) => () => view(subtle.digest("SHA-384", input.data)),
  async "p256-ecdh"({ jwk, peerPublicKey }) {
    const key = await subtle.importKey("jwk", jwk, ECDH, false, ["deriveBits"]);
    const peer = await subtle.importKey("raw", peerPublicKey, ECDH, false, []);
    return () => view(subtle.deriveBits({ name: "ECDH", public: peer }, key, 256));
  },
  "p256-keygen": async () => () => subtle.generateKey(ECDH, false, ["deriveBits"]),
  async "ecdsa-sign"({ jwk, message }) {
    const key = await subtle.importKey("jwk", jwk, ECDSA, false, ["sign"]);
    return () => view(subtle.sign(ECDSA_SHA256, key, message));
  },
  async "ecdsa-verify"({ publicKey, message, signature }) {
    const key = await subtle.importKey("raw", publicKey, ECDSA, false, ["verify"]);
    return () => subtle.verify(ECDSA_SHA256, key, signature, message);
  },
  async "rsa2048-private"({ jwk, message }) {
    const key = await subtle.importKey("jwk", jwk, RSA, false, ["sign"]);
    return () => view(subtle.sign(RSA, key, message));
  },
  async "rsa2048-verify"({ jwk, message, signature }) {
    const key = await subtle.importKey("jwk", { kty: jwk.kty, n: jwk.n, e: jwk.e }, RSA, false, ["verify"]);
    return () => subtle.verify(RSA, key, signature, message);
  },
};
const DIFFERING = ["p256-keygen", "ecdsa-sign"];

export const webcryptoPeer = Object.fromEntries(
  Object.entries(awaited).map(([op, make]) => [
    op,
    async (input) => ({ run: await make(input), isAsync: true, differs: DIFFERING.includes(op) }),
  ]),
);
