// Payload chunks ("MSL Messages"), from application bytes to the complete wire object and back, in one call each:
//   chunk   = { "payload": binary, "signature": binary }          payload = envelope of
//   payload = { "sequencenumber", "messageid", "endofmsg"?, "compressionalgo"?, "data": binary }

import {
  CHUNK_DATA_MAX, CHUNK_END_OF_MESSAGE, CHUNK_GZIP, CHUNK_LZW, ERR_ARGUMENT, ERR_FORM, ERR_SPACE, FORMAT_JSON, OK, STAGE_SIZE,
} from "../../src/core/abi"; // biome-ignore format: one table of names
import { copy, wipe } from "../bytes";
import { hmacCheck, hmacSha256 } from "../mac/hmac";
import { slotState } from "../memory/key-slots";
import { STAGE_IN, STAGE_OUT } from "../memory/layout";
import { scratchPop, scratchPush } from "../memory/scratch";
import { base64Decode } from "./base64";
import { cborRead } from "./cbor-read";
import {
  BUILD, cborEnvelopeHead, cborEnvelopeLength, envelopeOpen, envelopeSealCbor, envelopeSealJson, openCheck, sealCheck, setResult,
} from "./envelope"; // biome-ignore format: one table of names
import { jsonRead } from "./json-read";
import {
  LABEL_COMPRESSIONALGO, LABEL_DATA, LABEL_ENDOFMSG, LABEL_MESSAGEID, LABEL_PAYLOAD, LABEL_SEQUENCENUMBER,
  LABEL_SIGNATURE, sameBytes, TEXT_DATA, TEXT_END, TEXT_ENDOFMSG, TEXT_GZIP, TEXT_LZW, TEXT_MESSAGEID, TEXT_PAYLOAD,
  TEXT_SEQUENCENUMBER, TEXT_SIGNATURE,
} from "./labels"; // biome-ignore format: one table of names
import {
  KIND_BOOLEAN, KIND_BYTES, KIND_NONE, KIND_NUMBER, KIND_TEXT, valueInt, valueKind, valueLen, valuePtr,
} from "./values"; // biome-ignore format: one table of names
import { writeAt, writeBase64, writeBytes, writeDecimal, writeEnd, writeHead, writeText } from "./write";

const MAX_HIGH: u32 = 0x200000;

/** hi · 2^32 + lo, or -1 above 2^53. */
function number(hi: i32, lo: i32): i64 {
  const high = hi as u32;
  if (high > MAX_HIGH || (high === MAX_HIGH && lo !== 0)) return -1;
  return ((high as i64) << 32) | (lo as u32 as i64);
}

/**
 * Seals a chunk. Stage in: key id ‖ application bytes (already compressed where the flags say so). Result: the wire object.
 *
 * @param dataLen  [public] up to CHUNK_DATA_MAX
 * @param seqHi    [public] sequence number, bits 32 and up; seqLo the low 32 bits; the same for the message id
 * @param flags    [public] CHUNK_END_OF_MESSAGE, CHUNK_GZIP or CHUNK_LZW
 * @returns length of the wire object | ERR_SPACE | ERR_ENTROPY | ERR_ARGUMENT | a slot error
 */
export function chunkSeal(
  format: i32,
  encSlot: i32,
  macSlot: i32,
  keyIdLen: i32,
  dataLen: i32,
  seqHi: i32,
  seqLo: i32,
  midHi: i32,
  midLo: i32,
  flags: i32,
): i32 {
  const status = sealCheck(format, encSlot, macSlot, keyIdLen);
  if (status < 0) return status;
  const sequence = number(seqHi, seqLo);
  const messageId = number(midHi, midLo);
  if (sequence < 0 || messageId < 0 || flags < 0 || flags > 7 || (flags & 6) === 6 || dataLen < 0) return ERR_ARGUMENT;
  if (dataLen > CHUNK_DATA_MAX) return ERR_SPACE;
  const data = STAGE_IN + keyIdLen;
  if (format === FORMAT_JSON) return sealJson(encSlot, macSlot, keyIdLen, data, dataLen, sequence, messageId, flags);
  return sealCbor(encSlot, macSlot, keyIdLen, data, dataLen, sequence, messageId, flags);
}

function sealJson(
  encSlot: i32,
  macSlot: i32,
  keyIdLen: i32,
  data: usize,
  dataLen: i32,
  sequence: i64,
  messageId: i64,
  flags: i32,
): i32 {
  writeAt(STAGE_OUT);
  writePayloadJson(sequence as u64, messageId as u64, flags, data, dataLen);
  wipe(data, dataLen);
  const len = envelopeSealJson(encSlot, keyIdLen, STAGE_OUT, (writeEnd() - STAGE_OUT) as i32);
  const tag = scratchPush(32);
  hmacSha256(slotState(macSlot), BUILD, len, tag);
  writeAt(STAGE_OUT);
  writeText(TEXT_PAYLOAD);
  writeBase64(BUILD, len);
  writeText(TEXT_SIGNATURE);
  writeBase64(tag, 32);
  writeText(TEXT_END);
  scratchPop(32);
  setResult(STAGE_OUT);
  return (writeEnd() - STAGE_OUT) as i32;
}

/** Bytes of a payload object in CBOR in front of the data, at most: map, two numbers, flag, algorithm, head of the data. */
const PAYLOAD_HEAD_MAX: i32 = 48;

/** All lengths are known ahead, so the data goes where its ciphertext will stand on the wire. */
function sealCbor(
  encSlot: i32,
  macSlot: i32,
  keyIdLen: i32,
  data: usize,
  dataLen: i32,
  sequence: i64,
  messageId: i64,
  flags: i32,
): i32 {
  const head = scratchPush(PAYLOAD_HEAD_MAX);
  writeAt(head);
  writePayloadHead(sequence as u64, messageId as u64, flags, dataLen);
  const headLen = (writeEnd() - head) as i32;
  const plainLen = headLen + dataLen;
  const len = cborEnvelopeLength(keyIdLen, plainLen);
  writeAt(STAGE_OUT);
  writeHead(5, 2);
  writeHead(0, LABEL_PAYLOAD as u64);
  writeHead(2, len as u64);
  const envelope = writeEnd();
  const plain = envelope + cborEnvelopeHead(keyIdLen, plainLen);
  copy(plain, head, headLen);
  copy(plain + headLen, data, dataLen);
  wipe(data, dataLen);
  scratchPop(PAYLOAD_HEAD_MAX);
  writeAt(envelope + len);
  writeHead(0, LABEL_SIGNATURE as u64);
  writeHead(2, 32);
  const tag = writeEnd();
  envelopeSealCbor(encSlot, macSlot, keyIdLen, envelope, plainLen, tag);
  setResult(STAGE_OUT);
  return (tag + 32 - STAGE_OUT) as i32;
}

function writePayloadJson(sequence: u64, messageId: u64, flags: i32, data: usize, dataLen: i32): void {
  writeText(TEXT_SEQUENCENUMBER);
  writeDecimal(sequence);
  writeText(TEXT_MESSAGEID);
  writeDecimal(messageId);
  if ((flags & CHUNK_END_OF_MESSAGE) !== 0) writeText(TEXT_ENDOFMSG);
  if ((flags & CHUNK_GZIP) !== 0) writeText(TEXT_GZIP);
  if ((flags & CHUNK_LZW) !== 0) writeText(TEXT_LZW);
  writeText(TEXT_DATA);
  writeBase64(data, dataLen);
  writeText(TEXT_END);
}

/** A payload object in CBOR up to its data, which comes last. */
function writePayloadHead(sequence: u64, messageId: u64, flags: i32, dataLen: i32): void {
  const isCompressed = (flags & (CHUNK_GZIP | CHUNK_LZW)) !== 0;
  writeHead(5, (3 + (flags & CHUNK_END_OF_MESSAGE) + (isCompressed ? 1 : 0)) as u64);
  writeHead(0, LABEL_SEQUENCENUMBER as u64);
  writeHead(0, sequence);
  writeHead(0, LABEL_MESSAGEID as u64);
  writeHead(0, messageId);
  if ((flags & CHUNK_END_OF_MESSAGE) !== 0) {
    writeHead(0, LABEL_ENDOFMSG as u64);
    writeHead(7, 21);
  }
  if (isCompressed) {
    const isGzip = (flags & CHUNK_GZIP) !== 0;
    writeHead(0, LABEL_COMPRESSIONALGO as u64);
    writeHead(3, isGzip ? 4 : 3);
    writeBytes(isGzip ? GZIP : LZW, isGzip ? 4 : 3);
  }
  writeHead(0, LABEL_DATA as u64);
  writeHead(2, dataLen as u64);
}

// biome-ignore format: texts
const GZIP: usize = memory.data<u8>([71, 90, 73, 80]);
// biome-ignore format: texts
const LZW: usize = memory.data<u8>([76, 90, 87]);

// What the last opened chunk said: sequence number, message id, flags.
let openSequence: i64 = 0;
let openMessageId: i64 = 0;
let openFlags: i32 = 0;

export function chunkSeqHi(): i32 {
  return (openSequence >> 32) as i32;
}

export function chunkSeqLo(): i32 {
  return openSequence as i32;
}

export function chunkMidHi(): i32 {
  return (openMessageId >> 32) as i32;
}

export function chunkMidLo(): i32 {
  return openMessageId as i32;
}

export function chunkFlags(): i32 {
  return openFlags;
}

/**
 * Opens a chunk. Stage in: one complete wire object. The MAC over the payload bytes is verified before anything else.
 *
 * @returns length of the application bytes at `resultPtr` | ERR_BAD_TAG | ERR_FORM (the host's codec decides) |
 *   ERR_BLOCK_SIZE | ERR_BAD_PADDING | ERR_ARGUMENT | a slot error
 */
export function chunkOpen(encSlot: i32, macSlot: i32, wireLen: i32): i32 {
  const status = openCheck(encSlot, macSlot);
  if (status < 0) return status;
  if (wireLen < 1 || wireLen > STAGE_SIZE) return ERR_ARGUMENT;
  return load<u8>(STAGE_IN) === 123 ? openJson(encSlot, macSlot, wireLen) : openCbor(encSlot, macSlot, wireLen);
}

/** Both members, of this kind, and no others. */
function isFrame(kind: i32): bool {
  if (valueKind(LABEL_PAYLOAD) !== kind || valueKind(LABEL_SIGNATURE) !== kind) return false;
  for (let label = 2; label < 32; label++) if (valueKind(label) !== KIND_NONE) return false;
  return true;
}

function openJson(encSlot: i32, macSlot: i32, wireLen: i32): i32 {
  if (jsonRead(STAGE_IN, wireLen) !== OK || !isFrame(KIND_TEXT)) return ERR_FORM;
  if (valueLen(LABEL_SIGNATURE) !== 44) return ERR_FORM;
  const tag = scratchPush(48);
  const tagLen = base64Decode(valuePtr(LABEL_SIGNATURE), 44, tag);
  const len = base64Decode(valuePtr(LABEL_PAYLOAD), valueLen(LABEL_PAYLOAD), STAGE_OUT);
  let result = tagLen === 32 && len >= 0 ? hmacCheck(slotState(macSlot), STAGE_OUT, len, tag, 32) : ERR_FORM;
  scratchPop(48);
  if (result !== OK) return result;
  const plainLen = envelopeOpen(encSlot, STAGE_OUT, len, STAGE_IN);
  if (plainLen < 0) return plainLen;
  result = plainLen > 0 && load<u8>(STAGE_IN) === 123 ? jsonRead(STAGE_IN, plainLen) : ERR_FORM;
  if (result === OK) result = readPayload(KIND_TEXT);
  if (result === OK) result = base64Decode(valuePtr(LABEL_DATA), valueLen(LABEL_DATA), STAGE_OUT);
  wipe(STAGE_IN, plainLen);
  setResult(STAGE_OUT);
  return result;
}

function openCbor(encSlot: i32, macSlot: i32, wireLen: i32): i32 {
  if (cborRead(STAGE_IN, wireLen) !== OK || !isFrame(KIND_BYTES) || valueLen(LABEL_SIGNATURE) !== 32) return ERR_FORM;
  const payload = valuePtr(LABEL_PAYLOAD);
  const len = valueLen(LABEL_PAYLOAD);
  const tag = hmacCheck(slotState(macSlot), payload, len, valuePtr(LABEL_SIGNATURE), 32);
  if (tag !== OK) return tag;
  const plainLen = envelopeOpen(encSlot, payload, len, STAGE_OUT);
  if (plainLen < 0) return plainLen;
  let result = cborRead(STAGE_OUT, plainLen);
  if (result === OK) result = readPayload(KIND_BYTES);
  if (result !== OK) {
    wipe(STAGE_OUT, plainLen);
    return result;
  }
  setResult(valuePtr(LABEL_DATA));
  return valueLen(LABEL_DATA);
}

/** Takes the members of a payload object; `data` stays where it lies. OK | ERR_FORM */
function readPayload(binary: i32): i32 {
  const ended = valueKind(LABEL_ENDOFMSG);
  const algorithm = valueKind(LABEL_COMPRESSIONALGO);
  for (let label = 0; label < 32; label++) {
    const isOurs = (label >= LABEL_SEQUENCENUMBER && label <= LABEL_DATA) || label === LABEL_COMPRESSIONALGO;
    if (!isOurs && valueKind(label) !== KIND_NONE) return ERR_FORM;
  }
  if (valueKind(LABEL_SEQUENCENUMBER) !== KIND_NUMBER || valueKind(LABEL_MESSAGEID) !== KIND_NUMBER) return ERR_FORM;
  if (valueKind(LABEL_DATA) !== binary || (ended !== KIND_NONE && ended !== KIND_BOOLEAN)) return ERR_FORM;
  let flags = ended === KIND_BOOLEAN && valueInt(LABEL_ENDOFMSG) === 1 ? CHUNK_END_OF_MESSAGE : 0;
  if (algorithm !== KIND_NONE) {
    if (algorithm !== KIND_TEXT) return ERR_FORM;
    const p = valuePtr(LABEL_COMPRESSIONALGO);
    const len = valueLen(LABEL_COMPRESSIONALGO);
    if (len === 4 && sameBytes(p, GZIP, 4)) flags |= CHUNK_GZIP;
    else if (len === 3 && sameBytes(p, LZW, 3)) flags |= CHUNK_LZW;
    else return ERR_FORM;
  }
  openSequence = valueInt(LABEL_SEQUENCENUMBER);
  openMessageId = valueInt(LABEL_MESSAGEID);
  openFlags = flags;
  return OK;
}
