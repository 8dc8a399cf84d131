// The object scanner and the flat readers on every build: any split gives the same ends, whatever the strings hold.

import { createHmac, randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as abi from "../../../src/core/abi.ts";
import { BUILDS_AND_SMALL, importRaw, loadRaw } from "./raw-core.ts";

describe.each(BUILDS_AND_SMALL)("%s", (build) => {
  const core = loadRaw(build);
  const { x, inPtr, outPtr } = core;

  /** Feeds pieces; the sum of bytes taken when the object ends, 0 if it does not, or a status. */
  function scan(pieces: readonly Uint8Array[]): number {
    let state = new Uint8Array(abi.SCAN_STATE_SIZE);
    let taken = 0;
    for (const piece of pieces) {
      core.put(piece);
      core.memory.set(state, outPtr);
      const status = x.scanFeed!(piece.length);
      if (status < 0) return status;
      if (status > 0) return taken + status;
      taken += piece.length;
      state = Uint8Array.from(core.get(outPtr, abi.SCAN_STATE_SIZE));
    }
    return 0;
  }
  const split = (bytes: Uint8Array, steps: readonly number[]) => {
    const pieces: Uint8Array[] = [];
    for (let at = 0, i = 0; at < bytes.length; at += steps[i++ % steps.length]!) {
      pieces.push(bytes.subarray(at, at + steps[i % steps.length]!));
    }
    return pieces;
  };

  const text = fc.array(
    fc.oneof(
      fc.constantFrom('"', "\\", '\\"', "{", "}", "[", "]", "\u00e9", "\u20ac", "\ud83d\ude00"),
      fc.string({ maxLength: 40 }),
    ),
    { maxLength: 12 },
  );

  test("JSON: the whole and any pieces end at the same byte, for any strings", () => {
    fc.assert(
      fc.property(
        text,
        text,
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 }),
        (a, b, steps) => {
          const object = Buffer.from(JSON.stringify({ [a.join("")]: [b.join(""), { n: b }] }));
          const stream = Uint8Array.from(Buffer.concat([object, Buffer.from('{"next":"}"')]));
          expect(scan([stream])).toBe(object.length);
          expect(scan(split(stream, steps))).toBe(object.length);
          expect(scan(split(stream, [1]))).toBe(object.length);
        },
      ),
      { numRuns: 150 },
    );
  });

  test("JSON: a zero byte, a quote or a backslash is seen at every place of a long string", () => {
    for (let place = 0; place < 40; place++) {
      for (const shift of [0, 1, 2, 3]) {
        const head = `${" ".repeat(shift)}`.length;
        const object = Buffer.from(`{"${"k".repeat(head)}":"${"x".repeat(40)}"}`);
        const at = object.indexOf("x") + place;
        const whole = object.length;
        const zero = Uint8Array.from(object);
        zero[at] = 0;
        expect(scan([zero])).toBe(abi.ERR_FORM);
        const slash = Uint8Array.from(object);
        slash[at] = 0x5c;
        // A backslash before the closing quote hides it.
        expect(scan([slash])).toBe(place === 39 ? 0 : whole);
        const early = Uint8Array.from(object);
        early[at] = 0x22;
        expect(scan([early])).toBe(0);
        for (const c of [0x7f, 0x80, 0xa2, 0xdc, 0xff, 0x01, 0x21, 0x23, 0x5b, 0x5d]) {
          const other = Uint8Array.from(object);
          other[at] = c;
          expect(scan([other])).toBe(whole);
        }
      }
    }
  });

  test("CBOR: heads of every length, cut anywhere", () => {
    const sized = (major: number, n: number, width: number) => {
      const head = Buffer.alloc(1 + width);
      head[0] = (major << 5) | (23 + Math.log2(width) + 1);
      head.writeUIntBE(n, 1 + Math.max(0, width - 6), Math.min(width, 6));
      return head;
    };
    for (const width of [1, 2, 4, 8]) {
      const object = Buffer.concat([
        sized(5, 3, width),
        Buffer.from([0x01]),
        sized(2, 100, width),
        randomBytes(100),
        Buffer.from([0x02]),
        sized(0, 200, width),
        Buffer.from([0x03]),
        sized(3, 5, width),
        Buffer.from("hello"),
      ]);
      const stream = Uint8Array.from(Buffer.concat([object, object]));
      for (let step = 1; step < 20; step++) expect(scan(split(stream, [step]))).toBe(object.length);
      expect(scan([stream])).toBe(object.length);
    }
    // Lengths of 2^30 and more, and those whose low 32 bits alone would fit.
    for (const head of [
      "5a40000000",
      "5b0000000100000001",
      "5bff00000000000001",
      "9b0000000100000000",
      "bb0000010000000000",
    ]) {
      expect(scan([Uint8Array.from(Buffer.from(`a101${head}`, "hex"))])).toBe(abi.ERR_FORM);
    }
  });

  // Chunks under known keys, so that each reader's verdict shows.
  const macKey = randomBytes(32);
  const enc = importRaw(core, abi.KEY_AES, 255, randomBytes(16));
  const mac = importRaw(core, abi.KEY_HMAC_SHA256, 255, macKey);
  const number = (hi: string, lo: string) => BigInt(x[hi]!()) * 2n ** 32n + BigInt(x[lo]!() >>> 0);

  test.each([
    ["JSON", abi.FORMAT_JSON],
    ["CBOR", abi.FORMAT_CBOR],
  ] as const)("%s chunks carry numbers of every size up to 2^53", (_name, format) => {
    const numbers = [0n, 1n, 9n, 10n, 23n, 24n, 255n, 256n, 65535n, 65536n, 99999999n, 100000000n, 100000001n];
    numbers.push(2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 999999999999n, 1000000000000000n, 2n ** 53n - 1n, 2n ** 53n);
    for (let i = 0; i < 60; i++) numbers.push(BigInt(Math.floor(2 ** (Math.random() * 53))));
    for (const n of numbers) {
      core.refill();
      core.put(Buffer.from("idabc"));
      const [hi, lo] = [Number(n >> 32n), Number(BigInt.asIntN(32, n))];
      const length = x.chunkSeal!(format, enc, mac, 2, 3, hi, lo, hi, lo, 1);
      expect(length, `${n}`).toBeGreaterThan(0);
      core.put(core.get(x.resultPtr!(), length));
      expect(x.chunkOpen!(enc, mac, length), `${n}`).toBe(3);
      expect(number("chunkSeqHi", "chunkSeqLo")).toBe(n);
      expect(number("chunkMidHi", "chunkMidLo")).toBe(n);
      expect(Buffer.from(core.get(x.resultPtr!(), 3)).toString()).toBe("abc");
    }
  });

  test("JSON numbers beyond 2^53, of too many digits or with other characters are left to the host", () => {
    for (const [digits, want] of [
      ["9007199254740992", true],
      ["9007199254740993", false],
      ["9999999999999999", false],
      ["12345678a", false],
      ["a2345678", false],
      ["1234567a12345678", false],
      ["00", false],
      ["01", false],
      ["10000000000000000", false],
      ["", false],
      ["0", true],
    ] as const) {
      const payload = `{"sequencenumber":${digits},"messageid":1,"data":"YQ=="}`;
      core.refill();
      core.put(Buffer.from(`id${payload}`));
      // A pair's envelope around a payload object is what a chunk carries.
      const length = x.pairSeal!(abi.FORMAT_JSON, enc, mac, 2, payload.length);
      const envelope = Buffer.from(core.get(x.resultPtr!(), length));
      const signature = createHmac("sha256", macKey).update(envelope).digest("base64");
      const wire = Buffer.from(`{"payload":"${envelope.toString("base64")}","signature":"${signature}"}`);
      core.put(wire);
      expect(x.chunkOpen!(enc, mac, wire.length), digits).toBe(want ? 1 : abi.ERR_FORM);
    }
  });

  test("a character that JSON's plain strings do not hold is seen at every place and alignment", () => {
    // The key id is copied as it stands, and read back when the envelope is opened.
    for (const size of [1, 7, 8, 9, 16, 23, 31]) {
      for (let place = 0; place < size; place++) {
        for (const c of [0x00, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x5b, 0x5c, 0x5d, 0x7e, 0x7f, 0x80, 0xa0, 0xff]) {
          const id = Buffer.alloc(size, "k");
          id[place] = c;
          core.refill();
          core.put(Buffer.concat([id, Buffer.from("plain")]));
          const length = x.pairSeal!(abi.FORMAT_JSON, enc, mac, size, 5);
          core.put(core.get(x.resultPtr!(), length + 32));
          const isPlain = c >= 0x20 && c < 0x7f && c !== 0x22 && c !== 0x5c;
          expect(x.pairOpen!(enc, mac, length), `${size} ${place} ${c}`).toBe(isPlain ? 5 : abi.ERR_FORM);
        }
      }
    }
    expect(inPtr).toBeGreaterThan(0);
  });
});
