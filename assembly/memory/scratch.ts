// Working space, last in first out, wiped on return. No export recurses and every push is of a constant size, so it
// cannot run out: the deepest chain, the table of P-256's base point in core.js, takes 8064 bytes of the 8192; that
// export pushes nothing before it.

import { wipe } from "../bytes";
import { SCRATCH } from "./layout";

let top: i32 = 0;

/** `len` bytes of working space, aligned to 16; give them back with the same `len`, in reverse order. */
export function scratchPush(len: i32): usize {
  const ptr = SCRATCH + top;
  top += (len + 15) & ~15;
  return ptr;
}

/** Wipes and releases the space pushed last. */
export function scratchPop(len: i32): void {
  top -= (len + 15) & ~15;
  wipe(SCRATCH + top, len);
}
