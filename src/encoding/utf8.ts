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
  let text = "";
  let units: number[] = [];
  for (let i = from; i < to; ) {
    const size = sequenceLength(bytes, i, to);
    if (size === 0) return null;
    let c = bytes[i]!;
    if (size > 1) {
      c &= 0xff >> (size + 1);
      for (let k = 1; k < size; k++) c = (c << 6) | (bytes[i + k]! & 63);
    }
    if (c > 0xffff) units.push(0xd800 + ((c - 0x10000) >> 10), 0xdc00 + ((c - 0x10000) & 0x3ff));
    else units.push(c);
    i += size;
    if (units.length >= 4096) {
      text += String.fromCharCode.apply(null, units);
      units = [];
    }
  }
  return text + String.fromCharCode.apply(null, units);
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
