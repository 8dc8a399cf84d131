// Attacks with tokens that belong to somebody else, or are bound to something else.

import { describe, expect, test } from "vitest";
import type { ServiceTokenHooks } from "../../src/control/api.ts";
import { type Core, ENCRYPTION_KEY, MAC_KEY } from "../../src/core/core.ts";
import type { CryptoContext } from "../../src/crypto/crypto-context.ts";
import { nullContext } from "../../src/crypto/null.ts";
import { slotContext } from "../../src/crypto/symmetric.ts";
import { decodeObject } from "../../src/encoding/codec.ts";
import { noneData } from "../../src/entity-auth/none.ts";
import { pskData } from "../../src/entity-auth/psk.ts";
import { masterTokenFields } from "../../src/tokens/master-token.ts";
import { createServiceToken, type NewServiceToken, serviceTokenFields } from "../../src/tokens/service-token.ts";
import { userIdTokenFields } from "../../src/tokens/user-id-token.ts";
import {
  chunk,
  codeOf,
  FORMATS,
  HEADER,
  header,
  issue,
  issueUser,
  keyRequests,
  message,
  outcome,
  seen,
  sent,
} from "../conformance/kit.ts";
import { nextRequest, pair, settled, side, duplex } from "../peer/pair.ts";
import { user, World } from "../scenario/world.ts";

function serviceContext(core: Core) {
  return slotContext(core, {
    keyId: "service",
    encryption: core.importKey(ENCRYPTION_KEY, new Uint8Array(16).fill(7)),
    mac: core.importKey(MAC_KEY, new Uint8Array(32).fill(8)),
  });
}

const bytes = (...list: number[]) => Uint8Array.from(list);

describe.each(FORMATS)("%s", (format) => {
  /** Sessions of two devices, each with a user. */
  async function sessions() {
    const world = await World.create({ handler: async (request) => ({ body: String(request.user) }) });
    const mine = await issue(world, undefined, "device-2");
    const theirs = await issue(world, undefined, "device-1");
    const myUser = await issueUser(world, mine, undefined, "mallory");
    const theirUser = await issueUser(world, theirs, undefined, "anna");
    return { world, mine, theirs, myUser, theirUser };
  }

  test("another device's master token, seen on the wire, is worth nothing without its keys", async () => {
    const { world, mine, theirs } = await sessions();
    const swapped = await message(format, { masterToken: mine }, HEADER, "hi", {
      mastertoken: masterTokenFields(theirs),
    });
    expect(await codeOf(world, swapped)).toBe("MESSAGE_MASTERTOKENBASED_VERIFICATION_FAILED");
    // Put before a header under one's own pre-shared keys, where the token wins over the entity.
    const entity = { entity: { scheme: "PSK", identity: "", authdata: { identity: "device-2" } } };
    const under = { ...entity, context: world.pskContextOf("device-2")! };
    const added = await message(format, under, HEADER, "hi", { mastertoken: masterTokenFields(theirs) });
    expect(await codeOf(world, added)).toBe("MESSAGE_MASTERTOKENBASED_VERIFICATION_FAILED");
    expect(await codeOf(world, await message(format, under, HEADER))).toBe("accepted");
    expect(await codeOf(world, await message(format, { masterToken: mine }, HEADER))).toBe("accepted");
    expect(seen(world).map(({ sender }) => sender)).toEqual(["device-2", "device-2"]);
  });

  test("a token with another's identity or a longer life in it is not the issuer's", async () => {
    const { world, mine } = await sessions();
    const own = await message(format, { masterToken: mine }, HEADER);
    expect(await codeOf(world, own)).toBe("accepted");
    for (const part of ["tokendata", "signature"] as const) {
      for (const at of [3, mine[part].length >> 1, mine[part].length - 2]) {
        const changed = {
          ...masterTokenFields(mine),
          [part]: mine[part].map((byte, i) => (i === at ? byte ^ 2 : byte)),
        };
        const code = await codeOf(
          world,
          await message(format, { masterToken: mine }, HEADER, "hi", { mastertoken: changed }),
        );
        expect(code).toMatch(/^MASTERTOKEN_(UNTRUSTED|TOKENDATA_PARSE_ERROR)$|^MSL_PARSE_ERROR$/);
        if (part === "signature") expect(code).toBe("MASTERTOKEN_UNTRUSTED");
      }
    }
  });

  test("another session's user ID token logs nobody in", async () => {
    const { world, mine, theirs, myUser, theirUser } = await sessions();
    const as = (token: typeof mine, useridtoken: ReturnType<typeof userIdTokenFields>) =>
      message(format, { masterToken: token }, { ...HEADER, useridtoken });
    expect(await codeOf(world, await as(mine, userIdTokenFields(theirUser)))).toBe("USERIDTOKEN_MASTERTOKEN_MISMATCH");
    const bent = { ...userIdTokenFields(myUser), tokendata: theirUser.tokendata };
    expect(await codeOf(world, await as(theirs, bent))).toBe("USERIDTOKEN_NOT_DECRYPTED");
    const good = await outcome(world, await as(mine, userIdTokenFields(myUser)));
    expect(Buffer.from(good.reply.chunks[0]!.data).toString()).toBe("mallory");
  });

  test("another session's service tokens are refused, bound to its token or its user", async () => {
    const { world, mine, theirs, myUser, theirUser } = await sessions();
    const context = serviceContext(world.core);
    const token = async (bound: Pick<NewServiceToken, "masterToken" | "userIdToken">) =>
      serviceTokenFields(
        await createServiceToken(format, {
          name: "cart",
          data: bytes(1),
          encrypt: false,
          compressor: null,
          context,
          ...bound,
        }),
      );
    const carrying = (servicetokens: Awaited<ReturnType<typeof token>>[], useridtoken = userIdTokenFields(myUser)) =>
      message(format, { masterToken: mine }, { ...HEADER, useridtoken, servicetokens });
    const cases = [
      [await token({ masterToken: theirs, userIdToken: null }), "SERVICETOKEN_MASTERTOKEN_MISMATCH"],
      [await token({ masterToken: theirs, userIdToken: theirUser }), "SERVICETOKEN_MASTERTOKEN_MISMATCH"],
      [await token({ masterToken: null, userIdToken: theirUser }), "SERVICETOKEN_USERIDTOKEN_MISMATCH"],
      [await token({ masterToken: mine, userIdToken: null }), "accepted"],
      [await token({ masterToken: mine, userIdToken: myUser }), "accepted"],
      [await token({ masterToken: null, userIdToken: null }), "accepted"],
    ] as const;
    for (const [own, code] of cases) expect(await codeOf(world, await carrying([own]))).toBe(code);
    // Of another user of the same session.
    const sibling = await issueUser(world, mine, undefined, "anna");
    const theirOwn = await token({ masterToken: mine, userIdToken: sibling });
    expect(await codeOf(world, await carrying([theirOwn]))).toBe("SERVICETOKEN_USERIDTOKEN_MISMATCH");
    expect(await codeOf(world, await carrying([theirOwn], userIdTokenFields(sibling)))).toBe("accepted");
  });

  test("a token bound to a user and to no session needs that user's token", async () => {
    const { world, mine, myUser, theirUser } = await sessions();
    const context = serviceContext(world.core);
    const loose = async (userIdToken: typeof myUser) => [
      serviceTokenFields(
        await createServiceToken(format, {
          name: "loose",
          data: bytes(1),
          masterToken: null,
          userIdToken,
          encrypt: false,
          compressor: null,
          context,
        }),
      ),
    ];
    const sender = { masterToken: mine };
    const useridtoken = userIdTokenFields(myUser);
    const code = async (fields: object) => codeOf(world, await message(format, sender, { ...HEADER, ...fields }));
    expect(await code({ servicetokens: await loose(myUser) })).toBe("SERVICETOKEN_USERIDTOKEN_MISMATCH");
    expect(await code({ useridtoken, servicetokens: await loose(theirUser) })).toBe(
      "SERVICETOKEN_USERIDTOKEN_MISMATCH",
    );
    expect(await code({ useridtoken, servicetokens: await loose(myUser) })).toBe("accepted");
  });

  test("key response data in a request does not bring a token past its checks, nor a user under another's name", async () => {
    const facts: unknown[] = [];
    const world = await World.create({
      handler: async (request) => {
        facts.push([request.sender, request.user, await request.text()]);
        return { body: "x", encrypted: false, integrity: false };
      },
    });
    const mine = await issue(world, undefined, "device-2");
    const useridtoken = userIdTokenFields(await issueUser(world, mine, undefined, "mallory"));
    const keyresponsedata = { mastertoken: masterTokenFields(mine), scheme: "ECDH", keydata: {} };
    const claiming = { entity: noneData("admin"), context: nullContext };
    const proved = { entity: pskData("device-1"), context: world.pskContextOf("device-1")! };
    const sent = async (sender: typeof claiming, fields: object, payload: CryptoContext) => {
      const head = await header(format, sender, { ...HEADER, ...fields });
      const bytes = Buffer.concat([head, await chunk(format, payload, "hi")]);
      return codeOf(world, new Uint8Array(bytes));
    };
    const { context } = mine.verified;
    for (const sender of [claiming, proved]) {
      for (const fields of [{ keyresponsedata }, { keyresponsedata, useridtoken }]) {
        for (const payload of [context, sender.context]) {
          expect(await sent(sender, fields, payload)).toBe("KEYX_RESPONSE_REQUEST_MISMATCH");
        }
      }
      expect(await sent(sender, {}, sender.context)).toBe("accepted");
    }
    expect(await codeOf(world, await message(format, { masterToken: mine }, { ...HEADER, useridtoken }))).toBe(
      "accepted",
    );
    expect(facts).toEqual([
      ["admin", null, "hi"],
      ["device-1", null, "hi"],
      ["device-2", "mallory", "hi"],
    ]);
  });

  test("a deletion has the binding of what it deletes, also where the master token is new", async () => {
    let context: ReturnType<typeof serviceContext> | null = null;
    const hooks: ServiceTokenHooks = {
      crypto: () => context,
      async edit(editor) {
        await editor.add("cart", bytes(1), { binding: "master" });
        await editor.add("cart", bytes(2));
        expect(editor.delete("cart", "master")).toBe(true);
      },
    };
    const world = await World.create({ handler: async () => ({ body: "x", serviceTokens: hooks }) });
    context = serviceContext(world.core);
    const sender = { entity: { scheme: "PSK", identity: "", authdata: { identity: "device-1" } } };
    const keyrequestdata = await keyRequests(world);
    const { reply } = await outcome(
      world,
      await message(
        format,
        { ...sender, context: world.pskContextOf("device-1")! },
        {
          ...HEADER,
          renewable: true,
          keyrequestdata,
        },
      ),
    );
    const { issued } = reply;
    expect(issued).not.toBeNull();
    const list = reply.data.list("servicetokens");
    const tokens = [0, 1].map((i) => decodedToken(list.map(i).bytes("tokendata")));
    expect(tokens).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ mtserialnumber: issued?.serialNumber, servicedata: 0 }),
        expect.objectContaining({ mtserialnumber: null }),
      ]),
    );
    expect(tokens.filter((token) => token.servicedata > 0)).toHaveLength(1);
  });

  test("what is bound to a session that was refused does not travel with the next one", async () => {
    let edit: ServiceTokenHooks["edit"] = async (editor) => {
      await editor.add("all", bytes(1));
      await editor.add("session", bytes(2), { binding: "master" });
      await editor.add("user", bytes(3), { binding: "user" });
    };
    let context: ReturnType<typeof serviceContext> | null = null;
    const world = await World.create({
      handler: async () => ({
        body: "x",
        serviceTokens: { crypto: () => context, ...(edit !== undefined && { edit }) },
      }),
    });
    context = serviceContext(world.core);
    const device = await world.device({ firstFormat: format });
    const ask = async () => (await device.request({ body: "x", user: user() })).text();
    await ask();
    edit = undefined;
    await ask();
    const names = async () =>
      (await sent(world)).map(({ data }) => (data.has("servicetokens") ? data.list("servicetokens").length : 0));
    expect(await names()).toEqual([0, 3]);
    await world.state.revokeMasterToken(device.session.masterToken!.serialNumber);
    await ask();
    // Refused with all three, then again without token and with what is bound to nothing.
    expect(await names()).toEqual([0, 3, 3, 1]);
    await ask();
    expect(await names()).toEqual([0, 3, 3, 1, 1]);
  });
});

/** Members of a service token's data that the tests compare; data by its length. */
function decodedToken(tokendata: Uint8Array) {
  const map = decodeObject(tokendata, "tokendata");
  return { mtserialnumber: map.intOr("mtserialnumber", 0, 2 ** 53), servicedata: map.bytes("servicedata").length };
}

describe("peers", () => {
  const note = (value: number, core: () => Core): ServiceTokenHooks => ({
    crypto: () => serviceContext(core()),
    edit: async (editor) => void (await editor.peer?.add("note", bytes(value))),
  });

  test("an answer has one token of a name, the request's, whatever was kept", async () => {
    const a = await side("peer-a");
    const b = await side("peer-b");
    const wire = duplex();
    const [left, right] = [a.peer.session(wire.a), b.peer.session(wire.b)];
    const readable = { crypto: () => serviceContext(b.core) };
    /** B asks and says what A should keep; what comes back with A's answer. */
    const told = async (value: number | null) => {
      const own = value === null ? readable : note(value, () => b.core);
      const asking = right.request({ body: "x", serviceTokens: own });
      const request = await nextRequest(left);
      await request.text();
      await request.respond({ body: "y" });
      const reply = await asking;
      await reply.text();
      return reply.serviceTokens.filter(({ name }) => name === "note").map(({ data }) => [...(data ?? [])]);
    };
    expect(await told(1)).toEqual([[1]]);
    expect(await told(2)).toEqual([[2]]);
    expect(await told(3)).toEqual([[3]]);
  });

  test("tokens bound to a session that its issuer refused are dropped by the peer that kept them", async () => {
    const counts: number[] = [];
    let hooks: ServiceTokenHooks = {};
    const made = await pair({}, {}, async (request) => {
      counts.push(request.serviceTokens.length);
      return { body: await request.text(), serviceTokens: hooks };
    });
    const { b, session } = made;
    const ask = async () => (await session.request({ body: "x" })).text();
    hooks = {
      crypto: () => serviceContext(b.core),
      async edit(editor) {
        await editor.peer?.add("all", bytes(1));
        await editor.peer?.add("session", bytes(2), { binding: "master" });
      },
    };
    await ask();
    hooks = {};
    await ask();
    expect(counts).toEqual([0, 2]);
    await settled(() => session.masterToken !== null);
    const { serialNumber } = session.masterToken!;
    await b.state.revokeMasterToken(serialNumber);
    await ask();
    expect(session.masterToken?.serialNumber).not.toBe(serialNumber);
    await ask();
    expect(counts).toEqual([0, 2, 1, 1]);
  });
});
