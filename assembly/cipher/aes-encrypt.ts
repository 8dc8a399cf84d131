// AES encryption rounds on bit planes: aes-planes.ts says how they are laid out. SubBytes is the circuit of 113 gates by
// Boyar, Peralta and Calik (Circuit Minimization Team, SLP_AES_113), less its four NOTs, which the round keys contain.
// Straight-line code in locals: no branch and no address depends on data.

import { turn, turn2, twoShifts, unpack } from "./aes-planes";

/**
 * All rounds, FIPS 197 §5.1.
 *
 * @param q       [secret] eight planes of T, aligned; replaced
 * @param keys    [secret] `rounds` + 1 round keys of 16 bytes (u64: packed planes) or 32 bytes (u32: eight planes)
 * @param rounds  [public] 10, 12 or 14; 1 with keys of zero is SubBytes alone, without its constant
 * @param first   true if only the first block counts (u64): the others' key bits are left as they come
 */
export function encryptRounds<T extends number>(q: usize, keys: usize, rounds: i32, first: bool): void {
  // Columns that stay within a row when turned by one, two or three.
  const mask1 = (sizeof<T>() === 8 ? 0x0fff0fff0fff0fff : 0x3f3f3f3f) as T;
  const mask2 = (sizeof<T>() === 8 ? 0x00ff00ff00ff00ff : 0x0f0f0f0f) as T;
  const mask3 = (sizeof<T>() === 8 ? 0x000f000f000f000f : 0x03030303) as T;
  let x0 = load<T>(q);
  let x1 = load<T>(q, 1 * sizeof<T>());
  let x2 = load<T>(q, 2 * sizeof<T>());
  let x3 = load<T>(q, 3 * sizeof<T>());
  let x4 = load<T>(q, 4 * sizeof<T>());
  let x5 = load<T>(q, 5 * sizeof<T>());
  let x6 = load<T>(q, 6 * sizeof<T>());
  let x7 = load<T>(q, 7 * sizeof<T>());
  const size: usize = sizeof<T>() === 8 ? 16 : 32;
  let key = keys;
  for (let r = 0; ; key += size) {
    // AddRoundKey.
    if (sizeof<T>() === 8) {
      const low = load<u64>(key);
      const high = load<u64>(key, 8);
      if (first) {
        x0 = (x0 ^ (low as T)) as T;
        x1 = (x1 ^ ((low >> 1) as T)) as T;
        x2 = (x2 ^ ((low >> 2) as T)) as T;
        x3 = (x3 ^ ((low >> 3) as T)) as T;
        x4 = (x4 ^ (high as T)) as T;
        x5 = (x5 ^ ((high >> 1) as T)) as T;
        x6 = (x6 ^ ((high >> 2) as T)) as T;
        x7 = (x7 ^ ((high >> 3) as T)) as T;
      } else {
        x0 = (x0 ^ (unpack(low, 0) as T)) as T;
        x1 = (x1 ^ (unpack(low, 1) as T)) as T;
        x2 = (x2 ^ (unpack(low, 2) as T)) as T;
        x3 = (x3 ^ (unpack(low, 3) as T)) as T;
        x4 = (x4 ^ (unpack(high, 0) as T)) as T;
        x5 = (x5 ^ (unpack(high, 1) as T)) as T;
        x6 = (x6 ^ (unpack(high, 2) as T)) as T;
        x7 = (x7 ^ (unpack(high, 3) as T)) as T;
      }
    } else {
      x0 = (x0 ^ load<T>(key)) as T;
      x1 = (x1 ^ load<T>(key, 4)) as T;
      x2 = (x2 ^ load<T>(key, 8)) as T;
      x3 = (x3 ^ load<T>(key, 12)) as T;
      x4 = (x4 ^ load<T>(key, 16)) as T;
      x5 = (x5 ^ load<T>(key, 20)) as T;
      x6 = (x6 ^ load<T>(key, 24)) as T;
      x7 = (x7 ^ load<T>(key, 28)) as T;
    }
    if (r === rounds) break;
    r++;

    // SubBytes: top linear layer.
    const y14 = x4 ^ x2;
    const y13 = x7 ^ x1;
    const y9 = x7 ^ x4;
    const y8 = x7 ^ x2;
    const t0 = x6 ^ x5;
    const y1 = t0 ^ x0;
    const y4 = y1 ^ x4;
    const y12 = y13 ^ y14;
    const y2 = y1 ^ x7;
    const y5 = y1 ^ x1;
    const y3 = y5 ^ y8;
    const t1 = x3 ^ y12;
    const y15 = t1 ^ x2;
    const y20 = t1 ^ x6;
    const y6 = y15 ^ x0;
    const y10 = y15 ^ t0;
    const y11 = y20 ^ y9;
    const y7 = x0 ^ y11;
    const y17 = y10 ^ y11;
    const y19 = y10 ^ y8;
    const y16 = t0 ^ y11;
    const y21 = y13 ^ y16;
    const y18 = x7 ^ y16;
    // Inversion in GF(2^8) through GF(2^4).
    const t2 = y12 & y15;
    const t4 = (y3 & y6) ^ t2;
    const t6 = (y4 & x0) ^ t2;
    const t7 = y13 & y16;
    const t9 = (y5 & y1) ^ t7;
    const t11 = (y2 & y7) ^ t7;
    const t12 = y9 & y11;
    const t14 = (y14 & y17) ^ t12;
    const t16 = (y8 & y10) ^ t12;
    const t21 = t4 ^ y20 ^ t14;
    const t22 = t6 ^ t16 ^ y19;
    const t23 = t9 ^ t14 ^ y21;
    const t24 = t11 ^ t16 ^ y18;
    const t25 = t21 ^ t22;
    const t26 = t21 & t23;
    const t27 = t24 ^ t26;
    const t29 = (t25 & t27) ^ t22;
    const t30 = t23 ^ t24;
    const t31 = t22 ^ t26;
    const t33 = (t31 & t30) ^ t24;
    const t34 = t23 ^ t33;
    const t35 = t27 ^ t33;
    const t36 = t24 & t35;
    const t37 = t36 ^ t34;
    const t38 = t27 ^ t36;
    const t40 = t25 ^ (t29 & t38);
    const t41 = t40 ^ t37;
    const t42 = t29 ^ t33;
    const t43 = t29 ^ t40;
    const t44 = t33 ^ t37;
    const t45 = t42 ^ t41;
    const z0 = t44 & y15;
    const z1 = t37 & y6;
    const z2 = t33 & x0;
    const z3 = t43 & y16;
    const z4 = t40 & y1;
    const z5 = t29 & y7;
    const z6 = t42 & y11;
    const z7 = t45 & y17;
    const z8 = t41 & y10;
    const z9 = t44 & y12;
    const z10 = t37 & y3;
    const z11 = t33 & y4;
    const z12 = t43 & y13;
    const z13 = t40 & y5;
    const z14 = t29 & y2;
    const z15 = t42 & y9;
    const z16 = t45 & y14;
    const z17 = t41 & y8;
    // Bottom linear layer.
    const c1 = z15 ^ z16;
    const c2 = z10 ^ c1;
    const c3 = z9 ^ c2;
    const c4 = z0 ^ z2;
    const c6 = z3 ^ z4;
    const c8 = z7 ^ c6;
    const c10 = c8 ^ z8 ^ z12 ^ c4;
    const c14 = c4 ^ z3 ^ z5;
    const c16 = z6 ^ c8;
    const c17 = z14 ^ c10;
    const c18 = z13 ^ c1 ^ c14;
    const s3 = c3 ^ c6 ^ z1 ^ z0;
    x0 = (z12 ^ c18) as T;
    x1 = (c10 ^ c18) as T;
    x2 = (c2 ^ z11 ^ c17) as T;
    x3 = (c14 ^ s3) as T;
    x4 = s3 as T;
    x5 = (c17 ^ z15 ^ c16 ^ z17) as T;
    x6 = (s3 ^ c16) as T;
    x7 = (c3 ^ c16) as T;
    if (r === rounds) continue;

    const step = r & 3;
    // MixColumns: d = a ⊕ a₁, and 2·d ⊕ a₁ ⊕ d₂, where aₙ is n rows on: n·step columns further, as things stand.
    let r0: T;
    let r1: T;
    let r2: T;
    let r3: T;
    let r4: T;
    let r5: T;
    let r6: T;
    let r7: T;
    if (step === 0) {
      r0 = turn<T>(x0, 16);
      r1 = turn<T>(x1, 16);
      r2 = turn<T>(x2, 16);
      r3 = turn<T>(x3, 16);
      r4 = turn<T>(x4, 16);
      r5 = turn<T>(x5, 16);
      r6 = turn<T>(x6, 16);
      r7 = turn<T>(x7, 16);
    } else if (step === 1) {
      r0 = turn2<T>(x0, 20, 4, mask1);
      r1 = turn2<T>(x1, 20, 4, mask1);
      r2 = turn2<T>(x2, 20, 4, mask1);
      r3 = turn2<T>(x3, 20, 4, mask1);
      r4 = turn2<T>(x4, 20, 4, mask1);
      r5 = turn2<T>(x5, 20, 4, mask1);
      r6 = turn2<T>(x6, 20, 4, mask1);
      r7 = turn2<T>(x7, 20, 4, mask1);
    } else if (step === 2) {
      r0 = turn2<T>(x0, 24, 8, mask2);
      r1 = turn2<T>(x1, 24, 8, mask2);
      r2 = turn2<T>(x2, 24, 8, mask2);
      r3 = turn2<T>(x3, 24, 8, mask2);
      r4 = turn2<T>(x4, 24, 8, mask2);
      r5 = turn2<T>(x5, 24, 8, mask2);
      r6 = turn2<T>(x6, 24, 8, mask2);
      r7 = turn2<T>(x7, 24, 8, mask2);
    } else {
      r0 = turn2<T>(x0, 28, 12, mask3);
      r1 = turn2<T>(x1, 28, 12, mask3);
      r2 = turn2<T>(x2, 28, 12, mask3);
      r3 = turn2<T>(x3, 28, 12, mask3);
      r4 = turn2<T>(x4, 28, 12, mask3);
      r5 = turn2<T>(x5, 28, 12, mask3);
      r6 = turn2<T>(x6, 28, 12, mask3);
      r7 = turn2<T>(x7, 28, 12, mask3);
    }
    const d0 = (x0 ^ r0) as T;
    const d1 = (x1 ^ r1) as T;
    const d2 = (x2 ^ r2) as T;
    const d3 = (x3 ^ r3) as T;
    const d4 = (x4 ^ r4) as T;
    const d5 = (x5 ^ r5) as T;
    const d6 = (x6 ^ r6) as T;
    const d7 = (x7 ^ r7) as T;
    let e0: T;
    let e1: T;
    let e2: T;
    let e3: T;
    let e4: T;
    let e5: T;
    let e6: T;
    let e7: T;
    if ((step & 1) === 0) {
      e0 = turn<T>(d0, 32);
      e1 = turn<T>(d1, 32);
      e2 = turn<T>(d2, 32);
      e3 = turn<T>(d3, 32);
      e4 = turn<T>(d4, 32);
      e5 = turn<T>(d5, 32);
      e6 = turn<T>(d6, 32);
      e7 = turn<T>(d7, 32);
    } else {
      e0 = turn2<T>(d0, 40, 24, mask2);
      e1 = turn2<T>(d1, 40, 24, mask2);
      e2 = turn2<T>(d2, 40, 24, mask2);
      e3 = turn2<T>(d3, 40, 24, mask2);
      e4 = turn2<T>(d4, 40, 24, mask2);
      e5 = turn2<T>(d5, 40, 24, mask2);
      e6 = turn2<T>(d6, 40, 24, mask2);
      e7 = turn2<T>(d7, 40, 24, mask2);
    }
    x0 = (d7 ^ r0 ^ e0) as T;
    x1 = (d0 ^ d7 ^ r1 ^ e1) as T;
    x2 = (d1 ^ r2 ^ e2) as T;
    x3 = (d2 ^ d7 ^ r3 ^ e3) as T;
    x4 = (d3 ^ d7 ^ r4 ^ e4) as T;
    x5 = (d4 ^ r5 ^ e5) as T;
    x6 = (d5 ^ r6 ^ e6) as T;
    x7 = (d6 ^ r7 ^ e7) as T;
  }
  if ((rounds & 2) !== 0) {
    x0 = twoShifts<T>(x0);
    x1 = twoShifts<T>(x1);
    x2 = twoShifts<T>(x2);
    x3 = twoShifts<T>(x3);
    x4 = twoShifts<T>(x4);
    x5 = twoShifts<T>(x5);
    x6 = twoShifts<T>(x6);
    x7 = twoShifts<T>(x7);
  }
  store<T>(q, x0);
  store<T>(q, x1, 1 * sizeof<T>());
  store<T>(q, x2, 2 * sizeof<T>());
  store<T>(q, x3, 3 * sizeof<T>());
  store<T>(q, x4, 4 * sizeof<T>());
  store<T>(q, x5, 5 * sizeof<T>());
  store<T>(q, x6, 6 * sizeof<T>());
  store<T>(q, x7, 7 * sizeof<T>());
}
