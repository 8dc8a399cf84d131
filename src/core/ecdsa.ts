// ECDSA over P-256 with SHA-256 (FIPS 186-5; nonces of RFC 6979). Private keys stay in slots.

import { protocolError } from "../errors/msl-error.ts";
import * as abi from "./abi.ts";
import type { Core } from "./core.ts";
import type { KeyHandle } from "./key-handle.ts";
import { checked } from "./status.ts";

/** DER signature of a SHA-256 digest, under a key with USE_SIGN. */
export function ecdsaSign(core: Core, key: KeyHandle, digest: Uint8Array): Uint8Array {
  const { io } = core;
  io.need("ECDSA", "ecdsaP256SignDer");
  if (digest.length !== 32) protocolError("SIGNATURE_ERROR");
  return io.run(() => {
    const slot = io.slotOf(key);
    return io.get(io.out, checked(io.x.ecdsaP256SignDer(slot, io.put(digest), io.out)));
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
