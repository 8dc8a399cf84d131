// What a ladder's issuer hands out to find its wrapping key again: { "format": 1, "data": binary, "signature": binary } in
// CBOR, where data is { "identity", "time", "key" } under the token keys. Bound to the entity and dated; or, for peers of
// the reference, the bare key wrap under the token keys.

import type { Core } from "../core/core.ts";
import type { KeyHandle } from "../core/key-handle.ts";
import { LADDER_KEY } from "../core/key-specs.ts";
import { openPair, sealPair } from "../crypto/seal.ts";
import { decodeObject, encodeObject } from "../encoding/codec.ts";
import { MAX_ID } from "../encoding/limits.ts";
import { MslProtocolError, protocolError } from "../errors/msl-error.ts";
import { type Clock, nowSeconds } from "../platform/clock.ts";
import type { TokenCrypto } from "../tokens/token-crypto.ts";

export interface WrapdataGuard {
  readonly core: Core;
  readonly tokenCrypto: TokenCrypto;
  readonly clock: Clock;
  readonly wrapdataSec?: number;
  /** The entity that the data is for. */
  readonly identity: string;
  readonly isBare: boolean;
}

const DAYS_90 = 90 * 86_400;

export async function makeWrapdata(guard: WrapdataGuard, key: KeyHandle): Promise<Uint8Array> {
  const { core, tokenCrypto, clock, identity } = guard;
  if (guard.isBare) return tokenCrypto.current.wrapKey(key);
  const raw = core.exportKey(key);
  let plain: Uint8Array | null = null;
  try {
    plain = encodeObject("CBOR", { identity, time: nowSeconds(clock), key: raw });
    const { data, signature } = await sealPair(tokenCrypto.current, plain, "CBOR");
    return encodeObject("CBOR", { format: 1, data, signature });
  } finally {
    raw.fill(0);
    plain?.fill(0);
  }
}

/**
 * The wrapping key inside.
 * @throws KEYX_INVALID_WRAPDATA for data of another issuer, entity or time; bare: UNWRAP_ERROR, CIPHERTEXT_ILLEGAL_BLOCK_SIZE
 */
export async function readWrapdata(guard: WrapdataGuard, wrapdata: Uint8Array): Promise<KeyHandle> {
  const { core, tokenCrypto, identity } = guard;
  if (guard.isBare) return tokenCrypto.current.unwrapKey(wrapdata, LADDER_KEY);
  const sealed = read(wrapdata);
  const context = await tokenCrypto.find(sealed.data, sealed.signature);
  const plain = context === null ? null : await openPair(context, sealed.data, sealed.signature);
  if (plain === null) return invalid();
  try {
    const map = decodeObject(plain, "wrapdata", "KEYX_INVALID_WRAPDATA");
    const age = nowSeconds(guard.clock) - map.int("time", -MAX_ID, MAX_ID);
    if (map.string("identity") !== identity || age > (guard.wrapdataSec ?? DAYS_90)) return invalid();
    return core.importKey(LADDER_KEY, map.bytes("key"));
  } finally {
    plain.fill(0);
  }
}

function read(wrapdata: Uint8Array): { readonly data: Uint8Array; readonly signature: Uint8Array } {
  try {
    const map = decodeObject(wrapdata, "wrapdata", "KEYX_INVALID_WRAPDATA");
    if (map.int("format", 1, 1) !== 1) return invalid();
    return { data: map.bytes("data"), signature: map.bytes("signature") };
  } catch (error) {
    if (error instanceof MslProtocolError) return invalid(error);
    throw error;
  }
}

function invalid(cause?: unknown): never {
  return protocolError("KEYX_INVALID_WRAPDATA", "keydata.wrapdata", cause);
}
