// Bytes in memory: copies, wipes, xor and big-endian words. All take any alignment.

/** Copies `len` bytes; the areas may overlap in either direction. */
export function copy(dst: usize, src: usize, len: i32): void {
  if (dst === src) return;
  if (dst > src && dst < src + len) {
    for (let i = len - 1; i >= 0; i--) store<u8>(dst + i, load<u8>(src + i));
    return;
  }
  let i = 0;
  for (; i + 8 <= len; i += 8) store<u64>(dst + i, load<u64>(src + i));
  for (; i < len; i++) store<u8>(dst + i, load<u8>(src + i));
}

/** Overwrites `len` bytes with zeros. Stores to linear memory are observable, so no optimiser drops them. */
export function wipe(ptr: usize, len: i32): void {
  let i = 0;
  for (; i + 8 <= len; i += 8) store<u64>(ptr + i, 0);
  for (; i < len; i++) store<u8>(ptr + i, 0);
}

/** dst = a ^ b over 16 bytes; any of them may be the same. */
export function xor16(dst: usize, a: usize, b: usize): void {
  store<u64>(dst, load<u64>(a) ^ load<u64>(b));
  store<u64>(dst + 8, load<u64>(a + 8) ^ load<u64>(b + 8));
}

export function loadBe32(ptr: usize): u32 {
  return bswap<u32>(load<u32>(ptr));
}

export function storeBe32(ptr: usize, value: u32): void {
  store<u32>(ptr, bswap<u32>(value));
}

export function storeBe64(ptr: usize, value: u64): void {
  store<u64>(ptr, bswap<u64>(value));
}
