// The rounds of SHA-384 and SHA-512 on pairs of 32-bit integers, for core.js. A sum carries if it is below an addend.

import { loadBe32 } from "../bytes";
import { scratchPop, scratchPush } from "../memory/scratch";
import { K512 } from "./sha512-constants";

/** Chaining value after `blocks` ≥ 0 blocks of 128 bytes at `msg`. Scratch: 640 bytes, wiped. */
export function compress(state: usize, msg: usize, blocks: i32): void {
  if (blocks === 0) return;
  const w = scratchPush(640);
  for (; blocks > 0; blocks--) {
    schedule(w, msg);
    rounds(state, w);
    msg += 128;
  }
  scratchPop(640);
}

/** The 80 words of a block. */
function schedule(w: usize, msg: usize): void {
  for (let i = 0; i < 128; i += 8) {
    store<u32>(w + i, loadBe32(msg + i), 4);
    store<u32>(w + i, loadBe32(msg + i + 4));
  }
  for (let p = w + 128; p < w + 640; p += 8) {
    let l = load<u32>(p - 120);
    let h = load<u32>(p - 116);
    const s0l = ((l >> 1) | (h << 31)) ^ ((l >> 8) | (h << 24)) ^ ((l >> 7) | (h << 25));
    const s0h = ((h >> 1) | (l << 31)) ^ ((h >> 8) | (l << 24)) ^ (h >> 7);
    l = load<u32>(p - 16);
    h = load<u32>(p - 12);
    const s1l = ((l >> 19) | (h << 13)) ^ ((h >> 29) | (l << 3)) ^ ((l >> 6) | (h << 26));
    const s1h = ((h >> 19) | (l << 13)) ^ ((l >> 29) | (h << 3)) ^ (h >> 6);
    let sum = s0l + s1l;
    h = s0h + s1h + u32(sum < s1l);
    l = load<u32>(p - 128);
    sum += l;
    h += load<u32>(p - 124) + u32(sum < l);
    l = load<u32>(p - 56);
    sum += l;
    h += load<u32>(p - 52) + u32(sum < l);
    store<u32>(p, sum);
    store<u32>(p, h, 4);
  }
}

/** The 80 rounds; variables in pairs, low half and high half. */
function rounds(state: usize, w: usize): void {
  let al = load<u32>(state);
  let ah = load<u32>(state, 4);
  let bl = load<u32>(state, 8);
  let bh = load<u32>(state, 12);
  let cl = load<u32>(state, 16);
  let ch = load<u32>(state, 20);
  let dl = load<u32>(state, 24);
  let dh = load<u32>(state, 28);
  let el = load<u32>(state, 32);
  let eh = load<u32>(state, 36);
  let fl = load<u32>(state, 40);
  let fh = load<u32>(state, 44);
  let gl = load<u32>(state, 48);
  let gh = load<u32>(state, 52);
  let hl = load<u32>(state, 56);
  let hh = load<u32>(state, 60);
  for (let i = 0; i < 640; i += 8) {
    // t = h + Σ1(e) + Ch(e, f, g) + K + W
    let x = ((el >> 14) | (eh << 18)) ^ ((el >> 18) | (eh << 14)) ^ ((eh >> 9) | (el << 23));
    let tl = hl + x;
    let th = hh + (((eh >> 14) | (el << 18)) ^ ((eh >> 18) | (el << 14)) ^ ((el >> 9) | (eh << 23))) + u32(tl < x);
    x = gl ^ (el & (fl ^ gl));
    tl += x;
    th += (gh ^ (eh & (fh ^ gh))) + u32(tl < x);
    x = load<u32>(K512 + i);
    tl += x;
    th += load<u32>(K512 + i, 4) + u32(tl < x);
    x = load<u32>(w + i);
    tl += x;
    th += load<u32>(w + i, 4) + u32(tl < x);
    hl = gl;
    hh = gh;
    gl = fl;
    gh = fh;
    fl = el;
    fh = eh;
    el = dl + tl;
    eh = dh + th + u32(el < dl);
    dl = cl;
    dh = ch;
    // a = t + Σ0(a) + Maj(a, b, c)
    x = ((al >> 28) | (ah << 4)) ^ ((ah >> 2) | (al << 30)) ^ ((ah >> 7) | (al << 25));
    tl += x;
    th += (((ah >> 28) | (al << 4)) ^ ((al >> 2) | (ah << 30)) ^ ((al >> 7) | (ah << 25))) + u32(tl < x);
    x = (al & bl) | (cl & (al | bl));
    tl += x;
    th += ((ah & bh) | (ch & (ah | bh))) + u32(tl < x);
    cl = bl;
    ch = bh;
    bl = al;
    bh = ah;
    al = tl;
    ah = th;
  }
  add(state, al, ah);
  add(state + 8, bl, bh);
  add(state + 16, cl, ch);
  add(state + 24, dl, dh);
  add(state + 32, el, eh);
  add(state + 40, fl, fh);
  add(state + 48, gl, gh);
  add(state + 56, hl, hh);
}

function add(word: usize, low: u32, high: u32): void {
  const sum = load<u32>(word) + low;
  store<u32>(word, load<u32>(word, 4) + high + u32(sum < low), 4);
  store<u32>(word, sum);
}
