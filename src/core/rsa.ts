// RSA (RFC 8017): OAEP and PKCS#1 v1.5 encryption of keys and bytes, PKCS#1 v1.5 signatures with SHA-256. Private keys
// stay in slots; public keys are n and e.

import { MslUsageError, protocolError } from "../errors/msl-error.ts";
import type { Timers } from "../platform/timers.ts";
import * as abi from "./abi.ts";
import type { Core } from "./core.ts";
import type { KeyHandle, KeySpec } from "./key-handle.ts";
import { RSA_DECRYPTION } from "./key-specs.ts";
import { checked } from "./status.ts";

/** Modulus, unsigned big-endian without leading zeros, and exponent below 2^32. */
export interface RsaPublicKey {
  readonly n: Uint8Array;
  readonly e: number;
}

export type OaepHash = "SHA-1" | "SHA-256";

const hashId = (hash: OaepHash) => (hash === "SHA-1" ? abi.HASH_SHA1 : abi.HASH_SHA256);
const MOST = 512;

/** Behind the operands of a call that uses the arena: results go to the front of `stage out`. */
function publicPart({ io }: Core, key: RsaPublicKey): number {
  if (key.n.length > MOST || !Number.isInteger(key.e) || key.e < 3 || key.e > 0xffffffff) {
    protocolError("INVALID_PUBLIC_KEY");
  }
  return io.put(key.n);
}

/** A status of an operation with a public key. */
function publicResult(status: number): number {
  if (status === abi.ERR_PUBLIC_KEY) protocolError("INVALID_PUBLIC_KEY");
  return checked(status);
}

/**
 * A fresh key of 2048, 3072 or 4096 bits, in steps: between them the event loop gets its turn through `timers`.
 * @throws MslCoreError if no primes were found within the bound of attempts
 */
export async function rsaGenerate(
  core: Core,
  timers: Timers,
  bits: 2048 | 3072 | 4096 = 2048,
  spec: KeySpec = RSA_DECRYPTION,
): Promise<KeyHandle> {
  const { io } = core;
  io.need("RSA", "rsaGenerateBegin");
  const begun = io.run(() => {
    io.slots.makeBigRoom(1);
    return io.adopt(io.x.rsaGenerateBegin(bits, spec.usage), spec);
  });
  begun.pin();
  try {
    for (;;) {
      const slot = io.run(() => {
        io.needEntropy(48);
        return checked(io.x.rsaGenerateStep(io.slotOf(begun)));
      });
      if (slot !== 0) {
        begun.unpin();
        return begun;
      }
      await new Promise<void>((resolve) => {
        timers.after(0, resolve);
      });
    }
  } catch (error) {
    begun.unpin();
    begun.dispose();
    throw error;
  }
}

/** As `rsaGenerate`, at once: hundreds of milliseconds. */
export function rsaGenerateNow(core: Core, bits: 2048 | 3072 | 4096 = 2048, spec: KeySpec = RSA_DECRYPTION): KeyHandle {
  const { io } = core;
  io.need("RSA", "rsaGenerate");
  return io.run(() => {
    io.slots.makeBigRoom(1);
    io.needEntropy(48);
    return io.adopt(io.x.rsaGenerate(bits, spec.usage), spec);
  });
}

/** A private key from n, e and d as JSON Web Keys carry it; `d` is wiped. @throws INVALID_PRIVATE_KEY */
export function rsaImport(core: Core, key: RsaPublicKey, d: Uint8Array, spec: KeySpec = RSA_DECRYPTION): KeyHandle {
  const { io } = core;
  io.need("RSA", "rsaImport");
  try {
    if (d.length > MOST) protocolError("INVALID_PRIVATE_KEY");
    return io.run(() => {
      io.slots.makeBigRoom(1);
      const n = publicPart(core, key);
      const slot = io.x.rsaImport(n, key.n.length, key.e | 0, io.put(d, MOST), d.length, spec.usage);
      if (slot === abi.ERR_KEY || slot === abi.ERR_ARGUMENT) protocolError("INVALID_PRIVATE_KEY");
      return io.adopt(slot, spec);
    });
  } finally {
    d.fill(0);
  }
}

export function rsaPublicKey(core: Core, key: KeyHandle): RsaPublicKey {
  const { io } = core;
  return io.run(() => {
    const length = checked(io.x.rsaPublicKey(io.slotOf(key), io.out));
    const [a, b, c, d] = io.get(io.out + length, 4);
    return { n: io.get(io.out, length), e: ((a! << 24) | (b! << 16) | (c! << 8) | d!) >>> 0 };
  });
}

// ------------------------------------------------------------ encryption

/** @throws INVALID_PUBLIC_KEY; MslUsageError for a message longer than the key takes */
export function rsaOaepEncrypt(core: Core, key: RsaPublicKey, plain: Uint8Array, hash: OaepHash = "SHA-1"): Uint8Array {
  const { io } = core;
  io.need("RSA", "rsaOaepEncrypt");
  if (plain.length > MOST) throw new MslUsageError("The message is longer than the key takes.");
  return io.run(() => {
    const n = publicPart(core, key);
    io.needEntropy(64);
    try {
      const ptr = io.put(plain, MOST);
      const status = io.x.rsaOaepEncrypt(n, key.n.length, key.e | 0, hashId(hash), ptr, plain.length, io.out);
      return io.get(io.out, publicResult(status));
    } finally {
      io.x.stageWipe(2 * MOST, 0);
    }
  });
}

/** OAEP of an exportable key, which does not come out of the core. */
export function rsaOaepWrapKey(
  core: Core,
  key: RsaPublicKey,
  wrapped: KeyHandle,
  hash: OaepHash = "SHA-1",
): Uint8Array {
  const { io } = core;
  io.need("RSA", "rsaOaepSealSlot");
  return io.run(() => {
    const slot = io.slotOf(wrapped);
    const n = publicPart(core, key);
    io.needEntropy(64);
    return io.get(io.out, publicResult(io.x.rsaOaepSealSlot(n, key.n.length, key.e | 0, hashId(hash), slot, io.out)));
  });
}

/** @throws CIPHERTEXT_ILLEGAL_BLOCK_SIZE, CIPHERTEXT_BAD_PADDING */
export function rsaOaepDecrypt(
  core: Core,
  key: KeyHandle,
  ciphertext: Uint8Array,
  hash: OaepHash = "SHA-1",
): Uint8Array {
  const { io } = core;
  io.need("RSA", "rsaOaepDecrypt");
  if (ciphertext.length > MOST) protocolError("CIPHERTEXT_ILLEGAL_BLOCK_SIZE");
  return io.run(() => {
    const slot = io.slotOf(key);
    const length = io.x.rsaOaepDecrypt(slot, hashId(hash), io.put(ciphertext), ciphertext.length, io.out);
    return io.takeSecret(io.out, checked(length));
  });
}

/** Unwraps straight into a slot. @throws as `rsaOaepDecrypt`; INVALID_SYMMETRIC_KEY */
export function rsaOaepUnwrapKey(
  core: Core,
  key: KeyHandle,
  ciphertext: Uint8Array,
  spec: KeySpec,
  hash: OaepHash = "SHA-1",
): KeyHandle {
  const { io } = core;
  io.need("RSA", "rsaOaepOpenSlot");
  if (ciphertext.length > MOST) protocolError("CIPHERTEXT_ILLEGAL_BLOCK_SIZE");
  return io.run(() => {
    io.slots.makeRoom(1);
    const slot = io.slotOf(key);
    const ptr = io.put(ciphertext);
    const made = io.x.rsaOaepOpenSlot(slot, hashId(hash), ptr, ciphertext.length, spec.type, spec.usage);
    if (made === abi.ERR_ARGUMENT) protocolError("INVALID_SYMMETRIC_KEY");
    return io.adopt(made, spec);
  });
}

/** RSAES-PKCS1-v1_5. @throws as `rsaOaepEncrypt` */
export function rsaPkcs1Encrypt(core: Core, key: RsaPublicKey, plain: Uint8Array): Uint8Array {
  const { io } = core;
  io.need("RSA", "rsaPkcs1Encrypt");
  if (plain.length > MOST) throw new MslUsageError("The message is longer than the key takes.");
  return io.run(() => {
    const n = publicPart(core, key);
    io.needEntropy(abi.ENTROPY_POOL_SIZE);
    try {
      const ptr = io.put(plain, MOST);
      return io.get(io.out, publicResult(io.x.rsaPkcs1Encrypt(n, key.n.length, key.e | 0, ptr, plain.length, io.out)));
    } finally {
      io.x.stageWipe(2 * MOST, 0);
    }
  });
}

/**
 * RSAES-PKCS1-v1_5 with implicit rejection: wrong padding gives bytes that look random, so that an answer tells nothing.
 * @throws CIPHERTEXT_ILLEGAL_BLOCK_SIZE, CIPHERTEXT_BAD_PADDING (a number that is not below n, which is public)
 */
export function rsaPkcs1Decrypt(core: Core, key: KeyHandle, ciphertext: Uint8Array): Uint8Array {
  const { io } = core;
  io.need("RSA", "rsaPkcs1Decrypt");
  if (ciphertext.length > MOST) protocolError("CIPHERTEXT_ILLEGAL_BLOCK_SIZE");
  return io.run(() => {
    const slot = io.slotOf(key);
    const length = io.x.rsaPkcs1Decrypt(slot, io.put(ciphertext), ciphertext.length, io.out);
    return io.takeSecret(io.out, checked(length));
  });
}

// ------------------------------------------------------------ signatures

/** RSASSA-PKCS1-v1_5 of a SHA-256 digest. */
export function rsaSign(core: Core, key: KeyHandle, digest: Uint8Array): Uint8Array {
  const { io } = core;
  io.need("RSA", "rsaPkcs1Sign");
  if (digest.length !== 32) protocolError("SIGNATURE_ERROR");
  return io.run(() => {
    const slot = io.slotOf(key);
    return io.get(io.out, checked(io.x.rsaPkcs1Sign(slot, io.put(digest), io.out)));
  });
}

/** @throws INVALID_PUBLIC_KEY */
export function rsaVerify(core: Core, key: RsaPublicKey, digest: Uint8Array, signature: Uint8Array): boolean {
  const { io } = core;
  io.need("RSA", "rsaPkcs1Verify");
  if (digest.length !== 32 || signature.length > MOST) return false;
  return io.run(() => {
    const n = publicPart(core, key);
    const hash = io.put(digest, MOST);
    const sig = io.put(signature, MOST + 32);
    const status = io.x.rsaPkcs1Verify(n, key.n.length, key.e | 0, hash, sig, signature.length);
    if (status === abi.ERR_BAD_SIGNATURE) return false;
    return publicResult(status) === abi.OK;
  });
}
