// jose.json: JSON Web Keys and JSON Web Encryption as MSL has them.

import { WRAPPING_KEY } from "../../core/core.ts";
import { RSA_DECRYPTION } from "../../core/key-specs.ts";
import { type JweKey, openJwe, sealJwe } from "../../crypto/jwe.ts";
import { type Jwk, type JwkAlgorithm, type JwkKeyOp, type JwkUse, parseJwk, writeJwk } from "../../crypto/jwk.ts";
import { importPrivateKey, readPublicKey } from "../../crypto/key-der.ts";
import { slotContext } from "../../crypto/symmetric.ts";
import { checkOutcome } from "./outcome.ts";
import type { Bench, FileSpec } from "./spec.ts";
import { fail, parseJson, same, text, type Vector } from "./vector.ts";

export const JOSE_FILE: FileSpec = {
  file: "jose.json",
  members: ["description"],
  lists: {
    jwk: { run: checkKey },
    jwkParse: { run: checkKeyParsing },
    jwe: { run: checkEncryption },
    jweNegative: { run: checkNegative },
  },
};

function checkKey(vector: Vector, bench: Bench): void {
  const read = parseJwk(bench.core, vector.utf8("encoding"));
  same("kty", read.kty, vector.text("kty"));
  const recorded = vector.json("encoding") as Record<string, unknown>;
  if (read.kty === "oct") {
    same("use", read.use, vector.textOr("usage") as JwkUse | null);
    same("key_ops", read.keyOps === null ? null : [...read.keyOps].sort(), operations(vector));
    same("alg", read.algorithm, vector.textOr("algo") as JwkAlgorithm | null);
    same("extractable", read.extractable, vector.flag("extractable"));
    same("kid", read.id, vector.textOr("id"));
    same("k", read.k, vector.bytes("key"));
  } else {
    const row = bench.keys.file.keyx ?? fail("the key file has no keyx");
    same("rsaKey", row.keyPairId, vector.text("rsaKey"));
    const publicKey = readPublicKey(row.spki);
    const rsa = publicKey.kind === "RSA" ? publicKey.rsa : fail("not an RSA key");
    same("n", read.rsa.n, rsa.n);
    same("private", read.rsa.d !== null, vector.flag("private"));
  }
  const again = parseJson(text(writeJwk(bench.core, read)), "our key") as Record<string, unknown>;
  same("key written again", sorted(again), sorted(recorded));
}

function operations(vector: Vector): readonly JwkKeyOp[] | null {
  if (!vector.has("keyops")) return null;
  return [...(vector.raw("keyops") as readonly JwkKeyOp[])].sort();
}

/** Order says nothing in `key_ops`. */
function sorted(key: Record<string, unknown>): unknown {
  return Array.isArray(key.key_ops) ? { ...key, key_ops: [...key.key_ops].sort() } : key;
}

function checkKeyParsing(vector: Vector, bench: Bench): Promise<void> {
  return checkOutcome(
    vector,
    (): Jwk => parseJwk(bench.core, vector.utf8("encoding")),
    () => vector.ignore("result"),
  );
}

function wrappingKey(vector: Vector, bench: Bench): JweKey {
  const { core } = bench;
  if (vector.text("alg") === "A128KW") {
    const wrapping = bench.own(core.importKey(WRAPPING_KEY, vector.bytes("wrappingKey")));
    return { algorithm: "A128KW", context: slotContext(core, { keyId: "", wrapping }) };
  }
  const row = bench.keys.file.keyx ?? fail("the key file has no keyx");
  same("rsaKey", row.keyPairId, vector.text("rsaKey"));
  const publicKey = readPublicKey(row.spki);
  const { key } = importPrivateKey(core, row.pkcs8() ?? fail("no private key"), RSA_DECRYPTION);
  return {
    algorithm: "RSA-OAEP",
    publicKey: publicKey.kind === "RSA" ? publicKey.rsa : fail("not an RSA key"),
    privateKey: bench.own(key),
  };
}

function encryptionOf(vector: Vector): "A128GCM" | "A256GCM" {
  const enc = vector.text("enc");
  return enc === "A128GCM" || enc === "A256GCM" ? enc : fail("no such content encryption");
}

async function checkEncryption(vector: Vector, bench: Bench): Promise<void> {
  const { core } = bench;
  const key = wrappingKey(vector, bench);
  const enc = encryptionOf(vector);
  const form = vector.text("serialization") === "compact" ? "compact" : "JSON";
  const plain = vector.bytes("plaintext");
  const jwe = vector.utf8("jwe");
  same("plaintext", await openJwe(core, key, enc, jwe), plain);
  const ours = await sealJwe(core, key, enc, form, plain.slice());
  same("our own", await openJwe(core, key, enc, ours), plain);
  same("length of our own", ours.length, jwe.length);
}

function checkNegative(vector: Vector, bench: Bench): Promise<void> {
  const key = wrappingKey(vector, bench);
  return checkOutcome(
    vector,
    () => openJwe(bench.core, key, encryptionOf(vector), vector.utf8("jwe")),
    (plain) => same("plaintext", plain, vector.bytes("result")),
  );
}
