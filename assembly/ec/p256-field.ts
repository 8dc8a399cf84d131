// The arithmetic of P-256 that this build uses: one generated file per number representation, with the same exports.

import * as f64s from "./p256-field.f64.gen";
import * as i64s from "./p256-field.i64.gen";

/** Bytes of an element in memory, a multiple of eight. */
export const FE_SIZE: i32 = CORE_JS ? f64s.FE_SIZE : i64s.FE_SIZE;

export function feMul(out: usize, a: usize, b: usize): void {
  if (CORE_JS) f64s.feMul(out, a, b);
  else i64s.feMul(out, a, b);
}

export function feMulSub(out: usize, a: usize, b: usize, c: usize): void {
  if (CORE_JS) f64s.feMulSub(out, a, b, c);
  else i64s.feMulSub(out, a, b, c);
}

export function feSquareTimes(out: usize, a: usize, times: i32): void {
  if (CORE_JS) f64s.feSquareTimes(out, a, times);
  else i64s.feSquareTimes(out, a, times);
}

export function feSquare(out: usize, a: usize): void {
  if (CORE_JS) f64s.feSquare(out, a);
  else i64s.feSquare(out, a);
}

export function feDoubleAlpha(out: usize, x: usize, delta: usize): void {
  if (CORE_JS) f64s.feDoubleAlpha(out, x, delta);
  else i64s.feDoubleAlpha(out, x, delta);
}

export function feDoubleX(out: usize, alpha: usize, beta: usize): void {
  if (CORE_JS) f64s.feDoubleX(out, alpha, beta);
  else i64s.feDoubleX(out, alpha, beta);
}

export function feDoubleZ(out: usize, y: usize, z: usize, gamma: usize, delta: usize): void {
  if (CORE_JS) f64s.feDoubleZ(out, y, z, gamma, delta);
  else i64s.feDoubleZ(out, y, z, gamma, delta);
}

export function feDoubleY(out: usize, alpha: usize, beta: usize, x3: usize, gamma: usize): void {
  if (CORE_JS) f64s.feDoubleY(out, alpha, beta, x3, gamma);
  else i64s.feDoubleY(out, alpha, beta, x3, gamma);
}

export function feAddX(out: usize, r: usize, v: usize, h3: usize): void {
  if (CORE_JS) f64s.feAddX(out, r, v, h3);
  else i64s.feAddX(out, r, v, h3);
}

export function feAddY(out: usize, r: usize, v: usize, x3: usize, y: usize, h3: usize): void {
  if (CORE_JS) f64s.feAddY(out, r, v, x3, y, h3);
  else i64s.feAddY(out, r, v, x3, y, h3);
}

export function scMul(out: usize, a: usize, b: usize): void {
  if (CORE_JS) f64s.scMul(out, a, b);
  else i64s.scMul(out, a, b);
}

export function feAdd(out: usize, a: usize, b: usize): void {
  if (CORE_JS) f64s.feAdd(out, a, b);
  else i64s.feAdd(out, a, b);
}

export function feSub(out: usize, a: usize, b: usize): void {
  if (CORE_JS) f64s.feSub(out, a, b);
  else i64s.feSub(out, a, b);
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
