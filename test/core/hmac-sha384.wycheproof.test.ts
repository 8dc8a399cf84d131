// Wycheproof: HMAC-SHA384, every case on every build.

import { describe, expect, test } from "vitest";
import * as abi from "../../src/core/abi.ts";
import { BUILDS, importRaw, loadRaw } from "./raw/raw-core.ts";
import { hex, toHex, WYCHEPROOF_DIR, wycheproof } from "./wycheproof.ts";

/** Cases whose tag is a truncation of the right one. */
const SHORT_BUT_VALID = 33;

describe.skipIf(WYCHEPROOF_DIR === null).each(BUILDS)("%s", (build) => {
  const core = loadRaw(build);
  const { x, inPtr, outPtr } = core;

  test("HMAC-SHA384: 174 cases", () => {
    let short = 0;
    for (const { group, item } of wycheproof("hmac_sha384_test", 174)) {
      const slot = importRaw(core, abi.KEY_HMAC_SHA384, abi.USE_SIGN | abi.USE_VERIFY, hex(item.key));
      const msg = hex(item.msg);
      const tag = hex(item.tag);
      core.put(tag, 40000);
      const status = x.hmacSha384Verify!(slot, core.put(msg), msg.length, inPtr + 40000, tag.length);
      // MSL never truncates: a short tag is refused even where the file calls it valid.
      if (item.result === "valid" && group.tagSize !== 384) short++;
      const accepts = item.result === "valid" && group.tagSize === 384;
      expect(status, `#${item.tcId} ${item.comment}`).toBe(accepts ? abi.OK : abi.ERR_BAD_TAG);
      x.hmacSha384Sign!(slot, core.put(msg), msg.length, outPtr);
      const isRight = toHex(core.get(outPtr, tag.length)) === item.tag;
      expect(isRight, `#${item.tcId} ${item.comment}`).toBe(item.result === "valid");
      x.slotClear!(slot);
    }
    expect(short).toBe(SHORT_BUT_VALID);
  });
});
