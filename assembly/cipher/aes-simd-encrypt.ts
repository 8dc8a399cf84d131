// AES encryption by vector permute: Hamburg, "Accelerating AES with Vector Permute Instructions" (CHES 2009).
// A byte is held as two nibbles (i, k = i + j) of i·t + j·t̄ over GF(2^4); inversion is five lookups of nibbles in constant
// vectors, so no address depends on data. 1/0 is 0x80, which looks up as 0. Tables: tools/gen-aes-simd.mjs.

import {
  A_INV, IN_HI, IN_LO, INV, LOW, OUT_HI, OUT_LO, ROWS, ROWS_1, ROWS_3, S1_U, S1_W, S2_U, S2_W, TABLES, TURN_1,
} from "./aes-simd-tables.gen"; // biome-ignore format: one table of names

/** A linear map on bytes, given by its tables of low and of high nibbles. */
export function linear(x: v128, lowTable: i32, highTable: i32): v128 {
  const low = v128.load(TABLES, LOW);
  return v128.xor(
    i8x16.swizzle(v128.load(TABLES + lowTable), v128.and(x, low)),
    i8x16.swizzle(v128.load(TABLES + highTable), v128.and(i16x8.shr_u(x, 4), low)),
  );
}

/**
 * Encrypts independent blocks, four at a time.
 *
 * @param state  [secret] expanded key
 * @param src    [secret] `n` blocks of 16 bytes
 * @param dst    `n` blocks; may be `src`
 */
export function aesEncryptBlocks(state: usize, rounds: i32, src: usize, n: i32, dst: usize): void {
  const low = v128.load(TABLES, LOW);
  const inv = v128.load(TABLES, INV);
  const aInv = v128.load(TABLES, A_INV);
  const s1u = v128.load(TABLES, S1_U);
  const s1w = v128.load(TABLES, S1_W);
  const s2u = v128.load(TABLES, S2_U);
  const s2w = v128.load(TABLES, S2_W);
  const rows = v128.load(TABLES, ROWS);
  const rows1 = v128.load(TABLES, ROWS_1);
  const rows3 = v128.load(TABLES, ROWS_3);
  const turn1 = v128.load(TABLES, TURN_1);
  const end = state + (rounds << 4);
  for (; n >= 4; n -= 4) {
    const first = v128.load(state);
    let x0 = v128.xor(linear(v128.load(src, 0), IN_LO, IN_HI), first);
    let x1 = v128.xor(linear(v128.load(src, 16), IN_LO, IN_HI), first);
    let x2 = v128.xor(linear(v128.load(src, 32), IN_LO, IN_HI), first);
    let x3 = v128.xor(linear(v128.load(src, 48), IN_LO, IN_HI), first);
    for (let p = state + 16; p < end; p += 16) {
      const key = v128.load(p);
      const k0 = v128.and(x0, low);
      const i0 = v128.and(i16x8.shr_u(x0, 4), low);
      const j0 = v128.xor(k0, i0);
      const g0 = i8x16.swizzle(aInv, k0);
      const u0 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i0), g0)), j0);
      const w0 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j0), g0)), i0);
      const a0 = v128.xor(i8x16.swizzle(s1u, u0), i8x16.swizzle(s1w, w0));
      const b0 = v128.xor(
        i8x16.swizzle(v128.xor(i8x16.swizzle(s2u, u0), i8x16.swizzle(s2w, w0)), rows),
        i8x16.swizzle(a0, rows1),
      );
      x0 = v128.xor(v128.xor(i8x16.swizzle(b0, turn1), b0), v128.xor(i8x16.swizzle(a0, rows3), key));
      const k1 = v128.and(x1, low);
      const i1 = v128.and(i16x8.shr_u(x1, 4), low);
      const j1 = v128.xor(k1, i1);
      const g1 = i8x16.swizzle(aInv, k1);
      const u1 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i1), g1)), j1);
      const w1 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j1), g1)), i1);
      const a1 = v128.xor(i8x16.swizzle(s1u, u1), i8x16.swizzle(s1w, w1));
      const b1 = v128.xor(
        i8x16.swizzle(v128.xor(i8x16.swizzle(s2u, u1), i8x16.swizzle(s2w, w1)), rows),
        i8x16.swizzle(a1, rows1),
      );
      x1 = v128.xor(v128.xor(i8x16.swizzle(b1, turn1), b1), v128.xor(i8x16.swizzle(a1, rows3), key));
      const k2 = v128.and(x2, low);
      const i2 = v128.and(i16x8.shr_u(x2, 4), low);
      const j2 = v128.xor(k2, i2);
      const g2 = i8x16.swizzle(aInv, k2);
      const u2 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i2), g2)), j2);
      const w2 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j2), g2)), i2);
      const a2 = v128.xor(i8x16.swizzle(s1u, u2), i8x16.swizzle(s1w, w2));
      const b2 = v128.xor(
        i8x16.swizzle(v128.xor(i8x16.swizzle(s2u, u2), i8x16.swizzle(s2w, w2)), rows),
        i8x16.swizzle(a2, rows1),
      );
      x2 = v128.xor(v128.xor(i8x16.swizzle(b2, turn1), b2), v128.xor(i8x16.swizzle(a2, rows3), key));
      const k3 = v128.and(x3, low);
      const i3 = v128.and(i16x8.shr_u(x3, 4), low);
      const j3 = v128.xor(k3, i3);
      const g3 = i8x16.swizzle(aInv, k3);
      const u3 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i3), g3)), j3);
      const w3 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j3), g3)), i3);
      const a3 = v128.xor(i8x16.swizzle(s1u, u3), i8x16.swizzle(s1w, w3));
      const b3 = v128.xor(
        i8x16.swizzle(v128.xor(i8x16.swizzle(s2u, u3), i8x16.swizzle(s2w, w3)), rows),
        i8x16.swizzle(a3, rows1),
      );
      x3 = v128.xor(v128.xor(i8x16.swizzle(b3, turn1), b3), v128.xor(i8x16.swizzle(a3, rows3), key));
    }
    const last = v128.load(end);
    const k0 = v128.and(x0, low);
    const i0 = v128.and(i16x8.shr_u(x0, 4), low);
    const j0 = v128.xor(k0, i0);
    const g0 = i8x16.swizzle(aInv, k0);
    const u0 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i0), g0)), j0);
    const w0 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j0), g0)), i0);
    const c0 = i8x16.swizzle(v128.xor(i8x16.swizzle(s1u, u0), i8x16.swizzle(s1w, w0)), rows);
    const k1 = v128.and(x1, low);
    const i1 = v128.and(i16x8.shr_u(x1, 4), low);
    const j1 = v128.xor(k1, i1);
    const g1 = i8x16.swizzle(aInv, k1);
    const u1 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i1), g1)), j1);
    const w1 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j1), g1)), i1);
    const c1 = i8x16.swizzle(v128.xor(i8x16.swizzle(s1u, u1), i8x16.swizzle(s1w, w1)), rows);
    const k2 = v128.and(x2, low);
    const i2 = v128.and(i16x8.shr_u(x2, 4), low);
    const j2 = v128.xor(k2, i2);
    const g2 = i8x16.swizzle(aInv, k2);
    const u2 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i2), g2)), j2);
    const w2 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j2), g2)), i2);
    const c2 = i8x16.swizzle(v128.xor(i8x16.swizzle(s1u, u2), i8x16.swizzle(s1w, w2)), rows);
    const k3 = v128.and(x3, low);
    const i3 = v128.and(i16x8.shr_u(x3, 4), low);
    const j3 = v128.xor(k3, i3);
    const g3 = i8x16.swizzle(aInv, k3);
    const u3 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i3), g3)), j3);
    const w3 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j3), g3)), i3);
    const c3 = i8x16.swizzle(v128.xor(i8x16.swizzle(s1u, u3), i8x16.swizzle(s1w, w3)), rows);
    v128.store(dst, linear(v128.xor(c0, last), OUT_LO, OUT_HI), 0);
    v128.store(dst, linear(v128.xor(c1, last), OUT_LO, OUT_HI), 16);
    v128.store(dst, linear(v128.xor(c2, last), OUT_LO, OUT_HI), 32);
    v128.store(dst, linear(v128.xor(c3, last), OUT_LO, OUT_HI), 48);
    src += 64;
    dst += 64;
  }
  for (; n > 0; n--) {
    let x = v128.xor(linear(v128.load(src), IN_LO, IN_HI), v128.load(state));
    for (let p = state + 16; p < end; p += 16) {
      const k = v128.and(x, low);
      const i = v128.and(i16x8.shr_u(x, 4), low);
      const j = v128.xor(k, i);
      const g = i8x16.swizzle(aInv, k);
      const u = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i), g)), j);
      const w = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j), g)), i);
      const a = v128.xor(i8x16.swizzle(s1u, u), i8x16.swizzle(s1w, w));
      const b = v128.xor(
        i8x16.swizzle(v128.xor(i8x16.swizzle(s2u, u), i8x16.swizzle(s2w, w)), rows),
        i8x16.swizzle(a, rows1),
      );
      x = v128.xor(v128.xor(i8x16.swizzle(b, turn1), b), v128.xor(i8x16.swizzle(a, rows3), v128.load(p)));
    }
    const k = v128.and(x, low);
    const i = v128.and(i16x8.shr_u(x, 4), low);
    const j = v128.xor(k, i);
    const g = i8x16.swizzle(aInv, k);
    const u = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i), g)), j);
    const w = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j), g)), i);
    const c = i8x16.swizzle(v128.xor(i8x16.swizzle(s1u, u), i8x16.swizzle(s1w, w)), rows);
    v128.store(dst, linear(v128.xor(c, v128.load(end)), OUT_LO, OUT_HI));
    src += 16;
    dst += 16;
  }
}

/**
 * CBC encryption. The chain stays in the form of the rounds: turning input and output lies beside its critical path.
 *
 * @param state  [secret] expanded key
 * @param iv     16 bytes; becomes the last ciphertext block
 * @param src    [secret] `len` bytes, a multiple of 16
 * @param dst    `len` bytes; may be `src`, must not begin inside it
 */
export function cbcEncryptBlocks(state: usize, iv: usize, rounds: i32, src: usize, len: i32, dst: usize): void {
  const low = v128.load(TABLES, LOW);
  const inv = v128.load(TABLES, INV);
  const aInv = v128.load(TABLES, A_INV);
  const s1u = v128.load(TABLES, S1_U);
  const s1w = v128.load(TABLES, S1_W);
  const s2u = v128.load(TABLES, S2_U);
  const s2w = v128.load(TABLES, S2_W);
  const rows = v128.load(TABLES, ROWS);
  const rows1 = v128.load(TABLES, ROWS_1);
  const rows3 = v128.load(TABLES, ROWS_3);
  const turn1 = v128.load(TABLES, TURN_1);
  const end = state + (rounds << 4);
  const first = v128.load(state);
  const last = v128.load(end);
  let chain = linear(v128.load(iv), IN_LO, IN_HI);
  const stop = src + len;
  for (; src < stop; src += 16) {
    let x = v128.xor(v128.xor(linear(v128.load(src), IN_LO, IN_HI), first), chain);
    for (let p = state + 16; p < end; p += 16) {
      const k = v128.and(x, low);
      const i = v128.and(i16x8.shr_u(x, 4), low);
      const j = v128.xor(k, i);
      const g = i8x16.swizzle(aInv, k);
      const u = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i), g)), j);
      const w = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j), g)), i);
      const a = v128.xor(i8x16.swizzle(s1u, u), i8x16.swizzle(s1w, w));
      const b = v128.xor(
        i8x16.swizzle(v128.xor(i8x16.swizzle(s2u, u), i8x16.swizzle(s2w, w)), rows),
        i8x16.swizzle(a, rows1),
      );
      x = v128.xor(v128.xor(i8x16.swizzle(b, turn1), b), v128.xor(i8x16.swizzle(a, rows3), v128.load(p)));
    }
    const k = v128.and(x, low);
    const i = v128.and(i16x8.shr_u(x, 4), low);
    const j = v128.xor(k, i);
    const g = i8x16.swizzle(aInv, k);
    const u = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i), g)), j);
    const w = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j), g)), i);
    const c = i8x16.swizzle(v128.xor(i8x16.swizzle(s1u, u), i8x16.swizzle(s1w, w)), rows);
    chain = v128.xor(c, last);
    v128.store(dst, linear(chain, OUT_LO, OUT_HI));
    dst += 16;
  }
  v128.store(iv, linear(chain, OUT_LO, OUT_HI));
}
