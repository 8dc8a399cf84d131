// The example of the README: a server and a device in one file, over HTTP. Run by test/package/pack.test.ts.

import { createClient } from "tinymsl/client";
import { psk, pskData } from "tinymsl/entity-auth/psk";
import { ecdh } from "tinymsl/key-exchange/ecdh";
import { nodeEnvironment } from "tinymsl/node";
import { createServer, createTokenIssuer, tokenKeys } from "tinymsl/server";
import { memoryPskKeys, pskContext } from "tinymsl/store/entity-keys";
import { IssuerMemory } from "tinymsl/store/issuer-memory";
import { httpTransport } from "tinymsl/transport/http";
import { listen } from "tinymsl/transport/server";
import { randomBytes } from "node:crypto";

// Keys that device and server share; in production they come from the factory and from a key store.
const keysOf = (identity: string) => ({ identity, encryptionKey: randomBytes(16), macKey: randomBytes(32) });
const env = nodeEnvironment();
const core = await env.core;
const pskScheme = psk({ contextOf: memoryPskKeys(core, [keysOf("server"), keysOf("tv-0001")]) });

// The server: echoes, and keeps nothing but the newest token of each device.
const tokenCrypto = tokenKeys([pskContext(core, keysOf("token keys"))]);
const server = await createServer({
  ...env,
  entity: { scheme: pskScheme, data: () => pskData("server") },
  entitySchemes: [pskScheme],
  keyExchange: [ecdh({ core })],
  tokenCrypto,
  issuer: createTokenIssuer({ core, crypto: tokenCrypto, state: new IssuerMemory(), clock: env.clock }),
});
const listening = await listen((reader, writer, { signal }) =>
  server.receive(reader, writer, async (request) => ({ body: `Hello ${request.sender}: ${await request.text()}` }), {
    signal,
  }),
);

// The device: authenticates, exchanges keys and asks, in one round trip.
const transport = httpTransport(listening.url);
const device = await createClient({
  ...env,
  transport,
  entity: { scheme: pskScheme, data: () => pskData("tv-0001") },
  serverSchemes: [pskScheme],
  keyExchange: [ecdh({ core })],
});
const reply = await device.request({ body: "what may I watch?", timeoutMs: 5000 });
console.log(await reply.text());

await device.close();
transport.close();
await listening.close();
