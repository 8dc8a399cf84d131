// Keys in another process, as in a secure element: entity authentication, key exchange and whole sessions with keys that
// never enter this process.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ClientConfig } from "../../src/control/api.ts";
import { type Core, ENCRYPTION_KEY, MAC_KEY } from "../../src/core/core.ts";
import { CMAC_KEY } from "../../src/core/key-specs.ts";
import { readPublicKey } from "../../src/crypto/key-der.ts";
import {
  opaqueContext,
  opaqueDecryption,
  opaqueSigningContext,
  restoreWrappedSession,
} from "../../src/crypto/opaque-context.ts";
import { ecc, eccData, rsa, rsaData } from "../../src/entity-auth/key-pair.ts";
import { psk, pskData } from "../../src/entity-auth/psk.ts";
import { asymmetricWrapped, type WrappingMechanism } from "../../src/key-exchange/asymmetric-wrapped.ts";
import { ecdh } from "../../src/key-exchange/ecdh.ts";
import { jweLadder, jwkLadder } from "../../src/key-exchange/ladder.ts";
import { symmetricWrapped } from "../../src/key-exchange/symmetric-wrapped.ts";
import { wrapKeyStore } from "../../src/key-exchange/wrap-keys.ts";
import { type MemoryPlace, memoryStorage } from "../../src/store/memory-storage.ts";
import { slotContext } from "../../src/crypto/symmetric.ts";
import { tokenKeys } from "../../src/tokens/token-crypto.ts";
import { KeyHolder } from "./key-holder.ts";
import { clock, user, World } from "./world.ts";

let holder: KeyHolder;
beforeEach(() => {
  holder = new KeyHolder();
});
afterEach(() => holder.stop());

/** Both sides know the device by keys of the holder alone: nothing here could leak them. */
async function world(keepsSessions: boolean, ladder: typeof jweLadder | null = null) {
  const key = (await holder.ask("preShared")) as number;
  const deviceKeys = holder.operations(key, keepsSessions);
  const contextOf = (core: Core, own: World | null) => {
    const opaque = opaqueContext(core, { keyId: "hardware-1", keys: deviceKeys });
    return (identity: string) => (identity === "hardware-1" ? opaque : (own?.pskContextOf(identity) ?? null));
  };
  const place: { made: World | null } = { made: null };
  const made = await World.create({
    extend: (core) => {
      const lookup = (identity: string) => contextOf(core, place.made)(identity);
      return {
        entitySchemes: [psk({ contextOf: lookup })],
        keyExchange: [
          symmetricWrapped({ core, pskContextOf: lookup }),
          ecdh({ core }),
          ...(ladder === null
            ? []
            : [ladder({ core, pskContextOf: lookup, issuer: { tokenCrypto: tokens(core), clock } })]),
        ],
      };
    },
  });
  place.made = made;
  const lookup = contextOf(made.core, made);
  const scheme = psk({ contextOf: lookup });
  const config = (overrides: Partial<ClientConfig> = {}): Partial<ClientConfig> => ({
    entity: { scheme, data: () => pskData("hardware-1") },
    serverSchemes: [scheme],
    keyExchange: [symmetricWrapped({ core: made.core, pskContextOf: lookup })],
    restoreSession: restoreWrappedSession(made.core, deviceKeys),
    ...overrides,
  });
  return { world: made, config, lookup };
}

/** Keys that protect what a ladder's issuer hands out. */
function tokens(core: Core) {
  const encryption = core.importKey(ENCRYPTION_KEY, new Uint8Array(16).fill(1));
  return tokenKeys([slotContext(core, { keyId: "l", encryption, mac: core.importKey(MAC_KEY, new Uint8Array(32)) })]);
}

/** No secret of the holder's is in what this process saw. */
async function expectSecret(seen: readonly Uint8Array[], keys: readonly Uint8Array[]) {
  expect(keys.length).toBeGreaterThan(0);
  for (const key of keys) {
    const forms = [Buffer.from(key), Buffer.from(Buffer.from(key).toString("base64").replace(/=+$/, "").slice(0, -1))];
    for (const bytes of seen) {
      for (const form of forms) expect(Buffer.from(bytes).includes(form)).toBe(false);
    }
  }
}

describe.each(["JSON", "CBOR"] as const)("keys in another process, %s", (firstFormat) => {
  test("PSK with SYMMETRIC_WRAPPED: the session stays with its holder, also over a restart", async () => {
    const { world: w, config } = await world(true);
    const place: MemoryPlace = { snapshot: null };
    const device = await w.device(config({ firstFormat, storage: memoryStorage(place) }));
    const ask = async (client: typeof device, body: string, nonReplayable = false) =>
      (await client.request({ body, user: user(), nonReplayable })).text();
    expect(await ask(device, "one")).toBe("ECHO:one");
    expect(await ask(device, "two", true)).toBe("ECHO:two");
    const token = device.session.masterToken;
    expect(token).not.toBeNull();
    expect(holder.asked.filter((operation) => operation === "unwrapSession")).toHaveLength(1);
    expect(holder.asked).not.toContain("unwrap");
    const large = "x".repeat(100_000);
    expect(await ask(device, large)).toBe(`ECHO:${large}`);
    await device.close();

    const again = await w.device(config({ firstFormat, storage: memoryStorage(place) }));
    expect(again.session.masterToken).toEqual(token);
    expect(again.session.hasUser("local-user")).toBe(true);
    expect(await ask(again, "three", true)).toBe("ECHO:three");
    expect(again.session.masterToken).toEqual(token);
    expect(holder.asked.filter((operation) => operation === "unwrapSession")).toHaveLength(2);
    // The first three keys are the pre-shared ones, then come those of the session. The issuer makes session keys and
    // hands them over to be wrapped; nothing else ever showed them, and the pre-shared ones nothing at all.
    const keys = await holder.reveal();
    const wire = w.wire.flatMap(({ request, response }) => [request, response]);
    await expectSecret([...holder.traffic, ...wire, place.snapshot!], keys.slice(0, 3));
    await expectSecret([...wire, place.snapshot!], keys);
    expect(holder.traffic.some((bytes) => Buffer.from(bytes).equals(keys[3]!))).toBe(true);
    await again.close();
  });

  test("a holder that gives unwrapped keys back: the session goes into slots of the core", async () => {
    const { world: w, config } = await world(false);
    const device = await w.device(config({ firstFormat }));
    expect(await (await device.request({ body: "one" })).text()).toBe("ECHO:one");
    const before = holder.asked.length;
    expect(await (await device.request({ body: "two" })).text()).toBe("ECHO:two");
    expect(holder.asked.slice(before)).toEqual([]);
    expect(holder.asked.filter((operation) => operation === "unwrap")).toHaveLength(2);
  });

  test.each([
    ["JWE_LADDER", jweLadder],
    ["JWK_LADDER", jwkLadder],
  ] as const)("%s: the rung under the pre-shared key is unwrapped by its holder", async (name, ladder) => {
    const { world: w, config, lookup } = await world(false, ladder);
    const store = await wrapKeyStore(w.core);
    const keyExchange = [ladder({ core: w.core, pskContextOf: lookup, store })];
    const device = await w.device(config({ firstFormat, keyExchange }));
    expect(await (await device.request({ body: "one", user: user() })).text()).toBe("ECHO:one");
    await device.session.clear();
    expect(await (await device.request({ body: "two" })).text()).toBe("ECHO:two");
    const used = w.reports.filter((report) => report.keyx.length > 0).at(-1);
    expect(used?.keyx).toEqual([name]);
    // The second exchange hangs on the first one's wrapping key, which is the core's.
    expect(holder.asked.filter((operation) => operation === "unwrap")).toHaveLength(1);
    await expectSecret(holder.traffic, await holder.reveal());
  });

  test("PSK with ECDH: the entity's keys stay, the session is the core's", async () => {
    const { world: w, config } = await world(true);
    const device = await w.device(config({ firstFormat, keyExchange: [ecdh({ core: w.core })] }));
    expect(await (await device.request({ body: "one", user: user() })).text()).toBe("ECHO:one");
    expect(holder.asked).not.toContain("unwrapSession");
    await expectSecret(holder.traffic, await holder.reveal());
  });

  test.each(["RSA", "ECC"] as const)("%s: the header is signed by the holder of the private key", async (kind) => {
    const { key, publicKey } = (await holder.ask("keyPair", kind)) as { key: number; publicKey: Uint8Array };
    const read = readPublicKey(new Uint8Array(publicKey));
    const publicHalf = read.kind === "RSA" ? read.rsa : read.point;
    const signer = opaqueSigningContext(
      async (data) => new Uint8Array((await holder.ask("sign", key, data)) as Buffer),
    );
    const schemeOf = (core: Core, isDevice: boolean) => {
      const store = {
        publicKey: (id: string) => (id === "hw" ? (publicHalf as never) : null),
        speaksFor: (id: string, identity: string) => id === "hw" && identity === "hardware-2",
      };
      const local = isDevice ? { pubkeyid: "hw", privateKey: signer } : null;
      return kind === "RSA" ? rsa({ core, store, local }) : ecc({ core, store, local });
    };
    const w = await World.create({ extend: (core) => ({ entitySchemes: [schemeOf(core, false)] }) });
    const data = kind === "RSA" ? rsaData("hardware-2", "hw") : eccData("hardware-2", "hw");
    const device = await w.device({
      firstFormat,
      entity: { scheme: schemeOf(w.core, true), data: () => data },
      serverSchemes: [w.psk()],
      keyExchange: [ecdh({ core: w.core })],
    });
    expect(await (await device.request({ body: "signed" })).text()).toBe("ECHO:signed");
    expect(holder.asked.filter((operation) => operation === "sign")).toHaveLength(1);
    await expectSecret(holder.traffic, await holder.reveal());
  });

  test.each(["RSA", "JWK_RSA", "JWE_RSA", "JWEJS_RSA"] as const)(
    "ASYMMETRIC_WRAPPED %s: the private key stays, the session is the core's",
    async (mechanism) => {
      const { w, device } = await wrappedWorld(mechanism, false);
      const client = await device({ firstFormat });
      expect(await (await client.request({ body: "one", user: user() })).text()).toBe("ECHO:one");
      expect(await (await client.request({ body: "two" })).text()).toBe("ECHO:two");
      expect(w.reports.filter((report) => report.keyx.length > 0).at(-1)?.keyx).toEqual(["ASYMMETRIC_WRAPPED"]);
      expect(holder.asked.filter((operation) => operation === "oaep")).toHaveLength(2);
      await expectSecret(holder.traffic, await holder.reveal());
    },
  );

  test.each(["RSA", "JWK_RSA"] as const)(
    "ASYMMETRIC_WRAPPED %s: the session stays with the private key's holder, also over a restart",
    async (mechanism) => {
      const { w, device } = await wrappedWorld(mechanism, true);
      const place: MemoryPlace = { snapshot: null };
      const client = await device({ firstFormat, storage: memoryStorage(place) });
      expect(await (await client.request({ body: "one", user: user() })).text()).toBe("ECHO:one");
      expect(await (await client.request({ body: "two", nonReplayable: true })).text()).toBe("ECHO:two");
      const token = client.session.masterToken;
      await client.close();
      const again = await device({ firstFormat, storage: memoryStorage(place) });
      expect(await (await again.request({ body: "three" })).text()).toBe("ECHO:three");
      expect(again.session.masterToken).toEqual(token);
      expect(holder.asked.filter((operation) => operation === "oaepSession")).toHaveLength(2);
      expect(holder.asked).not.toContain("oaep");
      const keys = await holder.reveal();
      // The private exponent, and the session's keys once for each time that they were opened.
      expect(keys).toHaveLength(5);
      const wire = w.wire.flatMap(({ request, response }) => [request, response]);
      await expectSecret([...holder.traffic, ...wire, place.snapshot!], keys);
      await again.close();
    },
  );

  test("PSK that signs with AES-CMAC: the holder's signatures are those of the core", async () => {
    const keys = [new Uint8Array(16).fill(31), new Uint8Array(16).fill(32)] as const;
    const key = (await holder.ask("imported", ...keys)) as number;
    const ask = holder.operations(key, true);
    const sign = async (data: Uint8Array) => new Uint8Array((await holder.ask("cmac", key, data)) as Buffer);
    const { sign: _, ...rest } = ask;
    const w = await World.create({
      extend: (core, own) => {
        const slots = slotContext(core, {
          keyId: "hardware-4",
          encryption: core.importKey(ENCRYPTION_KEY, keys[0].slice()),
          mac: core.importKey(CMAC_KEY, keys[1].slice()),
        });
        return {
          entitySchemes: [psk({ contextOf: (id) => (id === "hardware-4" ? slots : own.pskContextOf(id)) })],
          keyExchange: [ecdh({ core })],
        };
      },
    });
    const device = (algorithm: "AESCmac" | "HmacSHA256") => {
      const opaque = opaqueContext(w.core, {
        keyId: "hardware-4",
        keys: { ...rest, sign, signatureAlgorithm: algorithm },
      });
      const scheme = psk({ contextOf: (id) => (id === "hardware-4" ? opaque : w.pskContextOf(id)) });
      return w.device({
        firstFormat,
        entity: { scheme, data: () => pskData("hardware-4") },
        serverSchemes: [scheme],
        keyExchange: [ecdh({ core: w.core })],
      });
    };
    const client = await device("AESCmac");
    expect(await (await client.request({ body: "one" })).text()).toBe("ECHO:one");
    expect(holder.asked.filter((operation) => operation === "cmac").length).toBeGreaterThan(0);
    // Who says nothing of the algorithm signs with HMAC, which has another length.
    const other = await device("HmacSHA256");
    await expect(other.request({ body: "one" })).rejects.toMatchObject({ code: "HMAC_ERROR" });
  });
});

/** A device whose pair of ASYMMETRIC_WRAPPED is the holder's. */
async function wrappedWorld(mechanism: WrappingMechanism, keepsSessions: boolean) {
  const { key, publicKey } = (await holder.ask("keyPair", "RSA")) as { key: number; publicKey: Uint8Array };
  const read = readPublicKey(new Uint8Array(publicKey));
  if (read.kind !== "RSA") throw new Error("No RSA key.");
  const w = await World.create({
    extend: (core) => ({ keyExchange: [asymmetricWrapped({ core, timers: null, mechanisms: [mechanism] })] }),
  });
  const keys = holder.decryption(key, keepsSessions);
  const privateKey = opaqueDecryption(w.core, keys);
  const keyPair = () => ({ keyPairId: "hw", privateKey, publicKey: read.rsa, owns: mechanism === "JWK_RSAES" });
  const device = (overrides: Partial<ClientConfig>) =>
    w.device({
      keyExchange: [asymmetricWrapped({ core: w.core, timers: null, mechanisms: [mechanism], keyPair })],
      restoreSession: restoreWrappedSession(w.core, keys),
      ...overrides,
    });
  return { w, device };
}

test("a private key in hardware does not serve JWK_RSAES, nor answers that are damaged or a holder that is gone", async () => {
  const padding = await wrappedWorld("JWK_RSAES", false);
  await expect((await padding.device({})).request({ body: "x" })).rejects.toMatchObject({ code: "USAGE" });
  for (const keepsSessions of [false, true]) {
    const { device } = await wrappedWorld("RSA", keepsSessions);
    expect(await (await (await device({})).request({ body: "x" })).text()).toBe("ECHO:x");
    const damaged = await World.create({
      extend: (core) => {
        const honest = asymmetricWrapped({ core, timers: null, mechanisms: ["RSA"] });
        return {
          keyExchange: [
            {
              ...honest,
              async respond(parsed, binding) {
                const answer = (await honest.respond(parsed, binding))!;
                const encryptionkey = (answer.keydata.encryptionkey as Uint8Array).map((byte) => byte ^ 1);
                return { ...answer, keydata: { ...answer.keydata, encryptionkey } };
              },
            },
          ],
        };
      },
    });
    const client = await device({ transport: damaged.transport });
    await expect(client.request({ body: "x" })).rejects.toMatchObject({
      name: "MslProtocolError",
      code: keepsSessions ? "UNWRAP_ERROR" : "CIPHERTEXT_BAD_PADDING",
    });
    expect(client.session.masterToken).toBeNull();
  }
  const { device } = await wrappedWorld("RSA", false);
  holder.stop();
  await expect((await device({})).request({ body: "x" })).rejects.toMatchObject({ code: "CIPHERTEXT_BAD_PADDING" });
});

test("a holder that fails or is gone: typed errors, and the device recovers when it is back", async () => {
  const { world: w, config } = await world(true);
  const place: MemoryPlace = { snapshot: null };
  const device = await w.device(config({ storage: memoryStorage(place) }));
  await (await device.request({ body: "one" })).text();
  holder.stop();
  await expect(device.request({ body: "two" })).rejects.toMatchObject({
    name: "MslProtocolError",
    code: "ENCRYPT_ERROR",
  });
  await device.close();
  // The hardware was replaced: its sessions are lost, with their tokens, and the state opens all the same.
  const other = await w.device(config({ storage: memoryStorage(place) }));
  expect(other.session.masterToken).toBeNull();
  await other.close();
  const without = w.device(config({ storage: memoryStorage(place), restoreSession: null }));
  await expect(without).rejects.toMatchObject({ code: "USAGE" });
});
