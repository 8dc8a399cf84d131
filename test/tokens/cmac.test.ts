// Sessions that sign with AES-CMAC: an issuer may put such a key into a master token, and everything works under it.

import { expect, test } from "vitest";
import { SESSION_ENCRYPTION } from "../../src/core/core.ts";
import { loadCore } from "../../src/core/core-node.ts";
import { CMAC_KEY, SESSION_CMAC } from "../../src/core/key-specs.ts";
import { cmacSign, cmacVerify } from "../../src/core/modes.ts";
import { type KeyOperations, opaqueContext, opaqueSession } from "../../src/crypto/opaque-context.ts";
import { sessionContext } from "../../src/crypto/session.ts";
import { DeviceStore } from "../../src/store/device-store.ts";
import { type MemoryPlace, memoryStorage } from "../../src/store/memory-storage.ts";
import { token } from "../store/device-state-values.ts";
import { openPair, sealPair } from "../../src/crypto/seal.ts";
import { encodeSignatureEnvelope } from "../../src/crypto/signature-envelope.ts";
import { slotContext } from "../../src/crypto/symmetric.ts";
import { decodeObject, encodeObject } from "../../src/encoding/codec.ts";
import { createMasterToken, masterTokenFields, parseMasterToken } from "../../src/tokens/master-token.ts";
import { tokenKeys } from "../../src/tokens/token-crypto.ts";
import { ENCRYPTION_KEY, MAC_KEY } from "../../src/core/core.ts";

test.each(["JSON", "CBOR"] as const)("a master token with an AES-CMAC key seals and opens, %s", async (format) => {
  const core = await loadCore();
  const crypto = tokenKeys([
    slotContext(core, {
      keyId: "tokens",
      encryption: core.generateKey(ENCRYPTION_KEY, 16),
      mac: core.generateKey(MAC_KEY, 32),
    }),
  ]);
  const keys = { encryption: core.generateKey(SESSION_ENCRYPTION, 16), mac: core.generateKey(SESSION_CMAC, 16) };
  const fields = { renewalWindow: 1, expiration: 2, sequenceNumber: 3, serialNumber: 4, identity: "e", issuerData: {} };
  const issued = await createMasterToken(core, crypto, format, { ...fields, keys });
  const wire = encodeObject(format, masterTokenFields(issued));
  const read = await parseMasterToken(decodeObject(wire, "mastertoken"), crypto, core);
  const plain = new TextEncoder().encode("headerdata");
  const { data, signature } = await sealPair(issued.verified.context, plain, format);
  expect(signature).toHaveLength(16);
  const context = read.verified?.context ?? expect.unreachable();
  expect(await openPair(context, data, signature)).toEqual(plain);
  expect(
    await openPair(
      context,
      data,
      signature.map((byte, i) => (i === 0 ? byte ^ 1 : byte)),
    ),
  ).toBeNull();
});

test("a version 2 envelope has to name AES-CMAC", async () => {
  const core = await loadCore();
  const context = slotContext(core, { keyId: "k", mac: core.generateKey(CMAC_KEY, 16) });
  const data = new Uint8Array([1, 2, 3]);
  const signature = await context.sign(data, "JSON");
  const named = (algorithm: "AESCmac" | "HmacSHA256") =>
    encodeSignatureEnvelope("JSON", { version: 2, algorithm, signature });
  expect(await context.verify(data, named("AESCmac"))).toBe(true);
  expect(await context.verify(data, named("HmacSHA256"))).toBe(false);
  expect(await context.verify(new Uint8Array([1, 2, 4]), signature)).toBe(false);
});

test.each(["JSON", "CBOR"] as const)("a session with AES-CMAC whose keys are elsewhere, %s", async (format) => {
  const [core, holder] = [await loadCore(), await loadCore()];
  const [encryptionKey, macKey] = [core.random(16), core.random(16)];
  const encryption = holder.importKey(ENCRYPTION_KEY, encryptionKey.slice());
  const mac = holder.importKey(CMAC_KEY, macKey.slice());
  const keys: KeyOperations = {
    signatureAlgorithm: "AESCmac",
    encrypt: async (plain) => holder.cbcEncrypt(encryption, plain),
    decrypt: async (iv, ciphertext) => holder.cbcDecrypt(encryption, iv, ciphertext),
    sign: async (data) => cmacSign(holder, mac, data),
  };
  const elsewhere = sessionContext(core, "e", 3, opaqueSession(core, { keys, stored: null }));
  const here = sessionContext(core, "e", 3, {
    encryption: core.importKey(SESSION_ENCRYPTION, encryptionKey),
    mac: core.importKey(SESSION_CMAC, macKey),
  });
  const plain = new TextEncoder().encode("headerdata");
  for (const [from, to] of [
    [elsewhere, here],
    [here, elsewhere],
    [elsewhere, elsewhere],
  ] as const) {
    const { data, signature } = await sealPair(from, plain, format);
    expect(signature).toHaveLength(16);
    expect(await openPair(to, data, signature)).toEqual(plain);
    const changed = signature.map((byte, i) => (i === 15 ? byte ^ 1 : byte));
    expect(await openPair(to, data, changed)).toBeNull();
    expect(await openPair(to, data, signature.subarray(0, 15))).toBeNull();
    const named = (algorithm: "AESCmac" | "HmacSHA256") =>
      encodeSignatureEnvelope(format, { version: 2, algorithm, signature });
    expect(await to.verify(data, named("AESCmac"))).toBe(true);
    expect(await to.verify(data, named("HmacSHA256"))).toBe(false);
  }
  // A holder's own comparison, and one that computes something else.
  const asked = { ...keys, verify: async (data: Uint8Array, tag: Uint8Array) => cmacVerify(holder, mac, data, tag) };
  const context = opaqueContext(core, { keyId: "k", keys: asked });
  const { data, signature } = await sealPair(here, plain, format);
  expect(await openPair(context, data, signature)).toEqual(plain);
  const hmac = { ...keys, sign: async () => new Uint8Array(32) };
  const wrong = opaqueContext(core, { keyId: "k", keys: hmac });
  await expect(sealPair(wrong, plain, format)).rejects.toMatchObject({ code: "HMAC_ERROR" });
  expect(await openPair(wrong, data, signature)).toBeNull();
});

test("a session with AES-CMAC is stored as one", async () => {
  const core = await loadCore();
  const place: MemoryPlace = { snapshot: null };
  const store = await DeviceStore.open(core, "e", memoryStorage(place));
  const keys = { encryption: core.generateKey(SESSION_ENCRYPTION, 16), mac: core.generateKey(SESSION_CMAC, 16) };
  const held = store.addMasterToken(token(1, 2), keys);
  await store.commit();
  const { data, signature } = await sealPair(held, new Uint8Array([1, 2, 3]), "CBOR");
  const again = await DeviceStore.open(core, "e", memoryStorage(place));
  const context = again.contextOf(token(1, 2))!;
  expect(await openPair(context, data, signature)).toEqual(new Uint8Array([1, 2, 3]));
});
