// Constant-time vocabulary: masks are 0 or -1. Nothing here branches on or indexes by its arguments' values.

/** -1 if `x` is 0, else 0. */
export function maskZero(x: i32): i32 {
  return ~((x | -x) >> 31);
}

/** `a` where `mask` is -1, `b` where it is 0. */
export function select(mask: i32, a: i32, b: i32): i32 {
  return b ^ (mask & (a ^ b));
}

/** -1 if a < b, else 0. Both in 0..2^31-1. */
export function maskLess(a: i32, b: i32): i32 {
  return (a - b) >> 31;
}

/**
 * 1 if the two areas hold the same bytes, else 0.
 *
 * @param a    [secret] `len` bytes
 * @param b    [secret] `len` bytes
 * Time: depends on `len` only.
 */
export function ctEqual(a: usize, b: usize, len: i32): i32 {
  let i = 0;
  let diff = 0;
  if (ASC_FEATURE_SIMD) {
    let wide: u64 = 0;
    for (; i + 8 <= len; i += 8) wide |= load<u64>(a + i) ^ load<u64>(b + i);
    diff = (wide | (wide >> 32)) as i32;
  }
  for (; i < len; i++) diff |= (load<u8>(a + i) ^ load<u8>(b + i)) as i32;
  return maskZero(diff) & 1;
}
