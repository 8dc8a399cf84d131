// ECDH, our extension of MSL's key exchanges, over X25519 (RFC 7748). Keys are bound to both headers, so that neither
// side's message can be passed on under another identity.
//   request and response = { "parametersid": "X25519", "publickey": binary (32 bytes) }
//   PRK = HMAC-SHA256("MSL ECDH v1", Z); OKM = HKDF-Expand(PRK, info, 48); Kenc = OKM[0..15], Khmac = OKM[16..47]
//   info = lp("ECDH") lp(parametersid) lp(bind(request)) lp(bind(response)) lp(requester key) lp(issuer key)

import type { Core, KeyHandle } from "../core/core.ts";
import type { SessionKeys } from "../crypto/crypto-context.ts";
import { encodeUtf8 } from "../encoding/utf8.ts";
import { protocolError } from "../errors/msl-error.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import type { ExchangeBinding, HeaderBinding, KeyExchange, KeyRequest } from "./scheme.ts";

export type EcdhCurve = "X25519";

export interface EcdhConfig {
  readonly core: Core;
  /** Curves offered and accepted, in order. Default X25519. */
  readonly curves?: readonly EcdhCurve[];
  readonly isPermitted?: (identity: string) => Awaitable<boolean>;
  /** Makes key pairs; replaced only to reproduce recorded exchanges. */
  readonly generate?: () => { readonly key: KeyHandle; readonly publicKey: Uint8Array };
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
  const generate = config.generate ?? (() => core.x25519Generate());
  const pending = new WeakMap<KeyRequest, { key: KeyHandle; publicKey: Uint8Array; parametersId: EcdhCurve }>();

  function derive(
    own: { readonly key: KeyHandle; readonly publicKey: Uint8Array },
    peer: Uint8Array,
    parametersId: string,
    binding: ExchangeBinding,
    isRequester: boolean,
  ): SessionKeys {
    if (peer.length !== 32 || isSame(peer, own.publicKey))
      protocolError("KEYX_INVALID_PUBLIC_KEY", "keydata.publickey");
    const secret = core.x25519Agree(own.key, peer);
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
    unknownVariantError: null,

    createRequests() {
      return curves.map((parametersId) => {
        const pair = generate();
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
      return derive(own, publicKey, parametersId, binding, true);
    },

    parseRequest: readFields,

    async respond(parsed, binding) {
      const { parametersId, publicKey } = parsed as ParsedRequest;
      if ((await config.isPermitted?.(binding.identity)) === false)
        protocolError("KEYX_INCORRECT_DATA", "keyrequestdata");
      if (!curves.some((curve) => curve === parametersId)) {
        protocolError("UNKNOWN_KEYX_PARAMETERS_ID", "keydata.parametersid");
      }
      const own = generate();
      try {
        const keys = derive(own, publicKey, parametersId, binding, false);
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
  const identity = encodeUtf8(header.scheme === "PROVISIONED" ? "" : header.identity);
  return concat([Uint8Array.of(0), identity ?? protocolError("MSL_ENCODE_ERROR", "identity")]);
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

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
