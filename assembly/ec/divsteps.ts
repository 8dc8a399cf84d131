// Inversion modulo an odd number below 2^256 by division steps: Bernstein and Yang, "Fast constant-time gcd computation
// and modular inversion", 2019, in the variant that starts from delta = 1/2, where 590 steps are enough for 0 <= a <= m.
// The number of steps is fixed and nothing but masks depends on the operands.
//
// Numbers are nine limbs of 29 bits as i32, as both fields hold them: the highest has the sign, the others may have one
// of their own. A batch is 29 steps, found from the lowest limbs alone and then applied to all limbs as a matrix.

import { copy } from "../bytes";
import { scratchPop, scratchPush } from "../memory/scratch";

/** 21 batches of 29 steps: 609. */
const BATCHES: i32 = 21;
const MASK: i64 = 0x1fffffff;

// Working space: a place for the limb that a batch clears, then f, g, d, e and the modulus with the same in between.
const STRIDE: i32 = 40;
const F: i32 = 8;
const G: i32 = F + STRIDE;
const D: i32 = G + STRIDE;
const E: i32 = D + STRIDE;
const M: i32 = E + STRIDE;
const WORK: i32 = M + STRIDE;
const BYTES: i32 = 36;

// The steps work on a row of the matrix and its number in one word: x + u * 2^17 + v * 2^34. At most 15 steps fit so.
const U: i64 = 17;
const V: i64 = 34;

/**
 * One batch: f, g = (u f + v g, q f + r g) / 2^29, and the same for d and e, made divisible by adding multiples of m.
 * |u| + |v| and |q| + |r| are 2^29 at most, so no sum of products reaches 2^60.
 *
 * @param zeta  -(delta + 1/2)
 * @returns zeta behind the batch
 */
function batch(w: usize, inverse: i64, zeta: i64): i64 {
  const f0 = load<i32>(w, F) as i64;
  const g0 = load<i32>(w, G) as i64;
  let f = f0;
  let g = g0;
  let u: i64 = 1;
  let v: i64 = 0;
  let q: i64 = 0;
  let r: i64 = 1;
  for (let steps = 15; steps >= 14; steps--) {
    // The unit of the matrix is 2^steps: halving g's row each time leaves integers, all within ±2^15.
    f = (f & 0x7fff) + ((1 as i64) << (U + (steps as i64)));
    g = (g & 0x7fff) + ((1 as i64) << (V + (steps as i64)));
    for (let i = 0; i < steps; i++) {
      // delta > 0 and g odd: f, g = g, (g - f) / 2; else g = (g + f or g) / 2.
      let swap = zeta >> 63;
      const odd = -(g & 1);
      const h = g + (((f ^ swap) - swap) & odd);
      swap &= odd;
      zeta = (zeta ^ swap) - 1;
      f ^= (f ^ g) & swap;
      g = h >> 1;
    }
    f = (f + 0x10000) >> U;
    g = (g + 0x10000) >> U;
    const fu = (f << 47) >> 47;
    const fv = (f - fu) >> U;
    const gu = (g << 47) >> 47;
    const gv = (g - gu) >> U;
    const u0 = u;
    const v0 = v;
    u = fu * u0 + fv * q;
    v = fu * v0 + fv * r;
    q = gu * u0 + gv * q;
    r = gu * v0 + gv * r;
    // What the second half starts from: 14 bits are right.
    f = (u * f0 + v * g0) >> 15;
    g = (q * f0 + r * g0) >> 15;
  }
  const d0 = load<i32>(w, D) as i64;
  const e0 = load<i32>(w, E) as i64;
  const md = (((u * d0 + v * e0) * inverse) << 35) >> 35;
  const me = (((q * d0 + r * e0) * inverse) << 35) >> 35;
  f = 0;
  g = 0;
  let d: i64 = 0;
  let e: i64 = 0;
  for (const end = w + BYTES; w < end; w += 4) {
    const fk = load<i32>(w, F) as i64;
    const gk = load<i32>(w, G) as i64;
    f += u * fk + v * gk;
    g += q * fk + r * gk;
    const dk = load<i32>(w, D) as i64;
    const ek = load<i32>(w, E) as i64;
    const mk = load<i32>(w, M) as i64;
    d += u * dk + v * ek + md * mk;
    e += q * dk + r * ek + me * mk;
    store<i32>(w, (f & MASK) as i32, F - 4);
    store<i32>(w, (g & MASK) as i32, G - 4);
    store<i32>(w, (d & MASK) as i32, D - 4);
    store<i32>(w, (e & MASK) as i32, E - 4);
    f >>= 29;
    g >>= 29;
    d >>= 29;
    e >>= 29;
  }
  store<i32>(w, f as i32, F - 4);
  store<i32>(w, g as i32, G - 4);
  store<i32>(w, d as i32, D - 4);
  store<i32>(w, e as i32, E - 4);
  return zeta;
}

/**
 * out = 1/a mod m; 0 gives 0.
 *
 * d and e grow by m/2 in each batch at most: |out| < 12m, limbs within ±2^29 but for the highest.
 *
 * @param out      [secret] nine limbs
 * @param a        [secret] 0 <= a < m
 * @param m        [public] a prime below 2^256
 * @param inverse  [public] -1/m mod 2^29
 * Scratch: 208 bytes, wiped. `out` may be `a` or `m`.
 */
export function divstepInvert(out: usize, a: usize, m: usize, inverse: i64): void {
  const w = scratchPush(WORK);
  copy(w + F, m, BYTES);
  copy(w + M, m, BYTES);
  copy(w + G, a, BYTES);
  store<i32>(w, 1, E);
  let zeta: i64 = -1;
  for (let i = 0; i < BATCHES; i++) zeta = batch(w, inverse, zeta);
  // f is 1 or -1 now, and d = f / a; for 0, f is m still, and d is 0.
  const sign = load<i32>(w, F + 32) >> 31;
  for (let i = 0; i < BYTES; i += 4) store<i32>(out + i, (load<i32>(w + i, D) ^ sign) - sign);
  scratchPop(WORK);
}
