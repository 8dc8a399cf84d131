// Keys of entities in memory: pre-shared ones by identity or profile, public ones by key id. Secret keys are imported into
// slots once; evicted ones come back by themselves.

import { type Core, ENCRYPTION_KEY, type KeyHandle, MAC_KEY, WRAPPING_KEY } from "../core/core.ts";
import type { RsaPublicKey } from "../core/rsa.ts";
import type { CryptoContext } from "../crypto/crypto-context.ts";
import { readPublicKey } from "../crypto/key-der.ts";
import { slotContext } from "../crypto/symmetric.ts";
import { MslUsageError, protocolError } from "../errors/msl-error.ts";

/** Key bytes of one entity; taken over and wiped. Without a wrapping key it is derived from the other two. */
export interface PskEntry {
  readonly identity: string;
  readonly encryptionKey: Uint8Array;
  readonly macKey: Uint8Array;
  readonly wrappingKey?: Uint8Array | null;
}

/** Lookup for `psk({ contextOf })` and for key exchanges with the pre-shared keys. */
export function memoryPskKeys(core: Core, entries: Iterable<PskEntry>): (identity: string) => CryptoContext | null {
  const contexts = new Map<string, CryptoContext>();
  for (const entry of entries) contexts.set(entry.identity, pskContext(core, entry));
  return (identity) => contexts.get(identity) ?? null;
}

export function pskContext(core: Core, entry: PskEntry): CryptoContext {
  return slotContext(core, { keyId: entry.identity, ...pskKeys(core, entry), owns: true });
}

interface PskKeys {
  readonly encryption: KeyHandle;
  readonly mac: KeyHandle;
  readonly wrapping: KeyHandle;
}

function pskKeys(core: Core, entry: Omit<PskEntry, "identity">): PskKeys {
  const encryption = core.importKey(ENCRYPTION_KEY, entry.encryptionKey);
  const mac = core.importKey(MAC_KEY, entry.macKey);
  const given = entry.wrappingKey ?? null;
  const wrapping = given === null ? core.deriveWrappingKey(encryption, mac) : core.importKey(WRAPPING_KEY, given);
  return { encryption, mac, wrapping };
}

/** Key bytes of one device; taken over and wiped. */
export interface PskProfileEntry extends Omit<PskEntry, "identity"> {
  readonly pskid: string;
}

/**
 * Lookup for `pskProfile({ contextOf })`.
 * @throws MslUsageError for two ids of which one followed by `-` begins the other: their profiles could share an identity
 */
export function memoryPskProfileKeys(
  core: Core,
  entries: Iterable<PskProfileEntry>,
): (pskid: string, identity: string) => CryptoContext | null {
  const keys = new Map<string, PskKeys>();
  for (const entry of entries) {
    for (const known of keys.keys()) {
      if (known === entry.pskid) throw new MslUsageError("A pskid is listed twice.");
      if (`${known}-`.startsWith(`${entry.pskid}-`) || `${entry.pskid}-`.startsWith(`${known}-`)) {
        throw new MslUsageError("Two pskids of which one followed by - begins the other join to equal identities.");
      }
    }
    keys.set(entry.pskid, pskKeys(core, entry));
  }
  return (pskid, identity) => {
    const found = keys.get(pskid);
    return found === undefined ? null : slotContext(core, { keyId: identity, ...found });
  };
}

/** A public key with the identities that its holder may take. */
export interface KeyPairEntry {
  readonly pubkeyid: string;
  readonly identities: readonly string[];
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
}

export interface KeyPairs<P> {
  publicKey(pubkeyid: string): P | null;
  speaksFor(pubkeyid: string, identity: string): boolean;
}

/** Store for `rsa({ store })`. @throws INVALID_PUBLIC_KEY */
export function memoryRsaKeys(entries: Iterable<KeyPairEntry>): KeyPairs<RsaPublicKey> {
  return memoryKeyPairs(entries, (spki) => {
    const key = readPublicKey(spki);
    return key.kind === "RSA" ? key.rsa : protocolError("INVALID_PUBLIC_KEY", "key");
  });
}

/** Store for `ecc({ store })`; keys on P-256. @throws INVALID_PUBLIC_KEY */
export function memoryEccKeys(entries: Iterable<KeyPairEntry>): KeyPairs<Uint8Array> {
  return memoryKeyPairs(entries, (spki) => {
    const key = readPublicKey(spki);
    return key.kind === "P-256" ? key.point : protocolError("INVALID_PUBLIC_KEY", "key");
  });
}

function memoryKeyPairs<P>(entries: Iterable<KeyPairEntry>, read: (spki: Uint8Array) => P): KeyPairs<P> {
  const keys = new Map<string, { readonly key: P; readonly identities: ReadonlySet<string> }>();
  for (const entry of entries) {
    keys.set(entry.pubkeyid, { key: read(entry.spki), identities: new Set(entry.identities) });
  }
  return {
    publicKey: (pubkeyid) => keys.get(pubkeyid)?.key ?? null,
    speaksFor: (pubkeyid, identity) => keys.get(pubkeyid)?.identities.has(identity) === true,
  };
}
