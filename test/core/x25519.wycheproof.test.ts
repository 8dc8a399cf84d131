// Wycheproof: X25519, every case on every build. All-zero shared secrets are refused, RFC 7748 §6.1.

import { describe, expect, test } from "vitest";
import * as abi from "../../src/core/abi.ts";
import { BUILDS_AND_SMALL, importRaw, loadRaw } from "./raw/raw-core.ts";
import { hex, toHex, WYCHEPROOF_DIR, wycheproof } from "./wycheproof.ts";

const ALL = 255;

describe.skipIf(WYCHEPROOF_DIR === null).each(BUILDS_AND_SMALL)("%s", (build) => {
  const core = loadRaw(build);
  const { x, outPtr } = core;

  test("X25519: 518 cases", () => {
    let refused = 0;
    for (const { item } of wycheproof("x25519_test", 518)) {
      const slot = importRaw(core, abi.KEY_X25519, ALL, hex(item.private));
      const secret = x.x25519Agree!(slot, core.put(hex(item.public)), ALL);
      x.slotClear!(slot);
      if (item.flags.includes("ZeroSharedSecret")) {
        refused++;
        expect(secret, `#${item.tcId} ${item.comment}`).toBe(abi.ERR_PUBLIC_KEY);
        continue;
      }
      expect(secret, `#${item.tcId} ${item.comment}`).toBeGreaterThanOrEqual(0);
      x.slotExport!(secret, outPtr);
      expect(toHex(core.get(outPtr, 32)), `#${item.tcId} ${item.comment}`).toBe(item.shared);
      x.slotClear!(secret);
    }
    expect(refused).toBe(31);
  });
});
