// Signature envelopes ("MSL Cryptography"): version 1 is the raw signature, version 2 an object that names its
// algorithm: { "version": 2, "algorithm": string, "signature": binary }. Contexts emit version 1 and detect on verify.

import { decodeObject, encodeObject, type Format } from "../encoding/codec.ts";
import { MslProtocolError, protocolError } from "../errors/msl-error.ts";

export type SignatureAlgorithm = "HmacSHA256" | "SHA256withRSA" | "AESCmac";

export type SignatureEnvelope =
  | { readonly version: 1; readonly signature: Uint8Array }
  | { readonly version: 2; readonly algorithm: SignatureAlgorithm; readonly signature: Uint8Array };

const ALGORITHMS: ReadonlySet<string> = new Set(["HmacSHA256", "SHA256withRSA", "AESCmac"]);

export function encodeSignatureEnvelope(format: Format, envelope: SignatureEnvelope): Uint8Array {
  if (envelope.version === 1) return envelope.signature;
  return encodeObject(format, { version: 2, algorithm: envelope.algorithm, signature: envelope.signature });
}

/**
 * Reads a signature of a given version.
 * @throws MSL_PARSE_ERROR, UNSUPPORTED_SIGNATURE_ENVELOPE, UNIDENTIFIED_SIGNATURE_ENVELOPE, UNIDENTIFIED_ALGORITHM
 */
export function decodeSignatureEnvelope(bytes: Uint8Array, version: 1 | 2): SignatureEnvelope {
  if (version === 1) return { version: 1, signature: bytes };
  const map = decodeObject(bytes, "signatureenvelope");
  const found = map.int("version", -(2 ** 53), 2 ** 53);
  if (found === 1) protocolError("UNSUPPORTED_SIGNATURE_ENVELOPE", "signatureenvelope.version");
  if (found !== 2) protocolError("UNIDENTIFIED_SIGNATURE_ENVELOPE", "signatureenvelope.version");
  const algorithm = map.string("algorithm");
  if (!ALGORITHMS.has(algorithm)) protocolError("UNIDENTIFIED_ALGORITHM", "signatureenvelope.algorithm");
  return { version: 2, algorithm: algorithm as SignatureAlgorithm, signature: map.bytes("signature") };
}

/** Version 2 only if the bytes are a complete, known version 2 object; anything else is a raw signature. */
export function detectSignatureEnvelope(bytes: Uint8Array): SignatureEnvelope {
  const first = bytes[0] ?? 0;
  const mayBeObject = first === 0x7b || (first & 0xe0) === 0xa0;
  if (mayBeObject) {
    try {
      return decodeSignatureEnvelope(bytes, 2);
    } catch (error) {
      if (!(error instanceof MslProtocolError)) throw error;
    }
  }
  return { version: 1, signature: bytes };
}
