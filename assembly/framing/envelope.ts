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
  if ((format !== FORMAT_JSON && format !== FORMAT_CBOR) || keyIdLen < 0 || keyIdLen > KEY_ID_MAX) return ERR_ARGUMENT;
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
  return format === FORMAT_JSON ? base64Length(len) + keyIdLen + 80 : len + keyIdLen + 40;
}

/**
 * Encrypts `len` bytes at `plain` (in place, room for the padding behind them) and writes the JSON envelope at BUILD.
 * Returns its length. The key id stands at the start of the stage.
 */
export function envelopeSealJson(encSlot: i32, keyIdLen: i32, plain: usize, len: i32): i32 {
  const iv = scratchPush(16);
  const chain = scratchPush(16);
  entropyTake(iv, 16);
  copy(chain, iv, 16);
  const ctLen = len === 0 ? 0 : cbcEncrypt(slotState(encSlot), aesRounds(encSlot), chain, plain, len, plain);
  writeAt(BUILD);
  writeText(TEXT_KEYID);
  writeBytes(STAGE_IN, keyIdLen);
  writeText(TEXT_IV);
  writeBase64(iv, 16);
  writeText(TEXT_CIPHERTEXT);
  writeBase64(plain, ctLen);
  writeText(TEXT_SHA256);
  scratchPop(16);
  scratchPop(16);
  return (writeEnd() - BUILD) as i32;
}

/** Bytes behind the ciphertext of a CBOR envelope: the one-byte digest. */
const CBOR_END: i32 = 3;

function cipherLength(len: i32): i32 {
  return len === 0 ? 0 : cbcPaddedLength(len);
}

/** Bytes of a CBOR envelope up to where the ciphertext of `len` bytes of plaintext begins. */
export function cborEnvelopeHead(keyIdLen: i32, len: i32): i32 {
  return 1 + 1 + headLength(keyIdLen) + keyIdLen + 1 + 1 + 16 + 1 + headLength(cipherLength(len));
}

/** Bytes of a whole CBOR envelope around `len` bytes of plaintext. */
export function cborEnvelopeLength(keyIdLen: i32, len: i32): i32 {
  return cborEnvelopeHead(keyIdLen, len) + cipherLength(len) + CBOR_END;
}

/**
 * Writes a CBOR envelope at `at` around the plaintext that stands where its ciphertext goes, and the MAC of it all at
 * `tag`: the bytes are encrypted in place and hashed as they come. The key id stands at the start of the stage.
 *
 * @param len  bytes of plaintext at `at` + cborEnvelopeHead(keyIdLen, len)
 * @param tag  32 bytes, behind the envelope
 */
export function envelopeSealCbor(encSlot: i32, macSlot: i32, keyIdLen: i32, at: usize, len: i32, tag: usize): void {
  const iv = scratchPush(16);
  const ctLen = cipherLength(len);
  entropyTake(iv, 16);
  writeAt(at);
  writeHead(5, 4);
  writeHead(0, LABEL_KEYID as u64);
  writeHead(3, keyIdLen as u64);
  writeBytes(STAGE_IN, keyIdLen);
  writeMember(LABEL_IV, iv, 16);
  writeHead(0, LABEL_CIPHERTEXT as u64);
  writeHead(2, ctLen as u64);
  const ct = writeEnd();
  const end = ct + ctLen;
  store<u8>(end, LABEL_SHA256);
  store<u8>(end, 0x41, 1);
  store<u8>(end, 0, 2);
  const key = slotState(macSlot);
  if (ASC_FEATURE_SIMD) {
    const hash = scratchPush(SHA256_STATE);
    hmacInit(key, hash);
    if (ctLen > 0) cbcEncryptHashed(slotState(encSlot), aesRounds(encSlot), iv, ct, len, ct, hash, at);
    const from = ctLen > 0 ? end : at;
    sha256Update(hash, from, (end + CBOR_END - from) as i32);
    hmacFinal(key, hash, tag);
    scratchPop(SHA256_STATE);
  } else {
    if (ctLen > 0) cbcEncrypt(slotState(encSlot), aesRounds(encSlot), iv, ct, len, ct);
    hmacSha256(key, at, (end + CBOR_END - at) as i32, tag);
  }
  scratchPop(16);
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
  if (plainLen < 0 || plainLen > STAGE_SIZE - 16 - keyIdLen) return ERR_SPACE;
  if (envelopeLength(format, keyIdLen, cbcPaddedLength(plainLen)) > STAGE_SIZE - KEY_ID_MAX - 32) return ERR_SPACE;
  const plain = STAGE_IN + keyIdLen;
  if (format === FORMAT_CBOR) {
    copy(STAGE_OUT + cborEnvelopeHead(keyIdLen, plainLen), plain, plainLen);
    wipe(plain, plainLen);
    const size = cborEnvelopeLength(keyIdLen, plainLen);
    envelopeSealCbor(encSlot, macSlot, keyIdLen, STAGE_OUT, plainLen, STAGE_OUT + size);
    result = STAGE_OUT;
    return size;
  }
  copy(STAGE_OUT, plain, plainLen);
  wipe(plain, plainLen);
  const len = envelopeSealJson(encSlot, keyIdLen, STAGE_OUT, plainLen);
  hmacSha256(slotState(macSlot), BUILD, len, BUILD + len);
  result = BUILD;
  return len;
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
