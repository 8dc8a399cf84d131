// What a peer bears of a counterpart that never comes to the point, and networks that share a process and nothing else.

import { describe, expect, test } from "vitest";
import { createClient } from "../../src/control/client.ts";
import { createServer } from "../../src/control/server.ts";
import { ENCRYPTION_KEY, MAC_KEY } from "../../src/core/core.ts";
import { testCore } from "../variant.ts";
import { nullContext } from "../../src/crypto/null.ts";
import { slotContext } from "../../src/crypto/symmetric.ts";
import { decodeObject, type Format } from "../../src/encoding/codec.ts";
import { psk, pskData } from "../../src/entity-auth/psk.ts";
import { noneData } from "../../src/entity-auth/none.ts";
import { ecdh } from "../../src/key-exchange/ecdh.ts";
import { NO_PEER_TOKENS } from "../../src/message/header.ts";
import { writeHeader } from "../../src/message/header-writer.ts";
import { writeChunk } from "../../src/message/payload-chunk.ts";
import { nodeTimers } from "../../src/platform/clock-node.ts";
import { nodeGzip } from "../../src/platform/gzip-node.ts";
import { memoryPskKeys } from "../../src/store/entity-keys.ts";
import { IssuerMemory } from "../../src/store/issuer-memory.ts";
import { tokenKeys } from "../../src/tokens/token-crypto.ts";
import { createTokenIssuer } from "../../src/tokens/token-issuer.ts";
import { loopbackTransport } from "../../src/transport/loopback.ts";
import { clock, duplex, echo, serving, side } from "./pair.ts";

describe.each([["JSON"], ["CBOR"]] as const)("%s", (format) => {
  test("CTL-147 at most five handshakes in a row are answered, then the message limit is reached", async () => {
    const b = await side("peer-b", { formats: [format], scheme: "NONE" });
    const wire = duplex();
    const session = b.peer.session(wire.b);
    const receiving = session.receive().catch((error) => error);
    let messageId = 100;
    for (let i = 0; i < 6; i++) {
      await wire.a.writer.write(await handshake(format, messageId, b.core));
      const answer = decodeObject((await wire.a.reader.read())!, "message");
      if (answer.has("errordata")) break;
      messageId = decodeObject(answer.bytes("headerdata"), "headerdata").int("messageid", 0, 1e9) + 1;
    }
    expect(await receiving).toMatchObject({ code: "MESSAGE_LIMIT" });
    const kinds = wire.fromB.pieces.map((piece) => decodeObject(piece, "message").has("errordata"));
    expect(kinds).toEqual([false, false, false, false, false, true]);
  });
});

test("CTL-96 an old-style handshake, one empty last chunk and no flag that counts, is answered by itself", async () => {
  const b = await side("peer-b", { scheme: "NONE", config: { inferHandshake: true } });
  const wire = duplex();
  const receiving = b.peer.session(wire.b).receive();
  const chunk = { sequenceNumber: 1, messageId: 7, endOfMessage: true, data: new Uint8Array(0) };
  await wire.a.writer.write(await handshake("JSON", 7, b.core, false));
  await wire.a.writer.write(await writeChunk(nullContext, chunk, "JSON", null));
  const answer = decodeObject((await wire.a.reader.read())!, "message");
  const data = decodeObject(answer.bytes("headerdata"), "headerdata");
  expect([data.has("keyresponsedata"), data.int("messageid", 0, 100)]).toEqual([true, 8]);
  await wire.a.writer.end();
  await expect(receiving).rejects.toMatchObject({ code: "TRANSPORT" });
});

async function handshake(
  format: Format,
  messageId: number,
  core: Awaited<ReturnType<typeof testCore>>,
  isFlagged = true,
) {
  return writeHeader({
    format,
    entityAuth: noneData("peer-a"),
    masterToken: null,
    context: nullContext,
    sender: "peer-a",
    timestamp: 1_700_000_000,
    messageId,
    nonReplayableId: null,
    renewable: true,
    handshake: isFlagged,
    capabilities: null,
    keyRequests: await ecdh({ core }).createRequests(),
    keyResponse: null,
    userAuth: null,
    userIdToken: null,
    serviceTokens: [],
    peer: NO_PEER_TOKENS,
  });
}

test("CTL-53 a trusted network and a network of peers in one process, with equal identities, share nothing", async () => {
  const core = await testCore();
  const bytes = (seed: number, n: number) => new Uint8Array(n).fill(seed);
  const contextOf = memoryPskKeys(
    core,
    ["server", "device"].map((identity, i) => ({
      identity,
      encryptionKey: bytes(i + 1, 16),
      macKey: bytes(i + 9, 32),
    })),
  );
  const state = new IssuerMemory();
  const scheme = psk({ contextOf, policy: { isRevoked: (identity) => state.isEntityRevoked(identity) } });
  const tokenCrypto = tokenKeys([
    slotContext(core, {
      keyId: "tn",
      encryption: core.importKey(ENCRYPTION_KEY, bytes(40, 16)),
      mac: core.importKey(MAC_KEY, bytes(41, 32)),
    }),
  ]);
  const environment = { core, clock, timers: nodeTimers, gzip: nodeGzip };
  const server = await createServer({
    ...environment,
    entity: { scheme, data: () => pskData("server") },
    entitySchemes: [scheme],
    keyExchange: [ecdh({ core })],
    tokenCrypto,
    issuer: createTokenIssuer({ core, crypto: tokenCrypto, state, clock }),
  });
  const transport = loopbackTransport((reader, writer) =>
    server.receive(reader, writer, async (request) => ({ body: `TN:${await request.text()}` })),
  );
  const client = await createClient({
    ...environment,
    transport,
    entity: { scheme, data: () => pskData("device") },
    serverSchemes: [scheme],
    keyExchange: [ecdh({ core })],
  });
  const a = await side("device", { core });
  const b = await side("server", { core });
  const wire = duplex();
  const served = serving(b.peer, wire.b, echo);
  const session = a.peer.session(wire.a, { counterpart: "server" });
  for (let i = 0; i < 3; i++) {
    const [one, two] = await Promise.all([
      client.request({ body: `${i}`, nonReplayable: true }),
      session.request({ body: `${i}`, nonReplayable: true }),
    ]);
    expect([await one.text(), await two.text()]).toEqual([`TN:${i}`, `ECHO:${i}`]);
  }
  expect(client.session.masterToken?.serialNumber).not.toBe(session.masterToken?.serialNumber);
  expect(served.errors).toEqual([]);
  // Revoked in one network, welcome in the other.
  await state.revokeEntity("device");
  await expect(client.request({ body: "x" })).rejects.toMatchObject({ code: "ENTITY_REVOKED" });
  expect(await (await session.request({ body: "x" })).text()).toBe("ECHO:x");
  // A peer's message means nothing to the server, and the other way round.
  const peerMessage = wire.fromA.pieces.at(-1)!;
  const exchange = await transport.open({ signal: null });
  await exchange.writer.write(peerMessage);
  await exchange.writer.end();
  const answer = decodeObject((await exchange.reader.read())!, "message");
  expect(answer.has("errordata")).toBe(true);
});
