// Base64url of key bytes (RFC 4648 §5), as JSON Web Keys carry them: in constant time, from and to bytes, because a
// JavaScript string cannot be wiped.

import { MslUsageError, protocolError } from "../errors/msl-error.ts";
import * as abi from "./abi.ts";
import type { Core } from "./core.ts";
import { checked } from "./status.ts";

const MOST = 30000;

/** Letters of secret bytes, without padding; the caller wipes both. */
export function encodeKeyText(core: Core, bytes: Uint8Array): Uint8Array {
  const { io } = core;
  io.need("Base64url", "base64UrlEncode");
  if (bytes.length > MOST) throw new MslUsageError(`Key text takes ${MOST} bytes at most.`);
  return io.run(() => {
    const length = checked(io.x.base64UrlEncode(io.put(bytes), bytes.length, io.out));
    io.x.stageWipe(bytes.length, 0);
    return io.takeSecret(io.out, length);
  });
}

/** Bytes of secret letters; the caller wipes both. @throws INVALID_JWK_KEYDATA */
export function decodeKeyText(core: Core, text: Uint8Array): Uint8Array {
  const { io } = core;
  io.need("Base64url", "base64UrlDecode");
  if (text.length > MOST) protocolError("INVALID_JWK_KEYDATA");
  return io.run(() => {
    const length = io.x.base64UrlDecode(io.put(text), text.length, io.out);
    io.x.stageWipe(text.length, 0);
    if (length === abi.ERR_FORM) protocolError("INVALID_JWK_KEYDATA");
    return io.takeSecret(io.out, checked(length));
  });
}
