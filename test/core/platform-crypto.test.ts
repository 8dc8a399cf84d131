// The platform's cryptography gives the core's bytes and errors, takes session keys alone, and forgets them.

import { createHmac, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { loadCore } from "../../src/core/core-node.ts";
import { ENCRYPTION_KEY, MAC_KEY, SESSION_ENCRYPTION, SESSION_MAC } from "../../src/core/key-specs.ts";
import { openBytes, openParts, sealBytes, sealedLength, sealInto, sealParts } from "../../src/core/seal.ts";
import { nodeEntropy } from "../../src/platform/entropy-node.ts";
import type { PlatformCrypto } from "../../src/platform/platform-crypto.ts";
import { nodeCrypto } from "../../src/platform/platform-crypto-node.ts";

const SIZES = [0, 1, 15, 16, 17, 63, 64, 767, 768, 1279, 1280, 4096, 40959, 40960, 40961, 65536, 200_001];
const error = (run: () => unknown): string => {
  try {
    run();
  } catch (thrown) {
    return (thrown as { code?: string }).code ?? String(thrown);
  }
  return "none";
};

/** Counts what the platform is asked to do. */
function counted(): { platform: PlatformCrypto; imported: () => number } {
  let keys = 0;
  const platform: PlatformCrypto = {
    ...nodeCrypto,
    importCipher(raw) {
      keys++;
      return nodeCrypto.importCipher(raw);
    },
    importMac(raw) {
      keys++;
      return nodeCrypto.importMac(raw);
    },
  };
  return { platform, imported: () => keys };
}

describe("with and without the platform", async () => {
  const alone = await loadCore("auto");
  const { platform } = counted();
  const helped = await loadCore("auto", nodeEntropy, platform);
  const raw = { enc: randomBytes(16), mac: randomBytes(32) };
  const keys = [alone, helped].map((core) => ({
    core,
    enc: core.importKey(SESSION_ENCRYPTION, Uint8Array.from(raw.enc)),
    mac: core.importKey(SESSION_MAC, Uint8Array.from(raw.mac)),
  }));
  const [a, b] = [keys[0]!, keys[1]!];

  test.each(SIZES)("%i bytes: the same sealed bytes, and each opens what the other sealed", (size) => {
    const data = new Uint8Array(randomBytes(size));
    const iv = new Uint8Array(randomBytes(16));
    const sealed = keys.map(({ core, enc, mac }) => {
      const out = new Uint8Array(sealedLength(size));
      sealInto(core, enc, mac, iv, data, out);
      return out;
    });
    expect(Buffer.from(sealed[0]!).equals(sealed[1]!)).toBe(true);
    const tag = createHmac("sha256", raw.mac).update(sealed[0]!.subarray(0, -32)).digest();
    expect(tag.equals(sealed[0]!.subarray(-32))).toBe(true);
    for (const { core, enc, mac } of keys) {
      const opened = openBytes(core, enc, mac, sealed[0]!);
      expect(opened !== null && Buffer.from(opened).equals(data)).toBe(true);
      expect(core.hmacVerify(mac, data, core.hmacSign(mac, data))).toBe(true);
      const parts = sealParts(core, enc, mac, data, iv);
      expect(Buffer.concat([parts.iv, parts.ciphertext, parts.tag]).equals(sealed[0]!)).toBe(true);
      expect(Buffer.from(openParts(core, enc, mac, parts)!).equals(data)).toBe(true);
      expect(openParts(core, enc, mac, { ...parts, iv: iv.map((byte) => byte ^ 1) })).toBeNull();
    }
    expect(
      Buffer.from(a.core.cbcEncrypt(a.enc, data, iv).ciphertext).equals(b.core.cbcEncrypt(b.enc, data, iv).ciphertext),
    ).toBe(true);
  });

  test("a changed byte anywhere is refused by both, and a wrong length", () => {
    const sealed = sealBytes(b.core, b.enc, b.mac, new Uint8Array(3000));
    for (const { core, enc, mac } of keys) {
      for (const at of [0, 16, 1500, sealed.length - 1]) {
        const bad = sealed.slice();
        bad[at]! ^= 1;
        expect(openBytes(core, enc, mac, bad)).toBeNull();
      }
      for (const length of [0, 47, 48, 63, sealed.length - 1])
        expect(openBytes(core, enc, mac, sealed.slice(0, length))).toBeNull();
      expect(core.hmacVerify(mac, sealed, new Uint8Array(32))).toBe(false);
    }
  });

  test("wrong padding behind a right tag is the same error", () => {
    for (const size of [64, 4096]) {
      const iv = new Uint8Array(16);
      const ciphertext = new Uint8Array(randomBytes(size));
      const codes = keys.map(({ core, enc }) => error(() => core.cbcDecrypt(enc, iv, ciphertext)));
      if (codes[0] === "none") continue; // one random block in 256 ends in right padding
      expect(codes).toEqual(["CIPHERTEXT_BAD_PADDING", "CIPHERTEXT_BAD_PADDING"]);
    }
  });
});

test("keys that may not leave the core are never handed over, small data neither, and a disposed key is gone", async () => {
  const { platform, imported } = counted();
  const core = await loadCore("auto", nodeEntropy, platform);
  const large = new Uint8Array(100_000);
  const entityEnc = core.importKey(ENCRYPTION_KEY, new Uint8Array(randomBytes(16)));
  const entityMac = core.importKey(MAC_KEY, new Uint8Array(randomBytes(32)));
  core.cbcEncrypt(entityEnc, large);
  core.hmacSign(entityMac, large);
  sealBytes(core, entityEnc, entityMac, large);
  expect(imported()).toBe(0);
  const enc = core.importKey(SESSION_ENCRYPTION, new Uint8Array(randomBytes(16)));
  const mac = core.importKey(SESSION_MAC, new Uint8Array(randomBytes(32)));
  sealBytes(core, enc, mac, new Uint8Array(100));
  expect(imported()).toBe(0);
  sealBytes(core, enc, mac, large);
  sealBytes(core, enc, mac, large);
  expect(imported()).toBe(2);
  // One key may go to the platform, the other may not: sealing is the core's, and the results are the same.
  for (const [one, other] of [
    [enc, entityMac],
    [entityEnc, mac],
  ] as const) {
    const sealed = sealBytes(core, one, other, large);
    expect(openBytes(core, one, other, sealed)).toEqual(large);
    expect(openParts(core, one, other, sealParts(core, one, other, large))).toEqual(large);
  }
  enc.dispose();
  expect(error(() => sealBytes(core, enc, mac, large))).toBe("USAGE");
});
