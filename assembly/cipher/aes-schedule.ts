// AES key expansion, FIPS 197 §5.2, for the bitsliced implementations: T is u64 or u32 as in aes-planes.ts.

import { copy } from "../bytes";
import { scratchPop, scratchPush } from "../memory/scratch";
import { encryptRounds } from "./aes-encrypt";

/** Bytes of the round keys of AES-256. */
export const ROUND_KEYS: i32 = 240;
/** Two round keys of zero: with them, one round of `encryptRounds` is SubBytes. */
const ZEROS: usize = memory.data(64, 16);

/**
 * Makes the round keys as bytes, fixed up for the planes: the rows of key r are turned as far as the state's are by
 * then, and from the second key on the constant of SubBytes is in them, 0x63, which MixColumns leaves as it is.
 *
 * @param key   [secret] 16, 24 or 32 bytes
 * @param keys  [secret] ROUND_KEYS bytes, aligned
 * @returns number of rounds, which is the number of the last key
 */
export function standardKeys<T extends number>(key: usize, keyLen: i32, keys: usize): i32 {
  const nk = keyLen >> 2;
  const rounds = nk + 6;
  copy(keys, key, keyLen);
  let rcon: u32 = 1;
  let phase = 0;
  for (let i = keyLen; i < (rounds + 1) << 4; i += 4) {
    let t = load<u32>(keys + i - 4);
    if (phase === 0) {
      t = subWord<T>((t >> 8) | (t << 24)) ^ rcon;
      rcon = (rcon << 1) ^ ((rcon >> 7) * 0x11b);
    } else if (nk === 8 && phase === 4) {
      t = subWord<T>(t);
    }
    phase = phase + 1 === nk ? 0 : phase + 1;
    store<u32>(keys + i, t ^ load<u32>(keys + i - keyLen));
  }
  for (let r = 1; r <= rounds; r++) fixUp(keys + (r << 4), r);
  return rounds;
}

/** S-box on four bytes: their bits go to bit 0 of each byte of the planes, and what else stands there goes unused. */
function subWord<T extends number>(x: u32): u32 {
  const q = scratchPush(64);
  for (let k: u32 = 0; k < 8; k++) store<T>(q + k * sizeof<T>(), (x >> k) as T);
  encryptRounds<T>(q, ZEROS, 1, false);
  let y: u32 = 0;
  for (let k: u32 = 0; k < 8; k++) y |= (load<u32>(q + k * sizeof<T>()) & 0x01010101) << k;
  scratchPop(64);
  return y ^ 0x63636363;
}

/** Turns row i of a round key right by r·i columns, and adds 0x63 to each byte. */
function fixUp(key: usize, r: i32): void {
  const old = scratchPush(16);
  copy(old, key, 16);
  for (let i = 0; i < 16; i++) {
    const column = (i & 12) + ((r * (i & 3)) << 2);
    store<u8>(key + ((column & 12) | (i & 3)), load<u8>(old + i) ^ 0x63);
  }
  scratchPop(16);
}
