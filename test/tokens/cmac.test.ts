// Sessions that sign with AES-CMAC: an issuer may put such a key into a master token, and everything works under it.

import { expect, test } from "vitest";
import { SESSION_ENCRYPTION } from "../../src/core/core.ts";
import { loadCore } from "../../src/core/core-node.ts";
import { CMAC_KEY, SESSION_CMAC } from "../../src/core/key-specs.ts";
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
