// AES on 32-bit bit planes, two blocks at once: core.js, where 64-bit integers are emulated. An expanded key is a row of
// round keys of 32 bytes: eight planes, the same for both blocks.

import { copy, load32, store32 } from "../bytes";
import { scratchPop, scratchPush } from "../memory/scratch";
import { decryptRounds } from "./aes-decrypt";
import { encryptRounds } from "./aes-encrypt";
import { ROUND_KEYS, standardKeys } from "./aes-schedule";

/** Bytes of the eight planes; as words, column c of block b stands at 8·c + 4·b. */
const PLANES: i32 = 32;

/** FIPS 197 §5.2. `key` is 16, 24 or 32 bytes; of `state` 352 to 480 bytes are used. */
export function aesExpandKey(key: usize, keyLen: i32, state: usize): void {
  const keys = scratchPush(ROUND_KEYS);
  const last = standardKeys<u32>(key, keyLen, keys);
  for (let r = 0; r <= last; r++) {
    const q = state + (r << 5);
    clear(q);
    for (let b = 0; b < 2; b++) addBlock(q + (b << 2), keys + (r << 4));
    transpose(q);
  }
  scratchPop(ROUND_KEYS);
}

/** Adds a block to its four words. */
function addBlock(p: usize, src: usize): void {
  store<u32>(p, load<u32>(p) ^ load32(src));
  store<u32>(p, load<u32>(p, 8) ^ load32(src + 4), 8);
  store<u32>(p, load<u32>(p, 16) ^ load32(src + 8), 16);
  store<u32>(p, load<u32>(p, 24) ^ load32(src + 12), 24);
}

function storeBlock(p: usize, dst: usize): void {
  store32(dst, load<u32>(p));
  store32(dst + 4, load<u32>(p, 8));
  store32(dst + 8, load<u32>(p, 16));
  store32(dst + 12, load<u32>(p, 24));
}

/** Transposes the eight words as an 8-by-8 bit matrix in each byte column: words to planes and back. */
function transpose(q: usize): void {
  for (let p = q; p < q + 32; p += 16) {
    let a = load<u32>(p);
    let b = load<u32>(p, 4);
    let c = load<u32>(p, 8);
    let d = load<u32>(p, 12);
    let u = ((a >> 1) ^ b) & 0x55555555;
    a ^= u << 1;
    b ^= u;
    u = ((c >> 1) ^ d) & 0x55555555;
    c ^= u << 1;
    d ^= u;
    u = ((a >> 2) ^ c) & 0x33333333;
    store<u32>(p, a ^ (u << 2));
    store<u32>(p, c ^ u, 8);
    u = ((b >> 2) ^ d) & 0x33333333;
    store<u32>(p, b ^ (u << 2), 4);
    store<u32>(p, d ^ u, 12);
  }
  for (let p = q; p < q + 16; p += 4) {
    const a = load<u32>(p);
    const b = load<u32>(p, 16);
    const u = ((a >> 4) ^ b) & 0x0f0f0f0f;
    store<u32>(p, a ^ (u << 4));
    store<u32>(p, b ^ u, 16);
  }
}

function clear(q: usize): void {
  for (let i = 0; i < PLANES; i += 4) store<u32>(q + i, 0);
}

function encrypt(q: usize, state: usize, rounds: i32): void {
  transpose(q);
  encryptRounds<u32>(q, state, rounds, false);
  transpose(q);
}

function decrypt(q: usize, state: usize, rounds: i32): void {
  transpose(q);
  decryptRounds<u32>(q, state, rounds);
  transpose(q);
}

export function aesEncryptBlocks(state: usize, rounds: i32, src: usize, n: i32, dst: usize): void {
  const q = scratchPush(PLANES);
  for (let i = 0; i < n; i += 2) {
    const m = n - i < 2 ? 1 : 2;
    clear(q);
    for (let k = 0; k < m; k++) addBlock(q + (k << 2), src + ((i + k) << 4));
    encrypt(q, state, rounds);
    for (let k = 0; k < m; k++) storeBlock(q + (k << 2), dst + ((i + k) << 4));
  }
  scratchPop(PLANES);
}

export function aesDecryptBlocks(state: usize, rounds: i32, src: usize, n: i32, dst: usize): void {
  const q = scratchPush(PLANES);
  for (let i = 0; i < n; i += 2) {
    const m = n - i < 2 ? 1 : 2;
    clear(q);
    for (let k = 0; k < m; k++) addBlock(q + (k << 2), src + ((i + k) << 4));
    decrypt(q, state, rounds);
    for (let k = 0; k < m; k++) storeBlock(q + (k << 2), dst + ((i + k) << 4));
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

/** As its namesake of 64-bit planes, in the time of two messages. */
export function cbcEncryptLanes(
  state: usize,
  ivs: usize,
  rounds: i32,
  src: usize,
  srcStride: i32,
  len: i32,
  dst: usize,
  dstStride: i32,
): void {
  const q = scratchPush(PLANES);
  for (let pair = 0; pair < 4; pair += 2) {
    const iv = ivs + (pair << 4);
    clear(q);
    for (let k = 0; k < 2; k++) addBlock(q + (k << 2), iv + (k << 4));
    for (let i = 0; i < len; i += 16) {
      for (let k = 0; k < 2; k++) addBlock(q + (k << 2), src + (pair + k) * srcStride + i);
      encrypt(q, state, rounds);
      for (let k = 0; k < 2; k++) storeBlock(q + (k << 2), dst + (pair + k) * dstStride + i);
    }
    for (let k = 0; k < 2; k++) storeBlock(q + (k << 2), iv + (k << 4));
  }
  scratchPop(PLANES);
}

export function cbcDecryptBlocks(state: usize, iv: usize, rounds: i32, src: usize, len: i32, dst: usize): void {
  const q = scratchPush(PLANES);
  // The block before, then up to two blocks of ciphertext: `dst` may lie anywhere in what was read.
  const held = scratchPush(48);
  copy(held, iv, 16);
  for (let i = 0; i < len; i += 32) {
    const m = len - i < 32 ? 1 : 2;
    clear(q);
    for (let k = 0; k < m; k++) {
      copy(held + 16 + (k << 4), src + i + (k << 4), 16);
      addBlock(q + (k << 2), held + 16 + (k << 4));
    }
    decrypt(q, state, rounds);
    for (let k = 0; k < m; k++) {
      addBlock(q + (k << 2), held + (k << 4));
      storeBlock(q + (k << 2), dst + i + (k << 4));
    }
    copy(held, held + (m << 4), 16);
  }
  copy(iv, held, 16);
  scratchPop(48);
  scratchPop(PLANES);
}
