// @noble as its documentation has it called: keys as bytes, one call an operation.

import { cbc } from "@noble/ciphers/aes.js";
import { x25519 } from "@noble/curves/ed25519.js";
import { p256 } from "@noble/curves/nist.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256, sha384 } from "@noble/hashes/sha2.js";

function equal(a, b) {
  let difference = a.length ^ b.length;
  for (let i = 0; i < b.length; i++) difference |= a[i] ^ b[i];
  return difference === 0;
}

const mac = (macKey, iv, ciphertext) => hmac.create(sha256, macKey).update(iv).update(ciphertext).digest();

const seal = ({ key, iv, macKey, data }) => {
  const ciphertext = cbc(key, iv).encrypt(data);
  return [iv, ciphertext, mac(macKey, iv, ciphertext)];
};

export const noble = {
  seal: (input) => ({ run: () => seal(input) }),
  "seal-4": (input) => ({ run: () => [seal(input), seal(input), seal(input), seal(input)].flat() }),
  open: ({ key, iv, macKey, ciphertext, tag }) => ({
    run() {
      if (!equal(mac(macKey, iv, ciphertext), tag)) throw new Error("tag");
      return cbc(key, iv).decrypt(ciphertext);
    },
  }),
  "cbc-encrypt": ({ key, iv, data }) => ({ run: () => cbc(key, iv).encrypt(data) }),
  "cbc-decrypt": ({ key, iv, ciphertext }) => ({ run: () => cbc(key, iv).decrypt(ciphertext) }),
  "hmac-sha256": ({ macKey, data }) => ({ run: () => hmac(sha256, macKey, data) }),
  sha256: ({ data }) => ({ run: () => sha256(data) }),
  sha384: ({ data }) => ({ run: () => sha384(data) }),
  "p256-ecdh": ({ privateKey, peerPublicKey }) => ({
    run: () => p256.getSharedSecret(privateKey, peerPublicKey).subarray(1),
  }),
  "p256-keygen": () => ({ run: () => p256.keygen(), differs: true }),
  "ecdsa-sign": ({ privateKey, message }) => ({ run: () => p256.sign(message, privateKey, { lowS: false }) }),
  "ecdsa-verify": ({ publicKey, message, signature }) => ({
    run: () => p256.verify(signature, message, publicKey, { lowS: false }),
  }),
  x25519: ({ privateKey, publicKey }) => ({ run: () => x25519.getSharedSecret(privateKey, publicKey) }),
};
