// AES on 64-bit bit planes, four blocks at once: MVP WebAssembly and native code. An expanded key is a row of round keys
// of 16 bytes: two u64 with four planes each, plane n of four in bits n, 4 + n, …. One block takes as long as four, so
// CBC encryption of a single message works at a quarter of what `cbcEncryptLanes` reaches.

import { copy, load32, store64 } from "../bytes";
import { scratchPop, scratchPush } from "../memory/scratch";
import { decryptRounds } from "./aes-decrypt";
import { encryptRounds } from "./aes-encrypt";
import { transpose, unzip, zip } from "./aes-planes";
import { ROUND_KEYS, standardKeys } from "./aes-schedule";

/** Bytes of the eight planes. */
const PLANES: i32 = 64;
/** FIPS 197 §5.2. `key` is 16, 24 or 32 bytes; of `state` 176 to 240 bytes are used. */
export function aesExpandKey(key: usize, keyLen: i32, state: usize): void {
  const keys = scratchPush(ROUND_KEYS);
  const q = scratchPush(PLANES);
  const last = standardKeys<u64>(key, keyLen, keys);
  for (let r = 0; r <= last; r++) {
    clear(q);
    addBlock(q, keys + (r << 4));
    transpose<u64>(q);
    for (let half = 0; half < 2; half++) {
      const p = q + (half << 5);
      const packed = load<u64>(p) | (load<u64>(p, 8) << 1) | (load<u64>(p, 16) << 2) | (load<u64>(p, 24) << 3);
      store<u64>(state + (r << 4) + (half << 3), packed);
    }
  }
  scratchPop(PLANES);
  scratchPop(ROUND_KEYS);
}

/** Adds a block to its two words, `p` and four words on; columns 0 and 2 share a word, 1 and 3 the other. */
function addBlock(p: usize, src: usize): void {
  const even = load32(src) as u64;
  const odd = load32(src + 4) as u64;
  store<u64>(p, load<u64>(p) ^ zip(even | ((load32(src + 8) as u64) << 32)));
  store<u64>(p, load<u64>(p, 32) ^ zip(odd | ((load32(src + 12) as u64) << 32)), 32);
}

function storeBlock(p: usize, dst: usize): void {
  const even = unzip(load<u64>(p));
  const odd = unzip(load<u64>(p, 32));
  store64(dst, (even & 0xffffffff) | (odd << 32));
  store64(dst + 8, (even >> 32) | (odd & 0xffffffff00000000));
}

function clear(q: usize): void {
  for (let i = 0; i < PLANES; i += 8) store<u64>(q + i, 0);
}

function encrypt(q: usize, state: usize, rounds: i32): void {
  transpose<u64>(q);
  encryptRounds<u64>(q, state, rounds);
  transpose<u64>(q);
}

export function aesEncryptBlocks(state: usize, rounds: i32, src: usize, n: i32, dst: usize): void {
  const q = scratchPush(PLANES);
  for (let left = n; left > 0; left -= 4) {
    const m = left < 4 ? left : 4;
    clear(q);
    for (let k = 0; k < m; k++) addBlock(q + (k << 3), src + (k << 4));
    encrypt(q, state, rounds);
    for (let k = 0; k < m; k++) storeBlock(q + (k << 3), dst + (k << 4));
    src += 64;
    dst += 64;
  }
  scratchPop(PLANES);
}

export function aesDecryptBlocks(state: usize, rounds: i32, src: usize, n: i32, dst: usize): void {
  const q = scratchPush(PLANES);
  for (let left = n; left > 0; left -= 4) {
    const m = left < 4 ? left : 4;
    clear(q);
    for (let k = 0; k < m; k++) addBlock(q + (k << 3), src + (k << 4));
    transpose<u64>(q);
    decryptRounds<u64>(q, state, rounds);
    transpose<u64>(q);
    for (let k = 0; k < m; k++) storeBlock(q + (k << 3), dst + (k << 4));
    src += 64;
    dst += 64;
  }
  scratchPop(PLANES);
}

export function cbcEncryptBlocks(state: usize, iv: usize, rounds: i32, src: usize, len: i32, dst: usize): void {
  const q = scratchPush(PLANES);
  addBlock(q, iv);
  for (let i = 0; i < len; i += 16) {
    addBlock(q, src + i);
    encrypt(q, state, rounds);
    storeBlock(q, dst + i);
  }
  storeBlock(q, iv);
  scratchPop(PLANES);
}

/**
 * CBC encryption of four messages at once, in the time of one.
 *
 * @param ivs     four times 16 bytes; become the last ciphertext blocks
 * @param src     [secret] four times `len` bytes, a multiple of 16; message i begins at `src` + i·`stride`
 * @param dst     as `src`, with the same stride; may be `src`
 */
export function cbcEncryptLanes(
  state: usize,
  ivs: usize,
  rounds: i32,
  src: usize,
  stride: i32,
  len: i32,
  dst: usize,
): void {
  const q = scratchPush(PLANES);
  for (let k = 0; k < 4; k++) addBlock(q + (k << 3), ivs + (k << 4));
  for (let i = 0; i < len; i += 16) {
    for (let k = 0; k < 4; k++) addBlock(q + (k << 3), src + k * stride + i);
    encrypt(q, state, rounds);
    for (let k = 0; k < 4; k++) storeBlock(q + (k << 3), dst + k * stride + i);
  }
  for (let k = 0; k < 4; k++) storeBlock(q + (k << 3), ivs + (k << 4));
  scratchPop(PLANES);
}

export function cbcDecryptBlocks(state: usize, iv: usize, rounds: i32, src: usize, len: i32, dst: usize): void {
  const q = scratchPush(PLANES);
  // The block before, then up to four blocks of ciphertext: `dst` may lie anywhere in what was read.
  const held = scratchPush(80);
  copy(held, iv, 16);
  for (let i = 0; i < len; i += 64) {
    const rest = (len - i) >> 4;
    const m = rest < 4 ? rest : 4;
    clear(q);
    for (let k = 0; k < m; k++) {
      copy(held + 16 + (k << 4), src + i + (k << 4), 16);
      addBlock(q + (k << 3), held + 16 + (k << 4));
    }
    transpose<u64>(q);
    decryptRounds<u64>(q, state, rounds);
    transpose<u64>(q);
    for (let k = 0; k < m; k++) {
      addBlock(q + (k << 3), held + (k << 4));
      storeBlock(q + (k << 3), dst + i + (k << 4));
    }
    copy(held, held + (m << 4), 16);
  }
  copy(iv, held, 16);
  scratchPop(80);
  scratchPop(PLANES);
}
