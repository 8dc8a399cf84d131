// Names of the members that the core frames itself: CBOR labels and JSON texts. The whole table is the host's
// (src/encoding/labels.ts); a test compares the two.

export const LABEL_SIGNATURE: i32 = 0;
export const LABEL_PAYLOAD: i32 = 1;
export const LABEL_KEYID: i32 = 5;
export const LABEL_IV: i32 = 6;
export const LABEL_CIPHERTEXT: i32 = 7;
export const LABEL_SHA256: i32 = 8;
export const LABEL_SEQUENCENUMBER: i32 = 9;
export const LABEL_MESSAGEID: i32 = 10;
export const LABEL_ENDOFMSG: i32 = 11;
export const LABEL_DATA: i32 = 12;
export const LABEL_COMPRESSIONALGO: i32 = 28;

// Every name as [label, length, characters…], ended by 255: how the JSON reader finds a member's label.
// biome-ignore format: one name a line
const NAMES: usize = memory.data<u8>([
  0, 9, 115, 105, 103, 110, 97, 116, 117, 114, 101,
  1, 7, 112, 97, 121, 108, 111, 97, 100,
  5, 5, 107, 101, 121, 105, 100,
  6, 2, 105, 118,
  7, 10, 99, 105, 112, 104, 101, 114, 116, 101, 120, 116,
  8, 6, 115, 104, 97, 50, 53, 54,
  9, 14, 115, 101, 113, 117, 101, 110, 99, 101, 110, 117, 109, 98, 101, 114,
  10, 9, 109, 101, 115, 115, 97, 103, 101, 105, 100,
  11, 8, 101, 110, 100, 111, 102, 109, 115, 103,
  12, 4, 100, 97, 116, 97,
  28, 15, 99, 111, 109, 112, 114, 101, 115, 115, 105, 111, 110, 97, 108, 103, 111,
  255,
]);

/** Label of a JSON member name of `len` characters, or -1 for a name that the core does not frame. */
export function labelOf(ptr: usize, len: i32): i32 {
  let entry = NAMES;
  while (load<u8>(entry) !== 255) {
    const size = load<u8>(entry, 1) as i32;
    if (size === len && sameBytes(entry + 2, ptr, len)) return load<u8>(entry) as i32;
    entry += 2 + size;
  }
  return -1;
}

/** Compares public bytes. */
export function sameBytes(a: usize, b: usize, len: i32): bool {
  for (let i = 0; i < len; i++) if (load<u8>(a + i) !== load<u8>(b + i)) return false;
  return true;
}

// Pieces of JSON text as [length, characters…], one after the other.
// biome-ignore format: one text a line
const TEXTS: usize = memory.data<u8>([
  12, 123, 34, 112, 97, 121, 108, 111, 97, 100, 34, 58, 34,
  15, 34, 44, 34, 115, 105, 103, 110, 97, 116, 117, 114, 101, 34, 58, 34,
  2, 34, 125,
  10, 123, 34, 107, 101, 121, 105, 100, 34, 58, 34,
  8, 34, 44, 34, 105, 118, 34, 58, 34,
  16, 34, 44, 34, 99, 105, 112, 104, 101, 114, 116, 101, 120, 116, 34, 58, 34,
  18, 34, 44, 34, 115, 104, 97, 50, 53, 54, 34, 58, 34, 65, 65, 61, 61, 34, 125,
  18, 123, 34, 115, 101, 113, 117, 101, 110, 99, 101, 110, 117, 109, 98, 101, 114, 34, 58,
  13, 44, 34, 109, 101, 115, 115, 97, 103, 101, 105, 100, 34, 58,
  16, 44, 34, 101, 110, 100, 111, 102, 109, 115, 103, 34, 58, 116, 114, 117, 101,
  25, 44, 34, 99, 111, 109, 112, 114, 101, 115, 115, 105, 111, 110, 97, 108, 103, 111, 34, 58, 34, 71, 90, 73, 80, 34,
  24, 44, 34, 99, 111, 109, 112, 114, 101, 115, 115, 105, 111, 110, 97, 108, 103, 111, 34, 58, 34, 76, 90, 87, 34,
  9, 44, 34, 100, 97, 116, 97, 34, 58, 34,
]);
/** `{"payload":"` */
export const TEXT_PAYLOAD: usize = TEXTS;
/** `","signature":"` */
export const TEXT_SIGNATURE: usize = TEXTS + 13;
/** `"}` */
export const TEXT_END: usize = TEXTS + 29;
/** `{"keyid":"` */
export const TEXT_KEYID: usize = TEXTS + 32;
/** `","iv":"` */
export const TEXT_IV: usize = TEXTS + 43;
/** `","ciphertext":"` */
export const TEXT_CIPHERTEXT: usize = TEXTS + 52;
/** `","sha256":"AA=="}` */
export const TEXT_SHA256: usize = TEXTS + 69;
/** `{"sequencenumber":` */
export const TEXT_SEQUENCENUMBER: usize = TEXTS + 88;
/** `,"messageid":` */
export const TEXT_MESSAGEID: usize = TEXTS + 107;
/** `,"endofmsg":true` */
export const TEXT_ENDOFMSG: usize = TEXTS + 121;
/** `,"compressionalgo":"GZIP"` */
export const TEXT_GZIP: usize = TEXTS + 138;
/** `,"compressionalgo":"LZW"` */
export const TEXT_LZW: usize = TEXTS + 164;
/** `,"data":"` */
export const TEXT_DATA: usize = TEXTS + 189;
