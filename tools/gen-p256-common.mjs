// What the files of gen-p256.mjs share.

/** Order of the curve. */
export const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

export const range = (n, from = 0) => Array.from({ length: n }, (_, i) => from + i);

/** x^-1 mod m for a power of two m. */
export function inverse(x, m) {
  let y = 1n;
  for (let i = 0; i < 10; i++) y = (((y * (2n - x * y)) % m) + m) % m;
  return y;
}
