// UTF-8, RFC 3629, strict in both directions; engines on small devices have no TextEncoder.

/** Bytes of a string, or null if it holds a lone surrogate. */
export function encodeUtf8(text: string): Uint8Array | null {
  const out = new Uint8Array(text.length * 3);
  const length = writeUtf8(text, out, 0);
  return length < 0 ? null : out.slice(0, length);
}

/** Writes at `at`, where 3 bytes a UTF-16 unit are free; where the text ends, or -1 for a lone surrogate. */
export function writeUtf8(text: string, out: Uint8Array, at: number): number {
  let p = at;
  for (let i = 0; i < text.length; i++) {
    let c = text.charCodeAt(i);
    if (c < 0x80) {
      out[p++] = c;
      continue;
    }
    if (c < 0x800) {
      out[p++] = 0xc0 | (c >> 6);
      out[p++] = 0x80 | (c & 63);
      continue;
    }
    if (c >= 0xd800 && c < 0xe000) {
      const low = c < 0xdc00 && i + 1 < text.length ? text.charCodeAt(i + 1) : 0;
      if (low < 0xdc00 || low > 0xdfff) return -1;
      i++;
      c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
      out[p++] = 0xf0 | (c >> 18);
      out[p++] = 0x80 | ((c >> 12) & 63);
    } else {
      out[p++] = 0xe0 | (c >> 12);
    }
    out[p++] = 0x80 | ((c >> 6) & 63);
    out[p++] = 0x80 | (c & 63);
  }
  return p;
}

/** The text of bytes, or null if they are not well-formed UTF-8 (overlong forms and surrogates included). */
export function decodeUtf8(bytes: Uint8Array, from = 0, to: number = bytes.length): string | null {
  if (to - from > SHORT) return decodeLong(bytes, from, to);
  let text = "";
  let i = from;
  while (i < to) {
    if (i + 8 <= to) {
      const a = bytes[i]!;
      const b = bytes[i + 1]!;
      const c = bytes[i + 2]!;
      const d = bytes[i + 3]!;
      const e = bytes[i + 4]!;
      const f = bytes[i + 5]!;
      const g = bytes[i + 6]!;
      const h = bytes[i + 7]!;
      if ((a | b | c | d | e | f | g | h) < 0x80) {
        text += String.fromCharCode(a, b, c, d, e, f, g, h);
        i += 8;
        continue;
      }
    }
    const size = sequenceLength(bytes, i, to);
    if (size === 0) return null;
    const c = codePoint(bytes, i, size);
    text += c > 0xffff ? String.fromCharCode(highOf(c), lowOf(c)) : String.fromCharCode(c);
    i += size;
  }
  return text;
}

/** Texts up to this many bytes are put together by concatenation, longer ones from blocks of units. */
const SHORT = 64;
const BLOCK = 4096;

function decodeLong(bytes: Uint8Array, from: number, to: number): string | null {
  const units = new Uint16Array(Math.min(to - from, BLOCK));
  let text = "";
  let n = 0;
  for (let i = from; i < to; ) {
    const first = bytes[i]!;
    if (first < 0x80) {
      units[n++] = first;
      i++;
    } else {
      const size = sequenceLength(bytes, i, to);
      if (size === 0) return null;
      const c = codePoint(bytes, i, size);
      if (c > 0xffff) {
        units[n++] = highOf(c);
        units[n++] = lowOf(c);
      } else {
        units[n++] = c;
      }
      i += size;
    }
    if (n >= BLOCK - 1) {
      text += fromUnits(units, n);
      n = 0;
    }
  }
  return text + fromUnits(units, n);
}

function fromUnits(units: Uint16Array, n: number): string {
  return String.fromCharCode.apply(null, units.subarray(0, n) as unknown as number[]);
}

/** Of a well-formed sequence. */
function codePoint(bytes: Uint8Array, i: number, size: number): number {
  let c = bytes[i]!;
  if (size === 1) return c;
  c &= 0xff >> (size + 1);
  for (let k = 1; k < size; k++) c = (c << 6) | (bytes[i + k]! & 63);
  return c;
}

function highOf(c: number): number {
  return 0xd800 + ((c - 0x10000) >> 10);
}

function lowOf(c: number): number {
  return 0xdc00 + ((c - 0x10000) & 0x3ff);
}

/** Whether the bytes are well-formed UTF-8. */
export function isUtf8(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; ) {
    const size = sequenceLength(bytes, i, to);
    if (size === 0) return false;
    i += size;
  }
  return true;
}

/** Length of the sequence at `i`, or 0 if it is malformed: RFC 3629 §4. */
function sequenceLength(bytes: Uint8Array, i: number, to: number): number {
  const c = bytes[i]!;
  if (c < 0x80) return 1;
  const size = c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
  if (size === 0 || i + size > to) return 0;
  for (let k = 1; k < size; k++) if ((bytes[i + k]! & 0xc0) !== 0x80) return 0;
  const second = bytes[i + 1]!;
  if ((c === 0xe0 && second < 0xa0) || (c === 0xed && second > 0x9f)) return 0;
  if ((c === 0xf0 && second < 0x90) || (c === 0xf4 && second > 0x8f)) return 0;
  return size;
}
