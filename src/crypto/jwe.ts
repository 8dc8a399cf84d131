// JSON Web Encryption of an early draft, as MSL uses it to wrap keys ("MSL Cryptography"). It differs from RFC 7516: the
// additional authenticated data is header.encryptedKey.iv, and the JSON form is another.
//   compact: b64u(header).b64u(encryptedKey).b64u(iv).b64u(ciphertext).b64u(tag)
//   JSON: {"recipients":[{"header","encrypted_key","integrity_value"}],"initialization_vector","ciphertext"}

import type { Core } from "../core/core.ts";
import type { KeyHandle } from "../core/key-handle.ts";
import { CONTENT_KEY } from "../core/key-specs.ts";
import { gcmOpen, gcmSeal } from "../core/modes.ts";
import { type RsaPublicKey, rsaOaepUnwrapKey, rsaOaepWrapKey } from "../core/rsa.ts";
import { decodeBase64Url, encodeBase64Url } from "../encoding/base64.ts";
import { decodeObject } from "../encoding/codec.ts";
import type { MslMap } from "../encoding/msl-map.ts";
import { decodeUtf8 } from "../encoding/utf8.ts";
import { MslProtocolError, protocolError } from "../errors/msl-error.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import type { CryptoContext, OpaqueDecryption } from "./crypto-context.ts";

export type JweForm = "compact" | "JSON";
export type JweEncryption = "A128GCM" | "A256GCM";

/** What the content key is wrapped under. */
export type JweKey =
  | {
      readonly algorithm: "RSA-OAEP";
      readonly publicKey: RsaPublicKey | null;
      readonly privateKey: KeyHandle | OpaqueDecryption | null;
    }
  /** A context with a wrapping key. */
  | { readonly algorithm: "A128KW"; readonly context: CryptoContext };

const KEY_BYTES: Readonly<Record<JweEncryption, number>> = { A128GCM: 16, A256GCM: 32 };
const MAX_BYTES = 16384;

/** Of ASCII, which all parts of a JWE are: Base64url and fixed text. */
function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

/** Seals a plaintext, which is wiped. @throws WRAP_NOT_SUPPORTED, INVALID_PUBLIC_KEY */
export async function sealJwe(
  core: Core,
  key: JweKey,
  encryption: JweEncryption,
  form: JweForm,
  plain: Uint8Array,
): Promise<Uint8Array> {
  const content = core.generateKey(CONTENT_KEY, KEY_BYTES[encryption]);
  try {
    const header = encodeBase64Url(bytes(`{"alg":"${key.algorithm}","enc":"${encryption}"}`));
    const encryptedKey = encodeBase64Url(await wrapped(core, key, content));
    const ivBytes = core.random(12);
    const iv = encodeBase64Url(ivBytes);
    const sealed = gcmSeal(core, content, ivBytes, bytes(`${header}.${encryptedKey}.${iv}`), plain);
    const ciphertext = encodeBase64Url(sealed.subarray(0, sealed.length - 16));
    const tag = encodeBase64Url(sealed.subarray(sealed.length - 16));
    return bytes(
      form === "compact"
        ? `${header}.${encryptedKey}.${iv}.${ciphertext}.${tag}`
        : `{"recipients":[{"header":"${header}","encrypted_key":"${encryptedKey}","integrity_value":"${tag}"}],` +
            `"initialization_vector":"${iv}","ciphertext":"${ciphertext}"}`,
    );
  } finally {
    content.dispose();
    plain.fill(0);
  }
}

function wrapped(core: Core, key: JweKey, content: KeyHandle): Awaitable<Uint8Array> {
  if (key.algorithm === "A128KW") return key.context.wrapKey(content);
  return key.publicKey === null
    ? protocolError("WRAP_NOT_SUPPORTED", "jwe")
    : rsaOaepWrapKey(core, key.publicKey, content);
}

/** The parts as they came, in Base64url. */
interface Parts {
  readonly header: string;
  readonly encryptedKey: string;
  readonly iv: string;
  readonly ciphertext: string;
  readonly tag: string;
}

/**
 * Opens either form; the caller wipes the plaintext.
 * @throws JWE_PARSE_ERROR, JWE_ALGORITHM_MISMATCH, INVALID_SYMMETRIC_KEY, INVALID_ALGORITHM_PARAMS, UNWRAP_ERROR and, for
 * RSA, CIPHERTEXT_BAD_PADDING
 */
export async function openJwe(
  core: Core,
  key: JweKey,
  encryption: JweEncryption,
  jwe: Uint8Array,
): Promise<Uint8Array> {
  const parts = jwe.length > MAX_BYTES ? protocolError("JWE_PARSE_ERROR", "jwe") : partsOf(jwe);
  const { algorithm, enc } = readHeader(decoded(parts.header));
  const encryptedKey = decoded(parts.encryptedKey);
  const iv = decoded(parts.iv);
  const ciphertext = decoded(parts.ciphertext);
  const tag = decoded(parts.tag);
  if (algorithm !== key.algorithm || enc !== encryption) protocolError("JWE_ALGORITHM_MISMATCH", "jwe.header");
  const content = await unwrapped(core, key, encryptedKey);
  try {
    if (content.length !== KEY_BYTES[encryption]) protocolError("INVALID_SYMMETRIC_KEY", "jwe.encrypted_key");
    if (tag.length !== 16) protocolError("INVALID_ALGORITHM_PARAMS", "jwe.tag");
    if (iv.length !== 12) protocolError("INVALID_ALGORITHM_PARAMS", "jwe.iv");
    const sealed = new Uint8Array(ciphertext.length + 16);
    sealed.set(ciphertext);
    sealed.set(tag, ciphertext.length);
    const aad = bytes(`${parts.header}.${parts.encryptedKey}.${parts.iv}`);
    return gcmOpen(core, content, iv, aad, sealed) ?? protocolError("UNWRAP_ERROR", "jwe");
  } finally {
    content.dispose();
  }
}

/** @throws INVALID_SYMMETRIC_KEY for a content key that does not come out whole */
async function unwrapped(core: Core, key: JweKey, encryptedKey: Uint8Array): Promise<KeyHandle> {
  if (key.algorithm === "RSA-OAEP") {
    if (key.privateKey === null) return protocolError("UNWRAP_NOT_SUPPORTED", "jwe");
    if (!("decrypt" in key.privateKey)) return rsaOaepUnwrapKey(core, key.privateKey, encryptedKey, CONTENT_KEY);
    const content = await key.privateKey.decrypt(encryptedKey);
    if (content.length === 16 || content.length === 32) return core.importKey(CONTENT_KEY, content);
    content.fill(0);
    return protocolError("INVALID_SYMMETRIC_KEY", "jwe.encrypted_key");
  }
  try {
    return await key.context.unwrapKey(encryptedKey, CONTENT_KEY);
  } catch (error) {
    const isDamaged =
      error instanceof MslProtocolError &&
      (error.code === "UNWRAP_ERROR" || error.code === "CIPHERTEXT_ILLEGAL_BLOCK_SIZE");
    if (isDamaged) return protocolError("INVALID_SYMMETRIC_KEY", "jwe.encrypted_key", error);
    throw error;
  }
}

function partsOf(jwe: Uint8Array): Parts {
  if (jwe[0] === 0x7b) return jsonParts(jwe);
  const [header, encryptedKey, iv, ciphertext, tag, ...more] = (decodeUtf8(jwe) ?? "").split(".");
  if (!header || !encryptedKey || !iv || !ciphertext || !tag || more.length > 0) {
    return protocolError("JWE_PARSE_ERROR", "jwe");
  }
  return { header, encryptedKey, iv, ciphertext, tag };
}

function jsonParts(jwe: Uint8Array): Parts {
  const map = decodeObject(jwe, "jwe", "JWE_PARSE_ERROR");
  const recipients = map.list("recipients");
  if (recipients.length === 0) return protocolError("JWE_PARSE_ERROR", "jwe.recipients");
  const recipient = recipients.map(0);
  const text = (from: MslMap, name: string) => {
    const value = from.string(name);
    return value === "" ? protocolError("JWE_PARSE_ERROR", `${from.path}.${name}`) : value;
  };
  return {
    header: text(recipient, "header"),
    encryptedKey: text(recipient, "encrypted_key"),
    tag: text(recipient, "integrity_value"),
    iv: text(map, "initialization_vector"),
    ciphertext: text(map, "ciphertext"),
  };
}

function decoded(text: string): Uint8Array {
  const found = decodeBase64Url(text);
  return found === null || found.length === 0 ? protocolError("JWE_PARSE_ERROR", "jwe") : found;
}

function readHeader(header: Uint8Array): { readonly algorithm: string; readonly enc: string } {
  if (header[0] !== 0x7b) protocolError("JWE_PARSE_ERROR", "jwe.header");
  const map = decodeObject(header, "jwe.header", "JWE_PARSE_ERROR");
  const algorithm = map.string("alg");
  const enc = map.string("enc");
  const isKnown = (algorithm === "RSA-OAEP" || algorithm === "A128KW") && (enc === "A128GCM" || enc === "A256GCM");
  return isKnown ? { algorithm, enc } : protocolError("JWE_PARSE_ERROR", "jwe.header");
}
