// Numbers modulo one odd modulus at a time, in Montgomery form (Montgomery 1985; form of a number: kernel.ts). Whoever
// sets a modulus does so in the arena and gives back what it took by mark and release. A modulus of b bits takes, with
// the numbers of 4096 bits in core.js as the largest, 2 numbers of 1504 bytes and 180 digits of 8 bytes.

import { arenaMark, arenaRelease, arenaTake } from "./arena";
import { LIMB, limbGet, limbPut, montgomery, setKernel, widthFor } from "./kernel";

/** Zero limbs in front of a number and behind it. */
const PAD: i32 = 4;

let limbs: i32 = 0;
let width: i32 = 0;
let modulus: usize = 0;
let square: usize = 0;

/**
 * Sets the modulus and computes R^2 mod N.
 *
 * @param ptr   [secret] (bits + 7) / 8 bytes big-endian, odd, with bit `bits` - 1 set
 * @param bits  [public] 512..4096
 * Time: depends on `bits` only.
 */
export function modSet(ptr: usize, bits: i32): void {
  width = widthFor(bits);
  limbs = ((bits + 9 + width) / width + 3) & ~3;
  const len = (bits + 7) >> 3;
  modulus = numTake();
  square = numTake();
  const digits = arenaTake(limbs * LIMB);
  numFromBytes(modulus, ptr, len);
  // -1/N mod 2^w by Newton's iteration, which doubles the right bits: N is its own inverse mod 8.
  const low = limbGet(modulus, 0);
  let inverse = low;
  for (let i = 0; i < 4; i++) inverse *= 2 - low * inverse;
  inverse = (-inverse << (32 - width)) >> (32 - width);
  setKernel(limbs, width, modulus, inverse, digits);
  // 2^(bits-1) < N, doubled up to R = 2^(n*w) and on to 2^f * R: the power 2^f in Montgomery form. Seven squarings, with
  // doublings along the lower bits of n * w, lead from there to 2^(n*w) * R. (A squaring costs some eight doublings.)
  const exponent = limbs * width;
  numSetBit(square, bits - 1);
  for (let i = exponent + (exponent >> 7) - bits; i >= 0; i--) double(square);
  for (let bit = 6; bit >= 0; bit--) {
    montSquare(square, square);
    if (((exponent >> bit) & 1) !== 0) double(square);
  }
}

/** Forgets the modulus; its bytes lie in the arena. */
export function modForget(): void {
  setKernel(0, 0, 0, 0, 0);
}

/** Limbs of a number for the modulus that is set. */
export function numLimbs(): i32 {
  return limbs;
}

/** A number of value 0. */
export function numTake(): usize {
  return arenaTake((limbs + 2 * PAD) * LIMB) + ((PAD * LIMB) as usize);
}

export function numCopy(out: usize, num: usize): void {
  for (let i = 0; i < limbs; i++) limbPut(out, i, limbGet(num, i));
}

/** num = `value`, 0..255. */
export function numSet(num: usize, value: i32): void {
  for (let i = 1; i < limbs; i++) limbPut(num, i, 0);
  limbPut(num, 0, value);
}

/** num = 2^bit. @param bit  [public] up to eight more than N has bits */
export function numSetBit(num: usize, bit: i32): void {
  const limb = bit / width;
  for (let i = 0; i < limbs; i++) limbPut(num, i, i === limb ? 1 << (bit - limb * width) : 0);
  normalise(num);
}

/**
 * Number of big-endian bytes; it need not be below N.
 *
 * @param ptr  [secret] `len` bytes, not longer than N
 */
export function numFromBytes(num: usize, ptr: usize, len: i32): void {
  for (let i = 0, bit = 0; i < limbs; i++, bit += width) {
    const first = len - 1 - (bit >> 3);
    const shift = bit & 7;
    let low = 0;
    for (let j = 0; j < 4; j++) if (first >= j) low |= (load<u8>(ptr + ((first - j) as usize)) as i32) << (j << 3);
    const high = first >= 4 ? (load<u8>(ptr + ((first - 4) as usize)) as i32) : 0;
    const value = (low >>> shift) | ((high << 1) << (31 - shift));
    limbPut(num, i, value & ((1 << width) - 1));
  }
  normalise(num);
}

/** Carries so that |limb| <= 2^(w-1); limbs before are below 2^30. */
function normalise(num: usize): void {
  const half = 1 << (width - 1);
  let carry = 0;
  for (let i = 0; i < limbs; i++) {
    const value = limbGet(num, i) + carry;
    carry = (value + half) >> width;
    limbPut(num, i, value - (carry << width));
  }
}

/** -1 if num < 0, else 0. */
function sign(num: usize): i32 {
  let carry = 0;
  for (let i = 0; i < limbs; i++) carry = (limbGet(num, i) + carry) >> width;
  return carry;
}

/** num = 2 * num mod N, for num in [-N, N): 2x - N for x >= 0, 2x + N for x < 0. */
function double(num: usize): void {
  const keep = ~sign(num);
  const half = 1 << (width - 1);
  let carry = 0;
  for (let i = 0; i < limbs; i++) {
    const value = 2 * limbGet(num, i) + ((limbGet(modulus, i) ^ keep) - keep) + carry;
    carry = (value + half) >> width;
    limbPut(num, i, value - (carry << width));
  }
}

/** out = a - b, not reduced; an operand of a product still if both are below N. */
export function numSub(out: usize, a: usize, b: usize): void {
  for (let i = 0; i < limbs; i++) limbPut(out, i, limbGet(a, i) - limbGet(b, i));
  normalise(out);
}

/** out = a + b, not reduced; an operand of a product still if both are below N. */
export function numAdd(out: usize, a: usize, b: usize): void {
  for (let i = 0; i < limbs; i++) limbPut(out, i, limbGet(a, i) + limbGet(b, i));
  normalise(out);
}

/**
 * The value mod N as big-endian bytes.
 *
 * @param num  [secret] a value in [-N, N), not in Montgomery form
 * @param ptr  [secret] `len` bytes, at least as many as N has
 */
export function numToBytes(num: usize, ptr: usize, len: i32): void {
  const mask = (1 << width) - 1;
  const add = sign(num);
  let carry = 0;
  let pending = 0;
  let bits = 0;
  let at = len - 1;
  for (let i = 0; i < limbs; i++) {
    const value = limbGet(num, i) + (limbGet(modulus, i) & add) + carry;
    carry = value >> width;
    let rest = value & mask;
    // In two parts, so that seven pending bits and a part fit 32 bits.
    for (let part = 16, left = width; left > 0; left -= part, part = left) {
      pending |= (rest & ((1 << part) - 1)) << bits;
      rest >>= part;
      for (bits += part; bits >= 8 && at >= 0; bits -= 8) {
        store<u8>(ptr + (at as usize), pending as u8);
        pending = pending >>> 8;
        at--;
      }
      if (at < 0) return;
    }
  }
  while (at >= 0) {
    store<u8>(ptr + (at as usize), pending as u8);
    pending = pending >>> 8;
    at--;
  }
}

/** out = a * b / R mod N; any may be the same. */
export function montMul(out: usize, a: usize, b: usize): void {
  montgomery(out, a, b, false);
}

/** out = a * a / R mod N. */
export function montSquare(out: usize, a: usize): void {
  montgomery(out, a, a, true);
}

/** num becomes num * R mod N. */
export function montEnter(num: usize): void {
  montMul(num, num, square);
}

/** num becomes num / R mod N. */
export function montLeave(num: usize): void {
  const mark = arenaMark();
  const one = numTake();
  limbPut(one, 0, 1);
  montMul(num, num, one);
  arenaRelease(mark);
}
