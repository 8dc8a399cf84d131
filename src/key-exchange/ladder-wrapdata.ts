// What a ladder's issuer hands out to find its wrapping key again: { "format": 1, "data": binary, "signature": binary } in
// CBOR, where data is { "scheme", "identity", "time", "key" } encrypted with the token keys, and the signature is over a
// prefix and data, so that neither a token can stand in for wrap data nor wrap data for a token. Bound to scheme and entity,
// and dated; or, for peers of the reference, the bare key wrap under the token keys.

import type { Core } from "../core/core.ts";
import type { KeyHandle } from "../core/key-handle.ts";
import { LADDER_KEY } from "../core/key-specs.ts";
import { decodeObject, encodeObject } from "../encoding/codec.ts";
import { MAX_ID } from "../encoding/limits.ts";
import { encodeUtf8 } from "../encoding/utf8.ts";
import { MslProtocolError, protocolError } from "../errors/msl-error.ts";
import { type Clock, nowSeconds } from "../platform/clock.ts";
import type { TokenCrypto } from "../tokens/token-crypto.ts";

export interface WrapdataGuard {
  readonly core: Core;
  readonly tokenCrypto: TokenCrypto;
  readonly clock: Clock;
  readonly wrapdataSec?: number;
  readonly scheme: string;
  /** The entity that the data is for. */
  readonly identity: string;
  readonly isBare: boolean;
}

const DAYS_90 = 90 * 86_400;
const PREFIX = encodeUtf8("MSL ladder wrapdata v1:")!;

function prefixed(data: Uint8Array): Uint8Array {
  const out = new Uint8Array(PREFIX.length + data.length);
  out.set(PREFIX);
  out.set(data, PREFIX.length);
  return out;
}

export async function makeWrapdata(guard: WrapdataGuard, key: KeyHandle): Promise<Uint8Array> {
  const { core, tokenCrypto, clock, scheme, identity } = guard;
  if (guard.isBare) return tokenCrypto.current.wrapKey(key);
  const raw = core.exportKey(key);
  let plain: Uint8Array | null = null;
  try {
    plain = encodeObject("CBOR", { scheme, identity, time: nowSeconds(clock), key: raw });
    const data = await tokenCrypto.current.encrypt(plain, "CBOR");
    const signature = await tokenCrypto.current.sign(prefixed(data), "CBOR");
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
  const { core, tokenCrypto, scheme, identity } = guard;
  if (guard.isBare) return tokenCrypto.current.unwrapKey(wrapdata, LADDER_KEY);
  const sealed = read(wrapdata);
  const context = await tokenCrypto.find(prefixed(sealed.data), sealed.signature);
  if (context === null) return invalid();
  const plain = await context.decrypt(sealed.data);
  try {
    const map = decodeObject(plain, "wrapdata", "KEYX_INVALID_WRAPDATA");
    const age = nowSeconds(guard.clock) - map.int("time", -MAX_ID, MAX_ID);
    const isFor = map.string("scheme") === scheme && map.string("identity") === identity;
    if (!isFor || age > (guard.wrapdataSec ?? DAYS_90)) return invalid();
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
