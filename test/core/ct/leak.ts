// Planted leaks, compiled by the tests alone: a check that does not catch these proves nothing. Each takes pointers
// and lengths, as the core's exports do.

/** Compares up to the first difference: the branch depends on the bytes. */
export function leakyEqual(a: usize, b: usize, len: i32): i32 {
  for (let i = 0; i < len; i++) if (load<u8>(a + (i as usize)) !== load<u8>(b + (i as usize))) return 0;
  return 1;
}

/** Reads a table at a secret place. */
export function leakyLookup(secret: usize, table: usize): i32 {
  return load<u8>(table + (load<u8>(secret) as usize)) as i32;
}

/** Divides by a secret. */
export function leakyRemainder(secret: usize, modulus: usize): i32 {
  return load<i32>(secret) % (load<i32>(modulus) | 1);
}

/** Runs as often as a secret says. */
export function leakyLoop(secret: usize): i32 {
  let sum = 0;
  for (let i = 0; i < (load<u8>(secret) as i32); i++) sum = (sum << 1) ^ i;
  return sum;
}

/** The control: the same comparison without a leak. */
export function cleanEqual(a: usize, b: usize, len: i32): i32 {
  let diff = 0;
  for (let i = 0; i < len; i++) diff |= (load<u8>(a + (i as usize)) ^ load<u8>(b + (i as usize))) as i32;
  return ((diff - 1) >> 31) & 1;
}
