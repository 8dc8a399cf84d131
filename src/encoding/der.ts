// A strict reader of DER (X.690), for keys and certificates: definite and shortest lengths, low tag numbers, no bytes
// left over. It walks what it is asked to and never recurses by itself.

/** The bytes are not the DER that was asked for. Whoever reads turns it into the error of its structure. */
export class DerError extends Error {}

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  t61String: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  generalString: 0x1b,
  sequence: 0x30,
  set: 0x31,
} as const;

export interface DerElement {
  readonly tag: number;
  /** Without tag and length. */
  readonly content: Uint8Array;
  /** With tag and length, as they were. */
  readonly whole: Uint8Array;
}

/** Reads the elements of one level, one after the other. */
export class DerReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** @throws DerError */
  next(tag?: number): DerElement {
    const bytes = this.#bytes;
    const start = this.#at;
    const found = bytes[start];
    const first = bytes[start + 1];
    if (found === undefined || first === undefined || (found & 0x1f) === 0x1f) throw new DerError("cut or long tag");
    if (tag !== undefined && found !== tag) throw new DerError("another tag");
    let at = start + 2;
    let length = first;
    if (first >= 0x80) {
      const count = first & 0x7f;
      if (count === 0 || count > 3) throw new DerError("indefinite or huge length");
      length = 0;
      for (let i = 0; i < count; i++) length = length * 256 + (bytes[at + i] ?? 0);
      at += count;
      if (length < 0x80 || length < 256 ** (count - 1)) throw new DerError("length not in its shortest form");
    }
    const end = at + length;
    if (end > bytes.length) throw new DerError("cut");
    this.#at = end;
    return { tag: found, content: bytes.subarray(at, end), whole: bytes.subarray(start, end) };
  }

  /** The next element if it has this tag. */
  optional(tag: number): DerElement | null {
    return this.#bytes[this.#at] === tag ? this.next(tag) : null;
  }

  enter(tag: number = TAG.sequence): DerReader {
    return new DerReader(this.next(tag).content);
  }

  /** A non-negative integer, big-endian without leading zeros. */
  unsigned(): Uint8Array {
    const { content } = this.next(TAG.integer);
    const [first, second] = content;
    if (first === undefined || first >= 0x80) throw new DerError("negative or empty integer");
    if (first !== 0) return content;
    if (content.length > 1 && second! < 0x80) throw new DerError("integer not in its shortest form");
    return content.subarray(1);
  }

  /** A non-negative integer below 2^31. */
  small(): number {
    const bytes = this.unsigned();
    if (bytes.length > 4 || (bytes.length === 4 && bytes[0]! >= 0x80)) throw new DerError("integer too large");
    return bytes.reduce((value, byte) => value * 256 + byte, 0);
  }

  oid(): string {
    return oidText(this.next(TAG.oid).content);
  }

  /** Bits that fill whole bytes. */
  bits(): Uint8Array {
    const { content } = this.next(TAG.bitString);
    if (content[0] !== 0) throw new DerError("bits that do not fill bytes");
    return content.subarray(1);
  }

  end(): void {
    if (!this.isAtEnd) throw new DerError("bytes left over");
  }
}

/** The one element that the bytes hold. @throws DerError */
export function derSequence(bytes: Uint8Array): DerReader {
  const outer = new DerReader(bytes);
  const inner = outer.enter();
  outer.end();
  return inner;
}

/** Dotted form; arcs stay below 2^53. @throws DerError */
export function oidText(content: Uint8Array): string {
  const arcs: number[] = [];
  let value = 0;
  let isFirst = true;
  for (const [i, byte] of content.entries()) {
    if (isFirst && byte === 0x80) throw new DerError("arc not in its shortest form");
    if (value > 2 ** 45) throw new DerError("arc too large");
    value = value * 128 + (byte & 0x7f);
    isFirst = byte < 0x80;
    if (!isFirst) {
      if (i === content.length - 1) throw new DerError("cut");
      continue;
    }
    if (arcs.length === 0) {
      const top = Math.min(2, Math.floor(value / 40));
      arcs.push(top, value - top * 40);
    } else arcs.push(value);
    value = 0;
  }
  if (arcs.length === 0) throw new DerError("no arcs");
  return arcs.join(".");
}
