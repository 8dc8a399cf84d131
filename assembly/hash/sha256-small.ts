// SHA-256's compression function of the small builds: rolled, FIPS 180-4 §6.2.2.

import { loadBe32 } from "../bytes";
import { scratchPop, scratchPush } from "../memory/scratch";
import { K256 } from "./sha256-constants";

/** As `sha256Compress`. Scratch: 256 bytes, wiped. */
export function compress(state: usize, msg: usize, blocks: i32): void {
  const w = scratchPush(256);
  for (; blocks > 0; blocks--) {
    let a = load<u32>(state);
    let b = load<u32>(state, 4);
    let c = load<u32>(state, 8);
    let d = load<u32>(state, 12);
    let e = load<u32>(state, 16);
    let f = load<u32>(state, 20);
    let g = load<u32>(state, 24);
    let h = load<u32>(state, 28);
    for (let i = 0; i < 256; i += 4) {
      const p = w + i;
      let word: u32;
      if (i < 64) {
        word = loadBe32(msg + i);
      } else {
        const w15 = load<u32>(p - 60);
        const w2 = load<u32>(p - 8);
        const s0 = rotr<u32>(w15, 7) ^ rotr<u32>(w15, 18) ^ (w15 >> 3);
        const s1 = rotr<u32>(w2, 17) ^ rotr<u32>(w2, 19) ^ (w2 >> 10);
        word = load<u32>(p - 64) + s0 + load<u32>(p - 28) + s1;
      }
      store<u32>(p, word);
      const t =
        h + (rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25)) + (g ^ (e & (f ^ g))) + load<u32>(K256 + i) + word;
      h = g;
      g = f;
      f = e;
      e = d + t;
      d = t + (rotr<u32>(a, 2) ^ rotr<u32>(a, 13) ^ rotr<u32>(a, 22)) + ((a & b) | (c & (a | b)));
      // What the standard calls a is in d, and so on: three more names to move.
      const next = d;
      d = c;
      c = b;
      b = a;
      a = next;
    }
    add(state, a);
    add(state + 4, b);
    add(state + 8, c);
    add(state + 12, d);
    add(state + 16, e);
    add(state + 20, f);
    add(state + 24, g);
    add(state + 28, h);
    msg += 64;
  }
  scratchPop(256);
}

function add(p: usize, x: u32): void {
  store<u32>(p, load<u32>(p) + x);
}
