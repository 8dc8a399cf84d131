// Whole exchanges between two peers on one connection: tokens for both, in both formats and between them.

import { describe, expect, test } from "vitest";
import { pair, type SideOptions, settled } from "./pair.ts";

const kinds = (reports: readonly { direction: string; kind: string; keyx: readonly string[]; renewable: boolean }[]) =>
  reports.map((r) => `${r.direction} ${r.kind}`);

const FORMATS: readonly (readonly [string, SideOptions, SideOptions])[] = [
  ["JSON", { formats: ["JSON"] }, { formats: ["JSON"] }],
  ["CBOR", { formats: ["CBOR"] }, { formats: ["CBOR"] }],
  ["CBOR, then JSON", { formats: ["CBOR", "JSON"] }, { formats: ["JSON", "CBOR"] }],
];

describe.each(FORMATS)("%s", (_, forA, forB) => {
  test("CTL-145 two peers without tokens reach an encrypted request with four messages, ending with one token each", async () => {
    const { a, b, session, served } = await pair({ ...forA, scheme: "NONE" }, { ...forB, scheme: "NONE" });
    const reply = await session.request({ body: "hello" });
    expect(await reply.text()).toBe("ECHO:hello");
    expect(reply.sender).toBe("peer-b");
    expect(reply.encrypted).toBe(true);
    expect(kinds(a.reports)).toEqual(["out handshake", "in handshake", "out message", "in message"]);
    expect(a.reports.map((r) => r.entityScheme)).toEqual(["NONE", "NONE", null, null]);
    expect(a.reports.map((r) => r.keyx.length > 0)).toEqual([true, true, true, false]);
    expect(a.reports.map((r) => r.messageId - a.reports[0]!.messageId)).toEqual([0, 1, 2, 3]);
    expect(session.masterToken?.sequenceNumber).toBe(0);
    await session.close();
    await served.done;
    expect(served.errors).toEqual([]);
    expect(b.reports.length).toBe(4);
  });

  test("peers that encrypt by themselves: data at once, tokens on the way", async () => {
    const { a, b, session, served } = await pair(forA, forB);
    for (const text of ["one", "two", "three"]) {
      const reply = await session.request({ body: text });
      expect(await reply.text()).toBe(`ECHO:${text}`);
    }
    await settled(() => b.reports.length >= 7);
    expect(session.masterToken?.sequenceNumber).toBe(0);
    expect(a.reports.at(-1)).toMatchObject({ sequenceNumber: 0 });
    expect(served.errors).toEqual([]);
    await session.close();
  });
});
