// Pairs and chunks through the bridge, against an independent composition of JSON.parse, cbor-x and node:crypto.

import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { type Core, SESSION_ENCRYPTION, SESSION_MAC } from "../../src/core/core.ts";
import { loadCore } from "../../src/core/core-node.ts";
import { keyIdOf } from "../../src/crypto/symmetric.ts";
import { encodeObject } from "../../src/encoding/codec.ts";

const KEY_ID = "device-0001_7";

describe.each(["simd", "mvp"] as const)("%s", (kind) => {
  let core: Core;
  const enc = randomBytes(16);
  const mac = randomBytes(32);
  let keys: { encryption: ReturnType<Core["importKey"]>; mac: ReturnType<Core["importKey"]> };
  beforeAll(async () => {
    core = await loadCore(kind);
    keys = {
      encryption: core.importKey(SESSION_ENCRYPTION, Uint8Array.from(enc)),
      mac: core.importKey(SESSION_MAC, Uint8Array.from(mac)),
    };
  });

  const hmac = (data: Uint8Array) => createHmac("sha256", mac).update(data).digest();

  /** A chunk made by other means: members in the given order, with white space. */
  function foreignChunk(payload: object, order: number): Uint8Array {
    const iv = randomBytes(16);
    const cipher = createCipheriv("aes-128-cbc", enc, iv);
    const ciphertext = Buffer.concat([cipher.update(JSON.stringify(payload)), cipher.final()]).toString("base64");
    const members: [string, string][] = [
      ["sha256", "AA=="],
      ["ciphertext", ciphertext],
      ["iv", iv.toString("base64")],
      ["keyid", "other"],
    ];
    if (order % 2 === 1) members.reverse();
    const envelope = Buffer.from(JSON.stringify(Object.fromEntries(members), null, order % 3));
    const outer = { signature: hmac(envelope).toString("base64"), payload: envelope.toString("base64") };
    return Uint8Array.from(Buffer.from(JSON.stringify(outer, null, order % 4)));
  }

  test("JSON chunks are what another implementation reads", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 16384, size: "max" }),
        fc.maxSafeNat(),
        fc.maxSafeNat(),
        fc.boolean(),
        (data, s, m, end) => {
          const chunk = { sequenceNumber: s, messageId: m, endOfMessage: end, compression: null, data };
          const wire = core.sealChunk("JSON", keys.encryption, keys.mac, keyIdOf(KEY_ID), chunk)!;
          const outer = JSON.parse(Buffer.from(wire).toString());
          const envelope = Buffer.from(outer.payload, "base64");
          expect(outer.signature).toBe(hmac(envelope).toString("base64"));
          const { keyid, iv, ciphertext, sha256 } = JSON.parse(envelope.toString());
          expect([keyid, sha256]).toEqual([KEY_ID, "AA=="]);
          const decipher = createDecipheriv("aes-128-cbc", enc, Buffer.from(iv, "base64"));
          const plain = Buffer.concat([decipher.update(Buffer.from(ciphertext, "base64")), decipher.final()]);
          const want = {
            sequencenumber: s,
            messageid: m,
            ...(end && { endofmsg: true }),
            data: Buffer.from(data).toString("base64"),
          };
          expect(JSON.parse(plain.toString())).toEqual(want);
          const opened = core.openChunk(keys.encryption, keys.mac, wire);
          expect(opened).toEqual({ kind: "opened", value: { ...chunk, data: Uint8Array.from(data) } });
        },
      ),
      { numRuns: 60 },
    );
  });

  test("CBOR chunks round-trip, are smaller, and equal the host codec's bytes up to the IV", () => {
    for (const compression of [null, "GZIP", "LZW"] as const) {
      for (const messageId of [0, 23, 24, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 32, 2 ** 53]) {
        const chunk = { sequenceNumber: 1, messageId, endOfMessage: true, compression, data: randomBytes(100) };
        const wire = core.sealChunk("CBOR", keys.encryption, keys.mac, keyIdOf(KEY_ID), chunk)!;
        const opened = core.openChunk(keys.encryption, keys.mac, wire);
        expect(opened).toEqual({ kind: "opened", value: { ...chunk, data: Uint8Array.from(chunk.data) } });
        const envelope = wire.subarray(wire[1] === 1 && wire[2] === 0x58 ? 4 : 5, wire.length - 35);
        const again = encodeObject("CBOR", { payload: envelope, signature: Uint8Array.from(hmac(envelope)) });
        expect(Buffer.from(again).equals(Buffer.from(wire))).toBe(true);
      }
    }
  });

  test("foreign member orders and white space are read; unusual forms are left to the host", () => {
    const payload = { data: "aGk=", messageid: 5, endofmsg: false, sequencenumber: 2 };
    for (let order = 0; order < 12; order++) {
      const opened = core.openChunk(keys.encryption, keys.mac, foreignChunk(payload, order));
      expect(opened.kind === "opened" && Buffer.from(opened.value.data).toString()).toBe("hi");
    }
    const odd = [
      { ...payload, extra: 1 },
      { ...payload, messageid: 1.5 },
      { ...payload, messageid: -1 },
      { data: "aGk=" },
      [],
    ];
    for (const value of odd)
      expect(core.openChunk(keys.encryption, keys.mac, foreignChunk(value, 0)).kind).toBe("form");
  });

  test("cut or changed anywhere, a chunk never opens", () => {
    for (const format of ["JSON", "CBOR"] as const) {
      const chunk = { sequenceNumber: 1, messageId: 2, endOfMessage: true, compression: null, data: randomBytes(40) };
      const wire = core.sealChunk(format, keys.encryption, keys.mac, keyIdOf(KEY_ID), chunk)!;
      for (let n = 0; n < wire.length; n++) {
        if (n > 0) expect(core.openChunk(keys.encryption, keys.mac, wire.slice(0, n)).kind).toBe("form");
        for (const bit of [1, 0x20, 0x80]) {
          const bad = wire.slice();
          bad[n]! ^= bit;
          const opened = core.openChunk(keys.encryption, keys.mac, bad);
          // A changed padding bit of Base64 may mean the same bytes; anything else does not open.
          if (opened.kind === "opened") expect(Buffer.from(opened.value.data).equals(chunk.data)).toBe(true);
        }
      }
    }
  });

  test("pairs: empty, large, wrong tag first", () => {
    for (const format of ["JSON", "CBOR"] as const) {
      for (const size of [0, 1, 15, 16, 5000, 25000]) {
        const plain = randomBytes(size);
        const sealed = core.sealPair(format, keys.encryption, keys.mac, keyIdOf(KEY_ID), Uint8Array.from(plain))!;
        expect(Buffer.from(sealed.signature).equals(hmac(sealed.data))).toBe(true);
        const opened = core.openPair(keys.encryption, keys.mac, sealed.data, sealed.signature);
        expect(opened).toEqual({ kind: "opened", value: Uint8Array.from(plain) });
        const bad = sealed.signature.slice();
        bad[0]! ^= 1;
        expect(core.openPair(keys.encryption, keys.mac, sealed.data, bad).kind).toBe("bad-tag");
      }
      expect(core.sealPair(format, keys.encryption, keys.mac, keyIdOf(KEY_ID), new Uint8Array(42900))).toBeNull();
    }
  });

  test("objects are found at any split of the stream, byte by byte too", () => {
    const objects = [
      Buffer.from('{"a":"}\\"{","b":[{}]}'),
      Buffer.from(encodeObject("CBOR", { payload: randomBytes(300), signature: randomBytes(32) })),
      Buffer.from(encodeObject("CBOR", { a: { b: ["x", 1, true] } })),
    ];
    for (const object of objects) {
      fc.assert(
        fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 100 }), (steps) => {
          const scanner = core.createScanner(10_000);
          const stream = Buffer.concat([object, object, object]);
          const found: Uint8Array[] = [];
          for (let at = 0, i = 0; at < stream.length; i++) {
            const step = steps[i % steps.length]!;
            scanner.push(stream.subarray(at, at + step));
            at += step;
            for (let next = scanner.next(); next !== null; next = scanner.next()) found.push(next);
          }
          expect(found.length).toBe(3);
          for (const one of found) expect(Buffer.from(one).equals(object)).toBe(true);
          expect(scanner.isBetweenObjects).toBe(true);
        }),
        { numRuns: 30 },
      );
    }
  });

  test("a scanner refuses what begins no object, deep nesting, and objects above its limit", () => {
    const feed = (bytes: Uint8Array | string, limit = 1000) => {
      const scanner = core.createScanner(limit);
      scanner.push(Buffer.from(bytes));
      return scanner.next();
    };
    for (const bad of [" {}", "[1]", "x", "\ufeff{}", '{"a":\0}']) expect(() => feed(bad)).toThrow(/MSL_PARSE_ERROR/);
    for (const bad of [[0xbf, 0x61], [0xa1, 0xc0], [0xa1, 0x5f], [0xff], [0xa1, 0xfc]]) {
      expect(() => feed(Uint8Array.from(bad))).toThrow(/MSL_PARSE_ERROR/);
    }
    expect(() => feed(`{"a":${"[".repeat(40)}`)).toThrow(/MSL_PARSE_ERROR/);
    expect(() => feed(Uint8Array.from(Array(40).fill(0xa1)))).toThrow(/MSL_PARSE_ERROR/);
    expect(() => feed(`{"a":"${"x".repeat(2000)}`)).toThrow(/OBJECT_TOO_LARGE.*maxObjectBytes is 1000/);
    expect(feed("{}")).not.toBeNull();
    const spaced = core.createScanner(100);
    spaced.push(Buffer.from('{} \n{"a":1}  '));
    expect([spaced.next()?.length, spaced.next()?.length, spaced.next()]).toEqual([2, 7, null]);
    expect(spaced.isBetweenObjects).toBe(true);
  });

  test("10 000 sessions take turns in 32 slots", () => {
    const local = core;
    const sessions = Array.from({ length: 10_000 }, () => {
      const macKey = randomBytes(32);
      const encryption = local.importKey(SESSION_ENCRYPTION, Uint8Array.from(randomBytes(16)));
      return { macKey, encryption, mac: local.importKey(SESSION_MAC, Uint8Array.from(macKey)) };
    });
    for (let i = 0; i < 10_000; i++) {
      const session = sessions[(i * 7919) % sessions.length]!;
      const chunk = {
        sequenceNumber: 1,
        messageId: i,
        endOfMessage: true,
        compression: null,
        data: Uint8Array.of(i & 255),
      };
      const wire = local.sealChunk("CBOR", session.encryption, session.mac, keyIdOf("x"), chunk)!;
      const other = sessions[(i * 104_729 + 1) % sessions.length]!;
      local.hmacSign(other.mac, chunk.data);
      const opened = local.openChunk(session.encryption, session.mac, wire);
      expect(opened.kind === "opened" && opened.value.messageId).toBe(i);
      if (i % 97 === 0) {
        const want = createHmac("sha256", session.macKey).update(chunk.data).digest();
        expect(Buffer.from(local.hmacSign(session.mac, chunk.data)).equals(want)).toBe(true);
      }
    }
    for (const session of sessions) {
      session.encryption.dispose();
      session.mac.dispose();
    }
  });

  test("pinned keys stay, disposed keys are refused, and pins are bounded", () => {
    const pinned = core.generateKey(SESSION_MAC, 32);
    pinned.pin();
    const many = Array.from({ length: 64 }, () => core.generateKey(SESSION_MAC, 32));
    expect(core.hmacSign(pinned, new Uint8Array(1)).length).toBe(32);
    expect(() => {
      for (const key of many) key.pin();
    }).toThrow(/Too many pinned keys/);
    for (const key of [pinned, ...many]) {
      key.unpin();
      key.dispose();
    }
    expect(() => core.hmacSign(pinned, new Uint8Array(1))).toThrow(/disposed/);
  });

  test("data above the stage goes through in pieces, verified as a whole", () => {
    const data = randomBytes(300_000);
    expect(Buffer.from(core.hmacSign(keys.mac, data)).equals(hmac(data))).toBe(true);
    expect(core.hmacVerify(keys.mac, data, hmac(data))).toBe(true);
    const { iv, ciphertext } = core.cbcEncrypt(keys.encryption, data);
    const decipher = createDecipheriv("aes-128-cbc", enc, iv);
    expect(Buffer.concat([decipher.update(ciphertext), decipher.final()]).equals(data)).toBe(true);
    expect(Buffer.from(core.cbcDecrypt(keys.encryption, iv, ciphertext)).equals(data)).toBe(true);
  });
});

test("a source without entropy is refused at the start", async () => {
  await expect(loadCore("mvp", { fill() {} })).rejects.toThrow(/CORE_FAILED/);
  const failing = {
    fill() {
      throw new Error("no source");
    },
  };
  await expect(loadCore("mvp", failing)).rejects.toThrow(/CORE_FAILED/);
});
