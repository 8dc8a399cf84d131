// P-256 keys and ECDH (SP 800-56A). Private keys stay in slots.

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
