// Symmetric, session and null contexts against node:crypto, and every failure with its code.

import { createCipheriv, createDecipheriv, createHmac } from "node:crypto";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import {
  type Core,
  ENCRYPTION_KEY,
  MAC_KEY,
  SESSION_ENCRYPTION,
  SESSION_MAC,
  WRAPPING_KEY,
} from "../../src/core/core.ts";
import { loadCore } from "../../src/core/core-node.ts";
import { decodeCiphertextEnvelope } from "../../src/crypto/ciphertext-envelope.ts";
import type { CryptoContext } from "../../src/crypto/crypto-context.ts";
import { nullContext } from "../../src/crypto/null.ts";
import { sessionContext } from "../../src/crypto/session.ts";
import { keyIdOf, slotContext } from "../../src/crypto/symmetric.ts";
import { type EncodeFields, encodeObject } from "../../src/encoding/codec.ts";
import { MslError } from "../../src/errors/msl-error.ts";

const FORMATS = ["JSON", "CBOR"] as const;
const ENC = Uint8Array.from({ length: 16 }, (_, i) => i);
const MAC = Uint8Array.from({ length: 32 }, (_, i) => 32 + i);
const WRAP = Uint8Array.from({ length: 16 }, (_, i) => 64 + i);
const hello = Uint8Array.from(Buffer.from("hello"));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** Slots answer at once: a promise here is a fault. */
function now<T>(value: T | Promise<T>): T {
  expect(value).not.toBeInstanceOf(Promise);
  return value as T;
}

function codeOf(step: () => unknown): string {
  try {
    step();
    return "taken";
  } catch (error) {
    if (error instanceof MslError) return error.code;
    throw error;
  }
}

let core: Core;
let context: CryptoContext;
beforeAll(async () => {
  core = await loadCore("simd");
  context = slotContext(core, {
    keyId: "KEYID",
    encryption: core.importKey(ENCRYPTION_KEY, ENC.slice()),
    mac: core.importKey(MAC_KEY, MAC.slice()),
    wrapping: core.importKey(WRAPPING_KEY, WRAP.slice()),
  });
});

describe.each(FORMATS)("encryption, %s", (format) => {
  test("the envelope is version 1 under the context's key id, with a fresh IV, and node:crypto decrypts it", () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (plain) => {
        const before = plain.slice();
        const envelope = decodeCiphertextEnvelope(now(context.encrypt(plain, format)), 1);
        if (envelope.version !== 1 || envelope.iv === null) throw new Error("version or IV");
        expect(envelope.keyId).toBe("KEYID");
        seen.add(hex(envelope.iv));
        const decipher = createDecipheriv("aes-128-cbc", ENC, envelope.iv);
        expect(hex(Buffer.concat([decipher.update(envelope.ciphertext), decipher.final()]))).toBe(hex(plain));
        expect(plain).toEqual(before);
      }),
      { numRuns: 50 },
    );
    expect(seen.size).toBe(50);
  });

  test("what was encrypted decrypts, at sizes around every boundary", () => {
    for (const n of [0, 1, 15, 16, 17, 4096, 40_959, 40_960, 40_961, 43_008, 100_000]) {
      const plain = Uint8Array.from({ length: n }, (_, i) => i * 13);
      expect(hex(now(context.decrypt(now(context.encrypt(plain, format)))))).toBe(hex(plain));
    }
  });

  test("nothing is an envelope with an IV and no ciphertext; read: no bytes, no ciphertext, or a padding block", () => {
    const envelope = decodeCiphertextEnvelope(now(context.encrypt(new Uint8Array(0), format)), 1);
    expect([envelope.iv?.length, envelope.ciphertext.length]).toEqual([16, 0]);
    expect(now(context.decrypt(new Uint8Array(0))).length).toBe(0);
    const cipher = createCipheriv("aes-128-cbc", ENC, Buffer.alloc(16));
    const block = Uint8Array.from(cipher.final());
    const fields = { keyid: "", iv: new Uint8Array(16), sha256: new Uint8Array(1) };
    expect(now(context.decrypt(encodeObject(format, { ...fields, ciphertext: block }))).length).toBe(0);
    const empty = { ...fields, iv: null, ciphertext: new Uint8Array(0) };
    expect(now(context.decrypt(encodeObject(format, empty))).length).toBe(0);
  });

  test("every fault of an envelope has its code", () => {
    const iv = new Uint8Array(16);
    const good = { keyid: "someone else", iv, ciphertext: new Uint8Array(16), sha256: new Uint8Array(1) };
    const decrypt = (fields: EncodeFields) => codeOf(() => context.decrypt(encodeObject(format, fields)));
    for (const field of ["keyid", "ciphertext", "sha256", "iv"])
      for (const bad of field === "iv" ? [null, 5, {}] : [null, 5, true, {}])
        expect(decrypt({ ...good, [field]: bad }), field).toBe("CIPHERTEXT_ENVELOPE_PARSE_ERROR");
    expect(decrypt({ version: 2, cipherspec: "AES/CBC/PKCS5Padding", iv, ciphertext: iv })).toBe(
      "CIPHERTEXT_ENVELOPE_PARSE_ERROR",
    );
    expect(codeOf(() => context.decrypt(hello))).toBe("CIPHERTEXT_ENVELOPE_PARSE_ERROR");
    for (const n of [1, 15, 17, 32])
      expect(decrypt({ ...good, iv: new Uint8Array(n) })).toBe("INVALID_ALGORITHM_PARAMS");
    for (const n of [1, 15, 17, 40_961])
      expect(decrypt({ ...good, ciphertext: new Uint8Array(n) })).toBe("CIPHERTEXT_ILLEGAL_BLOCK_SIZE");
    const bare = createCipheriv("aes-128-cbc", ENC, iv).setAutoPadding(false);
    const unpadded = Uint8Array.from(bare.update(Buffer.alloc(16, 0)));
    expect(decrypt({ ...good, ciphertext: unpadded })).toBe("CIPHERTEXT_BAD_PADDING");
  });

  test("the key id is not compared", () => {
    const other = slotContext(core, { keyId: "other", encryption: core.importKey(ENCRYPTION_KEY, ENC.slice()) });
    expect(hex(now(other.decrypt(now(context.encrypt(hello, format)))))).toBe(hex(hello));
  });
});

describe("signatures", () => {
  test("raw HMAC-SHA256, as node:crypto makes it", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (data) => {
        const tag = now(context.sign(data, "JSON"));
        expect(hex(tag)).toBe(createHmac("sha256", MAC).update(data).digest("hex"));
        expect(now(context.verify(data, tag))).toBe(true);
        const bad = tag.slice();
        bad[data.length % 32]! ^= 1 << (data.length % 8);
        expect(now(context.verify(data, bad))).toBe(false);
      }),
      { numRuns: 100 },
    );
    const large = new Uint8Array(200_000).fill(3);
    expect(hex(now(context.sign(large, "CBOR")))).toBe(createHmac("sha256", MAC).update(large).digest("hex"));
  });

  test("that begin like an object of either format are raw all the same", () => {
    const firsts = new Set<number>();
    for (let i = 0; i < 4000; i++) {
      const data = Uint8Array.of(i >> 8, i & 255);
      const tag = now(context.sign(data, "CBOR"));
      if (tag[0] !== 0x7b && (tag[0]! & 0xe0) !== 0xa0) continue;
      firsts.add(tag[0]!);
      expect(now(context.verify(data, tag))).toBe(true);
      tag[31]! ^= 1;
      expect(now(context.verify(data, tag))).toBe(false);
    }
    expect(firsts.size).toBeGreaterThan(25);
  });

  test("of another length, cut or extended: wrong", () => {
    const tag = now(context.sign(hello, "JSON"));
    for (let n = 0; n < 32; n++) expect(now(context.verify(hello, tag.subarray(0, n)))).toBe(false);
    expect(now(context.verify(hello, Uint8Array.of(...tag, 0)))).toBe(false);
  });

  test.each(FORMATS)("in a version 2 envelope, %s: right only under the key's own algorithm", (format) => {
    const signature = now(context.sign(hello, format));
    const wrapped = (algorithm: string, bytes: Uint8Array) =>
      now(context.verify(hello, encodeObject(format, { version: 2, algorithm, signature: bytes })));
    expect(wrapped("HmacSHA256", signature)).toBe(true);
    expect(wrapped("HmacSHA256", new Uint8Array(32))).toBe(false);
    for (const other of ["SHA256withRSA", "AESCmac", "unknown"]) expect(wrapped(other, signature)).toBe(false);
  });
});

describe("key wrap", () => {
  test("of a key, into a key, and what is damaged", () => {
    const key = core.importKey(SESSION_MAC, MAC.slice());
    const wrapped = now(context.wrapKey(key));
    expect(hex(wrapped)).toBe("254439be95919ef4c8e6a26b3ee165ef6137091cfa4d1f14be71f14a594f4d65b46d754a299f5270");
    const again = now(context.unwrapKey(wrapped, SESSION_MAC));
    expect(hex(core.exportKey(again))).toBe(hex(MAC));
    for (let n = 0; n < wrapped.length; n += 7) {
      const bad = wrapped.slice();
      bad[n]! ^= 1;
      expect(codeOf(() => context.unwrapKey(bad, SESSION_MAC))).toBe("UNWRAP_ERROR");
    }
    for (const n of [1, 7, 9, 23])
      expect(codeOf(() => context.unwrapKey(new Uint8Array(n), SESSION_MAC))).toBe("CIPHERTEXT_ILLEGAL_BLOCK_SIZE");
    for (const n of [0, 8])
      expect(codeOf(() => context.unwrapKey(new Uint8Array(n), SESSION_MAC))).toBe("UNWRAP_ERROR");
    // A key of a length that its type does not take.
    expect(codeOf(() => context.unwrapKey(core.wrapBytes(wrappingKey(), new Uint8Array(8)), SESSION_ENCRYPTION))).toBe(
      "INVALID_SYMMETRIC_KEY",
    );
  });

  const wrappingKey = () => core.importKey(WRAPPING_KEY, WRAP.slice());
});

describe("missing keys", () => {
  test("each operation names what it lacks, whatever its input", () => {
    const none = slotContext(core, { keyId: "none" });
    const key = core.importKey(SESSION_ENCRYPTION, ENC.slice());
    for (const data of [hello, new Uint8Array(0)]) {
      expect(codeOf(() => none.encrypt(data, "JSON"))).toBe("ENCRYPT_NOT_SUPPORTED");
      expect(codeOf(() => none.decrypt(data))).toBe("DECRYPT_NOT_SUPPORTED");
      expect(codeOf(() => none.sign(data, "JSON"))).toBe("SIGN_NOT_SUPPORTED");
      expect(codeOf(() => none.verify(data, data))).toBe("VERIFY_NOT_SUPPORTED");
      expect(codeOf(() => none.unwrapKey(data, SESSION_MAC))).toBe("UNWRAP_NOT_SUPPORTED");
    }
    expect(codeOf(() => none.wrapKey(key))).toBe("WRAP_NOT_SUPPORTED");
    expect(none.slots).toBeNull();
    expect(slotContext(core, { keyId: "x", encryption: key }).slots).toBeNull();
  });

  test("a context clears the keys that it owns, once, and no others", () => {
    const make = () => ({
      encryption: core.importKey(ENCRYPTION_KEY, ENC.slice()),
      mac: core.importKey(MAC_KEY, MAC.slice()),
      wrapping: core.importKey(WRAPPING_KEY, WRAP.slice()),
    });
    const borrowed = make();
    slotContext(core, { keyId: "x", ...borrowed }).dispose();
    expect(Object.values(borrowed).map((key) => key.disposed)).toEqual([false, false, false]);
    const owned = make();
    const owner = slotContext(core, { keyId: "x", ...owned, owns: true });
    owner.dispose();
    owner.dispose();
    expect(Object.values(owned).map((key) => key.disposed)).toEqual([true, true, true]);
    expect(() => owner.encrypt(hello, "JSON")).toThrow();
  });
});

describe("session context", () => {
  const session = (identity: string | null, sequenceNumber: number) =>
    sessionContext(core, identity, sequenceNumber, {
      encryption: core.importKey(SESSION_ENCRYPTION, ENC.slice()),
      mac: core.importKey(SESSION_MAC, MAC.slice()),
    });

  test("its key id is identity and sequence number, or the number alone; it wraps nothing and owns its keys", () => {
    const ids: [string | null, number, string][] = [
      ["ESN", 1, "ESN_1"],
      [null, 7, "7"],
      ["", 7, "_7"],
      ['é"\\\n', 2 ** 53, 'é"\\\n_9007199254740992'],
    ];
    for (const [identity, sequenceNumber, keyId] of ids) {
      const own = session(identity, sequenceNumber);
      for (const format of FORMATS) {
        const envelope = decodeCiphertextEnvelope(now(own.encrypt(hello, format)), 1);
        expect(envelope.version === 1 && envelope.keyId).toBe(keyId);
      }
      expect(Buffer.from(own.slots!.keyId.text).toString()).toBe(keyId);
      expect(JSON.parse(`"${Buffer.from(own.slots!.keyId.json).toString()}"`)).toBe(keyId);
      expect(codeOf(() => own.wrapKey(own.slots!.mac))).toBe("WRAP_NOT_SUPPORTED");
      expect(codeOf(() => own.unwrapKey(new Uint8Array(24), SESSION_MAC))).toBe("UNWRAP_NOT_SUPPORTED");
      const { encryption, mac } = own.slots!;
      own.dispose();
      expect([encryption.disposed, mac.disposed]).toEqual([true, true]);
    }
  });

  test("a key id that no text can carry is refused", () => {
    expect(codeOf(() => keyIdOf("\ud800"))).toBe("MSL_ENCODE_ERROR");
  });
});

test("the null context gives what it takes, signs nothing and accepts every signature", () => {
  for (const format of FORMATS) {
    expect(now(nullContext.encrypt(hello, format))).toBe(hello);
    expect(now(nullContext.sign(hello, format)).length).toBe(0);
  }
  expect(now(nullContext.decrypt(hello))).toBe(hello);
  for (const signature of [new Uint8Array(0), hello]) expect(now(nullContext.verify(hello, signature))).toBe(true);
  expect(codeOf(() => nullContext.unwrapKey(hello, SESSION_MAC))).toBe("UNWRAP_NOT_SUPPORTED");
  expect(codeOf(() => nullContext.wrapKey(core.importKey(SESSION_MAC, MAC.slice())))).toBe("WRAP_NOT_SUPPORTED");
  expect(nullContext.slots).toBeNull();
});
