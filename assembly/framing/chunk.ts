// Payload chunks ("MSL Messages"), from application bytes to the complete wire object and back, in one call each:
//   chunk   = { "payload": binary, "signature": binary }          payload = envelope of
//   payload = { "sequencenumber", "messageid", "endofmsg"?, "compressionalgo"?, "data": binary }

import {
  CHUNK_DATA_MAX, CHUNK_END_OF_MESSAGE, CHUNK_GZIP, CHUNK_LZW, ERR_ARGUMENT, ERR_FORM, ERR_SPACE, FORMAT_JSON, OK, STAGE_SIZE,
} from "../../src/core/abi"; // biome-ignore format: one table of names
import { wipe } from "../bytes";
import { hmacCheck } from "../mac/hmac";
import { slotState } from "../memory/key-slots";
import { STAGE_IN, STAGE_OUT } from "../memory/layout";
import { scratchPop, scratchPush } from "../memory/scratch";
import { base64Decode } from "./base64";
import { cborRead } from "./cbor-read";
import { envelopeOpen, envelopeSeal, openCheck, plainAt, sealCheck, setResult } from "./envelope";
import { jsonRead } from "./json-read";
import {
  LABEL_COMPRESSIONALGO, LABEL_DATA, LABEL_ENDOFMSG, LABEL_MESSAGEID, LABEL_PAYLOAD, LABEL_SEQUENCENUMBER,
  LABEL_SIGNATURE, sameBytes, TEXT_DATA, TEXT_END, TEXT_ENDOFMSG, TEXT_GZIP, TEXT_LZW, TEXT_MESSAGEID, TEXT_PAYLOAD,
  TEXT_SEQUENCENUMBER, TEXT_SIGNATURE,
} from "./labels"; // biome-ignore format: one table of names
import {
  KIND_BOOLEAN, KIND_BYTES, KIND_NONE, KIND_NUMBER, KIND_TEXT, valueInt, valueKind, valueLen, valuePtr,
} from "./values"; // biome-ignore format: one table of names
import {
  headLength,
  writeAt,
  writeBase64,
  writeBytes,
  writeDecimal,
  writeEnd,
  writeHead,
  writeMember,
  writeText,
} from "./write";

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
  if (sequence < 0 || messageId < 0 || (flags & ~7) !== 0 || (flags & 6) === 6 || dataLen < 0) return ERR_ARGUMENT;
  if (dataLen > CHUNK_DATA_MAX) return ERR_SPACE;
  const data = STAGE_IN + keyIdLen;
  const isJson = format === FORMAT_JSON;
  const plain = plainAt(format);
  writeAt(plain);
  if (isJson) writePayloadJson(sequence as u64, messageId as u64, flags, data, dataLen);
  else writePayloadCbor(sequence as u64, messageId as u64, flags, data, dataLen);
  wipe(data, dataLen);
  const gap = isJson ? 0 : SIGNATURE_HEAD;
  const envelope = envelopeSeal(format, encSlot, macSlot, keyIdLen, (writeEnd() - plain) as i32, gap);
  const tag = writeEnd();
  const len = ((tag - envelope) as i32) - gap;
  if (isJson) {
    writeAt(STAGE_OUT);
    writeText(TEXT_PAYLOAD);
    writeBase64(envelope, len);
    writeText(TEXT_SIGNATURE);
    writeBase64(tag, 32);
    writeText(TEXT_END);
    setResult(STAGE_OUT);
    return (writeEnd() - STAGE_OUT) as i32;
  }
  // The envelope and the tag are where they belong: only heads are written around them.
  const wire = envelope - 2 - headLength(len);
  writeAt(wire);
  writeHead(5, 2);
  writeMember(LABEL_PAYLOAD, envelope, len);
  writeMember(LABEL_SIGNATURE, tag, 32);
  setResult(wire);
  return (writeEnd() - wire) as i32;
}

/** Label and head of the signature. */
const SIGNATURE_HEAD: i32 = 3;

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

function writePayloadCbor(sequence: u64, messageId: u64, flags: i32, data: usize, dataLen: i32): void {
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
  writeMember(LABEL_DATA, data, dataLen);
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
