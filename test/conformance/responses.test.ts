// How a trusted server protects its answers, and what they carry: service tokens, capabilities, handshakes.

import { describe, expect, test } from "vitest";
import { ecdh } from "../../src/key-exchange/ecdh.ts";
import { none, noneData } from "../../src/entity-auth/none.ts";
import { encodeObject } from "../../src/encoding/codec.ts";
import { createServiceToken, serviceTokenFields } from "../../src/tokens/service-token.ts";
import { clock, user, World } from "../scenario/world.ts";
import {
  ask,
  codeOf,
  device as deviceOf,
  FORMATS,
  HEADER,
  issue,
  keyRequests,
  message,
  nobody,
  outcome,
  received,
  seen,
} from "./kit.ts";

describe.each(FORMATS)("%s: protection and content of answers", (format) => {
  /** A server that proves nothing and encrypts nothing. */
  const bare = (init: { encrypted: boolean; integrity: boolean }) =>
    World.create({
      server: { entity: { scheme: none(), data: () => noneData("bare") } },
      handler: async () => ({ ...init, body: "y" }),
    });

  test("CTL-75 what the application demands and the server cannot give is an error", async () => {
    const code = async (encrypted: boolean, integrity: boolean) =>
      codeOf(await bare({ encrypted, integrity }), await message(format, nobody, HEADER));
    expect(await code(false, true)).toBe("RESPONSE_REQUIRES_INTEGRITY_PROTECTION");
    expect(await code(true, false)).toBe("RESPONSE_REQUIRES_ENCRYPTION");
    expect(await code(true, true)).toBe("RESPONSE_REQUIRES_INTEGRITY_PROTECTION");
    expect(await code(false, false)).toBe("accepted");
  });

  test("CTL-42 CTL-76 with new keys in the answer its payload is encrypted, whatever the schemes", async () => {
    const world = await bare({ encrypted: true, integrity: true });
    const request = await message(format, nobody, {
      ...HEADER,
      renewable: true,
      keyrequestdata: await keyRequests(world, [ecdh({ core: world.core })]),
    });
    const { code, reply } = await outcome(world, request);
    expect(code).toBe("accepted");
    expect(reply.masterToken).toBeNull();
    expect(Buffer.from(reply.chunks[0]!.data).toString()).toBe("y"); // read under the keys of the issued token
    const answer = await world.post(request);
    expect(Buffer.from(answer).includes(format === "JSON" ? '"scheme":"NONE"' : "NONE")).toBe(true);
  });

  test("CTL-42 CTL-112 a renewed token: the answer's header is under the old one, its payload under the new keys", async () => {
    const world = await World.create({ issuer: { masterTokenLife: { renewSec: 5, expireSec: 500 } } });
    const device = await world.device({ firstFormat: format });
    await ask(device);
    clock.ms += 7000;
    await ask(device);
    await ask(device);
    const [, renewal, next] = await received(world);
    expect([renewal?.masterToken?.sequenceNumber, renewal?.issued?.sequenceNumber]).toEqual([0, 1]);
    expect(Buffer.from(renewal!.chunks[0]!.data).toString()).toBe("ECHO:x");
    expect([next?.masterToken?.sequenceNumber, seen(world)[2]?.sequenceNumber]).toEqual([1, 1]);
    expect(device.session.masterToken?.sequenceNumber).toBe(1);
  });

  test("CTL-77 answers are never renewable and carry neither key requests nor credentials nor a non-replayable id", async () => {
    const world = await World.create({ issuer: { masterTokenLife: { renewSec: 5, expireSec: 10 } } });
    const device = await world.device({ firstFormat: format, entity: world.anonymous() });
    for (let i = 0; i < 4; i++) {
      await ask(device, { user: user(), nonReplayable: i % 2 === 1 });
      clock.ms += 7000;
    }
    for (const { data } of await received(world)) {
      expect(data.bool("renewable")).toBe(false);
      for (const name of ["keyrequestdata", "userauthdata", "nonreplayableid"]) expect(data.has(name)).toBe(false);
    }
  });

  test("CTL-78 CTL-105 service tokens come back bit by bit, those that nobody here can read too", async () => {
    const world = await World.create();
    const masterToken = await issue(world);
    const context = world.pskContextOf("device-2")!;
    const make = (name: string, bound: boolean) =>
      createServiceToken(format, {
        name,
        data: Buffer.from(`data of ${name}`),
        masterToken: bound ? masterToken : null,
        userIdToken: null,
        encrypt: true,
        compressor: null,
        context,
      });
    const deletion = encodeObject(format, { name: "gone", encrypted: false, servicedata: new Uint8Array(0) });
    const servicetokens = [
      serviceTokenFields(await make("free", false)),
      serviceTokenFields(await make("bound", true)),
      { tokendata: deletion, signature: new Uint8Array(32) },
    ];
    const { code, reply } = await outcome(world, await message(format, { masterToken }, { ...HEADER, servicetokens }));
    expect(code).toBe("accepted");
    const list = reply.data.list("servicetokens");
    expect(list.length).toBe(3);
    servicetokens.forEach((token, i) => {
      const back = list.map(i);
      expect(Buffer.from(back.bytes("tokendata"))).toEqual(Buffer.from(token.tokendata as Uint8Array));
      expect(Buffer.from(back.bytes("signature"))).toEqual(Buffer.from(token.signature as Uint8Array));
    });
  });

  test("CTL-80 capabilities of an answer are what both sides have; none without the request's", async () => {
    // A server of both formats, whatever the others of this project are: what it shares with a device of one is the subject.
    const world = await World.create({ server: { capabilities: {} } });
    const capabilities = { compressionalgos: ["LZW", "FUTURE"], languages: ["de"], encoderformats: [format] };
    const { reply } = await outcome(world, await message(format, deviceOf(world), { ...HEADER, capabilities }));
    const shared = reply.data.map("capabilities");
    expect(shared.list("encoderformats").length).toBe(1);
    expect(shared.list("encoderformats").string(0)).toBe(format);
    const algorithms = shared.has("compressionalgos") ? shared.list("compressionalgos") : null;
    for (let i = 0; i < (algorithms?.length ?? 0); i++) expect(algorithms!.string(i)).toBe("LZW");
    const without = await outcome(world, await message(format, deviceOf(world), HEADER));
    expect(without.reply.data.has("capabilities")).toBe(false);
  });

  test("CTL-81 CTL-82 a handshake is answered without the application, and without a payload", async () => {
    let calls = 0;
    const world = await World.create({
      server: { entity: { scheme: none(), data: () => noneData("bare") } },
      handler: async () => {
        calls++;
        return { encrypted: true };
      },
    });
    const fields = {
      ...HEADER,
      renewable: true,
      handshake: true,
      keyrequestdata: await keyRequests(world, [ecdh({ core: world.core })]),
    };
    const { code, reply } = await outcome(world, await message(format, nobody, fields, null));
    expect([code, calls, reply.chunks.length, reply.issued?.sequenceNumber]).toEqual(["accepted", 0, 0, 0]);
  });
});
