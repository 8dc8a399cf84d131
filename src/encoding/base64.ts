// Base64 as MSL reads it: RFC 4648 §4 with padding, white space anywhere, failure reported at the end. Letters are
// computed, not looked up, since keys pass through here: four at a time, one in each byte of a 32-bit word ("lane").
//
// With the high bit of every lane set first, subtracting k from each lane leaves that bit set where the lane is >= k,
// and nothing is borrowed across lanes as long as lane and k stay below 128.

const HIGH = 0x80808080 | 0;

/** Letters of four 6-bit values: A 0, a 26, 0 52, + 62, / 63. */
function letters(v: number): number {
  const y = v | HIGH;
  const from26 = ((y - 0x1a1a1a1a) & HIGH) >>> 7;
  const from52 = ((y - 0x34343434) & HIGH) >>> 7;
  const from62 = ((y - 0x3e3e3e3e) & HIGH) >>> 7;
  const from63 = ((y - 0x3f3f3f3f) & HIGH) >>> 7;
  // Each lane ends within 43..122, so the sum has no carry between lanes either.
  return (v + 0x41414141 + from26 * 6 - from52 * 75 - from62 * 15 + from63 * 3) | 0;
}

/** The 24 bits of four letters, or -1 if any of them is none. */
function sextets(c: number): number {
  const y = c | HIGH;
  const from47 = y - 0x2f2f2f2f;
  const from65 = y - 0x41414141;
  const from97 = y - 0x61616161;
  // A lane is a letter if an odd number of the ranges' ends lie at or below it: + / 0-9 A-Z a-z.
  const ends =
    (y - 0x2b2b2b2b) ^
    (y - 0x2c2c2c2c) ^
    from47 ^
    (y - 0x3a3a3a3a) ^
    from65 ^
    (y - 0x5b5b5b5b) ^
    from97 ^
    (y - 0x7b7b7b7b);
  const isBad = ((ends & ~c & HIGH) ^ HIGH) !== 0;
  const v =
    c +
    0x13131313 -
    ((from47 & HIGH) >>> 7) * 3 -
    (((y - 0x30303030) & HIGH) >>> 7) * 12 -
    ((from65 & HIGH) >>> 7) * 69 -
    ((from97 & HIGH) >>> 7) * 6;
  return isBad ? -1 : (((v >>> 24) & 63) << 18) | (((v >>> 16) & 63) << 12) | (((v >>> 8) & 63) << 6) | (v & 63);
}

/** Writes the text of `bytes` at `at`; where it ends. */
export function writeBase64(bytes: Uint8Array, out: Uint8Array, at: number): number {
  const whole = bytes.length - (bytes.length % 3);
  let p = at;
  let i = 0;
  for (; i < whole; i += 3) p = writeLetters((bytes[i]! << 16) | (bytes[i + 1]! << 8) | bytes[i + 2]!, out, p);
  if (i === bytes.length) return p;
  const hasSecond = i + 1 < bytes.length;
  p = writeLetters((bytes[i]! << 16) | (hasSecond ? bytes[i + 1]! << 8 : 0), out, p);
  out[p - 1] = 61;
  if (!hasSecond) out[p - 2] = 61;
  return p;
}

function writeLetters(v: number, out: Uint8Array, p: number): number {
  const text = letters(((v >> 18) << 24) | (((v >> 12) & 63) << 16) | (((v >> 6) & 63) << 8) | (v & 63));
  out[p] = text >>> 24;
  out[p + 1] = text >>> 16;
  out[p + 2] = text >>> 8;
  out[p + 3] = text;
  return p + 4;
}

/** Bytes of the characters from..to, or null: bad characters, length or padding. Unused bits may be set. */
export function readBase64(text: Uint8Array, from: number, to: number): Uint8Array | null {
  const out = new Uint8Array(((to - from + 3) >>> 2) * 3);
  let p = 0;
  let i = from;
  for (; i + 4 <= to; i += 4) {
    const v = sextets((text[i]! << 24) | (text[i + 1]! << 16) | (text[i + 2]! << 8) | text[i + 3]!);
    if (v < 0) break;
    out[p++] = v >>> 16;
    out[p++] = v >>> 8;
    out[p++] = v;
  }
  const length = readRest(text, i, to, out, p);
  if (length < 0) {
    out.fill(0);
    return null;
  }
  return length === out.length ? out : out.subarray(0, length);
}

/** What is not whole groups of letters: padding, white space, faults. Where the bytes end in `out`, or -1. */
function readRest(text: Uint8Array, from: number, to: number, out: Uint8Array, at: number): number {
  let bad = 0;
  let count = 0;
  let pad = 0;
  let held = 0;
  let p = at;
  for (let i = from; i < to; i++) {
    const c = text[i]!;
    if (c === 0x20 || c === 0x09 || c === 0x0a || c === 0x0d) continue;
    count++;
    if (c === 61) {
      pad++;
      continue;
    }
    const v = sextets(0x41414100 | c);
    bad |= v | (pad > 0 ? -1 : 0);
    held = ((held << 6) | (v & 63)) & 0xffffff;
    if ((count & 3) === 0) {
      out[p++] = held >> 16;
      out[p++] = held >> 8;
      out[p++] = held;
    }
  }
  const tail = (count - pad) & 3;
  if (bad < 0 || (count & 3) !== 0 || pad > 2 || (pad === 0 ? tail !== 0 : tail + pad !== 4)) return -1;
  if (tail === 2) out[p++] = held >> 4;
  if (tail === 3) {
    out[p++] = held >> 10;
    out[p++] = held >> 2;
  }
  return p;
}

export function encodeBase64(bytes: Uint8Array): string {
  const out = new Uint8Array(Math.ceil(bytes.length / 3) * 4);
  writeBase64(bytes, out, 0);
  return asciiString(out);
}

/** Bytes of a text, or null if it is not Base64. */
export function decodeBase64(text: string): Uint8Array | null {
  const ascii = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    ascii[i] = c > 0x7f ? 0xff : c;
  }
  const bytes = readBase64(ascii, 0, ascii.length);
  ascii.fill(0);
  return bytes;
}

/** RFC 4648 §5 without padding. */
export function encodeBase64Url(bytes: Uint8Array): string {
  return encodeBase64(bytes).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
}

/** Accepts both alphabets, with or without padding; null if it is neither. */
export function decodeBase64Url(text: string): Uint8Array | null {
  const plain = text.replace(/-/g, "+").replace(/_/g, "/");
  const rest = plain.replace(/[ \t\r\n]/g, "").length % 4;
  if (rest === 1) return null;
  return decodeBase64(rest === 0 ? plain : plain + "=".repeat(4 - rest));
}

function asciiString(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 4096) {
    text += String.fromCharCode.apply(null, bytes.subarray(i, i + 4096) as unknown as number[]);
  }
  return text;
}
