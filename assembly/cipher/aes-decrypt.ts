// AES decryption rounds on bit planes: aes-planes.ts says how they are laid out. InvSubBytes is the circuit of 121 gates by
// Boyar and Peralta (Circuit Minimization Team, Sinv), less its NOTs, which the round keys contain: they are the ones of
// encryption. Straight-line code in locals: no branch and no address depends on data.

import { turn, turn2, twoShifts, unpack } from "./aes-planes";

/** All rounds, FIPS 197 §5.3; parameters as in `encryptRounds`, which it undoes. */
export function decryptRounds<T extends number>(q: usize, keys: usize, rounds: i32): void {
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
  const size: usize = sizeof<T>() === 8 ? 16 : 32;
  let key = keys + (rounds as usize) * size;
  for (let r = rounds; ; key -= size) {
    // AddRoundKey.
    if (sizeof<T>() === 8) {
      const low = load<u64>(key);
      const high = load<u64>(key, 8);
      x0 = (x0 ^ (unpack(low, 0) as T)) as T;
      x1 = (x1 ^ (unpack(low, 1) as T)) as T;
      x2 = (x2 ^ (unpack(low, 2) as T)) as T;
      x3 = (x3 ^ (unpack(low, 3) as T)) as T;
      x4 = (x4 ^ (unpack(high, 0) as T)) as T;
      x5 = (x5 ^ (unpack(high, 1) as T)) as T;
      x6 = (x6 ^ (unpack(high, 2) as T)) as T;
      x7 = (x7 ^ (unpack(high, 3) as T)) as T;
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
    if (r === 0) break;
    if (r < rounds) {
      const step = r & 3;
      // InvMixColumns is MixColumns of a ⊕ 4·(a ⊕ a₂): the matrix 14,11,13,9 is 2,3,1,1 times 5,0,4,0.
      // c = a ⊕ a₂
      let c0: T;
      let c1: T;
      let c2: T;
      let c3: T;
      let c4: T;
      let c5: T;
      let c6: T;
      let c7: T;
      if ((step & 1) === 0) {
        c0 = (x0 ^ turn<T>(x0, 32)) as T;
        c1 = (x1 ^ turn<T>(x1, 32)) as T;
        c2 = (x2 ^ turn<T>(x2, 32)) as T;
        c3 = (x3 ^ turn<T>(x3, 32)) as T;
        c4 = (x4 ^ turn<T>(x4, 32)) as T;
        c5 = (x5 ^ turn<T>(x5, 32)) as T;
        c6 = (x6 ^ turn<T>(x6, 32)) as T;
        c7 = (x7 ^ turn<T>(x7, 32)) as T;
      } else {
        c0 = (x0 ^ turn2<T>(x0, 40, 24, mask2)) as T;
        c1 = (x1 ^ turn2<T>(x1, 40, 24, mask2)) as T;
        c2 = (x2 ^ turn2<T>(x2, 40, 24, mask2)) as T;
        c3 = (x3 ^ turn2<T>(x3, 40, 24, mask2)) as T;
        c4 = (x4 ^ turn2<T>(x4, 40, 24, mask2)) as T;
        c5 = (x5 ^ turn2<T>(x5, 40, 24, mask2)) as T;
        c6 = (x6 ^ turn2<T>(x6, 40, 24, mask2)) as T;
        c7 = (x7 ^ turn2<T>(x7, 40, 24, mask2)) as T;
      }
      const c67 = c6 ^ c7;
      x0 = (x0 ^ c6) as T;
      x1 = (x1 ^ c67) as T;
      x2 = (x2 ^ c0 ^ c7) as T;
      x3 = (x3 ^ c1 ^ c6) as T;
      x4 = (x4 ^ c2 ^ c67) as T;
      x5 = (x5 ^ c3 ^ c7) as T;
      x6 = (x6 ^ c4) as T;
      x7 = (x7 ^ c5) as T;
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
    r--;

    // InvSubBytes: top linear layer.
    const y0 = x7 ^ x4;
    const y2 = x6 ^ x4;
    const y4 = x7 ^ y2;
    const v0 = x1 ^ x0;
    const y1 = y2 ^ v0;
    const y7 = x5 ^ y1;
    const v1 = x4 ^ x3;
    const y6 = x0 ^ v1;
    const y3 = y1 ^ v1;
    const y5 = x2 ^ x7 ^ x5;
    const sa1 = y0 ^ y2;
    const sa0 = y1 ^ y3;
    const sb1 = y4 ^ y6;
    const sb0 = y5 ^ y7;
    const ah = y0 ^ y1;
    const al = y2 ^ y3;
    const aa = sa0 ^ sa1;
    const bh = y4 ^ y5;
    const bl = y6 ^ y7;
    const bb = sb0 ^ sb1;
    // Product in GF(2^4), and its inverse d.
    const p0 = ah & bh;
    const p1 = al & bl;
    const p2 = sa0 & sb0;
    const p3 = (aa & bb) ^ p2;
    const p4 = (sa1 & sb1) ^ p2;
    const g1 = sa0 ^ sb0 ^ p0 ^ (y0 & y4) ^ p3;
    const g2 = (y1 & y5) ^ p0 ^ sa1 ^ sb1 ^ p4;
    const g3 = al ^ bl ^ p1 ^ (y2 & y6) ^ p3;
    const g4 = (y3 & y7) ^ p1 ^ p4 ^ y3 ^ y7;
    const h1 = g3 ^ g4;
    const h2 = g3 & g1;
    const h3 = g2 ^ h2;
    const h4 = g1 ^ g2;
    const h5 = g4 ^ h2;
    const d2 = g4 ^ (h3 & h1);
    const d0 = g2 ^ (h5 & h4);
    const d1 = (h4 & g1 & g4) ^ h4 ^ h2;
    const d3 = (h1 & g2 & g3) ^ h1 ^ h2;
    const sd1 = d1 ^ d3;
    const sd0 = d0 ^ d2;
    const dl = d0 ^ d1;
    const dh = d2 ^ d3;
    const dd = sd0 ^ sd1;
    // Products with d.
    const k1 = dh & bh;
    const k2 = dl & bl;
    const k3 = sd0 & sb0;
    const k4 = (dd & bb) ^ k3;
    const k5 = (sd1 & sb1) ^ k3;
    const k6 = dh & ah;
    const k7 = dl & al;
    const k8 = sd0 & sa0;
    const k9 = (dd & aa) ^ k8;
    const k10 = (sd1 & sa1) ^ k8;
    const m0 = (d3 & y4) ^ k1 ^ k4;
    const m1 = (d2 & y5) ^ k1 ^ k5;
    const m2 = (d1 & y6) ^ k2 ^ k4;
    const m3 = (d0 & y7) ^ k2 ^ k5;
    const m4 = (d3 & y0) ^ k6 ^ k9;
    const m5 = (d2 & y1) ^ k6 ^ k10;
    const m6 = (d1 & y2) ^ k7 ^ k9;
    const m7 = (d0 & y3) ^ k7 ^ k10;
    // Bottom linear layer.
    const n0 = m0 ^ m2;
    const n1 = n0 ^ m4 ^ m7;
    const n2 = m1 ^ m5;
    const s0 = m3 ^ m6;
    const s3 = m1 ^ m6;
    const s5 = s0 ^ n0;
    x0 = m5 as T;
    x1 = (m2 ^ m6) as T;
    x2 = s5 as T;
    x3 = (m0 ^ m4 ^ s5 ^ n2) as T;
    x4 = s3 as T;
    x5 = (n1 ^ n2) as T;
    x6 = (s3 ^ n1) as T;
    x7 = s0 as T;
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
