// ASYMMETRIC_WRAPPED ("MSL Key Exchange"): the issuer makes session keys and wraps each under the requester's public key.
//   request  = { "keypairid": string, "mechanism": string, "publickey": binary (SubjectPublicKeyInfo) }
//   response = { "keypairid", "encryptionkey": binary, "hmackey": binary }
// Differs from reference: a fresh key pair for each exchange, 2048 bits at least, JWK_RSAES only where it is asked for,
// keys of other algorithms or lengths are refused.

import { type Core, SESSION_ENCRYPTION, SESSION_MAC } from "../core/core.ts";
import type { KeyHandle, KeySpec } from "../core/key-handle.ts";
import {
  type RsaPublicKey,
  rsaGenerate,
  rsaOaepDecrypt,
  rsaOaepEncrypt,
  rsaPkcs1Decrypt,
  rsaPkcs1Encrypt,
  rsaPublicKey,
} from "../core/rsa.ts";
import { openJwe, sealJwe } from "../crypto/jwe.ts";
import { JWK_ENCRYPTION, JWK_MAC, keyFromJwk, keyToJwk } from "../crypto/jwk.ts";
import type { OpaqueDecryption, SessionKeys } from "../crypto/crypto-context.ts";
import { readPublicKey, writeRsaPublicKey } from "../crypto/key-der.ts";
import { MslProtocolError, MslUsageError, protocolError } from "../errors/msl-error.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import type { Timers } from "../platform/timers.ts";
import { bothKeys, checkPermitted, type KeyExchange, type KeyRequest } from "./scheme.ts";

export type WrappingMechanism = "RSA" | "JWE_RSA" | "JWEJS_RSA" | "JWK_RSA" | "JWK_RSAES";

/** A key pair of the requester. One pair must not serve two mechanisms. */
export interface WrappingKeyPair {
  readonly keyPairId: string;
  /** With USE_DECRYPT and USE_UNWRAP; or a key that is elsewhere (`opaqueDecryption`), but not for JWK_RSAES. */
  readonly privateKey: KeyHandle | OpaqueDecryption;
  readonly publicKey: RsaPublicKey;
  /** Whether it is cleared with its request. JWK_RSAES takes no other pair. */
  readonly owns: boolean;
}

export interface AsymmetricWrappedConfig {
  readonly core: Core;
  /** Offered, and accepted by an issuer. Default JWK_RSA; an issuer lists what it takes. */
  readonly mechanisms?: readonly WrappingMechanism[];
  /** Lets the event loop run while a key pair is made, which takes a second on a small device. */
  readonly timers: Timers | null;
  /** In place of a fresh pair for each request. */
  readonly keyPair?: (mechanism: WrappingMechanism) => Awaitable<WrappingKeyPair>;
  readonly isPermitted?: (identity: string) => Awaitable<boolean>;
}

const NAME = "ASYMMETRIC_WRAPPED";
const KNOWN: readonly string[] = ["RSA", "JWE_RSA", "JWEJS_RSA", "JWK_RSA", "JWK_RSAES"];
const MIN_MODULUS_BITS = 2048;

interface Parsed {
  readonly keyPairId: string;
  readonly mechanism: WrappingMechanism;
  readonly publicKey: RsaPublicKey;
}

/** Private halves of requests that await their response. */
const pending = new WeakMap<KeyRequest, Pending>();

type Pending = WrappingKeyPair & { readonly mechanism: WrappingMechanism };

export function asymmetricWrapped(config: AsymmetricWrappedConfig): KeyExchange {
  const { core } = config;
  const mechanisms = config.mechanisms ?? ["JWK_RSA"];

  return {
    name: NAME,
    label: mechanisms.map((mechanism) => `${NAME}:${mechanism}`).join(","),
    unknownVariantError: "UNIDENTIFIED_KEYX_MECHANISM",

    async createRequests() {
      const requests: KeyRequest[] = [];
      const moduli = new Set<string>();
      try {
        for (const mechanism of mechanisms) {
          const pair = await (config.keyPair?.(mechanism) ?? freshPair(config));
          requests.push(requestOf(pair, mechanism));
          moduli.add(pair.publicKey.n.join());
        }
        if (moduli.size < requests.length) throw new MslUsageError("One key pair serves two mechanisms.");
        return requests;
      } catch (error) {
        for (const request of requests) request.dispose();
        throw error;
      }
    },

    async complete(request, keydata) {
      const keyPairId = keydata.string("keypairid");
      const encryptionKey = keydata.bytes("encryptionkey");
      const macKey = keydata.bytes("hmackey");
      const own = pending.get(request);
      if (own === undefined) return protocolError("KEYX_PRIVATE_KEY_MISSING", keydata.path);
      if (own.keyPairId !== keyPairId) protocolError("KEYX_RESPONSE_REQUEST_MISMATCH", `${keydata.path}.keypairid`);
      const { privateKey, mechanism } = own;
      if (!isOpaque(privateKey)) {
        if (mechanism === "JWK_RSAES") return unwrapPkcs1(core, privateKey, encryptionKey, macKey);
      } else if (privateKey.unwrapSession !== null) {
        for (const wrapped of [encryptionKey, macKey]) checkLength(own, wrapped);
        return privateKey.unwrapSession(encryptionKey, macKey);
      }
      return bothKeys(
        () => unwrap(core, own, encryptionKey, ENCRYPTION),
        () => unwrap(core, own, macKey, MAC),
      );
    },

    parseRequest(keydata) {
      const keyPairId = keydata.string("keypairid");
      const mechanism = keydata.string("mechanism");
      const spki = keydata.bytes("publickey");
      if (mechanism === "ECC") protocolError("UNSUPPORTED_KEYX_MECHANISM", `${keydata.path}.mechanism`);
      if (!KNOWN.includes(mechanism)) return null;
      const publicKey = readPublicKey(spki);
      if (publicKey.kind !== "RSA" || bitsOf(publicKey.rsa) < MIN_MODULUS_BITS) {
        return protocolError("INVALID_PUBLIC_KEY", `${keydata.path}.publickey`);
      }
      const parsed: Parsed = { keyPairId, mechanism: mechanism as WrappingMechanism, publicKey: publicKey.rsa };
      return parsed;
    },

    async respond(parsed, binding) {
      await checkPermitted(config.isPermitted, binding.identity);
      const { keyPairId, mechanism, publicKey } = parsed as Parsed;
      if (!mechanisms.includes(mechanism)) protocolError("UNSUPPORTED_KEYX_MECHANISM", "keydata.mechanism");
      const encryption = core.generateKey(SESSION_ENCRYPTION, 16);
      const mac = core.generateKey(SESSION_MAC, 32);
      try {
        const encryptionkey = await wrap(core, publicKey, mechanism, encryption, ENCRYPTION);
        const hmackey = await wrap(core, publicKey, mechanism, mac, MAC);
        return { keydata: { keypairid: keyPairId, encryptionkey, hmackey }, keys: { encryption, mac } };
      } catch (error) {
        encryption.dispose();
        mac.dispose();
        throw error;
      }
    },
  };
}

async function freshPair({ core, timers }: AsymmetricWrappedConfig): Promise<WrappingKeyPair> {
  if (timers === null) throw new MslUsageError("ASYMMETRIC_WRAPPED needs timers to make key pairs.");
  const privateKey = await rsaGenerate(core, timers);
  const id = [...core.random(8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return { keyPairId: id, privateKey, publicKey: rsaPublicKey(core, privateKey), owns: true };
}

function requestOf(pair: WrappingKeyPair, mechanism: WrappingMechanism): KeyRequest {
  // Who opens many ciphertexts with one key is what attacks on the padding need.
  if (mechanism === "JWK_RSAES" && !pair.owns) throw new MslUsageError("JWK_RSAES needs a key pair for each exchange.");
  // Nor can this side see to it that every wrong padding is rejected alike by a key that is elsewhere.
  if (mechanism === "JWK_RSAES" && isOpaque(pair.privateKey)) {
    throw new MslUsageError("JWK_RSAES needs a private key in the core.");
  }
  if (bitsOf(pair.publicKey) < MIN_MODULUS_BITS) throw new MslUsageError("The key pair has less than 2048 bits.");
  const request: KeyRequest = {
    scheme: NAME,
    keydata: { keypairid: pair.keyPairId, mechanism, publickey: writeRsaPublicKey(pair.publicKey) },
    dispose() {
      if (pair.owns) pair.privateKey.dispose();
      pending.delete(request);
    },
  };
  pending.set(request, { ...pair, mechanism });
  return request;
}

function isOpaque(key: KeyHandle | OpaqueDecryption): key is OpaqueDecryption {
  return "decrypt" in key;
}

const bitsOf = ({ n }: RsaPublicKey) => 8 * n.length + 24 - Math.clz32(n[0] ?? 0);

/** What is wrapped: how it is written, and where it goes. */
interface Target {
  readonly purpose: typeof JWK_ENCRYPTION;
  readonly spec: KeySpec;
}

const ENCRYPTION: Target = { purpose: JWK_ENCRYPTION, spec: SESSION_ENCRYPTION };
const MAC: Target = { purpose: JWK_MAC, spec: SESSION_MAC };

async function wrap(
  core: Core,
  publicKey: RsaPublicKey,
  mechanism: WrappingMechanism,
  key: KeyHandle,
  { purpose }: Target,
): Promise<Uint8Array> {
  const inJwe = isJwe(mechanism);
  const text = mechanism === "RSA" ? core.exportKey(key) : keyToJwk(core, key, purpose, inJwe ? "use" : "key_ops");
  try {
    if (inJwe) {
      const form = mechanism === "JWE_RSA" ? "compact" : "JSON";
      return await sealJwe(core, { algorithm: "RSA-OAEP", publicKey, privateKey: null }, "A128GCM", form, text);
    }
    return mechanism === "JWK_RSAES" ? rsaPkcs1Encrypt(core, publicKey, text) : rsaOaepEncrypt(core, publicKey, text);
  } finally {
    text.fill(0);
  }
}

function isJwe(mechanism: WrappingMechanism): boolean {
  return mechanism === "JWE_RSA" || mechanism === "JWEJS_RSA";
}

function checkLength({ publicKey, mechanism }: Pending, wrapped: Uint8Array): void {
  if (!isJwe(mechanism) && wrapped.length !== publicKey.n.length) protocolError("CIPHERTEXT_BAD_PADDING", "keydata");
}

async function unwrap(core: Core, own: Pending, wrapped: Uint8Array, { purpose, spec }: Target): Promise<KeyHandle> {
  const { privateKey, mechanism } = own;
  if (isJwe(mechanism)) {
    const jwe = await openJwe(core, { algorithm: "RSA-OAEP", publicKey: null, privateKey }, "A128GCM", wrapped);
    return keyFromJwk(core, jwe, purpose, spec, "SESSION_KEY_CREATION_FAILURE");
  }
  checkLength(own, wrapped);
  const text = isOpaque(privateKey) ? await privateKey.decrypt(wrapped) : rsaOaepDecrypt(core, privateKey, wrapped);
  // Some peers wrap a JSON Web Key under RSA too; the length tells them apart. The import wipes.
  if (mechanism === "RSA" && text.length === purpose.length) return core.importKey(spec, text);
  return keyFromJwk(core, text, purpose, spec, "SESSION_KEY_CREATION_FAILURE");
}

/**
 * JWK_RSAES fails in one way, whatever is wrong with which value: the core rejects implicitly, what comes out of a wrong
 * padding is no key, like any other text that is none, and both values are always opened.
 */
function unwrapPkcs1(core: Core, key: KeyHandle, encryptionKey: Uint8Array, macKey: Uint8Array): SessionKeys {
  const encryption = unwrapPkcs1Key(core, key, encryptionKey, ENCRYPTION);
  const mac = unwrapPkcs1Key(core, key, macKey, MAC);
  if (encryption !== null && mac !== null) return { encryption, mac };
  encryption?.dispose();
  mac?.dispose();
  return protocolError("CIPHERTEXT_BAD_PADDING", "keydata");
}

function unwrapPkcs1Key(
  core: Core,
  privateKey: KeyHandle,
  wrapped: Uint8Array,
  { purpose, spec }: Target,
): KeyHandle | null {
  try {
    return keyFromJwk(core, rsaPkcs1Decrypt(core, privateKey, wrapped), purpose, spec, "INVALID_JWK");
  } catch (error) {
    if (error instanceof MslProtocolError) return null;
    throw error;
  }
}
