// ECDH, our extension of MSL's key exchanges, over X25519 (RFC 7748) and P-256 (SP 800-56A). Keys are bound to both
// headers, so that neither side's message can be passed on under another identity.
//   request and response = { "parametersid": "X25519" | "P-256", "publickey": binary (32 bytes, or 04 ‖ X ‖ Y) }
//   PRK = HMAC-SHA256("MSL ECDH v1", Z); OKM = HKDF-Expand(PRK, info, 48); Kenc = OKM[0..15], Khmac = OKM[16..47]
//   info = lp("ECDH") lp(parametersid) lp(bind(request)) lp(bind(response)) lp(requester key) lp(issuer key)

import type { Core, KeyHandle } from "../core/core.ts";
import type { SessionKeys } from "../crypto/crypto-context.ts";
import { encodeUtf8 } from "../encoding/utf8.ts";
import { MslUsageError, protocolError } from "../errors/msl-error.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import type { ExchangeBinding, HeaderBinding, KeyExchange, KeyRequest } from "./scheme.ts";

export type EcdhCurve = "X25519" | "P-256";

export interface EcdhKeyPair {
  readonly key: KeyHandle;
  readonly publicKey: Uint8Array;
}

export interface EcdhConfig {
  readonly core: Core;
  /** Curves offered and accepted, in order of preference. Default X25519. */
  readonly curves?: readonly EcdhCurve[];
  /** P-256, for `curves` that name it; apart, so that a device without it carries none of its code: `p256Curve`. */
  readonly p256?: EcdhP256 | null;
  readonly isPermitted?: (identity: string) => Awaitable<boolean>;
  /** Makes key pairs; replaced only to reproduce recorded exchanges. */
  readonly generate?: (curve: EcdhCurve) => EcdhKeyPair;
}

/** The operations of P-256. */
export interface EcdhP256 {
  generate(core: Core): EcdhKeyPair;
  /** @throws KEYX_INVALID_PUBLIC_KEY */
  agree(core: Core, key: KeyHandle, peer: Uint8Array): KeyHandle;
}

interface ParsedRequest {
  readonly parametersId: string;
  readonly publicKey: Uint8Array;
}

const NAME = "ECDH";
const SALT = ascii("MSL ECDH v1");
const NAME_PREFIXED = prefixed(ascii(NAME));

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

export function ecdh(config: EcdhConfig): KeyExchange {
  const { core } = config;
  const curves = config.curves ?? ["X25519"];
  const p256 = config.p256 ?? null;
  if (curves.includes("P-256") && p256 === null) throw new MslUsageError("ECDH over P-256 needs `p256: p256Curve`.");
  const generate =
    config.generate ?? ((curve) => (curve === "P-256" && p256 !== null ? p256.generate(core) : core.x25519Generate()));
  const pending = new WeakMap<KeyRequest, EcdhKeyPair & { readonly parametersId: EcdhCurve }>();

  function derive(
    own: EcdhKeyPair,
    peer: Uint8Array,
    parametersId: EcdhCurve,
    binding: ExchangeBinding,
    isRequester: boolean,
  ): SessionKeys {
    const isP256 = parametersId === "P-256";
    if (peer.length !== (isP256 ? 65 : 32) || isMirrored(peer, own.publicKey, isP256)) {
      protocolError("KEYX_INVALID_PUBLIC_KEY", "keydata.publickey");
    }
    const secret = isP256 && p256 !== null ? p256.agree(core, own.key, peer) : core.x25519Agree(own.key, peer);
    try {
      const info = concat([
        NAME_PREFIXED,
        prefixed(ascii(parametersId)),
        prefixed(bind(core, binding.request)),
        prefixed(bind(core, binding.response)),
        prefixed(isRequester ? own.publicKey : peer),
        prefixed(isRequester ? peer : own.publicKey),
      ]);
      return core.hkdfSession(secret, SALT, info);
    } finally {
      secret.dispose();
    }
  }

  return {
    name: NAME,
    label: curves.map((curve) => `${NAME}:${curve}`).join(","),
    needsAdvertisement: true,
    unknownVariantError: null,

    createRequests() {
      return curves.map((parametersId) => {
        const pair = generate(parametersId);
        const request: KeyRequest = {
          scheme: NAME,
          keydata: { parametersid: parametersId, publickey: pair.publicKey },
          dispose() {
            pair.key.dispose();
            pending.delete(request);
          },
        };
        pending.set(request, { ...pair, parametersId });
        return request;
      });
    },

    complete(request, keydata, binding) {
      const { parametersId, publicKey } = readFields(keydata);
      const own = pending.get(request);
      if (own === undefined) return protocolError("KEYX_PRIVATE_KEY_MISSING", keydata.path);
      if (own.parametersId !== parametersId) {
        protocolError("KEYX_RESPONSE_REQUEST_MISMATCH", `${keydata.path}.parametersid`);
      }
      return derive(own, publicKey, own.parametersId, binding, true);
    },

    parseRequest: readFields,

    async respond(parsed, binding) {
      const { parametersId, publicKey } = parsed as ParsedRequest;
      if ((await config.isPermitted?.(binding.identity)) === false)
        protocolError("KEYX_INCORRECT_DATA", "keyrequestdata");
      const curve = curves.find((name) => name === parametersId);
      if (curve === undefined) return protocolError("UNKNOWN_KEYX_PARAMETERS_ID", "keydata.parametersid");
      const own = generate(curve);
      try {
        const keys = derive(own, publicKey, curve, binding, false);
        return { keydata: { parametersid: parametersId, publickey: own.publicKey }, keys };
      } finally {
        own.key.dispose();
      }
    },
  };
}

function readFields(keydata: Parameters<KeyExchange["complete"]>[1]): ParsedRequest {
  const parametersId = keydata.string("parametersid");
  const publicKey = keydata.bytes("publickey").slice();
  if (publicKey.length === 0) protocolError("KEYX_INVALID_PUBLIC_KEY", `${keydata.path}.publickey`);
  return { parametersId, publicKey };
}

/** 00 ‖ identity for a header with entity authentication data, 01 ‖ SHA-256(tokendata ‖ signature) for one with a token. */
function bind(core: Core, header: HeaderBinding): Uint8Array {
  if (header.kind === "token") return concat([Uint8Array.of(1), core.sha256(header.tokendata, header.signature)]);
  const certificate = header.certificate ?? null;
  const name = certificate === null ? header.identity : hex(core.sha256(certificate));
  const identity = encodeUtf8(header.scheme === "PROVISIONED" ? "" : name);
  return concat([Uint8Array.of(0), identity ?? protocolError("MSL_ENCODE_ERROR", "identity")]);
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Two bytes of length, big-endian, then the bytes. */
function prefixed(bytes: Uint8Array): Uint8Array {
  if (bytes.length > 0xffff) protocolError("MSL_ENCODE_ERROR", "identity");
  return concat([Uint8Array.of(bytes.length >> 8, bytes.length & 255), bytes]);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Whether both are one key; X25519 does not read the top bit of the last byte (RFC 7748 §5). */
function isMirrored(peer: Uint8Array, own: Uint8Array, isP256: boolean): boolean {
  return peer.every((byte, i) => byte === own[i] || (!isP256 && i === 31 && (byte ^ own[i]!) === 0x80));
}
