// Products and carries for the X25519 ladder on two lanes of doubles: ladder25519.simd.ts draws the form and proves the
// bounds. Loops hold three rows and four columns, which is what fits sixteen registers.

// 1.5 * 2^(52 + w(k + 1)) for each limb k: added and subtracted, it rounds to a multiple of 2^w(k + 1). Then FOLD and
// 121665. As bit patterns of doubles.
// biome-ignore format: a table
export const CONSTANTS: usize = ASC_FEATURE_SIMD ? memory.data<u64>([
  0x4498000000000000, 0x45e8000000000000, 0x4738000000000000, 0x4888000000000000,
  0x49e8000000000000, 0x4b38000000000000, 0x4c88000000000000, 0x4dd8000000000000,
  0x4f38000000000000, 0x5088000000000000, 0x51d8000000000000, 0x5328000000000000,
  0x3043000000000000, 0x40fdb41000000000,
], 16) : 0;
export const FOLD: i32 = 96;
const A24: i32 = 104;

/** Carries twelve columns below 2^(w(k) + 52) into reduced limbs at `out`. */
// biome-ignore format: a column a line
function settle(out: usize, c0: v128, c1: v128, c2: v128, c3: v128, c4: v128, c5: v128, c6: v128, c7: v128, c8: v128, c9: v128, c10: v128, c11: v128): void {
  const m0 = v128.load64_splat(CONSTANTS, 0);
  const m1 = v128.load64_splat(CONSTANTS, 8);
  const m2 = v128.load64_splat(CONSTANTS, 16);
  const m3 = v128.load64_splat(CONSTANTS, 24);
  const m4 = v128.load64_splat(CONSTANTS, 32);
  const m5 = v128.load64_splat(CONSTANTS, 40);
  const m6 = v128.load64_splat(CONSTANTS, 48);
  const m7 = v128.load64_splat(CONSTANTS, 56);
  const m8 = v128.load64_splat(CONSTANTS, 64);
  const m9 = v128.load64_splat(CONSTANTS, 72);
  const m10 = v128.load64_splat(CONSTANTS, 80);
  const m11 = v128.load64_splat(CONSTANTS, 88);
  const fold = v128.load64_splat(CONSTANTS, FOLD);
  // Four chains that start three limbs apart; their last step takes the first limb's second carry.
  let t = f64x2.sub(f64x2.add(c0, m0), m0);
  c0 = f64x2.sub(c0, t);
  c1 = f64x2.add(c1, t);
  t = f64x2.sub(f64x2.add(c3, m3), m3);
  c3 = f64x2.sub(c3, t);
  c4 = f64x2.add(c4, t);
  t = f64x2.sub(f64x2.add(c6, m6), m6);
  c6 = f64x2.sub(c6, t);
  c7 = f64x2.add(c7, t);
  t = f64x2.sub(f64x2.add(c9, m9), m9);
  c9 = f64x2.sub(c9, t);
  c10 = f64x2.add(c10, t);
  t = f64x2.sub(f64x2.add(c1, m1), m1);
  c1 = f64x2.sub(c1, t);
  c2 = f64x2.add(c2, t);
  t = f64x2.sub(f64x2.add(c4, m4), m4);
  c4 = f64x2.sub(c4, t);
  c5 = f64x2.add(c5, t);
  t = f64x2.sub(f64x2.add(c7, m7), m7);
  c7 = f64x2.sub(c7, t);
  c8 = f64x2.add(c8, t);
  t = f64x2.sub(f64x2.add(c10, m10), m10);
  c10 = f64x2.sub(c10, t);
  c11 = f64x2.add(c11, t);
  t = f64x2.sub(f64x2.add(c2, m2), m2);
  c2 = f64x2.sub(c2, t);
  c3 = f64x2.add(c3, t);
  t = f64x2.sub(f64x2.add(c5, m5), m5);
  c5 = f64x2.sub(c5, t);
  c6 = f64x2.add(c6, t);
  t = f64x2.sub(f64x2.add(c8, m8), m8);
  c8 = f64x2.sub(c8, t);
  c9 = f64x2.add(c9, t);
  t = f64x2.sub(f64x2.add(c11, m11), m11);
  c11 = f64x2.sub(c11, t);
  c0 = f64x2.add(c0, f64x2.mul(t, fold));
  t = f64x2.sub(f64x2.add(c3, m3), m3);
  c3 = f64x2.sub(c3, t);
  c4 = f64x2.add(c4, t);
  t = f64x2.sub(f64x2.add(c6, m6), m6);
  c6 = f64x2.sub(c6, t);
  c7 = f64x2.add(c7, t);
  t = f64x2.sub(f64x2.add(c9, m9), m9);
  c9 = f64x2.sub(c9, t);
  c10 = f64x2.add(c10, t);
  t = f64x2.sub(f64x2.add(c0, m0), m0);
  c0 = f64x2.sub(c0, t);
  c1 = f64x2.add(c1, t);
  v128.store(out, c0, 0);
  v128.store(out, c1, 16);
  v128.store(out, c2, 32);
  v128.store(out, c3, 48);
  v128.store(out, c4, 64);
  v128.store(out, c5, 80);
  v128.store(out, c6, 96);
  v128.store(out, c7, 112);
  v128.store(out, c8, 128);
  v128.store(out, c9, 144);
  v128.store(out, c10, 160);
  v128.store(out, c11, 176);
}

/**
 * out = left * right on both lanes, reduced.
 *
 * @param table  [secret] the right operand: limbs 1 to 11 times FOLD, then limbs 0 to 11
 */
// biome-ignore format: a column a line
export function multiply(left: usize, table: usize, out: usize): void {
  const end = left + 192;
  let c0 = f64x2.splat(0);
  let c1 = f64x2.splat(0);
  let c2 = f64x2.splat(0);
  let c3 = f64x2.splat(0);
  let p = table + 144;
  for (let q = left; q < end; q += 48, p -= 48) {
    const x0 = v128.load(q, 0);
    const x1 = v128.load(q, 16);
    const x2 = v128.load(q, 32);
    let e = v128.load(p, 0);
    c0 = f64x2.add(c0, f64x2.mul(x2, e));
    e = v128.load(p, 16);
    c0 = f64x2.add(c0, f64x2.mul(x1, e));
    c1 = f64x2.add(c1, f64x2.mul(x2, e));
    e = v128.load(p, 32);
    c0 = f64x2.add(c0, f64x2.mul(x0, e));
    c1 = f64x2.add(c1, f64x2.mul(x1, e));
    c2 = f64x2.add(c2, f64x2.mul(x2, e));
    e = v128.load(p, 48);
    c1 = f64x2.add(c1, f64x2.mul(x0, e));
    c2 = f64x2.add(c2, f64x2.mul(x1, e));
    c3 = f64x2.add(c3, f64x2.mul(x2, e));
    e = v128.load(p, 64);
    c2 = f64x2.add(c2, f64x2.mul(x0, e));
    c3 = f64x2.add(c3, f64x2.mul(x1, e));
    e = v128.load(p, 80);
    c3 = f64x2.add(c3, f64x2.mul(x0, e));
  }
  let c4 = f64x2.splat(0);
  let c5 = f64x2.splat(0);
  let c6 = f64x2.splat(0);
  let c7 = f64x2.splat(0);
  p = table + 144;
  for (let q = left; q < end; q += 48, p -= 48) {
    const x0 = v128.load(q, 0);
    const x1 = v128.load(q, 16);
    const x2 = v128.load(q, 32);
    let e = v128.load(p, 64);
    c4 = f64x2.add(c4, f64x2.mul(x2, e));
    e = v128.load(p, 80);
    c4 = f64x2.add(c4, f64x2.mul(x1, e));
    c5 = f64x2.add(c5, f64x2.mul(x2, e));
    e = v128.load(p, 96);
    c4 = f64x2.add(c4, f64x2.mul(x0, e));
    c5 = f64x2.add(c5, f64x2.mul(x1, e));
    c6 = f64x2.add(c6, f64x2.mul(x2, e));
    e = v128.load(p, 112);
    c5 = f64x2.add(c5, f64x2.mul(x0, e));
    c6 = f64x2.add(c6, f64x2.mul(x1, e));
    c7 = f64x2.add(c7, f64x2.mul(x2, e));
    e = v128.load(p, 128);
    c6 = f64x2.add(c6, f64x2.mul(x0, e));
    c7 = f64x2.add(c7, f64x2.mul(x1, e));
    e = v128.load(p, 144);
    c7 = f64x2.add(c7, f64x2.mul(x0, e));
  }
  let c8 = f64x2.splat(0);
  let c9 = f64x2.splat(0);
  let c10 = f64x2.splat(0);
  let c11 = f64x2.splat(0);
  p = table + 144;
  for (let q = left; q < end; q += 48, p -= 48) {
    const x0 = v128.load(q, 0);
    const x1 = v128.load(q, 16);
    const x2 = v128.load(q, 32);
    let e = v128.load(p, 128);
    c8 = f64x2.add(c8, f64x2.mul(x2, e));
    e = v128.load(p, 144);
    c8 = f64x2.add(c8, f64x2.mul(x1, e));
    c9 = f64x2.add(c9, f64x2.mul(x2, e));
    e = v128.load(p, 160);
    c8 = f64x2.add(c8, f64x2.mul(x0, e));
    c9 = f64x2.add(c9, f64x2.mul(x1, e));
    c10 = f64x2.add(c10, f64x2.mul(x2, e));
    e = v128.load(p, 176);
    c9 = f64x2.add(c9, f64x2.mul(x0, e));
    c10 = f64x2.add(c10, f64x2.mul(x1, e));
    c11 = f64x2.add(c11, f64x2.mul(x2, e));
    e = v128.load(p, 192);
    c10 = f64x2.add(c10, f64x2.mul(x0, e));
    c11 = f64x2.add(c11, f64x2.mul(x1, e));
    e = v128.load(p, 208);
    c11 = f64x2.add(c11, f64x2.mul(x0, e));
  }
  settle(out, c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11);
}

/**
 * out = left^2 on both lanes, reduced: lower half squared, upper half squared and folded, twice the mixed products.
 *
 * @param t  [secret] 176 bytes of working space; what is left there is for the caller to wipe
 */
// biome-ignore format: a column a line
export function square(left: usize, t: usize, out: usize): void {
  const fold = v128.load64_splat(CONSTANTS, FOLD);
  let x0 = v128.load(left, 96);
  let x1 = v128.load(left, 112);
  let x2 = v128.load(left, 128);
  let x3 = v128.load(left, 144);
  let x4 = v128.load(left, 160);
  let x5 = v128.load(left, 176);
  let d0 = f64x2.add(x0, x0);
  let d1 = f64x2.add(x1, x1);
  let d2 = f64x2.add(x2, x2);
  let d3 = f64x2.add(x3, x3);
  let d4 = f64x2.add(x4, x4);
  v128.store(t, f64x2.mul(fold, f64x2.mul(x0, x0)), 0);
  v128.store(t, f64x2.mul(fold, f64x2.mul(d0, x1)), 16);
  v128.store(t, f64x2.mul(fold, f64x2.add(f64x2.mul(d0, x2), f64x2.mul(x1, x1))), 32);
  v128.store(t, f64x2.mul(fold, f64x2.add(f64x2.mul(d0, x3), f64x2.mul(d1, x2))), 48);
  v128.store(t, f64x2.mul(fold, f64x2.add(f64x2.add(f64x2.mul(d0, x4), f64x2.mul(d1, x3)), f64x2.mul(x2, x2))), 64);
  v128.store(t, f64x2.mul(fold, f64x2.add(f64x2.add(f64x2.mul(d0, x5), f64x2.mul(d1, x4)), f64x2.mul(d2, x3))), 80);
  v128.store(t, f64x2.mul(fold, f64x2.add(f64x2.add(f64x2.mul(d1, x5), f64x2.mul(d2, x4)), f64x2.mul(x3, x3))), 96);
  v128.store(t, f64x2.mul(fold, f64x2.add(f64x2.mul(d2, x5), f64x2.mul(d3, x4))), 112);
  v128.store(t, f64x2.mul(fold, f64x2.add(f64x2.mul(d3, x5), f64x2.mul(x4, x4))), 128);
  v128.store(t, f64x2.mul(fold, f64x2.mul(d4, x5)), 144);
  v128.store(t, f64x2.mul(fold, f64x2.mul(x5, x5)), 160);
  x0 = v128.load(left, 0);
  x1 = v128.load(left, 16);
  x2 = v128.load(left, 32);
  x3 = v128.load(left, 48);
  x4 = v128.load(left, 64);
  x5 = v128.load(left, 80);
  d0 = f64x2.add(x0, x0);
  d1 = f64x2.add(x1, x1);
  d2 = f64x2.add(x2, x2);
  d3 = f64x2.add(x3, x3);
  d4 = f64x2.add(x4, x4);
  v128.store(t, f64x2.add(v128.load(t, 0), f64x2.mul(x0, x0)), 0);
  v128.store(t, f64x2.add(v128.load(t, 16), f64x2.mul(d0, x1)), 16);
  v128.store(t, f64x2.add(v128.load(t, 32), f64x2.add(f64x2.mul(d0, x2), f64x2.mul(x1, x1))), 32);
  v128.store(t, f64x2.add(v128.load(t, 48), f64x2.add(f64x2.mul(d0, x3), f64x2.mul(d1, x2))), 48);
  v128.store(t, f64x2.add(v128.load(t, 64), f64x2.add(f64x2.add(f64x2.mul(d0, x4), f64x2.mul(d1, x3)), f64x2.mul(x2, x2))), 64);
  v128.store(t, f64x2.add(v128.load(t, 80), f64x2.add(f64x2.add(f64x2.mul(d0, x5), f64x2.mul(d1, x4)), f64x2.mul(d2, x3))), 80);
  v128.store(t, f64x2.add(v128.load(t, 96), f64x2.add(f64x2.add(f64x2.mul(d1, x5), f64x2.mul(d2, x4)), f64x2.mul(x3, x3))), 96);
  v128.store(t, f64x2.add(v128.load(t, 112), f64x2.add(f64x2.mul(d2, x5), f64x2.mul(d3, x4))), 112);
  v128.store(t, f64x2.add(v128.load(t, 128), f64x2.add(f64x2.mul(d3, x5), f64x2.mul(x4, x4))), 128);
  v128.store(t, f64x2.add(v128.load(t, 144), f64x2.mul(d4, x5)), 144);
  v128.store(t, f64x2.add(v128.load(t, 160), f64x2.mul(x5, x5)), 160);
  const h0 = v128.load(left, 96);
  const h1 = v128.load(left, 112);
  const h2 = v128.load(left, 128);
  const h3 = v128.load(left, 144);
  const h4 = v128.load(left, 160);
  const h5 = v128.load(left, 176);
  const d5 = f64x2.add(x5, x5);
  const c6 = f64x2.add(v128.load(t, 96), f64x2.mul(d0, h0));
  const c7 = f64x2.add(v128.load(t, 112), f64x2.add(f64x2.mul(d0, h1), f64x2.mul(d1, h0)));
  const c8 = f64x2.add(v128.load(t, 128), f64x2.add(f64x2.add(f64x2.mul(d0, h2), f64x2.mul(d1, h1)), f64x2.mul(d2, h0)));
  const c9 = f64x2.add(v128.load(t, 144), f64x2.add(f64x2.add(f64x2.add(f64x2.mul(d0, h3), f64x2.mul(d1, h2)), f64x2.mul(d2, h1)), f64x2.mul(d3, h0)));
  const c10 = f64x2.add(v128.load(t, 160), f64x2.add(f64x2.add(f64x2.add(f64x2.add(f64x2.mul(d0, h4), f64x2.mul(d1, h3)), f64x2.mul(d2, h2)), f64x2.mul(d3, h1)), f64x2.mul(d4, h0)));
  const c11 = f64x2.add(f64x2.add(f64x2.add(f64x2.add(f64x2.add(f64x2.mul(d0, h5), f64x2.mul(d1, h4)), f64x2.mul(d2, h3)), f64x2.mul(d3, h2)), f64x2.mul(d4, h1)), f64x2.mul(d5, h0));
  const c0 = f64x2.add(v128.load(t, 0), f64x2.mul(fold, f64x2.add(f64x2.add(f64x2.add(f64x2.add(f64x2.mul(d1, h5), f64x2.mul(d2, h4)), f64x2.mul(d3, h3)), f64x2.mul(d4, h2)), f64x2.mul(d5, h1))));
  const c1 = f64x2.add(v128.load(t, 16), f64x2.mul(fold, f64x2.add(f64x2.add(f64x2.add(f64x2.mul(d2, h5), f64x2.mul(d3, h4)), f64x2.mul(d4, h3)), f64x2.mul(d5, h2))));
  const c2 = f64x2.add(v128.load(t, 32), f64x2.mul(fold, f64x2.add(f64x2.add(f64x2.mul(d3, h5), f64x2.mul(d4, h4)), f64x2.mul(d5, h3))));
  const c3 = f64x2.add(v128.load(t, 48), f64x2.mul(fold, f64x2.add(f64x2.mul(d4, h5), f64x2.mul(d5, h4))));
  const c4 = f64x2.add(v128.load(t, 64), f64x2.mul(fold, f64x2.mul(d5, h5)));
  settle(out, c0, c1, c2, c3, c4, v128.load(t, 80), c6, c7, c8, c9, c10, c11);
}

/**
 * out = (lane 1 of `squared` * the public value, 121665 * lane 1 of `left`), reduced: even rows of the one product on one
 * lane, odd rows on the other.
 *
 * @param base  [public] the public value as a table: 22 entries, of which entry n is limb n - 10 beside limb n - 11; limb -1
 *   stands for limb 11 times FOLD, and so on down
 */
// biome-ignore format: a column a line
export function multiplyBase(squared: usize, base: usize, left: usize, out: usize): void {
  const end = squared + 192;
  let c0 = f64x2.splat(0);
  let c1 = f64x2.splat(0);
  let c2 = f64x2.splat(0);
  let c3 = f64x2.splat(0);
  let c4 = f64x2.splat(0);
  let c5 = f64x2.splat(0);
  let p = base + 160;
  for (let q = squared; q < end; q += 32, p -= 32) {
    const x = v128.shuffle<f64>(v128.load(q), v128.load(q, 16), 1, 3);
    c0 = f64x2.add(c0, f64x2.mul(x, v128.load(p, 0)));
    c1 = f64x2.add(c1, f64x2.mul(x, v128.load(p, 16)));
    c2 = f64x2.add(c2, f64x2.mul(x, v128.load(p, 32)));
    c3 = f64x2.add(c3, f64x2.mul(x, v128.load(p, 48)));
    c4 = f64x2.add(c4, f64x2.mul(x, v128.load(p, 64)));
    c5 = f64x2.add(c5, f64x2.mul(x, v128.load(p, 80)));
  }
  let c6 = f64x2.splat(0);
  let c7 = f64x2.splat(0);
  let c8 = f64x2.splat(0);
  let c9 = f64x2.splat(0);
  let c10 = f64x2.splat(0);
  let c11 = f64x2.splat(0);
  p = base + 160;
  for (let q = squared; q < end; q += 32, p -= 32) {
    const x = v128.shuffle<f64>(v128.load(q), v128.load(q, 16), 1, 3);
    c6 = f64x2.add(c6, f64x2.mul(x, v128.load(p, 96)));
    c7 = f64x2.add(c7, f64x2.mul(x, v128.load(p, 112)));
    c8 = f64x2.add(c8, f64x2.mul(x, v128.load(p, 128)));
    c9 = f64x2.add(c9, f64x2.mul(x, v128.load(p, 144)));
    c10 = f64x2.add(c10, f64x2.mul(x, v128.load(p, 160)));
    c11 = f64x2.add(c11, f64x2.mul(x, v128.load(p, 176)));
  }
  const a24 = v128.load64_splat(CONSTANTS, A24);
  settle(
    out,
    sumBeside(c0, f64x2.mul(a24, v128.load(left, 0))),
    sumBeside(c1, f64x2.mul(a24, v128.load(left, 16))),
    sumBeside(c2, f64x2.mul(a24, v128.load(left, 32))),
    sumBeside(c3, f64x2.mul(a24, v128.load(left, 48))),
    sumBeside(c4, f64x2.mul(a24, v128.load(left, 64))),
    sumBeside(c5, f64x2.mul(a24, v128.load(left, 80))),
    sumBeside(c6, f64x2.mul(a24, v128.load(left, 96))),
    sumBeside(c7, f64x2.mul(a24, v128.load(left, 112))),
    sumBeside(c8, f64x2.mul(a24, v128.load(left, 128))),
    sumBeside(c9, f64x2.mul(a24, v128.load(left, 144))),
    sumBeside(c10, f64x2.mul(a24, v128.load(left, 160))),
    sumBeside(c11, f64x2.mul(a24, v128.load(left, 176))),
  );
}

/** Both lanes of `a` added, beside lane 1 of `b`. */
function sumBeside(a: v128, b: v128): v128 {
  return v128.shuffle<f64>(f64x2.add(a, v128.shuffle<f64>(a, a, 1, 0)), b, 0, 3);
}
