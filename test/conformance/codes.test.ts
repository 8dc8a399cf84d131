// Error codes of a trusted server that no statement of the checklist names.

import { describe, expect, test } from "vitest";
import { MslTransportError } from "../../src/errors/msl-error.ts";
import { userIdTokenFields } from "../../src/tokens/user-id-token.ts";
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
});
