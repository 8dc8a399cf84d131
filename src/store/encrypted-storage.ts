// Device state encrypted at rest, over any storage: encrypt-then-MAC with keys in slots, or with a key in hardware.
//   record = magic (7) ‖ version (1) ‖ signature length (2) ‖ signature ‖ ciphertext envelope in CBOR
//   sealed = magic (7) ‖ version (1) ‖ snapshot
// The version is repeated where the signature covers it, so that a record cannot be taken for one of another version.
// Records of the first version, 32 bytes of signature and then the envelope, without a head, are read.

import { type Core, ENCRYPTION_KEY, MAC_KEY } from "../core/core.ts";
import type { CryptoContext } from "../crypto/crypto-context.ts";
import { openPair, sealPair } from "../crypto/seal.ts";
import { slotContext } from "../crypto/symmetric.ts";
import { MslLocalError } from "../errors/msl-error.ts";
import { type RollbackGuard, guardedStorage } from "./guarded-storage.ts";
import { RECORD_HEAD, recordHead, recordVersion } from "./record-head.ts";
import type { ClearableStorage, StateStorage } from "./snapshot-storage.ts";

export interface EncryptedStorageOptions {
  /** A key of 32 bytes, wiped, or a context that encrypts and signs: keys in hardware answer with a promise. */
  readonly key: Uint8Array | CryptoContext;
  readonly core: Core;
  /** A counter of the platform that only grows: an older record that is put back is noticed. */
  readonly guard?: RollbackGuard | null;
}

const MAGIC = "TMSLENC";
const VERSION = 2;
const FIRST_VERSION_SIGNATURE = 32;
const DERIVATION = "tinymsl state file";

export function encryptedStorage(storage: ClearableStorage, options: EncryptedStorageOptions): ClearableStorage;
export function encryptedStorage(storage: StateStorage, options: EncryptedStorageOptions): StateStorage;
export function encryptedStorage(
  storage: StateStorage | ClearableStorage,
  options: EncryptedStorageOptions,
): StateStorage | ClearableStorage {
  const { core, key } = options;
  /** What was refused on loading is not overwritten. */
  let isReadable = false;
  const context = key instanceof Uint8Array ? derivedContext(core, key) : key;

  const encrypted: StateStorage = {
    async load() {
      isReadable = false;
      const record = await storage.load();
      const version = record === null ? null : recordVersion(record, MAGIC);
      if (version !== null && version > VERSION) throw new MslLocalError("STORE_TOO_NEW");
      try {
        const isFirst = version === null;
        const snapshot =
          record === null ? null : await (isFirst ? openFirstVersion(context, record) : open(context, record));
        isReadable = true;
        return snapshot;
      } catch (error) {
        if (error instanceof MslLocalError) throw error;
        throw new MslLocalError("STORE_CORRUPT", null, null, error);
      }
    },
    async save(snapshot) {
      if (!isReadable) throw new MslLocalError("STORE_CONFLICT");
      const sealed = new Uint8Array(RECORD_HEAD + snapshot.length);
      const head = recordHead(MAGIC, VERSION);
      try {
        sealed.set(head);
        sealed.set(snapshot, RECORD_HEAD);
        const { data, signature } = await sealPair(context, sealed, "CBOR");
        const record = new Uint8Array(RECORD_HEAD + 2 + signature.length + data.length);
        record.set(head);
        record[RECORD_HEAD] = signature.length >> 8;
        record[RECORD_HEAD + 1] = signature.length & 255;
        record.set(signature, RECORD_HEAD + 2);
        record.set(data, RECORD_HEAD + 2 + signature.length);
        await storage.save(record);
      } finally {
        sealed.fill(0);
      }
    },
  };
  const clear = async () => {
    await (storage as ClearableStorage).clear();
    isReadable = true;
  };
  const whole = "clear" in storage ? { ...encrypted, clear } : encrypted;
  const guard = options.guard ?? null;
  return guard === null ? whole : guardedStorage(whole, guard);
}

async function open(context: CryptoContext, record: Uint8Array): Promise<Uint8Array> {
  const from = RECORD_HEAD + 2;
  const to = from + ((record[RECORD_HEAD] ?? 0) << 8) + (record[RECORD_HEAD + 1] ?? 0);
  if (record.length <= to || to === from) throw new MslLocalError("STORE_CORRUPT");
  const sealed = await openPair(context, record.subarray(to), record.subarray(from, to));
  if (sealed === null || recordVersion(sealed, MAGIC) !== recordVersion(record, MAGIC)) {
    throw new MslLocalError("STORE_CORRUPT");
  }
  const snapshot = sealed.slice(RECORD_HEAD);
  sealed.fill(0);
  return snapshot;
}

async function openFirstVersion(context: CryptoContext, record: Uint8Array): Promise<Uint8Array> {
  if (record.length <= FIRST_VERSION_SIGNATURE) throw new MslLocalError("STORE_CORRUPT");
  const signature = record.subarray(0, FIRST_VERSION_SIGNATURE);
  const snapshot = await openPair(context, record.subarray(FIRST_VERSION_SIGNATURE), signature);
  if (snapshot === null) throw new MslLocalError("STORE_CORRUPT");
  return snapshot;
}

/** AES-256 and HMAC-SHA256 keys by HKDF-SHA256 (RFC 5869) without salt; wipes `key`. */
function derivedContext(core: Core, key: Uint8Array): CryptoContext {
  const info = Uint8Array.from(DERIVATION, (character) => character.charCodeAt(0));
  const mac = (secret: Uint8Array, ...parts: Uint8Array[]) => {
    const handle = core.importKey(MAC_KEY, secret);
    const data = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
    let at = 0;
    for (const part of parts) {
      data.set(part, at);
      at += part.length;
    }
    try {
      return core.hmacSign(handle, data);
    } finally {
      handle.dispose();
      data.fill(0);
    }
  };
  const salt = core.importKey(MAC_KEY, new Uint8Array(32));
  const prk = core.hmacSign(salt, key);
  salt.dispose();
  key.fill(0);
  const first = mac(prk.slice(), info, Uint8Array.of(1));
  const second = mac(prk, first, info, Uint8Array.of(2));
  return slotContext(core, {
    keyId: "",
    encryption: core.importKey(ENCRYPTION_KEY, first),
    mac: core.importKey(MAC_KEY, second),
  });
}
