// One server of a fleet, in a process of its own: HTTP outside, and the shared state asked for from the process that
// started it, as a database would be.

import { ecdh } from "../../dist/key-exchange/ecdh.js";
import { psk, pskData } from "../../dist/entity-auth/psk.js";
import { nodeEnvironment } from "../../dist/node.js";
import { createServer, createTokenIssuer, tokenKeys } from "../../dist/server.js";
import { memoryPskKeys, pskContext } from "../../dist/store/entity-keys.js";
import { listen } from "../../dist/transport/server-node.js";

const waiting = new Map();
let next = 0;

/** An operation of the shared state. */
function ask(operation, args) {
  const id = next++;
  const answer = new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
  process.send({ kind: "ask", id, operation, args });
  return answer;
}

async function start({ entities, tokens, operations, masterTokenLife }) {
  const env = nodeEnvironment();
  const core = await env.core;
  const state = Object.fromEntries(operations.map((operation) => [operation, (...args) => ask(operation, args)]));
  const scheme = psk({ contextOf: memoryPskKeys(core, entities) });
  const crypto = tokenKeys([pskContext(core, tokens)]);
  const server = await createServer({
    ...env,
    entity: { scheme, data: () => pskData("server") },
    entitySchemes: [scheme],
    keyExchange: [ecdh({ core })],
    tokenCrypto: crypto,
    issuer: createTokenIssuer({ core, crypto, state, clock: env.clock, masterTokenLife }),
    onMessage: ({ direction, error }) =>
      direction === "out" && process.send({ kind: "answered", code: error?.code ?? null }),
  });
  const { url } = await listen((reader, writer, options) =>
    server.receive(
      reader,
      writer,
      async (request) => {
        const text = await request.text();
        process.send({ kind: "delivered", text });
        if (text === "hang") await new Promise(() => {});
        return { body: `${text} at ${process.pid}` };
      },
      options,
    ),
  );
  process.send({ kind: "listening", url });
}

process.on("message", ({ kind, ...message }) => {
  if (kind === "start") return void start(message);
  const { resolve, reject } = waiting.get(message.id);
  waiting.delete(message.id);
  if (message.failure === undefined) resolve(message.result);
  else reject(new Error(message.failure));
});
process.on("disconnect", () => process.exit());
