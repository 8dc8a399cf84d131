// JSON Web Keys as MSL's key exchanges carry them ("MSL Cryptography", JSON Web Key structure): always JSON text, types in
// lower case, `extractable` in place of the standard `ext`. Secret key bytes go through as bytes, never as a string.

import type { Core } from "../core/core.ts";
import type { KeyHandle, KeySpec } from "../core/key-handle.ts";
import { decodeKeyText, encodeKeyText } from "../core/key-text.ts";
import { decodeObject } from "../encoding/codec.ts";
import type { MslMap } from "../encoding/msl-map.ts";
import { encodeUtf8 } from "../encoding/utf8.ts";
import type { MslErrorCode } from "../errors/codes.ts";
import { MslProtocolError, protocolError } from "../errors/msl-error.ts";

const USES = ["sig", "enc", "wrap"] as const;
const KEY_OPS = ["sign", "verify", "encrypt", "decrypt", "wrapKey", "unwrapKey", "deriveKey", "deriveBits"] as const;
const ALGORITHMS = ["HS256", "RSA1_5", "RSA-OAEP", "A128KW", "A128CBC"] as const;

export type JwkUse = (typeof USES)[number];
export type JwkKeyOp = (typeof KEY_OPS)[number];
export type JwkAlgorithm = (typeof ALGORITHMS)[number];

/** What a key says of itself. */
export interface JwkFacts {
  readonly use: JwkUse | null;
  readonly keyOps: readonly JwkKeyOp[] | null;
  readonly algorithm: JwkAlgorithm | null;
  readonly extractable: boolean;
  readonly id: string | null;
}

/** Numbers of an RSA key, unsigned big-endian; the caller wipes `d`. */
export interface RsaNumbers {
  readonly n: Uint8Array;
  readonly e: Uint8Array | null;
  readonly d: Uint8Array | null;
}

export type Jwk =
  | ({ readonly kty: "oct" /** The caller wipes it. */; readonly k: Uint8Array } & JwkFacts)
  | ({ readonly kty: "rsa"; readonly rsa: RsaNumbers } & JwkFacts);

/**
 * Reads a key. Unknown members are ignored.
 * @throws MSL_PARSE_ERROR, UNIDENTIFIED_JWK_TYPE, _USAGE, _KEYOP, _ALGORITHM, INVALID_JWK_KEYDATA
 */
export function parseJwk(core: Core, text: Uint8Array): Jwk {
  if (text[0] !== 0x7b) protocolError("MSL_PARSE_ERROR", "jwk");
  const map = decodeObject(text, "jwk");
  const kty = map.string("kty");
  if (kty !== "oct" && kty !== "rsa") return protocolError("UNIDENTIFIED_JWK_TYPE", "jwk.kty");
  const facts: JwkFacts = {
    use: oneOf(USES, map.stringOr("use"), "UNIDENTIFIED_JWK_USAGE", "jwk.use"),
    keyOps: keyOps(map),
    algorithm: oneOf(ALGORITHMS, map.stringOr("alg"), "UNIDENTIFIED_JWK_ALGORITHM", "jwk.alg"),
    extractable: map.boolOr("extractable", false),
    id: map.stringOr("kid"),
  };
  if (kty === "oct") return { kty, ...facts, k: keyData(core, map, "k") };
  const n = keyData(core, map, "n");
  const e = map.has("e") ? keyData(core, map, "e") : null;
  const d = map.has("d") ? keyData(core, map, "d") : null;
  if (e === null && d === null) protocolError("MSL_PARSE_ERROR", "jwk.e");
  return { kty, ...facts, rsa: { n, e, d } };
}

function keyOps(map: MslMap): readonly JwkKeyOp[] | null {
  const list = map.listOr("key_ops");
  if (list === null) return null;
  return Array.from({ length: list.length }, (_, i) => {
    const op = list.string(i);
    return (
      oneOf(KEY_OPS, op, "UNIDENTIFIED_JWK_KEYOP", "jwk.key_ops") ?? protocolError("MSL_PARSE_ERROR", "jwk.key_ops")
    );
  });
}

function oneOf<T extends string>(
  names: readonly T[],
  name: string | null,
  code: MslErrorCode,
  where: string,
): T | null {
  if (name === null) return null;
  return names.find((known) => known === name) ?? protocolError(code, where);
}

function keyData(core: Core, map: MslMap, member: string): Uint8Array {
  const bytes = decodeKeyText(core, map.letters(member));
  return bytes.length === 0 ? protocolError("INVALID_JWK_KEYDATA", `jwk.${member}`) : bytes;
}

/** The text of a key, with members in a fixed order; the caller wipes it. */
export function writeJwk(core: Core, jwk: Jwk): Uint8Array {
  const members: (string | Uint8Array)[] = [`{"kty":"${jwk.kty}"`];
  if (jwk.use !== null) members.push(`,"use":"${jwk.use}"`);
  if (jwk.keyOps !== null) members.push(`,"key_ops":[${jwk.keyOps.map((op) => `"${op}"`).join(",")}]`);
  if (jwk.algorithm !== null) members.push(`,"alg":"${jwk.algorithm}"`);
  members.push(`,"extractable":${jwk.extractable}`);
  if (jwk.id !== null) members.push(`,"kid":${JSON.stringify(jwk.id)}`);
  const data = (name: string, bytes: Uint8Array) => members.push(`,"${name}":"`, encodeKeyText(core, bytes), '"');
  if (jwk.kty === "oct") data("k", jwk.k);
  else {
    data("n", jwk.rsa.n);
    if (jwk.rsa.e !== null) data("e", jwk.rsa.e);
    if (jwk.rsa.d !== null) data("d", jwk.rsa.d);
  }
  members.push("}");
  return joined(members);
}

/** Joins the parts and wipes those that were bytes. */
function joined(parts: readonly (string | Uint8Array)[]): Uint8Array {
  const pieces = parts.map((part) => (typeof part === "string" ? encoded(part) : part));
  const out = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
    piece.fill(0);
  }
  return out;
}

const encoded = (text: string) => encodeUtf8(text) ?? protocolError("MSL_ENCODE_ERROR", "jwk.kid");

/** The two ways in which the exchanges name what a key is for. */
export type JwkStyle = "use" | "key_ops";

interface Purpose {
  readonly use: JwkUse;
  readonly keyOps: readonly JwkKeyOp[];
  readonly algorithm: JwkAlgorithm;
  readonly length: number;
  /** What a key that is not of this purpose raises. */
  readonly code: MslErrorCode;
}

export const JWK_ENCRYPTION: Purpose = {
  use: "enc",
  keyOps: ["encrypt", "decrypt"],
  algorithm: "A128CBC",
  length: 16,
  code: "KEYX_INVALID_ENCRYPTION_KEY",
};
export const JWK_MAC: Purpose = {
  use: "sig",
  keyOps: ["sign", "verify"],
  algorithm: "HS256",
  length: 32,
  code: "KEYX_INVALID_HMAC_KEY",
};
export const JWK_WRAPPING: Purpose = {
  use: "wrap",
  keyOps: ["wrapKey", "unwrapKey"],
  algorithm: "A128KW",
  length: 16,
  code: "KEYX_INVALID_WRAPPING_KEY",
};

/** Text of an exportable key of the core; the caller wipes it. */
export function keyToJwk(
  core: Core,
  key: KeyHandle,
  purpose: Purpose,
  style: JwkStyle,
  id: string | null = null,
): Uint8Array {
  const k = core.exportKey(key);
  try {
    const { use, keyOps: ops, algorithm } = purpose;
    const named = style === "use" ? { use, keyOps: null } : { use: null, keyOps: ops };
    return writeJwk(core, { kty: "oct", ...named, algorithm, extractable: false, id, k });
  } finally {
    k.fill(0);
  }
}

/**
 * Imports a received key into a slot; `text` is wiped.
 * @throws `notJwk` for bytes that are no key; INVALID_JWK_KEYDATA; the purpose's code for a key of another algorithm,
 * length or use, which the reference would take
 */
export function keyFromJwk(
  core: Core,
  text: Uint8Array,
  purpose: Purpose,
  spec: KeySpec,
  notJwk: MslErrorCode,
): KeyHandle {
  let k: Uint8Array | null = null;
  try {
    const jwk = readOrFail(core, text, notJwk);
    if (jwk.kty === "rsa") {
      jwk.rsa.d?.fill(0);
      return protocolError(purpose.code, "keydata");
    }
    k = jwk.k;
    const { use, keyOps: ops } = jwk;
    const isFor = (use ?? purpose.use) === purpose.use && purpose.keyOps.every((op) => ops?.includes(op) ?? true);
    if (!isFor || jwk.algorithm !== purpose.algorithm || k.length !== purpose.length) {
      protocolError(purpose.code, "keydata");
    }
    return core.importKey(spec, k);
  } finally {
    k?.fill(0);
    text.fill(0);
  }
}

function readOrFail(core: Core, text: Uint8Array, notJwk: MslErrorCode): Jwk {
  try {
    return parseJwk(core, text);
  } catch (error) {
    if (error instanceof MslProtocolError && error.code === "MSL_PARSE_ERROR") protocolError(notJwk, "keydata");
    throw error;
  }
}
