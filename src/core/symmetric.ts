// Keys, hashes, MACs, AES-CBC and key wrap of the core. Synchronous; keys are handles.

import { protocolError } from "../errors/msl-error.ts";
import type { Entropy } from "../platform/entropy.ts";
import type { PlatformCrypto } from "../platform/platform-crypto.ts";
import * as abi from "./abi.ts";
import type { CoreExports } from "./exports.ts";
import { CoreIo } from "./io.ts";
import type { KeyHandle, KeySpec } from "./key-handle.ts";
import { WRAPPING_KEY } from "./key-specs.ts";
import { sameBytes } from "./same-bytes.ts";
import { checked, statusError } from "./status.ts";

/** Bytes a streaming operation moves at a time: a multiple of the AES block. */
const STREAM_STEP = 40960;

export class SymmetricCore {
  readonly kind: string;
  /** Plumbing, for the files of this folder alone. */
  readonly io: CoreIo;

  /** The platform's cryptography for large data under session keys, or null. */
  readonly platform: PlatformCrypto | null;

  constructor(exports: CoreExports, entropy: Entropy, kind: string, platform: PlatformCrypto | null = null) {
    this.kind = kind;
    this.io = new CoreIo(exports, entropy);
    this.platform = platform;
  }

  /** The platform's form of an exportable AES key; null where it is not to be used for `size` bytes. */
  platformCipher(key: KeyHandle, size: number, from: "encryptFrom" | "decryptFrom" | "sealFrom" | "openFrom") {
    const { platform } = this;
    const use = from === "encryptFrom" || from === "sealFrom" ? abi.USE_ENCRYPT : abi.USE_DECRYPT;
    if (platform === null || size < platform[from] || !allows(key, abi.KEY_AES, use)) return null;
    return this.io.slots.platformOf(key, () => this.#handOver(key, (raw) => platform.importCipher(raw)));
  }

  /** As `platformCipher`, of an HMAC-SHA256 key. */
  platformMac(key: KeyHandle, size: number, from: "macFrom" | "sealFrom" | "openFrom", use: number) {
    const { platform } = this;
    if (platform === null || size < platform[from] || !allows(key, abi.KEY_HMAC_SHA256, use)) return null;
    return this.io.slots.platformOf(key, () => this.#handOver(key, (raw) => platform.importMac(raw)));
  }

  #handOver<T>(key: KeyHandle, take: (raw: Uint8Array) => T): T {
    const raw = this.exportKey(key);
    try {
      return take(raw);
    } finally {
      raw.fill(0);
    }
  }

  // ------------------------------------------------------------ keys

  /** Random bytes of the port's source. */
  random(n: number): Uint8Array {
    const bytes = new Uint8Array(n);
    for (let i = 0; i < n; i += 65536) this.io.entropy.fill(bytes.subarray(i, Math.min(n, i + 65536)));
    return bytes;
  }

  /** Imports raw key bytes, which are wiped. @throws INVALID_SYMMETRIC_KEY for a length that the type does not take */
  importKey(spec: KeySpec, raw: Uint8Array): KeyHandle {
    return this.io.run(() => {
      try {
        if (raw.length > abi.STAGE_SIZE) protocolError("INVALID_SYMMETRIC_KEY");
        this.io.slots.makeRoom(1);
        return this.#adopt(this.io.x.slotImport(spec.type, spec.usage, this.io.put(raw), raw.length), spec);
      } finally {
        raw.fill(0);
      }
    });
  }

  /** Imports a key that stands as Base64 in a document; the characters are wiped. */
  importKeyBase64(spec: KeySpec, text: Uint8Array): KeyHandle {
    return this.io.run(() => {
      try {
        if (text.length > abi.STAGE_SIZE) protocolError("INVALID_SYMMETRIC_KEY");
        this.io.slots.makeRoom(1);
        return this.#adopt(this.io.x.slotImportBase64(spec.type, spec.usage, this.io.put(text), text.length), spec);
      } finally {
        text.fill(0);
      }
    });
  }

  #adopt(slot: number, spec: KeySpec): KeyHandle {
    if (slot === abi.ERR_ARGUMENT || slot === abi.ERR_FORM) protocolError("INVALID_SYMMETRIC_KEY");
    return this.io.adopt(slot, spec);
  }

  generateKey(spec: KeySpec, length: number): KeyHandle {
    return this.io.run(() => {
      this.io.slots.makeRoom(1);
      this.io.needEntropy(length);
      return this.#adopt(this.io.x.slotGenerate(spec.type, spec.usage, length), spec);
    });
  }

  /** Raw bytes of an exportable key; the caller wipes them. */
  exportKey(key: KeyHandle): Uint8Array {
    return this.io.run(() => {
      const length = checked(this.io.x.slotExport(this.io.slots.slotOf(key), this.io.out));
      return this.io.takeSecret(this.io.out, length);
    });
  }

  /** MSL's wrapping key of a pre-shared encryption and MAC key. */
  deriveWrappingKey(encryption: KeyHandle, mac: KeyHandle, usage: number = WRAPPING_KEY.usage): KeyHandle {
    return this.io.run(() => {
      this.io.slots.makeRoom(3);
      const enc = this.io.slots.slotOf(encryption);
      const slot = this.io.x.deriveWrapSlot(enc, this.io.slots.slotOf(mac), usage);
      return this.io.slots.adopt(checked(slot), { type: abi.KEY_AES_WRAP, usage });
    });
  }

  // ------------------------------------------------------------ hashes and MACs

  /** SHA-256 of the parts one after the other. */
  sha256(...parts: readonly Uint8Array[]): Uint8Array {
    return this.io.run(() => {
      checked(this.io.x.sha256Begin());
      for (const part of parts) {
        for (let i = 0; i < part.length; i += STREAM_STEP) {
          const step = part.subarray(i, i + STREAM_STEP);
          checked(this.io.x.sha256Feed(this.io.put(step), step.length));
        }
      }
      checked(this.io.x.sha256End(this.io.out));
      return this.io.get(this.io.out, 32);
    });
  }

  hmacSign(key: KeyHandle, data: Uint8Array): Uint8Array {
    const platform = this.platformMac(key, data.length, "macFrom", abi.USE_SIGN);
    if (platform !== null) return platform.sign(data);
    return this.io.run(() => {
      const slot = this.io.slots.slotOf(key);
      if (data.length <= abi.STAGE_SIZE) {
        checked(this.io.x.hmacSha256Sign(slot, this.io.put(data), data.length, this.io.out));
      } else {
        this.#hmacStream(slot, abi.USE_SIGN, data);
        checked(this.io.x.hmacSha256End(this.io.out));
      }
      return this.io.get(this.io.out, 32);
    });
  }

  /** Constant-time check of an untruncated tag. */
  hmacVerify(key: KeyHandle, data: Uint8Array, tag: Uint8Array): boolean {
    if (tag.length !== 32) return false;
    const platform = this.platformMac(key, data.length, "macFrom", abi.USE_VERIFY);
    if (platform !== null) return sameBytes(platform.sign(data), tag);
    return this.io.run(() => {
      const slot = this.io.slots.slotOf(key);
      let status: number;
      if (data.length <= abi.STAGE_SIZE) {
        this.io.memory.set(tag, this.io.out);
        status = this.io.x.hmacSha256Verify(slot, this.io.put(data), data.length, this.io.out, 32);
      } else {
        this.#hmacStream(slot, abi.USE_VERIFY, data);
        this.io.memory.set(tag, this.io.out);
        status = this.io.x.hmacSha256EndVerify(this.io.out, 32);
      }
      if (status !== abi.ERR_BAD_TAG) checked(status);
      return status === abi.OK;
    });
  }

  #hmacStream(slot: number, usage: number, data: Uint8Array): void {
    checked(this.io.x.hmacSha256Begin(slot, usage));
    for (let i = 0; i < data.length; i += STREAM_STEP) {
      const step = data.subarray(i, i + STREAM_STEP);
      checked(this.io.x.hmacSha256Update(this.io.put(step), step.length));
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
    const platform = this.platformCipher(key, data.length, "encryptFrom");
    if (platform !== null) return { iv, ciphertext: platform.encrypt(iv, data) };
    return this.io.run(() => {
      const slot = this.io.slots.slotOf(key);
      const whole = data.length - (data.length % 16);
      const out = new Uint8Array(whole + 16);
      const chain = this.io.put(iv);
      try {
        let i = 0;
        for (; whole - i > STREAM_STEP; i += STREAM_STEP) {
          const src = this.io.put(data.subarray(i, i + STREAM_STEP), 16);
          checked(this.io.x.aesCbcEncryptBlocks(slot, chain, src, STREAM_STEP, this.io.out));
          out.set(this.io.memory.subarray(this.io.out, this.io.out + STREAM_STEP), i);
        }
        const last = data.subarray(i);
        const length = checked(this.io.x.aesCbcEncrypt(slot, chain, this.io.put(last, 16), last.length, this.io.out));
        out.set(this.io.memory.subarray(this.io.out, this.io.out + length), i);
      } finally {
        this.io.x.stageWipe(Math.min(data.length + 32, abi.STAGE_SIZE), 0);
      }
      return { iv, ciphertext: out };
    });
  }

  /** @throws INVALID_ALGORITHM_PARAMS, CIPHERTEXT_ILLEGAL_BLOCK_SIZE, CIPHERTEXT_BAD_PADDING */
  cbcDecrypt(key: KeyHandle, iv: Uint8Array, ciphertext: Uint8Array): Uint8Array {
    if (iv.length !== 16) protocolError("INVALID_ALGORITHM_PARAMS", "iv");
    if (ciphertext.length === 0 || ciphertext.length % 16 !== 0) protocolError("CIPHERTEXT_ILLEGAL_BLOCK_SIZE");
    const platform = this.platformCipher(key, ciphertext.length, "decryptFrom");
    if (platform !== null) {
      return platform.decrypt(iv, ciphertext) ?? protocolError("CIPHERTEXT_BAD_PADDING");
    }
    return this.io.run(() => {
      const slot = this.io.slots.slotOf(key);
      const out = new Uint8Array(ciphertext.length);
      const chain = this.io.put(iv);
      try {
        let i = 0;
        for (; ciphertext.length - i > STREAM_STEP; i += STREAM_STEP) {
          const src = this.io.put(ciphertext.subarray(i, i + STREAM_STEP), 16);
          checked(this.io.x.aesCbcDecryptBlocks(slot, chain, src, STREAM_STEP, this.io.out));
          out.set(this.io.memory.subarray(this.io.out, this.io.out + STREAM_STEP), i);
        }
        const last = ciphertext.subarray(i);
        const length = this.io.x.aesCbcDecrypt(slot, chain, this.io.put(last, 16), last.length, this.io.out);
        if (length < 0) {
          out.fill(0);
          throw statusError(length);
        }
        out.set(this.io.memory.subarray(this.io.out, this.io.out + length), i);
        return out.subarray(0, i + length);
      } finally {
        this.io.x.stageWipe(0, Math.min(ciphertext.length, abi.STAGE_SIZE));
      }
    });
  }

  /** RFC 3394 of an exportable key. */
  wrapKey(wrapping: KeyHandle, key: KeyHandle): Uint8Array {
    return this.io.run(() => {
      const kw = this.io.slots.slotOf(wrapping);
      const length = this.io.x.aesWrapSlot(kw, this.io.slots.slotOf(key), this.io.out);
      if (length === abi.ERR_BLOCK_SIZE) protocolError("PLAINTEXT_ILLEGAL_BLOCK_SIZE");
      return this.io.get(this.io.out, checked(length));
    });
  }

  /** Unwraps straight into a slot. @throws UNWRAP_ERROR, CIPHERTEXT_ILLEGAL_BLOCK_SIZE, INVALID_SYMMETRIC_KEY */
  unwrapKey(wrapping: KeyHandle, wrapped: Uint8Array, spec: KeySpec): KeyHandle {
    return this.io.run(() => {
      if (wrapped.length > abi.STAGE_SIZE) protocolError("UNWRAP_ERROR");
      this.io.slots.makeRoom(2);
      const kw = this.io.slots.slotOf(wrapping);
      const slot = this.io.x.aesUnwrapSlot(kw, this.io.put(wrapped), wrapped.length, spec.type, spec.usage);
      // A MAC key longer than a block is kept as its hash, which is not for export.
      const isTooLong = slot === abi.ERR_USAGE && (wrapping.usage & abi.USE_UNWRAP) !== 0;
      return this.#adopt(isTooLong ? abi.ERR_ARGUMENT : slot, spec);
    });
  }

  /** RFC 3394 of bytes. @throws PLAINTEXT_ILLEGAL_BLOCK_SIZE */
  wrapBytes(wrapping: KeyHandle, data: Uint8Array): Uint8Array {
    return this.io.run(() => {
      if (data.length > abi.STAGE_SIZE - 8) protocolError("PLAINTEXT_ILLEGAL_BLOCK_SIZE");
      const kw = this.io.slots.slotOf(wrapping);
      const length = this.io.x.aesWrapBytes(kw, this.io.put(data), data.length, this.io.out);
      this.io.x.stageWipe(data.length, 0);
      if (length === abi.ERR_BLOCK_SIZE) protocolError("PLAINTEXT_ILLEGAL_BLOCK_SIZE");
      return this.io.get(this.io.out, checked(length));
    });
  }

  /** @throws UNWRAP_ERROR, CIPHERTEXT_ILLEGAL_BLOCK_SIZE */
  unwrapBytes(wrapping: KeyHandle, wrapped: Uint8Array): Uint8Array {
    return this.io.run(() => {
      if (wrapped.length > abi.STAGE_SIZE) protocolError("UNWRAP_ERROR");
      const kw = this.io.slots.slotOf(wrapping);
      const length = this.io.x.aesUnwrapBytes(kw, this.io.put(wrapped), wrapped.length, this.io.out);
      return this.io.takeSecret(this.io.out, checked(length));
    });
  }
}

/** Whether a key is of this type and may be used so and handed to the platform: exportable ones alone, session keys. */
function allows(key: KeyHandle, type: number, use: number): boolean {
  const needed = use | abi.USE_EXPORT;
  return key.type === type && (key.usage & needed) === needed;
}
