// AES on 64-bit bit planes, four blocks at once: MVP WebAssembly and native code. An expanded key is a row of packed
// round keys, 16 bytes each. One block takes nearly as long as four: CBC encryption of a single message, in which each
// block waits for the one before, works at a third of what `cbcEncryptLanes` reaches with four messages.

import { copy, load64, store64, xor16 } from "../bytes";
import { scratchPop, scratchPush } from "../memory/scratch";
import { decryptRounds } from "./aes-decrypt";
import { encryptRounds } from "./aes-encrypt";
import { ROUND_KEYS, standardKeys } from "./aes-schedule";

// A packed block is two words: bit 16·row + 4·column + n of the first belongs to plane n, of the second to plane 4 + n.
// Eight words hold the first words of four blocks, then the second ones, or the eight planes of these blocks.
const PLANES: i32 = 64;
const SECOND: usize = 32;
const FIRST_BLOCK: u64 = 0x1111111111111111;

/** FIPS 197 §5.2. `key` is 16, 24 or 32 bytes; of `state` 176 to 240 bytes are used. */
export function aesExpandKey(key: usize, keyLen: i32, state: usize): void {
  const keys = scratchPush(ROUND_KEYS);
  const last = standardKeys<u64>(key, keyLen, keys);
  for (let r = 0; r <= last; r++) {
    const to = state + (r << 4);
    store<u64>(to, 0);
    store<u64>(to, 0, 8);
    addBlock(to, 8, keys + (r << 4));
  }
  scratchPop(ROUND_KEYS);
}

/**
 * Adds a block to a packed one, whose second word lies `gap` bytes behind the first. Each step exchanges the bits that
 * differ in one place of their index with the other word, 8, 16, 32 and 4 bits apart.
 */
function addBlock(p: usize, gap: usize, src: usize): void {
  let x = load64(src);
  let y = load64(src + 8);
  let u = ((x >> 8) ^ y) & 0x00ff00ff00ff00ff;
  x ^= u << 8;
  y ^= u;
  u = ((x >> 16) ^ y) & 0x0000ffff0000ffff;
  x ^= u << 16;
  y ^= u;
  u = ((x >> 32) ^ y) & 0x00000000ffffffff;
  x ^= u << 32;
  y ^= u;
  u = ((x >> 4) ^ y) & 0x0f0f0f0f0f0f0f0f;
  store<u64>(p, load<u64>(p) ^ x ^ (u << 4));
  store<u64>(p + gap, load<u64>(p + gap) ^ y ^ u);
}

/** Writes a packed block with its words four apart. */
function storeBlock(p: usize, dst: usize): void {
  let x = load<u64>(p);
  let y = load<u64>(p, SECOND);
  let u = ((x >> 4) ^ y) & 0x0f0f0f0f0f0f0f0f;
  x ^= u << 4;
  y ^= u;
  u = ((x >> 32) ^ y) & 0x00000000ffffffff;
  x ^= u << 32;
  y ^= u;
  u = ((x >> 16) ^ y) & 0x0000ffff0000ffff;
  x ^= u << 16;
  y ^= u;
  u = ((x >> 8) ^ y) & 0x00ff00ff00ff00ff;
  store64(dst, x ^ (u << 8));
  store64(dst + 8, y ^ u);
}

/** Four packed blocks to planes, and back. */
function transpose(q: usize): void {
  for (let p = q; p <= q + SECOND; p += SECOND) {
    let a = load<u64>(p);
    let b = load<u64>(p, 8);
    let c = load<u64>(p, 16);
    let d = load<u64>(p, 24);
    let u = ((a >> 1) ^ b) & 0x5555555555555555;
    a ^= u << 1;
    b ^= u;
    u = ((c >> 1) ^ d) & 0x5555555555555555;
    c ^= u << 1;
    d ^= u;
    u = ((a >> 2) ^ c) & 0x3333333333333333;
    store<u64>(p, a ^ (u << 2));
    store<u64>(p, c ^ u, 16);
    u = ((b >> 2) ^ d) & 0x3333333333333333;
    store<u64>(p, b ^ (u << 2), 8);
    store<u64>(p, d ^ u, 24);
  }
}

/** Encrypts the packed block at the head of `q`, the planes of the others being left as they come. */
function encryptFirst(q: usize, state: usize, rounds: i32): void {
  for (let p = q; p <= q + SECOND; p += SECOND) {
    const x = load<u64>(p);
    store<u64>(p, x >> 1, 8);
    store<u64>(p, x >> 2, 16);
    store<u64>(p, x >> 3, 24);
  }
  encryptRounds<u64>(q, state, rounds, true);
  for (let p = q; p <= q + SECOND; p += SECOND) {
    const low = (load<u64>(p) & FIRST_BLOCK) | ((load<u64>(p, 8) & FIRST_BLOCK) << 1);
    const high = (load<u64>(p, 16) & FIRST_BLOCK) | ((load<u64>(p, 24) & FIRST_BLOCK) << 1);
    store<u64>(p, low | (high << 2));
  }
}

/** Encrypts `n` blocks, 1 to 4, that are packed at `q`. */
function encrypt(q: usize, state: usize, rounds: i32, n: i32): void {
  if (n === 1) {
    encryptFirst(q, state, rounds);
    return;
  }
  transpose(q);
  encryptRounds<u64>(q, state, rounds, false);
  transpose(q);
}

/** Packs `n` blocks, 1 to 4. */
function loadBlocks(q: usize, src: usize, n: i32): void {
  for (let i = 0; i < PLANES; i += 8) store<u64>(q + i, 0);
  for (let k = 0; k < n; k++) addBlock(q + (k << 3), SECOND, src + (k << 4));
}

function storeBlocks(q: usize, dst: usize, n: i32): void {
  for (let k = 0; k < n; k++) storeBlock(q + (k << 3), dst + (k << 4));
}

export function aesEncryptBlocks(state: usize, rounds: i32, src: usize, n: i32, dst: usize): void {
  const q = scratchPush(PLANES);
  for (let i = 0; i < n; i += 4) {
    const m = n - i < 4 ? n - i : 4;
    loadBlocks(q, src + (i << 4), m);
    encrypt(q, state, rounds, m);
    storeBlocks(q, dst + (i << 4), m);
  }
  scratchPop(PLANES);
}

/** Decrypts `n` blocks, 1 to 4. */
function decrypt(q: usize, state: usize, rounds: i32, src: usize, n: i32, dst: usize): void {
  loadBlocks(q, src, n);
  transpose(q);
  decryptRounds<u64>(q, state, rounds);
  transpose(q);
  storeBlocks(q, dst, n);
}

export function aesDecryptBlocks(state: usize, rounds: i32, src: usize, n: i32, dst: usize): void {
  const q = scratchPush(PLANES);
  for (let i = 0; i < n; i += 4) decrypt(q, state, rounds, src + (i << 4), n - i < 4 ? n - i : 4, dst + (i << 4));
  scratchPop(PLANES);
}

export function cbcEncryptBlocks(state: usize, iv: usize, rounds: i32, src: usize, len: i32, dst: usize): void {
  const q = scratchPush(PLANES);
  addBlock(q, SECOND, iv);
  for (let i = 0; i < len; i += 16) {
    addBlock(q, SECOND, src + i);
    encryptFirst(q, state, rounds);
    storeBlock(q, dst + i);
  }
  storeBlock(q, iv);
  scratchPop(PLANES);
}

/**
 * CBC encryption of four messages at once.
 *
 * @param ivs  four times 16 bytes; become the last ciphertext blocks
 * @param src  [secret] four times `len` bytes, a multiple of 16; message i begins at `src` + i·`srcStride`
 * @param dst  as `src`, with its own stride; apart from the input, or the same with the same stride
 */
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
  loadBlocks(q, ivs, 4);
  for (let i = 0; i < len; i += 16) {
    for (let k = 0; k < 4; k++) addBlock(q + (k << 3), SECOND, src + k * srcStride + i);
    encrypt(q, state, rounds, 4);
    for (let k = 0; k < 4; k++) storeBlock(q + (k << 3), dst + k * dstStride + i);
  }
  storeBlocks(q, ivs, 4);
  scratchPop(PLANES);
}

export function cbcDecryptBlocks(state: usize, iv: usize, rounds: i32, src: usize, len: i32, dst: usize): void {
  const q = scratchPush(PLANES);
  // The block before, then up to four blocks of ciphertext: `dst` may lie anywhere in what was read.
  const held = scratchPush(80);
  copy(held, iv, 16);
  for (let i = 0; i < len; i += 64) {
    const rest = (len - i) >> 4;
    const n = rest < 4 ? rest : 4;
    copy(held + 16, src + i, n << 4);
    decrypt(q, state, rounds, held + 16, n, dst + i);
    for (let k = 0; k < n << 4; k += 16) xor16(dst + i + k, dst + i + k, held + k);
    copy(held, held + (n << 4), 16);
  }
  copy(iv, held, 16);
  scratchPop(80);
  scratchPop(PLANES);
}
