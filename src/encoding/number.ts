// Numbers of received objects. JSON literals are judged by their digits, never rounded into range.

import { MAX_ID } from "./limits.ts";

/** A number that is no integer of -2^53..2^53: out of range, or not an integer at all. */
export class OddNumber {
  readonly isInteger: boolean;
  /** For people and for telling versions apart; never itself an integer of the range. */
  readonly approximate: number;

  constructor(isInteger: boolean, approximate: number) {
    const isInRange = Number.isInteger(approximate) && Math.abs(approximate) <= MAX_ID;
    this.isInteger = isInteger;
    if (!isInRange) this.approximate = approximate;
    else if (!isInteger) this.approximate = Number.NaN;
    else this.approximate = approximate < 0 ? -MAX_ID - 2 : MAX_ID + 2;
  }
}

/** Longer literals are refused: no number that MSL carries comes near. */
const MAX_LITERAL = 1024;
const TEN_8 = 100000000;
const INT64_DIGITS = "9223372036854775807";

/**
 * The number that takes up the bytes from..to, or null if they are not a JSON number. Linear in its length.
 *
 * Differs from reference: a fraction is not truncated. An integer literal beyond 64 bits, and what no double can
 * hold, is not an integer; one with an exponent is an integer out of range.
 */
export function readJsonNumber(bytes: Uint8Array, from: number, to: number): number | OddNumber | null {
  if (to === from || to - from > MAX_LITERAL) return null;
  const isNegative = bytes[from] === 0x2d;
  const start = isNegative ? from + 1 : from;
  const point = digitsEnd(bytes, start, to);
  if (point === start || (bytes[start] === 0x30 && point > start + 1)) return null;
  let i = point;
  if (bytes[i] === 0x2e) {
    i = digitsEnd(bytes, point + 1, to);
    if (i === point + 1) return null;
  }
  const mantissaEnd = i;
  let exponent = 0;
  if (i < to) {
    if (bytes[i] !== 0x65 && bytes[i] !== 0x45) return null;
    const isSigned = bytes[i + 1] === 0x2b || bytes[i + 1] === 0x2d;
    const first = i + (isSigned ? 2 : 1);
    if (first >= to || digitsEnd(bytes, first, to) !== to) return null;
    // Beyond a million only the direction counts: the mantissa has at most a thousand digits.
    for (let k = first; k < to; k++) exponent = Math.min(exponent * 10 + bytes[k]! - 0x30, 1e6);
    if (bytes[i + 1] === 0x2d) exponent = -exponent;
  }
  let digits = "";
  for (let k = start; k < mantissaEnd; k++) if (k !== point) digits += String.fromCharCode(bytes[k]!);
  // The value is `digits` times ten to the `scale`.
  let scale = exponent - Math.max(0, mantissaEnd - point - 1);
  let head = 0;
  let tail = digits.length;
  while (head < tail && digits.charCodeAt(head) === 0x30) head++;
  if (head === tail) return 0;
  for (; digits.charCodeAt(tail - 1) === 0x30; tail--) scale++;
  return classified(digits.slice(head, tail), scale, isNegative, mantissaEnd === point && i === to);
}

/** `digits` without leading and trailing zeros. */
function classified(digits: string, scale: number, isNegative: boolean, isPlain: boolean): number | OddNumber {
  const sign = isNegative ? -1 : 1;
  const length = digits.length + scale;
  if (scale >= 0 && length <= 16) {
    const padded = digits + "0".repeat(scale);
    const high = Number(padded.slice(0, -8));
    const low = Number(padded.slice(-8));
    // 2^53 is 90071992 54740992.
    if (high < 90071992 || (high === 90071992 && low <= 54740992)) return sign * (high * TEN_8 + low);
  }
  const approximate = sign * Number(`${digits}e${scale}`);
  if (scale < 0 || !Number.isFinite(approximate)) return new OddNumber(false, approximate);
  return new OddNumber(!isPlain || !isBeyond64Bits(digits, scale, isNegative), approximate);
}

function isBeyond64Bits(digits: string, scale: number, isNegative: boolean): boolean {
  const length = digits.length + scale;
  if (length !== 19) return length > 19;
  const padded = digits + "0".repeat(scale);
  return padded > INT64_DIGITS && !(isNegative && padded === "9223372036854775808");
}

function digitsEnd(bytes: Uint8Array, from: number, to: number): number {
  let i = from;
  while (i < to && bytes[i]! >= 0x30 && bytes[i]! <= 0x39) i++;
  return i;
}
