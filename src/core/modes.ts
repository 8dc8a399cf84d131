// AES-GCM (SP 800-38D, 96-bit IV, 128-bit tag), for JSON Web Encryption, and AES-CMAC (RFC 4493).

import { MslUsageError, protocolError } from "../errors/msl-error.ts";
import * as abi from "./abi.ts";
import type { Core } from "./core.ts";
import type { KeyHandle } from "./key-handle.ts";
import { checked } from "./status.ts";

const STEP = 40960;

/** Length check of what goes through in one piece: keys in documents, not bodies. */
function fits(...parts: readonly Uint8Array[]): void {
  const total = parts.reduce((sum, part) => sum + part.length, 0);
  if (total > abi.STAGE_SIZE - 64) throw new MslUsageError(`AES-GCM takes ${abi.STAGE_SIZE - 64} bytes at most.`);
}

/** Ciphertext ‖ tag. The IV is never used twice with one key. @throws INVALID_ALGORITHM_PARAMS */
export function gcmSeal(core: Core, key: KeyHandle, iv: Uint8Array, aad: Uint8Array, plain: Uint8Array): Uint8Array {
  if (iv.length !== 12) protocolError("INVALID_ALGORITHM_PARAMS", "iv");
  fits(iv, aad, plain);
  const { io } = core;
  io.need("AES-GCM", "aesGcmSeal");
  return io.run(() => {
    const slot = io.slotOf(key);
    const ivPtr = io.put(iv);
    const aadPtr = io.put(aad, 12);
    const ptr = io.put(plain, 12 + aad.length);
    try {
      const length = checked(io.x.aesGcmSeal(slot, ivPtr, aadPtr, aad.length, ptr, plain.length, io.out));
      return io.get(io.out, length);
    } finally {
      io.x.stageWipe(12 + aad.length + plain.length, 0);
    }
  });
}

/** Plaintext, or null if the tag is wrong; nothing is decrypted then. @throws INVALID_ALGORITHM_PARAMS */
export function gcmOpen(
  core: Core,
  key: KeyHandle,
  iv: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | null {
  if (iv.length !== 12) protocolError("INVALID_ALGORITHM_PARAMS", "iv");
  if (sealed.length < 16) return null;
  fits(iv, aad, sealed);
  const { io } = core;
  io.need("AES-GCM", "aesGcmOpen");
  return io.run(() => {
    const slot = io.slotOf(key);
    const ivPtr = io.put(iv);
    const aadPtr = io.put(aad, 12);
    const ptr = io.put(sealed, 12 + aad.length);
    const length = io.x.aesGcmOpen(slot, ivPtr, aadPtr, aad.length, ptr, sealed.length, io.out);
    return length === abi.ERR_BAD_TAG ? null : io.takeSecret(io.out, checked(length));
  });
}

/** Tag of 16 bytes. */
export function cmacSign(core: Core, key: KeyHandle, data: Uint8Array): Uint8Array {
  const { io } = core;
  io.need("AES-CMAC", "cmacSign");
  return io.run(() => {
    const slot = io.slotOf(key);
    if (data.length <= STEP) checked(io.x.cmacSign(slot, io.put(data), data.length, io.out));
    else {
      stream(core, slot, abi.USE_SIGN, data);
      checked(io.x.cmacEnd(io.out));
    }
    return io.get(io.out, 16);
  });
}

/** Constant-time check of an untruncated tag. */
export function cmacVerify(core: Core, key: KeyHandle, data: Uint8Array, tag: Uint8Array): boolean {
  if (tag.length !== 16) return false;
  const { io } = core;
  io.need("AES-CMAC", "cmacVerify");
  return io.run(() => {
    const slot = io.slotOf(key);
    let status: number;
    if (data.length <= STEP) {
      const ptr = io.put(data);
      io.memory.set(tag, io.out);
      status = io.x.cmacVerify(slot, ptr, data.length, io.out, 16);
    } else {
      stream(core, slot, abi.USE_VERIFY, data);
      io.memory.set(tag, io.out);
      status = io.x.cmacEndVerify(io.out, 16);
    }
    if (status !== abi.ERR_BAD_TAG) checked(status);
    return status === abi.OK;
  });
}

function stream({ io }: Core, slot: number, usage: number, data: Uint8Array): void {
  checked(io.x.cmacBegin(slot, usage));
  for (let i = 0; i < data.length; i += STEP) {
    const step = data.subarray(i, i + STEP);
    checked(io.x.cmacUpdate(io.put(step), step.length));
  }
}
