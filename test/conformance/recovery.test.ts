// What a client makes of replies and errors, and what a server does where it cannot answer.

import { describe, expect, test } from "vitest";
import { pskData } from "../../src/entity-auth/psk.ts";
import { RESPONSE } from "../../src/errors/codes.ts";
import { MslErrorResponseFailed, MslLimitError } from "../../src/errors/msl-error.ts";
import { encodeObject, type EncodeFields } from "../../src/encoding/codec.ts";
import type { KeyExchange } from "../../src/key-exchange/scheme.ts";
import { writeErrorMessage } from "../../src/message/error-header.ts";
import { masterTokenFields } from "../../src/tokens/master-token.ts";
import { clock, user, World } from "../scenario/world.ts";
import { ask, device as deviceOf, errorMessage, FORMATS, HEADER, issue, message, read, seen, server } from "./kit.ts";

/** Answers every message with one of the server that the test puts together; `id` is the one that the answer needs. */
function script(world: World, answer: (id: number) => Promise<Uint8Array>): void {
  world.post = async (...parts) => {
    const { data } = await read(world, Uint8Array.from(Buffer.concat(parts)));
    return answer(data.int("messageid", 0, 2 ** 53) + 1);
  };
}

describe.each(FORMATS)("%s", (format) => {
  test("CTL-100 a client judges neither the expiry nor the renewal window of what a server sends", async () => {
    const world = await World.create({ issuer: { masterTokenLife: { renewSec: -20, expireSec: -10 } } });
    const device = await world.device({ firstFormat: format });
    expect(await ask(device)).toBe("ECHO:x"); // under a token that was over when it was issued
    expect(device.session.masterToken?.sequenceNumber).toBe(0);
    expect(await ask(device)).toBe("ECHO:x");
    expect(device.session.masterToken?.sequenceNumber).toBe(1);
  });

  test("CTL-104 key response data that answers nothing, of unknown and of foreign schemes is refused", async () => {
    const world = await World.create();
    const [, wrapped] = world.keyExchange();
    const code = async (scheme: string, keydata: EncodeFields) => {
      const masterToken = masterTokenFields(await issue(world));
      script(world, (id) =>
        message(format, server(world), {
          ...HEADER,
          messageid: id,
          keyresponsedata: { mastertoken: masterToken, scheme, keydata },
        }),
      );
      const device = await world.device({ firstFormat: format, keyExchange: [world.keyExchange()[0]!, wrapped!] });
      return ask(device, { wantTokens: true }).catch((error) => error.code);
    };
    expect(await code("FUTURE", {})).toBe("UNIDENTIFIED_KEYX_SCHEME");
    expect(await code("DIFFIE_HELLMAN", {})).toBe("KEYX_FACTORY_NOT_FOUND");
    const only = await World.create();
    const unasked = masterTokenFields(await issue(only));
    script(only, (id) =>
      message(format, server(only), {
        ...HEADER,
        messageid: id,
        keyresponsedata: {
          mastertoken: unasked,
          scheme: "ECDH",
          keydata: { parametersid: "P-256", publickey: new Uint8Array(65) },
        },
      }),
    );
    const silent: KeyExchange = { ...methodsOf(only.keyExchange()[0]!), createRequests: () => [] };
    const device = await only.device({ firstFormat: format, keyExchange: [silent, only.keyExchange()[1]!] });
    await expect(ask(device)).rejects.toMatchObject({ code: "KEYX_RESPONSE_REQUEST_MISMATCH" });
  });

  test.each([
    ["USERDATA_REAUTH", RESPONSE.USERDATA_REAUTH],
    ["SSOTOKEN_REJECTED", RESPONSE.SSOTOKEN_REJECTED],
  ] as const)(
    "CTL-124 %s: the user is asked with the reason; without new credentials the error is delivered",
    async (reason, errorcode) => {
      const world = await World.create();
      const device = await world.device({ firstFormat: format });
      const post = world.post.bind(world);
      for (const hasMore of [true, false]) {
        let n = 0;
        world.post = async (...parts) => {
          if (n++ > 0) return post(...parts);
          const { data } = await read(world, Uint8Array.from(Buffer.concat(parts)));
          const messageid = data.int("messageid", 0, 2 ** 53) + 1;
          return errorMessage(format, server(world), { timestamp: 1, messageid, errorcode });
        };
        const reasons: (string | null)[] = [];
        const authenticate = (query: { reason: string | null }) => {
          reasons.push(query.reason);
          return query.reason === null || hasMore ? user().authenticate() : null;
        };
        const answer = ask(device, { user: { id: `user ${hasMore}`, authenticate } });
        if (hasMore) expect(await answer).toBe("ECHO:x");
        else await expect(answer).rejects.toMatchObject({ responseCode: errorcode });
        expect([n, reasons]).toEqual([hasMore ? 2 : 1, [null, reason]]);
      }
    },
  );

  test("CTL-131 a server that issues nothing for handshakes sees six of them; the client reports the limit", async () => {
    const world = await World.create();
    const declining = world.keyExchange().map((scheme) => ({ ...methodsOf(scheme), respond: () => null }));
    const other = await World.create({ server: { keyExchange: declining } });
    const device = await other.device({ firstFormat: format, entity: other.anonymous() });
    await expect(ask(device)).rejects.toBeInstanceOf(MslLimitError);
    expect(seen(other).map(({ kind }) => kind)).toEqual(Array(6).fill("handshake"));
  });

  test("CTL-133 nobody answers an error message, and a client answers no bad reply", async () => {
    const world = await World.create();
    const device = await world.device({ firstFormat: format });
    script(world, async () => encodeObject(format, { nonsense: 1 }));
    await expect(ask(device)).rejects.toMatchObject({ code: "MSL_PARSE_ERROR" });
    expect(world.wire).toHaveLength(1);
    const other = await World.create();
    const error = { code: "ENTITY_REJECTED_BY_APP", messageId: 5, timestamp: 1, userMessage: null } as const;
    const bytes = await writeErrorMessage(format, pskData("device-1"), other.pskContextOf("device-1")!, error);
    expect((await other.post(bytes)).length).toBe(0);
    expect(other.reports.map(({ direction, kind }) => [direction, kind])).toEqual([["in", "error"]]);
  });

  test("CTL-136 if the error cannot be sent the caller gets what failed first and why it could not be told", async () => {
    const world = await World.create();
    const bad = await message(format, deviceOf(world), { ...HEADER, nonreplayableid: 1 });
    const broken = new Error("the connection is gone");
    const writer = { write: () => Promise.reject(broken), end: async () => {} };
    const failure = await world.receiveInto(writer, bad).catch((error) => error);
    expect(failure).toBeInstanceOf(MslErrorResponseFailed);
    expect(failure.original.code).toBe("INCOMPLETE_NONREPLAYABLE_MESSAGE");
    expect(failure.cause).toBe(broken);
  });

  test("CTL-119 a server's clock is its own: times in requests move nothing", async () => {
    const world = await World.create({ issuer: { masterTokenLife: { renewSec: 50, expireSec: 100 } } });
    const masterToken = await issue(world, { renewSec: 50, expireSec: 100 });
    const now = Math.floor(clock.ms / 1000);
    for (const timestamp of [now + 1_000_000, now - 1_000_000, now + 1_000_000]) {
      const { reply } = await answerTo(world, await message(format, { masterToken }, { ...HEADER, timestamp }));
      expect(reply.data.int("timestamp", 0, 2 ** 53)).toBe(now);
      expect(reply.kind).toBe("message"); // the token is not taken for expired
    }
  });
});

async function answerTo(world: World, bytes: Uint8Array) {
  return { reply: await read(world, await world.post(bytes)) };
}

/** A scheme as a plain object, to replace parts of it. */
function methodsOf(scheme: KeyExchange): KeyExchange {
  return {
    name: scheme.name,
    label: scheme.label,
    unknownVariantError: scheme.unknownVariantError,
    createRequests: () => scheme.createRequests(),
    complete: (...args) => scheme.complete(...args),
    parseRequest: (keydata) => scheme.parseRequest(keydata),
    respond: (...args) => scheme.respond(...args),
  };
}
