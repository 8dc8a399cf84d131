// Products and Montgomery reduction over signed limbs held as doubles, for core.js, where 64-bit integers are emulated.
// The twins kernel.simd.ts and kernel.i64.ts have the same exports.
//
// Form: kernel.ts. All values are integers below 2^53, so sums and products are exact: with |limb| <= 2^(w-1), a column
// of n products stays below n * 2^(2w-2) <= 2^52.96 (n <= 124 for w = 24, n <= 180 for w = 23); the columns of a product
// are split at w bits before those of the reduction join them. Adding and subtracting 1.5 * 2^(52+w) rounds to a
// multiple of 2^w. Multiplication and addition of doubles take the same time for all integers.

/** Bytes of a limb in memory. */
export const LIMB: i32 = 8;

let count: usize = 0;
/** 1.5 * 2^(52+w) and 2^-w. */
let magic: f64 = 0;
let scale: f64 = 0;
let factor: f64 = 0;
let modulus: usize = 0;
let quotients: usize = 0;

/** Width of the limbs for a modulus of `bits` bits. */
export function widthFor(bits: i32): i32 {
  return bits <= 2900 ? 24 : 23;
}

/** n limbs of w bits, the modulus, -1/modulus mod 2^w, n limbs for the quotient digits. */
export function setKernel(n: i32, w: i32, mod: usize, inverse: i32, digits: usize): void {
  count = n as usize;
  const unit = (1 << w) as f64;
  magic = 6755399441055744.0 * unit;
  scale = 1.0 / unit;
  factor = inverse as f64;
  modulus = mod;
  quotients = digits;
}

export function limbGet(num: usize, i: i32): i32 {
  return load<f64>(num + ((i << 3) as usize)) as i32;
}

export function limbPut(num: usize, i: i32, value: i32): void {
  store<f64>(num + ((i << 3) as usize), value as f64);
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
  const size = count << 3;
  const m = quotients;
  const big = magic;
  const down = scale;
  const inv = factor;
  const n0 = load<f64>(modulus);
  const n1 = load<f64>(modulus, 8);
  const n2 = load<f64>(modulus, 16);
  const n3 = load<f64>(modulus, 24);
  let carry: f64 = 0;
  // k: eight times the first of four columns. Rows from `lo` on meet limbs of a, or the zeros around them.
  // Two sets of sums, so that an addition need not wait for the one before.
  for (let k: usize = 0; k < size << 1; k += 32) {
    const isLow = k < size;
    const lo: usize = isLow ? 0 : k - size;
    let p0: f64 = 0;
    let p1: f64 = 0;
    let p2: f64 = 0;
    let p3: f64 = 0;
    let v0: f64 = 0;
    let v1: f64 = 0;
    let v2: f64 = 0;
    let v3: f64 = 0;
    if (square) {
      const end = a + (k >> 1);
      let x = a + k - lo;
      let x0 = load<f64>(x);
      let x1 = load<f64>(x, 8);
      let x2 = load<f64>(x, 16);
      let x3 = load<f64>(x, 24);
      x -= 16;
      for (let y = a + lo; y < end; y += 16) {
        let r = load<f64>(y);
        p0 += r * x0;
        p1 += r * x1;
        p2 += r * x2;
        p3 += r * x3;
        r = load<f64>(y, 8);
        x3 = load<f64>(x, 8);
        v0 += r * x3;
        v1 += r * x0;
        v2 += r * x1;
        v3 += r * x2;
        x2 = x0;
        x0 = load<f64>(x);
        const middle = x3;
        x3 = x1;
        x1 = middle;
        x -= 16;
      }
      // The diagonal: limbs c and c + 1 (c = half the column) with those above them, and their squares.
      const c0 = load<f64>(end);
      const c1 = load<f64>(end, 8);
      const c2 = load<f64>(end, 16);
      const c3 = load<f64>(end, 24);
      p0 = (p0 + v0) * 2 + c0 * c0;
      p1 = (p1 + v1 + c0 * c1) * 2;
      p2 = (p2 + v2 + c0 * c2) * 2 + c1 * c1;
      p3 = (p3 + v3 + c0 * c3 + c1 * c2) * 2;
    } else {
      const end = b + (isLow ? k + 32 : size);
      let x = a + k - lo;
      let x0 = load<f64>(x);
      let x1 = load<f64>(x, 8);
      let x2 = load<f64>(x, 16);
      let x3 = load<f64>(x, 24);
      x -= 32;
      for (let y = b + lo; y < end; y += 32) {
        let r = load<f64>(y);
        p0 += r * x0;
        p1 += r * x1;
        p2 += r * x2;
        p3 += r * x3;
        r = load<f64>(y, 8);
        x3 = load<f64>(x, 24);
        v0 += r * x3;
        v1 += r * x0;
        v2 += r * x1;
        v3 += r * x2;
        r = load<f64>(y, 16);
        x2 = load<f64>(x, 16);
        p0 += r * x2;
        p1 += r * x3;
        p2 += r * x0;
        p3 += r * x1;
        r = load<f64>(y, 24);
        x1 = load<f64>(x, 8);
        v0 += r * x1;
        v1 += r * x2;
        v2 += r * x3;
        v3 += r * x0;
        x0 = load<f64>(x);
        x -= 32;
      }
      p0 += v0;
      p1 += v1;
      p2 += v2;
      p3 += v3;
    }
    const end = m + (isLow ? k : size);
    let x = modulus + k - lo;
    let x0 = load<f64>(x);
    let x1 = load<f64>(x, 8);
    let x2 = load<f64>(x, 16);
    let x3 = load<f64>(x, 24);
    let s0: f64 = 0;
    let s1: f64 = 0;
    let s2: f64 = 0;
    let s3: f64 = 0;
    let u0: f64 = 0;
    let u1: f64 = 0;
    let u2: f64 = 0;
    let u3: f64 = 0;
    x -= 32;
    for (let y = m + lo; y < end; y += 32) {
      let r = load<f64>(y);
      s0 += r * x0;
      s1 += r * x1;
      s2 += r * x2;
      s3 += r * x3;
      r = load<f64>(y, 8);
      x3 = load<f64>(x, 24);
      u0 += r * x3;
      u1 += r * x0;
      u2 += r * x1;
      u3 += r * x2;
      r = load<f64>(y, 16);
      x2 = load<f64>(x, 16);
      s0 += r * x2;
      s1 += r * x3;
      s2 += r * x0;
      s3 += r * x1;
      r = load<f64>(y, 24);
      x1 = load<f64>(x, 8);
      u0 += r * x1;
      u1 += r * x2;
      u2 += r * x3;
      u3 += r * x0;
      x0 = load<f64>(x);
      x -= 32;
    }
    // Column of the product: h * 2^w + rest, |rest| <= 2^(w-1).
    const h0 = p0 + big - big;
    s0 += u0 + (p0 - h0) + carry;
    const h1 = p1 + big - big;
    s1 += u1 + (p1 - h1);
    const h2 = p2 + big - big;
    s2 += u2 + (p2 - h2);
    const h3 = p3 + big - big;
    s3 += u3 + (p3 - h3);
    if (isLow) {
      const q0 = digit(s0, inv, big);
      s1 += q0 * n1 + (s0 + q0 * n0) * down + h0 * down;
      const q1 = digit(s1, inv, big);
      s2 += q0 * n2 + q1 * n1 + (s1 + q1 * n0) * down + h1 * down;
      const q2 = digit(s2, inv, big);
      s3 += q0 * n3 + q1 * n2 + q2 * n1 + (s2 + q2 * n0) * down + h2 * down;
      const q3 = digit(s3, inv, big);
      carry = (s3 + q3 * n0) * down + h3 * down;
      store<f64>(end, q0);
      store<f64>(end, q1, 8);
      store<f64>(end, q2, 16);
      store<f64>(end, q3, 24);
    } else {
      const o = out + lo;
      let c = s0 + big - big;
      store<f64>(o, s0 - c);
      s1 += (c + h0) * down;
      c = s1 + big - big;
      store<f64>(o, s1 - c, 8);
      s2 += (c + h1) * down;
      c = s2 + big - big;
      store<f64>(o, s2 - c, 16);
      s3 += (c + h2) * down;
      c = s3 + big - big;
      store<f64>(o, s3 - c, 24);
      carry = (c + h3) * down;
    }
  }
}

/** The q in ±2^(w-1) for which sum + q * modulus is a multiple of 2^w. */
function digit(sum: f64, inv: f64, big: f64): f64 {
  const q = (sum - (sum + big - big)) * inv;
  return q - (q + big - big);
}

/** Copies a number into a table entry of 4n bytes. */
export function entryPut(entry: usize, num: usize): void {
  for (let i: usize = 0; i < count << 2; i += 4) store<i32>(entry + i, load<f64>(num + (i << 1)) as i32);
}

/** num = entry `index` of `entries`: every entry is read, so the index shows in no address. */
export function entryGet(num: usize, table: usize, entries: i32, index: i32): void {
  const size = count << 2;
  for (let i: usize = 0; i < size; i += 4) {
    let entry = table + i;
    let value = 0;
    for (let j = 0; j < entries; j++) {
      const diff = j ^ index;
      value |= load<i32>(entry) & ~((diff | -diff) >> 31);
      entry += size;
    }
    store<f64>(num + (i << 1), value as f64);
  }
}
