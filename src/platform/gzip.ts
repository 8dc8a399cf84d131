// GZIP (RFC 1952) as a plug: node:zlib on Node, a small library elsewhere; a profile without it advertises none.

export interface Gzip {
  compress(data: Uint8Array): Uint8Array;
  /**
   * Inflates all members; stops while inflating once more than `maxLength` bytes came out.
   * @throws any error for malformed data or an output above `maxLength`
   */
  uncompress(data: Uint8Array, maxLength: number): Uint8Array;
}
