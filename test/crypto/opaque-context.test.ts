// Contexts over keys that are elsewhere: the same bytes as with keys in slots, and every failure with its code.

import { createCipheriv, createDecipheriv, createHmac, webcrypto } from "node:crypto";
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
import { ecdsaVerify } from "../../src/core/ecdsa.ts";
import { ecdsaContext, rsaContext } from "../../src/crypto/asymmetric.ts";
import type { CryptoContext, SessionKeys } from "../../src/crypto/crypto-context.ts";
import { readPublicKey } from "../../src/crypto/key-der.ts";
import {
  ecdsaToDer,
  opaqueContext,
  opaqueSession,
  opaqueSigningContext,
  restoreWrappedSession,
  wrappedSessionState,
} from "../../src/crypto/opaque-context.ts";
import type { KeyOperations } from "../../src/crypto/opaque-keys.ts";
import { openPair, sealPair } from "../../src/crypto/seal.ts";
import { sessionContext } from "../../src/crypto/session.ts";
import { slotContext } from "../../src/crypto/symmetric.ts";
import { webCryptoKeys, webCryptoSigner } from "../../src/crypto/webcrypto-context.ts";
import { encodeObject } from "../../src/encoding/codec.ts";

const FORMATS = ["JSON", "CBOR"] as const;
const ENC = Uint8Array.from({ length: 16 }, (_, i) => i);
const MAC = Uint8Array.from({ length: 32 }, (_, i) => 32 + i);
const WRAP = Uint8Array.from({ length: 16 }, (_, i) => 64 + i);
const subtle = webcrypto.subtle;
let core: Core;
let slots: CryptoContext;

beforeAll(async () => {
  core = await loadCore();
  slots = slotContext(core, {
    keyId: "K",
    encryption: core.importKey(ENCRYPTION_KEY, ENC.slice()),
    mac: core.importKey(MAC_KEY, MAC.slice()),
    wrapping: core.importKey(WRAPPING_KEY, WRAP.slice()),
  });
});

/** Answers at once. */
const immediate = (): KeyOperations => ({
  encrypt(plain) {
    const iv = core.random(16);
    const cipher = createCipheriv("aes-128-cbc", ENC, iv);
    return { iv, ciphertext: new Uint8Array(Buffer.concat([cipher.update(plain), cipher.final()])) };
  },
  decrypt(iv, ciphertext) {
    const decipher = createDecipheriv("aes-128-cbc", ENC, iv);
    return new Uint8Array(Buffer.concat([decipher.update(ciphertext), decipher.final()]));
  },
  sign: (data) => new Uint8Array(createHmac("sha256", MAC).update(data).digest()),
  wrap(key) {
    const cipher = createCipheriv("id-aes128-wrap", WRAP, Buffer.alloc(8, 0xa6));
    return new Uint8Array(Buffer.concat([cipher.update(key), cipher.final()]));
  },
  unwrap(wrapped) {
    const decipher = createDecipheriv("id-aes128-wrap", WRAP, Buffer.alloc(8, 0xa6));
    return new Uint8Array(Buffer.concat([decipher.update(wrapped), decipher.final()]));
  },
});

async function platform(): Promise<KeyOperations> {
  const encryption = await subtle.importKey("raw", ENC, "AES-CBC", false, ["encrypt", "decrypt"]);
  const mac = await subtle.importKey("raw", MAC, { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
  const wrapping = await subtle.importKey("raw", WRAP, "AES-KW", false, ["wrapKey", "unwrapKey"]);
  return webCryptoKeys(subtle, { encryption, mac, wrapping }, core);
}

const codeOf = async (run: () => unknown) => {
  try {
    await run();
    return "taken";
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

describe.each([
  ["answering at once", async () => immediate()],
  ["WebCrypto", platform],
] as const)("keys elsewhere, %s", (_, make) => {
  test.each(FORMATS)("what one side seals the other opens, %s", async (format) => {
    const opaque = opaqueContext(core, { keyId: "K", keys: await make() });
    for (const length of [0, 1, 15, 16, 17, 1000, 70_000]) {
      const plain = Uint8Array.from({ length }, (_, i) => i & 255);
      for (const [from, to] of [
        [opaque, slots],
        [slots, opaque],
      ] as const) {
        const { data, signature } = await sealPair(from, plain, format);
        expect(await openPair(to, data, signature)).toEqual(plain);
        const bad = signature.slice();
        bad[31]! ^= 1;
        expect(await openPair(to, data, bad)).toBeNull();
        expect(await to.verify(data, signature.subarray(0, 31)).valueOf()).toBe(false);
      }
    }
  });

  test("version 2 signatures: HMAC only", async () => {
    const opaque = opaqueContext(core, { keyId: "K", keys: await make() });
    const data = Uint8Array.of(1, 2, 3);
    const mac = await opaque.sign(data, "CBOR");
    expect(mac).toEqual(await slots.sign(data, "CBOR"));
    const envelope = (algorithm: string, signature = mac) => encodeObject("CBOR", { version: 2, algorithm, signature });
    expect(await opaque.verify(data, envelope("HmacSHA256"))).toBe(true);
    expect(await opaque.verify(data, envelope("SHA256withRSA"))).toBe(false);
    expect(await opaque.verify(data, envelope("HmacSHA256", mac.subarray(1)))).toBe(false);
  });

  test("wrapping and unwrapping agree with the core's", async () => {
    const opaque = opaqueContext(core, { keyId: "K", keys: await make() });
    const key = core.importKey(SESSION_MAC, new Uint8Array(32).fill(5));
    const wrapped = await opaque.wrapKey(key);
    expect(wrapped).toEqual(await slots.wrapKey(key));
    const back = await opaque.unwrapKey(wrapped, SESSION_MAC);
    expect(core.exportKey(back)).toEqual(new Uint8Array(32).fill(5));
    wrapped[3]! ^= 1;
    expect(await codeOf(() => opaque.unwrapKey(wrapped, SESSION_MAC))).toBe("UNWRAP_ERROR");

    const text = Uint8Array.from({ length: 104 }, (_, i) => i);
    const wrappedText = await opaque.wrapBytes!(text.slice());
    expect(wrappedText).toEqual(await slots.wrapBytes!(text.slice()));
    expect(await opaque.unwrapBytes!(wrappedText)).toEqual(text);
    expect(await codeOf(() => opaque.wrapBytes!(new Uint8Array(20)))).toBe("PLAINTEXT_ILLEGAL_BLOCK_SIZE");
    expect(await codeOf(() => opaque.unwrapBytes!(new Uint8Array(25)))).toBe("CIPHERTEXT_ILLEGAL_BLOCK_SIZE");
    expect(await codeOf(() => opaque.unwrapBytes!(new Uint8Array(32)))).toBe("UNWRAP_ERROR");
  });

  test("ciphertexts that cannot be right, and wrong padding behind a right MAC", async () => {
    const opaque = opaqueContext(core, { keyId: "K", keys: await make() });
    const envelope = (iv: Uint8Array | null, ciphertext: Uint8Array) =>
      encodeObject("CBOR", { keyid: "K", iv, ciphertext, sha256: new Uint8Array(1) });
    const decrypt = (iv: Uint8Array | null, ciphertext: Uint8Array) =>
      codeOf(() => opaque.decrypt(envelope(iv, ciphertext)));
    expect(await decrypt(null, new Uint8Array(16))).toBe("CIPHERTEXT_ENVELOPE_PARSE_ERROR");
    expect(await decrypt(new Uint8Array(15), new Uint8Array(16))).toBe("INVALID_ALGORITHM_PARAMS");
    expect(await decrypt(new Uint8Array(16), new Uint8Array(17))).toBe("CIPHERTEXT_ILLEGAL_BLOCK_SIZE");
    expect(await decrypt(new Uint8Array(16), new Uint8Array(16))).toMatch(/^(CIPHERTEXT_BAD_PADDING|DECRYPT_ERROR)$/);
    expect(await codeOf(() => opaque.decrypt(Uint8Array.of(1)))).toBe("CIPHERTEXT_ENVELOPE_PARSE_ERROR");
  });
});

test("operations that the holder does not have", async () => {
  const none = opaqueContext(core, { keyId: "K", keys: {} });
  const key = core.importKey(SESSION_MAC, new Uint8Array(32));
  const some = Uint8Array.of(1);
  expect([
    await codeOf(() => none.encrypt(some, "JSON")),
    await codeOf(() => none.decrypt(some)),
    await codeOf(() => none.sign(some, "JSON")),
    await codeOf(() => none.verify(some, some)),
    await codeOf(() => none.wrapKey(key)),
    await codeOf(() => none.unwrapKey(some, SESSION_MAC)),
    await codeOf(() => none.wrapBytes!(some)),
    await codeOf(() => none.unwrapBytes!(some)),
  ]).toEqual([
    "ENCRYPT_NOT_SUPPORTED",
    "DECRYPT_NOT_SUPPORTED",
    "SIGN_NOT_SUPPORTED",
    "VERIFY_NOT_SUPPORTED",
    "WRAP_NOT_SUPPORTED",
    "UNWRAP_NOT_SUPPORTED",
    "WRAP_NOT_SUPPORTED",
    "UNWRAP_NOT_SUPPORTED",
  ]);
  expect(none.unwrapSession).toBeNull();
});

test("a holder that fails, or answers nonsense, is an error of the operation and never a right signature", async () => {
  const key = core.importKey(SESSION_MAC, new Uint8Array(32));
  const some = Uint8Array.of(1);
  const envelope = encodeObject("CBOR", {
    keyid: "K",
    iv: new Uint8Array(16),
    ciphertext: new Uint8Array(16),
    sha256: new Uint8Array(1),
  });
  const failing = () => Promise.reject(new Error("secure element"));
  const throwing = () => {
    throw new Error("secure element");
  };
  for (const broken of [failing, throwing]) {
    const context = opaqueContext(core, {
      keyId: "K",
      keys: {
        encrypt: broken,
        decrypt: broken,
        sign: broken,
        verify: broken,
        wrap: broken,
        unwrap: broken,
        unwrapSession: broken,
      },
    });
    expect([
      await codeOf(() => context.encrypt(some, "JSON")),
      await codeOf(() => context.decrypt(envelope)),
      await codeOf(() => context.sign(some, "JSON")),
      await codeOf(() => context.verify(some, new Uint8Array(32))),
      await codeOf(() => context.wrapKey(key)),
      await codeOf(() => context.unwrapKey(some, SESSION_MAC)),
      await codeOf(() => context.unwrapSession!(some, some)),
      await codeOf(() => opaqueSigningContext(broken).sign(some, "JSON")),
    ]).toEqual([
      "ENCRYPT_ERROR",
      "DECRYPT_ERROR",
      "HMAC_ERROR",
      "HMAC_ERROR",
      "WRAP_ERROR",
      "UNWRAP_ERROR",
      "UNWRAP_ERROR",
      "SIGNATURE_ERROR",
    ]);
  }
  const nonsense = (keys: KeyOperations) => opaqueContext(core, { keyId: "K", keys });
  const yes = nonsense({ verify: () => ({ ok: true }) as never });
  expect(await yes.verify(some, new Uint8Array(32))).toBe(false);
  expect(await codeOf(() => nonsense({ sign: () => new Uint8Array(20) }).sign(some, "JSON"))).toBe("HMAC_ERROR");
  expect(await nonsense({ sign: () => new Uint8Array(0) }).verify(some, new Uint8Array(32))).toBe(false);
  // An answer as long as the plain text could be the plain text itself.
  const echo = nonsense({ encrypt: (plain) => ({ iv: new Uint8Array(16), ciphertext: plain }) });
  expect(await codeOf(() => echo.encrypt(new Uint8Array(16), "JSON"))).toBe("ENCRYPT_ERROR");
  const noIv = nonsense({ encrypt: () => ({ iv: new Uint8Array(0), ciphertext: new Uint8Array(16) }) });
  expect(await codeOf(() => noIv.encrypt(some, "JSON"))).toBe("ENCRYPT_ERROR");
  expect(await codeOf(() => opaqueSigningContext(() => new Uint8Array(0)).sign(some, "JSON"))).toBe("SIGNATURE_ERROR");
});

describe("sessions that stay", () => {
  async function unwrapped(): Promise<{ keys: SessionKeys; operations: KeyOperations }> {
    const operations = await platform();
    const wrap = (spec: typeof SESSION_MAC, raw: Uint8Array) => slots.wrapKey(core.importKey(spec, raw));
    const encryption = await wrap(SESSION_ENCRYPTION, new Uint8Array(16).fill(3));
    const mac = await wrap(SESSION_MAC, new Uint8Array(32).fill(4));
    const context = opaqueContext(core, { keyId: "K", keys: operations });
    return { keys: await context.unwrapSession!(encryption, mac), operations };
  }
  const twin = () =>
    sessionContext(core, "e", 1, {
      encryption: core.importKey(SESSION_ENCRYPTION, new Uint8Array(16).fill(3)),
      mac: core.importKey(SESSION_MAC, new Uint8Array(32).fill(4)),
    });

  test("seal and open as the same keys in slots; the handles open nothing; restored ones work again", async () => {
    const { keys, operations } = await unwrapped();
    const restored = (await restoreWrappedSession(core, operations)(keys.opaque!.stored!))!;
    for (const session of [keys, restored]) {
      const context = sessionContext(core, "e", 1, session);
      expect(context.slots).toBeNull();
      const { data, signature } = await sealPair(context, Uint8Array.of(1, 2), "CBOR");
      expect(await openPair(twin(), data, signature)).toEqual(Uint8Array.of(1, 2));
      expect(() => core.exportKey(session.mac)).toThrow(/USAGE/);
      expect(() => core.hmacSign(session.mac, data)).toThrow(/USAGE/);
    }
    const twisted = keys.opaque!.stored!.slice();
    twisted[5]! ^= 1;
    await expect(restoreWrappedSession(core, operations)(twisted)).rejects.toThrow();
    expect(await codeOf(() => restoreWrappedSession(core, operations)(new Uint8Array(0)))).toBe("UNWRAP_ERROR");
    expect(await restoreWrappedSession(core, immediate())(twisted)).toBeNull();
  });

  test("disposing tells the holder once", () => {
    let disposed = 0;
    const keys = opaqueSession(core, { keys: { dispose: () => void disposed++ }, stored: null });
    const context = sessionContext(core, null, 1, keys);
    context.dispose();
    keys.encryption.dispose();
    keys.mac.dispose();
    expect([disposed, keys.mac.disposed]).toEqual([1, true]);
  });
});

describe("signing keys of WebCrypto", () => {
  test("RSA", async () => {
    const algorithm = {
      name: "RSASSA-PKCS1-v1_5",
      modulusLength: 2048,
      publicExponent: Uint8Array.of(1, 0, 1),
      hash: "SHA-256",
    };
    const { privateKey, publicKey } = await subtle.generateKey(algorithm, false, ["sign", "verify"]);
    const read = readPublicKey(new Uint8Array(await subtle.exportKey("spki", publicKey)));
    if (read.kind !== "RSA") throw new Error("not RSA");
    const verifier = rsaContext(core, read.rsa, null);
    const context = webCryptoSigner(subtle, privateKey, "RSA", verifier);
    const signature = await context.sign(Uint8Array.of(1), "JSON");
    expect(await verifier.verify(Uint8Array.of(1), signature)).toBe(true);
    expect(await context.verify(Uint8Array.of(2), signature)).toBe(false);
  });

  test("ECDSA: what the platform writes raw is sent as DER", async () => {
    const algorithm = { name: "ECDSA", namedCurve: "P-256" };
    const { privateKey, publicKey } = await subtle.generateKey(algorithm, false, ["sign", "verify"]);
    const point = new Uint8Array(await subtle.exportKey("raw", publicKey));
    const context = webCryptoSigner(subtle, privateKey, "ECDSA", ecdsaContext(core, point, null));
    for (let i = 0; i < 20; i++) {
      const signature = await context.sign(Uint8Array.of(i), "JSON");
      expect(signature[0]).toBe(0x30);
      expect(ecdsaVerify(core, point, core.sha256(Uint8Array.of(i)), signature)).toBe(true);
      expect(await context.verify(Uint8Array.of(i), signature)).toBe(true);
      expect(await context.verify(Uint8Array.of(i + 1), signature)).toBe(false);
    }
    expect(await codeOf(() => webCryptoSigner(subtle, privateKey, "ECDSA").verify(point, point))).toBe(
      "VERIFY_NOT_SUPPORTED",
    );
  });

  test("DER of small and large integers is in its shortest form", () => {
    const raw = new Uint8Array(64);
    expect(Buffer.from(ecdsaToDer(raw)).toString("hex")).toBe("3006020100020100");
    raw[31] = 0x7f;
    raw[63] = 0x80;
    expect(Buffer.from(ecdsaToDer(raw)).toString("hex")).toBe("300702017f02020080");
    raw.fill(255);
    expect(ecdsaToDer(raw).length).toBe(72);
    expect(() => ecdsaToDer(new Uint8Array(63))).toThrow(/SIGNATURE_ERROR/);
  });
});

test.each([24, 255, 256, 512])(
  "a state holds wrapped keys of %i bytes, and gives them back as they came",
  async (length) => {
    const [encryptionKey, macKey] = [new Uint8Array(length).fill(1), new Uint8Array(length + 16).fill(2)];
    const seen: Uint8Array[][] = [];
    const restore = restoreWrappedSession(core, {
      unwrapSession(...wrapped) {
        seen.push(wrapped);
        return { keys: {}, stored: null };
      },
    });
    await restore(wrappedSessionState(encryptionKey, macKey));
    expect(seen).toEqual([[encryptionKey, macKey]]);
    // States of before had one byte of length.
    if (length < 256)
      expect(wrappedSessionState(encryptionKey, macKey).subarray(0, 2)).toEqual(Uint8Array.of(length, 1));
  },
);
