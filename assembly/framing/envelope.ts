// Version 1 ciphertext envelopes ("MSL Cryptography"), written and read in one piece:
//   { "keyid": string, "iv": binary, "ciphertext": binary, "sha256": binary }   sha256 is the one byte 00
// and (envelope, signature) pairs: encrypt then MAC, verify then decrypt.

import {
  ERR_ARGUMENT, ERR_ENTROPY, ERR_FORM, ERR_SPACE, FORMAT_CBOR, FORMAT_JSON, KEY_AES, KEY_HMAC_SHA256, KEY_ID_MAX, OK,
  STAGE_SIZE, USE_DECRYPT, USE_ENCRYPT, USE_SIGN, USE_VERIFY,
} from "../../src/core/abi"; // biome-ignore format: one table of names
import { copy, wipe } from "../bytes";
import { aesRounds, cbcDecrypt, cbcEncrypt, cbcPaddedLength } from "../cipher/aes-cbc";
import { cbcEncryptHashed } from "../cipher/seal";
import { SHA256_STATE, sha256Update } from "../hash/sha256";
import { hmacCheck, hmacFinal, hmacInit, hmacSha256 } from "../mac/hmac";
import { slotCheck, slotState } from "../memory/key-slots";
import { STAGE_IN, STAGE_OUT } from "../memory/layout";
import { scratchPop, scratchPush } from "../memory/scratch";
import { entropyLeft, entropyTake } from "../rand/entropy";
import { base64Decode, base64Length } from "./base64";
import { cborRead } from "./cbor-read";
import { jsonRead } from "./json-read";
import {
  LABEL_CIPHERTEXT, LABEL_IV, LABEL_KEYID, LABEL_SHA256, TEXT_CIPHERTEXT, TEXT_IV, TEXT_KEYID, TEXT_SHA256,
} from "./labels"; // biome-ignore format: one table of names
import { KIND_BYTES, KIND_NONE, KIND_TEXT, valueKind, valueLen, valuePtr } from "./values";
import { headLength, writeAt, writeBase64, writeBytes, writeEnd, writeHead, writeMember, writeText } from "./write";

/** Where JSON envelopes are built: behind the key id, which the host puts at the start of the stage. */
export const BUILD: usize = STAGE_IN + KEY_ID_MAX;

let result: usize = 0;

/** Where the last framing call left its result. */
export function resultPtr(): usize {
  return result;
}

export function setResult(ptr: usize): void {
  result = ptr;
}

/** Wipes both stages, `lenIn` and `lenOut` bytes of each: the host calls it after copying a secret result out. */
export function stageWipe(lenIn: i32, lenOut: i32): i32 {
  if (lenIn < 0 || lenIn > STAGE_SIZE || lenOut < 0 || lenOut > STAGE_SIZE) return ERR_ARGUMENT;
  wipe(STAGE_IN, lenIn);
  wipe(STAGE_OUT, lenOut);
  return OK;
}

/** Checks both keys and that 16 random bytes are at hand. */
export function sealCheck(format: i32, encSlot: i32, macSlot: i32, keyIdLen: i32): i32 {
  // FORMAT_JSON is 0: as unsigned numbers, each has one bound.
  if ((format as u32) > (FORMAT_CBOR as u32) || (keyIdLen as u32) > (KEY_ID_MAX as u32)) return ERR_ARGUMENT;
  let status = slotCheck(encSlot, KEY_AES, USE_ENCRYPT);
  if (status === OK) status = slotCheck(macSlot, KEY_HMAC_SHA256, USE_SIGN);
  if (status === OK && entropyLeft() < 16) return ERR_ENTROPY;
  return status;
}

export function openCheck(encSlot: i32, macSlot: i32): i32 {
  const status = slotCheck(encSlot, KEY_AES, USE_DECRYPT);
  return status === OK ? slotCheck(macSlot, KEY_HMAC_SHA256, USE_VERIFY) : status;
}

/** Upper bound of an envelope around `len` bytes of ciphertext. */
export function envelopeLength(format: i32, keyIdLen: i32, len: i32): i32 {
  return (format === FORMAT_JSON ? base64Length(len) : len) + keyIdLen + 80;
}

/**
 * Where the plaintext of a CBOR envelope stands, and then its ciphertext: what comes in front of it on the wire, at most
 * 32 bytes and the key id, fits before it in the stage, and so does what comes behind it (`pairSeal` bounds the length).
 */
const SEAL_AT: usize = STAGE_OUT + KEY_ID_MAX + 40;

/** Where the plaintext is put that `envelopeSeal` takes; there must be room for the padding behind it. */
export function plainAt(format: i32): usize {
  return format === FORMAT_JSON ? STAGE_OUT : SEAL_AT;
}

/**
 * Encrypts the plaintext in place, writes the envelope, and `gap` bytes behind it its MAC. In CBOR the envelope is
 * written around the ciphertext where that stands; in JSON at BUILD. The key id stands at the start of the stage.
 *
 * @param len  bytes of plaintext
 * @returns the envelope; the cursor stands at the MAC's 32 bytes
 */
export function envelopeSeal(format: i32, encSlot: i32, macSlot: i32, keyIdLen: i32, len: i32, gap: i32): usize {
  const plain = plainAt(format);
  const isJson = format === FORMAT_JSON;
  const iv = scratchPush(32);
  const chain = iv + 16;
  entropyTake(iv, 16);
  copy(chain, iv, 16);
  // CBOR is hashed while it is encrypted, where the two together are faster.
  const isStitched = ASC_FEATURE_SIMD && !isJson && len > 0;
  let ctLen = 0;
  if (isStitched) ctLen = cbcPaddedLength(len);
  else if (len > 0) ctLen = cbcEncrypt(slotState(encSlot), aesRounds(encSlot), chain, plain, len, plain);
  let at = BUILD;
  if (isJson) {
    writeAt(at);
    writeText(TEXT_KEYID);
    writeBytes(STAGE_IN, keyIdLen);
    writeText(TEXT_IV);
    writeBase64(iv, 16);
    writeText(TEXT_CIPHERTEXT);
    writeBase64(plain, ctLen);
    writeText(TEXT_SHA256);
  } else {
    // In front: map, three labels, heads of the key id, the iv and the ciphertext, and the iv.
    at = plain - 21 - headLength(keyIdLen) - keyIdLen - headLength(ctLen);
    writeAt(at);
    writeHead(5, 4);
    writeHead(0, LABEL_KEYID as u64);
    writeHead(3, keyIdLen as u64);
    writeBytes(STAGE_IN, keyIdLen);
    writeMember(LABEL_IV, iv, 16);
    // The bytes are where they belong: the copy is none.
    writeMember(LABEL_CIPHERTEXT, plain, ctLen);
    // The digest is one byte, 0.
    writeHead(0, LABEL_SHA256 as u64);
    writeHead(2, 1);
    writeHead(0, 0);
  }
  const end = writeEnd();
  writeAt(end + gap);
  const key = slotState(macSlot);
  if (isStitched) {
    const hash = scratchPush(SHA256_STATE);
    hmacInit(key, hash);
    cbcEncryptHashed(slotState(encSlot), aesRounds(encSlot), chain, plain, len, plain, hash, at);
    sha256Update(hash, plain + ctLen, ((end - plain) as i32) - ctLen);
    hmacFinal(key, hash, end + gap);
    scratchPop(SHA256_STATE);
  } else {
    hmacSha256(key, at, (end - at) as i32, end + gap);
  }
  scratchPop(32);
  return at;
}

/**
 * Opens a verified envelope: the plaintext goes to `out` (STAGE_OUT or STAGE_IN, the other stage than the envelope's).
 * Returns its length | ERR_FORM | ERR_BLOCK_SIZE | ERR_BAD_PADDING.
 */
export function envelopeOpen(encSlot: i32, envelope: usize, len: i32, out: usize): i32 {
  const isJson = len > 0 && load<u8>(envelope) === 123;
  const status = isJson ? jsonRead(envelope, len) : cborRead(envelope, len);
  if (status !== OK) return status;
  const kind = isJson ? KIND_TEXT : KIND_BYTES;
  if (valueKind(LABEL_KEYID) !== KIND_TEXT || valueKind(LABEL_IV) !== kind) return ERR_FORM;
  if (valueKind(LABEL_CIPHERTEXT) !== kind || valueKind(LABEL_SHA256) !== kind) return ERR_FORM;
  for (let label = 0; label < 32; label++) {
    const isOurs = label >= LABEL_KEYID && label <= LABEL_SHA256;
    if (!isOurs && valueKind(label) !== KIND_NONE) return ERR_FORM;
  }
  const iv = scratchPush(48);
  let ct = valuePtr(LABEL_CIPHERTEXT);
  let ctLen = valueLen(LABEL_CIPHERTEXT);
  let ok = false;
  if (isJson) {
    // The digest only has to be Base64: legacy, never compared.
    const digestFits =
      valueLen(LABEL_SHA256) <= 64 && base64Decode(valuePtr(LABEL_SHA256), valueLen(LABEL_SHA256), iv) >= 0;
    ok = digestFits && valueLen(LABEL_IV) === 24 && base64Decode(valuePtr(LABEL_IV), 24, iv) === 16;
    if (ok) {
      ctLen = base64Decode(ct, ctLen, out);
      ct = out;
      ok = ctLen >= 0;
    }
  } else {
    ok = valueLen(LABEL_IV) === 16;
    if (ok) copy(iv, valuePtr(LABEL_IV), 16);
  }
  let opened = ERR_FORM;
  if (ok) opened = ctLen === 0 ? 0 : cbcDecrypt(slotState(encSlot), aesRounds(encSlot), iv, ct, ctLen, out);
  scratchPop(48);
  return opened;
}

/**
 * Seals a pair. Stage in: key id ‖ plaintext. Result: the envelope, and right behind it the 32 bytes of its MAC.
 *
 * @param keyIdLen  [public] bytes of the key id as they stand in the output
 * @param plainLen  [public] bytes; the plaintext is wiped
 * @returns length of the envelope | ERR_SPACE | ERR_ENTROPY | ERR_ARGUMENT | a slot error
 */
export function pairSeal(format: i32, encSlot: i32, macSlot: i32, keyIdLen: i32, plainLen: i32): i32 {
  const status = sealCheck(format, encSlot, macSlot, keyIdLen);
  if (status < 0) return status;
  if ((plainLen as u32) > (STAGE_SIZE as u32)) return ERR_SPACE;
  if (envelopeLength(format, keyIdLen, cbcPaddedLength(plainLen)) > STAGE_SIZE - KEY_ID_MAX - 32) return ERR_SPACE;
  copy(plainAt(format), STAGE_IN + keyIdLen, plainLen);
  wipe(STAGE_IN + keyIdLen, plainLen);
  result = envelopeSeal(format, encSlot, macSlot, keyIdLen, plainLen, 0);
  return (writeEnd() - result) as i32;
}

/**
 * Opens a pair. Stage in: envelope ‖ 32 bytes of MAC, which is verified first.
 *
 * @returns length of the plaintext at `resultPtr` | ERR_BAD_TAG | ERR_BAD_PADDING | ERR_BLOCK_SIZE | ERR_FORM | ERR_ARGUMENT
 */
export function pairOpen(encSlot: i32, macSlot: i32, envelopeLen: i32): i32 {
  const status = openCheck(encSlot, macSlot);
  if (status < 0) return status;
  if (envelopeLen < 0 || envelopeLen > STAGE_SIZE - 32) return ERR_ARGUMENT;
  const tag = hmacCheck(slotState(macSlot), STAGE_IN, envelopeLen, STAGE_IN + envelopeLen, 32);
  if (tag !== OK) return tag;
  result = STAGE_OUT;
  return envelopeOpen(encSlot, STAGE_IN, envelopeLen, STAGE_OUT);
}
