// Base64 as MSL reads it: RFC 4648 §4 with padding, white space anywhere, and the same path for valid and invalid
// characters. Letters are computed, not looked up, since keys pass through here.

/** Letter of a 6-bit value. */
function letter(v: number): number {
  return v + 65 + (((25 - v) >> 8) & 6) - (((51 - v) >> 8) & 75) - (((61 - v) >> 8) & 15) + (((62 - v) >> 8) & 3);
}

/** -1 if lo <= c <= hi, else 0. */
function within(c: number, lo: number, hi: number): number {
  return ((lo - 1 - c) & (c - hi - 1)) >> 8;
}

/** Value of a letter, or -1. */
function sextet(c: number): number {
  return (
    -1 +
    (within(c, 65, 90) & (c - 64)) +
    (within(c, 97, 122) & (c - 70)) +
    (within(c, 48, 57) & (c + 5)) +
    (within(c, 43, 43) & 63) +
    (within(c, 47, 47) & 64)
  );
}

/** Writes the text of `bytes` at `at`; where it ends. */
export function writeBase64(bytes: Uint8Array, out: Uint8Array, at: number): number {
  let p = at;
  let i = 0;
  for (; i + 3 <= bytes.length; i += 3) {
    const v = (bytes[i]! << 16) | (bytes[i + 1]! << 8) | bytes[i + 2]!;
    out[p++] = letter(v >> 18);
    out[p++] = letter((v >> 12) & 63);
    out[p++] = letter((v >> 6) & 63);
    out[p++] = letter(v & 63);
  }
  if (i < bytes.length) {
    const hasSecond = i + 1 < bytes.length;
    const v = (bytes[i]! << 16) | (hasSecond ? bytes[i + 1]! << 8 : 0);
    out[p++] = letter(v >> 18);
    out[p++] = letter((v >> 12) & 63);
    out[p++] = hasSecond ? letter((v >> 6) & 63) : 61;
    out[p++] = 61;
  }
  return p;
}

/** Bytes of the characters from..to, or null: bad characters, length or padding. Unused bits may be set. */
export function readBase64(text: Uint8Array, from: number, to: number): Uint8Array | null {
  const out = new Uint8Array(Math.ceil((to - from) / 4) * 3);
  let bad = 0;
  let count = 0;
  let pad = 0;
  let held = 0;
  let p = 0;
  for (let i = from; i < to; i++) {
    const c = text[i]!;
    if (c === 0x20 || c === 0x09 || c === 0x0a || c === 0x0d) continue;
    count++;
    if (c === 61) {
      pad++;
      continue;
    }
    const v = sextet(c);
    bad |= v | (pad > 0 ? -1 : 0);
    held = ((held << 6) | (v & 63)) & 0xffffff;
    if ((count & 3) === 0) {
      out[p++] = held >> 16;
      out[p++] = held >> 8;
      out[p++] = held;
    }
  }
  const tail = (count - pad) & 3;
  if (bad < 0 || (count & 3) !== 0 || pad > 2 || (pad === 0 ? tail !== 0 : tail + pad !== 4)) return null;
  if (tail === 2) out[p++] = held >> 4;
  if (tail === 3) {
    out[p++] = held >> 10;
    out[p++] = held >> 2;
  }
  return out.subarray(0, p);
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
  return readBase64(ascii, 0, ascii.length);
}

/** RFC 4648 §5 without padding. */
export function encodeBase64Url(bytes: Uint8Array): string {
  return encodeBase64(bytes).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
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
