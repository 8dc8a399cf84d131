// Powers modulo the modulus that is set: fixed windows whose table is read whole for each digit, so that the sequence of
// squarings, products and addresses depends on lengths only; and a plain one for public exponents.

import { arenaMark, arenaRelease, arenaTake } from "./arena";
import { entryGet, entryPut } from "./kernel";
import { montEnter, montMul, montSquare, numCopy, numLimbs, numSet, numTake } from "./modulus";

/** Most limbs for which a table of 32 entries fits the arena beside the rest: 120 * 4 * 32 = 15 KiB. */
const WIDE_LIMBS: i32 = 120;

/**
 * num = num ^ exponent.
 *
 * @param num  [secret] Montgomery form, also the result
 * @param exp  [secret] `len` ≥ 1 bytes, big-endian
 * Time: depends on `len` and the modulus' size only.
 */
export function modExp(num: usize, exp: usize, len: i32): void {
  const window = numLimbs() <= WIDE_LIMBS ? 5 : 4;
  const entries = 1 << window;
  const mark = arenaMark();
  const size = (numLimbs() << 2) as usize;
  const table = arenaTake((size as i32) << window);
  const power = numTake();
  const digit = numTake();
  numSet(power, 1);
  montEnter(power);
  entryPut(table, power);
  entryPut(table + size, num);
  for (let i = 2; i < entries; i += 2) {
    entryGet(digit, table + size * ((i >> 1) as usize), 1, 0);
    montSquare(digit, digit);
    entryPut(table + size * (i as usize), digit);
    montMul(digit, digit, num);
    entryPut(table + size * ((i + 1) as usize), digit);
  }
  let bit = (((len << 3) + window - 1) / window - 1) * window;
  entryGet(power, table, entries, digitAt(exp, len, bit, window));
  while (bit > 0) {
    bit -= window;
    for (let i = 0; i < window; i++) montSquare(power, power);
    entryGet(digit, table, entries, digitAt(exp, len, bit, window));
    montMul(power, power, digit);
  }
  numCopy(num, power);
  arenaRelease(mark);
}

/** `count` ≤ 8 bits of a big-endian number from bit `bit` up; bits above the number are 0. */
function digitAt(exp: usize, len: i32, bit: i32, count: i32): i32 {
  const at = len - 1 - (bit >> 3);
  const high = at > 0 ? (load<u8>(exp + ((at - 1) as usize)) as i32) : 0;
  return (((high << 8) | (load<u8>(exp + (at as usize)) as i32)) >> (bit & 7)) & ((1 << count) - 1);
}

/** num = num ^ exponent, Montgomery form. @param exponent  [public] ≥ 1, unsigned */
export function modExpVarTime(num: usize, exponent: i32): void {
  const mark = arenaMark();
  const base = numTake();
  numCopy(base, num);
  for (let bit = 30 - clz<i32>(exponent); bit >= 0; bit--) {
    montSquare(num, num);
    if (((exponent >> bit) & 1) !== 0) montMul(num, num, base);
  }
  arenaRelease(mark);
}
