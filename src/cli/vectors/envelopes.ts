// ciphertext_envelopes.json and signature_envelopes.json: both versions, encoded and read with and without detection.

import {
  type CiphertextEnvelope,
  type CipherSpec,
  decodeCiphertextEnvelope,
  encodeCiphertextEnvelope,
} from "../../crypto/ciphertext-envelope.ts";
import {
  decodeSignatureEnvelope,
  detectSignatureEnvelope,
  encodeSignatureEnvelope,
  type SignatureAlgorithm,
  type SignatureEnvelope,
} from "../../crypto/signature-envelope.ts";
import { checkOutcome } from "./outcome.ts";
import type { FileSpec } from "./spec.ts";
import { parseJson, same, text, utf8, type Vector } from "./vector.ts";

export const CIPHERTEXT_ENVELOPE_FILE: FileSpec = {
  file: "ciphertext_envelopes.json",
  members: ["description"],
  lists: {
    encode: { run: checkCiphertextEncoding },
    parse: { run: checkCiphertextParsing },
  },
};

export const SIGNATURE_ENVELOPE_FILE: FileSpec = {
  file: "signature_envelopes.json",
  members: ["description"],
  lists: {
    encode: { run: checkSignatureEncoding },
    parse: { run: checkSignatureParsing },
  },
};

function checkCiphertextEncoding(vector: Vector): void {
  const iv = vector.bytesOr("iv");
  const ciphertext = vector.bytes("ciphertext");
  const version = vector.number("version");
  const envelope: CiphertextEnvelope =
    version === 1
      ? { version, keyId: vector.text("keyid"), iv, ciphertext }
      : { version: 2, cipherSpec: vector.text("cipherspec") as CipherSpec, iv, ciphertext };
  same("version", envelope.version, version);
  const recorded = vector.utf8("encoding");
  same("encoding", parseJson(text(encodeCiphertextEnvelope("JSON", envelope)), "encoding"), vector.json("encoding"));
  same("detected", decodeCiphertextEnvelope(recorded, null), envelope);
  same("read as its version", decodeCiphertextEnvelope(recorded, envelope.version), envelope);
  // Our other format, through the same codec.
  same("in CBOR", decodeCiphertextEnvelope(encodeCiphertextEnvelope("CBOR", envelope), null), envelope);
}

function checkCiphertextParsing(vector: Vector): Promise<void> {
  const bytes = vector.utf8("encoding");
  return checkOutcome(
    vector,
    () => decodeCiphertextEnvelope(bytes, null),
    (envelope) => sameCiphertext(envelope, vector.object("result")),
  );
}

function sameCiphertext(envelope: CiphertextEnvelope, result: Vector): void {
  if (envelope.version === 1) same("keyid", envelope.keyId, result.textOr("keyid"));
  else same("cipherspec", envelope.cipherSpec, result.textOr("cipherspec"));
  same("iv", envelope.iv, result.bytesOr("iv"));
  same("ciphertext", envelope.ciphertext, result.bytes("ciphertext"));
}

function checkSignatureEncoding(vector: Vector): void {
  const signature = vector.bytes("signature");
  const version = vector.number("version");
  if (version === 1) {
    same("encoding", encodeSignatureEnvelope("JSON", { version, signature }), vector.bytes("encoding"));
    return;
  }
  const envelope = { version: 2, algorithm: vector.text("algorithm") as SignatureAlgorithm, signature } as const;
  same("version", envelope.version, version);
  const encoded = encodeSignatureEnvelope("JSON", envelope);
  same("encoding", parseJson(text(encoded), "encoding"), vector.json("encodingText"));
  same("detected", detectSignatureEnvelope(vector.utf8("encodingText")), envelope);
}

async function checkSignatureParsing(vector: Vector): Promise<void> {
  const bytes = vector.bytes("encoding");
  if (vector.has("encodingText")) same("encodingText", utf8(vector.text("encodingText")), bytes);
  await reading("detect", () => detectSignatureEnvelope(bytes));
  await reading("asVersion1", () => decodeSignatureEnvelope(bytes, 1));
  await reading("asVersion2", () => decodeSignatureEnvelope(bytes, 2));

  async function reading(field: string, read: () => SignatureEnvelope): Promise<void> {
    const outcome = vector.objectOr(field);
    if (outcome === null) return;
    await checkOutcome(outcome, read, (envelope) => sameSignature(field, envelope, outcome));
  }
}

/** A version 1 result is recorded as the signature alone, or as an object without an algorithm. */
function sameSignature(field: string, envelope: SignatureEnvelope, outcome: Vector): void {
  const algorithm = envelope.version === 2 ? envelope.algorithm : null;
  const recorded = outcome.raw("result");
  if (typeof recorded === "string") {
    same(field, { algorithm, signature: envelope.signature }, { algorithm: null, signature: recorded });
    return;
  }
  const result = outcome.object("result");
  same(`${field}.algorithm`, algorithm, result.textOr("algorithm"));
  same(`${field}.signature`, envelope.signature, result.bytes("signature"));
}
