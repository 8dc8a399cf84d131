// Public keys as SubjectPublicKeyInfo (RFC 5280) and private keys as PrivateKeyInfo (RFC 5208): RSA and P-256.

import type { Core } from "../core/core.ts";
import type { KeyHandle, KeySpec } from "../core/key-handle.ts";
import { P256_SIGNING, RSA_SIGNING } from "../core/key-specs.ts";
import { p256Import } from "../core/p256.ts";
import { type RsaPublicKey, rsaImport } from "../core/rsa.ts";
import { DerError, derSequence, type DerReader, TAG } from "../encoding/der.ts";
import type { MslErrorCode } from "../errors/codes.ts";
import { protocolError } from "../errors/msl-error.ts";

export type PublicKey =
  | { readonly kind: "RSA"; readonly rsa: RsaPublicKey }
  /** 04 ‖ X ‖ Y on P-256; whether it is on the curve is checked when it is used. */
  | { readonly kind: "P-256"; readonly point: Uint8Array };

const RSA = "1.2.840.113549.1.1.1";
const EC = "1.2.840.10045.2.1";
const P256 = "1.2.840.10045.3.1.7";
const MAX_RSA_BYTES = 512;

/** @throws INVALID_PUBLIC_KEY, also for algorithms other than RSA (to 4096 bits) and P-256 */
export function readPublicKey(spki: Uint8Array): PublicKey {
  return asKeyError("INVALID_PUBLIC_KEY", () => {
    const info = derSequence(spki);
    const isRsa = algorithm(info.enter()) === RSA;
    const bits = info.bits();
    info.end();
    if (isRsa) return { kind: "RSA", rsa: rsaPublic(bits) };
    if (bits.length !== 65 || bits[0] !== 4) throw new DerError("not an uncompressed point");
    return { kind: "P-256", point: bits.slice() };
  });
}

function rsaPublic(der: Uint8Array): RsaPublicKey {
  const key = derSequence(der);
  const n = key.unsigned();
  const e = key.unsigned();
  key.end();
  if (n.length > MAX_RSA_BYTES || e.length > 4) throw new DerError("key too large");
  return { n: n.slice(), e: e.reduce((value, byte) => value * 256 + byte, 0) };
}

/** SubjectPublicKeyInfo of an RSA key. */
export function writeRsaPublicKey({ n, e }: RsaPublicKey): Uint8Array {
  const exponent = [e >>> 24, (e >>> 16) & 255, (e >>> 8) & 255, e & 255];
  while (exponent[0] === 0) exponent.shift();
  const key = der(TAG.sequence, integer(n), integer(Uint8Array.from(exponent)));
  return der(TAG.sequence, RSA_ALGORITHM, der(TAG.bitString, Uint8Array.of(0), key));
}

const RSA_ALGORITHM = Uint8Array.of(0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0);

function integer(unsigned: Uint8Array): Uint8Array {
  return (unsigned[0] ?? 0) >= 0x80 ? der(TAG.integer, Uint8Array.of(0), unsigned) : der(TAG.integer, unsigned);
}

function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head =
    length < 128 ? [tag, length] : length < 256 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 255];
  const out = new Uint8Array(head.length + length);
  out.set(head);
  let at = head.length;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** The key's algorithm, of a reader inside AlgorithmIdentifier. */
function algorithm(reader: DerReader): typeof RSA | typeof EC {
  const oid = reader.oid();
  if (oid === RSA) {
    const nothing = reader.optional(0x05);
    if (nothing !== null && nothing.content.length > 0) throw new DerError("parameters");
    reader.end();
    return RSA;
  }
  if (oid !== EC || reader.oid() !== P256) throw new DerError("another algorithm");
  reader.end();
  return EC;
}

export interface PrivateKey {
  readonly kind: PublicKey["kind"];
  readonly key: KeyHandle;
  /** Of an RSA key. */
  readonly rsa: RsaPublicKey | null;
}

/**
 * Imports a private key into the core; `pkcs8` is wiped. Without `spec` the key signs.
 * @throws INVALID_PRIVATE_KEY
 */
export function importPrivateKey(core: Core, pkcs8: Uint8Array, spec?: KeySpec): PrivateKey {
  try {
    return asKeyError("INVALID_PRIVATE_KEY", () => {
      const info = derSequence(pkcs8);
      if (info.small() > 1) throw new DerError("another version");
      const isRsa = algorithm(info.enter()) === RSA;
      const inner = info.next(TAG.octetString).content;
      return isRsa ? importRsa(core, inner, spec ?? RSA_SIGNING) : importP256(core, inner, spec ?? P256_SIGNING);
    });
  } finally {
    pkcs8.fill(0);
  }
}

/** RSAPrivateKey (RFC 8017 A.1.2): version, n, e, d, and CRT values that the core works out itself. */
function importRsa(core: Core, der: Uint8Array, spec: KeySpec): PrivateKey {
  const key = derSequence(der);
  if (key.small() !== 0) throw new DerError("several primes");
  const n = key.unsigned();
  const e = key.unsigned();
  const d = key.unsigned();
  if (n.length > MAX_RSA_BYTES || e.length > 4 || d.length > n.length) throw new DerError("key too large");
  const rsa = { n: n.slice(), e: e.reduce((value, byte) => value * 256 + byte, 0) };
  return { kind: "RSA", key: rsaImport(core, rsa, d.slice(), spec), rsa };
}

/** ECPrivateKey (RFC 5915): version, scalar, and what repeats the algorithm. */
function importP256(core: Core, der: Uint8Array, spec: KeySpec): PrivateKey {
  const key = derSequence(der);
  if (key.small() !== 1) throw new DerError("another version");
  const scalar = key.next(TAG.octetString).content;
  if (scalar.length !== 32) throw new DerError("another length");
  return { kind: "P-256", key: p256Import(core, scalar.slice(), spec), rsa: null };
}

function asKeyError<T>(code: MslErrorCode, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof DerError) return protocolError(code, "key", error);
    throw error;
  }
}
