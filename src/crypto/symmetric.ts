// Symmetric crypto context over keys in the core's slots: AES-CBC with PKCS#5 padding, HMAC-SHA256 or AES-CMAC by the type
// of the key, AES key wrap ("MSL Cryptography"). The key id inside an envelope is never compared: the MAC decides.

import { KEY_CMAC } from "../core/abi.ts";
import type { Core, KeyHandle, KeyId } from "../core/core.ts";
import { cmacSign, cmacVerify } from "../core/modes.ts";
import { writeJsonText } from "../encoding/writer.ts";
import { encodeUtf8 } from "../encoding/utf8.ts";
import { protocolError } from "../errors/msl-error.ts";
import { decodeCiphertextEnvelope, encodeCiphertextEnvelope } from "./ciphertext-envelope.ts";
import type { CryptoContext } from "./crypto-context.ts";
import { detectSignatureEnvelope, type SignatureAlgorithm } from "./signature-envelope.ts";

export interface SlotContextKeys {
  readonly keyId: string;
  readonly encryption?: KeyHandle | null;
  readonly mac?: KeyHandle | null;
  readonly wrapping?: KeyHandle | null;
  /** Whether `dispose` clears the keys. */
  readonly owns?: boolean;
}

/** How a key signs. */
interface Mac {
  readonly algorithm: SignatureAlgorithm;
  readonly bytes: number;
  sign(core: Core, key: KeyHandle, data: Uint8Array): Uint8Array;
  verify(core: Core, key: KeyHandle, data: Uint8Array, tag: Uint8Array): boolean;
}

const HMAC: Mac = {
  algorithm: "HmacSHA256",
  bytes: 32,
  sign: (core, key, data) => core.hmacSign(key, data),
  verify: (core, key, data, tag) => core.hmacVerify(key, data, tag),
};
const CMAC: Mac = { algorithm: "AESCmac", bytes: 16, sign: cmacSign, verify: cmacVerify };

const macOf = (key: KeyHandle | null): Mac => (key?.type === KEY_CMAC ? CMAC : HMAC);

/** A key id in the two forms that envelopes carry. @throws MSL_ENCODE_ERROR for a lone surrogate */
export function keyIdOf(text: string): KeyId {
  const utf8 = encodeUtf8(text);
  if (utf8 === null) return protocolError("MSL_ENCODE_ERROR", "keyid");
  const json = new Uint8Array(text.length * 6);
  return { json: json.slice(0, writeJsonText(text, json, 0)), text: utf8 };
}

/** Context of keys in slots; operations without a key raise the matching *_NOT_SUPPORTED. */
export function slotContext(core: Core, keys: SlotContextKeys): CryptoContext {
  const { keyId } = keys;
  const encryption = keys.encryption ?? null;
  const mac = keys.mac ?? null;
  const wrapping = keys.wrapping ?? null;
  const macKind = macOf(mac);
  return {
    encrypt(plain, format) {
      if (encryption === null) return protocolError("ENCRYPT_NOT_SUPPORTED");
      if (plain.length === 0) {
        // Interop: the reference writes an envelope with an IV and no ciphertext.
        return encodeCiphertextEnvelope(format, { version: 1, keyId, iv: core.random(16), ciphertext: plain });
      }
      return encodeCiphertextEnvelope(format, { version: 1, keyId, ...core.cbcEncrypt(encryption, plain) });
    },
    decrypt(data) {
      if (encryption === null) return protocolError("DECRYPT_NOT_SUPPORTED");
      if (data.length === 0) return data;
      const envelope = decodeCiphertextEnvelope(data, 1, "CIPHERTEXT_ENVELOPE_PARSE_ERROR");
      if (envelope.ciphertext.length === 0) return envelope.ciphertext;
      if (envelope.iv === null) return protocolError("CIPHERTEXT_ENVELOPE_PARSE_ERROR", "ciphertextenvelope.iv");
      return core.cbcDecrypt(encryption, envelope.iv, envelope.ciphertext);
    },
    sign(data) {
      if (mac === null) return protocolError("SIGN_NOT_SUPPORTED");
      return macKind.sign(core, mac, data);
    },
    verify(data, signature) {
      if (mac === null) return protocolError("VERIFY_NOT_SUPPORTED");
      // As long as a MAC: it can only be one. A version 2 object of this length has no room for a whole MAC, and looking
      // for it would cost an error for each of the MACs that begin like an object.
      if (signature.length === macKind.bytes) return macKind.verify(core, mac, data, signature);
      const envelope = detectSignatureEnvelope(signature);
      // Differs from reference: an envelope that names another algorithm does not verify.
      if (envelope.version === 2 && envelope.algorithm !== macKind.algorithm) return false;
      return macKind.verify(core, mac, data, envelope.signature);
    },
    wrapKey(key) {
      if (wrapping === null) return protocolError("WRAP_NOT_SUPPORTED");
      return core.wrapKey(wrapping, key);
    },
    unwrapKey(wrapped, spec) {
      if (wrapping === null) return protocolError("UNWRAP_NOT_SUPPORTED");
      return core.unwrapKey(wrapping, wrapped, spec);
    },
    wrapBytes(data) {
      if (wrapping === null) return protocolError("WRAP_NOT_SUPPORTED");
      return core.wrapBytes(wrapping, data);
    },
    unwrapBytes(wrapped) {
      if (wrapping === null) return protocolError("UNWRAP_NOT_SUPPORTED");
      return core.unwrapBytes(wrapping, wrapped);
    },
    // The fused path of the core is HMAC's.
    slots:
      encryption !== null && mac !== null && macKind === HMAC ? { core, keyId: keyIdOf(keyId), encryption, mac } : null,
    dispose() {
      if (keys.owns !== true) return;
      encryption?.dispose();
      mac?.dispose();
      wrapping?.dispose();
    },
  };
}
