// Entity authentication schemes from the key file: everything that a side accepts, and who the side itself is.

import type { LocalEntity } from "../control/api.ts";
import { type Core, type KeyHandle, SESSION_ENCRYPTION, SESSION_MAC } from "../core/core.ts";
import type { CryptoContext } from "../crypto/crypto-context.ts";
import { importPrivateKey } from "../crypto/key-der.ts";
import { ecc, eccData, rsa, rsaData } from "../entity-auth/key-pair.ts";
import { mtProtected, mtProtectedData } from "../entity-auth/mt-protected.ts";
import { none, noneData } from "../entity-auth/none.ts";
import { noneSuffixed, noneSuffixedData } from "../entity-auth/none-suffixed.ts";
import { provisioned, provisionedData, provisioningLimit } from "../entity-auth/provisioned.ts";
import { psk, pskData } from "../entity-auth/psk.ts";
import { pskProfile, pskProfileData } from "../entity-auth/psk-profile.ts";
import type { EntityAuthData, EntityPolicy, EntityScheme } from "../entity-auth/scheme.ts";
import { TrustStore, x509, x509Data } from "../entity-auth/x509.ts";
import { MslError } from "../errors/msl-error.ts";
import { type Clock, nowSeconds } from "../platform/clock.ts";
import { memoryEccKeys, memoryRsaKeys } from "../store/entity-keys.ts";
import { createMasterToken } from "../tokens/master-token.ts";
import { type TokenCrypto, tokenKeys } from "../tokens/token-crypto.ts";
import type { TokenIssuer } from "../tokens/token-issuer.ts";
import { type KeyPairRow, type KeysFile, KeysFileError } from "./keys-file.ts";
import type { Name } from "./names.ts";
import { fail } from "./options.ts";

export interface EntitySurroundings {
  readonly core: Core;
  readonly clock: Clock;
  readonly policy?: EntityPolicy;
  /** Of an issuer: its keys, and who judges its tokens. */
  readonly tokenCrypto?: TokenCrypto | null;
  readonly issuer?: TokenIssuer | null;
  /** Who this side is; null: nobody, it only reads. */
  readonly local: Name | null;
}

/** Pre-shared contexts, by identity; shared with key exchanges. */
export interface EntityKeys {
  readonly psk: (identity: string) => CryptoContext | null;
}

/** Every scheme that the key file has something for. @throws KeysFileError for keys and certificates that cannot be used */
export function entitySchemes(keys: KeysFile, shared: EntityKeys, around: EntitySurroundings): readonly EntityScheme[] {
  const { core, clock, local } = around;
  const policy = around.policy === undefined ? {} : { policy: around.policy };
  const named = innerName(local);
  const plain: readonly EntityScheme[] = [
    psk({ contextOf: shared.psk, ...policy }),
    pskProfile({ contextOf: keys.pskProfileContexts(core), ...policy }),
    ofMember("rsa", () =>
      rsa({ core, store: memoryRsaKeys(entries(keys.rsa)), local: pair(core, keys.rsa, "RSA", named), ...policy }),
    ),
    ofMember("ecc", () =>
      ecc({ core, store: memoryEccKeys(entries(keys.ecc)), local: pair(core, keys.ecc, "ECC", named), ...policy }),
    ),
    x509({ core, clock, trust: trustOf(keys, core, clock), local: certificate(core, keys, named), ...policy }),
    none(policy),
    noneSuffixed(policy),
    provisioned({ nextIdentity: () => `provisioned-${hex(core.random(8))}`, limit: provisioningLimit({ clock }) }),
  ];
  const { tokenCrypto = null, issuer = null } = around;
  return [...plain, mtProtected({ core, clock, inner: plain, tokenCrypto, issuer, ...policy })];
}

function ofMember<T>(member: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof MslError) throw new KeysFileError(`${member}: ${error.code}`);
    throw error;
  }
}

function innerName(local: Name | null): Name | null {
  if (local?.scheme !== "MT_PROTECTED") return local;
  const colon = local.rest.indexOf(":");
  return colon < 0
    ? { scheme: local.rest, rest: "" }
    : { scheme: local.rest.slice(0, colon), rest: local.rest.slice(colon + 1) };
}

function entries(rows: readonly KeyPairRow[]) {
  const identities = new Map<string, string[]>();
  for (const { pubkeyid, identity } of rows) {
    identities.set(pubkeyid, [...(identities.get(pubkeyid) ?? []), identity]);
  }
  return rows.map(({ pubkeyid, spki }) => ({ pubkeyid, spki, identities: identities.get(pubkeyid) ?? [] }));
}

function pair(
  core: Core,
  rows: readonly KeyPairRow[],
  scheme: string,
  local: Name | null,
): { readonly pubkeyid: string; readonly privateKey: KeyHandle | null } | null {
  if (local?.scheme !== scheme) return null;
  const row =
    rows.find(({ pubkeyid }) => pubkeyid === local.rest) ?? fail(`the key file has no ${scheme}:${local.rest}`);
  const pkcs8 = row.pkcs8();
  return { pubkeyid: row.pubkeyid, privateKey: pkcs8 === null ? null : importPrivateKey(core, pkcs8).key };
}

function certificate(core: Core, keys: KeysFile, local: Name | null) {
  if (local?.scheme !== "X509") return null;
  const row = keys.x509.find(({ name }) => name === local.rest) ?? fail(`the key file has no X509:${local.rest}`);
  const pkcs8 = row.pkcs8() ?? fail(`the key file has no private key for X509:${local.rest}`);
  return { certificate: row.der, privateKey: importPrivateKey(core, pkcs8).key };
}

/** Authorities of the file; one that is over or unsigned is left out, and so is what hangs on it. */
function trustOf(keys: KeysFile, core: Core, clock: Clock): TrustStore {
  const trust = new TrustStore(core);
  for (const { role, der } of keys.x509) {
    if (role !== "ca") continue;
    try {
      trust.add(der, nowSeconds(clock));
    } catch (error) {
      if (!(error instanceof MslError)) throw error;
    }
  }
  return trust;
}

/** Schemes that a device accepts from servers: those that prove who answers, unless it proves nothing itself. */
export function serverSchemes(schemes: readonly EntityScheme[], own: EntityScheme): readonly EntityScheme[] {
  const isAnonymous = !own.protectsIntegrity && own.name !== "MT_PROTECTED";
  return schemes.filter((scheme) => scheme.protectsIntegrity || (isAnonymous && scheme.name === "NONE"));
}

/** Identity of an entity by its name. @throws UsageError */
export async function identityOf(keys: KeysFile, name: Name, core: Core, clock: Clock): Promise<string> {
  return (await localData(keys, name, core, clock)).identity;
}

/** The local entity by its name. @throws UsageError */
export async function localEntity(
  keys: KeysFile,
  schemes: readonly EntityScheme[],
  name: Name,
  core: Core,
  clock: Clock,
): Promise<LocalEntity> {
  const scheme = schemes.find((candidate) => candidate.name === name.scheme) ?? fail(`unknown scheme ${name.scheme}`);
  const data = await localData(keys, name, core, clock);
  return { scheme, data: () => data };
}

async function localData(keys: KeysFile, name: Name, core: Core, clock: Clock): Promise<EntityAuthData> {
  const { scheme, rest } = name;
  const missing = () => fail(`the key file has no ${scheme}:${rest}`);
  switch (scheme) {
    case "PSK":
      return pskData(rest);
    case "PSK_PROFILE":
      return pskProfileData(rest, (keys.pskProfiles.find(({ pskid }) => pskid === rest) ?? missing()).profile);
    case "RSA":
      return rsaData((keys.rsa.find(({ pubkeyid }) => pubkeyid === rest) ?? missing()).identity, rest);
    case "ECC":
      return eccData((keys.ecc.find(({ pubkeyid }) => pubkeyid === rest) ?? missing()).identity, rest);
    case "X509":
      return x509Data((keys.x509.find((row) => row.name === rest) ?? missing()).der);
    case "NONE":
      return noneData(rest);
    case "NONE_SUFFIXED":
      return noneSuffixedData(rest, keys.noneSuffixed.find(({ root }) => root === rest)?.suffix ?? "1");
    case "PROVISIONED":
      return provisionedData();
    case "MT_PROTECTED":
      return protectedData(keys, innerName(name) ?? missing(), core, clock);
    default:
      return missing();
  }
}

/** Hidden under a master token of its own: the key file holds the issuer's keys, so that one can be made here. */
async function protectedData(keys: KeysFile, inner: Name, core: Core, clock: Clock): Promise<EntityAuthData> {
  const data = await localData(keys, inner, core, clock);
  const now = nowSeconds(clock);
  const token = await createMasterToken(core, tokenKeys([keys.issuerContext(core)]), "JSON", {
    renewalWindow: now + 3600,
    expiration: now + 86_400,
    sequenceNumber: 0,
    serialNumber: core.random(4).reduce((value, byte) => value * 256 + byte, 0),
    identity: data.identity,
    keys: { encryption: core.generateKey(SESSION_ENCRYPTION, 16), mac: core.generateKey(SESSION_MAC, 32) },
    issuerData: {},
  });
  return mtProtectedData(token, token.verified.context, data);
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
