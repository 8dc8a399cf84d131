// asymmetric.json: signatures of RSA and ECDSA, RSA encryption in envelopes, and what is refused.

import { RSA_DECRYPTION } from "../../core/key-specs.ts";
import { ecdsaContext, rsaContext, rsaEncryptionContext } from "../../crypto/asymmetric.ts";
import type { CryptoContext } from "../../crypto/crypto-context.ts";
import { importPrivateKey, readPublicKey } from "../../crypto/key-der.ts";
import { checkOutcome } from "./outcome.ts";
import type { Bench, FileSpec } from "./spec.ts";
import { fail, parseJson, same, text, type Vector } from "./vector.ts";

export const ASYMMETRIC_FILE: FileSpec = {
  file: "asymmetric.json",
  members: ["description"],
  lists: { sign: { run: checkSignature }, encrypt: { run: checkEncryption }, negative: { run: checkNegative } },
};

function keyRow(bench: Bench, vector: Vector) {
  const { rsa, ecc } = bench.keys.file;
  const id = vector.text("key");
  return [...rsa, ...ecc].find(({ pubkeyid }) => pubkeyid === id) ?? fail("no such key in the key file");
}

function signer(bench: Bench, vector: Vector): CryptoContext {
  const { core } = bench;
  const row = keyRow(bench, vector);
  const publicKey = readPublicKey(row.spki);
  const privateKey = bench.own(importPrivateKey(core, row.pkcs8() ?? fail("no private key")).key);
  const algorithm = vector.text("algorithm");
  const named = algorithm.startsWith("SHA256withECDSA") ? "P-256" : "RSA";
  same("kind of the key", publicKey.kind, named);
  return publicKey.kind === "RSA"
    ? rsaContext(core, publicKey.rsa, privateKey)
    : ecdsaContext(core, publicKey.point, privateKey);
}

async function checkSignature(vector: Vector, bench: Bench): Promise<void> {
  const context = signer(bench, vector);
  const data = vector.bytes("data");
  const signature = vector.bytes("signature");
  same("verification", await context.verify(data, signature), true);
  const ours = await context.sign(data, "JSON");
  if (vector.flag("deterministic")) same("signature", ours, signature);
  same("verification of our own", await context.verify(data, ours), true);
  const other = Uint8Array.from([...data, 1]);
  same("verification of other data", await context.verify(other, signature), false);
}

async function checkEncryption(vector: Vector, bench: Bench): Promise<void> {
  const { core } = bench;
  const row = keyRow(bench, vector);
  const publicKey = readPublicKey(row.spki);
  const rsa = publicKey.kind === "RSA" ? publicKey.rsa : fail("not an RSA key");
  const key = bench.own(importPrivateKey(core, row.pkcs8() ?? fail("no private key"), RSA_DECRYPTION).key);
  const padding = vector.text("mode").startsWith("RSA-OAEP") ? "OAEP" : "PKCS1";
  const keyId = vector.text("keyid");
  const context = rsaEncryptionContext(core, keyId, rsa, key, padding);
  const plain = vector.bytes("plaintext");
  same("plaintext", await context.decrypt(vector.utf8("envelope")), plain);
  const ours = await context.encrypt(plain, "JSON");
  same("our own envelope", await context.decrypt(ours), plain);
  const shape = (envelope: unknown) => ({ ...(envelope as object), ciphertext: "" });
  same("form of the envelope", shape(parseJson(text(ours), "our envelope")), shape(vector.json("envelope")));
}

function checkNegative(vector: Vector, bench: Bench): Promise<void> {
  same("op", vector.text("op"), "verify");
  const context = signer(bench, vector);
  const data = vector.bytes("data");
  const input = vector.bytes("input");
  return checkOutcome(
    vector,
    () => context.verify(data, input),
    (result) => same("result", result, vector.flag("result")),
  );
}
