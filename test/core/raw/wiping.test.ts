// After each operation no plaintext and no intermediate is left in linear memory, error paths included; the positive
// control is that they are there where the result lies, before the bridge takes it.

import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import * as abi from "../../../src/core/abi.ts";
import { BUILDS_AND_SMALL, importRaw, loadRaw, type RawCore } from "./raw-core.ts";
import { residue } from "./residue.ts";

const ALL = 255;
const KEY_ID = new Uint8Array(Buffer.from("id"));

describe.each(BUILDS_AND_SMALL)("%s", (build) => {
  const setup = () => {
    const core = loadRaw(build);
    const enc = importRaw(core, abi.KEY_AES, ALL, randomBytes(16));
    return { core, enc, mac: importRaw(core, abi.KEY_HMAC_SHA256, ALL, randomBytes(32)) };
  };
  const forms = (secret: Buffer) => [secret, Buffer.from(secret.toString("base64").slice(0, 40))];
  const holds = (core: RawCore, secret: Buffer) => forms(secret).some((form) => core.has(form));

  test.each([
    ["JSON", abi.FORMAT_JSON],
    ["CBOR", abi.FORMAT_CBOR],
  ] as const)("%s chunks", (_name, format) => {
    const { core, enc, mac } = setup();
    const secret = randomBytes(300);
    core.put(KEY_ID);
    core.put(secret, KEY_ID.length);
    expect(holds(core, secret)).toBe(true);
    const length = core.x.chunkSeal!(format, enc, mac, KEY_ID.length, secret.length, 0, 1, 0, 2, 1);
    expect(length).toBeGreaterThan(0);
    expect(holds(core, secret)).toBe(false);
    const wire = core.get(core.x.resultPtr!(), length);
    core.x.stageWipe!(abi.STAGE_SIZE, abi.STAGE_SIZE);
    core.put(wire);
    expect(core.x.chunkOpen!(enc, mac, length)).toBe(secret.length);
    expect(core.has(secret)).toBe(true);
    core.x.stageWipe!(0, length);
    expect(holds(core, secret)).toBe(false);
    const bad = wire.slice();
    // Ten from the end lies inside the signature in both formats, clear of the unused bits of its last letter.
    bad[length - 10]! ^= 1;
    core.put(bad);
    expect(core.x.chunkOpen!(enc, mac, length)).toBeLessThan(0);
    expect(holds(core, secret)).toBe(false);
  });

  test("pairs, key wrap, key agreement and derivation", () => {
    const { core, enc, mac } = setup();
    const { x, inPtr, outPtr } = core;
    const secret = randomBytes(64);
    core.put(KEY_ID);
    core.put(secret, KEY_ID.length);
    const length = x.pairSeal!(abi.FORMAT_JSON, enc, mac, KEY_ID.length, secret.length);
    expect(length).toBeGreaterThan(0);
    expect(holds(core, secret)).toBe(false);
    const kw = importRaw(core, abi.KEY_AES_WRAP, ALL, randomBytes(16));
    const session = randomBytes(32);
    const slot = importRaw(core, abi.KEY_HMAC_SHA256, ALL, session);
    const wrapped = x.aesWrapSlot!(kw, slot, outPtr);
    x.slotClear!(slot);
    expect(core.has(session)).toBe(false);
    core.memory.copyWithin(inPtr, outPtr, outPtr + wrapped);
    const back = x.aesUnwrapSlot!(kw, inPtr, wrapped, abi.KEY_HMAC_SHA256, ALL);
    expect(core.has(session)).toBe(true);
    x.slotClear!(back);
    expect(core.has(session)).toBe(false);
    const own = x.x25519Generate!(ALL, outPtr);
    x.slotExport!(own, outPtr);
    const privateKey = Buffer.from(core.get(outPtr, 32));
    core.memory.fill(0, outPtr, outPtr + 32);
    core.refill();
    const shared = x.x25519Agree!(own, core.put(randomBytes(32)), ALL);
    x.slotExport!(shared, outPtr);
    const z = Buffer.from(core.get(outPtr, 32));
    core.memory.fill(0, outPtr, outPtr + 32);
    x.hkdfSha256Session!(shared, inPtr, 16, inPtr, 16, ALL, ALL, outPtr);
    x.slotsClear!();
    expect(core.has(privateKey) || core.has(z)).toBe(false);
  });

  test("scratch and streaming states are zero after use, and after refusals", () => {
    const { core, enc, mac } = setup();
    const { x, inPtr, outPtr } = core;
    const fresh = loadRaw(build);
    core.put(randomBytes(4096));
    x.aesCbcEncrypt!(enc, inPtr, inPtr + 16, 1000, outPtr);
    x.aesCbcDecrypt!(enc, inPtr, inPtr + 16, 1008, outPtr);
    x.hmacSha256Begin!(mac, abi.USE_SIGN);
    x.hmacSha256Update!(inPtr, 1000);
    x.hmacSha256End!(outPtr);
    x.hmacSha256Begin!(mac, abi.USE_VERIFY);
    x.hmacSha256Update!(inPtr, 77);
    x.hmacSha256EndVerify!(outPtr, 32);
    x.sha256Begin!();
    x.sha256Feed!(inPtr, 100);
    x.sha256End!(outPtr);
    const own = x.x25519Generate!(ALL, outPtr);
    x.x25519Agree!(own, core.put(new Uint8Array(32)), ALL);
    x.slotsClear!();
    x.entropyFill!(0);
    core.memory.fill(0, x.entropyPtr!(), x.entropyPtr!() + abi.ENTROPY_POOL_SIZE);
    fresh.memory.fill(0, fresh.x.entropyPtr!(), fresh.x.entropyPtr!() + abi.ENTROPY_POOL_SIZE);
    expect(residue(core, fresh)).toBe(0);
  });
});
