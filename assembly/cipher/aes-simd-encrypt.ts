// AES encryption by vector permute: Hamburg, "Accelerating AES with Vector Permute Instructions" (CHES 2009).
// A byte is held as two nibbles (i, k = i + j) of i·t + j·t̄ over GF(2^4); inversion is five lookups of nibbles in constant
// vectors, so no address depends on data. 1/0 is 0x80, which looks up as 0. Blocks are turned: a row is a lane of 32 bits, so that
// MixColumns turns lanes. Tables: tools/gen-aes-simd.mjs.

import {
  A_INV, IN_HI, IN_LO, INV, LOW, OUT_HI, OUT_LO, ROWS, S1_U, S1_W, S2_U, S2_W, TABLES, TURN,
} from "./aes-simd-tables.gen"; // biome-ignore format: one table of names

/**
 * Encrypts independent blocks, four at a time.
 *
 * @param state  [secret] expanded key
 * @param src    [secret] `n` blocks of 16 bytes
 * @param dst    `n` blocks; may be `src`
 */
export function aesEncryptBlocks(state: usize, rounds: i32, src: usize, n: i32, dst: usize): void {
  const low = v128.load(TABLES, LOW);
  const inv = v128.load(TABLES, INV);
  const aInv = v128.load(TABLES, A_INV);
  const s1u = v128.load(TABLES, S1_U);
  const s1w = v128.load(TABLES, S1_W);
  const s2u = v128.load(TABLES, S2_U);
  const s2w = v128.load(TABLES, S2_W);
  const rows = v128.load(TABLES, ROWS);
  const turn = v128.load(TABLES, TURN);
  const inLow = v128.load(TABLES, IN_LO);
  const inHigh = v128.load(TABLES, IN_HI);
  const outLow = v128.load(TABLES, OUT_LO);
  const outHigh = v128.load(TABLES, OUT_HI);
  const end = state + (rounds << 4);
  for (; n >= 4; n -= 4) {
    const first = v128.load(state);
    let x0 = i8x16.swizzle(v128.load(src, 0), turn);
    x0 = v128.xor(
      v128.xor(i8x16.swizzle(inLow, v128.and(x0, low)), i8x16.swizzle(inHigh, v128.and(i16x8.shr_u(x0, 4), low))),
      first,
    );
    let x1 = i8x16.swizzle(v128.load(src, 16), turn);
    x1 = v128.xor(
      v128.xor(i8x16.swizzle(inLow, v128.and(x1, low)), i8x16.swizzle(inHigh, v128.and(i16x8.shr_u(x1, 4), low))),
      first,
    );
    let x2 = i8x16.swizzle(v128.load(src, 32), turn);
    x2 = v128.xor(
      v128.xor(i8x16.swizzle(inLow, v128.and(x2, low)), i8x16.swizzle(inHigh, v128.and(i16x8.shr_u(x2, 4), low))),
      first,
    );
    let x3 = i8x16.swizzle(v128.load(src, 48), turn);
    x3 = v128.xor(
      v128.xor(i8x16.swizzle(inLow, v128.and(x3, low)), i8x16.swizzle(inHigh, v128.and(i16x8.shr_u(x3, 4), low))),
      first,
    );
    for (let p = state + 16; p < end; p += 16) {
      const key = v128.load(p);
      x0 = i8x16.swizzle(x0, rows);
      const k0 = v128.and(x0, low);
      const i0 = v128.and(i16x8.shr_u(x0, 4), low);
      const j0 = v128.xor(k0, i0);
      const g0 = i8x16.swizzle(aInv, k0);
      const u0 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i0), g0)), j0);
      const w0 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j0), g0)), i0);
      const a0 = v128.xor(i8x16.swizzle(s1u, u0), i8x16.swizzle(s1w, w0));
      const b0 = v128.xor(i8x16.swizzle(s2u, u0), i8x16.swizzle(s2w, w0));
      const d0 = v128.xor(a0, b0);
      x0 = v128.xor(
        v128.xor(v128.xor(b0, key), v128.shuffle<u32>(d0, d0, 1, 2, 3, 0)),
        v128.xor(v128.shuffle<u32>(a0, a0, 2, 3, 0, 1), v128.shuffle<u32>(a0, a0, 3, 0, 1, 2)),
      );
      x1 = i8x16.swizzle(x1, rows);
      const k1 = v128.and(x1, low);
      const i1 = v128.and(i16x8.shr_u(x1, 4), low);
      const j1 = v128.xor(k1, i1);
      const g1 = i8x16.swizzle(aInv, k1);
      const u1 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i1), g1)), j1);
      const w1 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j1), g1)), i1);
      const a1 = v128.xor(i8x16.swizzle(s1u, u1), i8x16.swizzle(s1w, w1));
      const b1 = v128.xor(i8x16.swizzle(s2u, u1), i8x16.swizzle(s2w, w1));
      const d1 = v128.xor(a1, b1);
      x1 = v128.xor(
        v128.xor(v128.xor(b1, key), v128.shuffle<u32>(d1, d1, 1, 2, 3, 0)),
        v128.xor(v128.shuffle<u32>(a1, a1, 2, 3, 0, 1), v128.shuffle<u32>(a1, a1, 3, 0, 1, 2)),
      );
      x2 = i8x16.swizzle(x2, rows);
      const k2 = v128.and(x2, low);
      const i2 = v128.and(i16x8.shr_u(x2, 4), low);
      const j2 = v128.xor(k2, i2);
      const g2 = i8x16.swizzle(aInv, k2);
      const u2 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i2), g2)), j2);
      const w2 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j2), g2)), i2);
      const a2 = v128.xor(i8x16.swizzle(s1u, u2), i8x16.swizzle(s1w, w2));
      const b2 = v128.xor(i8x16.swizzle(s2u, u2), i8x16.swizzle(s2w, w2));
      const d2 = v128.xor(a2, b2);
      x2 = v128.xor(
        v128.xor(v128.xor(b2, key), v128.shuffle<u32>(d2, d2, 1, 2, 3, 0)),
        v128.xor(v128.shuffle<u32>(a2, a2, 2, 3, 0, 1), v128.shuffle<u32>(a2, a2, 3, 0, 1, 2)),
      );
      x3 = i8x16.swizzle(x3, rows);
      const k3 = v128.and(x3, low);
      const i3 = v128.and(i16x8.shr_u(x3, 4), low);
      const j3 = v128.xor(k3, i3);
      const g3 = i8x16.swizzle(aInv, k3);
      const u3 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i3), g3)), j3);
      const w3 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j3), g3)), i3);
      const a3 = v128.xor(i8x16.swizzle(s1u, u3), i8x16.swizzle(s1w, w3));
      const b3 = v128.xor(i8x16.swizzle(s2u, u3), i8x16.swizzle(s2w, w3));
      const d3 = v128.xor(a3, b3);
      x3 = v128.xor(
        v128.xor(v128.xor(b3, key), v128.shuffle<u32>(d3, d3, 1, 2, 3, 0)),
        v128.xor(v128.shuffle<u32>(a3, a3, 2, 3, 0, 1), v128.shuffle<u32>(a3, a3, 3, 0, 1, 2)),
      );
    }
    const last = v128.load(end);
    x0 = i8x16.swizzle(x0, rows);
    const k0 = v128.and(x0, low);
    const i0 = v128.and(i16x8.shr_u(x0, 4), low);
    const j0 = v128.xor(k0, i0);
    const g0 = i8x16.swizzle(aInv, k0);
    const u0 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i0), g0)), j0);
    const w0 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j0), g0)), i0);
    const c0 = v128.xor(i8x16.swizzle(s1u, u0), i8x16.swizzle(s1w, w0));
    x1 = i8x16.swizzle(x1, rows);
    const k1 = v128.and(x1, low);
    const i1 = v128.and(i16x8.shr_u(x1, 4), low);
    const j1 = v128.xor(k1, i1);
    const g1 = i8x16.swizzle(aInv, k1);
    const u1 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i1), g1)), j1);
    const w1 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j1), g1)), i1);
    const c1 = v128.xor(i8x16.swizzle(s1u, u1), i8x16.swizzle(s1w, w1));
    x2 = i8x16.swizzle(x2, rows);
    const k2 = v128.and(x2, low);
    const i2 = v128.and(i16x8.shr_u(x2, 4), low);
    const j2 = v128.xor(k2, i2);
    const g2 = i8x16.swizzle(aInv, k2);
    const u2 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i2), g2)), j2);
    const w2 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j2), g2)), i2);
    const c2 = v128.xor(i8x16.swizzle(s1u, u2), i8x16.swizzle(s1w, w2));
    x3 = i8x16.swizzle(x3, rows);
    const k3 = v128.and(x3, low);
    const i3 = v128.and(i16x8.shr_u(x3, 4), low);
    const j3 = v128.xor(k3, i3);
    const g3 = i8x16.swizzle(aInv, k3);
    const u3 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i3), g3)), j3);
    const w3 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j3), g3)), i3);
    const c3 = v128.xor(i8x16.swizzle(s1u, u3), i8x16.swizzle(s1w, w3));
    x0 = v128.xor(c0, last);
    v128.store(
      dst,
      i8x16.swizzle(
        v128.xor(i8x16.swizzle(outLow, v128.and(x0, low)), i8x16.swizzle(outHigh, v128.and(i16x8.shr_u(x0, 4), low))),
        turn,
      ),
      0,
    );
    x1 = v128.xor(c1, last);
    v128.store(
      dst,
      i8x16.swizzle(
        v128.xor(i8x16.swizzle(outLow, v128.and(x1, low)), i8x16.swizzle(outHigh, v128.and(i16x8.shr_u(x1, 4), low))),
        turn,
      ),
      16,
    );
    x2 = v128.xor(c2, last);
    v128.store(
      dst,
      i8x16.swizzle(
        v128.xor(i8x16.swizzle(outLow, v128.and(x2, low)), i8x16.swizzle(outHigh, v128.and(i16x8.shr_u(x2, 4), low))),
        turn,
      ),
      32,
    );
    x3 = v128.xor(c3, last);
    v128.store(
      dst,
      i8x16.swizzle(
        v128.xor(i8x16.swizzle(outLow, v128.and(x3, low)), i8x16.swizzle(outHigh, v128.and(i16x8.shr_u(x3, 4), low))),
        turn,
      ),
      48,
    );
    src += 64;
    dst += 64;
  }
  for (; n > 0; n--) {
    let x = i8x16.swizzle(v128.load(src), turn);
    x = v128.xor(
      v128.xor(i8x16.swizzle(inLow, v128.and(x, low)), i8x16.swizzle(inHigh, v128.and(i16x8.shr_u(x, 4), low))),
      v128.load(state),
    );
    for (let p = state + 16; p < end; p += 16) {
      x = i8x16.swizzle(x, rows);
      const k = v128.and(x, low);
      const i = v128.and(i16x8.shr_u(x, 4), low);
      const j = v128.xor(k, i);
      const g = i8x16.swizzle(aInv, k);
      const u = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i), g)), j);
      const w = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j), g)), i);
      const a = v128.xor(i8x16.swizzle(s1u, u), i8x16.swizzle(s1w, w));
      const b = v128.xor(i8x16.swizzle(s2u, u), i8x16.swizzle(s2w, w));
      const d = v128.xor(a, b);
      x = v128.xor(
        v128.xor(v128.xor(b, v128.load(p)), v128.shuffle<u32>(d, d, 1, 2, 3, 0)),
        v128.xor(v128.shuffle<u32>(a, a, 2, 3, 0, 1), v128.shuffle<u32>(a, a, 3, 0, 1, 2)),
      );
    }
    x = i8x16.swizzle(x, rows);
    const k = v128.and(x, low);
    const i = v128.and(i16x8.shr_u(x, 4), low);
    const j = v128.xor(k, i);
    const g = i8x16.swizzle(aInv, k);
    const u = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i), g)), j);
    const w = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j), g)), i);
    const c = v128.xor(i8x16.swizzle(s1u, u), i8x16.swizzle(s1w, w));
    x = v128.xor(c, v128.load(end));
    v128.store(
      dst,
      i8x16.swizzle(
        v128.xor(i8x16.swizzle(outLow, v128.and(x, low)), i8x16.swizzle(outHigh, v128.and(i16x8.shr_u(x, 4), low))),
        turn,
      ),
    );
    src += 16;
    dst += 16;
  }
}

/**
 * CBC encryption. The chain stays in the form of the rounds: turning input and output lies beside its critical path.
 *
 * @param state  [secret] expanded key
 * @param iv     16 bytes; becomes the last ciphertext block
 * @param src    [secret] `len` bytes, a multiple of 16
 * @param dst    `len` bytes; may be `src`, must not begin inside it
 */
export function cbcEncryptBlocks(state: usize, iv: usize, rounds: i32, src: usize, len: i32, dst: usize): void {
  const low = v128.load(TABLES, LOW);
  const inv = v128.load(TABLES, INV);
  const aInv = v128.load(TABLES, A_INV);
  const s1u = v128.load(TABLES, S1_U);
  const s1w = v128.load(TABLES, S1_W);
  const s2u = v128.load(TABLES, S2_U);
  const s2w = v128.load(TABLES, S2_W);
  const rows = v128.load(TABLES, ROWS);
  const turn = v128.load(TABLES, TURN);
  const inLow = v128.load(TABLES, IN_LO);
  const inHigh = v128.load(TABLES, IN_HI);
  const outLow = v128.load(TABLES, OUT_LO);
  const outHigh = v128.load(TABLES, OUT_HI);
  const end = state + (rounds << 4);
  const first = v128.load(state);
  const last = v128.load(end);
  let chain = i8x16.swizzle(v128.load(iv), turn);
  chain = v128.xor(
    i8x16.swizzle(inLow, v128.and(chain, low)),
    i8x16.swizzle(inHigh, v128.and(i16x8.shr_u(chain, 4), low)),
  );
  const stop = src + len;
  for (; src < stop; src += 16) {
    const plain = i8x16.swizzle(v128.load(src), turn);
    let x = v128.xor(
      v128.xor(
        v128.xor(
          i8x16.swizzle(inLow, v128.and(plain, low)),
          i8x16.swizzle(inHigh, v128.and(i16x8.shr_u(plain, 4), low)),
        ),
        first,
      ),
      chain,
    );
    for (let p = state + 16; p < end; p += 16) {
      x = i8x16.swizzle(x, rows);
      const k = v128.and(x, low);
      const i = v128.and(i16x8.shr_u(x, 4), low);
      const j = v128.xor(k, i);
      const g = i8x16.swizzle(aInv, k);
      const u = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i), g)), j);
      const w = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j), g)), i);
      const a = v128.xor(i8x16.swizzle(s1u, u), i8x16.swizzle(s1w, w));
      const b = v128.xor(i8x16.swizzle(s2u, u), i8x16.swizzle(s2w, w));
      const d = v128.xor(a, b);
      x = v128.xor(
        v128.xor(v128.xor(b, v128.load(p)), v128.shuffle<u32>(d, d, 1, 2, 3, 0)),
        v128.xor(v128.shuffle<u32>(a, a, 2, 3, 0, 1), v128.shuffle<u32>(a, a, 3, 0, 1, 2)),
      );
    }
    x = i8x16.swizzle(x, rows);
    const k = v128.and(x, low);
    const i = v128.and(i16x8.shr_u(x, 4), low);
    const j = v128.xor(k, i);
    const g = i8x16.swizzle(aInv, k);
    const u = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i), g)), j);
    const w = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j), g)), i);
    const c = v128.xor(i8x16.swizzle(s1u, u), i8x16.swizzle(s1w, w));
    chain = v128.xor(c, last);
    v128.store(
      dst,
      i8x16.swizzle(
        v128.xor(
          i8x16.swizzle(outLow, v128.and(chain, low)),
          i8x16.swizzle(outHigh, v128.and(i16x8.shr_u(chain, 4), low)),
        ),
        turn,
      ),
    );
    dst += 16;
  }
  v128.store(
    iv,
    i8x16.swizzle(
      v128.xor(
        i8x16.swizzle(outLow, v128.and(chain, low)),
        i8x16.swizzle(outHigh, v128.and(i16x8.shr_u(chain, 4), low)),
      ),
      turn,
    ),
  );
}
