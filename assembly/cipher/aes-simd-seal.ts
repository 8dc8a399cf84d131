// AES-CBC encryption and SHA-256 in one loop: the hash of earlier ciphertext is worked on while the cipher, whose blocks
// depend on each other, waits for itself. Sixteen rounds of the hash go with one block. AES as in aes-simd-encrypt.ts.

import { K256 } from "../hash/sha256-constants";
import { scratchPop, scratchPush } from "../memory/scratch";
import {
  A_INV, BYTES_BACK, IN_HI, IN_LO, INV, LOW, OUT_HI, OUT_LO, ROWS, S1_U, S1_W, S2_U, S2_W, TABLES, TURN,
} from "./aes-simd-tables.gen"; // biome-ignore format: one table of names

function sigma0(x: u32): u32 {
  return rotr<u32>(x ^ rotr<u32>(x ^ rotr<u32>(x, 9), 11), 2);
}

function sigma1(x: u32): u32 {
  return rotr<u32>(x ^ rotr<u32>(x ^ rotr<u32>(x, 14), 5), 6);
}

function small0(x: u32): u32 {
  return rotr<u32>(x, 7) ^ rotr<u32>(x, 18) ^ (x >> 3);
}

function small1(x: u32): u32 {
  return rotr<u32>(x, 17) ^ rotr<u32>(x, 19) ^ (x >> 10);
}

/**
 * Encrypts `turns` times 64 bytes and hashes as many. What a turn hashes must lie there before the turn begins.
 *
 * @param state  [secret] expanded AES key
 * @param iv     16 bytes; becomes the last ciphertext block
 * @param src    [secret] plaintext
 * @param dst    ciphertext; may be `src` or lie before it
 * @param hash   [secret] 32 bytes: chaining value of SHA-256, carried on
 * @param msg    bytes to hash: msg + 64 ≤ dst, or apart
 * Scratch: 96 bytes, wiped.
 */
export function cbcEncryptHash(
  state: usize,
  rounds: i32,
  iv: usize,
  src: usize,
  turns: i32,
  dst: usize,
  hash: usize,
  msg: usize,
): void {
  const low = v128.load(TABLES, LOW);
  const inv = v128.load(TABLES, INV);
  const aInv = v128.load(TABLES, A_INV);
  const s1u = v128.load(TABLES, S1_U);
  const s1w = v128.load(TABLES, S1_W);
  const s2u = v128.load(TABLES, S2_U);
  const s2w = v128.load(TABLES, S2_W);
  const rows = v128.load(TABLES, ROWS);
  const turn = v128.load(TABLES, TURN);
  const inLow = v128.load(TABLES, IN_LO);
  const inHigh = v128.load(TABLES, IN_HI);
  const outLow = v128.load(TABLES, OUT_LO);
  const outHigh = v128.load(TABLES, OUT_HI);
  const bytesBack = v128.load(TABLES, BYTES_BACK);
  const w = scratchPush(96);
  const end = state + (rounds << 4);
  let chain = i8x16.swizzle(v128.load(iv), turn);
  chain = v128.xor(
    i8x16.swizzle(inLow, v128.and(chain, low)),
    i8x16.swizzle(inHigh, v128.and(i16x8.shr_u(chain, 4), low)),
  );
  for (; turns > 0; turns--) {
    v128.store(w, i8x16.swizzle(v128.load(msg, 0), bytesBack), 0);
    v128.store(w, i8x16.swizzle(v128.load(msg, 16), bytesBack), 16);
    v128.store(w, i8x16.swizzle(v128.load(msg, 32), bytesBack), 32);
    v128.store(w, i8x16.swizzle(v128.load(msg, 48), bytesBack), 48);
    let ha = load<u32>(hash, 0);
    let hb = load<u32>(hash, 4);
    let hc = load<u32>(hash, 8);
    let hd = load<u32>(hash, 12);
    let he = load<u32>(hash, 16);
    let hf = load<u32>(hash, 20);
    let hg = load<u32>(hash, 24);
    let hh = load<u32>(hash, 28);
    let odd = hb ^ hc;
    let even: u32;
    for (let part = 0; part < 4; part++) {
      const k = K256 + (part << 6);
      const plain = i8x16.swizzle(v128.load(src), turn);
      let x = v128.xor(
        v128.xor(
          v128.xor(
            i8x16.swizzle(inLow, v128.and(plain, low)),
            i8x16.swizzle(inHigh, v128.and(i16x8.shr_u(plain, 4), low)),
          ),
          v128.load(state),
        ),
        chain,
      );
      // Eight of the cipher's rounds with two of the hash each. The stores behind `w` keep compilers from moving all of
      // the one behind all of the other. Then the rounds that are left, and the last.
      x = i8x16.swizzle(x, rows);
      const k0 = v128.and(x, low);
      const i0 = v128.and(i16x8.shr_u(x, 4), low);
      const j0 = v128.xor(k0, i0);
      const g0 = i8x16.swizzle(aInv, k0);
      const u0 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i0), g0)), j0);
      const w0 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j0), g0)), i0);
      const a0 = v128.xor(i8x16.swizzle(s1u, u0), i8x16.swizzle(s1w, w0));
      const b0 = v128.xor(i8x16.swizzle(s2u, u0), i8x16.swizzle(s2w, w0));
      const d0 = v128.xor(a0, b0);
      x = v128.xor(
        v128.xor(v128.xor(b0, v128.load(state, 16)), v128.shuffle<u32>(d0, d0, 1, 2, 3, 0)),
        v128.xor(v128.shuffle<u32>(a0, a0, 2, 3, 0, 1), v128.shuffle<u32>(a0, a0, 3, 0, 1, 2)),
      );
      v128.store(w, x, 64);
      hh += load<u32>(w, 0) + load<u32>(k, 0) + sigma1(he) + (hg ^ (he & (hf ^ hg)));
      hd += hh;
      even = ha ^ hb;
      hh += sigma0(ha) + (hb ^ (even & odd));
      hg += load<u32>(w, 4) + load<u32>(k, 4) + sigma1(hd) + (hf ^ (hd & (he ^ hf)));
      hc += hg;
      odd = hh ^ ha;
      hg += sigma0(hh) + (ha ^ (odd & even));
      store<u32>(w, hg, 80);
      x = i8x16.swizzle(x, rows);
      const k1 = v128.and(x, low);
      const i1 = v128.and(i16x8.shr_u(x, 4), low);
      const j1 = v128.xor(k1, i1);
      const g1 = i8x16.swizzle(aInv, k1);
      const u1 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i1), g1)), j1);
      const w1 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j1), g1)), i1);
      const a1 = v128.xor(i8x16.swizzle(s1u, u1), i8x16.swizzle(s1w, w1));
      const b1 = v128.xor(i8x16.swizzle(s2u, u1), i8x16.swizzle(s2w, w1));
      const d1 = v128.xor(a1, b1);
      x = v128.xor(
        v128.xor(v128.xor(b1, v128.load(state, 32)), v128.shuffle<u32>(d1, d1, 1, 2, 3, 0)),
        v128.xor(v128.shuffle<u32>(a1, a1, 2, 3, 0, 1), v128.shuffle<u32>(a1, a1, 3, 0, 1, 2)),
      );
      v128.store(w, x, 64);
      hf += load<u32>(w, 8) + load<u32>(k, 8) + sigma1(hc) + (he ^ (hc & (hd ^ he)));
      hb += hf;
      even = hg ^ hh;
      hf += sigma0(hg) + (hh ^ (even & odd));
      he += load<u32>(w, 12) + load<u32>(k, 12) + sigma1(hb) + (hd ^ (hb & (hc ^ hd)));
      ha += he;
      odd = hf ^ hg;
      he += sigma0(hf) + (hg ^ (odd & even));
      store<u32>(w, he, 80);
      if (part < 3) {
        store<u32>(w, load<u32>(w, 0) + small0(load<u32>(w, 4)) + load<u32>(w, 36) + small1(load<u32>(w, 56)), 0);
        store<u32>(w, load<u32>(w, 4) + small0(load<u32>(w, 8)) + load<u32>(w, 40) + small1(load<u32>(w, 60)), 4);
        store<u32>(w, load<u32>(w, 8) + small0(load<u32>(w, 12)) + load<u32>(w, 44) + small1(load<u32>(w, 0)), 8);
        store<u32>(w, load<u32>(w, 12) + small0(load<u32>(w, 16)) + load<u32>(w, 48) + small1(load<u32>(w, 4)), 12);
      }
      x = i8x16.swizzle(x, rows);
      const k2 = v128.and(x, low);
      const i2 = v128.and(i16x8.shr_u(x, 4), low);
      const j2 = v128.xor(k2, i2);
      const g2 = i8x16.swizzle(aInv, k2);
      const u2 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i2), g2)), j2);
      const w2 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j2), g2)), i2);
      const a2 = v128.xor(i8x16.swizzle(s1u, u2), i8x16.swizzle(s1w, w2));
      const b2 = v128.xor(i8x16.swizzle(s2u, u2), i8x16.swizzle(s2w, w2));
      const d2 = v128.xor(a2, b2);
      x = v128.xor(
        v128.xor(v128.xor(b2, v128.load(state, 48)), v128.shuffle<u32>(d2, d2, 1, 2, 3, 0)),
        v128.xor(v128.shuffle<u32>(a2, a2, 2, 3, 0, 1), v128.shuffle<u32>(a2, a2, 3, 0, 1, 2)),
      );
      v128.store(w, x, 64);
      hd += load<u32>(w, 16) + load<u32>(k, 16) + sigma1(ha) + (hc ^ (ha & (hb ^ hc)));
      hh += hd;
      even = he ^ hf;
      hd += sigma0(he) + (hf ^ (even & odd));
      hc += load<u32>(w, 20) + load<u32>(k, 20) + sigma1(hh) + (hb ^ (hh & (ha ^ hb)));
      hg += hc;
      odd = hd ^ he;
      hc += sigma0(hd) + (he ^ (odd & even));
      store<u32>(w, hc, 80);
      x = i8x16.swizzle(x, rows);
      const k3 = v128.and(x, low);
      const i3 = v128.and(i16x8.shr_u(x, 4), low);
      const j3 = v128.xor(k3, i3);
      const g3 = i8x16.swizzle(aInv, k3);
      const u3 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i3), g3)), j3);
      const w3 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j3), g3)), i3);
      const a3 = v128.xor(i8x16.swizzle(s1u, u3), i8x16.swizzle(s1w, w3));
      const b3 = v128.xor(i8x16.swizzle(s2u, u3), i8x16.swizzle(s2w, w3));
      const d3 = v128.xor(a3, b3);
      x = v128.xor(
        v128.xor(v128.xor(b3, v128.load(state, 64)), v128.shuffle<u32>(d3, d3, 1, 2, 3, 0)),
        v128.xor(v128.shuffle<u32>(a3, a3, 2, 3, 0, 1), v128.shuffle<u32>(a3, a3, 3, 0, 1, 2)),
      );
      v128.store(w, x, 64);
      hb += load<u32>(w, 24) + load<u32>(k, 24) + sigma1(hg) + (ha ^ (hg & (hh ^ ha)));
      hf += hb;
      even = hc ^ hd;
      hb += sigma0(hc) + (hd ^ (even & odd));
      ha += load<u32>(w, 28) + load<u32>(k, 28) + sigma1(hf) + (hh ^ (hf & (hg ^ hh)));
      he += ha;
      odd = hb ^ hc;
      ha += sigma0(hb) + (hc ^ (odd & even));
      store<u32>(w, ha, 80);
      if (part < 3) {
        store<u32>(w, load<u32>(w, 16) + small0(load<u32>(w, 20)) + load<u32>(w, 52) + small1(load<u32>(w, 8)), 16);
        store<u32>(w, load<u32>(w, 20) + small0(load<u32>(w, 24)) + load<u32>(w, 56) + small1(load<u32>(w, 12)), 20);
        store<u32>(w, load<u32>(w, 24) + small0(load<u32>(w, 28)) + load<u32>(w, 60) + small1(load<u32>(w, 16)), 24);
        store<u32>(w, load<u32>(w, 28) + small0(load<u32>(w, 32)) + load<u32>(w, 0) + small1(load<u32>(w, 20)), 28);
      }
      x = i8x16.swizzle(x, rows);
      const k4 = v128.and(x, low);
      const i4 = v128.and(i16x8.shr_u(x, 4), low);
      const j4 = v128.xor(k4, i4);
      const g4 = i8x16.swizzle(aInv, k4);
      const u4 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i4), g4)), j4);
      const w4 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j4), g4)), i4);
      const a4 = v128.xor(i8x16.swizzle(s1u, u4), i8x16.swizzle(s1w, w4));
      const b4 = v128.xor(i8x16.swizzle(s2u, u4), i8x16.swizzle(s2w, w4));
      const d4 = v128.xor(a4, b4);
      x = v128.xor(
        v128.xor(v128.xor(b4, v128.load(state, 80)), v128.shuffle<u32>(d4, d4, 1, 2, 3, 0)),
        v128.xor(v128.shuffle<u32>(a4, a4, 2, 3, 0, 1), v128.shuffle<u32>(a4, a4, 3, 0, 1, 2)),
      );
      v128.store(w, x, 64);
      hh += load<u32>(w, 32) + load<u32>(k, 32) + sigma1(he) + (hg ^ (he & (hf ^ hg)));
      hd += hh;
      even = ha ^ hb;
      hh += sigma0(ha) + (hb ^ (even & odd));
      hg += load<u32>(w, 36) + load<u32>(k, 36) + sigma1(hd) + (hf ^ (hd & (he ^ hf)));
      hc += hg;
      odd = hh ^ ha;
      hg += sigma0(hh) + (ha ^ (odd & even));
      store<u32>(w, hg, 80);
      x = i8x16.swizzle(x, rows);
      const k5 = v128.and(x, low);
      const i5 = v128.and(i16x8.shr_u(x, 4), low);
      const j5 = v128.xor(k5, i5);
      const g5 = i8x16.swizzle(aInv, k5);
      const u5 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i5), g5)), j5);
      const w5 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j5), g5)), i5);
      const a5 = v128.xor(i8x16.swizzle(s1u, u5), i8x16.swizzle(s1w, w5));
      const b5 = v128.xor(i8x16.swizzle(s2u, u5), i8x16.swizzle(s2w, w5));
      const d5 = v128.xor(a5, b5);
      x = v128.xor(
        v128.xor(v128.xor(b5, v128.load(state, 96)), v128.shuffle<u32>(d5, d5, 1, 2, 3, 0)),
        v128.xor(v128.shuffle<u32>(a5, a5, 2, 3, 0, 1), v128.shuffle<u32>(a5, a5, 3, 0, 1, 2)),
      );
      v128.store(w, x, 64);
      hf += load<u32>(w, 40) + load<u32>(k, 40) + sigma1(hc) + (he ^ (hc & (hd ^ he)));
      hb += hf;
      even = hg ^ hh;
      hf += sigma0(hg) + (hh ^ (even & odd));
      he += load<u32>(w, 44) + load<u32>(k, 44) + sigma1(hb) + (hd ^ (hb & (hc ^ hd)));
      ha += he;
      odd = hf ^ hg;
      he += sigma0(hf) + (hg ^ (odd & even));
      store<u32>(w, he, 80);
      if (part < 3) {
        store<u32>(w, load<u32>(w, 32) + small0(load<u32>(w, 36)) + load<u32>(w, 4) + small1(load<u32>(w, 24)), 32);
        store<u32>(w, load<u32>(w, 36) + small0(load<u32>(w, 40)) + load<u32>(w, 8) + small1(load<u32>(w, 28)), 36);
        store<u32>(w, load<u32>(w, 40) + small0(load<u32>(w, 44)) + load<u32>(w, 12) + small1(load<u32>(w, 32)), 40);
        store<u32>(w, load<u32>(w, 44) + small0(load<u32>(w, 48)) + load<u32>(w, 16) + small1(load<u32>(w, 36)), 44);
      }
      x = i8x16.swizzle(x, rows);
      const k6 = v128.and(x, low);
      const i6 = v128.and(i16x8.shr_u(x, 4), low);
      const j6 = v128.xor(k6, i6);
      const g6 = i8x16.swizzle(aInv, k6);
      const u6 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i6), g6)), j6);
      const w6 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j6), g6)), i6);
      const a6 = v128.xor(i8x16.swizzle(s1u, u6), i8x16.swizzle(s1w, w6));
      const b6 = v128.xor(i8x16.swizzle(s2u, u6), i8x16.swizzle(s2w, w6));
      const d6 = v128.xor(a6, b6);
      x = v128.xor(
        v128.xor(v128.xor(b6, v128.load(state, 112)), v128.shuffle<u32>(d6, d6, 1, 2, 3, 0)),
        v128.xor(v128.shuffle<u32>(a6, a6, 2, 3, 0, 1), v128.shuffle<u32>(a6, a6, 3, 0, 1, 2)),
      );
      v128.store(w, x, 64);
      hd += load<u32>(w, 48) + load<u32>(k, 48) + sigma1(ha) + (hc ^ (ha & (hb ^ hc)));
      hh += hd;
      even = he ^ hf;
      hd += sigma0(he) + (hf ^ (even & odd));
      hc += load<u32>(w, 52) + load<u32>(k, 52) + sigma1(hh) + (hb ^ (hh & (ha ^ hb)));
      hg += hc;
      odd = hd ^ he;
      hc += sigma0(hd) + (he ^ (odd & even));
      store<u32>(w, hc, 80);
      x = i8x16.swizzle(x, rows);
      const k7 = v128.and(x, low);
      const i7 = v128.and(i16x8.shr_u(x, 4), low);
      const j7 = v128.xor(k7, i7);
      const g7 = i8x16.swizzle(aInv, k7);
      const u7 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i7), g7)), j7);
      const w7 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j7), g7)), i7);
      const a7 = v128.xor(i8x16.swizzle(s1u, u7), i8x16.swizzle(s1w, w7));
      const b7 = v128.xor(i8x16.swizzle(s2u, u7), i8x16.swizzle(s2w, w7));
      const d7 = v128.xor(a7, b7);
      x = v128.xor(
        v128.xor(v128.xor(b7, v128.load(state, 128)), v128.shuffle<u32>(d7, d7, 1, 2, 3, 0)),
        v128.xor(v128.shuffle<u32>(a7, a7, 2, 3, 0, 1), v128.shuffle<u32>(a7, a7, 3, 0, 1, 2)),
      );
      v128.store(w, x, 64);
      hb += load<u32>(w, 56) + load<u32>(k, 56) + sigma1(hg) + (ha ^ (hg & (hh ^ ha)));
      hf += hb;
      even = hc ^ hd;
      hb += sigma0(hc) + (hd ^ (even & odd));
      ha += load<u32>(w, 60) + load<u32>(k, 60) + sigma1(hf) + (hh ^ (hf & (hg ^ hh)));
      he += ha;
      odd = hb ^ hc;
      ha += sigma0(hb) + (hc ^ (odd & even));
      store<u32>(w, ha, 80);
      if (part < 3) {
        store<u32>(w, load<u32>(w, 48) + small0(load<u32>(w, 52)) + load<u32>(w, 20) + small1(load<u32>(w, 40)), 48);
        store<u32>(w, load<u32>(w, 52) + small0(load<u32>(w, 56)) + load<u32>(w, 24) + small1(load<u32>(w, 44)), 52);
        store<u32>(w, load<u32>(w, 56) + small0(load<u32>(w, 60)) + load<u32>(w, 28) + small1(load<u32>(w, 48)), 56);
        store<u32>(w, load<u32>(w, 60) + small0(load<u32>(w, 0)) + load<u32>(w, 32) + small1(load<u32>(w, 52)), 60);
      }
      let p = state + 144;
      for (; p < end; p += 16) {
        x = i8x16.swizzle(x, rows);
        const k8 = v128.and(x, low);
        const i8 = v128.and(i16x8.shr_u(x, 4), low);
        const j8 = v128.xor(k8, i8);
        const g8 = i8x16.swizzle(aInv, k8);
        const u8 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i8), g8)), j8);
        const w8 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j8), g8)), i8);
        const a8 = v128.xor(i8x16.swizzle(s1u, u8), i8x16.swizzle(s1w, w8));
        const b8 = v128.xor(i8x16.swizzle(s2u, u8), i8x16.swizzle(s2w, w8));
        const d8 = v128.xor(a8, b8);
        x = v128.xor(
          v128.xor(v128.xor(b8, v128.load(p)), v128.shuffle<u32>(d8, d8, 1, 2, 3, 0)),
          v128.xor(v128.shuffle<u32>(a8, a8, 2, 3, 0, 1), v128.shuffle<u32>(a8, a8, 3, 0, 1, 2)),
        );
      }
      x = i8x16.swizzle(x, rows);
      const k9 = v128.and(x, low);
      const i9 = v128.and(i16x8.shr_u(x, 4), low);
      const j9 = v128.xor(k9, i9);
      const g9 = i8x16.swizzle(aInv, k9);
      const u9 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, i9), g9)), j9);
      const w9 = v128.xor(i8x16.swizzle(inv, v128.xor(i8x16.swizzle(inv, j9), g9)), i9);
      chain = v128.xor(v128.xor(i8x16.swizzle(s1u, u9), i8x16.swizzle(s1w, w9)), v128.load(p));
      v128.store(
        dst,
        i8x16.swizzle(
          v128.xor(
            i8x16.swizzle(outLow, v128.and(chain, low)),
            i8x16.swizzle(outHigh, v128.and(i16x8.shr_u(chain, 4), low)),
          ),
          turn,
        ),
      );
      src += 16;
      dst += 16;
    }
    store<u32>(hash, load<u32>(hash, 0) + ha, 0);
    store<u32>(hash, load<u32>(hash, 4) + hb, 4);
    store<u32>(hash, load<u32>(hash, 8) + hc, 8);
    store<u32>(hash, load<u32>(hash, 12) + hd, 12);
    store<u32>(hash, load<u32>(hash, 16) + he, 16);
    store<u32>(hash, load<u32>(hash, 20) + hf, 20);
    store<u32>(hash, load<u32>(hash, 24) + hg, 24);
    store<u32>(hash, load<u32>(hash, 28) + hh, 28);
    msg += 64;
  }
  v128.store(
    iv,
    i8x16.swizzle(
      v128.xor(
        i8x16.swizzle(outLow, v128.and(chain, low)),
        i8x16.swizzle(outHigh, v128.and(i16x8.shr_u(chain, 4), low)),
      ),
      turn,
    ),
  );
  scratchPop(96);
}
