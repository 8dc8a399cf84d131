// Implicit rejection of RSAES-PKCS1-v1_5 (draft-irtf-cfrg-rsa-guidance §7) on every build, against the derivation
// written here once more.

import { constants, createHash, createHmac, publicEncrypt, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import * as abi from "../../src/core/abi.ts";
import { BUILDS, loadRaw } from "./raw/raw-core.ts";
import { bytesOf, importRsa, nodePair } from "./rsa-helpers.ts";

const ALL = 255 & ~abi.USE_EXPORT;

describe.each(BUILDS)("%s", (build) => {
  const core = loadRaw(build);
  const { x, outPtr } = core;

  test("wrong PKCS#1 padding gives the message of the draft's derivation, the same each time", () => {
    const key = nodePair(1024);
    const slot = importRsa(core, key.numbers, ALL);
    // The derivation starts from a hash of p, q, dP, dQ and qInv, the form in which the core holds a key.
    const jwk = key.privateKey.export({ format: "jwk" });
    const parts = [jwk.p, jwk.q, jwk.dp, jwk.dq, jwk.qi].map((part) => {
      const bytes = Buffer.from(part!, "base64url");
      return Buffer.concat([Buffer.alloc(64 - bytes.length), bytes]);
    });
    const keyHash = createHash("sha256").update(Buffer.concat(parts)).digest();
    const hmac = (with_: Buffer, data: Buffer) => createHmac("sha256", with_).update(data).digest();
    const derive = (kdk: Buffer, label: string, length: number) => {
      const blocks: Buffer[] = [];
      for (let i = 0; i * 32 < length; i++) {
        const bits = Buffer.from([i >> 8, i & 255, 0, 0]);
        const tail = Buffer.from([(length * 8) >> 8, (length * 8) & 255]);
        blocks.push(hmac(kdk, Buffer.concat([bits.subarray(0, 2), Buffer.from(label), tail])));
      }
      return Buffer.concat(blocks).subarray(0, length);
    };
    const lengths = new Set<number>();
    for (const block of [
      Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(125, 7), Buffer.from([0])]),
      Buffer.concat([Buffer.from([0, 2]), Buffer.alloc(126, 7)]),
      Buffer.concat([Buffer.from([0, 2]), Buffer.alloc(7, 7), Buffer.alloc(119)]),
      Buffer.concat([Buffer.from([0, 3]), Buffer.alloc(100, 7), Buffer.alloc(26)]),
      ...Array.from({ length: 8 }, () => Buffer.concat([Buffer.from([0]), randomBytes(127)])),
    ]) {
      if (block[1] === 2 && block.indexOf(0, 2) >= 10) continue;
      const ct = publicEncrypt({ key: key.publicKey, padding: constants.RSA_NO_PADDING }, block);
      const kdk = hmac(keyHash, ct);
      const candidates = derive(kdk, "length", 256);
      let length = 0;
      for (let i = 0; i < 256; i += 2) {
        const candidate = candidates.readUInt16BE(i) & 127;
        if (candidate <= 128 - 11) length = candidate;
      }
      const expected = derive(kdk, "message", 128).subarray(128 - length);
      expect(bytesOf(core, x.rsaPkcs1Decrypt!(slot, core.put(ct), 128, outPtr))).toEqual(expected);
      lengths.add(length);
      // Into a slot: a key of the length asked for, from the same bytes.
      const opened = x.rsaPkcs1OpenSlot!(slot, core.put(ct), 128, 16, abi.KEY_AES, abi.USE_EXPORT);
      x.slotExport!(opened, outPtr);
      expect(Buffer.from(core.get(outPtr, 16)).equals(derive(kdk, "message", 128).subarray(112))).toBe(true);
      x.slotClear!(opened);
    }
    expect(lengths.size).toBeGreaterThan(2);
    // A right message of another length than asked for is replaced too.
    const text = randomBytes(17);
    const ct = publicEncrypt({ key: key.publicKey, padding: constants.RSA_PKCS1_PADDING }, text);
    const opened = x.rsaPkcs1OpenSlot!(slot, core.put(ct), 128, 16, abi.KEY_AES, abi.USE_EXPORT);
    x.slotExport!(opened, outPtr);
    const standIn = derive(hmac(keyHash, ct), "message", 128).subarray(112);
    expect(Buffer.from(core.get(outPtr, 16)).equals(standIn)).toBe(true);
    x.slotClear!(opened);
    x.slotClear!(slot);
  });
});
