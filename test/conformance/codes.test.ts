// Error codes of a trusted server that no statement of the checklist names.

import { describe, expect, test } from "vitest";
import { ERRORS, type MslErrorCode } from "../../src/errors/codes.ts";
import { MslProtocolError, MslTransportError } from "../../src/errors/msl-error.ts";
import { ecdh } from "../../src/key-exchange/ecdh.ts";
import { userIdTokenFields } from "../../src/tokens/user-id-token.ts";
import type { UserScheme } from "../../src/user-auth/scheme.ts";
import { World } from "../scenario/world.ts";
import {
  codeOf,
  device as deviceOf,
  FORMATS,
  HEADER,
  header,
  issue,
  issueUser,
  keyRequests,
  message,
  outcome,
} from "./kit.ts";

describe.each(FORMATS)("%s", (format) => {
  test("a token that is neither the newest of its line nor its parent is out of sync", async () => {
    const world = await World.create({ issuer: { masterTokenLife: { renewSec: -10, expireSec: -1 } } });
    const fields = { ...HEADER, renewable: true, keyrequestdata: await keyRequests(world) };
    const first = await issue(world, { renewSec: -10, expireSec: -1 });
    const { reply } = await outcome(world, await message(format, { masterToken: first }, fields));
    expect(await codeOf(world, await message(format, { masterToken: reply.issued! }, fields))).toBe("accepted");
    expect(await codeOf(world, await message(format, { masterToken: first }, fields))).toBe(
      "MASTERTOKEN_SEQUENCE_NUMBER_OUT_OF_SYNC",
    );
  });

  test("a user ID token with a changed signature was not issued here", async () => {
    const world = await World.create();
    const masterToken = await issue(world);
    const { tokendata } = userIdTokenFields(await issueUser(world, masterToken));
    const useridtoken = { tokendata, signature: new Uint8Array(32) };
    expect(await codeOf(world, await message(format, { masterToken }, { ...HEADER, useridtoken }))).toBe(
      "USERIDTOKEN_NOT_DECRYPTED",
    );
  });

  test("a transport that fails in the middle of a body is told as such", async () => {
    const world = await World.create({
      handler: async () => {
        throw new MslTransportError("The connection broke.", true);
      },
    });
    expect(await codeOf(world, await header(format, deviceOf(world), HEADER))).toBe("MSL_COMMS_FAILURE");
  });

  test("a handler's refusal travels with the number and the response code of its row, whatever its code", async () => {
    let code: MslErrorCode = "NONE";
    const world = await World.create({
      handler: async () => {
        throw new MslProtocolError(code, "a place of the application's", new Error("a secret of the application's"));
      },
    });
    for (code of Object.keys(ERRORS) as MslErrorCode[]) {
      const answer = await outcome(world, await message(format, deviceOf(world), HEADER));
      expect(answer.code).toBe(code);
      const { data, kind } = answer.reply;
      const [internalCode, responseCode] = ERRORS[code];
      expect([kind, data.lenientInt("internalcode"), data.lenientInt("errorcode")]).toEqual([
        "error",
        internalCode,
        responseCode,
      ]);
      expect(data.stringOr("errormsg") ?? "").not.toMatch(/application/);
    }
  });

  test.each(["RESPONSE_REQUIRES_USERIDTOKEN", "REQUEST_REQUIRES_USERAUTHDATA"] as const)(
    "a handler that wants a user may refuse with %s",
    async (code) => {
      const world = await World.create({
        handler: async ({ user }) => {
          if (user === null) throw new MslProtocolError(code);
          return { body: user };
        },
      });
      const userauthdata = { scheme: "EMAIL_PASSWORD", authdata: { email: "a@b.c", password: "secret" } };
      expect(await codeOf(world, await message(format, deviceOf(world), HEADER))).toBe(code);
      const withUser = { ...HEADER, renewable: true, userauthdata, keyrequestdata: await keyRequests(world) };
      expect(await codeOf(world, await message(format, deviceOf(world), withUser))).toBe("accepted");
    },
  );

  test.each([
    ["UNIDENTIFIED_USERAUTH_MECHANISM", "validate"],
    ["UNSUPPORTED_USERAUTH_MECHANISM", "validate"],
    ["USERIDTOKEN_IDENTITY_NOT_ASSOCIATED_WITH_ENTITY", "authenticate"],
    ["USERAUTH_ENTITY_INCORRECT_DATA", "authenticate"],
  ] as const)("a user scheme of an application may refuse with %s (%s)", async (code, step) => {
    const refuse = () => {
      throw new MslProtocolError(code);
    };
    const scheme: UserScheme = { name: "ITS_OWN", validate: () => null, authenticate: () => "user-1", [step]: refuse };
    const world = await World.create({ server: { userSchemes: [scheme] } });
    const userauthdata = { scheme: "ITS_OWN", authdata: {} };
    expect(await codeOf(world, await message(format, deviceOf(world), { ...HEADER, userauthdata }))).toBe(code);
    expect(await codeOf(world, await message(format, deviceOf(world), HEADER))).toBe("accepted");
  });

  test("a key exchange of an application may refuse with KEYX_DERIVATION_KEY_MISSING", async () => {
    const world = await World.create({
      extend: (core) => ({
        keyExchange: [
          {
            ...ecdh({ core }),
            name: "ITS_OWN",
            parseRequest: () => true,
            respond: () => {
              throw new MslProtocolError("KEYX_DERIVATION_KEY_MISSING");
            },
          },
        ],
      }),
    });
    const keyrequestdata = [{ scheme: "ITS_OWN", keydata: {} }];
    const bytes = await message(format, deviceOf(world), { ...HEADER, renewable: true, keyrequestdata });
    expect(await codeOf(world, bytes)).toBe("KEYX_DERIVATION_KEY_MISSING");
  });
});
