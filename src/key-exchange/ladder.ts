// JWE_LADDER and JWK_LADDER ("MSL Key Exchange"): the issuer makes session keys and a wrapping key for the next exchange.
//   request  = { "mechanism": "PSK" | "WRAP", "wrapdata"?: binary }
//   response = { "wrapkey": Kwrap under the pre-shared or the previous wrapping key, "wrapdata": for the issuer alone,
//                "encryptionkey", "hmackey": under the new Kwrap }, all binary
// No forward secrecy: who has one wrapping key can open what follows it.
// Differs from reference: `wrapdata` is bound to the entity and authenticated, unless `bareWrapdata` reproduces the bare
// key wrap.

import { type Core, SESSION_ENCRYPTION, SESSION_MAC } from "../core/core.ts";
import type { KeyHandle } from "../core/key-handle.ts";
import { LADDER_KEY } from "../core/key-specs.ts";
import type { CryptoContext } from "../crypto/crypto-context.ts";
import { JWK_ENCRYPTION, JWK_MAC, JWK_WRAPPING, keyFromJwk, keyToJwk } from "../crypto/jwk.ts";
import { slotContext } from "../crypto/symmetric.ts";
import type { MslErrorCode } from "../errors/codes.ts";
import { MslProtocolError, protocolError } from "../errors/msl-error.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import type { Clock } from "../platform/clock.ts";
import type { TokenCrypto } from "../tokens/token-crypto.ts";
import { type LadderFormat, jweFormat, jwkFormat } from "./ladder-format.ts";
import { makeWrapdata, readWrapdata } from "./ladder-wrapdata.ts";
import { bothKeys, checkPermitted, type KeyExchange, type KeyRequest } from "./scheme.ts";
import type { WrapKeyStore } from "./wrap-keys.ts";

export type LadderMechanism = "PSK" | "WRAP";

export interface LadderConfig {
  readonly core: Core;
  /** Offered and accepted. Default both: WRAP is offered where the store has a key. */
  readonly mechanisms?: readonly LadderMechanism[];
  /** The pre-shared context, with its wrapping key, of an entity's identity; null: unknown. */
  readonly pskContextOf: (identity: string) => Awaitable<CryptoContext | null>;
  /** Of an issuer: the token keys, which protect `wrapdata`, and the clock that dates it. */
  readonly issuer?: {
    readonly tokenCrypto: TokenCrypto;
    readonly clock: Clock;
    /** Seconds for which `wrapdata` is taken. Default 90 days. */
    readonly wrapdataSec?: number;
  } | null;
  /** Of a device: where wrapping keys are kept, one store for each ladder. */
  readonly store?: WrapKeyStore | null;
  /** Makes and takes `wrapdata` as the reference does: not bound, not dated. */
  readonly bareWrapdata?: boolean;
  readonly isPermitted?: (identity: string) => Awaitable<boolean>;
}

export const jweLadder = (config: LadderConfig): KeyExchange => ladder("JWE_LADDER", jweFormat(config.core), config);
export const jwkLadder = (config: LadderConfig): KeyExchange => ladder("JWK_LADDER", jwkFormat(), config);

interface Parsed {
  readonly mechanism: LadderMechanism;
  readonly wrapdata: Uint8Array | null;
}

/** What requests that await their response carried. */
const pending = new WeakMap<KeyRequest, Parsed>();

function ladder(name: string, format: LadderFormat, config: LadderConfig): KeyExchange {
  const { core } = config;
  const mechanisms = config.mechanisms ?? ["PSK", "WRAP"];
  const store = config.store ?? null;

  async function pskContext(identity: string): Promise<CryptoContext> {
    return (await config.pskContextOf(identity)) ?? protocolError("ENTITY_NOT_FOUND", "keydata");
  }

  function request(parsed: Parsed): KeyRequest {
    const { mechanism, wrapdata } = parsed;
    const made: KeyRequest = {
      scheme: name,
      keydata: wrapdata === null ? { mechanism } : { mechanism, wrapdata },
      dispose: () => void pending.delete(made),
    };
    pending.set(made, parsed);
    return made;
  }

  /** The context that the requester's new wrapping key came under. */
  async function requesterContext({ mechanism, wrapdata }: Parsed, identity: string): Promise<CryptoContext> {
    if (mechanism === "PSK" || wrapdata === null) return pskContext(identity);
    const key = (await store?.get(wrapdata)) ?? protocolError("KEYX_WRAPPING_KEY_MISSING", "keydata.wrapdata");
    return slotContext(core, { keyId: "", wrapping: key });
  }

  /** The new key first: a crash between the two leaves both, and both work. */
  async function keep(wrapdata: Uint8Array, wrapping: KeyHandle, previous: Uint8Array | null): Promise<void> {
    if (store === null) return wrapping.dispose();
    await store.add(wrapdata, wrapping);
    const isSame = previous?.length === wrapdata.length && previous.every((byte, i) => byte === wrapdata[i]);
    if (previous !== null && !isSame) await store.remove(previous);
  }

  return {
    name,
    label: mechanisms.map((mechanism) => `${name}:${mechanism}`).join(","),
    unknownVariantError: "UNIDENTIFIED_KEYX_MECHANISM",

    async createRequests() {
      const requests: KeyRequest[] = [];
      const wrapdata = mechanisms.includes("WRAP") ? ((await store?.newest()) ?? null) : null;
      if (wrapdata !== null) requests.push(request({ mechanism: "WRAP", wrapdata }));
      if (mechanisms.includes("PSK")) requests.push(request({ mechanism: "PSK", wrapdata: null }));
      return requests;
    },

    async complete(own, keydata, binding) {
      const wrapKey = keydata.bytes("wrapkey");
      const wrapdata = keydata.bytes("wrapdata").slice();
      const encryptionKey = keydata.bytes("encryptionkey");
      const macKey = keydata.bytes("hmackey");
      const sent = pending.get(own) ?? protocolError("KEYX_RESPONSE_REQUEST_MISMATCH", keydata.path);
      const above = await requesterContext(sent, binding.identity);
      const wrapping = await unwrapped(core, format, above, wrapKey, WRAPPING, "UNWRAP_ERROR");
      try {
        const below = slotContext(core, { keyId: "", wrapping });
        const keys = await bothKeys(
          () => unwrapped(core, format, below, encryptionKey, ENCRYPTION, "INVALID_SYMMETRIC_KEY"),
          () => unwrapped(core, format, below, macKey, MAC, "INVALID_SYMMETRIC_KEY"),
        );
        try {
          await keep(wrapdata, wrapping, sent.wrapdata);
        } catch (error) {
          keys.encryption.dispose();
          keys.mac.dispose();
          throw error;
        }
        return keys;
      } catch (error) {
        wrapping.dispose();
        throw error;
      }
    },

    parseRequest(keydata) {
      const mechanism = keydata.string("mechanism");
      if (mechanism !== "PSK" && mechanism !== "WRAP") return null;
      if (mechanism === "PSK") return { mechanism, wrapdata: null } satisfies Parsed;
      const wrapdata = keydata.bytes("wrapdata").slice();
      if (wrapdata.length === 0) protocolError("KEYX_WRAPPING_KEY_MISSING", `${keydata.path}.wrapdata`);
      return { mechanism, wrapdata } satisfies Parsed;
    },

    async respond(parsed, binding) {
      await checkPermitted(config.isPermitted, binding.identity);
      const { mechanism, wrapdata } = parsed as Parsed;
      if (!mechanisms.includes(mechanism)) protocolError("UNSUPPORTED_KEYX_MECHANISM", "keydata.mechanism");
      const issuer = config.issuer ?? protocolError("UNSUPPORTED_KEYX_MECHANISM", "keydata.mechanism");
      const guard = { ...issuer, core, scheme: name, identity: binding.identity, isBare: config.bareWrapdata === true };
      const previous = wrapdata === null ? null : await readWrapdata(guard, wrapdata);
      const wrapping = core.generateKey(LADDER_KEY, 16);
      const encryption = core.generateKey(SESSION_ENCRYPTION, 16);
      const mac = core.generateKey(SESSION_MAC, 32);
      try {
        const above =
          previous === null ? await pskContext(binding.identity) : slotContext(core, { keyId: "", wrapping: previous });
        const below = slotContext(core, { keyId: "", wrapping });
        const keydata = {
          wrapkey: await wrapped(core, format, above, wrapping, WRAPPING),
          wrapdata: await makeWrapdata(guard, wrapping),
          encryptionkey: await wrapped(core, format, below, encryption, ENCRYPTION),
          hmackey: await wrapped(core, format, below, mac, MAC),
        };
        return { keydata, keys: { encryption, mac } };
      } catch (error) {
        encryption.dispose();
        mac.dispose();
        throw error;
      } finally {
        wrapping.dispose();
        previous?.dispose();
      }
    },
  };
}

const WRAPPING = { purpose: JWK_WRAPPING, spec: LADDER_KEY, hasId: true };
const ENCRYPTION = { purpose: JWK_ENCRYPTION, spec: SESSION_ENCRYPTION, hasId: false };
const MAC = { purpose: JWK_MAC, spec: SESSION_MAC, hasId: false };
type Target = typeof WRAPPING;

async function wrapped(
  core: Core,
  format: LadderFormat,
  context: CryptoContext,
  key: KeyHandle,
  { purpose, hasId }: Target,
): Promise<Uint8Array> {
  const text = keyToJwk(core, key, purpose, format.style, hasId ? format.keyId(core) : null);
  try {
    return await format.wrap(context, text);
  } finally {
    text.fill(0);
  }
}

/** `damaged`: what a value that does not unwrap raises. */
async function unwrapped(
  core: Core,
  format: LadderFormat,
  context: CryptoContext,
  value: Uint8Array,
  { purpose, spec }: Target,
  damaged: MslErrorCode,
): Promise<KeyHandle> {
  let text: Uint8Array;
  try {
    text = await format.unwrap(context, value);
  } catch (error) {
    const isDamaged =
      error instanceof MslProtocolError &&
      (error.code === "UNWRAP_ERROR" || error.code === "CIPHERTEXT_ILLEGAL_BLOCK_SIZE");
    if (isDamaged && format.style === "key_ops") return protocolError(damaged, "keydata", error);
    throw error;
  }
  return keyFromJwk(core, text, purpose, spec, "INVALID_JWK");
}
