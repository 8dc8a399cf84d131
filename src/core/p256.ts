// P-256: ECDH (SP 800-56A) and ECDSA with SHA-256 (FIPS 186-5, nonces of RFC 6979). Private keys stay in slots.

import { protocolError } from "../errors/msl-error.ts";
import * as abi from "./abi.ts";
import type { Core } from "./core.ts";
import type { KeyHandle, KeySpec } from "./key-handle.ts";
import { P256_AGREEMENT, P256_SIGNING, SHARED_SECRET } from "./key-specs.ts";
import { checked } from "./status.ts";

/** A fresh key pair; the public key is 04 ‖ X ‖ Y, 65 bytes. */
export function p256Generate(
  core: Core,
  spec: KeySpec = P256_AGREEMENT,
): { readonly key: KeyHandle; readonly publicKey: Uint8Array } {
  const { io } = core;
  io.need("P-256", "p256Generate");
  return io.run(() => {
    io.slots.makeRoom(1);
    io.needEntropy(256);
    const key = io.adopt(io.x.p256Generate(spec.usage, io.out), spec);
    return { key, publicKey: io.get(io.out, 65) };
  });
}

/** A private scalar, 32 bytes big-endian, which are wiped. @throws INVALID_PRIVATE_KEY unless it is in 1..n-1 */
export function p256Import(core: Core, scalar: Uint8Array, spec: KeySpec = P256_SIGNING): KeyHandle {
  const { io } = core;
  io.need("P-256", "p256Import");
  try {
    if (scalar.length !== 32) protocolError("INVALID_PRIVATE_KEY");
    return io.run(() => {
      io.slots.makeRoom(1);
      const slot = io.x.p256Import(spec.usage, io.put(scalar));
      if (slot === abi.ERR_KEY) protocolError("INVALID_PRIVATE_KEY");
      return io.adopt(slot, spec);
    });
  } finally {
    scalar.fill(0);
  }
}

/** 04 ‖ X ‖ Y. */
export function p256PublicKey(core: Core, key: KeyHandle): Uint8Array {
  const { io } = core;
  return io.run(() => io.get(io.out, checked(io.x.p256PublicKey(io.slotOf(key), io.out))));
}

/** Shared secret as a key for `hkdfSession`. @throws KEYX_INVALID_PUBLIC_KEY for a point that is malformed or off the curve */
export function p256Agree(core: Core, key: KeyHandle, peer: Uint8Array): KeyHandle {
  if (peer.length > 65) protocolError("KEYX_INVALID_PUBLIC_KEY", "publickey");
  const { io } = core;
  return io.run(() => {
    io.slots.makeRoom(2);
    const slot = io.slotOf(key);
    return io.adopt(io.x.p256Agree(slot, io.put(peer), peer.length, SHARED_SECRET.usage), SHARED_SECRET);
  });
}

/** DER signature of a SHA-256 digest, under a key with USE_SIGN. */
export function ecdsaSign(core: Core, key: KeyHandle, digest: Uint8Array): Uint8Array {
  const { io } = core;
  io.need("ECDSA", "ecdsaP256Sign");
  if (digest.length !== 32) protocolError("SIGNATURE_ERROR");
  return io.run(() => {
    const slot = io.slotOf(key);
    checked(io.x.ecdsaP256Sign(slot, io.put(digest), io.out));
    return io.get(io.out + 64, checked(io.x.ecdsaDerEncode(io.out, io.out + 64)));
  });
}

/**
 * Verifies a DER or raw r ‖ s signature of a digest. @throws INVALID_PUBLIC_KEY for a key that is no point of the curve
 */
export function ecdsaVerify(core: Core, publicKey: Uint8Array, digest: Uint8Array, signature: Uint8Array): boolean {
  const { io } = core;
  io.need("ECDSA", "ecdsaP256Verify");
  if (publicKey.length > 65) protocolError("INVALID_PUBLIC_KEY");
  if (signature.length > 80) return false;
  return io.run(() => {
    const key = io.put(publicKey);
    const hash = io.put(digest, 80);
    const sig = io.put(signature, 80 + digest.length);
    const status = io.x.ecdsaP256Verify(key, publicKey.length, hash, digest.length, sig, signature.length);
    if (status === abi.ERR_PUBLIC_KEY) protocolError("INVALID_PUBLIC_KEY");
    if (status !== abi.ERR_BAD_SIGNATURE) checked(status);
    return status === abi.OK;
  });
}
