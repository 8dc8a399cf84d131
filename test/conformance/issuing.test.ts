// How a trusted server issues and renews master tokens and user ID tokens.

import { describe, expect, test } from "vitest";
import type { Core } from "../../src/core/core.ts";
import { ecdh } from "../../src/key-exchange/ecdh.ts";
import type { KeyExchange } from "../../src/key-exchange/scheme.ts";
import { symmetricWrapped } from "../../src/key-exchange/symmetric-wrapped.ts";
import { memoryPskKeys } from "../../src/store/entity-keys.ts";
import { MslProtocolError } from "../../src/errors/msl-error.ts";
import type { EncodeFields } from "../../src/encoding/codec.ts";
import { createMasterToken } from "../../src/tokens/master-token.ts";
import { IssuerMemory } from "../../src/store/issuer-memory.ts";
import { createTokenIssuer } from "../../src/tokens/token-issuer.ts";
import { parseUserIdToken, userIdTokenFields } from "../../src/tokens/user-id-token.ts";
import { clock, issuerKeys, pskEntries, user, World } from "../scenario/world.ts";
import {
  ask,
  codeOf,
  device as deviceOf,
  FORMATS,
  HEADER,
  issue,
  issuerOf,
  issueUser,
  keyRequests,
  message,
  outcome,
} from "./kit.ts";

const LATER = { renewSec: 1000, expireSec: 2000 };
const DUE = { renewSec: -1, expireSec: 2000 };
const OVER = { renewSec: -10, expireSec: -1 };
const LOGIN: EncodeFields = { scheme: "EMAIL_PASSWORD", authdata: { email: "a@b.c", password: "secret" } };

async function renewable(world: World): Promise<EncodeFields> {
  return { ...HEADER, renewable: true, keyrequestdata: await keyRequests(world) };
}

/** The world's schemes, for another server. */
function schemesOf(core: Core): KeyExchange[] {
  return [ecdh({ core }), symmetricWrapped({ core, pskContextOf: memoryPskKeys(core, pskEntries()) })];
}

/** A scheme that answers as the test says. */
function scripted(inner: KeyExchange, respond: KeyExchange["respond"]): KeyExchange {
  return {
    name: inner.name,
    label: inner.label,
    unknownVariantError: inner.unknownVariantError,
    createRequests: () => inner.createRequests(),
    complete: (...args) => inner.complete(...args),
    parseRequest: (keydata) => inner.parseRequest(keydata),
    respond,
  };
}

describe.each(FORMATS)("%s: master tokens", (format) => {
  test("CTL-60 renewable, key requests, entity data: a new serial number, sequence number 0", async () => {
    const world = await World.create();
    const serials = new Set<number>();
    for (let i = 0; i < 3; i++) {
      const { reply } = await outcome(world, await message(format, deviceOf(world), await renewable(world)));
      expect(reply.issued?.sequenceNumber).toBe(0);
      expect(reply.issued?.verified.identity).toBe("device-1");
      serials.add(reply.issued!.serialNumber);
    }
    expect(serials.size).toBe(3);
  });

  test.each([
    ["in its renewal window", DUE],
    ["expired", OVER],
  ])(
    "CTL-61 CTL-98 renewable, key requests, a token %s: the same serial number, the next sequence number",
    async (_, life) => {
      const world = await World.create();
      const masterToken = await issue(world, life);
      const { code, reply } = await outcome(world, await message(format, { masterToken }, await renewable(world)));
      expect(code).toBe("accepted");
      expect(reply.issued?.serialNumber).toBe(masterToken.serialNumber);
      expect(reply.issued?.sequenceNumber).toBe(1);
    },
  );

  test("CTL-62 a token that is not due is not renewed, and the answer is a normal one", async () => {
    const world = await World.create();
    const masterToken = await issue(world, LATER);
    const { code, reply } = await outcome(world, await message(format, { masterToken }, await renewable(world)));
    expect([code, reply.issued, reply.data.has("keyresponsedata")]).toEqual(["accepted", null, false]);
    expect(Buffer.from(reply.chunks[0]!.data).toString()).toBe("ECHO:hi");
  });

  test("CTL-63 without the renewable flag or without key requests nothing is issued", async () => {
    const world = await World.create();
    const masterToken = await issue(world, DUE);
    const requests = await keyRequests(world);
    for (const fields of [{ ...HEADER, keyrequestdata: requests }, { ...HEADER, renewable: true }, HEADER]) {
      for (const sender of [{ masterToken }, deviceOf(world)]) {
        const { code, reply } = await outcome(world, await message(format, sender, fields));
        expect([code, reply.data.has("keyresponsedata")]).toEqual(["accepted", false]);
      }
    }
  });

  test("CTL-64 only schemes that the server has not, known or unknown: KEYX_FACTORY_NOT_FOUND", async () => {
    const world = await World.create();
    for (const scheme of ["DIFFIE_HELLMAN", "FUTURE"]) {
      const fields = { ...HEADER, renewable: true, keyrequestdata: [{ scheme, keydata: {} }] };
      expect(await codeOf(world, await message(format, deviceOf(world), fields))).toBe("KEYX_FACTORY_NOT_FOUND");
    }
    const strict = await World.create({ server: { strictKeyRequests: true } });
    const fields = { ...HEADER, renewable: true, keyrequestdata: [{ scheme: "FUTURE", keydata: {} }] };
    expect(await codeOf(strict, await message(format, deviceOf(strict), fields))).toBe("UNIDENTIFIED_KEYX_SCHEME");
  });

  test("CTL-65 the one scheme that the server has is used, of several the one that it prefers", async () => {
    const world = await World.create();
    const [ecdhRequest, wrapped] = await keyRequests(world);
    const schemeFor = async (...keyrequestdata: EncodeFields[]) => {
      const fields = { ...HEADER, renewable: true, keyrequestdata };
      const { reply } = await outcome(world, await message(format, deviceOf(world), fields));
      return reply.data.map("keyresponsedata").string("scheme");
    };
    expect(await schemeFor({ scheme: "FUTURE", keydata: {} }, wrapped!)).toBe("SYMMETRIC_WRAPPED");
    expect(await schemeFor(wrapped!, ecdhRequest!)).toBe("ECDH");
    const reversed = await World.create({ extend: (core) => ({ keyExchange: schemesOf(core).reverse() }) });
    const fields = { ...HEADER, renewable: true, keyrequestdata: [ecdhRequest!, wrapped!] };
    const { reply } = await outcome(reversed, await message(format, deviceOf(reversed), fields));
    expect(reply.data.map("keyresponsedata").string("scheme")).toBe("SYMMETRIC_WRAPPED");
  });

  test("CTL-66 a candidate that fails is passed over; the last failure is told where none works", async () => {
    const fail = () => {
      throw new MslProtocolError("KEYX_DERIVATION_KEY_MISSING");
    };
    const world = await World.create();
    const withSchemes = (change: (schemes: readonly KeyExchange[]) => KeyExchange[]) =>
      World.create({ extend: (core) => ({ keyExchange: change(schemesOf(core)) }) });
    const one = await withSchemes(([first, second]) => [scripted(first!, fail), second!]);
    const { code, reply } = await outcome(one, await message(format, deviceOf(one), await renewable(world)));
    expect([code, reply.data.map("keyresponsedata").string("scheme")]).toEqual(["accepted", "SYMMETRIC_WRAPPED"]);
    const all = await withSchemes((schemes) => schemes.map((scheme) => scripted(scheme, fail)));
    expect(await codeOf(all, await message(format, deviceOf(all), await renewable(world)))).toBe(
      "KEYX_DERIVATION_KEY_MISSING",
    );
    const none = await withSchemes(([first, second]) => [scripted(first!, () => null), second!]);
    const plain = await outcome(none, await message(format, deviceOf(none), await renewable(world)));
    expect([plain.code, plain.reply.data.has("keyresponsedata")]).toEqual(["accepted", false]);
  });
});

test.each(FORMATS)(
  "%s: a token that is not renewed any more is refused as such, whatever other schemes were not for its entity",
  async (format) => {
    const world = await World.create();
    const first = await issue(world, DUE, "anon-1");
    const send = async () => codeOf(world, await message(format, { masterToken: first }, await renewable(world)));
    // The positive control: while the line is young its token is renewed.
    expect(await send()).toBe("accepted");
    // Its sequence goes on without it.
    let newest = first;
    for (let i = 0; i < 3; i++) {
      const keys = { ...first.verified.keys };
      newest = await issuerOf(world).issueMasterToken({
        identity: "anon-1",
        keys,
        renew: newest,
        kind: "authenticated",
        format,
      });
    }
    expect(await send()).toBe("MASTERTOKEN_SEQUENCE_NUMBER_OUT_OF_SYNC");
  },
);

describe.each(FORMATS)("%s: user ID tokens", (format) => {
  test("CTL-67 an expired user ID token is renewed, also in a request that is not renewable", async () => {
    const world = await World.create();
    const masterToken = await issue(world);
    const held = await issueUser(world, masterToken, OVER);
    const fields = { ...HEADER, useridtoken: userIdTokenFields(held) };
    const { reply } = await outcome(world, await message(format, { masterToken }, fields));
    const answered = reply.data.map("useridtoken").bytes("tokendata");
    expect(Buffer.from(answered).equals(Buffer.from(held.tokendata))).toBe(false);
  });

  test("CTL-68 a user ID token in its window is renewed in renewable requests, else given back bit by bit", async () => {
    const world = await World.create();
    const masterToken = await issue(world);
    const held = await issueUser(world, masterToken, DUE);
    for (const isRenewable of [false, true]) {
      const fields = { ...HEADER, renewable: isRenewable, useridtoken: userIdTokenFields(held) };
      const { reply } = await outcome(world, await message(format, { masterToken }, fields));
      const answered = reply.data.map("useridtoken");
      const isSame =
        Buffer.from(answered.bytes("tokendata")).equals(Buffer.from(held.tokendata)) &&
        Buffer.from(answered.bytes("signature")).equals(Buffer.from(held.signature));
      expect(isSame).toBe(!isRenewable);
    }
  });

  test("CTL-69 credentials in a renewable request bring a user ID token bound to the resulting master token", async () => {
    const world = await World.create();
    const device = await world.device({ firstFormat: format });
    await ask(device, { user: user() });
    const tokens = device.session.tokensOf("local-user");
    expect(tokens?.userIdToken.mtSerialNumber).toBe(tokens?.masterToken.serialNumber);
    const masterToken = await issue(world);
    const fields = { ...HEADER, renewable: true, userauthdata: LOGIN };
    const { reply } = await outcome(world, await message(format, { masterToken }, fields));
    expect(reply.data.has("useridtoken")).toBe(true);
  });

  test("CTL-70 credentials in a request that is not renewable: the user is known, no user ID token comes", async () => {
    const users: (string | null)[] = [];
    const world = await World.create({
      handler: async (request) => {
        users.push(request.user);
        return {};
      },
    });
    const masterToken = await issue(world);
    const { reply } = await outcome(world, await message(format, { masterToken }, { ...HEADER, userauthdata: LOGIN }));
    expect([users, reply.data.has("useridtoken")]).toEqual([["user-1"], false]);
  });

  test("CTL-71 credentials of one user beside the token of another: USERIDTOKEN_USERAUTH_DATA_MISMATCH", async () => {
    const world = await World.create();
    const masterToken = await issue(world);
    const held = await issueUser(world, masterToken, LATER, "user-2");
    const fields = { ...HEADER, useridtoken: userIdTokenFields(held), userauthdata: LOGIN };
    const { code, report } = await outcome(world, await message(format, { masterToken }, fields));
    expect([code, report.error?.responseCode]).toEqual(["USERIDTOKEN_USERAUTH_DATA_MISMATCH", 4]);
  });

  test("CTL-73 a user that the application names gets a user ID token, unless the request had one", async () => {
    const world = await World.create({ handler: async () => ({ body: "hello", user: "user-9" }) });
    const device = await world.device({ firstFormat: format });
    const session = { id: "u", authenticate: () => null };
    await ask(device, { user: session });
    expect(device.session.hasUser("u")).toBe(true);
    const before = device.session.tokensOf("u")!.userIdToken.serialNumber;
    await ask(device, { user: session });
    expect(device.session.tokensOf("u")!.userIdToken.serialNumber).toBe(before);
    const masterToken = await issue(world);
    const { reply } = await outcome(world, await message(format, { masterToken }, HEADER));
    expect(reply.data.has("useridtoken")).toBe(true);
  });

  test("CTL-74 a user that the application names, and no master token to bind to: RESPONSE_REQUIRES_MASTERTOKEN", async () => {
    const world = await World.create({ handler: async () => ({ user: "user-9" }) });
    const { code, report } = await outcome(world, await message(format, deviceOf(world), HEADER));
    expect([code, report.error?.responseCode]).toEqual(["RESPONSE_REQUIRES_MASTERTOKEN", 5]);
  });
});

test("CTL-61 the sequence number after 2^53 is 0", async () => {
  const world = await World.create({ issuer: { sequencePolicy: "none" } });
  const held = await issue(world, DUE);
  const last = await createMasterToken(world.core, issuerKeys(world.core), "JSON", {
    renewalWindow: held.renewalWindow,
    expiration: held.expiration,
    serialNumber: held.serialNumber,
    sequenceNumber: 2 ** 53,
    identity: "device-1",
    keys: held.verified.keys,
    issuerData: {},
  });
  const { reply } = await outcome(world, await message("JSON", { masterToken: last }, await renewable(world)));
  expect(reply.issued?.sequenceNumber).toBe(0);
});

test.each(FORMATS)(
  "%s: CTL-72 a master token issued anew under another serial number: the user ID token is bound to it",
  async (format) => {
    const state = new IssuerMemory();
    const other = await World.create({
      state,
      extend(core) {
        const issuer = createTokenIssuer({ core, crypto: issuerKeys(core), state, clock });
        return {
          issuer: { ...issuer, issueMasterToken: (request) => issuer.issueMasterToken({ ...request, renew: null }) },
        };
      },
    });
    const masterToken = await issue(other, DUE);
    const held = await issueUser(other, masterToken);
    const fields = { ...(await renewable(other)), useridtoken: userIdTokenFields(held) };
    const { code, reply } = await outcome(other, await message(format, { masterToken }, fields));
    expect([code, reply.issued?.serialNumber === masterToken.serialNumber]).toEqual(["accepted", false]);
    const rebound = await parseUserIdToken(reply.data.map("useridtoken"), issuerKeys(other.core), reply.issued);
    expect([rebound.mtSerialNumber, rebound.verified?.user]).toEqual([reply.issued?.serialNumber, "user-1"]);
  },
);
