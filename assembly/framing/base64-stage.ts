// Base64 and base64url for the host: what base64.ts does, on areas of the stages.

import { ERR_ARGUMENT } from "../../src/core/abi";
import { inStage } from "../memory/layout";
import * as base64 from "./base64";

/** True if the area at `out` lies in the stages, clear of the `len` bytes at `ptr`. */
function fits(ptr: usize, len: i32, out: usize, outLen: i32): bool {
  return inStage(out, outLen) && (out >= ptr + len || ptr >= out + outLen);
}

/**
 * Text of `len` bytes, with padding.
 *
 * @param ptr  [secret] `len` bytes; stays as it is
 * @param out  [secret] room for the text, apart from the bytes
 * @returns length of the text | ERR_ARGUMENT
 */
export function base64Encode(ptr: usize, len: i32, out: usize): i32 {
  if (!inStage(ptr, len) || !fits(ptr, len, out, base64.base64Length(len))) return ERR_ARGUMENT;
  return base64.base64Encode(ptr, len, out);
}

/** As `base64Encode`, with the letters - and _ and without padding. */
export function base64UrlEncode(ptr: usize, len: i32, out: usize): i32 {
  if (!inStage(ptr, len) || !fits(ptr, len, out, base64.base64UrlLength(len))) return ERR_ARGUMENT;
  return base64.base64UrlEncode(ptr, len, out);
}

/**
 * Bytes of `len` characters, without white space; unused bits may be set.
 *
 * @param ptr  [secret] `len` characters
 * @param out  [secret] room for 3 bytes a group of 4 characters, begun groups included: `ptr` itself, or apart from the
 *   text. Zeros where ERR_FORM comes out
 * @returns length of the bytes | ERR_FORM | ERR_ARGUMENT
 */
export function base64Decode(ptr: usize, len: i32, out: usize): i32 {
  if (!takes(ptr, len, out)) return ERR_ARGUMENT;
  return base64.base64Decode(ptr, len, out);
}

/** As `base64Decode`, with the letters - and _ and without padding. */
export function base64UrlDecode(ptr: usize, len: i32, out: usize): i32 {
  if (!takes(ptr, len, out)) return ERR_ARGUMENT;
  return base64.base64UrlDecode(ptr, len, out);
}

function takes(ptr: usize, len: i32, out: usize): bool {
  if (!inStage(ptr, len)) return false;
  const room = ((len + 3) >> 2) * 3;
  return out === ptr ? inStage(out, len) : fits(ptr, len, out, room);
}
