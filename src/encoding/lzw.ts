// LZW as MSL has it ("MSL Compression"): codes of growing width, most significant bit first, without clear code, end
// code or reset. The k-th code is bitlength(254 + k) bits wide. What a code stands for is a piece of the output that
// was written when it was made, so the dictionary is a list of places in the output.

/** Sequences that the encoder remembers; widths go on growing as the format has it. */
const MAX_REMEMBERED = 65536;

export function lzwCompress(data: Uint8Array): Uint8Array {
  if (data.length === 0) return data;
  const bits = new BitWriter(data.length);
  const codes = new Map<number, number>();
  let next = 256;
  let width = 8;
  let current = data[0]!;
  for (let i = 1; i < data.length; i++) {
    const byte = data[i]!;
    const key = current * 256 + byte;
    const known = codes.get(key);
    if (known !== undefined) {
      current = known;
      continue;
    }
    bits.write(current, width);
    if (next >= 2 ** width) width++;
    if (next < MAX_REMEMBERED) codes.set(key, next);
    next++;
    current = byte;
  }
  bits.write(current, width);
  return bits.end();
}

class BitWriter {
  #bytes: Uint8Array;
  #length = 0;
  #held = 0;
  #heldBits = 0;

  constructor(estimate: number) {
    this.#bytes = new Uint8Array(estimate + 16);
  }

  write(code: number, width: number): void {
    for (let left = width; left > 0; ) {
      const take = Math.min(8 - this.#heldBits, left);
      left -= take;
      this.#held = (this.#held << take) | (Math.floor(code / 2 ** left) & ((1 << take) - 1));
      this.#heldBits += take;
      if (this.#heldBits === 8) this.#push();
    }
  }

  #push(): void {
    if (this.#length === this.#bytes.length) {
      const grown = new Uint8Array(this.#bytes.length * 2);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes[this.#length++] = this.#held;
    this.#held = 0;
    this.#heldBits = 0;
  }

  end(): Uint8Array {
    if (this.#heldBits > 0) {
      this.#held <<= 8 - this.#heldBits;
      this.#push();
    }
    return this.#bytes.slice(0, this.#length);
  }
}

/**
 * The data, or null for a code that does not exist yet or more than `maxLength` bytes. Memory: the output, and four
 * bytes for each code read.
 */
export function lzwUncompress(data: Uint8Array, maxLength: number): Uint8Array | null {
  const codeCount = countCodes(data.length);
  // Where the output of each code began: entry 256 + k is the output of code k and the byte behind it.
  const starts = new Uint32Array(codeCount + 1);
  let out = new Uint8Array(Math.min(maxLength, data.length * 4));
  let length = 0;
  let position = 0;
  for (let k = 0, width = 8; k < codeCount; k++) {
    if (k > 0 && 255 + k >= 2 ** width) width++;
    const code = readBits(data, position, width);
    position += width;
    starts[k] = length;
    const entry = code - 256;
    // Entry k - 1 is the newest: the previous output and the first byte of this one.
    if (entry >= k) return null;
    const size = entry < 0 ? 1 : starts[entry + 1]! - starts[entry]! + 1;
    if (length + size > maxLength) return null;
    if (length + size > out.length) {
      const grown = new Uint8Array(Math.min(maxLength, Math.max(out.length * 2, length + size)));
      grown.set(out.subarray(0, length));
      out = grown;
    }
    if (entry < 0) out[length] = code;
    // Byte by byte: the newest entry ends with the byte that is being written.
    else for (let i = 0, from = starts[entry]!; i < size; i++) out[length + i] = out[from + i]!;
    length += size;
  }
  return out.subarray(0, length);
}

function countCodes(bytes: number): number {
  let count = 0;
  let left = bytes * 8;
  for (let width = 8; left >= width; width++) {
    // Codes of this width: 1 of 8 bits, then 256, 512, 1024 …
    const most = width === 8 ? 1 : 2 ** (width - 1);
    const here = Math.min(most, Math.floor(left / width));
    count += here;
    left -= here * width;
    if (here < most) break;
  }
  return count;
}

function readBits(data: Uint8Array, position: number, width: number): number {
  let value = 0;
  for (let left = width, at = position; left > 0; ) {
    const inByte = at & 7;
    const take = Math.min(8 - inByte, left);
    value = value * 2 ** take + ((data[at >> 3]! >> (8 - inByte - take)) & ((1 << take) - 1));
    at += take;
    left -= take;
  }
  return value;
}
