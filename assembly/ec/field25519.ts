// The field of Curve25519 that this build uses: one file per number representation, with the same functions, which
// field25519.i64.ts and field25519.f64.ts describe.

import * as doubles from "./field25519.f64";
import * as integers from "./field25519.i64";
import * as rolled from "./field25519-small";

/** Bytes of an element in memory. */
export const FE_SIZE: i32 = CORE_JS ? 96 : 48;

export function feAdd(out: usize, a: usize, b: usize): void {
  if (CORE_JS) doubles.feAdd(out, a, b);
  else integers.feAdd(out, a, b);
}

export function feCopy(out: usize, a: usize): void {
  if (CORE_JS) doubles.feCopy(out, a);
  else integers.feCopy(out, a);
}

export function feFromBytes(out: usize, src: usize): void {
  if (CORE_JS) doubles.feFromBytes(out, src);
  else if (CORE_SMALL) rolled.feFromBytes(out, src);
  else integers.feFromBytes(out, src);
}

export function feMul(out: usize, a: usize, b: usize): void {
  if (CORE_JS) doubles.feMul(out, a, b);
  else if (CORE_SMALL) rolled.feMul(out, a, b);
  else integers.feMul(out, a, b);
}

export function feMulSmall(out: usize, a: usize, k: i32): void {
  if (CORE_JS) doubles.feMulSmall(out, a, k);
  else if (CORE_SMALL) rolled.feMulSmall(out, a, k);
  else integers.feMulSmall(out, a, k);
}

export function feSet(out: usize, value: i32): void {
  if (CORE_JS) doubles.feSet(out, value);
  else integers.feSet(out, value);
}

export function feSquare(out: usize, a: usize): void {
  if (CORE_JS) doubles.feSquare(out, a);
  else if (CORE_SMALL) rolled.feMul(out, a, a);
  else integers.feSquare(out, a);
}

export function feSub(out: usize, a: usize, b: usize): void {
  if (CORE_JS) doubles.feSub(out, a, b);
  else integers.feSub(out, a, b);
}

export function feSwap(a: usize, b: usize, swap: i32): void {
  if (CORE_JS) doubles.feSwap(a, b, swap);
  else integers.feSwap(a, b, swap);
}

export function feToBytes(out: usize, a: usize): void {
  if (CORE_JS) doubles.feToBytes(out, a);
  else if (CORE_SMALL) rolled.feToBytes(out, a);
  else integers.feToBytes(out, a);
}
