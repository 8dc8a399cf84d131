// SHA-256 of four messages of one length at once, a message a lane. FIPS 180-4 §6.2.2.

import { scratchPop, scratchPush } from "../memory/scratch";
import { K256 } from "./sha256-constants";

/** Bytes of four chaining values: word k of the four at 16 · k. */
export const LANES_STATE: i32 = 128;
const SCHEDULE: i32 = 1024;

/**
 * @param state   [secret] LANES_STATE bytes, carried on
 * @param msg     first message; the others follow `stride` bytes behind each other
 * @param blocks  blocks of 64 bytes of each
 * Scratch: 1024 bytes, wiped.
 */
export function sha256CompressLanes(state: usize, msg: usize, stride: i32, blocks: i32): void {
  const w = scratchPush(SCHEDULE);
  for (; blocks > 0; blocks--) {
    for (let i = 0; i < 64; i += 16) {
      const p = msg + i;
      const m0 = bigEndian(p);
      const m1 = bigEndian(p + stride);
      const m2 = bigEndian(p + (stride << 1));
      const m3 = bigEndian(p + stride * 3);
      const low0 = v128.shuffle<u32>(m0, m1, 0, 4, 1, 5);
      const low1 = v128.shuffle<u32>(m2, m3, 0, 4, 1, 5);
      const high0 = v128.shuffle<u32>(m0, m1, 2, 6, 3, 7);
      const high1 = v128.shuffle<u32>(m2, m3, 2, 6, 3, 7);
      const q = w + (i << 2);
      v128.store(q, v128.shuffle<u64>(low0, low1, 0, 2));
      v128.store(q, v128.shuffle<u64>(low0, low1, 1, 3), 16);
      v128.store(q, v128.shuffle<u64>(high0, high1, 0, 2), 32);
      v128.store(q, v128.shuffle<u64>(high0, high1, 1, 3), 48);
    }
    compress(state, w);
    msg += 64;
  }
  scratchPop(SCHEDULE);
}

/** As above for one block of four digests that stand in `words` as a state does: the outer hash of HMAC. */
export function sha256CompressDigests(state: usize, words: usize): void {
  const w = scratchPush(SCHEDULE);
  for (let i = 0; i < 128; i += 16) v128.store(w + i, v128.load(words + i));
  v128.store(w, i32x4.splat(0x80000000), 128);
  // The rest is zero, as scratch is, but for the length: a key block and a digest, in bits.
  for (let i = 144; i < 240; i += 16) v128.store(w + i, i32x4.splat(0));
  v128.store(w, i32x4.splat((64 + 32) << 3), 240);
  compress(state, w);
  scratchPop(SCHEDULE);
}

function bigEndian(p: usize): v128 {
  return i8x16.swizzle(v128.load(p), i8x16(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12));
}

/** One block: the first 16 words of the schedule are at `w`. */
function compress(state: usize, w: usize): void {
  const end = w + SCHEDULE;
  for (let p = w + 256; p < end; p += 16) {
    const x = v128.load(p - 240);
    const y = v128.load(p - 32);
    const small0 = v128.xor(
      v128.xor(v128.or(i32x4.shr_u(x, 7), i32x4.shl(x, 25)), v128.or(i32x4.shr_u(x, 18), i32x4.shl(x, 14))),
      i32x4.shr_u(x, 3),
    );
    const small1 = v128.xor(
      v128.xor(v128.or(i32x4.shr_u(y, 17), i32x4.shl(y, 15)), v128.or(i32x4.shr_u(y, 19), i32x4.shl(y, 13))),
      i32x4.shr_u(y, 10),
    );
    v128.store(p, i32x4.add(i32x4.add(v128.load(p - 256), small0), i32x4.add(v128.load(p - 112), small1)));
  }
  let a = v128.load(state, 0);
  let b = v128.load(state, 16);
  let c = v128.load(state, 32);
  let d = v128.load(state, 48);
  let e = v128.load(state, 64);
  let f = v128.load(state, 80);
  let g = v128.load(state, 96);
  let h = v128.load(state, 112);
  let k = K256;
  for (let p = w; p < end; p += 128) {
    h = i32x4.add(
      h,
      i32x4.add(
        i32x4.add(v128.load(p, 0), v128.load32_splat(k, 0)),
        i32x4.add(
          v128.xor(
            v128.xor(v128.or(i32x4.shr_u(e, 6), i32x4.shl(e, 26)), v128.or(i32x4.shr_u(e, 11), i32x4.shl(e, 21))),
            v128.or(i32x4.shr_u(e, 25), i32x4.shl(e, 7)),
          ),
          v128.xor(g, v128.and(e, v128.xor(f, g))),
        ),
      ),
    );
    d = i32x4.add(d, h);
    h = i32x4.add(
      h,
      i32x4.add(
        v128.xor(
          v128.xor(v128.or(i32x4.shr_u(a, 2), i32x4.shl(a, 30)), v128.or(i32x4.shr_u(a, 13), i32x4.shl(a, 19))),
          v128.or(i32x4.shr_u(a, 22), i32x4.shl(a, 10)),
        ),
        v128.xor(b, v128.and(v128.xor(a, b), v128.xor(b, c))),
      ),
    );
    g = i32x4.add(
      g,
      i32x4.add(
        i32x4.add(v128.load(p, 16), v128.load32_splat(k, 4)),
        i32x4.add(
          v128.xor(
            v128.xor(v128.or(i32x4.shr_u(d, 6), i32x4.shl(d, 26)), v128.or(i32x4.shr_u(d, 11), i32x4.shl(d, 21))),
            v128.or(i32x4.shr_u(d, 25), i32x4.shl(d, 7)),
          ),
          v128.xor(f, v128.and(d, v128.xor(e, f))),
        ),
      ),
    );
    c = i32x4.add(c, g);
    g = i32x4.add(
      g,
      i32x4.add(
        v128.xor(
          v128.xor(v128.or(i32x4.shr_u(h, 2), i32x4.shl(h, 30)), v128.or(i32x4.shr_u(h, 13), i32x4.shl(h, 19))),
          v128.or(i32x4.shr_u(h, 22), i32x4.shl(h, 10)),
        ),
        v128.xor(a, v128.and(v128.xor(h, a), v128.xor(a, b))),
      ),
    );
    f = i32x4.add(
      f,
      i32x4.add(
        i32x4.add(v128.load(p, 32), v128.load32_splat(k, 8)),
        i32x4.add(
          v128.xor(
            v128.xor(v128.or(i32x4.shr_u(c, 6), i32x4.shl(c, 26)), v128.or(i32x4.shr_u(c, 11), i32x4.shl(c, 21))),
            v128.or(i32x4.shr_u(c, 25), i32x4.shl(c, 7)),
          ),
          v128.xor(e, v128.and(c, v128.xor(d, e))),
        ),
      ),
    );
    b = i32x4.add(b, f);
    f = i32x4.add(
      f,
      i32x4.add(
        v128.xor(
          v128.xor(v128.or(i32x4.shr_u(g, 2), i32x4.shl(g, 30)), v128.or(i32x4.shr_u(g, 13), i32x4.shl(g, 19))),
          v128.or(i32x4.shr_u(g, 22), i32x4.shl(g, 10)),
        ),
        v128.xor(h, v128.and(v128.xor(g, h), v128.xor(h, a))),
      ),
    );
    e = i32x4.add(
      e,
      i32x4.add(
        i32x4.add(v128.load(p, 48), v128.load32_splat(k, 12)),
        i32x4.add(
          v128.xor(
            v128.xor(v128.or(i32x4.shr_u(b, 6), i32x4.shl(b, 26)), v128.or(i32x4.shr_u(b, 11), i32x4.shl(b, 21))),
            v128.or(i32x4.shr_u(b, 25), i32x4.shl(b, 7)),
          ),
          v128.xor(d, v128.and(b, v128.xor(c, d))),
        ),
      ),
    );
    a = i32x4.add(a, e);
    e = i32x4.add(
      e,
      i32x4.add(
        v128.xor(
          v128.xor(v128.or(i32x4.shr_u(f, 2), i32x4.shl(f, 30)), v128.or(i32x4.shr_u(f, 13), i32x4.shl(f, 19))),
          v128.or(i32x4.shr_u(f, 22), i32x4.shl(f, 10)),
        ),
        v128.xor(g, v128.and(v128.xor(f, g), v128.xor(g, h))),
      ),
    );
    d = i32x4.add(
      d,
      i32x4.add(
        i32x4.add(v128.load(p, 64), v128.load32_splat(k, 16)),
        i32x4.add(
          v128.xor(
            v128.xor(v128.or(i32x4.shr_u(a, 6), i32x4.shl(a, 26)), v128.or(i32x4.shr_u(a, 11), i32x4.shl(a, 21))),
            v128.or(i32x4.shr_u(a, 25), i32x4.shl(a, 7)),
          ),
          v128.xor(c, v128.and(a, v128.xor(b, c))),
        ),
      ),
    );
    h = i32x4.add(h, d);
    d = i32x4.add(
      d,
      i32x4.add(
        v128.xor(
          v128.xor(v128.or(i32x4.shr_u(e, 2), i32x4.shl(e, 30)), v128.or(i32x4.shr_u(e, 13), i32x4.shl(e, 19))),
          v128.or(i32x4.shr_u(e, 22), i32x4.shl(e, 10)),
        ),
        v128.xor(f, v128.and(v128.xor(e, f), v128.xor(f, g))),
      ),
    );
    c = i32x4.add(
      c,
      i32x4.add(
        i32x4.add(v128.load(p, 80), v128.load32_splat(k, 20)),
        i32x4.add(
          v128.xor(
            v128.xor(v128.or(i32x4.shr_u(h, 6), i32x4.shl(h, 26)), v128.or(i32x4.shr_u(h, 11), i32x4.shl(h, 21))),
            v128.or(i32x4.shr_u(h, 25), i32x4.shl(h, 7)),
          ),
          v128.xor(b, v128.and(h, v128.xor(a, b))),
        ),
      ),
    );
    g = i32x4.add(g, c);
    c = i32x4.add(
      c,
      i32x4.add(
        v128.xor(
          v128.xor(v128.or(i32x4.shr_u(d, 2), i32x4.shl(d, 30)), v128.or(i32x4.shr_u(d, 13), i32x4.shl(d, 19))),
          v128.or(i32x4.shr_u(d, 22), i32x4.shl(d, 10)),
        ),
        v128.xor(e, v128.and(v128.xor(d, e), v128.xor(e, f))),
      ),
    );
    b = i32x4.add(
      b,
      i32x4.add(
        i32x4.add(v128.load(p, 96), v128.load32_splat(k, 24)),
        i32x4.add(
          v128.xor(
            v128.xor(v128.or(i32x4.shr_u(g, 6), i32x4.shl(g, 26)), v128.or(i32x4.shr_u(g, 11), i32x4.shl(g, 21))),
            v128.or(i32x4.shr_u(g, 25), i32x4.shl(g, 7)),
          ),
          v128.xor(a, v128.and(g, v128.xor(h, a))),
        ),
      ),
    );
    f = i32x4.add(f, b);
    b = i32x4.add(
      b,
      i32x4.add(
        v128.xor(
          v128.xor(v128.or(i32x4.shr_u(c, 2), i32x4.shl(c, 30)), v128.or(i32x4.shr_u(c, 13), i32x4.shl(c, 19))),
          v128.or(i32x4.shr_u(c, 22), i32x4.shl(c, 10)),
        ),
        v128.xor(d, v128.and(v128.xor(c, d), v128.xor(d, e))),
      ),
    );
    a = i32x4.add(
      a,
      i32x4.add(
        i32x4.add(v128.load(p, 112), v128.load32_splat(k, 28)),
        i32x4.add(
          v128.xor(
            v128.xor(v128.or(i32x4.shr_u(f, 6), i32x4.shl(f, 26)), v128.or(i32x4.shr_u(f, 11), i32x4.shl(f, 21))),
            v128.or(i32x4.shr_u(f, 25), i32x4.shl(f, 7)),
          ),
          v128.xor(h, v128.and(f, v128.xor(g, h))),
        ),
      ),
    );
    e = i32x4.add(e, a);
    a = i32x4.add(
      a,
      i32x4.add(
        v128.xor(
          v128.xor(v128.or(i32x4.shr_u(b, 2), i32x4.shl(b, 30)), v128.or(i32x4.shr_u(b, 13), i32x4.shl(b, 19))),
          v128.or(i32x4.shr_u(b, 22), i32x4.shl(b, 10)),
        ),
        v128.xor(c, v128.and(v128.xor(b, c), v128.xor(c, d))),
      ),
    );
    k += 32;
  }
  v128.store(state, i32x4.add(v128.load(state, 0), a), 0);
  v128.store(state, i32x4.add(v128.load(state, 16), b), 16);
  v128.store(state, i32x4.add(v128.load(state, 32), c), 32);
  v128.store(state, i32x4.add(v128.load(state, 48), d), 48);
  v128.store(state, i32x4.add(v128.load(state, 64), e), 64);
  v128.store(state, i32x4.add(v128.load(state, 80), f), 80);
  v128.store(state, i32x4.add(v128.load(state, 96), g), 96);
  v128.store(state, i32x4.add(v128.load(state, 112), h), 112);
}
