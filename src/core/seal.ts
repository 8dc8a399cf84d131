// Sealing of bytes as they are: AES-CBC, then HMAC-SHA256 over IV and ciphertext, in one stitched pass of the core:
//   sealed = IV (16) ‖ ciphertext ‖ tag (32)
// What does not fit the stage goes through in steps. Opening verifies all of it before any of it is decrypted.

import { protocolError } from "../errors/msl-error.ts";
import type { PlatformCipher, PlatformMac } from "../platform/platform-crypto.ts";
import * as abi from "./abi.ts";
import type { Core } from "./core.ts";
import type { KeyHandle } from "./key-handle.ts";
import { sameBytes } from "./same-bytes.ts";
import { checked, statusError } from "./status.ts";

/** Bytes of plaintext that one call takes; a multiple of 64. */
const STEP = 40960;
const EXTRA = 48;

/** Length of what `sealBytes` makes of `length` bytes. */
export function sealedLength(length: number): number {
  return length - (length % 16) + 16 + EXTRA;
}

/** Seals `plain` under a random IV. */
export function sealBytes(core: Core, encryption: KeyHandle, mac: KeyHandle, plain: Uint8Array): Uint8Array {
  const out = new Uint8Array(sealedLength(plain.length));
  sealInto(core, encryption, mac, core.random(16), plain, out);
  return out;
}

export interface Sealed {
  readonly iv: Uint8Array;
  readonly ciphertext: Uint8Array;
  readonly tag: Uint8Array;
}

/** Seals into parts, as envelopes carry them; large data saves a copy over `sealBytes`. */
export function sealParts(
  core: Core,
  encryption: KeyHandle,
  mac: KeyHandle,
  plain: Uint8Array,
  iv: Uint8Array = core.random(16),
): Sealed {
  if (iv.length !== 16) protocolError("INVALID_ALGORITHM_PARAMS", "iv");
  const platform = platformPair(core, encryption, mac, plain.length, "sealFrom");
  if (platform !== null) {
    const ciphertext = platform.cipher.encrypt(iv, plain);
    return { iv, ciphertext, tag: platform.signer.sign(iv, ciphertext) };
  }
  const out = sealInCore(core, encryption, mac, iv, plain, null);
  const end = out.length - 32;
  return { iv, ciphertext: out.subarray(16, end), tag: out.subarray(end) };
}

/** Opens parts; as `openBytes`. */
export function openParts(core: Core, encryption: KeyHandle, mac: KeyHandle, sealed: Sealed): Uint8Array | null {
  const { iv, ciphertext, tag } = sealed;
  if (iv.length !== 16 || tag.length !== 32 || ciphertext.length < 16 || ciphertext.length % 16 !== 0) return null;
  const platform = platformPair(core, encryption, mac, ciphertext.length, "openFrom");
  if (platform !== null) return openOn(platform, sealed);
  if (ciphertext.length <= STEP) {
    return openInStage(core, encryption, mac, ciphertext.length + EXTRA, (io) => {
      io.put(iv);
      io.put(ciphertext, 16);
      io.put(tag, 16 + ciphertext.length);
    });
  }
  const whole = new Uint8Array(ciphertext.length + EXTRA);
  whole.set(iv);
  whole.set(ciphertext, 16);
  whole.set(tag, 16 + ciphertext.length);
  return openBytes(core, encryption, mac, whole);
}

/** Seals into the first `sealedLength(plain.length)` bytes of `out`; `iv` is random and never used before. */
export function sealInto(
  core: Core,
  encryption: KeyHandle,
  mac: KeyHandle,
  iv: Uint8Array,
  plain: Uint8Array,
  out: Uint8Array,
): void {
  if (iv.length !== 16) protocolError("INVALID_ALGORITHM_PARAMS", "iv");
  const platform = platformPair(core, encryption, mac, plain.length, "sealFrom");
  if (platform !== null) {
    const ciphertext = platform.cipher.encrypt(iv, plain);
    out.set(iv);
    out.set(ciphertext, 16);
    out.set(platform.signer.sign(iv, ciphertext), 16 + ciphertext.length);
    return;
  }
  sealInCore(core, encryption, mac, iv, plain, out);
}

/** Seals with the core into `into`, or into new bytes. */
function sealInCore(
  core: Core,
  encryption: KeyHandle,
  mac: KeyHandle,
  iv: Uint8Array,
  plain: Uint8Array,
  into: Uint8Array | null,
): Uint8Array {
  const { io } = core;
  io.need("sealing", "sealCbcHmac");
  return io.run(() => {
    const enc = io.slotOf(encryption);
    const sig = io.slotOf(mac);
    if (plain.length <= STEP) {
      // In place: the sealed message begins where the IV stands.
      const ptr = io.put(plain, 16);
      const length = checked(io.x.sealCbcHmac(enc, sig, io.put(iv), ptr, plain.length, io.in));
      if (into === null) return io.get(io.in, length);
      into.set(io.memory.subarray(io.in, io.in + length));
      return into;
    }
    const out = into ?? new Uint8Array(sealedLength(plain.length));
    try {
      out.set(iv);
      checked(io.x.sealStreamBegin(enc, sig, io.put(iv)));
      let i = 0;
      for (; plain.length - i > STEP; i += STEP) {
        checked(io.x.sealStreamBlocks(io.put(plain.subarray(i, i + STEP)), STEP, io.in));
        out.set(io.memory.subarray(io.in, io.in + STEP), 16 + i);
      }
      const last = plain.subarray(i);
      const length = checked(io.x.sealStreamEnd(io.put(last), last.length, io.in));
      out.set(io.memory.subarray(io.in, io.in + length), 16 + i);
      return out;
    } finally {
      io.x.sealStreamDrop();
    }
  });
}

/**
 * Opens what `sealBytes` made; null if the tag is wrong, and then nothing was decrypted.
 * @throws CIPHERTEXT_BAD_PADDING, behind a right tag only
 */
export function openBytes(core: Core, encryption: KeyHandle, mac: KeyHandle, sealed: Uint8Array): Uint8Array | null {
  const bodyLength = sealed.length - EXTRA;
  if (bodyLength < 16 || bodyLength % 16 !== 0) return null;
  const platform = platformPair(core, encryption, mac, bodyLength, "openFrom");
  if (platform !== null) {
    const [iv, ciphertext, tag] = [sealed.subarray(0, 16), sealed.subarray(16, -32), sealed.subarray(-32)];
    return openOn(platform, { iv, ciphertext, tag });
  }
  if (bodyLength > STEP) {
    if (!core.hmacVerify(mac, sealed.subarray(0, 16 + bodyLength), sealed.subarray(16 + bodyLength))) return null;
    return core.cbcDecrypt(encryption, sealed.subarray(0, 16), sealed.subarray(16, 16 + bodyLength));
  }
  return openInStage(core, encryption, mac, sealed.length, (io) => void io.put(sealed));
}

/** Opens the `size` bytes that `put` writes where the stage begins. */
function openInStage(
  core: Core,
  encryption: KeyHandle,
  mac: KeyHandle,
  size: number,
  put: (io: Core["io"]) => void,
): Uint8Array | null {
  const { io } = core;
  io.need("sealing", "openCbcHmac");
  return io.run(() => {
    const enc = io.slotOf(encryption);
    const sig = io.slotOf(mac);
    put(io);
    const length = io.x.openCbcHmac(enc, sig, io.in, size, io.in);
    if (length === abi.ERR_BAD_TAG) return null;
    if (length < 0) throw statusError(length);
    return io.takeSecret(io.in, length);
  });
}

interface PlatformPair {
  readonly cipher: PlatformCipher;
  readonly signer: PlatformMac;
}

/** Both keys in the platform's form; null unless both may go there. */
function platformPair(
  core: Core,
  encryption: KeyHandle,
  mac: KeyHandle,
  size: number,
  from: "sealFrom" | "openFrom",
): PlatformPair | null {
  const cipher = core.platformCipher(encryption, size, from);
  if (cipher === null) return null;
  const signer = core.platformMac(mac, size, from, from === "sealFrom" ? abi.USE_SIGN : abi.USE_VERIFY);
  return signer === null ? null : { cipher, signer };
}

/** Verifies, then decrypts, both on the platform. */
function openOn({ cipher, signer }: PlatformPair, { iv, ciphertext, tag }: Sealed): Uint8Array | null {
  if (!sameBytes(signer.sign(iv, ciphertext), tag)) return null;
  return cipher.decrypt(iv, ciphertext) ?? protocolError("CIPHERTEXT_BAD_PADDING");
}
