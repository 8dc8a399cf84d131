// The limbs that the ladders on doubles use: twelve for 255 bits, limb k of weight 2^w(k), w(k) = ceil(21.25 k).

/** w(k), 0 <= k <= 12. */
export function weightOf(k: i32): i32 {
  return (85 * k + 3) >> 2;
}

/** Limb k of 32 little-endian bytes at `u`, the top bit masked, at its weight. */
export function limbOf(u: usize, k: i32): f64 {
  const from = weightOf(k);
  const bits = weightOf(k + 1) - from;
  const byte = min(from >> 3, 28);
  const v = (load<u32>(u + byte, 0, 1) as u32) >> (from - (byte << 3));
  return ((v & ((1 << bits) - 1)) as f64) * reinterpret<f64>(((1023 + from) as u64) << 52);
}
