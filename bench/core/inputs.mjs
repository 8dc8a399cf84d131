// The same inputs for both sides of a pair: drawn once per process, made ready by node:crypto where a form is needed.

import {
  createCipheriv,
  createECDH,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  getDiffieHellman,
  randomBytes,
  sign,
} from "node:crypto";

const random = (n) => new Uint8Array(randomBytes(n));
const fromJwk = (text) => new Uint8Array(Buffer.from(text, "base64url"));

/** Everything about symmetric operations, for `bytes` of data. A sealed message is iv, ciphertext and MAC(iv ‖ ciphertext). */
function symmetric(bytes) {
  const input = { key: random(16), macKey: random(32), iv: random(16), data: random(bytes) };
  const cipher = createCipheriv("aes-128-cbc", input.key, input.iv);
  const ciphertext = new Uint8Array(Buffer.concat([cipher.update(input.data), cipher.final()]));
  const tag = new Uint8Array(createHmac("sha256", input.macKey).update(input.iv).update(ciphertext).digest());
  return { ...input, ciphertext, tag };
}

/** Both ends of an agreement on P-256: private scalars and uncompressed points. */
function p256() {
  const [own, peer] = [createECDH("prime256v1"), createECDH("prime256v1")];
  const publicKey = new Uint8Array(own.generateKeys());
  const peerPublicKey = new Uint8Array(peer.generateKeys());
  const privateKey = new Uint8Array(32);
  privateKey.set(own.getPrivateKey(), 32 - own.getPrivateKey().length);
  const [x, y, d] = [publicKey.subarray(1, 33), publicKey.subarray(33), privateKey].map((part) =>
    Buffer.from(part).toString("base64url"),
  );
  const jwk = { kty: "EC", crv: "P-256", x, y, d };
  const message = random(32);
  const keyObject = createPrivateKey({ key: jwk, format: "jwk" });
  const signature = new Uint8Array(sign("sha256", message, { key: keyObject, dsaEncoding: "ieee-p1363" }));
  return { privateKey, publicKey, peerPublicKey, jwk, message, signature, keyObject };
}

function x25519() {
  const [own, peer] = [generateKeyPairSync("x25519"), generateKeyPairSync("x25519")];
  return {
    privateKey: fromJwk(own.privateKey.export({ format: "jwk" }).d),
    publicKey: fromJwk(peer.publicKey.export({ format: "jwk" }).x),
    keyObject: own.privateKey,
    peerKeyObject: peer.publicKey,
  };
}

/** A signature with PKCS#1 v1.5 over SHA-256 of 32 bytes. */
function rsa() {
  const { privateKey: keyObject } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const jwk = keyObject.export({ format: "jwk" });
  const parts = Object.fromEntries(
    ["n", "e", "d", "p", "q", "dp", "dq", "qi"].map((name) => [name, fromJwk(jwk[name])]),
  );
  const message = random(32);
  const signature = new Uint8Array(sign("sha256", message, keyObject));
  return { keyObject, publicKeyObject: createPublicKey(keyObject), jwk, parts, message, signature };
}

/** RFC 3526 group 14 with an exponent as long as the prime, and a base below it. */
function modexp() {
  const prime = new Uint8Array(getDiffieHellman("modp14").getPrime());
  const exponent = random(256);
  exponent[0] = (exponent[0] & 0x3f) | 0x40;
  const base = random(256);
  base[0] &= 0x7f;
  return { prime, exponent, base };
}

export function inputsFor(op, bytes) {
  if (op.startsWith("p256") || op.startsWith("ecdsa")) return p256();
  if (op === "x25519") return x25519();
  if (op.startsWith("rsa")) return rsa();
  if (op === "modexp2048") return modexp();
  return symmetric(bytes);
}
