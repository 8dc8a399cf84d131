// The part of field25519.i64.ts that small builds have rolled: the same form and bounds, columns in memory.

import { copy, load64, store64 } from "../bytes";
import { scratchPop, scratchPush } from "../memory/scratch";

const MASK: i64 = 0x1fffffff;
const COLUMNS: i32 = 144;

function column(c: usize, k: i32): i64 {
  return load<i64>(c + (k << 3));
}

function addTo(c: usize, k: i32, value: i64): void {
  store<i64>(c + (k << 3), column(c, k) + value);
}

function limb(a: usize, k: i32): i64 {
  return load<i32>(a + (k << 2)) as i64;
}

/** Bits of limb k within 2^255. */
function bitsOf(k: i32): i64 {
  return k < 8 ? 29 : 23;
}

/** Carries nine columns below 2^62 into the reduced limbs of `out`, and gives the columns back. */
function settle(out: usize, c: usize): void {
  // Limbs 7 and 8, then all of them, then limb 0 again.
  let k = 7;
  for (let n = 0; n < 12; n++) {
    const bits = bitsOf(k);
    const t = (column(c, k) + ((1 as i64) << (bits - 1))) >> bits;
    addTo(c, k, -(t << bits));
    if (k < 8) {
      k++;
      addTo(c, k, t);
    } else {
      k = 0;
      addTo(c, 0, 19 * t);
    }
  }
  for (k = 0; k < 9; k++) store<i32>(out + (k << 2), column(c, k) as i32);
  scratchPop(COLUMNS);
}

export function feFromBytes(out: usize, src: usize): void {
  const c = scratchPush(COLUMNS);
  for (let k = 0; k < 9; k++) {
    const byte = min((29 * k) >> 3, 24);
    addTo(c, k, ((load64(src + byte) >> (29 * k - (byte << 3))) as i64) & (((1 as i64) << bitsOf(k)) - 1));
  }
  settle(out, c);
}

export function feToBytes(out: usize, a: usize): void {
  const c = scratchPush(COLUMNS);
  const bytes = scratchPush(48);
  for (let k = 0; k < 9; k++) addTo(c, k, limb(a, k));
  // As in field25519.i64.ts: p is added, then q · p taken away, where q = floor(a / p) is 0 or 1.
  addTo(c, 0, -19);
  addTo(c, 8, 0x800000);
  let q: i64 = 19;
  for (let k = 0; k < 9; k++) q = (column(c, k) + q) >> bitsOf(k);
  let t = 19 * q;
  for (let k = 0; k < 9; k++) {
    t += column(c, k);
    const p = bytes + ((29 * k) >> 3);
    const value = (t & (((1 as i64) << bitsOf(k)) - 1)) as u64;
    store64(p, load64(p) | (value << ((29 * k) & 7)));
    t >>= bitsOf(k);
  }
  copy(out, bytes, 32);
  scratchPop(48);
  scratchPop(COLUMNS);
}

export function feMul(out: usize, a: usize, b: usize): void {
  const c = scratchPush(COLUMNS);
  for (let i = 0; i < 9; i++) {
    const x = limb(a, i);
    const row = c + (i << 3);
    for (let j = 0; j < 9; j++) {
      const p = row + (j << 3);
      store<i64>(p, load<i64>(p) + x * (load<i32>(b + (j << 2)) as i64));
    }
  }
  // Columns 9 and up weigh 2^261 = 64 * 2^255, so 64 * 19 = 1216; first carried to 29 bits so that it fits.
  let t: i64 = 0;
  for (let k = 9; k < 18; k++) {
    t += column(c, k);
    addTo(c, k - 9, 1216 * (k < 17 ? t & MASK : t));
    t >>= 29;
  }
  settle(out, c);
}

export function feMulSmall(out: usize, a: usize, k: i32): void {
  const c = scratchPush(COLUMNS);
  for (let i = 0; i < 9; i++) addTo(c, i, limb(a, i) * (k as i64));
  settle(out, c);
}
