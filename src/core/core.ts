// The bridge to the cryptographic core: the only place that knows memory offsets and statuses. Everything is
// synchronous; keys are handles; a trap marks the instance dead. Nothing above this folder can tell which build runs.

import { MslCoreError, MslProtocolError, MslUsageError, protocolError } from "../errors/msl-error.ts";
import type { Entropy } from "../platform/entropy.ts";
import type { PlatformCrypto } from "../platform/platform-crypto.ts";
import * as abi from "./abi.ts";
import type { CoreExports } from "./exports.ts";
import type { KeyHandle } from "./key-handle.ts";
import { SESSION_ENCRYPTION, SESSION_MAC, SHARED_SECRET, X25519_PRIVATE } from "./key-specs.ts";
import { ObjectScanner } from "./scanner.ts";
import { checked } from "./status.ts";
import { SymmetricCore } from "./symmetric.ts";

export type { CoreExports } from "./exports.ts";
export type { KeyHandle, KeySpec } from "./key-handle.ts";
export * from "./key-specs.ts";
export { ObjectScanner } from "./scanner.ts";

type Format = "JSON" | "CBOR";

/** A key id as it goes into envelopes: the inside of a JSON string, and UTF-8. */
export interface KeyId {
  readonly json: Uint8Array;
  readonly text: Uint8Array;
}

export interface ChunkFields {
  readonly sequenceNumber: number;
  readonly messageId: number;
  readonly endOfMessage: boolean;
  readonly compression: "GZIP" | "LZW" | null;
  /** Still compressed where `compression` is set. */
  readonly data: Uint8Array;
}

/** `form`: malformed, or a legal form that the core leaves to the host's codec. */
export type Opened<T> =
  | { readonly kind: "opened"; readonly value: T }
  | { readonly kind: "bad-tag" }
  | { readonly kind: "form" };

const BAD_TAG = { kind: "bad-tag" } as const;
const FORM = { kind: "form" } as const;
const TWO_32 = 0x100000000;

export class Core extends SymmetricCore {
  // ------------------------------------------------------------ X25519 and HKDF

  x25519Generate(): { readonly key: KeyHandle; readonly publicKey: Uint8Array } {
    return this.io.run(() => {
      this.io.slots.makeRoom(1);
      this.io.needEntropy(32);
      const slot = checked(this.io.x.x25519Generate(X25519_PRIVATE.usage, this.io.out));
      return { key: this.io.slots.adopt(slot, X25519_PRIVATE), publicKey: this.io.get(this.io.out, 32) };
    });
  }

  x25519PublicKey(key: KeyHandle): Uint8Array {
    return this.io.run(() => {
      checked(this.io.x.x25519PublicKey(this.io.slots.slotOf(key), this.io.out));
      return this.io.get(this.io.out, 32);
    });
  }

  /** Shared secret as a key for `hkdfSession`. @throws KEYX_INVALID_PUBLIC_KEY */
  x25519Agree(key: KeyHandle, peer: Uint8Array): KeyHandle {
    if (peer.length !== 32) protocolError("KEYX_INVALID_PUBLIC_KEY", "publickey");
    return this.io.run(() => {
      this.io.slots.makeRoom(2);
      const slot = this.io.slots.slotOf(key);
      return this.io.slots.adopt(
        checked(this.io.x.x25519Agree(slot, this.io.put(peer), SHARED_SECRET.usage)),
        SHARED_SECRET,
      );
    });
  }

  /** HKDF-SHA256 of a shared secret into session keys: 16 bytes AES, 32 bytes HMAC. */
  hkdfSession(secret: KeyHandle, salt: Uint8Array, info: Uint8Array): { encryption: KeyHandle; mac: KeyHandle } {
    if (salt.length + info.length > abi.STAGE_SIZE) throw new MslUsageError("Salt and info are too long.");
    return this.io.run(() => {
      this.io.slots.makeRoom(3);
      const slot = this.io.slots.slotOf(secret);
      const saltPtr = this.io.put(salt);
      const infoPtr = this.io.put(info, salt.length);
      const { usage: enc } = SESSION_ENCRYPTION;
      const { usage: mac } = SESSION_MAC;
      checked(this.io.x.hkdfSha256Session(slot, saltPtr, salt.length, infoPtr, info.length, enc, mac, this.io.out));
      return {
        encryption: this.io.slots.adopt(this.io.memory[this.io.out]!, SESSION_ENCRYPTION),
        mac: this.io.slots.adopt(this.io.memory[this.io.out + 4]!, SESSION_MAC),
      };
    });
  }

  // ------------------------------------------------------------ framing

  /** Encrypts and signs in one call; null if it does not fit the stage. */
  sealPair(
    format: Format,
    encryption: KeyHandle,
    mac: KeyHandle,
    keyId: KeyId,
    plain: Uint8Array,
  ): { readonly data: Uint8Array; readonly signature: Uint8Array } | null {
    const id = format === "JSON" ? keyId.json : keyId.text;
    if (id.length > abi.KEY_ID_MAX || id.length + plain.length > abi.STAGE_SIZE) return null;
    return this.io.run(() => {
      const enc = this.io.slots.slotOf(encryption);
      const sig = this.io.slots.slotOf(mac);
      this.io.needEntropy(16);
      this.io.put(id);
      this.io.put(plain, id.length);
      const length = this.io.x.pairSeal(
        format === "JSON" ? abi.FORMAT_JSON : abi.FORMAT_CBOR,
        enc,
        sig,
        id.length,
        plain.length,
      );
      if (length === abi.ERR_SPACE) {
        this.io.x.stageWipe(id.length + plain.length, 0);
        return null;
      }
      const at = this.io.x.resultPtr() + checked(length);
      return { data: this.io.get(at - length, length), signature: this.io.get(at, 32) };
    });
  }

  /** Verifies, then decrypts. @throws CIPHERTEXT_BAD_PADDING, CIPHERTEXT_ILLEGAL_BLOCK_SIZE (behind a valid MAC only) */
  openPair(encryption: KeyHandle, mac: KeyHandle, data: Uint8Array, signature: Uint8Array): Opened<Uint8Array> {
    if (signature.length !== 32 || data.length > abi.STAGE_SIZE - 32) return FORM;
    return this.io.run(() => {
      const enc = this.io.slots.slotOf(encryption);
      const sig = this.io.slots.slotOf(mac);
      this.io.put(data);
      this.io.put(signature, data.length);
      const length = this.io.x.pairOpen(enc, sig, data.length);
      if (length === abi.ERR_BAD_TAG) return BAD_TAG;
      if (length === abi.ERR_FORM) return FORM;
      return { kind: "opened", value: this.io.takeSecret(this.io.x.resultPtr(), checked(length)) };
    });
  }

  /** A complete payload chunk in one call; null if it does not fit the stage. */
  sealChunk(
    format: Format,
    encryption: KeyHandle,
    mac: KeyHandle,
    keyId: KeyId,
    chunk: ChunkFields,
  ): Uint8Array | null {
    const id = format === "JSON" ? keyId.json : keyId.text;
    if (id.length > abi.KEY_ID_MAX || chunk.data.length > abi.CHUNK_DATA_MAX) return null;
    const flags =
      (chunk.endOfMessage ? abi.CHUNK_END_OF_MESSAGE : 0) |
      (chunk.compression === "GZIP" ? abi.CHUNK_GZIP : 0) |
      (chunk.compression === "LZW" ? abi.CHUNK_LZW : 0);
    return this.io.run(() => {
      const enc = this.io.slots.slotOf(encryption);
      const sig = this.io.slots.slotOf(mac);
      this.io.needEntropy(16);
      this.io.put(id);
      this.io.put(chunk.data, id.length);
      const { sequenceNumber: s, messageId: m } = chunk;
      const length = this.io.x.chunkSeal(
        format === "JSON" ? abi.FORMAT_JSON : abi.FORMAT_CBOR,
        enc,
        sig,
        id.length,
        chunk.data.length,
        Math.floor(s / TWO_32),
        (s % TWO_32) | 0,
        Math.floor(m / TWO_32),
        (m % TWO_32) | 0,
        flags,
      );
      return this.io.get(this.io.x.resultPtr(), checked(length));
    });
  }

  /** Verifies a chunk, decrypts it, and takes it apart, in one call. Errors as `openPair`. */
  openChunk(encryption: KeyHandle, mac: KeyHandle, wire: Uint8Array): Opened<ChunkFields> {
    if (wire.length > abi.STAGE_SIZE) return FORM;
    return this.io.run(() => {
      const enc = this.io.slots.slotOf(encryption);
      const sig = this.io.slots.slotOf(mac);
      this.io.put(wire);
      const x = this.io.x;
      const length = x.chunkOpen(enc, sig, wire.length);
      if (length === abi.ERR_BAD_TAG) return BAD_TAG;
      if (length === abi.ERR_FORM) return FORM;
      const data = this.io.get(x.resultPtr(), checked(length));
      x.stageWipe(0, wire.length);
      const flags = x.chunkFlags();
      return {
        kind: "opened",
        value: {
          sequenceNumber: x.chunkSeqHi() * TWO_32 + (x.chunkSeqLo() >>> 0),
          messageId: x.chunkMidHi() * TWO_32 + (x.chunkMidLo() >>> 0),
          endOfMessage: (flags & abi.CHUNK_END_OF_MESSAGE) !== 0,
          compression: (flags & abi.CHUNK_GZIP) !== 0 ? "GZIP" : (flags & abi.CHUNK_LZW) !== 0 ? "LZW" : null,
          data,
        },
      };
    });
  }

  /** Cuts a byte stream into objects of at most `maxObjectBytes`. */
  createScanner(maxObjectBytes: number): ObjectScanner {
    return new ObjectScanner(this.io.x, this.io.memory, maxObjectBytes);
  }

  /** Wipes every key; the core is not usable afterwards. */
  dispose(): void {
    this.io.dispose();
  }
}

/** Wraps the exports of an instantiated build. @throws MslCoreError if the entropy source is not usable */
export function createCore(
  exports: CoreExports,
  entropy: Entropy,
  kind: string,
  platform: PlatformCrypto | null = null,
): Core {
  try {
    return new Core(exports, entropy, kind, platform);
  } catch (error) {
    if (error instanceof MslCoreError) throw error;
    throw new MslCoreError("The core could not start.", error instanceof MslProtocolError ? undefined : error);
  }
}
