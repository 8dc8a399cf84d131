// Ciphertext envelopes ("MSL Cryptography"):
//   version 1 = { "keyid": string, "iv": binary?, "ciphertext": binary, "sha256": binary }
//   version 2 = { "version": 2, "cipherspec": string, "iv": binary?, "ciphertext": binary }
// Contexts emit and take version 1. `sha256` is a leftover: one zero byte, never compared.

import { decodeObject, encodeObject, type Format } from "../encoding/codec.ts";
import type { MslMap } from "../encoding/msl-map.ts";
import type { MslErrorCode } from "../errors/codes.ts";
import { protocolError } from "../errors/msl-error.ts";

export type CipherSpec = "AES/CBC/PKCS5Padding" | "AESWrap" | "RSA/ECB/PKCS1Padding";

export type CiphertextEnvelope =
  | { readonly version: 1; readonly keyId: string; readonly iv: Uint8Array | null; readonly ciphertext: Uint8Array }
  | {
      readonly version: 2;
      readonly cipherSpec: CipherSpec;
      readonly iv: Uint8Array | null;
      readonly ciphertext: Uint8Array;
    };

const CIPHER_SPECS: ReadonlyMap<string, CipherSpec> = new Map([
  ["AES/CBC/PKCS5Padding", "AES/CBC/PKCS5Padding"],
  ["AES_CBC_PKCS5Padding", "AES/CBC/PKCS5Padding"],
  ["AESWrap", "AESWrap"],
  ["RSA/ECB/PKCS1Padding", "RSA/ECB/PKCS1Padding"],
  ["RSA_ECB_PKCS1Padding", "RSA/ECB/PKCS1Padding"],
]);
const ZERO = new Uint8Array(1);

export function encodeCiphertextEnvelope(format: Format, envelope: CiphertextEnvelope): Uint8Array {
  const { iv, ciphertext } = envelope;
  return envelope.version === 1
    ? encodeObject(format, { keyid: envelope.keyId, iv, ciphertext, sha256: ZERO })
    : encodeObject(format, { version: 2, cipherspec: envelope.cipherSpec, iv, ciphertext });
}

/**
 * @param version  the one version to take, or null to detect it
 * @param code     raised for undecodable bytes and missing or mistyped fields
 * @throws UNIDENTIFIED_CIPHERTEXT_ENVELOPE, UNIDENTIFIED_CIPHERSPEC
 */
export function decodeCiphertextEnvelope(
  bytes: Uint8Array,
  version: 1 | 2 | null,
  code: MslErrorCode = "MSL_PARSE_ERROR",
): CiphertextEnvelope {
  const map = decodeObject(bytes, "ciphertextenvelope", code);
  const found = version ?? detectVersion(map);
  if (found === 1) {
    const keyId = map.string("keyid");
    const iv = map.bytesOr("iv");
    const ciphertext = map.bytes("ciphertext");
    map.bytes("sha256");
    return { version: 1, keyId, iv: iv !== null && iv.length === 0 ? null : iv, ciphertext };
  }
  if (map.int("version", -(2 ** 53), 2 ** 53) !== 2) {
    protocolError("UNIDENTIFIED_CIPHERTEXT_ENVELOPE", "ciphertextenvelope.version");
  }
  const spec = CIPHER_SPECS.get(map.string("cipherspec"));
  if (spec === undefined) return protocolError("UNIDENTIFIED_CIPHERSPEC", "ciphertextenvelope.cipherspec");
  return { version: 2, cipherSpec: spec, iv: map.bytesOr("iv"), ciphertext: map.bytes("ciphertext") };
}

/** A missing or non-numeric version means 1. */
function detectVersion(map: MslMap): 1 | 2 {
  const value = map.lenientInt("version");
  if (value === null || value === 1) return 1;
  return value === 2 ? 2 : protocolError("UNIDENTIFIED_CIPHERTEXT_ENVELOPE", "ciphertextenvelope.version");
}
