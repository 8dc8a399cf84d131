// Wrap data of the ladders: of another entity, another ladder, another time; tokens and other things that the issuer's
// keys made, offered as wrap data and the other way round; the bare form of the reference; old answers, again.

import { describe, expect, test } from "vitest";
import type { MslClient } from "../../src/control/api.ts";
import { type Core, ENCRYPTION_KEY, MAC_KEY, WRAPPING_KEY } from "../../src/core/core.ts";
import { slotContext } from "../../src/crypto/symmetric.ts";
import { decodeObject, type EncodeFields, encodeObject } from "../../src/encoding/codec.ts";
import { pskData } from "../../src/entity-auth/psk.ts";
import { jweLadder, jwkLadder, type LadderConfig } from "../../src/key-exchange/ladder.ts";
import type { KeyExchange } from "../../src/key-exchange/scheme.ts";
import { type WrapKeyStore, wrapKeyStore } from "../../src/key-exchange/wrap-keys.ts";
import { encodedMasterToken, masterTokenFields } from "../../src/tokens/master-token.ts";
import { createServiceToken, serviceTokenFields } from "../../src/tokens/service-token.ts";
import { type TokenCrypto, tokenKeys } from "../../src/tokens/token-crypto.ts";
import { userIdTokenFields } from "../../src/tokens/user-id-token.ts";
import { codeOf as codeOfMessage, HEADER, issue, issueUser, message } from "../conformance/kit.ts";
import { clock, World } from "../scenario/world.ts";
import { asking, ask, codeOf } from "./key-exchange-kit.ts";

const LADDERS = [
  ["JWE_LADDER", jweLadder, jwkLadder],
  ["JWK_LADDER", jwkLadder, jweLadder],
] as const;

const bytes = (seed: number, length: number) => Uint8Array.from({ length }, (_, i) => (seed * 31 + i * 7) & 255);

/** The world's token keys, with a wrapping key beside them, which the bare form needs. */
function tokenCryptoOf(core: Core): TokenCrypto {
  return tokenKeys([
    slotContext(core, {
      keyId: "tokens",
      encryption: core.importKey(ENCRYPTION_KEY, bytes(90, 16)),
      mac: core.importKey(MAC_KEY, bytes(91, 32)),
      wrapping: core.importKey(WRAPPING_KEY, bytes(92, 16)),
    }),
  ]);
}

type Make = (config: LadderConfig) => KeyExchange;

interface Scene {
  readonly world: World;
  readonly store: WrapKeyStore;
  readonly scheme: (identity?: string) => KeyExchange;
  /** A device with a store of its own. */
  device(store: WrapKeyStore, identity?: string): Promise<MslClient>;
  /** What the issuer says of a WRAP request with this wrap data, from this device. */
  offered(wrapdata: Uint8Array, identity?: string, scheme?: string): Promise<string>;
}

async function scene(make: Make, issuing: Partial<LadderConfig> = {}): Promise<Scene> {
  const world: World = await World.create({
    extend: (core, { pskContextOf }) => {
      const config = { core, pskContextOf, issuer: { tokenCrypto: tokenCryptoOf(core), clock }, ...issuing };
      const other = make === jweLadder ? jwkLadder : jweLadder;
      return { keyExchange: [make(config), other(config)] };
    },
  });
  const { core, pskContextOf } = world;
  const store = await wrapKeyStore(core);
  const name = make === jweLadder ? "JWE_LADDER" : "JWK_LADDER";
  return {
    world,
    store,
    scheme: () => make({ core, pskContextOf, store }),
    device: (kept, identity = "device-1") =>
      world.device(
        { entity: world.entity(identity), keyExchange: [make({ core, pskContextOf, store: kept })] },
        identity,
      ),
    async offered(wrapdata, identity = "device-1", scheme = name) {
      const sender = { entity: pskData(identity), context: pskContextOf(identity)! };
      const keyrequestdata = [{ scheme, keydata: { mechanism: "WRAP", wrapdata } }];
      return codeOfMessage(world, await message("CBOR", sender, { ...HEADER, renewable: true, keyrequestdata }));
    },
  };
}

describe.each(LADDERS)("%s", (name, make, otherMake) => {
  const other = otherMake === jweLadder ? "JWE_LADDER" : "JWK_LADDER";

  /** A scene in which device-1 has been given wrap data. */
  async function climbed(issuing: Partial<LadderConfig> = {}) {
    const set = await scene(make, issuing);
    const client = await set.device(set.store);
    expect(await ask(client)).toBe("ECHO:x");
    const wrapdata = (await set.store.newest())!;
    return { ...set, client, wrapdata };
  }

  test("one's own wrap data is taken, in its ladder and time", async () => {
    const { offered, wrapdata, client, world, store } = await climbed();
    expect(await offered(wrapdata)).toBe("accepted");
    await client.session.clear();
    expect(await ask(client)).toBe("ECHO:x");
    expect(await store.newest()).not.toEqual(wrapdata); // it went on from there
    expect(world.reports.at(-1)?.keyx).toEqual([name]);
  });

  test("another entity's wrap data is refused, whoever holds its key", async () => {
    const { offered, wrapdata, store, world } = await climbed();
    expect(await offered(wrapdata, "device-2")).toBe("KEYX_INVALID_WRAPDATA");
    // A whole device under a name of its own, with the stolen key in its store.
    const stolen = await wrapKeyStore(world.core);
    await stolen.add(wrapdata, (await store.get(wrapdata))!);
    const thief = make({ core: world.core, pskContextOf: world.pskContextOf, store: stolen, mechanisms: ["WRAP"] });
    const as = (identity: string) => world.device({ entity: world.entity(identity), keyExchange: [thief] }, identity);
    expect(await codeOf(await as("device-2"))).toBe("KEYX_INVALID_WRAPDATA");
    expect(await codeOf(await as("device-1"))).toBe("accepted");
  });

  test("wrap data of the other ladder is refused", async () => {
    const { offered, wrapdata } = await climbed();
    expect(await offered(wrapdata, "device-1", other)).toBe("KEYX_INVALID_WRAPDATA");
  });

  test("wrap data expires, to the second", async () => {
    const { offered, wrapdata } = await climbed();
    const at = clock.ms;
    try {
      clock.ms = at + 90 * 86_400_000;
      expect(await offered(wrapdata)).toBe("accepted");
      clock.ms = at + 90 * 86_400_000 + 1000;
      expect(await offered(wrapdata)).toBe("KEYX_INVALID_WRAPDATA");
    } finally {
      clock.ms = at;
    }
  });

  test("wrap data that was changed or cut anywhere is refused", async () => {
    const { offered, wrapdata } = await climbed();
    for (let i = 0; i < wrapdata.length; i += 3) {
      const changed = wrapdata.slice();
      changed[i] = changed[i]! ^ 0x10;
      expect([i, await offered(changed)]).toEqual([i, "KEYX_INVALID_WRAPDATA"]);
      if (i > 0) expect([i, await offered(wrapdata.subarray(0, i))]).toEqual([i, "KEYX_INVALID_WRAPDATA"]);
    }
    expect(await offered(Uint8Array.of(...wrapdata, 0))).toBe("KEYX_INVALID_WRAPDATA");
    expect(await offered(new Uint8Array(0))).toBe("KEYX_WRAPPING_KEY_MISSING");
  });

  test("tokens, and whatever else the issuer's keys made, are no wrap data", async () => {
    const { offered, world } = await climbed();
    const { core } = world;
    const masterToken = await issue(world);
    const userIdToken = await issueUser(world, masterToken);
    const { current } = tokenCryptoOf(core);
    const fields = masterTokenFields(masterToken);
    const service = await createServiceToken("CBOR", {
      name: "n",
      data: bytes(1, 16),
      masterToken,
      userIdToken: null,
      encrypt: true,
      compressor: null,
      context: current,
    });
    const pair = (data: Uint8Array, signature: Uint8Array) => encodeObject("CBOR", { format: 1, data, signature });
    const plain = encodeObject("CBOR", { scheme: name, identity: "device-1", time: 1_700_000_000, key: bytes(3, 16) });
    const sealed = await current.encrypt(plain, "CBOR");
    const key = core.importKey({ type: 1, usage: 255 }, bytes(4, 16));
    const offers: readonly (readonly [string, Uint8Array])[] = [
      ["a master token", encodeObject("CBOR", fields)],
      ["a master token in JSON", encodeObject("JSON", fields)],
      ["a master token as it is sent", encodedBytes(encodedMasterToken("CBOR", masterToken))],
      ["its data", masterToken.tokendata],
      ["its signature", masterToken.signature],
      ["its data and signature as wrap data", pair(masterToken.tokendata, masterToken.signature)],
      ["a user ID token's", pair(userIdToken.tokendata, userIdToken.signature)],
      ["a user ID token", encodeObject("CBOR", userIdTokenFields(userIdToken))],
      ["a service token", encodeObject("CBOR", serviceTokenFields(service))],
      ["right content, signed as tokens are", pair(sealed, await current.sign(sealed, "CBOR"))],
      ["a key wrap under the token keys", await current.wrapKey(key)],
      ["a key wrap under the device's keys", await world.pskContextOf("device-1")!.wrapKey(key)],
      [
        "a key wrap under the device's keys, 40 bytes",
        world.pskContextOf("device-1")!.wrapBytes!(bytes(5, 32)) as Uint8Array,
      ],
      ["nothing known", bytes(6, 24)],
    ];
    for (const [what, blob] of offers) expect([what, await offered(blob)]).toEqual([what, "KEYX_INVALID_WRAPDATA"]);
  });

  test("wrap data is no master token and no user ID token", async () => {
    const { world, wrapdata } = await climbed();
    const map = decodeObject(wrapdata, "wrapdata");
    const [data, signature] = [map.bytes("data"), map.bytes("signature")];
    const masterToken = await issue(world);
    const posing: EncodeFields = { mastertoken: { tokendata: data, signature } };
    const request = await message("CBOR", { masterToken }, HEADER, "x", posing);
    expect(await codeOfMessage(world, request)).toBe("MASTERTOKEN_TOKENDATA_PARSE_ERROR");
    const asUser = await message("CBOR", { masterToken }, { ...HEADER, useridtoken: { tokendata: data, signature } });
    expect(await codeOfMessage(world, asUser)).not.toBe("accepted");
    expect(await codeOfMessage(world, await message("CBOR", { masterToken }, HEADER))).toBe("accepted");
  });

  test("the reference's bare form is refused, and made by nobody, unless it was asked for", async () => {
    const sealed = await climbed();
    const bare = await climbed({ bareWrapdata: true });
    expect([bare.wrapdata.length, sealed.wrapdata.length > 64]).toEqual([24, true]);
    expect(await sealed.offered(bare.wrapdata)).toBe("KEYX_INVALID_WRAPDATA");
    expect(await bare.offered(bare.wrapdata)).toBe("accepted");
    expect(await bare.offered(sealed.wrapdata)).not.toBe("accepted");
    // What the switch costs: nothing binds the bare form to whom it was for.
    expect(await bare.offered(bare.wrapdata, "device-2")).toBe("accepted");
    expect(await bare.offered(bare.wrapdata, "device-1", other)).toBe("accepted");
  });

  test("who has wrap data that is not taken any more goes on with its pre-shared keys, in the same message", async () => {
    const { client, store, world } = await climbed();
    const at = clock.ms;
    try {
      clock.ms = at + 91 * 86_400_000;
      await client.session.clear();
      const before = world.wire.length;
      expect(await ask(client)).toBe("ECHO:x");
      expect(world.wire.length - before).toBe(1);
      expect(await store.newest()).not.toBeNull();
    } finally {
      clock.ms = at;
    }
  });

  test("an old answer sent again does not put an old wrapping key back", async () => {
    const { client, world, store } = await climbed();
    const old = world.wire[0]!.response;
    await client.session.clear();
    expect(await ask(client)).toBe("ECHO:x");
    const newest = await store.newest();
    await client.session.clear();
    world.tamper = (wire, direction) => (direction === "response" ? old : wire);
    expect(await codeOf(client)).toBe("UNEXPECTED_RESPONSE_MESSAGE_ID");
    expect(await store.newest()).toEqual(newest);
    world.tamper = null;
    expect(await ask(client)).toBe("ECHO:x");
    expect(await store.newest()).not.toEqual(newest);
  });

  test("an answer from somebody else than expected does not put a wrapping key in", async () => {
    const { world } = await climbed();
    const { core, pskContextOf } = world;
    const kept = await wrapKeyStore(core);
    const keyExchange = [make({ core, pskContextOf, store: kept })];
    const wary = await world.device({ keyExchange, expectSender: "another server" });
    expect(await codeOf(wary)).toBe("MESSAGE_SENDER_MISMATCH");
    expect(await kept.newest()).toBeNull();
    const fine = await world.device({ keyExchange, expectSender: "server" });
    expect(await ask(fine)).toBe("ECHO:x");
    expect(await kept.newest()).not.toBeNull();
  });

  test("mechanisms that do not exist, and one that was switched off", async () => {
    const set = await scene(make, { mechanisms: ["PSK"] });
    const client = await set.device(set.store);
    expect(await ask(client)).toBe("ECHO:x");
    expect(await set.offered((await set.store.newest())!)).toBe("UNSUPPORTED_KEYX_MECHANISM");
    for (const mechanism of ["MGK", "psk", ""]) {
      const asked = asking(set.scheme(), () => ({ mechanism }));
      expect(await codeOf(await set.world.device({ keyExchange: [asked] }))).toBe("KEYX_FACTORY_NOT_FOUND");
    }
  });
});

function encodedBytes(encoded: unknown): Uint8Array {
  return encodeObject("CBOR", { mastertoken: encoded } as EncodeFields);
}
