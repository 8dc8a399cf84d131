// Scenarios: peers that issue tokens for each other, on one connection in the process, over TCP, and in exchanges.

import { expect } from "vitest";
import type { MessageReport } from "../../src/control/api.ts";
import type { PeerHandler, PeerIncoming, PeerSession } from "../../src/control/peer-api.ts";
import { tcpConnect, tcpListen } from "../../src/transport/tcp-node.ts";
import { duplex, exchanges, serving, settled, side, user } from "../peer/pair.ts";
import { expectedFormats, WIRES } from "../wires.ts";
import { formatOf, messageFacts, replyFacts, serviceTokenFacts } from "./facts.ts";
import { type Cell, coreOf, keys } from "./network.ts";
import { type Scenario, scenario } from "./scenario.ts";

/** Who asks, with the device's half of the cell, and who answers. */
async function sides(cell: Cell, scheme: "PSK" | "NONE") {
  const formats = WIRES[cell.wire];
  const a = await side("peer-a", { scheme, core: await coreOf(cell.device, "a"), config: formats.device });
  const b = await side("peer-b", { scheme, core: await coreOf(cell.server, "b"), config: formats.server });
  return { a, b };
}

/** The formats of what both sides sent, as they reported them: the first message of A, then all others. */
function expectReports(a: readonly MessageReport[], b: readonly MessageReport[], cell: Cell): void {
  const [first, then] = expectedFormats(cell.wire);
  const sent = (reports: readonly MessageReport[]) =>
    reports.filter((report) => report.direction === "out").map((report) => report.format);
  expect(sent(a)).toEqual(sent(a).map((_, i) => (i === 0 ? first : then)));
  expect(sent(b)).toEqual(sent(b).map(() => then));
}

/** The same by the first bytes of everything that was written: objects of one format, then of the other. */
function expectBytes(pieces: readonly Uint8Array[], formats: readonly string[]): void {
  const seen = pieces.filter((piece) => piece.length > 0).map(formatOf);
  expect(seen.filter((format, i) => format !== seen[i - 1])).toEqual(
    formats.filter((format, i) => format !== formats[i - 1]),
  );
}

async function peerReply(reply: PeerIncoming): Promise<unknown> {
  return { ...((await replyFacts(reply)) as object), peer: reply.peerServiceTokens.map(serviceTokenFacts) };
}

const greeting = (crypto: ReturnType<typeof keys.serviceTokenContexts>): PeerHandler => {
  const seen: string[] = [];
  return async (request) => {
    seen.push(`${request.user}: ${request.serviceTokens.map((token) => token.name).sort()}`);
    return {
      body: `${request.sender}, ${request.user}: ${await request.text()}; ${seen.join(" | ")}`,
      serviceTokens: {
        crypto,
        async edit(editor) {
          await editor.add("of-b", Buffer.from("b"));
          await editor.peer?.add("for-a", Buffer.from("a"));
          if (editor.peer?.hasMasterToken) await editor.peer.add("bound", Buffer.from("c"), { binding: "master" });
        },
      },
    };
  };
};

/** Three requests, of nobody and of a user. */
async function conversation(session: PeerSession, crypto: ReturnType<typeof keys.serviceTokenContexts>) {
  const replies: unknown[] = [];
  for (const who of [null, user(), null, user()]) {
    const serviceTokens = { crypto };
    replies.push(await peerReply(await session.request({ body: "hi", user: who, serviceTokens })));
  }
  return { replies, has: session.hasUser("local-user"), sequence: session.masterToken?.sequenceNumber };
}

const SCHEMES = ["PSK", "NONE"] as const;
const EXPECTED = { has: true, sequence: 0, replies: [{ sender: "peer-b", encrypted: true }, {}, {}, {}] };

const onConnection = SCHEMES.map((scheme) =>
  scenario(`peers on one connection, ${scheme}`, EXPECTED, async (cell) => {
    const { a, b } = await sides(cell, scheme);
    const wire = duplex();
    const session = a.peer.session(wire.a, { counterpart: "peer-b" });
    const served = serving(b.peer, wire.b, greeting(keys.serviceTokenContexts(b.core)));
    const result = await conversation(session, keys.serviceTokenContexts(a.core));
    await session.close();
    await served.done;
    expect(served.errors).toEqual([]);
    expectReports(a.reports, b.reports, cell);
    expectBytes(wire.fromA.pieces, expectedFormats(cell.wire));
    expectBytes(wire.fromB.pieces, expectedFormats(cell.wire).slice(1));
    return { ...result, a: messageFacts(a.reports), b: messageFacts(b.reports) };
  }),
);

const overTcp = SCHEMES.map((scheme) =>
  scenario(`peers over TCP, ${scheme}`, EXPECTED, async (cell) => {
    const { a, b } = await sides(cell, scheme);
    const handler = greeting(keys.serviceTokenContexts(b.core));
    const errors: unknown[] = [];
    const onError = (error: unknown) => errors.push(error);
    const listener = await tcpListen((connection) => b.peer.serve(connection, handler, { onError }), { onError });
    const session = a.peer.session(await tcpConnect(listener.url), { counterpart: "peer-b" });
    const result = await conversation(session, keys.serviceTokenContexts(a.core));
    await session.close();
    await settled(() => listener.connections === 0);
    await listener.close(100);
    expect(errors).toEqual([]);
    expectReports(a.reports, b.reports, cell);
    return { ...result, a: messageFacts(a.reports), b: messageFacts(b.reports) };
  }),
);

const inExchanges = SCHEMES.map((scheme) =>
  scenario(`peers in exchanges, ${scheme}`, EXPECTED, async (cell) => {
    const { a, b } = await sides(cell, scheme);
    const transport = exchanges(b.peer, greeting(keys.serviceTokenContexts(b.core)));
    const session = a.peer.session(transport, { counterpart: "peer-b" });
    const result = await conversation(session, keys.serviceTokenContexts(a.core));
    await session.close();
    expectReports(a.reports, b.reports, cell);
    return { ...result, opened: transport.opened, a: messageFacts(a.reports) };
  }),
);

export const PEERS: readonly Scenario[] = [...onConnection, ...overTcp, ...inExchanges];
