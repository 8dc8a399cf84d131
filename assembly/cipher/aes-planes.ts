// Bit planes of AES, fixsliced (Adomnicai and Peyrin, "Fixslicing AES-like Ciphers", 2021). Plane k holds bit k of every
// byte. T is u64 for four blocks at once, or u32 for two; with w = 4 or 2, bit w·(4·row + column) + block of a plane
// belongs to the byte at (row, column) of that block. ShiftRows is never carried out: after k rounds, row r is as it
// should be but for k·r columns of rotation, and MixColumns takes its neighbours from where they are then.
// The distances below are those of u64; u32 halves them.

/** Rotates right by `n` bits of u64, so by n/2 of u32. */
export function turn<T extends number>(x: T, n: i32): T {
  if (sizeof<T>() === 8) return rotr<T>(x, n as T);
  return ((x >> (n >> 1)) | (x << (32 - (n >> 1)))) as T;
}

/** Takes the bits of `mask` from `x` turned by `near`, the others from `x` turned by `far`. */
export function turn2<T extends number>(x: T, near: i32, far: i32, mask: T): T {
  return ((turn<T>(x, near) & mask) | (turn<T>(x, far) & ~mask)) as T;
}

/** Plane `n` of four planes packed as nibbles: bit 4·i + n of `packed` is bit i of one block, here of all four. */
export function unpack(packed: u64, n: u64): u64 {
  return ((packed >> n) & 0x1111111111111111) * 15;
}

/** Two ShiftRows, which is rows 1 and 3 by two columns: left to do when the number of rounds is no multiple of four. */
export function twoShifts<T extends number>(x: T): T {
  if (sizeof<T>() === 8) {
    const u = (x ^ (x >> 8)) & (0x00ff000000ff0000 as T);
    return (x ^ u ^ (u << 8)) as T;
  }
  const v = (x ^ (x >> 4)) & (0x0f000f00 as T);
  return (x ^ v ^ (v << 4)) as T;
}

/**
 * Transposes eight words as an 8-by-8 bit matrix in each byte column: words to planes and back.
 *
 * @param q  [secret] eight T, aligned; replaced
 */
export function transpose<T extends number>(q: usize): void {
  const size = sizeof<T>();
  const odd = (sizeof<T>() === 8 ? 0x5555555555555555 : 0x55555555) as T;
  const pair = (sizeof<T>() === 8 ? 0x3333333333333333 : 0x33333333) as T;
  const nibble = (sizeof<T>() === 8 ? 0x0f0f0f0f0f0f0f0f : 0x0f0f0f0f) as T;
  let a: T, b: T, c: T, d: T, u: T;
  for (let i: usize = 0; i < 2; i++) {
    const p = q + ((i * size) << 2);
    a = load<T>(p);
    b = load<T>(p, sizeof<T>());
    c = load<T>(p, 2 * sizeof<T>());
    d = load<T>(p, 3 * sizeof<T>());
    u = (((a >> 1) ^ b) & odd) as T;
    a = (a ^ (u << 1)) as T;
    b = (b ^ u) as T;
    u = (((c >> 1) ^ d) & odd) as T;
    c = (c ^ (u << 1)) as T;
    d = (d ^ u) as T;
    u = (((a >> 2) ^ c) & pair) as T;
    store<T>(p, (a ^ (u << 2)) as T);
    store<T>(p, (c ^ u) as T, 2 * sizeof<T>());
    u = (((b >> 2) ^ d) & pair) as T;
    store<T>(p, (b ^ (u << 2)) as T, sizeof<T>());
    store<T>(p, (d ^ u) as T, 3 * sizeof<T>());
  }
  for (let i: usize = 0; i < 4; i++) {
    const p = q + i * size;
    a = load<T>(p);
    b = load<T>(p, 4 * sizeof<T>());
    u = (((a >> 4) ^ b) & nibble) as T;
    store<T>(p, (a ^ (u << 4)) as T);
    store<T>(p, (b ^ u) as T, 4 * sizeof<T>());
  }
}

/** Interleaves the bytes of the low half (even places) with those of the high half. */
export function zip(x: u64): u64 {
  let u = (x ^ (x >> 16)) & 0x00000000ffff0000;
  x ^= u ^ (u << 16);
  u = (x ^ (x >> 8)) & 0x0000ff000000ff00;
  return x ^ u ^ (u << 8);
}

/** Inverse of `zip`. */
export function unzip(x: u64): u64 {
  let u = (x ^ (x >> 8)) & 0x0000ff000000ff00;
  x ^= u ^ (u << 8);
  u = (x ^ (x >> 16)) & 0x00000000ffff0000;
  return x ^ u ^ (u << 16);
}
