// The ladders: PSK, then WRAP; wrap data is bound to scheme, entity and age, and is no token; keys survive what fails.

import { describe, expect, test } from "vitest";
import { LADDER_KEY } from "../../src/core/key-specs.ts";
import { jweLadder, jwkLadder, type LadderConfig } from "../../src/key-exchange/ladder.ts";
import { wrapKeyStore } from "../../src/key-exchange/wrap-keys.ts";
import {
  binding,
  bytesOf,
  clock,
  codeOf,
  core,
  expectSame,
  flipped,
  FORMATS,
  parsed,
  pskContextOf,
  run,
  tokenCrypto,
} from "./kit.ts";

const LADDERS = [
  ["JWE_LADDER", jweLadder],
  ["JWK_LADDER", jwkLadder],
] as const;
const issuing: LadderConfig = { core, pskContextOf, issuer: { tokenCrypto, clock } };

describe.each(LADDERS)("%s", (name, make) => {
  const issuer = make(issuing);

  test.each(FORMATS)("PSK, then WRAP with the key that it left, in %s", async (format) => {
    const store = await wrapKeyStore(core);
    const device = make({ core, pskContextOf, store });
    expectSame(await run(device, issuer, {}, format));
    const first = await store.newest();
    const second = await run(device, issuer, {}, format);
    expect(second.request.keydata).toEqual({ mechanism: "WRAP", wrapdata: first });
    expectSame(second);
    expect(await store.get(first!)).toBeNull();
  });

  test("wrap data of another entity, another ladder, another time or another hand is refused", async () => {
    const { keydata } = await run(make({ core, pskContextOf }), issuer);
    const respond = async (wrapdata: Uint8Array, identity = "device-1", by = issuer) => {
      const { parsed: request } = await parsed(by, { mechanism: "WRAP", wrapdata });
      return by.respond(request, binding(identity));
    };
    const wrapdata = bytesOf(keydata, "wrapdata");
    expect(await codeOf(() => respond(wrapdata))).toBe("accepted");
    const other = name === "JWE_LADDER" ? jwkLadder(issuing) : jweLadder(issuing);
    expect(await codeOf(() => respond(wrapdata, "device-2"))).toBe("KEYX_INVALID_WRAPDATA");
    expect(await codeOf(() => respond(wrapdata, "device-1", other))).toBe("KEYX_INVALID_WRAPDATA");
    const damaged = bytesOf(flipped(keydata, "wrapdata", -1), "wrapdata");
    expect(await codeOf(() => respond(damaged))).toBe("KEYX_INVALID_WRAPDATA");
    const now = clock.ms;
    clock.ms = now + 91 * 86_400_000;
    expect(await codeOf(() => respond(wrapdata))).toBe("KEYX_INVALID_WRAPDATA");
    clock.ms = now;
  });

  test("wrap data that comes back unchanged does not cost the key that was just added", async () => {
    const store = await wrapKeyStore(core);
    const device = make({ core, pskContextOf, store });
    await run(device, issuer);
    const before = (await store.newest())!;
    await run(device, issuer, { response: (keydata) => ({ ...keydata, wrapdata: before }) });
    expect((await store.get(before))?.disposed).toBe(false);
  });

  test("damaged keys leave nothing in the store", async () => {
    const store = await wrapKeyStore(core);
    const device = make({ core, pskContextOf, store });
    for (const field of ["wrapkey", "encryptionkey", "hmackey"]) {
      const response = (keydata: Parameters<typeof flipped>[0]) => flipped(keydata, field, 40);
      expect(await codeOf(() => run(device, issuer, { response }))).not.toBe("accepted");
    }
    expect(await store.newest()).toBeNull();
  });
});

test("a key that could not be saved is still its caller's, and the one before it stays", async () => {
  let isBroken = false;
  const save = () => {
    if (isBroken) throw new Error("disk full");
  };
  const store = await wrapKeyStore(core, { load: () => null, save });
  const kept = core.generateKey(LADDER_KEY, 16);
  await store.add(Uint8Array.of(1), kept);
  isBroken = true;
  const lost = core.generateKey(LADDER_KEY, 16);
  await expect(store.add(Uint8Array.of(2), lost)).rejects.toThrow("disk full");
  expect([lost.disposed, kept.disposed, await store.get(Uint8Array.of(2))]).toEqual([false, false, null]);
});
