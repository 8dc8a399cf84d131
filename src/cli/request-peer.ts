// `tinymsl request` in a peer-to-peer network: the same requests, over one TCP connection or over exchanges.

import type { ClientConfig, Incoming, RequestInit } from "../control/api.ts";
import { createPeer } from "../control/peer.ts";
import type { PeerSession } from "../control/peer-api.ts";
import { tokenKeys, type TokenCrypto } from "../tokens/token-crypto.ts";
import { createTokenIssuer, type TokenIssuer } from "../tokens/token-issuer.ts";
import type { EntityScheme } from "../entity-auth/scheme.ts";
import { openIssuerFile } from "../store/issuer-file-node.ts";
import { IssuerMemory } from "../store/issuer-memory.ts";
import type { IssuerState } from "../tokens/issuer-state.ts";
import { tcpConnect } from "../transport/tcp-node.ts";
import type { UserScheme } from "../user-auth/scheme.ts";
import type { KeysFile } from "./keys-file.ts";

/** What sends requests: a client of a trusted network, or one end of a peer's connection. */
export interface Asker {
  request(init: RequestInit): Promise<Incoming>;
  readonly session: {
    readonly masterToken: { readonly serialNumber: number; readonly sequenceNumber: number } | null;
    hasUser(id: string): boolean;
  };
  close(): Promise<void>;
}

export interface PeerAskerOptions {
  readonly url: URL;
  readonly keys: KeysFile;
  /** What a client would be made of. */
  readonly config: ClientConfig;
  readonly entitySchemes: readonly EntityScheme[];
  readonly userSchemes: (issuing: { tokenCrypto: TokenCrypto; issuer: TokenIssuer }) => readonly UserScheme[];
  /** File of the state, or null: memory. */
  readonly store: string | null;
}

export async function peerAsker(options: PeerAskerOptions): Promise<Asker> {
  const { url, keys, config } = options;
  const core = await config.core;
  const tokenCrypto = tokenKeys([keys.issuerContext(core)]);
  const { clock } = config;
  const state: IssuerState =
    options.store === null ? new IssuerMemory() : await openIssuerFile(`${options.store}.issuer`);
  const issuer = createTokenIssuer({ core, crypto: tokenCrypto, state, clock });
  const peer = await createPeer({
    ...config,
    entitySchemes: options.entitySchemes,
    userSchemes: options.userSchemes({ tokenCrypto, issuer }),
    tokenCrypto,
    issuer,
    storage: () => config.storage ?? null,
  });
  const counterpart = config.expectSender ?? "";
  const open = async (): Promise<PeerSession> =>
    peer.session(url.protocol === "tcp:" ? await tcpConnect(url) : config.transport, { counterpart });
  let session: PeerSession | null = null;
  return {
    async request(init) {
      // A connection that a failure left out of step is replaced.
      if (session !== null && !session.isUsable) session = null;
      session ??= await open();
      return session.request(init);
    },
    session: {
      get masterToken() {
        return session?.masterToken ?? null;
      },
      hasUser: (id) => session?.hasUser(id) ?? false,
    },
    async close() {
      await session?.close();
      await peer.close();
      await state.close();
    },
  };
}
