// SHA-384 and SHA-512 (FIPS 180-4), and HMAC over them (RFC 2104), for keys in slots.

import * as abi from "./abi.ts";
import type { Core } from "./core.ts";
import type { KeyHandle } from "./key-handle.ts";
import { checked } from "./status.ts";

const STEP = 40960;

/** Digest of the parts one after the other: 48 bytes. */
export function sha384(core: Core, ...parts: readonly Uint8Array[]): Uint8Array {
  return digest(core, 384, parts);
}

/** Digest of the parts one after the other: 64 bytes. */
export function sha512(core: Core, ...parts: readonly Uint8Array[]): Uint8Array {
  return digest(core, 512, parts);
}

function digest({ io }: Core, bits: 384 | 512, parts: readonly Uint8Array[]): Uint8Array {
  io.need(`SHA-${bits}`, `sha${bits}Digest`);
  return io.run(() => {
    checked(bits === 384 ? io.x.sha384Begin() : io.x.sha512Begin());
    for (const part of parts) {
      for (let i = 0; i < part.length; i += STEP) {
        const step = part.subarray(i, i + STEP);
        checked(io.x.sha512Feed(io.put(step), step.length));
      }
    }
    return io.get(io.out, checked(io.x.sha512End(io.out)));
  });
}

/** Tag under a key of type KEY_HMAC_SHA384 or KEY_HMAC_SHA512: 48 or 64 bytes. */
export function longHmacSign(core: Core, key: KeyHandle, data: Uint8Array): Uint8Array {
  const { io } = core;
  io.need("HMAC-SHA384", "hmacSha384Begin");
  return io.run(() => {
    stream(core, key, abi.USE_SIGN, data);
    return io.get(io.out, checked(io.x.hmacSha512End(io.out)));
  });
}

/** Constant-time check of an untruncated tag. */
export function longHmacVerify(core: Core, key: KeyHandle, data: Uint8Array, tag: Uint8Array): boolean {
  if (tag.length !== (key.type === abi.KEY_HMAC_SHA384 ? 48 : 64)) return false;
  const { io } = core;
  io.need("HMAC-SHA384", "hmacSha384Begin");
  return io.run(() => {
    stream(core, key, abi.USE_VERIFY, data);
    io.memory.set(tag, io.out);
    const status = io.x.hmacSha512EndVerify(io.out, tag.length);
    if (status !== abi.ERR_BAD_TAG) checked(status);
    return status === abi.OK;
  });
}

function stream({ io }: Core, key: KeyHandle, usage: number, data: Uint8Array): void {
  const slot = io.slotOf(key);
  checked(key.type === abi.KEY_HMAC_SHA384 ? io.x.hmacSha384Begin(slot, usage) : io.x.hmacSha512Begin(slot, usage));
  for (let i = 0; i < data.length; i += STEP) {
    const step = data.subarray(i, i + STEP);
    checked(io.x.hmacSha512Update(io.put(step), step.length));
  }
}
