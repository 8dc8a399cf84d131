// A JSON string where it stands in the received bytes. It becomes a JavaScript string only when read as text: Base64
// inside it, escaped or not, goes from bytes to bytes, since key material travels so and strings cannot be wiped.

import { readBase64 } from "./base64.ts";
import { decodeUtf8 } from "./utf8.ts";

export class JsonText {
  readonly bytes: Uint8Array;
  /** After the opening quote. */
  readonly from: number;
  /** At the closing quote. */
  readonly to: number;
  readonly hasEscape: boolean;

  /** The bytes from..to are checked: well-formed UTF-8, valid escapes. */
  constructor(bytes: Uint8Array, from: number, to: number, hasEscape: boolean) {
    this.bytes = bytes;
    this.from = from;
    this.to = to;
    this.hasEscape = hasEscape;
  }

  /** The text, or null if an escape makes a lone surrogate. */
  text(): string | null {
    if (!this.hasEscape) return decodeUtf8(this.bytes, this.from, this.to);
    const plain = this.#unescaped();
    if (plain === null) return null;
    const text = decodeUtf8(plain);
    plain.fill(0);
    return text;
  }

  /** The bytes that the text means as Base64, or null. */
  binary(): Uint8Array | null {
    if (!this.hasEscape) return readBase64(this.bytes, this.from, this.to);
    const plain = this.#unescaped();
    if (plain === null) return null;
    const bytes = readBase64(plain, 0, plain.length);
    plain.fill(0);
    return bytes;
  }

  /** UTF-8 without escapes, or null for a lone surrogate. */
  #unescaped(): Uint8Array | null {
    const { bytes, to } = this;
    const out = new Uint8Array(to - this.from);
    let p = 0;
    for (let i = this.from; i < to; ) {
      const c = bytes[i]!;
      if (c !== 0x5c) {
        out[p++] = c;
        i++;
        continue;
      }
      const letter = bytes[i + 1]!;
      if (letter !== 0x75) {
        out[p++] = plainOf(letter);
        i += 2;
        continue;
      }
      let unit = hex4(bytes, i + 2);
      i += 6;
      if (unit >= 0xd800 && unit < 0xe000) {
        const hasNext = unit < 0xdc00 && i + 6 <= to && bytes[i] === 0x5c && bytes[i + 1] === 0x75;
        const low = hasNext ? hex4(bytes, i + 2) : 0;
        if (low < 0xdc00 || low > 0xdfff) {
          out.fill(0);
          return null;
        }
        unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        i += 6;
      }
      p = writeCodePoint(unit, out, p);
    }
    return out.subarray(0, p);
  }
}

/** Of a checked escape of one character. */
function plainOf(letter: number): number {
  switch (letter) {
    case 0x62: // b
      return 0x08;
    case 0x66: // f
      return 0x0c;
    case 0x6e: // n
      return 0x0a;
    case 0x72: // r
      return 0x0d;
    case 0x74: // t
      return 0x09;
    default: // quote, backslash, slash
      return letter;
  }
}

function hex4(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let i = at; i < at + 4; i++) {
    const c = bytes[i]!;
    value = (value << 4) | (c <= 0x39 ? c - 0x30 : (c & 0xdf) - 0x37);
  }
  return value;
}

/** An escape is at least as long as the UTF-8 that it stands for. */
function writeCodePoint(c: number, out: Uint8Array, at: number): number {
  if (c < 0x80) {
    out[at] = c;
    return at + 1;
  }
  const size = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  for (let k = size - 1, rest = c; k > 0; k--, rest >>= 6) out[at + k] = 0x80 | (rest & 63);
  out[at] = ((0xf00 >> size) & 0xff) | (c >> (6 * (size - 1)));
  return at + size;
}
