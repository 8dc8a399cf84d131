// Multiples of the base point of P-256 by a signed comb: six teeth, two blocks of 22 columns, tables of 32 points each,
// built at first use from the base point: public data, not wiped.

import { copy } from "../bytes";
import { scratchPop, scratchPush } from "../memory/scratch";
import { BASE, ONE, P, R2_P } from "./p256-constants";
import { feFromBytes, feInvert, limbsCanonical } from "./p256-element";
import { FE_SIZE, feMul, feNegate, limbsFromBytes } from "./p256-field";
import {
  AFFINE_SIZE,
  CHAIN,
  chainToAffine,
  POINT_SIZE,
  POINT_WORK,
  pointAdd,
  pointDouble,
  pointFromAffine,
  pointScale,
  tablePick,
} from "./p256-point";

const TEETH: i32 = 6;
const COLUMNS: i32 = 22;
const BLOCKS: i32 = 2;
const SPACING: i32 = 44;

// Entry: x | y, 32 bytes each, canonical bytes of the Montgomery form. Block b, index i: the sum over teeth t of
// ±2^(44t + 22b) * base, + for tooth 5 and where bit t of i is set.
const ENTRY: i32 = 64;
const TABLE: usize = memory.data(4096, 16);
let isBuilt: bool = false;

/** out = canonical bytes of the Montgomery form itself: through a product with R^2, then one with 1. */
function pack(out: usize, a: usize): void {
  const t = scratchPush(2 * FE_SIZE);
  limbsFromBytes(t + FE_SIZE, R2_P);
  feMul(t, a, t + FE_SIZE);
  limbsFromBytes(t + FE_SIZE, ONE);
  feMul(t, t, t + FE_SIZE);
  limbsCanonical(out, t, P);
  scratchPop(2 * FE_SIZE);
}

/** Points that a block is made of: one for each tooth, then twice those of teeth 0..3. */
const PARTS: i32 = 10;

/** out = affine forms of PARTS points, with one inversion; the products of their Zs lie in `out` until overwritten. */
function partsToAffine(out: usize, points: usize, t: usize): void {
  const inverse = t + FE_SIZE;
  copy(out, points + AFFINE_SIZE, FE_SIZE);
  for (let i: usize = 1; i < (PARTS as usize); i++) {
    feMul(out + i * FE_SIZE, out + (i - 1) * FE_SIZE, points + i * POINT_SIZE + AFFINE_SIZE);
  }
  feInvert(inverse, out + ((PARTS - 1) as usize) * FE_SIZE);
  for (let i: usize = (PARTS - 1) as usize; i > 0; i--) {
    const point = points + i * POINT_SIZE;
    feMul(t, inverse, out + (i - 1) * FE_SIZE);
    feMul(inverse, inverse, point + AFFINE_SIZE);
    // Over the products 2i and 2i + 1, which have been used.
    pointScale(out + i * AFFINE_SIZE, point, t);
  }
  pointScale(out, points, inverse);
}

/** The 32 entries of a block, in chains of 16: tooth 4 minus, then plus; teeth 0..3 in the order of a Gray code. */
function buildBlock(block: i32): void {
  const work = scratchPush(POINT_WORK);
  const chain = scratchPush(CHAIN * POINT_SIZE);
  const parts = scratchPush(PARTS * AFFINE_SIZE);
  const t = scratchPush(POINT_SIZE);
  const sum = scratchPush(POINT_SIZE);
  feFromBytes(t, BASE);
  feFromBytes(t + FE_SIZE, BASE + 32);
  pointFromAffine(t, t);
  for (let i = 0; i < block * COLUMNS; i++) pointDouble(t, work);
  for (let tooth = 0; tooth < TEETH; tooth++) {
    copy(chain + ((tooth * POINT_SIZE) as usize), t, POINT_SIZE);
    for (let i = 0; i < SPACING && tooth < TEETH - 1; i++) {
      pointDouble(t, work);
      if (i === 0 && tooth < 4) copy(chain + (((TEETH + tooth) * POINT_SIZE) as usize), t, POINT_SIZE);
    }
  }
  partsToAffine(parts, chain, work);
  for (let half = 0; half < 2; half++) {
    // Sums of distinct powers of two with signs: what is added is never equal or opposite to what is there.
    for (let tooth = 0; tooth < TEETH; tooth++) {
      copy(t, parts + ((tooth * AFFINE_SIZE) as usize), AFFINE_SIZE);
      feNegate(t + FE_SIZE, tooth < 4 ? -1 : tooth === 4 ? half - 1 : 0);
      if (tooth === 0) pointFromAffine(sum, t);
      else pointAdd(sum, t, work);
    }
    let gray = 0;
    for (let i = 0; i < CHAIN; i++) {
      const entry = chain + ((i * POINT_SIZE) as usize);
      if (i > 0) {
        const tooth = ctz(i);
        gray ^= 1 << tooth;
        copy(t, parts + (((TEETH + tooth) * AFFINE_SIZE) as usize), AFFINE_SIZE);
        feNegate(t + FE_SIZE, ((gray >> tooth) & 1) - 1);
        pointAdd(sum, t, work);
      }
      copy(entry, sum, AFFINE_SIZE);
      copy(entry + AFFINE_SIZE, work, FE_SIZE);
    }
    chainToAffine(chain, sum + AFFINE_SIZE);
    for (let i = 0; i < CHAIN; i++) {
      const entry = chain + ((i * POINT_SIZE) as usize);
      const index = (block << 5) | (half << 4) | (i ^ (i >> 1));
      const out = TABLE + ((index * ENTRY) as usize);
      pack(out, entry);
      pack(out + 32, entry + FE_SIZE);
    }
  }
  scratchPop(POINT_SIZE);
  scratchPop(POINT_SIZE);
  scratchPop(PARTS * AFFINE_SIZE);
  scratchPop(CHAIN * POINT_SIZE);
  scratchPop(POINT_WORK);
}

/** Builds the tables if this is the first call. Scratch: nearly all of it (8064 bytes in core.js), so exports call it first. */
export function baseReady(): void {
  if (isBuilt) return;
  for (let block = 0; block < BLOCKS; block++) buildBlock(block);
  isBuilt = true;
}

/**
 * q = k * base point.
 *
 * k is odd: k = sum over i = 0..263 of s_i 2^i, s_i = ±1, + where bit i of (k >> 1) + 2^263 is set. Bit 44t + 22b + j is
 * tooth t of column j in block b. Columns from 21 down: double, add the entry of block 1, add the entry of block 0.
 *
 * No addition meets an exception. Write q ± entry as a sum of twelve coefficients a_(t,b) * 2^(44t + 22b). At column j
 * each |a| < 2^(22-j) <= 2^22, so the sum is 0 only if all are (take it mod 2^22). In an addition of block 1, a_(0,1) is
 * odd; in one of block 0, a_(0,0) is: never 0. It is positive, since a_(5,1) is (the sign of bit 263), and for j > 0
 * below 2^256 / 2 + 2^243 < n. For j = 0 it is below 2n, so n is all there is to exclude: in the addition of block 1 the
 * sum is even; in that of block 0, q + entry = k < n, and q - entry = k - 2 * entry = n would need entry < 0, so bit 221
 * of k, which gives the sign of tooth 5, clear; but k = n + 2 * entry, entry = -2^220 + (less than 2^177), has bits 221
 * to 223 set, those of n being clear.
 *
 * @param q    [secret] Jacobian
 * @param odd  [secret] as `scalarOdd` gives it
 * The tables are built: `baseReady`.
 */
export function baseMul(q: usize, odd: usize): void {
  const work = scratchPush(POINT_WORK);
  const packed = scratchPush(ENTRY);
  const entry = scratchPush(AFFINE_SIZE);
  for (let column = COLUMNS - 1; column >= 0; column--) {
    if (column < COLUMNS - 1) pointDouble(q, work);
    for (let block = BLOCKS - 1; block >= 0; block--) {
      let digit = 0;
      for (let tooth = 0; tooth < TEETH; tooth++) {
        const bit = SPACING * tooth + COLUMNS * block + column + 1;
        digit |= (((load<u8>(odd + (bit >> 3)) as i32) >> (bit & 7)) & 1) << tooth;
      }
      const isNegative = (digit >> 5) - 1;
      tablePick(packed, TABLE + ((block << 11) as usize), ENTRY, 32, ENTRY, (digit ^ isNegative) & 31);
      limbsFromBytes(entry, packed);
      limbsFromBytes(entry + FE_SIZE, packed + 32);
      feNegate(entry + FE_SIZE, isNegative);
      if (column === COLUMNS - 1 && block === BLOCKS - 1) pointFromAffine(q, entry);
      else pointAdd(q, entry, work);
    }
  }
  scratchPop(AFFINE_SIZE);
  scratchPop(ENTRY);
  scratchPop(POINT_WORK);
}
