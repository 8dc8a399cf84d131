// Finds where the next object of a byte stream ends, JSON or CBOR, without reading what is in it. The state is
// SCAN_STATE_SIZE bytes that the host keeps for each stream and puts at the start of `stage out` for a call:
//   0 format+1 (0: nothing seen) | 4 depth | 8 flags (JSON: 1 in string, 2 after backslash)
//   12 bytes to skip (CBOR) | 16 head bytes missing | 20 major type | 24 head value (high, low) | 32 … items left by depth (u32)

import {
  ERR_ARGUMENT, ERR_FORM, ERR_NESTING, FORMAT_CBOR, FORMAT_JSON, NESTING_LIMIT, STAGE_SIZE,
} from "../../src/core/abi"; // biome-ignore format: one table of names
import { load64 } from "../bytes";
import { inStage, STAGE_IN, STAGE_OUT } from "../memory/layout";

const STATE: usize = STAGE_OUT;
const DEPTH: i32 = 4;
const FLAGS: i32 = 8;
const SKIP: i32 = 12;
const MISSING: i32 = 16;
const MAJOR: i32 = 20;
const HIGH: i32 = 24;
const LOW: i32 = 28;
const LEFT: i32 = 32;

/**
 * Takes the next `len` bytes at the start of `stage in`; the state is at the start of `stage out`.
 *
 * @returns bytes up to and including the end of the object | 0: more is needed | ERR_FORM | ERR_NESTING | ERR_ARGUMENT
 */
export function scanFeed(len: i32): i32 {
  if (len < 0 || !inStage(STAGE_IN, len) || len > STAGE_SIZE) return ERR_ARGUMENT;
  if (len === 0) return 0;
  // The state comes from the host: no value of it may lead outside.
  const depth = load<i32>(STATE, DEPTH);
  const missing = load<i32>(STATE, MISSING);
  if (depth < 0 || depth > NESTING_LIMIT || missing < 0 || missing > 8) return ERR_ARGUMENT;
  if (load<i32>(STATE, SKIP) < 0) return ERR_ARGUMENT;
  if (load<i32>(STATE) === 0) {
    const first = load<u8>(STAGE_IN);
    if (first === 123) store<i32>(STATE, FORMAT_JSON + 1);
    else if ((first & 0xe0) === 0xa0) store<i32>(STATE, FORMAT_CBOR + 1);
    else return ERR_FORM;
  }
  return load<i32>(STATE) === FORMAT_JSON + 1 ? scanJson(len) : scanCbor(len);
}

function scanJson(len: i32): i32 {
  let depth = load<i32>(STATE, DEPTH);
  let flags = load<i32>(STATE, FLAGS);
  let result = 0;
  for (let i = 0; i < len; i++) {
    const c = load<u8>(STAGE_IN + i);
    if ((flags & 1) !== 0) {
      if (flags === 1) {
        // Most bytes of a message lie within one long string.
        const skipped = insideLength(STAGE_IN + i, len - i);
        if (skipped > 0) {
          i += skipped - 1;
          continue;
        }
      }
      if ((flags & 2) !== 0) flags = 1;
      else if (c === 92) flags = 3;
      else if (c === 34) flags = 0;
      else if (c === 0) return ERR_FORM;
      continue;
    }
    if (c === 34) flags = 1;
    else if (c === 123 || c === 91) {
      if (++depth > NESTING_LIMIT) return ERR_NESTING;
    } else if (c === 125 || c === 93) {
      if (--depth === 0) {
        result = i + 1;
        break;
      }
    } else if (c === 0) return ERR_FORM;
  }
  store<i32>(STATE, depth, DEPTH);
  store<i32>(STATE, flags, FLAGS);
  return result;
}

/** Bytes of words from `p` on that hold no quote, no backslash and no zero: a multiple of the word, up to `len`. */
function insideLength(p: usize, len: i32): i32 {
  let n = 0;
  if (CORE_JS) {
    if ((p & 3) === 0) while (n + 4 <= len && !stops4(load<u32>(p + n))) n += 4;
  } else if (!CORE_SMALL) {
    while (n + 8 <= len && !stops8(load64(p + n))) n += 8;
  }
  return n;
}

/** True if a byte is a quote, a backslash or zero. (x - 1) & ~x has a high bit in the lowest zero byte of x, if any. */
function stops8(w: u64): bool {
  const one: u64 = 0x0101010101010101;
  const quote = w ^ 0x2222222222222222;
  const slash = w ^ 0x5c5c5c5c5c5c5c5c;
  const zero = ((w - one) & ~w) | ((quote - one) & ~quote) | ((slash - one) & ~slash);
  return (zero & 0x8080808080808080) !== 0;
}

function stops4(w: u32): bool {
  const one: u32 = 0x01010101;
  const quote = w ^ 0x22222222;
  const slash = w ^ 0x5c5c5c5c;
  const zero = ((w - one) & ~w) | ((quote - one) & ~quote) | ((slash - one) & ~slash);
  return (zero & 0x80808080) !== 0;
}

function scanCbor(len: i32): i32 {
  let i = 0;
  while (i < len) {
    const skip = load<i32>(STATE, SKIP);
    if (skip > 0) {
      const n = skip < len - i ? skip : len - i;
      i += n;
      store<i32>(STATE, skip - n, SKIP);
      if (skip > n) return 0;
      if (itemDone()) return i;
      continue;
    }
    const c = load<u8>(STAGE_IN + i) as i32;
    i++;
    const missing = load<i32>(STATE, MISSING);
    if (missing > 0) {
      const low = load<u32>(STATE, LOW);
      store<u32>(STATE, (load<u32>(STATE, HIGH) << 8) | (low >> 24), HIGH);
      store<u32>(STATE, (low << 8) | (c as u32), LOW);
      store<i32>(STATE, missing - 1, MISSING);
      if (missing > 1) continue;
    } else {
      const info = c & 31;
      if (info > 27) return ERR_FORM;
      store<i32>(STATE, c >> 5, MAJOR);
      store<u32>(STATE, 0, HIGH);
      store<u32>(STATE, info < 24 ? info : 0, LOW);
      if (info >= 24) {
        store<i32>(STATE, 1 << (info - 24), MISSING);
        continue;
      }
    }
    const status = headDone();
    if (status < 0) return status;
    if (status > 0 && itemDone()) return i;
  }
  return 0;
}

/** A head is complete: 1 the item is too, 0 more of it follows, or an error. */
function headDone(): i32 {
  const major = load<i32>(STATE, MAJOR);
  const value = load<u32>(STATE, LOW);
  if (major === 0 || major === 1 || major === 7) return 1;
  if (major === 6 || load<u32>(STATE, HIGH) !== 0 || value > 0x3fffffff) return ERR_FORM;
  if (major === 2 || major === 3) {
    store<i32>(STATE, value as i32, SKIP);
    return value === 0 ? 1 : 0;
  }
  const items = (value as i32) * (major === 5 ? 2 : 1);
  if (items === 0) return 1;
  const depth = load<i32>(STATE, DEPTH) + 1;
  if (depth > NESTING_LIMIT) return ERR_NESTING;
  store<i32>(STATE, depth, DEPTH);
  store<i32>(STATE + ((depth << 2) as usize), items, LEFT);
  return 0;
}

/** Counts a finished item; true when the outermost is finished. */
function itemDone(): bool {
  let depth = load<i32>(STATE, DEPTH);
  while (depth > 0) {
    const slot = STATE + ((depth << 2) as usize);
    const left = load<i32>(slot, LEFT) - 1;
    store<i32>(slot, left, LEFT);
    if (left > 0) break;
    depth--;
  }
  store<i32>(STATE, depth, DEPTH);
  return depth === 0;
}
