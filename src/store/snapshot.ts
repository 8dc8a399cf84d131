// Device state as bytes: 32 bytes SHA-256, then a CBOR map with a format number. Whatever the check sum or the map does
// not bear out is STORE_CORRUPT, never half a state; a format of a later version is STORE_TOO_NEW. Session keys are in
// it: the storage may encrypt it.
//   format 1: sessions, counters (last id given), users, service tokens, what the peer reads
//   format 2: the network's name; counters hold the last id reserved; sessions may be opaque; whether the key exchanges
//     of the peer are known

import { type Core, SESSION_ENCRYPTION, SESSION_MAC } from "../core/core.ts";
import { SESSION_CMAC } from "../core/key-specs.ts";
import type { SessionKeys } from "../crypto/crypto-context.ts";
import { decodeObject, type EncodeFields, encodeObject, type Format } from "../encoding/codec.ts";
import { MAX_ID } from "../encoding/limits.ts";
import type { MslMap } from "../encoding/msl-map.ts";
import { MslLocalError } from "../errors/msl-error.ts";
import type { MasterToken } from "../tokens/master-token.ts";
import type { ServiceToken } from "../tokens/service-token.ts";
import type { UserIdToken } from "../tokens/user-id-token.ts";

/** What a peer said that it can. */
export interface PeerKnowledge {
  readonly formats: readonly Format[];
  /** Key exchanges beyond those of the reference; null: it has not said anything yet. */
  readonly keyxSchemes: readonly string[] | null;
}

/** `keys`: of the core; otherwise `opaque`: what the holder of the keys has them again by. */
export type StoredSession = { readonly masterToken: MasterToken } & (
  | { readonly keys: SessionKeys; readonly opaque?: undefined }
  | { readonly keys?: undefined; readonly opaque: Uint8Array }
);

export interface DeviceState {
  /** Name of the network that the state belongs to, where the application names it. */
  readonly network: string | null;
  readonly sessions: readonly StoredSession[];
  /** Last non-replayable id that may have been used, by master token serial number. */
  readonly counters: ReadonlyMap<number, number>;
  readonly users: ReadonlyMap<string, UserIdToken>;
  readonly serviceTokens: readonly ServiceToken[];
  readonly peer: PeerKnowledge;
}

export const SNAPSHOT_FORMAT = 2;
const DIGEST = 32;

/** The caller wipes the result. */
export function encodeSnapshot(state: DeviceState, core: Core): Uint8Array {
  const exported: Uint8Array[] = [];
  const key = (handle: SessionKeys["mac"]) => {
    const bytes = core.exportKey(handle);
    exported.push(bytes);
    return bytes;
  };
  try {
    const body = encodeObject("CBOR", {
      format: SNAPSHOT_FORMAT,
      network: state.network,
      sessions: state.sessions.map(({ masterToken, keys, opaque }) => ({
        ...tokenTimes(masterToken),
        sequencenumber: masterToken.sequenceNumber,
        encryptionkey: keys === undefined ? null : key(keys.encryption),
        hmackey: keys === undefined ? null : key(keys.mac),
        signaturealgorithm: keys?.mac.type === SESSION_CMAC.type ? "AESCmac" : null,
        wrapdata: opaque,
      })),
      counters: [...state.counters].map(([serialnumber, nonreplayableid]) => ({ serialnumber, nonreplayableid })),
      users: [...state.users].map(([name, token]) => ({
        name,
        ...tokenTimes(token),
        mtserialnumber: token.mtSerialNumber,
      })),
      servicetokens: state.serviceTokens.map(serviceTokenState),
      encoderformats: state.peer.formats,
      keyxschemes: state.peer.keyxSchemes ?? [],
      keyxknown: state.peer.keyxSchemes !== null,
    });
    const out = new Uint8Array(DIGEST + body.length);
    out.set(core.sha256(body));
    out.set(body, DIGEST);
    body.fill(0);
    return out;
  } finally {
    for (const bytes of exported) bytes.fill(0);
  }
}

function tokenTimes(token: MasterToken | UserIdToken): EncodeFields {
  return {
    tokendata: token.tokendata,
    signature: token.signature,
    renewalwindow: token.renewalWindow,
    expiration: token.expiration,
    serialnumber: token.serialNumber,
  };
}

function serviceTokenState(token: ServiceToken): EncodeFields {
  return {
    tokendata: token.tokendata,
    signature: token.signature,
    name: token.name,
    mtserialnumber: token.mtSerialNumber,
    uitserialnumber: token.uitSerialNumber,
    encrypted: token.encrypted,
    compressionalgo: token.compression,
    verified: token.verified,
    data: token.data,
  };
}

/** @throws STORE_CORRUPT */
export function decodeSnapshot(bytes: Uint8Array, core: Core): DeviceState {
  try {
    const body = bytes.subarray(DIGEST);
    const digest = core.sha256(body);
    if (bytes.length <= DIGEST || !digest.every((byte, i) => byte === bytes[i]))
      throw new MslLocalError("STORE_CORRUPT");
    const map = decodeObject(body, "snapshot");
    if (map.int("format", 1, MAX_ID) > SNAPSHOT_FORMAT) throw new MslLocalError("STORE_TOO_NEW");
    return {
      network: map.stringOr("network"),
      sessions: rows(map, "sessions", (row) => readSession(row, core)),
      counters: new Map(
        rows(map, "counters", (row) => [row.int("serialnumber", 0, MAX_ID), row.int("nonreplayableid", 0, MAX_ID)]),
      ),
      users: new Map(
        rows(map, "users", (row) => [
          row.string("name"),
          { ...readTimes(row), mtSerialNumber: row.int("mtserialnumber", 0, MAX_ID), verified: null },
        ]),
      ),
      serviceTokens: rows(map, "servicetokens", readServiceToken),
      peer: readPeer(map),
    };
  } catch (error) {
    if (error instanceof MslLocalError) throw error;
    throw new MslLocalError("STORE_CORRUPT", null, null, error);
  }
}

/** `keyxknown` came later: before it, who had said what it reads had said everything. */
function readPeer(map: MslMap): PeerKnowledge {
  const formats = strings(map, "encoderformats") as Format[];
  const keyxSchemes = strings(map, "keyxschemes");
  const isKnown = map.boolOr("keyxknown", formats.length > 0);
  return { formats, keyxSchemes: isKnown ? keyxSchemes : null };
}

function rows<T>(map: MslMap, name: string, read: (row: MslMap) => T): T[] {
  const list = map.list(name);
  return Array.from({ length: list.length }, (_, i) => read(list.map(i)));
}

function strings(map: MslMap, name: string): string[] {
  const list = map.list(name);
  return Array.from({ length: list.length }, (_, i) => list.string(i));
}

function readTimes(row: MslMap) {
  return {
    tokendata: row.bytes("tokendata").slice(),
    signature: row.bytes("signature").slice(),
    renewalWindow: row.int("renewalwindow", -MAX_ID, MAX_ID),
    expiration: row.int("expiration", -MAX_ID, MAX_ID),
    serialNumber: row.int("serialnumber", 0, MAX_ID),
  };
}

function readSession(row: MslMap, core: Core): StoredSession {
  const masterToken = { ...readTimes(row), sequenceNumber: row.int("sequencenumber", 0, MAX_ID), verified: null };
  const opaque = row.bytesOr("wrapdata");
  return opaque === null ? { masterToken, keys: readKeys(row, core) } : { masterToken, opaque: opaque.slice() };
}

function readKeys(row: MslMap, core: Core): SessionKeys {
  const encryption = core.importKey(SESSION_ENCRYPTION, row.bytes("encryptionkey"));
  const isCmac = row.stringOr("signaturealgorithm") === "AESCmac";
  return { encryption, mac: core.importKey(isCmac ? SESSION_CMAC : SESSION_MAC, row.bytes("hmackey")) };
}

function readServiceToken(row: MslMap): ServiceToken {
  const compression = row.stringOr("compressionalgo");
  return {
    tokendata: row.bytes("tokendata").slice(),
    signature: row.bytes("signature").slice(),
    name: row.string("name"),
    mtSerialNumber: row.intOr("mtserialnumber", 0, MAX_ID),
    uitSerialNumber: row.intOr("uitserialnumber", 0, MAX_ID),
    encrypted: row.bool("encrypted"),
    compression: compression === "GZIP" || compression === "LZW" ? compression : null,
    verified: row.bool("verified"),
    data: row.bytesOr("data")?.slice() ?? null,
  };
}
