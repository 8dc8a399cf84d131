// RSA and ECC ("MSL Entity Authentication"): authdata = { "identity": string, "pubkeyid": string }. The header is signed,
// not encrypted; the public key travels out of band.
// Differs from reference: a key speaks for its own identities only.

import type { Core } from "../core/core.ts";
import type { KeyHandle } from "../core/key-handle.ts";
import type { RsaPublicKey } from "../core/rsa.ts";
import { ecdsaContext, rsaContext } from "../crypto/asymmetric.ts";
import type { CryptoContext } from "../crypto/crypto-context.ts";
import type { MslErrorCode } from "../errors/codes.ts";
import { protocolError } from "../errors/msl-error.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import { checkEntityPolicy, type EntityAuthData, type EntityPolicy, type EntityScheme } from "./scheme.ts";

/** Where keys come from. `P` is the public key of the scheme. */
export interface KeyPairStore<P> {
  publicKey(pubkeyid: string): Awaitable<P | null>;
  /** Whether the holder of this key may say that it is `identity`. */
  speaksFor(pubkeyid: string, identity: string): Awaitable<boolean>;
}

export interface KeyPairConfig<P> {
  readonly core: Core;
  readonly store: KeyPairStore<P>;
  readonly policy?: EntityPolicy;
  /** Of the local entity: its key pair, with the private key in a slot, or a context whose key lives elsewhere. */
  readonly local?: { readonly pubkeyid: string; readonly privateKey: KeyHandle | CryptoContext | null } | null;
}

interface KeyPairData extends EntityAuthData {
  readonly pubkeyid: string;
}

/** P-256 public keys are 04 ‖ X ‖ Y. */
export function ecc(config: KeyPairConfig<Uint8Array>): EntityScheme {
  return keyPairScheme("ECC", config, ecdsaContext, "ECC_PUBLICKEY_NOT_FOUND", "ECC_PRIVATEKEY_NOT_FOUND");
}

export function rsa(config: KeyPairConfig<RsaPublicKey>): EntityScheme {
  return keyPairScheme("RSA", config, rsaContext, "RSA_PUBLICKEY_NOT_FOUND", "RSA_PRIVATEKEY_NOT_FOUND");
}

export const eccData = (identity: string, pubkeyid: string): EntityAuthData => keyPairData("ECC", identity, pubkeyid);
export const rsaData = (identity: string, pubkeyid: string): EntityAuthData => keyPairData("RSA", identity, pubkeyid);

function keyPairData(scheme: string, identity: string, pubkeyid: string): KeyPairData {
  return { scheme, identity, authdata: { identity, pubkeyid }, pubkeyid };
}

function keyPairScheme<P>(
  name: string,
  config: KeyPairConfig<P>,
  contextOf: (core: Core, publicKey: P | null, privateKey: KeyHandle | null) => CryptoContext,
  noPublicKey: MslErrorCode,
  noPrivateKey: MslErrorCode,
): EntityScheme {
  const { core, store, policy } = config;
  const local = config.local ?? null;
  return {
    name,
    encrypts: false,
    protectsIntegrity: true,
    parse: (authdata) => keyPairData(name, authdata.string("identity"), authdata.string("pubkeyid")),
    async cryptoContext(data) {
      const { pubkeyid, identity } = data as KeyPairData;
      if (policy !== undefined) await checkEntityPolicy(policy, identity, name);
      if (local !== null && pubkeyid === local.pubkeyid) {
        const { privateKey } = local;
        if (privateKey === null) return protocolError(noPrivateKey, "entityauthdata");
        // Data that claims our own key is ours only if the key may speak for it.
        if (!(await store.speaksFor(pubkeyid, identity))) {
          protocolError("INCORRECT_ENTITYAUTH_DATA", "entityauthdata.authdata.identity");
        }
        if ("sign" in privateKey) return privateKey;
        return contextOf(core, await store.publicKey(pubkeyid), privateKey);
      }
      const publicKey = await store.publicKey(pubkeyid);
      if (publicKey === null) return protocolError(noPublicKey, "entityauthdata");
      if (!(await store.speaksFor(pubkeyid, identity))) {
        protocolError("INCORRECT_ENTITYAUTH_DATA", "entityauthdata.authdata.identity");
      }
      return contextOf(core, publicKey, null);
    },
  };
}
