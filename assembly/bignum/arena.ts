// Working space of big-number arithmetic: the last 32 KiB of `stage out`, handed out last in, first out. What is taken
// is zero-filled (the host may have left anything there), and everything taken is wiped when the export ends.

import { wipe } from "../bytes";
import { ARENA } from "../memory/layout";

let top: usize = ARENA;
let high: usize = ARENA;

/** `len` zero bytes, aligned to 16. The callers' sums of sizes stay below ARENA_SIZE; each draws its own in its head. */
export function arenaTake(len: i32): usize {
  const ptr = top;
  top += ((len + 15) & ~15) as usize;
  if (top > high) high = top;
  wipe(ptr, len);
  return ptr;
}

/** Where the next piece starts: what is taken after this is given back by `arenaRelease` of it. */
export function arenaMark(): usize {
  return top;
}

/** Gives back all that was taken since the mark; it is wiped when the export ends. */
export function arenaRelease(mark: usize): void {
  top = mark;
}

/** Ends an export: wipes all that was ever taken since the last wipe. */
export function arenaWipe(): void {
  wipe(ARENA, (high - ARENA) as i32);
  top = ARENA;
  high = ARENA;
}
