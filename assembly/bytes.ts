// Bytes in memory: copies, wipes, xor and words at any address. WebAssembly takes unaligned accesses as they are; in
// core.js an access of natural alignment becomes an index into a typed array, so an address that may be unaligned goes
// through the functions here, whose accesses carry the hint that says so.

/** Copies `len` bytes; the areas may overlap in either direction. */
export function copy(dst: usize, src: usize, len: i32): void {
  if (dst === src) return;
  if (dst > src && dst < src + len) {
    for (let i = len - 1; i >= 0; i--) store<u8>(dst + i, load<u8>(src + i));
    return;
  }
  let i = 0;
  if (CORE_JS) {
    if (((dst ^ src) & 3) === 0) {
      for (; i < len && ((dst + i) & 3) !== 0; i++) store<u8>(dst + i, load<u8>(src + i));
      for (; i + 4 <= len; i += 4) store<u32>(dst + i, load<u32>(src + i));
    }
  } else if (len >= 8) {
    // The last eight bytes, read before anything is written over them, may overlap those before.
    const last = load64(src + len - 8);
    for (; i + 8 < len; i += 8) store64(dst + i, load64(src + i));
    store64(dst + len - 8, last);
    return;
  }
  for (; i < len; i++) store<u8>(dst + i, load<u8>(src + i));
}

/** Overwrites `len` bytes with zeros. Stores to linear memory are observable, so no optimiser drops them. */
export function wipe(ptr: usize, len: i32): void {
  let i = 0;
  if (CORE_JS) {
    for (; i < len && ((ptr + i) & 3) !== 0; i++) store<u8>(ptr + i, 0);
    for (; i + 4 <= len; i += 4) store<u32>(ptr + i, 0);
  } else if (len >= 8) {
    for (; i + 8 < len; i += 8) store64(ptr + i, 0);
    store64(ptr + len - 8, 0);
    return;
  }
  for (; i < len; i++) store<u8>(ptr + i, 0);
}

/** dst = a ^ b over 16 bytes; any of them may be the same. */
export function xor16(dst: usize, a: usize, b: usize): void {
  store64(dst, load64(a) ^ load64(b));
  store64(dst + 8, load64(a + 8) ^ load64(b + 8));
}

export function load32(ptr: usize): u32 {
  return load<u32>(ptr, 0, 1);
}

export function store32(ptr: usize, value: u32): void {
  store<u32>(ptr, value, 0, 1);
}

export function load64(ptr: usize): u64 {
  return load<u64>(ptr, 0, 1);
}

export function store64(ptr: usize, value: u64): void {
  store<u64>(ptr, value, 0, 1);
}

export function loadBe32(ptr: usize): u32 {
  if (!CORE_JS) return bswap<u32>(load32(ptr));
  // By bytes at any rate, so in the right order at once.
  return (
    ((load<u8>(ptr) as u32) << 24) |
    ((load<u8>(ptr, 1) as u32) << 16) |
    ((load<u8>(ptr, 2) as u32) << 8) |
    (load<u8>(ptr, 3) as u32)
  );
}

export function loadBe64(ptr: usize): u64 {
  return bswap<u64>(load64(ptr));
}

export function storeBe32(ptr: usize, value: u32): void {
  if (CORE_JS) {
    store<u8>(ptr, value >> 24);
    store<u8>(ptr, value >> 16, 1);
    store<u8>(ptr, value >> 8, 2);
    store<u8>(ptr, value, 3);
  } else {
    store32(ptr, bswap<u32>(value));
  }
}

export function storeBe64(ptr: usize, value: u64): void {
  store64(ptr, bswap<u64>(value));
}
