// Base64 and base64url, RFC 4648 §4 and §5, by arithmetic on words: no table and no branch on a character, since keys
// pass through here. A "lane" is one byte of a word, which holds a character or the 6 bits that it stands for.
//
// With the high bit of every lane set first, subtracting k from each lane leaves that bit set where the lane is >= k,
// and nothing is borrowed across lanes as long as lane and k stay below 128. Eight characters are taken at a time, and
// four at the end and in builds where 64-bit integers are slow or size counts.

import { ERR_FORM } from "../../src/core/abi";
import { load32, load64, store32, store64, wipe } from "../bytes";

/** Length of the text for `len` bytes. */
export function base64Length(len: i32): i32 {
  return ((len + 2) / 3) << 2;
}

/** Length of the base64url text for `len` bytes, which has no padding. */
export function base64UrlLength(len: i32): i32 {
  return len + (len + 2) / 3;
}

const HIGH: u32 = 0x80808080;
const HIGH8: u64 = 0x8080808080808080;

/** Letters of four 6-bit lanes: A 0, a 26, 0 52, + 62, / 63. */
function letters4(v: u32): u32 {
  const y = v | HIGH;
  const from26 = ((y - 0x1a1a1a1a) & HIGH) >> 7;
  const from52 = ((y - 0x34343434) & HIGH) >> 7;
  const from62 = ((y - 0x3e3e3e3e) & HIGH) >> 7;
  const from63 = ((y - 0x3f3f3f3f) & HIGH) >> 7;
  // Each lane ends within 43..122, so the sum carries nothing between lanes either.
  return v + 0x41414141 + from26 * 6 - from52 * 75 - from62 * 15 + from63 * 3;
}

function letters8(v: u64): u64 {
  const y = v | HIGH8;
  const from26 = ((y - 0x1a1a1a1a1a1a1a1a) & HIGH8) >> 7;
  const from52 = ((y - 0x3434343434343434) & HIGH8) >> 7;
  const from62 = ((y - 0x3e3e3e3e3e3e3e3e) & HIGH8) >> 7;
  const from63 = ((y - 0x3f3f3f3f3f3f3f3f) & HIGH8) >> 7;
  return v + 0x4141414141414141 + from26 * 6 - from52 * 75 - from62 * 15 + from63 * 3;
}

/** Four letters for 24 bits, the first in the lowest lane. */
function lettersOf(v: u32): u32 {
  return letters4((v >> 18) | ((v >> 4) & 0x3f00) | ((v << 10) & 0x3f0000) | ((v << 24) & 0x3f000000));
}

/** Three bytes as 24 bits, the first on top. */
function three(src: usize): u32 {
  return ((load<u8>(src) as u32) << 16) | ((load<u8>(src, 1) as u32) << 8) | (load<u8>(src, 2) as u32);
}

/** The last one or two bytes as 24 bits. */
function rest(src: usize, len: i32): u32 {
  return ((load<u8>(src) as u32) << 16) | (len > 1 ? (load<u8>(src, 1) as u32) << 8 : 0);
}

/** Encodes `len` bytes to `dst`, which must not overlap the source. Returns the text's length. */
export function base64Encode(src: usize, len: i32, dst: usize): i32 {
  let out = dst;
  let i = 0;
  if (!CORE_JS && !CORE_SMALL) {
    // Six bytes become eight letters; eight are read.
    for (; i + 8 <= len; i += 6) {
      let v = bswap<u64>(load64(src + i)) >> 16;
      v = ((v & 0xffffff000000) << 8) | (v & 0xffffff);
      v = ((v & 0x00fff00000fff000) << 4) | (v & 0x00000fff00000fff);
      v = ((v & 0x0fc00fc00fc00fc0) << 2) | (v & 0x003f003f003f003f);
      store64(out, letters8(bswap<u64>(v)));
      out += 8;
    }
  }
  for (; i + 3 <= len; i += 3) {
    store32(out, lettersOf(three(src + i)));
    out += 4;
  }
  if (i < len) {
    const word = lettersOf(rest(src + i, len - i)) & (len - i > 1 ? 0x00ffffff : 0x0000ffff);
    store32(out, word | (len - i > 1 ? 0x3d000000 : 0x3d3d0000));
    out += 4;
  }
  return (out - dst) as i32;
}

/** As `base64Encode`, with the letters - and _ and without padding. */
export function base64UrlEncode(src: usize, len: i32, dst: usize): i32 {
  let out = dst;
  let i = 0;
  for (; i + 3 <= len; i += 3) {
    store32(out, toUrl(lettersOf(three(src + i))));
    out += 4;
  }
  if (i < len) {
    const word = toUrl(lettersOf(rest(src + i, len - i)));
    store<u8>(out, word);
    store<u8>(out, word >> 8, 1);
    if (len - i > 1) store<u8>(out, word >> 16, 2);
    out += len - i + 1;
  }
  return (out - dst) as i32;
}

/** High bits of the lanes that equal a character below 128, given in all lanes of `k`; lanes are compared by 7 bits. */
function same4(c: u32, k: u32): u32 {
  return ~(((c ^ k) | HIGH) - 0x01010101) & HIGH;
}

/** + becomes -, / becomes _. */
function toUrl(c: u32): u32 {
  return c + (same4(c, 0x2b2b2b2b) >> 7) * 2 + (same4(c, 0x2f2f2f2f) >> 7) * 48;
}

/** - becomes +, _ becomes /; + and / become no letter. A lane from 128 up stays one. */
function fromUrl(c: u32): u32 {
  const bad = same4(c, 0x2b2b2b2b) | same4(c, 0x2f2f2f2f);
  return (c - (same4(c, 0x2d2d2d2d) >> 7) * 2 - (same4(c, 0x5f5f5f5f) >> 7) * 48) | bad;
}

/** The 24 bits of four letters, the first in the lowest lane; the top bit is set too if one of them is none. */
function sextets4(c: u32): u32 {
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
  const bad = ~(ends & ~c) & HIGH;
  const v =
    c +
    0x13131313 -
    ((from47 & HIGH) >> 7) * 3 -
    (((y - 0x30303030) & HIGH) >> 7) * 12 -
    ((from65 & HIGH) >> 7) * 69 -
    ((from97 & HIGH) >> 7) * 6;
  const value = ((v & 63) << 18) | ((v & 0x3f00) << 4) | ((v >> 10) & 0xfc0) | ((v >> 24) & 63);
  return value | anyLane(bad);
}

/** The top bit if any of the four lanes' high bits is set; the other bits of `high` are 0. */
function anyLane(high: u32): u32 {
  return (high | (high << 8) | (high << 16) | (high << 24)) & 0x80000000;
}

function storeThree(out: usize, v: u32): void {
  store<u8>(out, v >> 16);
  store<u8>(out, v >> 8, 1);
  store<u8>(out, v, 2);
}

/**
 * Decodes `len` characters: the canonical layout without white space; unused bits may be set.
 *
 * @param dst  may be `src`, or apart; zeros where ERR_FORM comes out
 * @returns length of the bytes | ERR_FORM
 * Time: depends on `len`, the padding and the verdict only.
 */
export function base64Decode(src: usize, len: i32, dst: usize): i32 {
  if ((len & 3) !== 0) return ERR_FORM;
  if (len === 0) return 0;
  let pad = 0;
  if (load<u8>(src + len - 1) === 61) pad = load<u8>(src + len - 2) === 61 ? 2 : 1;
  const whole = pad > 0 ? len - 4 : len;
  let bad: u32 = 0;
  let out = dst;
  let i = 0;
  if (!CORE_JS && !CORE_SMALL) {
    // As `sextets4`, eight letters at a time. Eight bytes are stored, two of which what follows overwrites.
    let bad8: u64 = 0;
    for (; i + 12 <= whole; i += 8) {
      const c = load64(src + i);
      const y = c | HIGH8;
      const from47 = y - 0x2f2f2f2f2f2f2f2f;
      const from65 = y - 0x4141414141414141;
      const from97 = y - 0x6161616161616161;
      const ends =
        (y - 0x2b2b2b2b2b2b2b2b) ^
        (y - 0x2c2c2c2c2c2c2c2c) ^
        from47 ^
        (y - 0x3a3a3a3a3a3a3a3a) ^
        from65 ^
        (y - 0x5b5b5b5b5b5b5b5b) ^
        from97 ^
        (y - 0x7b7b7b7b7b7b7b7b);
      bad8 |= ~(ends & ~c) & HIGH8;
      let v =
        c +
        0x1313131313131313 -
        ((from47 & HIGH8) >> 7) * 3 -
        (((y - 0x3030303030303030) & HIGH8) >> 7) * 12 -
        ((from65 & HIGH8) >> 7) * 69 -
        ((from97 & HIGH8) >> 7) * 6;
      v = bswap<u64>(v);
      v = ((v & 0x3f003f003f003f00) >> 2) | (v & 0x003f003f003f003f);
      v = ((v & 0x0fff00000fff0000) >> 4) | (v & 0x00000fff00000fff);
      v = ((v & 0x00ffffff00000000) << 8) | ((v & 0x00ffffff) << 16);
      store64(out, bswap<u64>(v));
      out += 6;
    }
    bad = anyLane((bad8 | (bad8 >> 32)) as u32);
  }
  for (; i < whole; i += 4) {
    const v = sextets4(load32(src + i));
    bad |= v;
    storeThree(out, v);
    out += 3;
  }
  if (pad > 0) {
    const word = load32(src + whole);
    // The padding reads as A, six zero bits.
    const v = sextets4(pad === 1 ? (word & 0x00ffffff) | 0x41000000 : (word & 0x0000ffff) | 0x41410000);
    bad |= v;
    store<u8>(out, v >> 16);
    if (pad === 1) store<u8>(out, v >> 8, 1);
    out += 3 - pad;
  }
  return finish(bad, dst, (out - dst) as i32);
}

/** As `base64Decode` for base64url: letters - and _ instead of + and /, no padding. */
export function base64UrlDecode(src: usize, len: i32, dst: usize): i32 {
  const left = len & 3;
  if (left === 1) return ERR_FORM;
  let bad: u32 = 0;
  let out = dst;
  let i = 0;
  for (; i + 4 <= len; i += 4) {
    const v = sextets4(fromUrl(load32(src + i)));
    bad |= v;
    storeThree(out, v);
    out += 3;
  }
  if (left > 0) {
    let word = 0x41410000 | (load<u8>(src + i) as u32) | ((load<u8>(src + i, 1) as u32) << 8);
    if (left === 3) word = (word & 0xff00ffff) | ((load<u8>(src + i, 2) as u32) << 16);
    const v = sextets4(fromUrl(word));
    bad |= v;
    store<u8>(out, v >> 16);
    if (left === 3) store<u8>(out, v >> 8, 1);
    out += left - 1;
  }
  return finish(bad, dst, (out - dst) as i32);
}

function finish(bad: u32, dst: usize, len: i32): i32 {
  if (bad >> 31 === 0) return len;
  wipe(dst, len);
  return ERR_FORM;
}
