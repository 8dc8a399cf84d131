// What a trusted server makes of messages that break a rule, one or several: the code it answers with.

import { describe, expect, test } from "vitest";
import { encodeObject, type EncodeFields } from "../../src/encoding/codec.ts";
import { writeChunk } from "../../src/message/payload-chunk.ts";
import { createServiceToken, serviceTokenFields } from "../../src/tokens/service-token.ts";
import { userIdTokenFields } from "../../src/tokens/user-id-token.ts";
import { World } from "../scenario/world.ts";
import {
  chunk,
  codeOf,
  contextOf,
  device as deviceOf,
  FORMATS,
  HEADER,
  header,
  issue,
  issueUser,
  keyRequests,
  MESSAGE_ID,
  message,
  nobody,
  outcome,
} from "./kit.ts";

const OVER = { renewSec: -10, expireSec: -1 };
const LOGIN: EncodeFields = { scheme: "EMAIL_PASSWORD", authdata: { email: "a@b.c", password: "secret" } };
const WRONG_LOGIN: EncodeFields = { scheme: "EMAIL_PASSWORD", authdata: { email: "a@b.c", password: "wrong" } };

describe.each(FORMATS)("%s", (format) => {
  test("CTL-89 of two faults in one message the earlier check tells its code", async () => {
    const world = await World.create();
    const expired = { masterToken: await issue(world, OVER) };
    const fresh = { masterToken: await issue(world) };
    const foreignUser = userIdTokenFields(await issueUser(world, expired.masterToken));
    const badEntity = { entityauthdata: { scheme: "NOPE", authdata: {} } };
    const badSignature = { signature: new Uint8Array(32) };
    const faults: [string, Uint8Array, string][] = [
      [
        "3 before 9",
        await message(format, deviceOf(world), HEADER, "x", { ...badEntity, ...badSignature }),
        "UNIDENTIFIED_ENTITYAUTH_SCHEME",
      ],
      [
        "9 before 11",
        await message(format, deviceOf(world), { ...HEADER, messageid: -1 }, null, badSignature),
        "MESSAGE_ENTITYDATABASED_VERIFICATION_FAILED",
      ],
      [
        "11 before 13",
        await message(format, fresh, { ...HEADER, messageid: -1, useridtoken: foreignUser }, null),
        "MESSAGE_ID_OUT_OF_RANGE",
      ],
      [
        "13 before 14",
        await message(format, fresh, {
          ...HEADER,
          useridtoken: foreignUser,
          userauthdata: { scheme: "NOPE", authdata: {} },
        }),
        "USERIDTOKEN_MASTERTOKEN_MISMATCH",
      ],
      [
        "14 before 15",
        await message(format, nobody, { ...HEADER, userauthdata: { scheme: "NOPE", authdata: {} } }),
        "UNIDENTIFIED_USERAUTH_SCHEME",
      ],
      [
        "15 before 16",
        await message(format, nobody, { ...HEADER, userauthdata: WRONG_LOGIN }),
        "UNENCRYPTED_MESSAGE_WITH_USERAUTHDATA",
      ],
      [
        "16 before 18",
        await message(format, deviceOf(world), { ...HEADER, userauthdata: WRONG_LOGIN, nonreplayableid: -1 }),
        "EMAILPASSWORD_INCORRECT",
      ],
      [
        "16 before 26",
        await message(format, expired, { ...HEADER, userauthdata: WRONG_LOGIN }),
        "EMAILPASSWORD_INCORRECT",
      ],
      [
        "18 before 23",
        await message(format, deviceOf(world), { ...HEADER, nonreplayableid: -1, handshake: true }),
        "NONREPLAYABLE_ID_OUT_OF_RANGE",
      ],
      ["23 before 26", await message(format, expired, { ...HEADER, handshake: true }), "HANDSHAKE_DATA_MISSING"],
      [
        "26 before 29",
        await message(format, expired, { ...HEADER, nonreplayableid: 1 }),
        "MESSAGE_EXPIRED_NOT_RENEWABLE",
      ],
      [
        "29 before the payload",
        await message(format, deviceOf(world), { ...HEADER, nonreplayableid: 1 }, null),
        "INCOMPLETE_NONREPLAYABLE_MESSAGE",
      ],
    ];
    for (const [which, bytes, code] of faults) expect([which, await codeOf(world, bytes)]).toEqual([which, code]);
  });

  test("CTL-90 a master token wins over entity data; malformed entity data fails all the same", async () => {
    const senders: (string | null)[] = [];
    const world = await World.create({
      handler: async (request) => {
        senders.push(request.sender);
        return {};
      },
    });
    const masterToken = await issue(world);
    const other = { entityauthdata: { scheme: "PSK", authdata: { identity: "device-2" } } };
    expect(await codeOf(world, await message(format, { masterToken }, HEADER, "x", other))).toBe("accepted");
    expect(senders).toEqual(["device-1"]);
    const malformed = { entityauthdata: { scheme: "PSK", authdata: {} } };
    expect(await codeOf(world, await message(format, { masterToken }, HEADER, "x", malformed))).toBe("MSL_PARSE_ERROR");
  });

  test("CTL-91 a wrong signature has a code for master tokens and one for entity data", async () => {
    const world = await World.create();
    const wrong = { signature: new Uint8Array(32) };
    const under = { masterToken: await issue(world) };
    expect(await codeOf(world, await message(format, under, HEADER, "x", wrong))).toBe(
      "MESSAGE_MASTERTOKENBASED_VERIFICATION_FAILED",
    );
    expect(await codeOf(world, await message(format, deviceOf(world), HEADER, "x", wrong))).toBe(
      "MESSAGE_ENTITYDATABASED_VERIFICATION_FAILED",
    );
  });

  test("CTL-94 a handshake that is not renewable or has no key requests is refused", async () => {
    const world = await World.create();
    const keyrequestdata = await keyRequests(world);
    for (const fields of [
      { ...HEADER, handshake: true },
      { ...HEADER, handshake: true, renewable: true },
      { ...HEADER, handshake: true, keyrequestdata },
    ]) {
      expect(await codeOf(world, await message(format, deviceOf(world), fields))).toBe("HANDSHAKE_DATA_MISSING");
    }
  });

  test("CTL-95 without `handshake` it is none; without `renewable` nothing can be read", async () => {
    const world = await World.create();
    const { handshake: _, ...old } = HEADER;
    const { reply, code } = await outcome(world, await message(format, deviceOf(world), old));
    expect([code, Buffer.from(reply.chunks[0]!.data).toString()]).toEqual(["accepted", "ECHO:hi"]);
    const { renewable: __, ...without } = HEADER;
    expect(await codeOf(world, await message(format, deviceOf(world), without))).toBe("MSL_PARSE_ERROR");
  });

  test("CTL-96 CTL-97 one empty chunk, renewable with key requests: a handshake only where the flag is absent", async () => {
    const bodies: string[] = [];
    const world = await World.create({
      handler: async (request) => {
        bodies.push(await request.text());
        return { body: "seen" };
      },
    });
    const fields = { ...HEADER, renewable: true, keyrequestdata: await keyRequests(world) };
    const { handshake: _, ...old } = fields as EncodeFields;
    const handshake = await outcome(world, await message(format, deviceOf(world), old, ""));
    expect([bodies, handshake.reply.chunks.length, handshake.reply.issued?.sequenceNumber]).toEqual([[], 0, 0]);
    const request = await outcome(world, await message(format, deviceOf(world), fields, ""));
    expect([bodies, Buffer.from(request.reply.chunks[0]!.data).toString()]).toEqual([[""], "seen"]);
    // With data the absent flag means nothing.
    await outcome(world, await message(format, deviceOf(world), old, "data"));
    expect(bodies).toEqual(["", "data"]);
  });

  test("CTL-98 an expired token: not renewable, and renewable without key requests", async () => {
    const world = await World.create();
    const sender = { masterToken: await issue(world, OVER) };
    const keyrequestdata = await keyRequests(world);
    expect(await codeOf(world, await message(format, sender, HEADER))).toBe("MESSAGE_EXPIRED_NOT_RENEWABLE");
    expect(await codeOf(world, await message(format, sender, { ...HEADER, keyrequestdata }))).toBe(
      "MESSAGE_EXPIRED_NOT_RENEWABLE",
    );
    expect(await codeOf(world, await message(format, sender, { ...HEADER, renewable: true }))).toBe(
      "MESSAGE_EXPIRED_NO_KEYREQUEST_DATA",
    );
  });

  test("CTL-99 revocation is told before expiry; user ID tokens are judged only with a master token", async () => {
    const revoked = { checkEntity: () => "MASTERTOKEN_IDENTITY_REVOKED" as const };
    const world = await World.create({ issuer: revoked });
    const sender = { masterToken: await issue(world, OVER) };
    expect(await codeOf(world, await message(format, sender, HEADER))).toBe("MASTERTOKEN_IDENTITY_REVOKED");
    const users = await World.create({ issuer: { checkUser: () => "USERIDTOKEN_REVOKED" as const } });
    const masterToken = await issue(users);
    const useridtoken = userIdTokenFields(await issueUser(users, masterToken));
    expect(await codeOf(users, await message(format, { masterToken }, { ...HEADER, useridtoken }))).toBe(
      "USERIDTOKEN_REVOKED",
    );
    expect(await codeOf(users, await message(format, deviceOf(users), { ...HEADER, useridtoken }))).toBe(
      "USERIDTOKEN_MASTERTOKEN_MISMATCH",
    );
  });

  test("CTL-101 a non-replayable id needs a master token and a range", async () => {
    const world = await World.create();
    const masterToken = await issue(world);
    expect(await codeOf(world, await message(format, deviceOf(world), { ...HEADER, nonreplayableid: 1 }))).toBe(
      "INCOMPLETE_NONREPLAYABLE_MESSAGE",
    );
    expect(await codeOf(world, await message(format, { masterToken }, { ...HEADER, nonreplayableid: -1 }))).toBe(
      "NONREPLAYABLE_ID_OUT_OF_RANGE",
    );
    expect(await codeOf(world, await message(format, { masterToken }, { ...HEADER, nonreplayableid: 1 }))).toBe(
      "accepted",
    );
    expect(await codeOf(world, await message(format, { masterToken }, { ...HEADER, nonreplayableid: 1 }))).toBe(
      "MESSAGE_REPLAYED",
    );
  });

  test("CTL-107 what was read before a bad chunk is delivered before the error", async () => {
    const pieces: string[] = [];
    const world = await World.create({
      handler: async (request) => {
        for await (const piece of request) pieces.push(Buffer.from(piece).toString());
        return {};
      },
    });
    const context = contextOf(deviceOf(world));
    const bad = await writeChunk(
      context,
      { sequenceNumber: 9, messageId: MESSAGE_ID, endOfMessage: true, data: Buffer.from("three") },
      format,
      null,
    );
    const bytes = Buffer.concat([
      await header(format, deviceOf(world), HEADER),
      await chunk(format, context, "one", { endOfMessage: false }),
      await chunk(format, context, "two", { endOfMessage: false, sequenceNumber: 2 }),
      bad,
    ]);
    const { code, report } = await outcome(world, bytes);
    expect([pieces.join(), code, report.messageId]).toEqual([
      "one,two",
      "PAYLOAD_SEQUENCE_NUMBER_MISMATCH",
      MESSAGE_ID + 1,
    ]);
  });

  test("CTL-118 a service token of one client reaches no other", async () => {
    const world = await World.create();
    const context = world.pskContextOf("device-2")!;
    const token = await createServiceToken(format, {
      name: "mine",
      data: Buffer.from("data"),
      masterToken: null,
      userIdToken: null,
      encrypt: false,
      compressor: null,
      context,
    });
    const servicetokens = [serviceTokenFields(token)];
    const one = await outcome(
      world,
      await message(format, { masterToken: await issue(world) }, { ...HEADER, servicetokens }),
    );
    expect(one.reply.data.list("servicetokens").length).toBe(1);
    const masterToken = await issue(world, undefined, "device-2");
    for (const sender of [{ masterToken }, deviceOf(world)]) {
      const other = await outcome(world, await message(format, sender, HEADER));
      expect([other.code, other.reply.data.has("servicetokens")]).toEqual(["accepted", false]);
    }
  });

  test("CTL-134 failures of a server: response code, id, and texts without details", async () => {
    const world = await World.create({
      handler: async () => {
        throw new Error("the database password is hunter2");
      },
      server: { errorText: (code, languages) => `${code} in ${languages.join("+")}` },
    });
    const capabilities = { languages: ["de", "fr"], encoderformats: [format] };
    const failed = await outcome(world, await message(format, deviceOf(world), { ...HEADER, capabilities }));
    expect([failed.code, failed.report.error?.responseCode, failed.report.messageId]).toEqual([
      "INTERNAL_EXCEPTION",
      2,
      MESSAGE_ID + 1,
    ]);
    expect(failed.reply.data.stringOr("errormsg") ?? "").not.toMatch(/hunter2|database/);
    expect(failed.reply.data.has("usermsg")).toBe(false);
    const wrong = await outcome(
      world,
      await message(format, deviceOf(world), { ...HEADER, capabilities, userauthdata: WRONG_LOGIN }),
    );
    expect(wrong.code).toBe("EMAILPASSWORD_INCORRECT");
    const unreadable = await outcome(world, encodeObject(format, { x: 1 }));
    expect(unreadable.code).toBe("MSL_PARSE_ERROR");
    const late = await outcome(
      world,
      await message(format, deviceOf(world), { ...HEADER, capabilities, nonreplayableid: 1 }),
    );
    expect([late.code, late.report.messageId]).toEqual(["INCOMPLETE_NONREPLAYABLE_MESSAGE", MESSAGE_ID + 1]);
    // Languages are known where the whole header was read.
    expect(late.reply.data.stringOr("usermsg")).toBe("INCOMPLETE_NONREPLAYABLE_MESSAGE in de+fr");
  });

  test("CTL-135 an application refuses an entity or a user by what the request carried", async () => {
    const code = async (reject: "entity" | "user", withTokens: boolean) => {
      const world = await World.create({ handler: async () => ({ reject }) });
      const masterToken = await issue(world);
      const useridtoken = userIdTokenFields(await issueUser(world, masterToken));
      const bytes = withTokens
        ? await message(format, { masterToken }, { ...HEADER, useridtoken })
        : await message(format, deviceOf(world), { ...HEADER, userauthdata: LOGIN });
      return codeOf(world, bytes);
    };
    expect(await code("entity", true)).toBe("MASTERTOKEN_REJECTED_BY_APP");
    expect(await code("entity", false)).toBe("ENTITY_REJECTED_BY_APP");
    expect(await code("user", true)).toBe("USERIDTOKEN_REJECTED_BY_APP");
    expect(await code("user", false)).toBe("USER_REJECTED_BY_APP");
  });
});
