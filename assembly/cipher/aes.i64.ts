// AES, FIPS 197, bitsliced: constant time by construction, no tables, no secret-dependent address.
// Four blocks are worked on at once in eight 64-bit planes; bit (16·row + 4·column + block) of plane k is bit k of
// the byte at (row, column) of that block. ShiftRows then rotates 16-bit lanes, MixColumns rotates whole planes by 16.
// An expanded key in a slot is the standard's round keys as bytes; their bitsliced form is made in scratch for a call.

import { copy, load32, store32, wipe, xor16 } from "../bytes";
import { scratchPop, scratchPush } from "../memory/scratch";
import { invSubBytes, subBytes } from "./aes-sbox";

/** Bytes of the bitsliced round keys: 15 times 8 planes. */
const AES_PLANES: i32 = 960;

/**
 * Key expansion, FIPS 197 §5.2.
 *
 * @param key    [secret] 16, 24 or 32 bytes
 * @param state  [secret] 240 bytes: the round keys
 */
export function aesExpandKey(key: usize, keyLen: i32, state: usize): void {
  const nk = keyLen >> 2;
  const words = ((nk + 7) as i32) << 2;
  for (let i = 0; i < nk; i++) store<u32>(state + (i << 2), load32(key + (i << 2)));
  let rcon: u32 = 1;
  let phase = 0;
  for (let i = nk; i < words; i++) {
    let t = load<u32>(state + ((i - 1) << 2));
    if (phase === 0) {
      t = subWord(rotr<u32>(t, 8)) ^ rcon;
      rcon = (rcon << 1) ^ ((rcon >> 7) * 0x11b);
    } else if (nk === 8 && phase === 4) {
      t = subWord(t);
    }
    phase = phase + 1 === nk ? 0 : phase + 1;
    store<u32>(state + (i << 2), t ^ load<u32>(state + ((i - nk) << 2)));
  }
}

/** S-box on four bytes, through the bitsliced circuit. */
function subWord(x: u32): u32 {
  wipe(Q, 64);
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

/** Makes the bitsliced round keys: `rounds` + 1 times 8 planes at `planes`. */
function aesSlice(state: usize, rounds: i32, planes: usize): void {
  for (let r = 0; r <= rounds; r++) {
    for (let n = 0; n < 4; n++) loadBlock(n, state + (r << 4));
    transpose();
    for (let i = 0; i < 64; i += 8) store<u64>(planes + (r << 6) + i, load<u64>(Q + i));
  }
  wipe(Q, 64);
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

/** MixColumns, FIPS 197 §5.1.3: each byte becomes 2·a ⊕ 3·a₁ ⊕ a₂ ⊕ a₃ of its column. */
function mixColumns(): void {
  const q0 = load<u64>(Q);
  const q1 = load<u64>(Q, 8);
  const q2 = load<u64>(Q, 16);
  const q3 = load<u64>(Q, 24);
  const q4 = load<u64>(Q, 32);
  const q5 = load<u64>(Q, 40);
  const q6 = load<u64>(Q, 48);
  const q7 = load<u64>(Q, 56);
  // d = a ⊕ a₁; the result is 2·d ⊕ a₁ ⊕ (d two rows on), where 2· shifts planes and folds plane 7 by 0x1b.
  const r0 = rotr<u64>(q0, 16);
  const r1 = rotr<u64>(q1, 16);
  const r2 = rotr<u64>(q2, 16);
  const r3 = rotr<u64>(q3, 16);
  const r4 = rotr<u64>(q4, 16);
  const r5 = rotr<u64>(q5, 16);
  const r6 = rotr<u64>(q6, 16);
  const r7 = rotr<u64>(q7, 16);
  const d7 = q7 ^ r7;
  store<u64>(Q, d7 ^ r0 ^ rotr<u64>(q0 ^ r0, 32));
  store<u64>(Q, q0 ^ r0 ^ d7 ^ r1 ^ rotr<u64>(q1 ^ r1, 32), 8);
  store<u64>(Q, q1 ^ r1 ^ r2 ^ rotr<u64>(q2 ^ r2, 32), 16);
  store<u64>(Q, q2 ^ r2 ^ d7 ^ r3 ^ rotr<u64>(q3 ^ r3, 32), 24);
  store<u64>(Q, q3 ^ r3 ^ d7 ^ r4 ^ rotr<u64>(q4 ^ r4, 32), 32);
  store<u64>(Q, q4 ^ r4 ^ r5 ^ rotr<u64>(q5 ^ r5, 32), 40);
  store<u64>(Q, q5 ^ r5 ^ r6 ^ rotr<u64>(q6 ^ r6, 32), 48);
  store<u64>(Q, q6 ^ r6 ^ r7 ^ rotr<u64>(d7, 32), 56);
}

/** InvMixColumns as MixColumns after adding 4·(a ⊕ a₂) to each byte: the matrix 14,11,13,9 is 2,3,1,1 times 5,0,4,0. */
function invMixColumns(): void {
  const x0 = crossColumn(0);
  const x1 = crossColumn(8);
  const x2 = crossColumn(16);
  const x3 = crossColumn(24);
  const x4 = crossColumn(32);
  const x5 = crossColumn(40);
  const x6 = crossColumn(48);
  const x7 = crossColumn(56);
  // Times 4 in GF(2^8): planes move up two; planes 6 and 7 fold back by 0x1b and 0x36.
  xorInto(0, x6);
  xorInto(8, x6 ^ x7);
  xorInto(16, x0 ^ x7);
  xorInto(24, x1 ^ x6);
  xorInto(32, x2 ^ x6 ^ x7);
  xorInto(40, x3 ^ x7);
  xorInto(48, x4);
  xorInto(56, x5);
  mixColumns();
}

function crossColumn(plane: i32): u64 {
  const x = load<u64>(Q + plane);
  return x ^ rotr<u64>(x, 32);
}

function xorInto(plane: i32, x: u64): void {
  store<u64>(Q + plane, load<u64>(Q + plane) ^ x);
}

/**
 * Encrypts up to four blocks.
 *
 * @param planes  [secret] bitsliced round keys
 * @param src     [secret] `n` ≤ 4 blocks of 16 bytes
 * @param dst     `n` blocks; may be `src`
 */
function encryptFour(planes: usize, rounds: i32, src: usize, n: i32, dst: usize): void {
  for (let i = 0; i < n; i++) loadBlock(i, src + (i << 4));
  transpose();
  addRoundKey(planes);
  for (let r = 1; r < rounds; r++) {
    subBytes(Q);
    shiftRows();
    mixColumns();
    addRoundKey(planes + (r << 6));
  }
  subBytes(Q);
  shiftRows();
  addRoundKey(planes + (rounds << 6));
  transpose();
  for (let i = 0; i < n; i++) storeBlock(i, dst + (i << 4));
}

/** Decrypts up to four blocks; as `encryptFour`. */
function decryptFour(planes: usize, rounds: i32, src: usize, n: i32, dst: usize): void {
  for (let i = 0; i < n; i++) loadBlock(i, src + (i << 4));
  transpose();
  addRoundKey(planes + (rounds << 6));
  for (let r = rounds - 1; r > 0; r--) {
    invShiftRows();
    invSubBytes(Q);
    addRoundKey(planes + (r << 6));
    invMixColumns();
  }
  invShiftRows();
  invSubBytes(Q);
  addRoundKey(planes);
  transpose();
  for (let i = 0; i < n; i++) storeBlock(i, dst + (i << 4));
}

/** Wipes what the last call left in the planes. */
function aesWipe(): void {
  wipe(Q, 64);
}

/** Encrypts `n` independent blocks, any number; `dst` may be `src` or lie before it. */
export function aesEncryptBlocks(state: usize, rounds: i32, src: usize, n: i32, dst: usize): void {
  const planes = scratchPush(AES_PLANES);
  aesSlice(state, rounds, planes);
  for (let i = 0; i < n; i += 4) encryptFour(planes, rounds, src + (i << 4), n - i < 4 ? n - i : 4, dst + (i << 4));
  aesWipe();
  scratchPop(AES_PLANES);
}

/** Inverse of `aesEncryptBlocks`. */
export function aesDecryptBlocks(state: usize, rounds: i32, src: usize, n: i32, dst: usize): void {
  const planes = scratchPush(AES_PLANES);
  aesSlice(state, rounds, planes);
  for (let i = 0; i < n; i += 4) decryptFour(planes, rounds, src + (i << 4), n - i < 4 ? n - i : 4, dst + (i << 4));
  aesWipe();
  scratchPop(AES_PLANES);
}

/**
 * @param state  [secret] expanded key
 * @param iv     16 bytes; becomes the last ciphertext block
 * @param src    [secret] `len` bytes, a multiple of 16
 * @param dst    `len` bytes; may be `src`, must not begin inside it
 */
export function cbcEncryptBlocks(state: usize, iv: usize, rounds: i32, src: usize, len: i32, dst: usize): void {
  const planes = scratchPush(AES_PLANES);
  const block = scratchPush(16);
  aesSlice(state, rounds, planes);
  copy(block, iv, 16);
  for (let i = 0; i < len; i += 16) {
    xor16(block, block, src + i);
    encryptFour(planes, rounds, block, 1, block);
    copy(dst + i, block, 16);
  }
  copy(iv, block, 16);
  aesWipe();
  scratchPop(16);
  scratchPop(AES_PLANES);
}

/** Inverse of `cbcEncryptBlocks`; `dst` may be `src` or lie before it. */
export function cbcDecryptBlocks(state: usize, iv: usize, rounds: i32, src: usize, len: i32, dst: usize): void {
  const planes = scratchPush(AES_PLANES);
  const blocks = scratchPush(64);
  const held = scratchPush(64);
  aesSlice(state, rounds, planes);
  for (let i = 0; i < len; i += 64) {
    const rest = len - i;
    const n = rest < 64 ? rest >> 4 : 4;
    copy(held, src + i, n << 4);
    decryptFour(planes, rounds, held, n, blocks);
    xor16(dst + i, blocks, iv);
    for (let k = 1; k < n; k++) xor16(dst + i + (k << 4), blocks + (k << 4), held + ((k - 1) << 4));
    copy(iv, held + ((n - 1) << 4), 16);
  }
  aesWipe();
  scratchPop(64);
  scratchPop(64);
  scratchPop(AES_PLANES);
}
