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
  const other = turn<T>(x, far);
  return (other ^ ((turn<T>(x, near) ^ other) & mask)) as T;
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
