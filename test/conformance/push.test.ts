// Messages that a server pushes, on the wire.

import { describe, expect, test } from "vitest";
import type { RequestHandler } from "../../src/control/api.ts";
import type { ServerEvent } from "../../src/control/events.ts";
import { userIdTokenFields } from "../../src/tokens/user-id-token.ts";
import { World } from "../scenario/world.ts";
import {
  device as deviceOf,
  FORMATS,
  HEADER,
  issue,
  issueUser,
  keyRequests,
  MESSAGE_ID,
  message,
  objectsOf,
  read,
} from "./kit.ts";

const DUE = { renewSec: -10, expireSec: 1000 };
const OVER = { renewSec: -20, expireSec: -10 };

/** Three messages to who names a topic; whoever asks gets an answer. */
const pushing: RequestHandler = async (request) => {
  const topic = await request.text();
  if (topic === "ask") return { body: "answer" };
  for (const n of [1, 2, 3]) await request.push({ body: `${topic} ${n}` });
  return null;
};

/** Messages of a header and one chunk each. */
function cut(world: World, bytes: Uint8Array): Uint8Array[] {
  const objects = objectsOf(world, bytes);
  expect(objects.length % 2).toBe(0);
  return Array.from({ length: objects.length / 2 }, (_, i) =>
    Uint8Array.from(Buffer.concat(objects.slice(2 * i, 2 * i + 2))),
  );
}

describe.each(FORMATS)("%s", (format) => {
  test("CTL-79 pushed messages have random ids, each its own, and bring no master token and no renewed user", async () => {
    const masterTokens = [DUE, null];
    for (const life of masterTokens) {
      const events: ServerEvent[] = [];
      const world = await World.create({ handler: pushing, server: { onEvent: (event) => events.push(event) } });
      const masterToken = life === null ? null : await issue(world, life);
      const sender = masterToken === null ? deviceOf(world) : { masterToken };
      const held = masterToken === null ? null : await issueUser(world, masterToken, OVER);
      const fields = {
        ...HEADER,
        renewable: true,
        keyrequestdata: await keyRequests(world),
        ...(held !== null && { useridtoken: userIdTokenFields(held) }),
      };
      // The same message, answered: a new master token, and the user's token renewed.
      const answer = await read(world, await world.post(await message(format, sender, fields, "ask")));
      expect(answer.issued).not.toBeNull();
      expect(answer.data.int("messageid", 0, 2 ** 53)).toBe(MESSAGE_ID + 1);
      expect(events.at(-1)?.userIdToken ?? null).toBe(held === null ? null : "renewed");

      const pushed = cut(world, await world.post(await message(format, sender, fields, "news")));
      const messages = await Promise.all(pushed.map((bytes) => read(world, bytes)));
      expect(messages.map(({ chunks }) => Buffer.from(chunks[0]!.data).toString())).toEqual([
        "news 1",
        "news 2",
        "news 3",
      ]);
      const found = messages.map(({ data }) => data.int("messageid", 0, 2 ** 53));
      expect(new Set([...found, MESSAGE_ID, MESSAGE_ID + 1]).size).toBe(5);
      for (const { data, chunks, masterToken: under } of messages) {
        expect(data.has("keyresponsedata")).toBe(false);
        expect([under?.serialNumber, under?.sequenceNumber]).toEqual([
          masterToken?.serialNumber,
          masterToken?.sequenceNumber,
        ]);
        expect(data.bool("renewable")).toBe(false);
        expect(chunks[0]!.messageId).toBe(data.int("messageid", 0, 2 ** 53));
      }
      expect(events.at(-1)).toMatchObject({ outcome: "response", masterToken: null, userIdToken: null });
      if (held !== null) {
        const echoed = messages.map(({ data }) => data.map("useridtoken").bytes("tokendata"));
        const sent = (await read(world, await message(format, sender, fields))).data.map("useridtoken");
        for (const tokendata of echoed) expect(tokendata).toEqual(sent.bytes("tokendata"));
      }
    }
  });
});
