// Products and Montgomery reduction over signed limbs with 64-bit integers: four columns at a time, limbs of one operand
// sliding through four locals. The twins kernel.simd.ts and kernel.f64.ts have the same exports.
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
    let p0: i64 = 0;
    let p1: i64 = 0;
    let p2: i64 = 0;
    let p3: i64 = 0;
    if (square) {
      const end = a + (k >> 1);
      let x = a + k - lo;
      let x0 = load<i32>(x) as i64;
      let x1 = load<i32>(x, 4) as i64;
      let x2 = load<i32>(x, 8) as i64;
      let x3 = load<i32>(x, 12) as i64;
      x -= 8;
      for (let y = a + lo; y < end; y += 8) {
        let r = load<i32>(y) as i64;
        p0 += r * x0;
        p1 += r * x1;
        p2 += r * x2;
        p3 += r * x3;
        r = load<i32>(y, 4) as i64;
        x3 = load<i32>(x, 4) as i64;
        p0 += r * x3;
        p1 += r * x0;
        p2 += r * x1;
        p3 += r * x2;
        x2 = x0;
        const below = load<i32>(x) as i64;
        x0 = below;
        const middle = x3;
        x3 = x1;
        x1 = middle;
        x -= 8;
      }
      // The diagonal: limbs c and c + 1 (c = half the column) with those above them, and their squares.
      const c0 = load<i32>(end) as i64;
      const c1 = load<i32>(end, 4) as i64;
      const c2 = load<i32>(end, 8) as i64;
      const c3 = load<i32>(end, 12) as i64;
      p0 = (p0 << 1) + c0 * c0;
      p1 = (p1 + c0 * c1) << 1;
      p2 = ((p2 + c0 * c2) << 1) + c1 * c1;
      p3 = (p3 + c0 * c3 + c1 * c2) << 1;
    } else {
      const end = b + (isLow ? k + 16 : size);
      let x = a + k - lo;
      let x0 = load<i32>(x) as i64;
      let x1 = load<i32>(x, 4) as i64;
      let x2 = load<i32>(x, 8) as i64;
      let x3 = load<i32>(x, 12) as i64;
      x -= 16;
      for (let y = b + lo; y < end; y += 16) {
        let r = load<i32>(y) as i64;
        p0 += r * x0;
        p1 += r * x1;
        p2 += r * x2;
        p3 += r * x3;
        r = load<i32>(y, 4) as i64;
        x3 = load<i32>(x, 12) as i64;
        p0 += r * x3;
        p1 += r * x0;
        p2 += r * x1;
        p3 += r * x2;
        r = load<i32>(y, 8) as i64;
        x2 = load<i32>(x, 8) as i64;
        p0 += r * x2;
        p1 += r * x3;
        p2 += r * x0;
        p3 += r * x1;
        r = load<i32>(y, 12) as i64;
        x1 = load<i32>(x, 4) as i64;
        p0 += r * x1;
        p1 += r * x2;
        p2 += r * x3;
        p3 += r * x0;
        x0 = load<i32>(x) as i64;
        x -= 16;
      }
    }
    const end = m + (isLow ? k : size);
    let s0 = p0 & mask;
    let s1 = (p1 & mask) + (p0 >> w);
    let s2 = (p2 & mask) + (p1 >> w);
    let s3 = (p3 & mask) + (p2 >> w);
    let x = modulus + k - lo;
    let x0 = load<i32>(x) as i64;
    let x1 = load<i32>(x, 4) as i64;
    let x2 = load<i32>(x, 8) as i64;
    let x3 = load<i32>(x, 12) as i64;
    x -= 16;
    for (let y = m + lo; y < end; y += 16) {
      let r = load<i32>(y) as i64;
      s0 += r * x0;
      s1 += r * x1;
      s2 += r * x2;
      s3 += r * x3;
      r = load<i32>(y, 4) as i64;
      x3 = load<i32>(x, 12) as i64;
      s0 += r * x3;
      s1 += r * x0;
      s2 += r * x1;
      s3 += r * x2;
      r = load<i32>(y, 8) as i64;
      x2 = load<i32>(x, 8) as i64;
      s0 += r * x2;
      s1 += r * x3;
      s2 += r * x0;
      s3 += r * x1;
      r = load<i32>(y, 12) as i64;
      x1 = load<i32>(x, 4) as i64;
      s0 += r * x1;
      s1 += r * x2;
      s2 += r * x3;
      s3 += r * x0;
      x0 = load<i32>(x) as i64;
      x -= 16;
    }
    s0 += carry;
    if (isLow) {
      const q0 = ((s0 * inv) << rest) >> rest;
      s0 += q0 * n0;
      s1 += q0 * n1;
      s1 += s0 >> w;
      const q1 = ((s1 * inv) << rest) >> rest;
      s1 += q1 * n0;
      s2 += q0 * n2 + q1 * n1;
      s2 += s1 >> w;
      const q2 = ((s2 * inv) << rest) >> rest;
      s2 += q2 * n0;
      s3 += q0 * n3 + q1 * n2 + q2 * n1;
      s3 += s2 >> w;
      const q3 = ((s3 * inv) << rest) >> rest;
      s3 += q3 * n0;
      carry = (s3 >> w) + (p3 >> w);
      store<i32>(end, q0 as i32);
      store<i32>(end, q1 as i32, 4);
      store<i32>(end, q2 as i32, 8);
      store<i32>(end, q3 as i32, 12);
    } else {
      const o = out + lo;
      carry = (s0 + round) >> w;
      store<i32>(o, (s0 - (carry << w)) as i32);
      s1 += carry;
      carry = (s1 + round) >> w;
      store<i32>(o, (s1 - (carry << w)) as i32, 4);
      s2 += carry;
      carry = (s2 + round) >> w;
      store<i32>(o, (s2 - (carry << w)) as i32, 8);
      s3 += carry;
      carry = (s3 + round) >> w;
      store<i32>(o, (s3 - (carry << w)) as i32, 12);
      carry += p3 >> w;
    }
  }
}

/** Copies a number into a table entry of 4n bytes. */
export function entryPut(entry: usize, num: usize): void {
  for (let i: usize = 0; i < count << 2; i += 8) store<i64>(entry + i, load<i64>(num + i));
}

/** num = entry `index` of `entries`: every entry is read, so the index shows in no address. */
export function entryGet(num: usize, table: usize, entries: i32, index: i32): void {
  const size = count << 2;
  for (let i: usize = 0; i < size; i += 8) store<i64>(num + i, 0);
  let entry = table;
  for (let j: i64 = 0; j < (entries as i64); j++) {
    const diff = j ^ (index as i64);
    const mask = ~((diff | -diff) >> 63);
    for (let i: usize = 0; i < size; i += 8) {
      store<i64>(num + i, load<i64>(num + i) | (load<i64>(entry + i) & mask));
    }
    entry += size;
  }
}
