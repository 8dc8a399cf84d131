// AES of the small builds: bitsliced like aes.i64.ts, but with its planes in memory, rounds in a loop and one S-box circuit
// for both directions. Four blocks are worked on at once in eight 64-bit planes; bit (16·row + 4·column + block) of plane
// k is bit k of the byte at (row, column) of that block. ShiftRows then rotates 16-bit lanes, MixColumns rotates whole
// planes by 16. An expanded key is the standard's round keys as bytes; their planes are made for each call.

import { copy, load32, store32, wipe, xor16 } from "../bytes";
import { scratchPop, scratchPush } from "../memory/scratch";
import { invSubBytes, subBytes } from "./aes-small-sbox";

/** Planes of up to 15 round keys. */
const KEY_PLANES: i32 = 960;

/** FIPS 197 §5.2. `key` is 16, 24 or 32 bytes; of `state` 176 to 240 bytes are used. */
export function aesExpandKey(key: usize, keyLen: i32, state: usize): void {
  const nk = keyLen >> 2;
  copy(state, key, keyLen);
  let rcon: u32 = 1;
  let phase = 0;
  for (let i = keyLen; i < (nk + 7) << 4; i += 4) {
    let t = load<u32>(state + i - 4);
    if (phase === 0) {
      t = subWord(rotr<u32>(t, 8)) ^ rcon;
      rcon = (rcon << 1) ^ ((rcon >> 7) * 0x11b);
    } else if (nk === 8 && phase === 4) {
      t = subWord(t);
    }
    phase = phase + 1 === nk ? 0 : phase + 1;
    store<u32>(state + i, t ^ load<u32>(state + i - keyLen));
  }
}

/** S-box on four bytes, through the circuit. */
function subWord(x: u32): u32 {
  store<u64>(Q, x as u64);
  transpose();
  subBytes(Q);
  transpose();
  const y = load<u32>(Q);
  wipe(Q, 64);
  return y;
}

/** The eight planes being worked on. Wiped by whoever used them. */
const Q: usize = memory.data(64, 16);

/** Exchanges the bits selected by `low` (and their partners `shift` higher) between two planes. */
function swapBits(a: i32, b: i32, low: u64, shift: u64): void {
  const x = load<u64>(Q + (a << 3));
  const y = load<u64>(Q + (b << 3));
  store<u64>(Q + (a << 3), (x & low) | ((y & low) << shift));
  store<u64>(Q + (b << 3), ((x >> shift) & low) | (y & ~low));
}

/** Bit matrix transposition across the eight words, byte column by byte column. Its own inverse. */
function transpose(): void {
  for (let i = 0; i < 8; i += 2) swapBits(i, i + 1, 0x5555555555555555, 1);
  for (let i = 0; i < 8; i += 4) {
    swapBits(i, i + 2, 0x3333333333333333, 2);
    swapBits(i + 1, i + 3, 0x3333333333333333, 2);
  }
  for (let i = 0; i < 4; i++) swapBits(i, i + 4, 0x0f0f0f0f0f0f0f0f, 4);
}

/** Spreads four bytes to the even bytes of a word. */
function spread(x: u32): u64 {
  let y = x as u64;
  y = (y | (y << 16)) & 0x0000ffff0000ffff;
  return (y | (y << 8)) & 0x00ff00ff00ff00ff;
}

/** Inverse of `spread`. */
function gather(y: u64): u32 {
  y &= 0x00ff00ff00ff00ff;
  y = (y | (y >> 8)) & 0x0000ffff0000ffff;
  return (y | (y >> 16)) as u32;
}

/** Puts block `n` (0..3) into the words before they are transposed. */
function loadBlock(n: i32, src: usize): void {
  store<u64>(Q + (n << 3), spread(load32(src)) | (spread(load32(src + 8)) << 8));
  store<u64>(Q + 32 + (n << 3), spread(load32(src + 4)) | (spread(load32(src + 12)) << 8));
}

function storeBlock(n: i32, dst: usize): void {
  const even = load<u64>(Q + (n << 3));
  const odd = load<u64>(Q + 32 + (n << 3));
  store32(dst, gather(even));
  store32(dst + 4, gather(odd));
  store32(dst + 8, gather(even >> 8));
  store32(dst + 12, gather(odd >> 8));
}

function addRoundKey(planes: usize): void {
  for (let i = 0; i < 64; i += 8) store<u64>(Q + i, load<u64>(Q + i) ^ load<u64>(planes + i));
}

/** Rotates row r of every block left by r columns (4·r bits of its lane). */
function shiftRows(): void {
  for (let i = 0; i < 64; i += 8) {
    const x = load<u64>(Q + i);
    store<u64>(
      Q + i,
      (x & 0x000000000000ffff) |
        ((x >> 4) & 0x000000000fff0000) |
        ((x << 12) & 0x00000000f0000000) |
        ((x >> 8) & 0x000000ff00000000) |
        ((x << 8) & 0x0000ff0000000000) |
        ((x >> 12) & 0x000f000000000000) |
        ((x << 4) & 0xfff0000000000000),
    );
  }
}

function invShiftRows(): void {
  for (let i = 0; i < 64; i += 8) {
    const x = load<u64>(Q + i);
    store<u64>(
      Q + i,
      (x & 0x000000000000ffff) |
        ((x << 4) & 0x00000000fff00000) |
        ((x >> 12) & 0x00000000000f0000) |
        ((x << 8) & 0x0000ff0000000000) |
        ((x >> 8) & 0x000000ff00000000) |
        ((x << 12) & 0xf000000000000000) |
        ((x >> 4) & 0x0fff000000000000),
    );
  }
}

/** MixColumns, FIPS 197 §5.1.3: with d = a ⊕ a₁, each byte becomes 2·d ⊕ a₁ ⊕ (d two rows on). */
function mixColumns(): void {
  // 2· shifts planes and folds plane 7 by 0x1b: into planes 0, 1, 3 and 4.
  const x7 = load<u64>(Q, 56);
  const d7 = x7 ^ rotr<u64>(x7, 16);
  let below = d7;
  for (let i = 0; i < 8; i++) {
    const x = load<u64>(Q + (i << 3));
    const r = rotr<u64>(x, 16);
    const d = x ^ r;
    store<u64>(Q + (i << 3), below ^ (d7 & -((0x1a >> i) & 1)) ^ r ^ rotr<u64>(d, 32));
    below = d;
  }
}

/** InvMixColumns as MixColumns after adding 4·(a ⊕ a₂) to each byte: the matrix 14,11,13,9 is 2,3,1,1 times 5,0,4,0. */
function invMixColumns(): void {
  const x6 = crossColumn(48);
  const x7 = crossColumn(56);
  // Times 4 in GF(2^8): planes move up two; planes 6 and 7 fold back by 0x1b and 0x36. From the top down.
  for (let i = 7; i >= 0; i--) {
    let x = (x6 & -((0x1b >> i) & 1)) ^ (x7 & -((0x36 >> i) & 1));
    if (i > 1) x ^= crossColumn((i - 2) << 3);
    store<u64>(Q + (i << 3), load<u64>(Q + (i << 3)) ^ x);
  }
  mixColumns();
}

function crossColumn(plane: i32): u64 {
  const x = load<u64>(Q + plane);
  return x ^ rotr<u64>(x, 32);
}

/** Encrypts or decrypts up to four blocks: `n` of 16 bytes at `src`, to `dst`, which may be `src`. */
function crypt(planes: usize, rounds: i32, src: usize, n: i32, dst: usize, decrypts: bool): void {
  for (let i = 0; i < n; i++) loadBlock(i, src + (i << 4));
  transpose();
  let key = decrypts ? planes + (rounds << 6) : planes;
  addRoundKey(key);
  for (let r = 1; r <= rounds; r++) {
    key = decrypts ? key - 64 : key + 64;
    if (decrypts) {
      invShiftRows();
      invSubBytes(Q);
      addRoundKey(key);
      if (r < rounds) invMixColumns();
    } else {
      subBytes(Q);
      shiftRows();
      if (r < rounds) mixColumns();
      addRoundKey(key);
    }
  }
  transpose();
  for (let i = 0; i < n; i++) storeBlock(i, dst + (i << 4));
}

/** Pushes the planes of the round keys: `rounds` + 1 times eight. */
function keyPlanes(state: usize, rounds: i32): usize {
  const planes = scratchPush(KEY_PLANES);
  for (let r = 0; r <= rounds; r++) {
    for (let n = 0; n < 4; n++) loadBlock(n, state + (r << 4));
    transpose();
    copy(planes + (r << 6), Q, 64);
  }
  return planes;
}

function release(): void {
  wipe(Q, 64);
  scratchPop(KEY_PLANES);
}

function cryptBlocks(state: usize, rounds: i32, src: usize, n: i32, dst: usize, decrypts: bool): void {
  const planes = keyPlanes(state, rounds);
  for (; n > 0; n -= 4) {
    crypt(planes, rounds, src, min(n, 4), dst, decrypts);
    src += 64;
    dst += 64;
  }
  release();
}

export function aesEncryptBlocks(state: usize, rounds: i32, src: usize, n: i32, dst: usize): void {
  cryptBlocks(state, rounds, src, n, dst, false);
}

export function aesDecryptBlocks(state: usize, rounds: i32, src: usize, n: i32, dst: usize): void {
  cryptBlocks(state, rounds, src, n, dst, true);
}

export function cbcEncryptBlocks(state: usize, iv: usize, rounds: i32, src: usize, len: i32, dst: usize): void {
  const planes = keyPlanes(state, rounds);
  for (let i = 0; i < len; i += 16) {
    xor16(iv, iv, src + i);
    crypt(planes, rounds, iv, 1, iv, false);
    copy(dst + i, iv, 16);
  }
  release();
}

export function cbcDecryptBlocks(state: usize, iv: usize, rounds: i32, src: usize, len: i32, dst: usize): void {
  const planes = keyPlanes(state, rounds);
  // The block before, then up to four blocks of ciphertext: `dst` may lie anywhere in what was read.
  const held = scratchPush(80);
  copy(held, iv, 16);
  for (let i = 0; i < len; i += 64) {
    const size = min(len - i, 64);
    copy(held + 16, src + i, size);
    crypt(planes, rounds, held + 16, size >> 4, dst + i, true);
    for (let k = 0; k < size; k += 16) xor16(dst + i + k, dst + i + k, held + k);
    copy(held, held + size, 16);
  }
  copy(iv, held, 16);
  scratchPop(80);
  release();
}
