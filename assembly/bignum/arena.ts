// Working space of big-number arithmetic: the last 32 KiB of `stage out`, handed out last in, first out. All of it is
// zero between `arenaBegin` and `arenaEnd` except what is held.

import { ARENA, ARENA_SIZE } from "../memory/layout";

let top: usize = ARENA;

/** Starts an export: the host may have left anything there. */
export function arenaBegin(): void {
  clear(ARENA, ARENA + ARENA_SIZE);
  top = ARENA;
}

/** `len` zero bytes, aligned to 16. The callers' sums of sizes stay below ARENA_SIZE; each draws its own in its head. */
export function arenaTake(len: i32): usize {
  const ptr = top;
  top += ((len + 15) & ~15) as usize;
  return ptr;
}

/** Where the next piece starts: what is taken after this is given back by `arenaRelease` of it. */
export function arenaMark(): usize {
  return top;
}

/** Wipes and gives back all that was taken since the mark. */
export function arenaRelease(mark: usize): void {
  clear(mark, top);
  top = mark;
}

/** Ends an export: wipes what is held. */
export function arenaEnd(): void {
  clear(ARENA, top);
  top = ARENA;
}

function clear(from: usize, to: usize): void {
  for (let p = from; p < to; p += 16) {
    store<u64>(p, 0);
    store<u64>(p, 0, 8);
  }
}
