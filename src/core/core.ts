// The bridge to the cryptographic core: the only place that knows memory offsets and statuses. Everything is
// synchronous; keys are handles; a trap marks the instance dead. Nothing above this folder can tell which build runs.

import { MslCoreError, MslProtocolError, MslUsageError, protocolError } from "../errors/msl-error.ts";
import type { Entropy } from "../platform/entropy.ts";
import * as abi from "./abi.ts";
import type { CoreExports } from "./exports.ts";
import { type KeyHandle, type KeySpec, SlotCache } from "./key-handle.ts";
import { ObjectScanner } from "./scanner.ts";
import { checked, statusError } from "./status.ts";

export type { CoreExports } from "./exports.ts";
export type { KeyHandle, KeySpec } from "./key-handle.ts";
export { ObjectScanner } from "./scanner.ts";

type Format = "JSON" | "CBOR";

/** Session keys leave the core inside master tokens and device state, so they are exportable. */
export const SESSION_ENCRYPTION: KeySpec = {
  type: abi.KEY_AES,
  usage: abi.USE_ENCRYPT | abi.USE_DECRYPT | abi.USE_EXPORT,
};
export const SESSION_MAC: KeySpec = {
  type: abi.KEY_HMAC_SHA256,
  usage: abi.USE_SIGN | abi.USE_VERIFY | abi.USE_EXPORT,
};
/** Keys of entities and issuers never leave. */
export const ENCRYPTION_KEY: KeySpec = { type: abi.KEY_AES, usage: abi.USE_ENCRYPT | abi.USE_DECRYPT };
export const MAC_KEY: KeySpec = { type: abi.KEY_HMAC_SHA256, usage: abi.USE_SIGN | abi.USE_VERIFY };
export const WRAPPING_KEY: KeySpec = { type: abi.KEY_AES_WRAP, usage: abi.USE_WRAP | abi.USE_UNWRAP };
const PRIVATE_KEY: KeySpec = { type: abi.KEY_X25519, usage: abi.USE_DERIVE };
const SHARED_SECRET: KeySpec = { type: abi.KEY_SECRET, usage: abi.USE_DERIVE };
/** An X25519 private key that is imported, for fixed keys in tests and tools. */
export const X25519_PRIVATE: KeySpec = PRIVATE_KEY;

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
/** Bytes a streaming operation moves at a time: a multiple of the AES block. */
const STREAM_STEP = 40960;
const TWO_32 = 0x100000000;

export class Core {
  readonly kind: string;
  readonly #x: CoreExports;
  readonly #memory: Uint8Array;
  readonly #in: number;
  readonly #out: number;
  readonly #entropy: Entropy;
  readonly #slots: SlotCache;
  #dead = false;

  constructor(exports: CoreExports, entropy: Entropy, kind: string) {
    const probe = new Uint8Array(32);
    entropy.fill(probe);
    if (probe.every((byte) => byte === 0)) throw new MslCoreError("The entropy source gives zeros.");
    this.kind = kind;
    this.#x = exports;
    this.#memory = new Uint8Array(exports.memory.buffer);
    this.#in = exports.stageInPtr();
    this.#out = exports.stageOutPtr();
    this.#entropy = entropy;
    this.#slots = new SlotCache(exports, this.#memory, (n) => this.#needEntropy(n));
  }

  // ------------------------------------------------------------ plumbing

  #needEntropy(n: number): void {
    if (this.#x.entropyLeft() >= n) return;
    const at = this.#x.entropyPtr();
    this.#entropy.fill(this.#memory.subarray(at, at + abi.ENTROPY_POOL_SIZE));
    checked(this.#x.entropyFill(abi.ENTROPY_POOL_SIZE));
  }

  /** Runs a step; a trap, which no input should cause, marks the instance dead. */
  #run<T>(step: () => T): T {
    if (this.#dead) throw new MslCoreError("The core is dead.");
    try {
      return step();
    } catch (error) {
      if (error instanceof Error && error.name === "RuntimeError") {
        this.#dead = true;
        throw new MslCoreError("The core trapped.", error);
      }
      throw error;
    }
  }

  #put(bytes: Uint8Array, offset = 0): number {
    this.#memory.set(bytes, this.#in + offset);
    return this.#in + offset;
  }

  #get(ptr: number, length: number): Uint8Array {
    return this.#memory.slice(ptr, ptr + length);
  }

  /** Copies a secret result out and wipes where it lay. */
  #takeSecret(ptr: number, length: number): Uint8Array {
    const bytes = this.#memory.slice(ptr, ptr + length);
    this.#memory.fill(0, ptr, ptr + length);
    return bytes;
  }

  // ------------------------------------------------------------ keys

  /** Random bytes of the port's source. */
  random(n: number): Uint8Array {
    const bytes = new Uint8Array(n);
    for (let i = 0; i < n; i += 65536) this.#entropy.fill(bytes.subarray(i, Math.min(n, i + 65536)));
    return bytes;
  }

  /** Imports raw key bytes, which are wiped. @throws INVALID_SYMMETRIC_KEY for a length that the type does not take */
  importKey(spec: KeySpec, raw: Uint8Array): KeyHandle {
    return this.#run(() => {
      try {
        if (raw.length > abi.STAGE_SIZE) protocolError("INVALID_SYMMETRIC_KEY");
        this.#slots.makeRoom(1);
        return this.#adopt(this.#x.slotImport(spec.type, spec.usage, this.#put(raw), raw.length), spec);
      } finally {
        raw.fill(0);
      }
    });
  }

  /** Imports a key that stands as Base64 in a document; the characters are wiped. */
  importKeyBase64(spec: KeySpec, text: Uint8Array): KeyHandle {
    return this.#run(() => {
      try {
        if (text.length > abi.STAGE_SIZE) protocolError("INVALID_SYMMETRIC_KEY");
        this.#slots.makeRoom(1);
        return this.#adopt(this.#x.slotImportBase64(spec.type, spec.usage, this.#put(text), text.length), spec);
      } finally {
        text.fill(0);
      }
    });
  }

  #adopt(slot: number, spec: KeySpec): KeyHandle {
    if (slot === abi.ERR_ARGUMENT || slot === abi.ERR_FORM) protocolError("INVALID_SYMMETRIC_KEY");
    return this.#slots.adopt(checked(slot), spec);
  }

  generateKey(spec: KeySpec, length: number): KeyHandle {
    return this.#run(() => {
      this.#slots.makeRoom(1);
      this.#needEntropy(length);
      return this.#adopt(this.#x.slotGenerate(spec.type, spec.usage, length), spec);
    });
  }

  /** Raw bytes of an exportable key; the caller wipes them. */
  exportKey(key: KeyHandle): Uint8Array {
    return this.#run(() => {
      const length = checked(this.#x.slotExport(this.#slots.slotOf(key), this.#out));
      return this.#takeSecret(this.#out, length);
    });
  }

  /** MSL's wrapping key of a pre-shared encryption and MAC key. */
  deriveWrappingKey(encryption: KeyHandle, mac: KeyHandle, usage: number = WRAPPING_KEY.usage): KeyHandle {
    return this.#run(() => {
      this.#slots.makeRoom(3);
      const enc = this.#slots.slotOf(encryption);
      const slot = this.#x.deriveWrapSlot(enc, this.#slots.slotOf(mac), usage);
      return this.#slots.adopt(checked(slot), { type: abi.KEY_AES_WRAP, usage });
    });
  }

  // ------------------------------------------------------------ hashes and MACs

  /** SHA-256 of the parts one after the other. */
  sha256(...parts: readonly Uint8Array[]): Uint8Array {
    return this.#run(() => {
      checked(this.#x.sha256Begin());
      for (const part of parts) {
        for (let i = 0; i < part.length; i += STREAM_STEP) {
          const step = part.subarray(i, i + STREAM_STEP);
          checked(this.#x.sha256Feed(this.#put(step), step.length));
        }
      }
      checked(this.#x.sha256End(this.#out));
      return this.#get(this.#out, 32);
    });
  }

  hmacSign(key: KeyHandle, data: Uint8Array): Uint8Array {
    return this.#run(() => {
      const slot = this.#slots.slotOf(key);
      if (data.length <= abi.STAGE_SIZE) {
        checked(this.#x.hmacSha256Sign(slot, this.#put(data), data.length, this.#out));
      } else {
        this.#hmacStream(slot, abi.USE_SIGN, data);
        checked(this.#x.hmacSha256End(this.#out));
      }
      return this.#get(this.#out, 32);
    });
  }

  /** Constant-time check of an untruncated tag. */
  hmacVerify(key: KeyHandle, data: Uint8Array, tag: Uint8Array): boolean {
    if (tag.length !== 32) return false;
    return this.#run(() => {
      const slot = this.#slots.slotOf(key);
      let status: number;
      if (data.length <= abi.STAGE_SIZE) {
        this.#memory.set(tag, this.#out);
        status = this.#x.hmacSha256Verify(slot, this.#put(data), data.length, this.#out, 32);
      } else {
        this.#hmacStream(slot, abi.USE_VERIFY, data);
        this.#memory.set(tag, this.#out);
        status = this.#x.hmacSha256EndVerify(this.#out, 32);
      }
      if (status !== abi.ERR_BAD_TAG) checked(status);
      return status === abi.OK;
    });
  }

  #hmacStream(slot: number, usage: number, data: Uint8Array): void {
    checked(this.#x.hmacSha256Begin(slot, usage));
    for (let i = 0; i < data.length; i += STREAM_STEP) {
      const step = data.subarray(i, i + STREAM_STEP);
      checked(this.#x.hmacSha256Update(this.#put(step), step.length));
    }
  }

  // ------------------------------------------------------------ AES-CBC and key wrap

  /** PKCS#5 padding; a random IV unless one is given. */
  cbcEncrypt(
    key: KeyHandle,
    data: Uint8Array,
    iv: Uint8Array = this.random(16),
  ): { iv: Uint8Array; ciphertext: Uint8Array } {
    if (iv.length !== 16) protocolError("INVALID_ALGORITHM_PARAMS", "iv");
    return this.#run(() => {
      const slot = this.#slots.slotOf(key);
      const whole = data.length - (data.length % 16);
      const out = new Uint8Array(whole + 16);
      const chain = this.#put(iv);
      try {
        let i = 0;
        for (; whole - i > STREAM_STEP; i += STREAM_STEP) {
          const src = this.#put(data.subarray(i, i + STREAM_STEP), 16);
          checked(this.#x.aesCbcEncryptBlocks(slot, chain, src, STREAM_STEP, this.#out));
          out.set(this.#memory.subarray(this.#out, this.#out + STREAM_STEP), i);
        }
        const last = data.subarray(i);
        const length = checked(this.#x.aesCbcEncrypt(slot, chain, this.#put(last, 16), last.length, this.#out));
        out.set(this.#memory.subarray(this.#out, this.#out + length), i);
      } finally {
        this.#x.stageWipe(Math.min(data.length + 32, abi.STAGE_SIZE), 0);
      }
      return { iv, ciphertext: out };
    });
  }

  /** @throws INVALID_ALGORITHM_PARAMS, CIPHERTEXT_ILLEGAL_BLOCK_SIZE, CIPHERTEXT_BAD_PADDING */
  cbcDecrypt(key: KeyHandle, iv: Uint8Array, ciphertext: Uint8Array): Uint8Array {
    if (iv.length !== 16) protocolError("INVALID_ALGORITHM_PARAMS", "iv");
    if (ciphertext.length === 0 || ciphertext.length % 16 !== 0) protocolError("CIPHERTEXT_ILLEGAL_BLOCK_SIZE");
    return this.#run(() => {
      const slot = this.#slots.slotOf(key);
      const out = new Uint8Array(ciphertext.length);
      const chain = this.#put(iv);
      try {
        let i = 0;
        for (; ciphertext.length - i > STREAM_STEP; i += STREAM_STEP) {
          const src = this.#put(ciphertext.subarray(i, i + STREAM_STEP), 16);
          checked(this.#x.aesCbcDecryptBlocks(slot, chain, src, STREAM_STEP, this.#out));
          out.set(this.#memory.subarray(this.#out, this.#out + STREAM_STEP), i);
        }
        const last = ciphertext.subarray(i);
        const length = this.#x.aesCbcDecrypt(slot, chain, this.#put(last, 16), last.length, this.#out);
        if (length < 0) {
          out.fill(0);
          throw statusError(length);
        }
        out.set(this.#memory.subarray(this.#out, this.#out + length), i);
        return out.subarray(0, i + length);
      } finally {
        this.#x.stageWipe(0, Math.min(ciphertext.length, abi.STAGE_SIZE));
      }
    });
  }

  /** RFC 3394 of an exportable key. */
  wrapKey(wrapping: KeyHandle, key: KeyHandle): Uint8Array {
    return this.#run(() => {
      const kw = this.#slots.slotOf(wrapping);
      const length = this.#x.aesWrapSlot(kw, this.#slots.slotOf(key), this.#out);
      if (length === abi.ERR_BLOCK_SIZE) protocolError("PLAINTEXT_ILLEGAL_BLOCK_SIZE");
      return this.#get(this.#out, checked(length));
    });
  }

  /** Unwraps straight into a slot. @throws UNWRAP_ERROR, CIPHERTEXT_ILLEGAL_BLOCK_SIZE, INVALID_SYMMETRIC_KEY */
  unwrapKey(wrapping: KeyHandle, wrapped: Uint8Array, spec: KeySpec): KeyHandle {
    return this.#run(() => {
      if (wrapped.length > abi.STAGE_SIZE) protocolError("UNWRAP_ERROR");
      this.#slots.makeRoom(2);
      const kw = this.#slots.slotOf(wrapping);
      const slot = this.#x.aesUnwrapSlot(kw, this.#put(wrapped), wrapped.length, spec.type, spec.usage);
      return this.#adopt(slot, spec);
    });
  }

  /** RFC 3394 of bytes. @throws PLAINTEXT_ILLEGAL_BLOCK_SIZE */
  wrapBytes(wrapping: KeyHandle, data: Uint8Array): Uint8Array {
    return this.#run(() => {
      if (data.length > abi.STAGE_SIZE - 8) protocolError("PLAINTEXT_ILLEGAL_BLOCK_SIZE");
      const kw = this.#slots.slotOf(wrapping);
      const length = this.#x.aesWrapBytes(kw, this.#put(data), data.length, this.#out);
      this.#x.stageWipe(data.length, 0);
      if (length === abi.ERR_BLOCK_SIZE) protocolError("PLAINTEXT_ILLEGAL_BLOCK_SIZE");
      return this.#get(this.#out, checked(length));
    });
  }

  /** @throws UNWRAP_ERROR, CIPHERTEXT_ILLEGAL_BLOCK_SIZE */
  unwrapBytes(wrapping: KeyHandle, wrapped: Uint8Array): Uint8Array {
    return this.#run(() => {
      if (wrapped.length > abi.STAGE_SIZE) protocolError("UNWRAP_ERROR");
      const kw = this.#slots.slotOf(wrapping);
      const length = this.#x.aesUnwrapBytes(kw, this.#put(wrapped), wrapped.length, this.#out);
      return this.#takeSecret(this.#out, checked(length));
    });
  }

  // ------------------------------------------------------------ X25519 and HKDF

  x25519Generate(): { readonly key: KeyHandle; readonly publicKey: Uint8Array } {
    return this.#run(() => {
      this.#slots.makeRoom(1);
      this.#needEntropy(32);
      const slot = checked(this.#x.x25519Generate(PRIVATE_KEY.usage, this.#out));
      return { key: this.#slots.adopt(slot, PRIVATE_KEY), publicKey: this.#get(this.#out, 32) };
    });
  }

  x25519PublicKey(key: KeyHandle): Uint8Array {
    return this.#run(() => {
      checked(this.#x.x25519PublicKey(this.#slots.slotOf(key), this.#out));
      return this.#get(this.#out, 32);
    });
  }

  /** Shared secret as a key for `hkdfSession`. @throws KEYX_INVALID_PUBLIC_KEY */
  x25519Agree(key: KeyHandle, peer: Uint8Array): KeyHandle {
    if (peer.length !== 32) protocolError("KEYX_INVALID_PUBLIC_KEY", "publickey");
    return this.#run(() => {
      this.#slots.makeRoom(2);
      const slot = this.#slots.slotOf(key);
      return this.#slots.adopt(checked(this.#x.x25519Agree(slot, this.#put(peer), SHARED_SECRET.usage)), SHARED_SECRET);
    });
  }

  /** HKDF-SHA256 of a shared secret into session keys: 16 bytes AES, 32 bytes HMAC. */
  hkdfSession(secret: KeyHandle, salt: Uint8Array, info: Uint8Array): { encryption: KeyHandle; mac: KeyHandle } {
    if (salt.length + info.length > abi.STAGE_SIZE) throw new MslUsageError("Salt and info are too long.");
    return this.#run(() => {
      this.#slots.makeRoom(3);
      const slot = this.#slots.slotOf(secret);
      const saltPtr = this.#put(salt);
      const infoPtr = this.#put(info, salt.length);
      const { usage: enc } = SESSION_ENCRYPTION;
      const { usage: mac } = SESSION_MAC;
      checked(this.#x.hkdfSha256Session(slot, saltPtr, salt.length, infoPtr, info.length, enc, mac, this.#out));
      return {
        encryption: this.#slots.adopt(this.#memory[this.#out]!, SESSION_ENCRYPTION),
        mac: this.#slots.adopt(this.#memory[this.#out + 4]!, SESSION_MAC),
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
    return this.#run(() => {
      const enc = this.#slots.slotOf(encryption);
      const sig = this.#slots.slotOf(mac);
      this.#needEntropy(16);
      this.#put(id);
      this.#put(plain, id.length);
      const length = this.#x.pairSeal(
        format === "JSON" ? abi.FORMAT_JSON : abi.FORMAT_CBOR,
        enc,
        sig,
        id.length,
        plain.length,
      );
      if (length === abi.ERR_SPACE) {
        this.#x.stageWipe(id.length + plain.length, 0);
        return null;
      }
      const at = this.#x.resultPtr() + checked(length);
      return { data: this.#get(at - length, length), signature: this.#get(at, 32) };
    });
  }

  /** Verifies, then decrypts. @throws CIPHERTEXT_BAD_PADDING, CIPHERTEXT_ILLEGAL_BLOCK_SIZE (behind a valid MAC only) */
  openPair(encryption: KeyHandle, mac: KeyHandle, data: Uint8Array, signature: Uint8Array): Opened<Uint8Array> {
    if (signature.length !== 32 || data.length > abi.STAGE_SIZE - 32) return FORM;
    return this.#run(() => {
      const enc = this.#slots.slotOf(encryption);
      const sig = this.#slots.slotOf(mac);
      this.#put(data);
      this.#put(signature, data.length);
      const length = this.#x.pairOpen(enc, sig, data.length);
      if (length === abi.ERR_BAD_TAG) return BAD_TAG;
      if (length === abi.ERR_FORM) return FORM;
      return { kind: "opened", value: this.#takeSecret(this.#x.resultPtr(), checked(length)) };
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
    return this.#run(() => {
      const enc = this.#slots.slotOf(encryption);
      const sig = this.#slots.slotOf(mac);
      this.#needEntropy(16);
      this.#put(id);
      this.#put(chunk.data, id.length);
      const { sequenceNumber: s, messageId: m } = chunk;
      const length = this.#x.chunkSeal(
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
      return this.#get(this.#x.resultPtr(), checked(length));
    });
  }

  /** Verifies a chunk, decrypts it, and takes it apart, in one call. Errors as `openPair`. */
  openChunk(encryption: KeyHandle, mac: KeyHandle, wire: Uint8Array): Opened<ChunkFields> {
    if (wire.length > abi.STAGE_SIZE) return FORM;
    return this.#run(() => {
      const enc = this.#slots.slotOf(encryption);
      const sig = this.#slots.slotOf(mac);
      this.#put(wire);
      const x = this.#x;
      const length = x.chunkOpen(enc, sig, wire.length);
      if (length === abi.ERR_BAD_TAG) return BAD_TAG;
      if (length === abi.ERR_FORM) return FORM;
      const data = this.#get(x.resultPtr(), checked(length));
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
    return new ObjectScanner(this.#x, this.#memory, maxObjectBytes);
  }

  /** Wipes every key; the core is not usable afterwards. */
  dispose(): void {
    if (this.#dead) return;
    this.#x.slotsClear();
    this.#x.stageWipe(abi.STAGE_SIZE, abi.STAGE_SIZE);
    this.#x.entropyFill(0);
    this.#dead = true;
  }
}

/** Wraps the exports of an instantiated build. @throws MslCoreError if the entropy source is not usable */
export function createCore(exports: CoreExports, entropy: Entropy, kind: string): Core {
  try {
    return new Core(exports, entropy, kind);
  } catch (error) {
    if (error instanceof MslCoreError) throw error;
    throw new MslCoreError("The core could not start.", error instanceof MslProtocolError ? undefined : error);
  }
}
