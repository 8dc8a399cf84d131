// Attacks on peers: tokens of the wrong direction or issuer, replays both ways, what is stripped or put in on the way.

import { describe, expect, test } from "vitest";
import type { PeerHandler } from "../../src/control/peer-api.ts";
import type { Core } from "../../src/core/core.ts";
import { decodeObject, type EncodeFields, encodeObject, type Format } from "../../src/encoding/codec.ts";
import { duplex, pair, serving, settled, side } from "./pair.ts";

const BOTH: readonly (readonly [Format])[] = [["JSON"], ["CBOR"]];

/** Sends recorded bytes to a peer and gives what it says of them. */
async function replay(peer: Parameters<typeof serving>[0], ...pieces: Uint8Array[]) {
  const wire = duplex();
  const served = serving(peer, wire.b);
  for (const piece of pieces) await wire.a.writer.write(piece);
  await settled(() => served.errors.length > 0 || wire.fromB.pieces.length > 0);
  return served.errors;
}

describe.each(BOTH)("%s", (format) => {
  const own = { formats: [format] } as const;

  /** Two peers that hold a token of each other. */
  async function acquainted(handler?: PeerHandler) {
    const made = await pair(own, own, handler);
    await (await made.session.request({ body: "hello" })).text();
    await (await made.session.request({ body: "hello" })).text();
    await settled(() => made.b.reports.length >= 5);
    return made;
  }

  test("a message sent back to its sender is under a token that the sender did not issue: 1000", async () => {
    const { a, b, session, wire } = await acquainted();
    const from = wire.fromA.pieces.length;
    await (await session.request({ body: "again" })).text();
    const mine = wire.fromA.pieces[from]!;
    expect(await replay(a.peer, mine)).toMatchObject([{ code: "MASTERTOKEN_UNTRUSTED" }]);
    const theirs = wire.fromB.pieces.at(-1)!;
    expect(await replay(b.peer, theirs)).toMatchObject([{ code: "MASTERTOKEN_UNTRUSTED" }]);
  });

  test("a peer's token is worth nothing at another issuer: 1000, and never gets there by itself", async () => {
    const { a, session, wire } = await acquainted();
    const c = await side("peer-c", own);
    expect(await replay(c.peer, wire.fromA.pieces.at(-1)!)).toMatchObject([{ code: "MASTERTOKEN_UNTRUSTED" }]);
    const other = duplex();
    const served = serving(c.peer, other.b);
    const toC = a.peer.session(other.a, { counterpart: "peer-c" });
    expect(await (await toC.request({ body: "x" })).text()).toBe("ECHO:x");
    expect(served.errors).toEqual([]);
    expect(toC.masterToken?.serialNumber).not.toBe(session.masterToken?.serialNumber);
  });

  test("a token that is used at the wrong counterpart after all is refused, and replaced by one of the right one", async () => {
    const { a, session } = await acquainted();
    const c = await side("peer-c", own);
    const other = duplex();
    const served = serving(c.peer, other.b);
    const confused = a.peer.session(other.a, { counterpart: "peer-b" });
    const before = session.masterToken?.serialNumber;
    expect(await (await confused.request({ body: "x" })).text()).toBe("ECHO:x");
    expect(served.errors).toMatchObject([{ code: "MASTERTOKEN_UNTRUSTED" }]);
    expect(confused.masterToken?.serialNumber).not.toBe(before);
  });

  test("who claims an identity gets nothing of the tokens of who proved it, also under a token of its own", async () => {
    const { a, session } = await acquainted();
    const token = session.masterToken;
    const impostor = await side("peer-b", { ...own, scheme: "NONE" });
    const wire = duplex();
    const served = serving(a.peer, wire.b);
    const fake = impostor.peer.session(wire.a, { counterpart: "peer-a" });
    const asked = impostor.reports;
    for (let i = 0; i < 3; i++) {
      expect(await (await fake.request({ body: "x" })).text()).toBe("ECHO:x");
      const answer = asked.filter((report) => report.direction === "in").at(-1);
      expect(answer?.serialNumber).not.toBe(token?.serialNumber);
    }
    expect(fake.masterToken).not.toBeNull();
    expect(served.errors).toEqual([]);
    expect(session.masterToken).toEqual(token);
    expect(await (await session.request({ body: "y" })).text()).toBe("ECHO:y");
    expect(session.masterToken).toEqual(token);
  });

  test("replays of requests are refused: 6021", async () => {
    const { b, session, wire } = await acquainted();
    const from = wire.fromA.pieces.length;
    await (await session.request({ body: "once", nonReplayable: true })).text();
    expect(await replay(b.peer, ...wire.fromA.pieces.slice(from))).toMatchObject([{ code: "MESSAGE_REPLAYED" }]);
  });

  test("replays of answers are refused: 6021 where they carry an id, 6017 in any case", async () => {
    const answers: Uint8Array[] = [];
    const made = await acquainted(async (request) => ({ body: await request.text(), nonReplayable: true }));
    const { session, wire, a } = made;
    const from = wire.fromB.pieces.length;
    await (await session.request({ body: "one" })).text();
    answers.push(...wire.fromB.pieces.slice(from));
    wire.fromB.tamper = () => answers[0]!;
    await expect(session.request({ body: "two" })).rejects.toMatchObject({ code: "MESSAGE_REPLAYED" });
    expect(session.isUsable).toBe(false);
    expect(a.reports.some((r) => r.direction === "in" && r.nonReplayableId !== null)).toBe(true);

    const plain = await acquainted();
    const start = plain.wire.fromB.pieces.length;
    await (await plain.session.request({ body: "one" })).text();
    const old = plain.wire.fromB.pieces[start]!;
    plain.wire.fromB.tamper = () => old;
    await expect(plain.session.request({ body: "two" })).rejects.toMatchObject({
      code: "UNEXPECTED_RESPONSE_MESSAGE_ID",
    });
  });

  test("a revoked peer is refused as sender of requests and as sender of answers", async () => {
    const { a, session } = await acquainted();
    await a.state.revokeEntity("peer-b");
    await expect(session.request({ body: "x" })).rejects.toMatchObject({ code: "MASTERTOKEN_IDENTITY_REVOKED" });
    const other = await acquainted();
    await other.b.state.revokeEntity("peer-a");
    await (await other.session.request({ body: "x" })).text();
    expect(other.served.errors[0]).toMatchObject({ code: "MASTERTOKEN_IDENTITY_REVOKED" });
  });

  test("a key response that was not asked for, or that brings a token of one's own, is refused: 7007", async () => {
    const plain = { ...own, scheme: "NONE" } as const;
    const { a, b, session, wire } = await pair(plain, plain);
    await (await session.request({ body: "x" })).text();
    // The answer to the handshake, out of the blue.
    expect(await replay(a.peer, wire.fromB.pieces[0]!)).toMatchObject([{ code: "KEYX_RESPONSE_REQUEST_MISMATCH" }]);
    // Its token was issued by B itself.
    expect(await replay(b.peer, wire.fromB.pieces[0]!)).toMatchObject([{ code: "KEYX_RESPONSE_REQUEST_MISMATCH" }]);
  });

  test("peer tokens that are stripped or exchanged on the way change nothing about the tokens that are used", async () => {
    const plain = { ...own, scheme: "NONE" } as const;
    const stranger = await pair(plain, plain);
    await (await stranger.session.request({ body: "x" })).text();
    const { a, b, session, wire } = await pair(plain, plain, async () => ({
      body: "y",
      encrypted: false,
      integrity: false,
    }));
    const seen: boolean[] = [];
    const rewriting = (edit: (fields: Record<string, unknown>) => void) => (piece: Uint8Array) =>
      rewrite(b.core, piece, (fields) => {
        seen.push("peermastertoken" in fields);
        // Without a token of its own, B's messages stay open to change.
        delete fields.keyrequestdata;
        edit(fields);
      });
    const strangeToken = tokenOf(stranger.b.core, stranger.wire.fromA.pieces.at(-1)!);
    const init = { body: "x", requireReply: { encrypted: false, integrity: false } } as const;
    wire.fromB.tamper = rewriting(() => {});
    await (await session.request(init)).text();
    const token = session.masterToken;
    expect(token).not.toBeNull();
    for (const edit of [
      (fields: Record<string, unknown>) => void delete fields.peermastertoken,
      (fields: Record<string, unknown>) => void (fields.peermastertoken = strangeToken),
    ]) {
      wire.fromB.tamper = rewriting(edit);
      expect(await (await session.request(init)).text()).toBe("y");
      expect(session.masterToken).toEqual(token);
      expect(a.reports.filter((r) => r.direction === "out").at(-1)?.serialNumber).toBe(token?.serialNumber);
    }
    expect(seen).toContain(true);
  });
});

/** A message under NONE with other header data. */
function rewrite(core: Core, piece: Uint8Array, edit: (fields: Record<string, unknown>) => void): Uint8Array {
  const scanner = core.createScanner(1e6);
  scanner.push(piece);
  const parts: Uint8Array[] = [];
  for (let object = scanner.next(); object !== null; object = scanner.next()) {
    const outer = decodeObject(object, "message");
    if (!outer.has("headerdata") || !outer.has("entityauthdata")) {
      parts.push(object);
      continue;
    }
    const data = decodeObject(outer.bytes("headerdata"), "headerdata");
    const fields = { ...data.toFields() };
    edit(fields);
    const headerdata = encodeObject(outer.format, fields as EncodeFields);
    parts.push(encodeObject(outer.format, { ...outer.toFields(), headerdata }));
  }
  return new Uint8Array(Buffer.concat(parts));
}

function tokenOf(core: Core, piece: Uint8Array): EncodeFields {
  const scanner = core.createScanner(1e6);
  scanner.push(piece);
  return decodeObject(scanner.next()!, "message").map("mastertoken").toFields();
}
