// AES decryption by vector permute, two blocks at a time, as in aes-simd-encrypt.ts with the inverse cipher's tables:
// the equivalent inverse cipher of FIPS 197 §5.3.5. From five blocks on, CBC is decrypted in bit planes.

import { copy } from "../bytes";
import { scratchPop, scratchPush } from "../memory/scratch";
import { cbcDecryptGroups } from "./aes-simd-bits";
import {
  A_INV, BACK, D1_U, D1_W, D11_U, D11_W, D13_U, D13_W, D14_U, D14_W, D9_U, D9_W, D_IN_HI,
  D_IN_LO, INV, LOW, TABLES, TURN,
} from "./aes-simd-tables.gen"; // biome-ignore format: one table of names

/** Where the schedule for decryption begins in an expanded key. */
export const DECRYPT_KEYS: i32 = 240;

/**
 * Decrypts independent blocks.
 *
 * @param state  [secret] expanded key
 * @param src    `n` blocks of 16 bytes
 * @param dst    [secret] `n` blocks; may be `src`
 */
export function aesDecryptBlocks(state: usize, rounds: i32, src: usize, n: i32, dst: usize): void {
  decryptPairs(state, rounds, src, n, dst, v128.splat<u8>(0), v128.splat<u8>(0));
}

/**
 * CBC decryption.
 *
 * @param iv   16 bytes; becomes the last ciphertext block
 * @param src  `len` bytes, a multiple of 16
 * @param dst  [secret] `len` bytes; may be `src` or lie before it
 */
export function cbcDecryptBlocks(state: usize, iv: usize, rounds: i32, src: usize, len: i32, dst: usize): void {
  if (len <= 0) return;
  const groups = len >> 7;
  if (groups > 0) {
    cbcDecryptGroups(state, rounds, iv, src, groups, dst);
    src += groups << 7;
    dst += groups << 7;
  }
  const n = (len & 127) >> 4;
  if (n > 4) {
    // A group of eight takes less time than three pairs.
    const last = v128.load(src + ((n - 1) << 4));
    const work = scratchPush(128);
    copy(work, src, n << 4);
    cbcDecryptGroups(state, rounds, iv, work, 1, work);
    copy(dst, work, n << 4);
    scratchPop(128);
    v128.store(iv, last);
  } else if (n > 0) v128.store(iv, decryptPairs(state, rounds, src, n, dst, v128.load(iv), v128.splat<u8>(0xff)));
}

/** Decrypts `n` blocks, each added to the ciphertext before it where `mask` is ones. Returns the last of the ciphertext. */
function decryptPairs(state: usize, rounds: i32, src: usize, n: i32, dst: usize, chain: v128, mask: v128): v128 {
  const low = v128.load(TABLES, LOW);
  const inv = v128.load(TABLES, INV);
  const aInv = v128.load(TABLES, A_INV);
  const d14u = v128.load(TABLES, D14_U);
  const d14w = v128.load(TABLES, D14_W);
  const d11u = v128.load(TABLES, D11_U);
  const d11w = v128.load(TABLES, D11_W);
  const d13u = v128.load(TABLES, D13_U);
  const d13w = v128.load(TABLES, D13_W);
  const d9u = v128.load(TABLES, D9_U);
  const d9w = v128.load(TABLES, D9_W);
  const d1u = v128.load(TABLES, D1_U);
  const d1w = v128.load(TABLES, D1_W);
  const rows = v128.load(TABLES, BACK);
  const turn = v128.load(TABLES, TURN);
  const inLow = v128.load(TABLES, D_IN_LO);
  const inHigh = v128.load(TABLES, D_IN_HI);
  const keys = state + DECRYPT_KEYS;
  const end = keys + (rounds << 4);
  while (n > 0) {
    // An odd last block is worked on twice.
    const step = n > 1 ? 16 : 0;
    const first = v128.load(keys);
    const last = v128.load(end);
    const from0 = v128.load(src);
    const from1 = v128.load(src + step);
    let x0 = i8x16.swizzle(from0, turn);
    x0 = v128.xor(
      v128.xor(i8x16.swizzle(inLow, v128.and(x0, low)), i8x16.swizzle(inHigh, v128.and(i16x8.shr_u(x0, 4), low))),
      first,
    );
    let x1 = i8x16.swizzle(from1, turn);
    x1 = v128.xor(
      v128.xor(i8x16.swizzle(inLow, v128.and(x1, low)), i8x16.swizzle(inHigh, v128.and(i16x8.shr_u(x1, 4), low))),
      first,
    );
    for (let p = keys + 16; p < end; p += 16) {
      const key = v128.load(p);
      x0 = i8x16.swizzle(x0, rows);
      const k0 = v128.and(x0, low);
      const i0 = v128.and(i16x8.shr_u(x0, 4), low);
      const j0 = v128.xor(k0, i0);
      const g0 = i8x16.swizzle(aInv, k0);
      const u0 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i0), g0)), j0);
      const w0 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j0), g0)), i0);
      const a0 = v128.xor(i8x16.swizzle(d11u, u0), i8x16.swizzle(d11w, w0));
      const b0 = v128.xor(i8x16.swizzle(d13u, u0), i8x16.swizzle(d13w, w0));
      const d0 = v128.xor(i8x16.swizzle(d9u, u0), i8x16.swizzle(d9w, w0));
      const e0 = v128.xor(v128.xor(i8x16.swizzle(d14u, u0), i8x16.swizzle(d14w, w0)), key);
      x0 = v128.xor(
        v128.xor(e0, v128.shuffle<u32>(a0, a0, 1, 2, 3, 0)),
        v128.xor(v128.shuffle<u32>(b0, b0, 2, 3, 0, 1), v128.shuffle<u32>(d0, d0, 3, 0, 1, 2)),
      );
      x1 = i8x16.swizzle(x1, rows);
      const k1 = v128.and(x1, low);
      const i1 = v128.and(i16x8.shr_u(x1, 4), low);
      const j1 = v128.xor(k1, i1);
      const g1 = i8x16.swizzle(aInv, k1);
      const u1 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i1), g1)), j1);
      const w1 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j1), g1)), i1);
      const a1 = v128.xor(i8x16.swizzle(d11u, u1), i8x16.swizzle(d11w, w1));
      const b1 = v128.xor(i8x16.swizzle(d13u, u1), i8x16.swizzle(d13w, w1));
      const d1 = v128.xor(i8x16.swizzle(d9u, u1), i8x16.swizzle(d9w, w1));
      const e1 = v128.xor(v128.xor(i8x16.swizzle(d14u, u1), i8x16.swizzle(d14w, w1)), key);
      x1 = v128.xor(
        v128.xor(e1, v128.shuffle<u32>(a1, a1, 1, 2, 3, 0)),
        v128.xor(v128.shuffle<u32>(b1, b1, 2, 3, 0, 1), v128.shuffle<u32>(d1, d1, 3, 0, 1, 2)),
      );
    }
    x0 = i8x16.swizzle(x0, rows);
    const k0 = v128.and(x0, low);
    const i0 = v128.and(i16x8.shr_u(x0, 4), low);
    const j0 = v128.xor(k0, i0);
    const g0 = i8x16.swizzle(aInv, k0);
    const u0 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i0), g0)), j0);
    const w0 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j0), g0)), i0);
    const y0 = v128.xor(i8x16.swizzle(d1u, u0), i8x16.swizzle(d1w, w0));
    x1 = i8x16.swizzle(x1, rows);
    const k1 = v128.and(x1, low);
    const i1 = v128.and(i16x8.shr_u(x1, 4), low);
    const j1 = v128.xor(k1, i1);
    const g1 = i8x16.swizzle(aInv, k1);
    const u1 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i1), g1)), j1);
    const w1 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j1), g1)), i1);
    const y1 = v128.xor(i8x16.swizzle(d1u, u1), i8x16.swizzle(d1w, w1));
    v128.store(dst, v128.xor(i8x16.swizzle(v128.xor(y0, last), turn), chain));
    if (step > 0) v128.store(dst, v128.xor(i8x16.swizzle(v128.xor(y1, last), turn), v128.and(from0, mask)), 16);
    chain = v128.and(from1, mask);
    src += 32;
    dst += 32;
    n -= 2;
  }
  return chain;
}
