// Products and Montgomery reduction over signed limbs with SIMD: four columns at a time, two to a vector of i64, fed by
// extended multiplies of i32 lanes. The twins kernel.i64.ts and kernel.f64.ts have the same exports.
//
// Form: kernel.ts. With |limb| <= 2^(w-1), a column of n products stays below n * 2^(2w-2) < 2^63 (n <= 124 for w = 29,
// n <= 148 for w = 28); the columns of a product are split at w bits before those of the reduction join them.

/** Bytes of a limb in memory. */
export const LIMB: i32 = 4;

let count: usize = 0;
let width: i64 = 0;
let half: i64 = 0;
let factor: i64 = 0;
let modulus: usize = 0;
let quotients: usize = 0;

/** Width of the limbs for a modulus of `bits` bits. */
export function widthFor(bits: i32): i32 {
  return bits <= 3584 ? 29 : 28;
}

/** n limbs of w bits, the modulus, -1/modulus mod 2^w, n limbs for the quotient digits. */
export function setKernel(n: i32, w: i32, mod: usize, inverse: i32, digits: usize): void {
  count = n as usize;
  width = w as i64;
  half = (1 as i64) << ((w - 1) as i64);
  factor = inverse as i64;
  modulus = mod;
  quotients = digits;
}

export function limbGet(num: usize, i: i32): i32 {
  return load<i32>(num + ((i << 2) as usize));
}

export function limbPut(num: usize, i: i32, value: i32): void {
  store<i32>(num + ((i << 2) as usize), value);
}

/**
 * out = a * b / R mod N, R = 2^(w*n); |out| < |a * b| / R + N / 2 + 1.
 *
 * Column by column, product and reduction in one pass: the processor works on the product of the next columns while it
 * waits for the chain of quotient digits. `out` may be a or b: a limb is written when it is not read any more.
 *
 * @param square  [public] a = b: products of two different limbs are made once and doubled
 */
export function montgomery(out: usize, a: usize, b: usize, square: bool): void {
  const size = count << 2;
  const m = quotients;
  const w = width;
  const rest = 64 - w;
  const mask = ((1 as i64) << w) - 1;
  const round = half;
  const inv = factor;
  const n0 = load<i32>(modulus) as i64;
  const n1 = load<i32>(modulus, 4) as i64;
  const n2 = load<i32>(modulus, 8) as i64;
  const n3 = load<i32>(modulus, 12) as i64;
  let carry: i64 = 0;
  // k: four times the first of four columns. Rows from `lo` on meet limbs of a, or the zeros around them.
  for (let k: usize = 0; k < size << 1; k += 16) {
    const isLow = k < size;
    const lo: usize = isLow ? 0 : k - size;
    let p0 = i64x2.splat(0);
    let p1 = i64x2.splat(0);
    if (square) {
      const end = a + (k >> 1);
      let x = a + k - lo - 4;
      for (let y = a + lo; y < end; y += 8) {
        let r = v128.load32_splat(y);
        let v = v128.load(x, 4);
        p0 = i64x2.add(p0, i64x2.extmul_low_i32x4_s(r, v));
        p1 = i64x2.add(p1, i64x2.extmul_high_i32x4_s(r, v));
        r = v128.load32_splat(y, 4);
        v = v128.load(x);
        p0 = i64x2.add(p0, i64x2.extmul_low_i32x4_s(r, v));
        p1 = i64x2.add(p1, i64x2.extmul_high_i32x4_s(r, v));
        x -= 8;
      }
      // The diagonal: limbs c and c + 1 (c = half the column) with those above them, and their squares.
      let r = v128.load32_splat(end);
      let v = v128.and(v128.load(end), i32x4(0, -1, -1, -1));
      p0 = i64x2.add(p0, i64x2.extmul_low_i32x4_s(r, v));
      p1 = i64x2.add(p1, i64x2.extmul_high_i32x4_s(r, v));
      r = v128.load32_splat(end, 4);
      v = v128.and(v128.load(end - 4), i32x4(0, 0, 0, -1));
      p1 = i64x2.add(p1, i64x2.extmul_high_i32x4_s(r, v));
      r = v128.load32_zero(end);
      v = v128.load32_zero(end, 4);
      p0 = i64x2.add(i64x2.shl(p0, 1), i64x2.extmul_low_i32x4_s(r, r));
      p1 = i64x2.add(i64x2.shl(p1, 1), i64x2.extmul_low_i32x4_s(v, v));
    } else {
      const end = b + (isLow ? k + 16 : size);
      let x = a + k - lo - 12;
      for (let y = b + lo; y < end; y += 16) {
        let r = v128.load32_splat(y);
        let v = v128.load(x, 12);
        p0 = i64x2.add(p0, i64x2.extmul_low_i32x4_s(r, v));
        p1 = i64x2.add(p1, i64x2.extmul_high_i32x4_s(r, v));
        r = v128.load32_splat(y, 4);
        v = v128.load(x, 8);
        p0 = i64x2.add(p0, i64x2.extmul_low_i32x4_s(r, v));
        p1 = i64x2.add(p1, i64x2.extmul_high_i32x4_s(r, v));
        r = v128.load32_splat(y, 8);
        v = v128.load(x, 4);
        p0 = i64x2.add(p0, i64x2.extmul_low_i32x4_s(r, v));
        p1 = i64x2.add(p1, i64x2.extmul_high_i32x4_s(r, v));
        r = v128.load32_splat(y, 12);
        v = v128.load(x);
        p0 = i64x2.add(p0, i64x2.extmul_low_i32x4_s(r, v));
        p1 = i64x2.add(p1, i64x2.extmul_high_i32x4_s(r, v));
        x -= 16;
      }
    }
    const end = m + (isLow ? k : size);
    let x = modulus + k - lo - 12;
    let s0 = i64x2.splat(0);
    let s1 = i64x2.splat(0);
    for (let y = m + lo; y < end; y += 16) {
      let r = v128.load32_splat(y);
      let v = v128.load(x, 12);
      s0 = i64x2.add(s0, i64x2.extmul_low_i32x4_s(r, v));
      s1 = i64x2.add(s1, i64x2.extmul_high_i32x4_s(r, v));
      r = v128.load32_splat(y, 4);
      v = v128.load(x, 8);
      s0 = i64x2.add(s0, i64x2.extmul_low_i32x4_s(r, v));
      s1 = i64x2.add(s1, i64x2.extmul_high_i32x4_s(r, v));
      r = v128.load32_splat(y, 8);
      v = v128.load(x, 4);
      s0 = i64x2.add(s0, i64x2.extmul_low_i32x4_s(r, v));
      s1 = i64x2.add(s1, i64x2.extmul_high_i32x4_s(r, v));
      r = v128.load32_splat(y, 12);
      v = v128.load(x);
      s0 = i64x2.add(s0, i64x2.extmul_low_i32x4_s(r, v));
      s1 = i64x2.add(s1, i64x2.extmul_high_i32x4_s(r, v));
      x -= 16;
    }
    const t0 = i64x2.extract_lane(p0, 0);
    const t1 = i64x2.extract_lane(p0, 1);
    const t2 = i64x2.extract_lane(p1, 0);
    const t3 = i64x2.extract_lane(p1, 1);
    let c0 = i64x2.extract_lane(s0, 0) + (t0 & mask) + carry;
    let c1 = i64x2.extract_lane(s0, 1) + (t1 & mask) + (t0 >> w);
    let c2 = i64x2.extract_lane(s1, 0) + (t2 & mask) + (t1 >> w);
    let c3 = i64x2.extract_lane(s1, 1) + (t3 & mask) + (t2 >> w);
    if (isLow) {
      const q0 = ((c0 * inv) << rest) >> rest;
      c0 += q0 * n0;
      c1 += q0 * n1;
      c1 += c0 >> w;
      const q1 = ((c1 * inv) << rest) >> rest;
      c1 += q1 * n0;
      c2 += q0 * n2 + q1 * n1;
      c2 += c1 >> w;
      const q2 = ((c2 * inv) << rest) >> rest;
      c2 += q2 * n0;
      c3 += q0 * n3 + q1 * n2 + q2 * n1;
      c3 += c2 >> w;
      const q3 = ((c3 * inv) << rest) >> rest;
      c3 += q3 * n0;
      carry = (c3 >> w) + (t3 >> w);
      store<i32>(end, q0 as i32);
      store<i32>(end, q1 as i32, 4);
      store<i32>(end, q2 as i32, 8);
      store<i32>(end, q3 as i32, 12);
    } else {
      const o = out + lo;
      carry = (c0 + round) >> w;
      store<i32>(o, (c0 - (carry << w)) as i32);
      c1 += carry;
      carry = (c1 + round) >> w;
      store<i32>(o, (c1 - (carry << w)) as i32, 4);
      c2 += carry;
      carry = (c2 + round) >> w;
      store<i32>(o, (c2 - (carry << w)) as i32, 8);
      c3 += carry;
      carry = (c3 + round) >> w;
      store<i32>(o, (c3 - (carry << w)) as i32, 12);
      carry += t3 >> w;
    }
  }
}

/** Copies a number into a table entry of 4n bytes. */
export function entryPut(entry: usize, num: usize): void {
  for (let i: usize = 0; i < count << 2; i += 16) v128.store(entry + i, v128.load(num + i));
}

/** num = entry `index` of `entries`: every entry is read, so the index shows in no address. */
export function entryGet(num: usize, table: usize, entries: i32, index: i32): void {
  const size = count << 2;
  for (let i: usize = 0; i < size; i += 16) v128.store(num + i, i64x2.splat(0));
  let entry = table;
  for (let j = 0; j < entries; j++) {
    const diff = j ^ index;
    const mask = i32x4.splat(~((diff | -diff) >> 31));
    for (let i: usize = 0; i < size; i += 16) {
      v128.store(num + i, v128.or(v128.load(num + i), v128.and(v128.load(entry + i), mask)));
    }
    entry += size;
  }
}
