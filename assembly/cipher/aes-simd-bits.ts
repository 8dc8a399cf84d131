// AES decryption of eight blocks at a time in bit planes (Käsper and Schwabe, CHES 2009), for CBC of 128 bytes and more.
// Byte 4·row + column of plane k holds bit k of that byte of the eight blocks, one block a bit: rows are lanes of 32 bits,
// so that InvMixColumns turns lanes, and a round key is the same for all blocks: one byte of all ones or zeros.
// The S-box is the circuit of Boyar and Peralta (aes-small-sbox.ts) with its linear layers rewritten for the inverse.

import {
  BIT_0, M1, M2, M4, OUT_HI, OUT_LO, LOW, BACK, TABLES, TURN,
} from "./aes-simd-tables.gen"; // biome-ignore format: one table of names

/** Round key `r` (with 0x63 in each byte but in the first), row by row, from the schedule for encryption. */
function turnedKey(state: usize, r: i32): v128 {
  const key = v128.load(state + (r << 4));
  const low = v128.load(TABLES, LOW);
  return v128.xor(
    i8x16.swizzle(v128.load(TABLES, OUT_LO), v128.and(key, low)),
    i8x16.swizzle(v128.load(TABLES, OUT_HI), v128.and(i16x8.shr_u(key, 4), low)),
  );
}

/**
 * CBC decryption of groups of eight blocks.
 *
 * @param state   [secret] expanded key
 * @param iv      block before the first; becomes the last block of `src`
 * @param src     `groups` · 128 bytes
 * @param dst     [secret] as many bytes; may be `src` or lie before it
 */
export function cbcDecryptGroups(state: usize, rounds: i32, iv: usize, src: usize, groups: i32, dst: usize): void {
  const rows = v128.load(TABLES, BACK);
  const turn = v128.load(TABLES, TURN);
  const m1 = v128.load(TABLES, M1);
  const m2 = v128.load(TABLES, M2);
  const m4 = v128.load(TABLES, M4);
  const bit0 = v128.load(TABLES, BIT_0 + 0);
  const bit1 = v128.load(TABLES, BIT_0 + 16);
  const bit2 = v128.load(TABLES, BIT_0 + 32);
  const bit3 = v128.load(TABLES, BIT_0 + 48);
  const bit4 = v128.load(TABLES, BIT_0 + 64);
  const bit5 = v128.load(TABLES, BIT_0 + 80);
  const bit6 = v128.load(TABLES, BIT_0 + 96);
  const bit7 = v128.load(TABLES, BIT_0 + 112);
  let chain = v128.load(iv);
  let t: v128;
  for (; groups > 0; groups--) {
    let q0 = i8x16.swizzle(v128.load(src, 0), turn);
    let q1 = i8x16.swizzle(v128.load(src, 16), turn);
    let q2 = i8x16.swizzle(v128.load(src, 32), turn);
    let q3 = i8x16.swizzle(v128.load(src, 48), turn);
    let q4 = i8x16.swizzle(v128.load(src, 64), turn);
    let q5 = i8x16.swizzle(v128.load(src, 80), turn);
    let q6 = i8x16.swizzle(v128.load(src, 96), turn);
    let q7 = i8x16.swizzle(v128.load(src, 112), turn);
    t = v128.and(v128.xor(i64x2.shr_u(q0, 1), q1), m1);
    q1 = v128.xor(q1, t);
    q0 = v128.xor(q0, i64x2.shl(t, 1));
    t = v128.and(v128.xor(i64x2.shr_u(q2, 1), q3), m1);
    q3 = v128.xor(q3, t);
    q2 = v128.xor(q2, i64x2.shl(t, 1));
    t = v128.and(v128.xor(i64x2.shr_u(q4, 1), q5), m1);
    q5 = v128.xor(q5, t);
    q4 = v128.xor(q4, i64x2.shl(t, 1));
    t = v128.and(v128.xor(i64x2.shr_u(q6, 1), q7), m1);
    q7 = v128.xor(q7, t);
    q6 = v128.xor(q6, i64x2.shl(t, 1));
    t = v128.and(v128.xor(i64x2.shr_u(q0, 2), q2), m2);
    q2 = v128.xor(q2, t);
    q0 = v128.xor(q0, i64x2.shl(t, 2));
    t = v128.and(v128.xor(i64x2.shr_u(q1, 2), q3), m2);
    q3 = v128.xor(q3, t);
    q1 = v128.xor(q1, i64x2.shl(t, 2));
    t = v128.and(v128.xor(i64x2.shr_u(q4, 2), q6), m2);
    q6 = v128.xor(q6, t);
    q4 = v128.xor(q4, i64x2.shl(t, 2));
    t = v128.and(v128.xor(i64x2.shr_u(q5, 2), q7), m2);
    q7 = v128.xor(q7, t);
    q5 = v128.xor(q5, i64x2.shl(t, 2));
    t = v128.and(v128.xor(i64x2.shr_u(q0, 4), q4), m4);
    q4 = v128.xor(q4, t);
    q0 = v128.xor(q0, i64x2.shl(t, 4));
    t = v128.and(v128.xor(i64x2.shr_u(q1, 4), q5), m4);
    q5 = v128.xor(q5, t);
    q1 = v128.xor(q1, i64x2.shl(t, 4));
    t = v128.and(v128.xor(i64x2.shr_u(q2, 4), q6), m4);
    q6 = v128.xor(q6, t);
    q2 = v128.xor(q2, i64x2.shl(t, 4));
    t = v128.and(v128.xor(i64x2.shr_u(q3, 4), q7), m4);
    q7 = v128.xor(q7, t);
    q3 = v128.xor(q3, i64x2.shl(t, 4));
    let r = rounds;
    const first = turnedKey(state, r);
    q0 = v128.xor(q0, i8x16.eq(v128.and(first, bit0), bit0));
    q1 = v128.xor(q1, i8x16.eq(v128.and(first, bit1), bit1));
    q2 = v128.xor(q2, i8x16.eq(v128.and(first, bit2), bit2));
    q3 = v128.xor(q3, i8x16.eq(v128.and(first, bit3), bit3));
    q4 = v128.xor(q4, i8x16.eq(v128.and(first, bit4), bit4));
    q5 = v128.xor(q5, i8x16.eq(v128.and(first, bit5), bit5));
    q6 = v128.xor(q6, i8x16.eq(v128.and(first, bit6), bit6));
    q7 = v128.xor(q7, i8x16.eq(v128.and(first, bit7), bit7));
    while (true) {
      // Top linear layer.
      const m0 = v128.xor(q0, q3);
      const m1 = v128.xor(q3, q4);
      const m2 = v128.xor(q0, m1);
      const m3 = v128.xor(q1, m2);
      const m4 = v128.xor(q4, q6);
      const m5 = v128.xor(q4, q7);
      const m6 = v128.xor(q5, m1);
      const m7 = v128.xor(q6, q7);
      const m8 = v128.xor(q4, m7);
      const m9 = v128.xor(q3, m8);
      const m10 = v128.xor(m0, m7);
      const m11 = v128.xor(m3, m4);
      const m12 = v128.xor(m1, m11);
      const m13 = v128.xor(q5, m12);
      const m14 = v128.xor(q1, m13);
      const m15 = v128.xor(m2, m13);
      const m16 = v128.xor(m3, m9);
      const m17 = v128.xor(q2, q7);
      const m18 = v128.xor(q5, m17);
      const m19 = v128.xor(m8, m18);
      const m20 = v128.xor(m11, m17);
      const m21 = v128.xor(m1, m20);
      const m22 = v128.xor(m10, m21);
      // Inversion in GF(2^8) through GF(2^4).
      const t2 = v128.and(m16, m19);
      const t4 = v128.xor(v128.and(m5, m8), t2);
      const t6 = v128.xor(v128.and(m12, m18), t2);
      const t7 = v128.and(m3, m15);
      const t9 = v128.xor(v128.and(m4, m2), t7);
      const t11 = v128.xor(v128.and(m11, m13), t7);
      const t12 = v128.and(m1, m21);
      const t14 = v128.xor(v128.and(m9, m22), t12);
      const t16 = v128.xor(v128.and(m7, m10), t12);
      const t21 = v128.xor(v128.xor(t4, t14), m20);
      const t22 = v128.xor(v128.xor(t6, t16), m0);
      const t23 = v128.xor(v128.xor(t9, t14), m14);
      const t24 = v128.xor(v128.xor(t11, t16), m6);
      const t25 = v128.xor(t21, t22);
      const t26 = v128.and(t21, t23);
      const t27 = v128.xor(t24, t26);
      const t29 = v128.xor(v128.and(t25, t27), t22);
      const t30 = v128.xor(t23, t24);
      const t31 = v128.xor(t22, t26);
      const t33 = v128.xor(v128.and(t31, t30), t24);
      const t34 = v128.xor(t23, t33);
      const t35 = v128.xor(t27, t33);
      const t36 = v128.and(t24, t35);
      const t37 = v128.xor(t36, t34);
      const t38 = v128.xor(t27, t36);
      const t40 = v128.xor(t25, v128.and(t29, t38));
      const t41 = v128.xor(t40, t37);
      const t42 = v128.xor(t29, t33);
      const t43 = v128.xor(t29, t40);
      const t44 = v128.xor(t33, t37);
      const t45 = v128.xor(t42, t41);
      const z0 = v128.and(t44, m19);
      const z1 = v128.and(t37, m8);
      const z2 = v128.and(t33, m18);
      const z3 = v128.and(t43, m15);
      const z4 = v128.and(t40, m2);
      const z5 = v128.and(t29, m13);
      const z6 = v128.and(t42, m21);
      const z7 = v128.and(t45, m22);
      const z8 = v128.and(t41, m10);
      const z9 = v128.and(t44, m16);
      const z10 = v128.and(t37, m5);
      const z11 = v128.and(t33, m12);
      const z12 = v128.and(t43, m3);
      const z13 = v128.and(t40, m4);
      const z14 = v128.and(t29, m11);
      const z15 = v128.and(t42, m1);
      const z16 = v128.and(t45, m9);
      const z17 = v128.and(t41, m7);
      // Bottom linear layer.
      const n0 = v128.xor(z6, z15);
      const n1 = v128.xor(z13, n0);
      const n2 = v128.xor(z12, n1);
      const n3 = v128.xor(z16, n2);
      const n4 = v128.xor(z8, n3);
      const n5 = v128.xor(z3, z4);
      const n6 = v128.xor(z2, z10);
      const n7 = v128.xor(z5, n4);
      const n8 = v128.xor(z3, n7);
      const n9 = v128.xor(z1, n5);
      const n10 = v128.xor(z9, z17);
      const n11 = v128.xor(n6, n9);
      const n12 = v128.xor(z14, n11);
      const n13 = v128.xor(z0, n4);
      const n14 = v128.xor(z2, n13);
      const n15 = v128.xor(z7, n5);
      const n16 = v128.xor(n3, n15);
      const n17 = v128.xor(z11, z15);
      const n18 = v128.xor(n10, n17);
      const n19 = v128.xor(z0, n9);
      const n20 = v128.xor(n8, n19);
      const n21 = v128.xor(z11, n4);
      const n22 = v128.xor(z13, n21);
      const n23 = v128.xor(n12, n22);
      const n24 = v128.xor(z6, n3);
      const n25 = v128.xor(n18, n23);
      const n26 = v128.xor(n24, n25);
      const n27 = v128.xor(z16, n11);
      const n28 = v128.xor(z17, n21);
      const n29 = v128.xor(n20, n27);
      const n30 = v128.xor(n28, n29);
      const n31 = v128.xor(n16, n30);
      // InvShiftRows, then the round key: all ones where its bit is one.
      r -= 1;
      const key = turnedKey(state, r);
      q0 = v128.xor(i8x16.swizzle(n18, rows), i8x16.eq(v128.and(key, bit0), bit0));
      q1 = v128.xor(i8x16.swizzle(n16, rows), i8x16.eq(v128.and(key, bit1), bit1));
      q2 = v128.xor(i8x16.swizzle(n20, rows), i8x16.eq(v128.and(key, bit2), bit2));
      q3 = v128.xor(i8x16.swizzle(n31, rows), i8x16.eq(v128.and(key, bit3), bit3));
      q4 = v128.xor(i8x16.swizzle(n14, rows), i8x16.eq(v128.and(key, bit4), bit4));
      q5 = v128.xor(i8x16.swizzle(n23, rows), i8x16.eq(v128.and(key, bit5), bit5));
      q6 = v128.xor(i8x16.swizzle(n26, rows), i8x16.eq(v128.and(key, bit6), bit6));
      q7 = v128.xor(i8x16.swizzle(n8, rows), i8x16.eq(v128.and(key, bit7), bit7));
      if (r === 0) break;
      // InvMixColumns: 4·(a ⊕ a₂) is added to each byte, then MixColumns; row r + 1 is the next lane.
      const c0 = v128.xor(q0, v128.shuffle<u32>(q0, q0, 2, 3, 0, 1));
      const c1 = v128.xor(q1, v128.shuffle<u32>(q1, q1, 2, 3, 0, 1));
      const c2 = v128.xor(q2, v128.shuffle<u32>(q2, q2, 2, 3, 0, 1));
      const c3 = v128.xor(q3, v128.shuffle<u32>(q3, q3, 2, 3, 0, 1));
      const c4 = v128.xor(q4, v128.shuffle<u32>(q4, q4, 2, 3, 0, 1));
      const c5 = v128.xor(q5, v128.shuffle<u32>(q5, q5, 2, 3, 0, 1));
      const c6 = v128.xor(q6, v128.shuffle<u32>(q6, q6, 2, 3, 0, 1));
      const c7 = v128.xor(q7, v128.shuffle<u32>(q7, q7, 2, 3, 0, 1));
      const c67 = v128.xor(c6, c7);
      q0 = v128.xor(q0, c6);
      q1 = v128.xor(q1, c67);
      q2 = v128.xor(q2, v128.xor(c0, c7));
      q3 = v128.xor(q3, v128.xor(c1, c6));
      q4 = v128.xor(q4, v128.xor(c2, c67));
      q5 = v128.xor(q5, v128.xor(c3, c7));
      q6 = v128.xor(q6, c4);
      q7 = v128.xor(q7, c5);
      const r0 = v128.shuffle<u32>(q0, q0, 1, 2, 3, 0);
      const r1 = v128.shuffle<u32>(q1, q1, 1, 2, 3, 0);
      const r2 = v128.shuffle<u32>(q2, q2, 1, 2, 3, 0);
      const r3 = v128.shuffle<u32>(q3, q3, 1, 2, 3, 0);
      const r4 = v128.shuffle<u32>(q4, q4, 1, 2, 3, 0);
      const r5 = v128.shuffle<u32>(q5, q5, 1, 2, 3, 0);
      const r6 = v128.shuffle<u32>(q6, q6, 1, 2, 3, 0);
      const r7 = v128.shuffle<u32>(q7, q7, 1, 2, 3, 0);
      const d0 = v128.xor(q0, r0);
      const d1 = v128.xor(q1, r1);
      const d2 = v128.xor(q2, r2);
      const d3 = v128.xor(q3, r3);
      const d4 = v128.xor(q4, r4);
      const d5 = v128.xor(q5, r5);
      const d6 = v128.xor(q6, r6);
      const d7 = v128.xor(q7, r7);
      q0 = v128.xor(v128.xor(d7, r0), v128.shuffle<u32>(d0, d0, 2, 3, 0, 1));
      q1 = v128.xor(v128.xor(v128.xor(d0, d7), r1), v128.shuffle<u32>(d1, d1, 2, 3, 0, 1));
      q2 = v128.xor(v128.xor(d1, r2), v128.shuffle<u32>(d2, d2, 2, 3, 0, 1));
      q3 = v128.xor(v128.xor(v128.xor(d2, d7), r3), v128.shuffle<u32>(d3, d3, 2, 3, 0, 1));
      q4 = v128.xor(v128.xor(v128.xor(d3, d7), r4), v128.shuffle<u32>(d4, d4, 2, 3, 0, 1));
      q5 = v128.xor(v128.xor(d4, r5), v128.shuffle<u32>(d5, d5, 2, 3, 0, 1));
      q6 = v128.xor(v128.xor(d5, r6), v128.shuffle<u32>(d6, d6, 2, 3, 0, 1));
      q7 = v128.xor(v128.xor(d6, r7), v128.shuffle<u32>(d7, d7, 2, 3, 0, 1));
    }
    t = v128.and(v128.xor(i64x2.shr_u(q0, 1), q1), m1);
    q1 = v128.xor(q1, t);
    q0 = v128.xor(q0, i64x2.shl(t, 1));
    t = v128.and(v128.xor(i64x2.shr_u(q2, 1), q3), m1);
    q3 = v128.xor(q3, t);
    q2 = v128.xor(q2, i64x2.shl(t, 1));
    t = v128.and(v128.xor(i64x2.shr_u(q4, 1), q5), m1);
    q5 = v128.xor(q5, t);
    q4 = v128.xor(q4, i64x2.shl(t, 1));
    t = v128.and(v128.xor(i64x2.shr_u(q6, 1), q7), m1);
    q7 = v128.xor(q7, t);
    q6 = v128.xor(q6, i64x2.shl(t, 1));
    t = v128.and(v128.xor(i64x2.shr_u(q0, 2), q2), m2);
    q2 = v128.xor(q2, t);
    q0 = v128.xor(q0, i64x2.shl(t, 2));
    t = v128.and(v128.xor(i64x2.shr_u(q1, 2), q3), m2);
    q3 = v128.xor(q3, t);
    q1 = v128.xor(q1, i64x2.shl(t, 2));
    t = v128.and(v128.xor(i64x2.shr_u(q4, 2), q6), m2);
    q6 = v128.xor(q6, t);
    q4 = v128.xor(q4, i64x2.shl(t, 2));
    t = v128.and(v128.xor(i64x2.shr_u(q5, 2), q7), m2);
    q7 = v128.xor(q7, t);
    q5 = v128.xor(q5, i64x2.shl(t, 2));
    t = v128.and(v128.xor(i64x2.shr_u(q0, 4), q4), m4);
    q4 = v128.xor(q4, t);
    q0 = v128.xor(q0, i64x2.shl(t, 4));
    t = v128.and(v128.xor(i64x2.shr_u(q1, 4), q5), m4);
    q5 = v128.xor(q5, t);
    q1 = v128.xor(q1, i64x2.shl(t, 4));
    t = v128.and(v128.xor(i64x2.shr_u(q2, 4), q6), m4);
    q6 = v128.xor(q6, t);
    q2 = v128.xor(q2, i64x2.shl(t, 4));
    t = v128.and(v128.xor(i64x2.shr_u(q3, 4), q7), m4);
    q7 = v128.xor(q7, t);
    q3 = v128.xor(q3, i64x2.shl(t, 4));
    const next = v128.load(src, 112);
    q0 = v128.xor(i8x16.swizzle(q0, turn), chain);
    q1 = v128.xor(i8x16.swizzle(q1, turn), v128.load(src, 0));
    q2 = v128.xor(i8x16.swizzle(q2, turn), v128.load(src, 16));
    q3 = v128.xor(i8x16.swizzle(q3, turn), v128.load(src, 32));
    q4 = v128.xor(i8x16.swizzle(q4, turn), v128.load(src, 48));
    q5 = v128.xor(i8x16.swizzle(q5, turn), v128.load(src, 64));
    q6 = v128.xor(i8x16.swizzle(q6, turn), v128.load(src, 80));
    q7 = v128.xor(i8x16.swizzle(q7, turn), v128.load(src, 96));
    v128.store(dst, q0, 0);
    v128.store(dst, q1, 16);
    v128.store(dst, q2, 32);
    v128.store(dst, q3, 48);
    v128.store(dst, q4, 64);
    v128.store(dst, q5, 80);
    v128.store(dst, q6, 96);
    v128.store(dst, q7, 112);
    chain = next;
    src += 128;
    dst += 128;
  }
  v128.store(iv, chain);
}
