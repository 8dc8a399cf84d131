// SHA-384 of a secret number whose leading zero bytes are not hashed: a length that depends on the secret, which must
// not show in time (the Raccoon attack measures just this). Every possible end of the message is handled by masks.

import { arenaMark, arenaRelease, arenaTake } from "../bignum/arena";
import { copy, storeBe64 } from "../bytes";
import { maskZero, select } from "../ct";
import { SHA512_STATE, sha512Compress, sha512Init } from "../hash/sha512";

/**
 * out = SHA-384(0 ‖ the number without leading zero bytes).
 *
 * @param num  [secret] `len` ≤ 512 bytes big-endian
 * @param out  [secret] 48 bytes, aligned to 8
 * Time: depends on `len` only.
 */
export function sha384Stripped(num: usize, len: i32, out: usize): void {
  const mark = arenaMark();
  // Blocks of the longest message: 1 + len bytes, 0x80, 16 bytes of length.
  const blocks = (len + 18 + 127) >> 7;
  const msg = arenaTake(blocks << 7);
  const first = arenaTake(SHA512_STATE);
  const state = arenaTake(SHA512_STATE);
  copy(msg + 1, num, len);
  // Leading zeros behind the first byte, then a shift by that many bytes, one bit of the number at a time.
  let zeros = 0;
  let leading = -1;
  for (let i = 1; i <= len; i++) {
    leading &= maskZero(load<u8>(msg + (i as usize)) as i32);
    zeros -= leading;
  }
  for (let step = 512; step > 0; step >>= 1) {
    const mask = maskZero((zeros & step) ^ step);
    for (let i = 1; i <= len; i++) {
      const at = msg + (i as usize);
      const from = i + step <= len ? (load<u8>(at + (step as usize)) as i32) : 0;
      store<u8>(at, select(mask, from, load<u8>(at) as i32) as u8);
    }
  }
  const end = 1 + len - zeros;
  const last = (end + 17 + 127) >> 7;
  for (let i = 1; i < blocks << 7; i++) {
    const at = msg + (i as usize);
    let byte = (load<u8>(at) as i32) | (maskZero(i ^ end) & 0x80);
    // The length in bits, at most 4104, in the last two bytes of the block that ends the message.
    const isLast = maskZero(((i >> 7) + 1) ^ last);
    if ((i & 127) === 126) byte |= isLast & (end >> 5);
    if ((i & 127) === 127) byte |= isLast & (end << 3) & 255;
    store<u8>(at, byte as u8);
  }
  sha512Init(state, 48);
  for (let block = 0; block < blocks; block++) {
    sha512Compress(state, msg + ((block << 7) as usize), 1);
    const mask = maskZero((block + 1) ^ last);
    for (let i: usize = 0; i < 64; i += 4) {
      store<i32>(first + i, select(mask, load<i32>(state + i), load<i32>(first + i)));
    }
  }
  for (let i: usize = 0; i < 48; i += 8) storeBe64(out + i, load<u64>(first + i));
  arenaRelease(mark);
}
