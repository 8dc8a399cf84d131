// Working space, last in first out, wiped on return. The deepest chain of calls (a chunk being opened: framing, AES
// round keys, HMAC) takes under 3 KiB of the 8 KiB, no export recurses, so it cannot run out.

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
