// The key file, format 1: what every vector refers to by name. Raw keys are copied out anew for each import,
// because an import wipes what it is given.

import { MslUsageError } from "../../errors/msl-error.ts";
import { fromBase64 } from "./vector.ts";

/** Raw keys of a symmetric context. */
export interface RawKeys {
  readonly encryption: Uint8Array;
  readonly mac: Uint8Array;
  readonly wrapping: Uint8Array | null;
}

export interface KeyFile {
  readonly serverPskIdentity: string;
  readonly none: readonly string[];
  readonly revoked: readonly string[];
  readonly users: readonly { readonly id: string; readonly email: string; readonly password: string }[];
  /** Fresh copies of the token issuer's keys. */
  msl(): { readonly keyId: string; readonly keys: RawKeys };
  /** Fresh copies, or null for an unknown identity. */
  psk(identity: string): RawKeys | null;
  pskIdentities(): readonly string[];
  /** Keys of service tokens of this name; the empty name is the default. */
  serviceToken(name: string): RawKeys | null;
}

interface RawEntry {
  readonly keyid?: string;
  readonly identity?: string;
  readonly name?: string;
  readonly encryptionkey: string;
  readonly hmackey: string;
  readonly wrappingkey?: string;
}

interface RawFile {
  readonly format?: unknown;
  readonly msl: RawEntry;
  readonly serverpskidentity: string;
  readonly psk: readonly RawEntry[];
  readonly users: readonly { userid: string; email: string; password: string }[];
  readonly servicetokenkeys: readonly RawEntry[];
  readonly none: readonly string[];
  readonly revokedentities: readonly string[];
}

/** @throws MslUsageError for another format or a file without the parts that every run needs */
export function readKeyFile(json: string): KeyFile {
  let file: RawFile;
  try {
    file = JSON.parse(json) as RawFile;
  } catch {
    throw new MslUsageError("The key file is not JSON.");
  }
  if (file?.format !== 1) throw new MslUsageError("The key file is not of format 1.");
  const listed = [file.psk, file.users, file.servicetokenkeys, file.none, file.revokedentities];
  if (typeof file.msl !== "object" || !listed.every(Array.isArray))
    throw new MslUsageError("The key file is incomplete.");
  const psk = new Map(file.psk.map((entry) => [entry.identity, entry]));
  const service = new Map(file.servicetokenkeys.map((entry) => [entry.name, entry]));
  const keysOf = (entry: RawEntry | undefined) => (entry === undefined ? null : rawKeys(entry));
  return {
    serverPskIdentity: file.serverpskidentity,
    none: file.none,
    revoked: file.revokedentities,
    users: file.users.map(({ userid, email, password }) => ({ id: userid, email, password })),
    msl: () => ({ keyId: file.msl.keyid ?? "", keys: rawKeys(file.msl) }),
    psk: (identity) => keysOf(psk.get(identity)),
    pskIdentities: () => file.psk.map((entry) => entry.identity ?? ""),
    serviceToken: (name) => keysOf(service.get(name)),
  };
}

function rawKeys(entry: RawEntry): RawKeys {
  return {
    encryption: fromBase64(entry.encryptionkey),
    mac: fromBase64(entry.hmackey),
    wrapping: entry.wrappingkey === undefined ? null : fromBase64(entry.wrappingkey),
  };
}
