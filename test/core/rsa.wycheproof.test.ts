// Wycheproof: RSAES-OAEP, RSAES-PKCS1-v1_5 and RSASSA-PKCS1-v1_5 of 2048 bits, every case on every build.

import { createHash, type JsonWebKey } from "node:crypto";
import { describe, expect, test } from "vitest";
import * as abi from "../../src/core/abi.ts";
import { BUILDS, loadRaw } from "./raw/raw-core.ts";
import { importRsa, numbersOf } from "./rsa-helpers.ts";
import { type Group, hex, toHex, WYCHEPROOF_DIR, wycheproof } from "./wycheproof.ts";

if (WYCHEPROOF_DIR === null) console.warn("WYCHEPROOF_DIR is not set: the attack vectors of Wycheproof are not run.");

describe.skipIf(WYCHEPROOF_DIR === null).each(BUILDS)("%s", (build) => {
  const core = loadRaw(build);
  const { x, outPtr } = core;

  /** Slot of a group's key, imported once: from the primes, or as MSL's JSON Web Keys carry it. */
  function slotOf(group: Group): number {
    const from = group.keySize === 2048 && build !== "js" ? "d" : "primes";
    const slot = importRsa(core, numbersOf(group.privateKeyJwk as JsonWebKey), abi.USE_DECRYPT, from);
    if (slot < 0) throw new Error(`import: ${slot}`);
    return slot;
  }

  test.each([
    ["rsa_oaep_2048_sha1_mgf1sha1_test", 36, abi.HASH_SHA1, 7],
    ["rsa_oaep_2048_sha256_mgf1sha256_test", 37, abi.HASH_SHA256, 8],
  ] as const)("%s: %i cases", (name, count, hash, labels) => {
    let labelled = 0;
    let slot = -1;
    let held: Group | null = null;
    for (const { group, item } of wycheproof(name, count)) {
      if (group !== held) {
        x.slotClear!(slot);
        slot = slotOf(group);
        held = group;
      }
      const ct = hex(item.ct);
      const status = x.rsaOaepDecrypt!(slot, hash, core.put(ct), ct.length, outPtr);
      const got = status < 0 ? null : toHex(core.get(outPtr, status));
      // MSL's label is empty and no other is taken: a ciphertext under one is refused.
      const hasLabel = item.label !== "";
      if (hasLabel) labelled++;
      const accepts = item.result === "valid" && !hasLabel;
      expect(got, `#${item.tcId} ${item.comment}`).toBe(accepts ? item.msg : null);
      if (!accepts) {
        const error = ct.length === 256 ? abi.ERR_BAD_PADDING : abi.ERR_BLOCK_SIZE;
        expect(status, `#${item.tcId} ${item.comment}`).toBe(error);
      }
    }
    expect(labelled).toBe(labels);
    x.slotClear!(slot);
  });

  test("rsa_pkcs1_2048_test: 67 cases", () => {
    let rejectedImplicitly = 0;
    let slot = -1;
    let held: Group | null = null;
    for (const { group, item } of wycheproof("rsa_pkcs1_2048_test", 67)) {
      if (group !== held) {
        x.slotClear!(slot);
        slot = slotOf(group);
        held = group;
      }
      const ct = hex(item.ct);
      const label = `#${item.tcId} ${item.comment}`;
      const decrypt = () => {
        const status = x.rsaPkcs1Decrypt!(slot, core.put(ct), ct.length, outPtr);
        return status < 0 ? status : toHex(core.get(outPtr, status));
      };
      const got = decrypt();
      if (item.result === "valid") {
        expect(got, label).toBe(item.msg);
      } else if (item.flags.includes("InvalidPkcs1Padding")) {
        // Wrong padding is not told: a message stands in, the same each time.
        expect(typeof got, label).toBe("string");
        expect(decrypt(), label).toBe(got);
        rejectedImplicitly++;
      } else {
        // Not a block of the key's size, or not below n: both are seen without the key.
        expect(got, label).toBe(ct.length === 256 ? abi.ERR_BAD_PADDING : abi.ERR_BLOCK_SIZE);
      }
    }
    expect(rejectedImplicitly).toBe(19);
    x.slotClear!(slot);
  });

  test("rsa_signature_2048_sha256_test: 259 cases", () => {
    for (const { group, item } of wycheproof("rsa_signature_2048_sha256_test", 259)) {
      const key = group.publicKey as { modulus: string; publicExponent: string };
      const [n, sig] = [hex(key.modulus), hex(item.sig)];
      const digest = createHash("sha256").update(hex(item.msg)).digest();
      const e = Number.parseInt(key.publicExponent, 16);
      const [nPtr, digestPtr, sigPtr] = [core.put(n), core.put(digest, 1024), core.put(sig, 2048)];
      const status = x.rsaPkcs1Verify!(nPtr, n.length, e, digestPtr, sigPtr, sig.length);
      // "acceptable" is one case, a DigestInfo without NULL: not what RFC 8017 §9.2 writes, so not taken.
      expect(status, `#${item.tcId} ${item.comment}`).toBe(item.result === "valid" ? abi.OK : abi.ERR_BAD_SIGNATURE);
    }
  });
});
