// Wycheproof: ECDH and ECDSA over P-256, every case on every build. What is above the core (ASN.1, JWK) is read here, in the
// usual form only; cases that use another form are counted and belong to whoever parses keys.

import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import * as abi from "../../src/core/abi.ts";
import { BUILDS, loadRaw, type RawCore } from "./raw/raw-core.ts";
import { type Case, hex, toHex, WYCHEPROOF_DIR, wycheproof } from "./wycheproof.ts";

const ALL = 255;

/** SubjectPublicKeyInfo of secp256r1 up to the point: 65 bytes of it, or 33. */
const SPKI = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
const SPKI_COMPRESSED = "3039301306072a8648ce3d020106082a8648ce3d030107032200";

/** A private key as Wycheproof writes it: an integer, with zeros in front or without. */
const scalar = (text: string) => hex(BigInt(`0x${text}`).toString(16).padStart(64, "0"));

/** Shared secret in hex, or the status. */
function agree(core: RawCore, key: Uint8Array, point: Uint8Array): string | number {
  const { x, outPtr } = core;
  const slot = x.p256Import!(ALL, core.put(key));
  expect(slot).toBeGreaterThanOrEqual(0);
  const secret = x.p256Agree!(slot, core.put(point), point.length, ALL);
  x.slotClear!(slot);
  if (secret < 0) return secret;
  expect(x.slotExport!(secret, outPtr)).toBe(32);
  x.slotClear!(secret);
  return toHex(core.get(outPtr, 32));
}

describe.skipIf(WYCHEPROOF_DIR === null).each(BUILDS)("%s", (build) => {
  const core = loadRaw(build);

  /** Valid, and the compressed points that are called acceptable, must agree; the rest must be refused. */
  const check = (item: Case, key: Uint8Array, point: Uint8Array) => {
    const isGood = item.result === "valid" || item.flags.includes("CompressedPublic");
    expect(agree(core, key, point), `#${item.tcId} ${item.comment}`).toBe(isGood ? item.shared : abi.ERR_PUBLIC_KEY);
    return isGood;
  };

  test("ECDH, points: 355 cases", () => {
    const good = wycheproof("ecdh_secp256r1_ecpoint_test", 355).filter(({ item }) =>
      check(item, scalar(item.private as string), hex(item.public)),
    );
    expect(good.length).toBe(331);
  });

  test("ECDH, SubjectPublicKeyInfo: 612 cases", () => {
    let good = 0;
    let refused = 0;
    const others = new Map<string, number>();
    for (const { item } of wycheproof("ecdh_secp256r1_test", 612)) {
      const spki = item.public as string;
      const point = [SPKI, SPKI_COMPRESSED].find((head) => spki.startsWith(head));
      const isUsual = point !== undefined && spki.length === point.length + (point === SPKI ? 130 : 66);
      if (!isUsual) {
        // Other curves, explicit parameters, unusual ASN.1: no point reaches the core. Valid keys are never among them.
        expect(item.result, `#${item.tcId}`).not.toBe("valid");
        const kind = `${item.result} ${item.flags.at(-1)}`;
        others.set(kind, (others.get(kind) ?? 0) + 1);
      } else if (check(item, scalar(item.private as string), hex(spki.slice(point.length)))) good++;
      else refused++;
    }
    expect({ good, refused, others: Object.fromEntries(others) }).toEqual(EXPECTED_SPKI);
  });

  test("ECDH, JSON Web Keys: 353 cases", () => {
    let good = 0;
    let refused = 0;
    let others = 0;
    const bytes = (text: unknown) => new Uint8Array(Buffer.from(text as string, "base64url"));
    for (const { item } of wycheproof("ecdh_secp256r1_webcrypto_test", 353)) {
      const { crv, x, y } = item.public as Record<string, string>;
      if (crv !== "P-256" || bytes(x).length !== 32 || bytes(y).length !== 32) {
        expect(item.result, `#${item.tcId}`).toBe("invalid");
        others++;
        continue;
      }
      const point = Uint8Array.of(4, ...bytes(x), ...bytes(y));
      const key = bytes((item.private as Record<string, string>).d);
      if (check(item, key, point)) good++;
      else refused++;
    }
    expect({ good, refused, others }).toEqual({ good: 330, refused: 18, others: 5 });
  });

  test.each([
    // Strictly DER: what Wycheproof calls BER is refused as it asks, all of it.
    ["ecdsa_secp256r1_sha256_test", 484, 174],
    ["ecdsa_secp256r1_sha256_p1363_test", 262, 173],
  ])("ECDSA, %s: %d cases", (name, count, valid) => {
    let verified = 0;
    for (const { group, item } of wycheproof(name, count)) {
      const pub = hex((group.publicKey as Record<string, string>).uncompressed);
      const digest = createHash("sha256").update(hex(item.msg)).digest();
      const sig = hex(item.sig);
      const at = core.put(pub, 1);
      const status = core.x.ecdsaP256Verify!(at, 65, core.put(digest, 99), 32, core.put(sig, 200), sig.length);
      expect(status, `#${item.tcId} ${item.comment}`).toBe(item.result === "valid" ? abi.OK : abi.ERR_BAD_SIGNATURE);
      if (status === abi.OK) verified++;
    }
    expect(verified).toBe(valid);
  });
});

/** Cases by what came of them. The one whose flag says ASN.1 and that is refused here has the usual form and no point. */
const EXPECTED_SPKI = {
  good: 331,
  refused: 26,
  others: {
    "acceptable InvalidAsn": 221,
    "acceptable UnnamedCurve": 7,
    "invalid InvalidEncoding": 1,
    "invalid InvalidPublic": 2,
    "invalid UnnamedCurve": 7,
    "invalid WrongCurve": 17,
  },
};
