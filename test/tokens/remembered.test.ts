// Tokens that were read before: the signature is verified again, the bytes decide, and a session in use stays usable.

import { beforeAll, describe, expect, test } from "vitest";
import { type Core, ENCRYPTION_KEY, MAC_KEY, SESSION_ENCRYPTION, SESSION_MAC } from "../../src/core/core.ts";
import { loadCore } from "../../src/core/core-node.ts";
import type { CryptoContext } from "../../src/crypto/crypto-context.ts";
import { slotContext } from "../../src/crypto/symmetric.ts";
import { decodeObject, type EncodeFields, encodeObject } from "../../src/encoding/codec.ts";
import {
  createMasterToken,
  encodedMasterToken,
  masterTokenFields,
  readMasterToken,
  SessionCache,
  type VerifiedMasterToken,
} from "../../src/tokens/master-token.ts";
import { tokenKeys } from "../../src/tokens/token-crypto.ts";

const FORMATS = ["JSON", "CBOR"] as const;
let core: Core;
let issuer: CryptoContext;
beforeAll(async () => {
  core = await loadCore();
  const keys = { encryption: core.generateKey(ENCRYPTION_KEY, 16), mac: core.generateKey(MAC_KEY, 32) };
  issuer = slotContext(core, { keyId: "k", ...keys });
});

const issue = (serialNumber: number) =>
  createMasterToken(core, tokenKeys([issuer]), "CBOR", {
    renewalWindow: 1,
    expiration: 2,
    sequenceNumber: 0,
    serialNumber,
    identity: "e",
    keys: { encryption: core.generateKey(SESSION_ENCRYPTION, 16), mac: core.generateKey(SESSION_MAC, 32) },
    issuerData: {},
  });

/** An issuer that counts what it is asked. */
function counting() {
  const counts = { verify: 0, decrypt: 0 };
  const context: CryptoContext = {
    ...issuer,
    verify(data, signature) {
      counts.verify++;
      return issuer.verify(data, signature);
    },
    decrypt(data) {
      counts.decrypt++;
      return issuer.decrypt(data);
    },
  };
  return { counts, tokenCrypto: tokenKeys([context]) };
}

describe.each(FORMATS)("%s", (format) => {
  const asMap = (fields: EncodeFields) => decodeObject(encodeObject(format, fields), "mastertoken");

  test("a server verifies the signature each time and decrypts once", async () => {
    const { counts, tokenCrypto } = counting();
    const sessionCache = new SessionCache<VerifiedMasterToken>(8);
    const reader = { core, tokenCrypto, sessionCache, knownToken: null };
    const token = masterTokenFields(await issue(7));
    const first = await readMasterToken(asMap(token), reader);
    const second = await readMasterToken(asMap(token), reader);
    expect(second.verified).toBe(first.verified);
    expect(second).toEqual(first);
    expect(counts).toEqual({ verify: 2, decrypt: 1 });
  });

  test("one changed bit in the data or the signature, and nothing remembered counts", async () => {
    const { tokenCrypto } = counting();
    const sessionCache = new SessionCache<VerifiedMasterToken>(8);
    const reader = { core, tokenCrypto, sessionCache, knownToken: null };
    const token = await issue(7);
    await readMasterToken(asMap(masterTokenFields(token)), reader);
    for (const name of ["tokendata", "signature"] as const) {
      for (const at of [0, token[name].length - 1]) {
        const bytes = token[name].slice();
        bytes[at]! ^= name === "tokendata" && at === 0 ? 0 : 1;
        const changed = { ...masterTokenFields(token), [name]: bytes };
        const same = bytes.every((byte, i) => byte === token[name][i]);
        expect((await readMasterToken(asMap(changed), reader)).verified !== null).toBe(same);
      }
    }
  });

  test("once the issuer's keys are retired the token is not verified, though it is remembered", async () => {
    const sessionCache = new SessionCache<VerifiedMasterToken>(8);
    const token = masterTokenFields(await issue(7));
    const reader = { core, sessionCache, knownToken: null };
    const read = await readMasterToken(asMap(token), { ...reader, tokenCrypto: tokenKeys([issuer]) });
    expect(read.verified).not.toBeNull();
    const keys = { encryption: core.generateKey(ENCRYPTION_KEY, 16), mac: core.generateKey(MAC_KEY, 32) };
    const other = slotContext(core, { keyId: "n", ...keys });
    const later = await readMasterToken(asMap(token), { ...reader, tokenCrypto: tokenKeys([other]) });
    expect(later.verified).toBeNull();
  });

  test("a client takes the same bytes for the token it knows, and no others", async () => {
    const [known, other] = [await issue(7), await issue(8)];
    const knownToken = { ...known, verified: null };
    const reader = { core, tokenCrypto: null, sessionCache: null, knownToken };
    expect(await readMasterToken(asMap(masterTokenFields(known)), reader)).toBe(knownToken);
    const read = await readMasterToken(asMap(masterTokenFields(other)), reader);
    expect([read.serialNumber, read.verified]).toEqual([8, null]);
  });

  test("the encoding that is kept is the encoding", async () => {
    const token = await issue(7);
    const fields = { mastertoken: masterTokenFields(token), renewable: true };
    for (let i = 0; i < 2; i++) {
      const kept = { ...fields, mastertoken: encodedMasterToken(format, token) };
      expect(encodeObject(format, kept)).toEqual(encodeObject(format, fields));
    }
  });
});

describe("the cache", () => {
  const tokenOf = (n: number, disposed: number[]): VerifiedMasterToken =>
    ({
      tokendata: Uint8Array.of(n),
      signature: Uint8Array.of(n >> 8, n & 255),
      verified: { context: { dispose: () => disposed.push(n) } },
    }) as unknown as VerifiedMasterToken;

  test("holds so many tokens, forgets the one used longest ago, and disposes it late and not while it is held", () => {
    const disposed: number[] = [];
    const cache = new SessionCache<VerifiedMasterToken>(2);
    const [a, b, c] = [1, 2, 3].map((n) => tokenOf(n, disposed)) as [
      VerifiedMasterToken,
      VerifiedMasterToken,
      VerifiedMasterToken,
    ];
    cache.set(a);
    cache.set(b);
    expect(cache.get(a.tokendata, a.signature)).toBe(a);
    const release = cache.hold(b.verified);
    cache.set(c);
    expect(cache.get(b.tokendata, b.signature)).toBeNull();
    expect(cache.get(a.tokendata, a.signature)).toBe(a);
    for (let n = 100; n < 260; n++) cache.set(tokenOf(n, disposed));
    expect(disposed.length).toBeGreaterThan(60);
    expect(disposed).not.toContain(2);
    release();
    for (let n = 300; n < 460; n++) cache.set(tokenOf(n, disposed));
    expect(disposed).toContain(2);
    expect(new Set(disposed).size).toBe(disposed.length);
  });

  test("of no size holds nothing", () => {
    const cache = new SessionCache<VerifiedMasterToken>(0);
    const token = tokenOf(1, []);
    cache.set(token);
    expect(cache.get(token.tokendata, token.signature)).toBeNull();
  });
});
