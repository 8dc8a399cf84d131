// The key file, format 1: checked member by member, errors name the member and never show a key. Raw keys are given as
// fresh copies, since an import wipes what it takes.

import { readFileSync } from "node:fs";
import type { Core } from "../core/core.ts";
import { ENCRYPTION_KEY, MAC_KEY, WRAPPING_KEY } from "../core/core.ts";
import type { DhGroup } from "../core/dh.ts";
import type { CryptoContext } from "../crypto/crypto-context.ts";
import { slotContext } from "../crypto/symmetric.ts";
import { decodeBase64 } from "../encoding/base64.ts";
import { memoryPskKeys, memoryPskProfileKeys, type PskEntry } from "../store/entity-keys.ts";

export class KeysFileError extends Error {}

export interface KeysFile {
  readonly serverPskIdentity: string | null;
  readonly none: readonly string[];
  readonly revoked: readonly string[];
  readonly pskProfiles: readonly { readonly pskid: string; readonly profile: string }[];
  readonly rsa: readonly KeyPairRow[];
  readonly ecc: readonly KeyPairRow[];
  readonly x509: readonly CertificateRow[];
  readonly noneSuffixed: readonly { readonly root: string; readonly suffix: string }[];
  /** Diffie-Hellman groups by their ids; `group14` and `modp2048` are one. */
  readonly dh: Readonly<Record<string, DhGroup>>;
  /** RSA key pair of key requests. */
  readonly keyx: KeyRequestPair | null;
  readonly users: readonly { readonly id: string; readonly email: string; readonly password: string }[];
  /** Lookup of pre-shared contexts by identity. */
  pskContexts(core: Core): (identity: string) => CryptoContext | null;
  hasPsk(identity: string): boolean;
  /** Lookup of pre-shared contexts by pskid and joined identity. */
  pskProfileContexts(core: Core): (pskid: string, identity: string) => CryptoContext | null;
  /** The token issuer's context. */
  issuerContext(core: Core): CryptoContext;
  /** The context of tokens that a peer of ours issues, or null. */
  peerIssuerContext(core: Core): CryptoContext | null;
  /** Contexts of service tokens by name; the empty name is the default. */
  serviceTokenContexts(core: Core): (name: string) => CryptoContext | null;
}

/** A key pair of an entity; `pkcs8` gives a fresh copy, or null where the file has the public key alone. */
export interface KeyPairRow {
  readonly pubkeyid: string;
  readonly identity: string;
  readonly spki: Uint8Array;
  readonly pkcs8: () => Uint8Array | null;
}

export interface CertificateRow {
  readonly name: string;
  /** `ca` for authorities, in order: a root before what it issued. */
  readonly role: string;
  readonly der: Uint8Array;
  readonly pkcs8: () => Uint8Array | null;
}

export interface KeyRequestPair {
  readonly keyPairId: string;
  readonly spki: Uint8Array;
  readonly pkcs8: () => Uint8Array | null;
}

/** @throws KeysFileError */
export function readKeysFile(path: string): KeysFile {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    throw new KeysFileError(`${path}: cannot be read`);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new KeysFileError(`${path}: is not JSON`);
  }
  return parseKeysFile(json);
}

type Row = Readonly<Record<string, unknown>>;

function row(value: unknown, path: string): Row {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new KeysFileError(`${path}: an object is needed`);
  return value as Row;
}

function rows(file: Row, name: string): readonly (readonly [Row, string])[] {
  const value = file[name] ?? [];
  if (!Array.isArray(value)) throw new KeysFileError(`${name}: an array is needed`);
  return value.map((entry, i) => [row(entry, `${name}[${i}]`), `${name}[${i}]`] as const);
}

function text(from: Row, name: string, path: string): string {
  const value = from[name];
  if (typeof value !== "string") throw new KeysFileError(`${path}.${name}: a string is needed`);
  return value;
}

function strings(file: Row, name: string): readonly string[] {
  const value = file[name] ?? [];
  const isList = Array.isArray(value) && value.every((item) => typeof item === "string");
  if (!isList) throw new KeysFileError(`${name}: an array of strings is needed`);
  return value as string[];
}

function key(from: Row, name: string, path: string, lengths: readonly number[]): Uint8Array {
  const bytes = decodeBase64(text(from, name, path));
  if (bytes === null) throw new KeysFileError(`${path}.${name}: Base64 is needed`);
  if (lengths.length > 0 && !lengths.includes(bytes.length)) {
    throw new KeysFileError(`${path}.${name}: ${lengths.join(", ")} bytes are needed`);
  }
  return bytes;
}

const AES = [16, 24, 32];

interface KeySet {
  readonly encryptionKey: Uint8Array;
  readonly macKey: Uint8Array;
  readonly wrappingKey: Uint8Array | null;
}

function keySet(from: Row, path: string): KeySet {
  return {
    encryptionKey: key(from, "encryptionkey", path, AES),
    macKey: key(from, "hmackey", path, []),
    wrappingKey: from.wrappingkey === undefined ? null : key(from, "wrappingkey", path, AES),
  };
}

function keyRequestPair(from: Row): KeyRequestPair {
  const keyPairId = text(from, "keypairid", "keyx");
  return { keyPairId, spki: key(from, "spki", "keyx", []), pkcs8: privateKey(from, "keyx") };
}

function groups(file: Row): Readonly<Record<string, DhGroup>> {
  const found: Record<string, DhGroup> = { group14: "group14", ffdhe2048: "ffdhe2048", ffdhe3072: "ffdhe3072" };
  for (const [r, path] of rows(file, "dh")) {
    const id = text(r, "parametersid", path);
    // The groups that the core holds are used by their names: its own forms of them are faster.
    if (id === "modp2048") found[id] = "group14";
    else if (!Object.hasOwn(found, id)) found[id] = { p: hexadecimal(r, "p", path), g: hexadecimal(r, "g", path) };
  }
  return found;
}

function hexadecimal(from: Row, name: string, path: string): Uint8Array {
  const value = text(from, name, path);
  if (!/^([0-9a-fA-F]{2})+$/.test(value)) throw new KeysFileError(`${path}.${name}: hexadecimal is needed`);
  return Uint8Array.from(value.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function privateKey(from: Row, path: string): () => Uint8Array | null {
  const bytes = from.pkcs8 === undefined ? null : key(from, "pkcs8", path, []);
  return () => bytes?.slice() ?? null;
}

function keyPairs(file: Row, name: string): readonly KeyPairRow[] {
  return rows(file, name).map(([r, path]) => ({
    pubkeyid: text(r, "pubkeyid", path),
    identity: text(r, "identity", path),
    spki: key(r, "spki", path, []),
    pkcs8: privateKey(r, path),
  }));
}

export function parseKeysFile(json: unknown): KeysFile {
  const file = row(json, "key file");
  if (file.format !== 1) throw new KeysFileError("format: 1 is needed");
  const msl = row(file.msl, "msl");
  const issuer = { keyId: text(msl, "keyid", "msl"), ...keySet(msl, "msl") };
  const peerMsl = file.peermsl === undefined ? null : row(file.peermsl, "peermsl");
  const peer = peerMsl && { keyId: text(peerMsl, "keyid", "peermsl"), ...keySet(peerMsl, "peermsl") };
  const psk = new Map(rows(file, "psk").map(([r, path]) => [text(r, "identity", path), keySet(r, path)]));
  const service = new Map(rows(file, "servicetokenkeys").map(([r, path]) => [text(r, "name", path), keySet(r, path)]));
  const users = rows(file, "users").map(([r, path]) => ({
    id: text(r, "userid", path),
    email: text(r, "email", path),
    password: text(r, "password", path),
  }));
  const profiles = rows(file, "pskprofile").map(([r, path]) => ({
    pskid: text(r, "pskid", path),
    profile: text(r, "profile", path),
    keys: keySet(r, path),
  }));
  const keyx = file.keyx === undefined ? null : row(file.keyx, "keyx");
  return {
    dh: groups(file),
    keyx: keyx === null ? null : keyRequestPair(keyx),
    pskProfiles: profiles.map(({ pskid, profile }) => ({ pskid, profile })),
    rsa: keyPairs(file, "rsa"),
    ecc: keyPairs(file, "ecc"),
    x509: rows(file, "x509").map(([r, path]) => ({
      name: text(r, "name", path),
      role: text(r, "role", path),
      der: key(r, "cert", path, []),
      pkcs8: privateKey(r, path),
    })),
    noneSuffixed: rows(file, "nonesuffixed").map(([r, path]) => ({
      root: text(r, "root", path),
      suffix: text(r, "suffix", path),
    })),
    pskProfileContexts(core) {
      // One device may have a row for each of its profiles.
      const entries = new Map(profiles.map(({ pskid, keys }) => [pskid, { pskid, ...copy(keys) }]));
      return memoryPskProfileKeys(core, entries.values());
    },
    serverPskIdentity: file.serverpskidentity === undefined ? null : text(file, "serverpskidentity", "key file"),
    none: strings(file, "none"),
    revoked: strings(file, "revokedentities"),
    users,
    hasPsk: (identity) => psk.has(identity),
    pskContexts(core) {
      const entries: PskEntry[] = [...psk].map(([identity, keys]) => ({ identity, ...copy(keys) }));
      return memoryPskKeys(core, entries);
    },
    issuerContext: (core) => context(core, issuer.keyId, issuer),
    peerIssuerContext: (core) => peer && context(core, peer.keyId, peer),
    serviceTokenContexts(core) {
      const made = new Map<string, CryptoContext>();
      return (name) => {
        const slot = service.has(name) ? name : "";
        const keys = service.get(slot);
        if (keys === undefined) return null;
        let found = made.get(slot);
        if (found === undefined) made.set(slot, (found = context(core, slot, keys)));
        return found;
      };
    },
  };
}

function copy(keys: KeySet): KeySet {
  return {
    encryptionKey: keys.encryptionKey.slice(),
    macKey: keys.macKey.slice(),
    wrappingKey: keys.wrappingKey?.slice() ?? null,
  };
}

function context(core: Core, keyId: string, keys: KeySet): CryptoContext {
  const fresh = copy(keys);
  return slotContext(core, {
    keyId,
    encryption: core.importKey(ENCRYPTION_KEY, fresh.encryptionKey),
    mac: core.importKey(MAC_KEY, fresh.macKey),
    wrapping: fresh.wrappingKey === null ? null : core.importKey(WRAPPING_KEY, fresh.wrappingKey),
  });
}
