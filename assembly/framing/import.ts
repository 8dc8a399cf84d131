// Imports a key that stands in a document as Base64, so that it never becomes a string of the host.

import { ERR_ARGUMENT } from "../../src/core/abi";
import { wipe } from "../bytes";
import { slotFillPlain } from "../memory/key-slots";
import { inStage } from "../memory/layout";
import { scratchPop, scratchPush } from "../memory/scratch";
import { base64Decode } from "./base64";

const MAX_TEXT: i32 = 1368;
const MAX_BYTES: i32 = 1026;

/**
 * @param ptr  [secret] `len` characters of Base64 in the stage, up to 1 368; wiped whatever comes out
 * @returns slot | ERR_FORM | ERR_ARGUMENT | ERR_USAGE | ERR_NO_SLOT
 */
export function slotImportBase64(type: i32, usage: i32, ptr: usize, len: i32): i32 {
  if (!inStage(ptr, len)) return ERR_ARGUMENT;
  let slot = ERR_ARGUMENT;
  if (len <= MAX_TEXT) {
    const key = scratchPush(MAX_BYTES);
    const n = base64Decode(ptr, len, key);
    slot = n < 0 ? n : slotFillPlain(type, usage, key, n);
    scratchPop(MAX_BYTES);
  }
  wipe(ptr, len);
  return slot;
}
