// AES for the SIMD build: constant time, no table lookup by a secret address. An expanded key is two schedules of 15 · 16
// bytes in the form of aes-simd-encrypt.ts, turned: for encryption, and at 240 for the equivalent inverse cipher, first key first.
// 0x63, the S-box's constant, is added to the keys that follow (or, backwards, come before) a SubBytes.

import { load32 } from "../bytes";
import { scratchPop, scratchPush } from "../memory/scratch";
import { DECRYPT_KEYS } from "./aes-simd-decrypt";
import {
  A_INV, D_IN_HI, D_IN_LO, IN_HI, IN_LO, INV, LOW, OUT_HI, OUT_LO, S1_U, S1_W, TABLES, TURN,
} from "./aes-simd-tables.gen"; // biome-ignore format: one table of names

export { aesDecryptBlocks, cbcDecryptBlocks } from "./aes-simd-decrypt";
export { aesEncryptBlocks, cbcEncryptBlocks } from "./aes-simd-encrypt";

/** The most round keys, of AES-256, in bytes. */
const SCHEDULE: i32 = 240;

/**
 * Key expansion, FIPS 197 §5.2.
 *
 * @param key    [secret] `keyLen` bytes: 16, 24 or 32
 * @param state  [secret] 480 bytes
 * Scratch: 240 bytes, wiped.
 */
export function aesExpandKey(key: usize, keyLen: i32, state: usize): void {
  const nk = keyLen >> 2;
  const rounds = nk + 6;
  const words = (rounds + 1) << 2;
  const plain = scratchPush(SCHEDULE);
  for (let i = 0; i < nk; i++) store<u32>(plain + (i << 2), load32(key + (i << 2)));
  let rcon: u32 = 1;
  let phase = 0;
  for (let i = nk; i < words; i++) {
    let t = load<u32>(plain + ((i - 1) << 2));
    if (phase === 0) {
      t = subWord(rotr<u32>(t, 8)) ^ rcon;
      rcon = (rcon << 1) ^ ((rcon >> 7) * 0x11b);
    } else if (nk === 8 && phase === 4) {
      t = subWord(t);
    }
    phase = phase + 1 === nk ? 0 : phase + 1;
    store<u32>(plain + (i << 2), t ^ load<u32>(plain + ((i - nk) << 2)));
  }
  const turn = v128.load(TABLES, TURN);
  const constant = v128.splat<u8>(0x63);
  for (let r = 0; r <= rounds; r++) {
    const k = i8x16.swizzle(v128.load(plain + (r << 4)), turn);
    const back = state + DECRYPT_KEYS + ((rounds - r) << 4);
    v128.store(state + (r << 4), linear(r === 0 ? k : v128.xor(k, constant), IN_LO, IN_HI));
    if (r === 0) v128.store(back, k);
    else v128.store(back, linear(v128.xor(r === rounds ? k : invMixColumns(k), constant), D_IN_LO, D_IN_HI));
  }
  scratchPop(SCHEDULE);
}

/** S-box on four bytes. */
function subWord(word: u32): u32 {
  const low = v128.load(TABLES, LOW);
  const inv = v128.load(TABLES, INV);
  const x = linear(i32x4.splat(word), IN_LO, IN_HI);
  const k = v128.and(x, low);
  const i = v128.and(i16x8.shr_u(x, 4), low);
  const j = v128.xor(k, i);
  const g = i8x16.swizzle(v128.load(TABLES, A_INV), k);
  const u = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i), g)), j);
  const w = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j), g)), i);
  const y = v128.xor(i8x16.swizzle(v128.load(TABLES, S1_U), u), i8x16.swizzle(v128.load(TABLES, S1_W), w));
  return i32x4.extract_lane(linear(y, OUT_LO, OUT_HI), 0) ^ 0x63636363;
}

/** Doubles each byte in GF(2^8). */
function double(x: v128): v128 {
  return v128.xor(i8x16.shl(x, 1), v128.and(i8x16.shr_s(x, 7), v128.splat<u8>(0x1b)));
}

/** InvMixColumns, FIPS 197 §5.3.3: on a turned block: each byte becomes 14·a ⊕ 11·a₁ ⊕ 13·a₂ ⊕ 9·a₃ of its column. */
function invMixColumns(x: v128): v128 {
  const x2 = double(x);
  const x4 = double(x2);
  const x8 = double(x4);
  const x9 = v128.xor(x8, x);
  const b = v128.xor(x9, x2);
  const d = v128.xor(x9, x4);
  return v128.xor(
    v128.xor(v128.xor(v128.xor(x2, x4), x8), v128.shuffle<u32>(b, b, 1, 2, 3, 0)),
    v128.xor(v128.shuffle<u32>(d, d, 2, 3, 0, 1), v128.shuffle<u32>(x9, x9, 3, 0, 1, 2)),
  );
}

/** A linear map on bytes, given by its tables of low and of high nibbles. */
function linear(x: v128, lowTable: i32, highTable: i32): v128 {
  const low = v128.load(TABLES, LOW);
  return v128.xor(
    i8x16.swizzle(v128.load(TABLES + lowTable), v128.and(x, low)),
    i8x16.swizzle(v128.load(TABLES + highTable), v128.and(i16x8.shr_u(x, 4), low)),
  );
}
