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
let columns: usize = 0;
let quotients: usize = 0;

/** Width of the limbs for a modulus of `bits` bits. */
export function widthFor(bits: i32): i32 {
  return bits <= 3584 ? 29 : 28;
}

/** n limbs of w bits, the modulus, -1/modulus mod 2^w, 2n columns of 8 bytes, n limbs for the quotient digits. */
export function setKernel(n: i32, w: i32, mod: usize, inverse: i32, cols: usize, digits: usize): void {
  count = n as usize;
  width = w as i64;
  half = (1 as i64) << ((w - 1) as i64);
  factor = inverse as i64;
  modulus = mod;
  columns = cols;
  quotients = digits;
}

export function limbGet(num: usize, i: i32): i32 {
  return load<i32>(num + ((i << 2) as usize));
}

export function limbPut(num: usize, i: i32, value: i32): void {
  store<i32>(num + ((i << 2) as usize), value);
}

/** columns = a * b. */
export function mulColumns(a: usize, b: usize): void {
  const size = count << 2;
  let t = columns;
  // k: four times the first of four columns. Rows lo..hi of b meet limbs of a, or the zeros around them.
  for (let k: usize = 0; k < size << 1; k += 16) {
    const lo: usize = k < size ? 0 : k - size;
    const end = b + (k < size ? k + 16 : size);
    let x = a + k - lo - 12;
    let s0 = i64x2.splat(0);
    let s1 = i64x2.splat(0);
    for (let y = b + lo; y < end; y += 16) {
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
    v128.store(t, s0);
    v128.store(t, s1, 16);
    t += 32;
  }
}

/** columns = a * a: products of two different limbs once, doubled, then the squares. */
export function squareColumns(a: usize): void {
  const size = count << 2;
  let t = columns;
  for (let k: usize = 0; k < size << 1; k += 16) {
    const lo: usize = k < size ? 0 : k - size;
    const end = a + (k >> 1);
    let x = a + k - lo - 4;
    let s0 = i64x2.splat(0);
    let s1 = i64x2.splat(0);
    for (let y = a + lo; y < end; y += 8) {
      let r = v128.load32_splat(y);
      let v = v128.load(x, 4);
      s0 = i64x2.add(s0, i64x2.extmul_low_i32x4_s(r, v));
      s1 = i64x2.add(s1, i64x2.extmul_high_i32x4_s(r, v));
      r = v128.load32_splat(y, 4);
      v = v128.load(x);
      s0 = i64x2.add(s0, i64x2.extmul_low_i32x4_s(r, v));
      s1 = i64x2.add(s1, i64x2.extmul_high_i32x4_s(r, v));
      x -= 8;
    }
    // The diagonal: limbs c and c + 1 (c = half the column) with those above them, and their squares.
    let r = v128.load32_splat(end);
    let v = v128.and(v128.load(end), i32x4(0, -1, -1, -1));
    s0 = i64x2.add(s0, i64x2.extmul_low_i32x4_s(r, v));
    s1 = i64x2.add(s1, i64x2.extmul_high_i32x4_s(r, v));
    r = v128.load32_splat(end, 4);
    v = v128.and(v128.load(end - 4), i32x4(0, 0, 0, -1));
    s1 = i64x2.add(s1, i64x2.extmul_high_i32x4_s(r, v));
    r = v128.load32_zero(end);
    v = v128.load32_zero(end, 4);
    v128.store(t, i64x2.add(i64x2.shl(s0, 1), i64x2.extmul_low_i32x4_s(r, r)));
    v128.store(t, i64x2.add(i64x2.shl(s1, 1), i64x2.extmul_low_i32x4_s(v, v)), 16);
    t += 32;
  }
}

/** columns = a. */
export function loadColumns(a: usize): void {
  for (let i: usize = 0; i < count; i++) {
    store<i64>(columns + (i << 3), load<i32>(a + (i << 2)) as i64);
    store<i64>(columns + ((i + count) << 3), 0);
  }
}

/** out = columns / R mod modulus, R = 2^(w*n), limbs in ±2^(w-1); |out| < |value of columns| / R + modulus / 2 + 1. */
export function reduceColumns(out: usize): void {
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
  let t = columns;
  let carry: i64 = 0;
  for (let k: usize = 0; k < size << 1; k += 16) {
    const isLow = k < size;
    const lo: usize = isLow ? 0 : k - size;
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
    const t0 = load<i64>(t);
    const t1 = load<i64>(t, 8);
    const t2 = load<i64>(t, 16);
    const t3 = load<i64>(t, 24);
    t += 32;
    let a = i64x2.extract_lane(s0, 0) + (t0 & mask) + carry;
    let b = i64x2.extract_lane(s0, 1) + (t1 & mask);
    let c = i64x2.extract_lane(s1, 0) + (t2 & mask);
    let d = i64x2.extract_lane(s1, 1) + (t3 & mask);
    if (isLow) {
      const q0 = ((a * inv) << rest) >> rest;
      a += q0 * n0;
      b += q0 * n1 + (a >> w) + (t0 >> w);
      const q1 = ((b * inv) << rest) >> rest;
      b += q1 * n0;
      c += q0 * n2 + q1 * n1 + (b >> w) + (t1 >> w);
      const q2 = ((c * inv) << rest) >> rest;
      c += q2 * n0;
      d += q0 * n3 + q1 * n2 + q2 * n1 + (c >> w) + (t2 >> w);
      const q3 = ((d * inv) << rest) >> rest;
      d += q3 * n0;
      carry = (d >> w) + (t3 >> w);
      store<i32>(end, q0 as i32);
      store<i32>(end, q1 as i32, 4);
      store<i32>(end, q2 as i32, 8);
      store<i32>(end, q3 as i32, 12);
    } else {
      const o = out + lo;
      carry = (a + round) >> w;
      store<i32>(o, (a - (carry << w)) as i32);
      b += carry + (t0 >> w);
      carry = (b + round) >> w;
      store<i32>(o, (b - (carry << w)) as i32, 4);
      c += carry + (t1 >> w);
      carry = (c + round) >> w;
      store<i32>(o, (c - (carry << w)) as i32, 8);
      d += carry + (t2 >> w);
      carry = (d + round) >> w;
      store<i32>(o, (d - (carry << w)) as i32, 12);
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
