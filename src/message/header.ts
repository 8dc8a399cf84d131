// The message header as a value: what a message says beside its payload ("MSL Messages"). Shared by reader and writer,
// by both network kinds: the peer fields stay null in a trusted services network.

import type { CryptoContext } from "../crypto/crypto-context.ts";
import type { Format } from "../encoding/codec.ts";
import type { EntityAuthData, Provisioning } from "../entity-auth/scheme.ts";
import type { HeaderBinding, ReceivedKeyRequest } from "../key-exchange/scheme.ts";
import { isClaimed, type MasterToken } from "../tokens/master-token.ts";
import type { ServiceToken } from "../tokens/service-token.ts";
import type { UserIdToken } from "../tokens/user-id-token.ts";
import type { Capabilities } from "./capabilities.ts";

/** Tokens of the other direction; peer-to-peer networks only. */
export interface PeerTokens {
  readonly masterToken: MasterToken | null;
  readonly userIdToken: UserIdToken | null;
  readonly serviceTokens: readonly ServiceToken[];
}

export const NO_PEER_TOKENS: PeerTokens = { masterToken: null, userIdToken: null, serviceTokens: [] };

/** A key exchange that a received header completed: the new master token and the context of its session keys. */
export interface CompletedExchange {
  readonly scheme: string;
  readonly masterToken: MasterToken;
  readonly context: CryptoContext;
}

/** A message header that passed every check of its receiver. */
export interface MessageHeader {
  readonly kind: "message";
  readonly format: Format;
  /** Exactly one of the two is set: a master token wins over entity authentication data. */
  readonly entityAuth: EntityAuthData | null;
  readonly masterToken: MasterToken | null;
  /** Protects the header. */
  readonly context: CryptoContext;
  /** Protects the payload chunks. */
  readonly payloadContext: CryptoContext;
  readonly encrypted: boolean;
  readonly integrityProtected: boolean;
  /** The header's own protection, without what a key exchange adds to the payloads. */
  readonly headerEncrypted: boolean;
  /** Whether the entity proved its identity with entity authentication data; false under a master token. */
  readonly authenticated: boolean;
  /** Where an entity without an identity gets one; null: it has one. */
  readonly provisioning: Provisioning | null;
  /** Master token's identity where it can be read, else that of the entity authentication data. */
  readonly identity: string | null;
  readonly messageId: number;
  readonly timestamp: number | null;
  readonly keyResponse: CompletedExchange | null;
  readonly userIdToken: UserIdToken | null;
  /** Scheme of user authentication data in the message, already authenticated. */
  readonly userScheme: string | null;
  readonly user: string | null;
  readonly serviceTokens: readonly ServiceToken[];
  readonly nonReplayableId: number | null;
  readonly renewable: boolean;
  /** Null: the field is absent, as old senders leave it; a handshake may then have to be inferred. */
  readonly handshake: boolean | null;
  readonly capabilities: Capabilities | null;
  readonly keyRequests: readonly ReceivedKeyRequest[];
  /** Elements as received, skipped ones included: "has key request data" counts these. */
  readonly keyRequestCount: number;
  readonly keyRequestSchemes: readonly string[];
  readonly peer: PeerTokens;
  /** Bytes of the header object on the wire. */
  readonly wireBytes: number;
}

/** Whether the sender proved its identity: with this message, or when its master token was issued here. */
export function isProved({ masterToken, authenticated }: MessageHeader): boolean {
  const session = masterToken?.verified ?? null;
  return session === null ? authenticated : !isClaimed(session);
}

/** How key derivation sees a header: by its entity, or by its master token. */
export function headerBinding(entityAuth: EntityAuthData | null, masterToken: MasterToken | null): HeaderBinding {
  if (masterToken !== null) {
    return { kind: "token", tokendata: masterToken.tokendata, signature: masterToken.signature };
  }
  const { scheme = "", identity = "", certificateDer = null } = entityAuth ?? {};
  return { kind: "entity", scheme, identity, certificate: certificateDer };
}
