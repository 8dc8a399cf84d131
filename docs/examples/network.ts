// What the examples share: keys, a server, and a device that asks it. In production the keys come from the factory and
// from a key store.

import { randomBytes } from "node:crypto";
import { createClient } from "tinymsl/client";
import { psk, pskData } from "tinymsl/entity-auth/psk";
import { ecdh } from "tinymsl/key-exchange/ecdh";
import { nodeEnvironment } from "tinymsl/node";
import { createServer, createTokenIssuer, type MslServer, type ServerConfig, tokenKeys } from "tinymsl/server";
import { memoryPskKeys, pskContext } from "tinymsl/store/entity-keys";
import { IssuerMemory } from "tinymsl/store/issuer-memory";
import { httpTransport } from "tinymsl/transport/http";

export const keysOf = (identity: string) => ({ identity, encryptionKey: randomBytes(16), macKey: randomBytes(32) });
export const env = nodeEnvironment();
export const core = await env.core;
/** Keys that the server shares with its devices, and its own. */
export const contextOf = memoryPskKeys(core, [keysOf("server"), keysOf("tv-0001")]);
export const scheme = psk({ contextOf });
const tokenCrypto = tokenKeys([pskContext(core, keysOf("token keys"))]);

/** A trusted server; `more` adds to its configuration. */
export function server(more: Partial<ServerConfig> = {}): Promise<MslServer> {
  return createServer({
    ...env,
    entity: { scheme, data: () => pskData("server") },
    entitySchemes: [scheme],
    keyExchange: [ecdh({ core })],
    tokenCrypto,
    issuer: createTokenIssuer({ core, crypto: tokenCrypto, state: new IssuerMemory(), clock: env.clock }),
    ...more,
  });
}

/** A device that talks to the server at `url`. */
export function device(url: string) {
  return createClient({
    ...env,
    transport: httpTransport(url),
    entity: { scheme, data: () => pskData("tv-0001") },
    serverSchemes: [scheme],
    keyExchange: [ecdh({ core })],
  });
}
