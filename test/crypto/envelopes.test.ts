// Ciphertext and signature envelopes: telling the versions apart, and each field absent or mistyped.

import { describe, expect, test } from "vitest";
import { decodeCiphertextEnvelope, encodeCiphertextEnvelope } from "../../src/crypto/ciphertext-envelope.ts";
import {
  decodeSignatureEnvelope,
  detectSignatureEnvelope,
  encodeSignatureEnvelope,
} from "../../src/crypto/signature-envelope.ts";
import { type EncodeFields, encodeObject } from "../../src/encoding/codec.ts";
import { MslError } from "../../src/errors/msl-error.ts";

const FORMATS = ["JSON", "CBOR"] as const;
const iv = Uint8Array.from({ length: 16 }, (_, i) => i);
const ciphertext = Uint8Array.of(1, 2, 3);
const V1 = { keyid: "id", iv, ciphertext, sha256: new Uint8Array(1) };
const V2 = { version: 2, cipherspec: "AES/CBC/PKCS5Padding", iv, ciphertext };

function codeOf(step: () => unknown): string {
  try {
    step();
    return "taken";
  } catch (error) {
    if (error instanceof MslError) return error.code;
    throw error;
  }
}

describe.each(FORMATS)("ciphertext envelope, %s", (format) => {
  const read = (fields: EncodeFields, version: 1 | 2 | null = null) =>
    decodeCiphertextEnvelope(encodeObject(format, fields), version);

  test("both versions round-trip, detected and by name", () => {
    const one = { version: 1, keyId: "é id", iv, ciphertext } as const;
    const two = { version: 2, cipherSpec: "AESWrap", iv: null, ciphertext } as const;
    for (const envelope of [one, two, { ...one, iv: null }, { ...one, ciphertext: new Uint8Array(0) }]) {
      const bytes = encodeCiphertextEnvelope(format, envelope);
      expect(decodeCiphertextEnvelope(bytes, null)).toEqual(envelope);
      expect(decodeCiphertextEnvelope(bytes, envelope.version)).toEqual(envelope);
    }
  });

  test("the version decides, and what is no number counts as absent", () => {
    for (const version of [1, null, "2", true, {}, [2]]) expect(read({ ...V1, version }).version).toBe(1);
    expect(read(V2).version).toBe(2);
    for (const version of [0, 3, -1, 2 ** 53])
      expect(codeOf(() => read({ ...V1, version }))).toBe("UNIDENTIFIED_CIPHERTEXT_ENVELOPE");
    // A pinned version does not look.
    expect(read({ ...V1, version: 7 }, 1).version).toBe(1);
    expect(codeOf(() => read(V2, 1))).toBe("MSL_PARSE_ERROR");
    for (const version of [0, 1, 3])
      expect(codeOf(() => read({ ...V2, version }, 2))).toBe("UNIDENTIFIED_CIPHERTEXT_ENVELOPE");
    for (const version of [null, "2"]) expect(codeOf(() => read({ ...V2, version }, 2))).toBe("MSL_PARSE_ERROR");
  });

  test("each required field of version 1 absent or mistyped", () => {
    for (const field of ["keyid", "ciphertext", "sha256"]) {
      for (const bad of [null, 5, true, {}, []])
        expect(
          codeOf(() => read({ ...V1, [field]: bad })),
          field,
        ).toBe("MSL_PARSE_ERROR");
    }
    for (const bad of [5, true, {}, []]) expect(codeOf(() => read({ ...V1, iv: bad }))).toBe("MSL_PARSE_ERROR");
    expect(read({ ...V1, iv: null })).toMatchObject({ iv: null });
    expect(read({ ...V1, iv: new Uint8Array(0) })).toMatchObject({ iv: null });
    // The digest is a leftover that no one computes.
    expect(read({ ...V1, sha256: Uint8Array.of(9, 9) })).toMatchObject({ keyId: "id" });
    expect(read({ ...V1, sha256: new Uint8Array(0) })).toMatchObject({ keyId: "id" });
  });

  test("each required field of version 2 absent or mistyped; cipher specs by their names", () => {
    for (const field of ["cipherspec", "ciphertext"]) {
      for (const bad of [null, 5, true, {}])
        expect(
          codeOf(() => read({ ...V2, [field]: bad })),
          field,
        ).toBe("MSL_PARSE_ERROR");
    }
    const specs: [string, string][] = [
      ["AES/CBC/PKCS5Padding", "AES/CBC/PKCS5Padding"],
      ["AES_CBC_PKCS5Padding", "AES/CBC/PKCS5Padding"],
      ["RSA/ECB/PKCS1Padding", "RSA/ECB/PKCS1Padding"],
      ["RSA_ECB_PKCS1Padding", "RSA/ECB/PKCS1Padding"],
      ["AESWrap", "AESWrap"],
    ];
    for (const [cipherspec, cipherSpec] of specs) expect(read({ ...V2, cipherspec })).toMatchObject({ cipherSpec });
    for (const cipherspec of ["", "aeswrap", "AES", "__proto__", "constructor"])
      expect(codeOf(() => read({ ...V2, cipherspec }))).toBe("UNIDENTIFIED_CIPHERSPEC");
  });

  test("cut anywhere, with the code that the caller names", () => {
    const whole = encodeObject(format, V1);
    for (let n = 0; n < whole.length; n++) {
      const part = whole.subarray(0, n);
      expect(codeOf(() => decodeCiphertextEnvelope(part, 1, "CIPHERTEXT_ENVELOPE_PARSE_ERROR"))).toBe(
        "CIPHERTEXT_ENVELOPE_PARSE_ERROR",
      );
    }
  });
});

describe.each(FORMATS)("signature envelope, %s", (format) => {
  const signature = Uint8Array.from({ length: 32 }, (_, i) => 0xff - i);
  const FIELDS = { version: 2, algorithm: "HmacSHA256", signature };
  const encoded = (fields: EncodeFields) => encodeObject(format, fields);

  test("version 1 is the signature itself, whatever it looks like", () => {
    for (const bytes of [signature, new Uint8Array(0), encoded(FIELDS)]) {
      expect(encodeSignatureEnvelope(format, { version: 1, signature: bytes })).toBe(bytes);
      expect(decodeSignatureEnvelope(bytes, 1)).toEqual({ version: 1, signature: bytes });
    }
  });

  test("version 2 round-trips for every algorithm, detected and by name", () => {
    for (const algorithm of ["HmacSHA256", "SHA256withRSA", "AESCmac"] as const) {
      const envelope = { version: 2, algorithm, signature } as const;
      const bytes = encodeSignatureEnvelope(format, envelope);
      expect(detectSignatureEnvelope(bytes)).toEqual(envelope);
      expect(decodeSignatureEnvelope(bytes, 2)).toEqual(envelope);
    }
  });

  test("whatever is not a whole version 2 envelope is a raw signature, and its fault has a name", () => {
    const faults: [Uint8Array, string][] = [
      [encoded({ ...FIELDS, version: 1 }), "UNSUPPORTED_SIGNATURE_ENVELOPE"],
      [encoded({ ...FIELDS, version: 3 }), "UNIDENTIFIED_SIGNATURE_ENVELOPE"],
      [encoded({ ...FIELDS, version: -1 }), "UNIDENTIFIED_SIGNATURE_ENVELOPE"],
      [encoded({ ...FIELDS, algorithm: "hmacsha256" }), "UNIDENTIFIED_ALGORITHM"],
      [encoded({ ...FIELDS, algorithm: "__proto__" }), "UNIDENTIFIED_ALGORITHM"],
      [encoded({ ...FIELDS, version: null }), "MSL_PARSE_ERROR"],
      [encoded({ ...FIELDS, version: "2" }), "MSL_PARSE_ERROR"],
      [encoded({ ...FIELDS, algorithm: null }), "MSL_PARSE_ERROR"],
      [encoded({ ...FIELDS, algorithm: 5 }), "MSL_PARSE_ERROR"],
      [encoded({ ...FIELDS, signature: null }), "MSL_PARSE_ERROR"],
      [encoded({ ...FIELDS, signature: 5 }), "MSL_PARSE_ERROR"],
      [encoded({}), "MSL_PARSE_ERROR"],
      [Uint8Array.of(...encoded(FIELDS), 0), "MSL_PARSE_ERROR"],
      [encoded(FIELDS).subarray(1), "MSL_PARSE_ERROR"],
      [new Uint8Array(0), "MSL_PARSE_ERROR"],
      [signature, "MSL_PARSE_ERROR"],
    ];
    for (const [bytes, code] of faults) {
      expect(detectSignatureEnvelope(bytes)).toEqual({ version: 1, signature: bytes });
      expect(codeOf(() => decodeSignatureEnvelope(bytes, 2))).toBe(code);
    }
  });

  test("raw signatures that begin like an object stay raw", () => {
    for (let first = 0; first < 256; first++) {
      const raw = signature.slice();
      raw[0] = first;
      expect(detectSignatureEnvelope(raw)).toEqual({ version: 1, signature: raw });
    }
  });
});
