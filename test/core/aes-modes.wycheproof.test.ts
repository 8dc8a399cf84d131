// Wycheproof: AES-GCM and AES-CMAC, every case on every build.

import { describe, expect, test } from "vitest";
import * as abi from "../../src/core/abi.ts";
import { BUILDS, importRaw, loadRaw } from "./raw/raw-core.ts";
import { hex, toHex, WYCHEPROOF_DIR, wycheproof } from "./wycheproof.ts";

if (WYCHEPROOF_DIR === null) console.warn("WYCHEPROOF_DIR is not set: the attack vectors of Wycheproof are not run.");

describe.skipIf(WYCHEPROOF_DIR === null).each(BUILDS)("%s", (build) => {
  const core = loadRaw(build);
  const { x, inPtr, outPtr } = core;

  test("AES-GCM: 316 cases, 197 of them with IVs of 96 bits", () => {
    let taken = 0;
    let otherIvs = 0;
    for (const { group, item } of wycheproof("aes_gcm_test", 316)) {
      // JSON Web Encryption has IVs of 96 bits and no others (RFC 7518 §5.3), and the export takes no length: the 119
      // cases with other IVs have nothing to be given to.
      if (group.ivSize !== 96) {
        otherIvs++;
        continue;
      }
      taken++;
      const [key, iv, aad, msg] = [hex(item.key), hex(item.iv), hex(item.aad), hex(item.msg)];
      const sealed = hex((item.ct as string) + (item.tag as string));
      const slot = importRaw(core, abi.KEY_AES, abi.USE_ENCRYPT | abi.USE_DECRYPT, key);
      const ivPtr = core.put(iv);
      const aadPtr = core.put(aad, 12);
      const data = core.put(sealed, 2000);
      const got = x.aesGcmOpen!(slot, ivPtr, aadPtr, aad.length, data, sealed.length, outPtr);
      const valid = item.result === "valid";
      expect(got, `#${item.tcId} ${item.comment}`).toBe(valid ? msg.length : abi.ERR_BAD_TAG);
      if (valid) expect(toHex(core.get(outPtr, got)), `#${item.tcId}`).toBe(item.msg);
      core.put(msg, 2000);
      const length = x.aesGcmSeal!(slot, ivPtr, aadPtr, aad.length, data, msg.length, outPtr);
      const isSame = toHex(core.get(outPtr, length)) === toHex(sealed);
      expect(isSame, `#${item.tcId} ${item.comment}`).toBe(valid);
      x.slotClear!(slot);
    }
    expect([taken, otherIvs]).toEqual([197, 119]);
  });

  test("AES-CMAC: 311 cases", () => {
    let badKeys = 0;
    for (const { group, item } of wycheproof("aes_cmac_test", 311)) {
      const [key, msg, tag] = [hex(item.key), hex(item.msg), hex(item.tag)];
      if (item.flags.includes("InvalidKeySize")) {
        badKeys++;
        const status = x.slotImport!(abi.KEY_CMAC, abi.USE_VERIFY, core.put(key), key.length);
        expect(status, `#${item.tcId} ${item.comment}`).toBe(abi.ERR_ARGUMENT);
        continue;
      }
      expect(group.tagSize).toBe(128);
      const slot = importRaw(core, abi.KEY_CMAC, abi.USE_SIGN | abi.USE_VERIFY, key);
      core.put(tag, 2000);
      const status = x.cmacVerify!(slot, core.put(msg), msg.length, inPtr + 2000, tag.length);
      const valid = item.result === "valid";
      expect(status, `#${item.tcId} ${item.comment}`).toBe(valid ? abi.OK : abi.ERR_BAD_TAG);
      expect(x.cmacSign!(slot, inPtr, msg.length, outPtr)).toBe(16);
      expect(toHex(core.get(outPtr, 16)) === item.tag, `#${item.tcId}`).toBe(valid);
      x.slotClear!(slot);
    }
    expect(badKeys).toBe(5);
  });
});
