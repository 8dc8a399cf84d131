// The arithmetic of P-256 that this build uses: one file per number representation, with the same exports.

import * as f64s from "./p256-field.f64";
import * as i64s from "./p256-field.i64.gen";

/** Bytes of an element in memory, a multiple of eight. */
export const FE_SIZE: i32 = CORE_JS ? f64s.FE_SIZE : i64s.FE_SIZE;

export function feMul(out: usize, a: usize, b: usize): void {
  if (CORE_JS) f64s.feMul(out, a, b);
  else i64s.feMul(out, a, b);
}

export function feSquareTimes(out: usize, a: usize, times: i32): void {
  if (CORE_JS) f64s.feSquareTimes(out, a, times);
  else i64s.feSquareTimes(out, a, times);
}

export function feDoubleAlpha(out: usize, x: usize, delta: usize): void {
  if (CORE_JS) f64s.feDoubleAlpha(out, x, delta);
  else i64s.feDoubleAlpha(out, x, delta);
}

export function feSquareSub(out: usize, a: usize, b: usize, shift: i32, c: usize, d: usize): void {
  if (CORE_JS) f64s.feSquareSub(out, a, b, shift, c, d);
  else i64s.feSquareSub(out, a, b, shift, c, d);
}

export function feDoubleY(out: usize, alpha: usize, beta: usize, x3: usize, gamma: usize): void {
  if (CORE_JS) f64s.feDoubleY(out, alpha, beta, x3, gamma);
  else i64s.feDoubleY(out, alpha, beta, x3, gamma);
}

export function feAddY(out: usize, r: usize, v: usize, x3: usize, y: usize, h3: usize): void {
  if (CORE_JS) f64s.feAddY(out, r, v, x3, y, h3);
  else i64s.feAddY(out, r, v, x3, y, h3);
}

export function feAdd(out: usize, a: usize, b: usize): void {
  if (CORE_JS) f64s.feAdd(out, a, b);
  else i64s.feAdd(out, a, b);
}

export function feSub(out: usize, a: usize, b: usize): void {
  if (CORE_JS) f64s.feSub(out, a, b);
  else i64s.feSub(out, a, b);
}

export function scMul(out: usize, a: usize, b: usize): void {
  if (CORE_JS) f64s.scMul(out, a, b);
  else i64s.scMul(out, a, b);
}

export function feNegate(a: usize, mask: i32): void {
  if (CORE_JS) f64s.feNegate(a, mask);
  else i64s.feNegate(a, mask);
}

export function limbsFromBytes(out: usize, src: usize): void {
  if (CORE_JS) f64s.limbsFromBytes(out, src);
  else i64s.limbsFromBytes(out, src);
}

export function limbsToBytes(out: usize, a: usize): i32 {
  return CORE_JS ? f64s.limbsToBytes(out, a) : i64s.limbsToBytes(out, a);
}

/** out = a^2. */
export function feSquare(out: usize, a: usize): void {
  feSquareTimes(out, a, 1);
}
