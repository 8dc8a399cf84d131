// The public shapes of client and server: configuration, requests, responses, what comes in and what operators see.
// Portable: bodies are async iterables of bytes, cancellation is `aborted` and `onabort`; adapters are in transport/.

import type { ServiceTokenHooks } from "../builder/service-tokens.ts";
import type { CapabilitiesConfig } from "../message/capabilities.ts";
import type { Core } from "../core/core.ts";
import type { Format } from "../encoding/codec.ts";
import type { CompressionAlgorithm } from "../encoding/compression.ts";
import type { EntityAuthData, EntityScheme } from "../entity-auth/scheme.ts";
import type { MslErrorCode, ResponseCode } from "../errors/codes.ts";
import type { KeyExchange } from "../key-exchange/scheme.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import type { Clock } from "../platform/clock.ts";
import type { Gzip } from "../platform/gzip.ts";
import type { CancelSignal } from "../platform/signal.ts";
import type { Timers } from "../platform/timers.ts";
import type { ByteReader, ByteWriter, Transport } from "../platform/transport.ts";
import type { RestoreSession } from "../crypto/crypto-context.ts";
import type { StateStorage } from "../store/snapshot-storage.ts";
import type { MasterToken } from "../tokens/master-token.ts";
import type { ServiceToken } from "../tokens/service-token.ts";
import type { TokenCrypto } from "../tokens/token-crypto.ts";
import type { TokenIssuer } from "../tokens/token-issuer.ts";
import type { UserIdToken } from "../tokens/user-id-token.ts";
import type { UserAuthData, UserScheme } from "../user-auth/scheme.ts";
import type { ServerEvent } from "./events.ts";

/**
 * A body to send: bytes, text (sent as UTF-8), pieces as they come, or a function that makes one anew for each attempt.
 * A piece waits for the next one only while that is at hand: what a source gives leaves before the source is waited for.
 */
export type Body = BodySource | (() => BodySource);
export type BodySource = string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** What the application wants of a message. Both default to true. */
export interface Protection {
  readonly encrypted?: boolean;
  readonly integrity?: boolean;
}

/** The environment that a port supplies. `tinymsl/node` fills all of it. */
export interface Environment {
  readonly core: Awaitable<Core>;
  readonly clock: Clock;
  readonly timers: Timers | null;
  readonly gzip: Gzip | null;
}

/** Bounds on what is read; each error names the limit that it hit. */
export interface ReadLimits {
  /** Largest header or payload chunk, in bytes on the wire. Default 10 MiB. */
  readonly maxObjectBytes?: number;
  /** Largest message, in bytes on the wire, all objects together. Default 64 MiB; null: no bound. */
  readonly maxMessageBytes?: number | null;
}

/** Who this side is. */
export interface LocalEntity {
  readonly scheme: EntityScheme;
  /** `reason` asks for the same (ENTITY_REAUTH) or for new data (ENTITYDATA_REAUTH); null gives up. */
  data(reason: "ENTITY_REAUTH" | "ENTITYDATA_REAUTH" | null): Awaitable<EntityAuthData | null>;
}

/** A user of this device. */
export interface UserSession {
  /** Local name of the user in the store; never sent. */
  readonly id: string;
  /** Credentials, or null. `required`: no user ID token exists; `reason`: the server asks for fresh ones. */
  authenticate(query: {
    readonly reason: "USERDATA_REAUTH" | "SSOTOKEN_REJECTED" | null;
    readonly renewable: boolean;
    readonly required: boolean;
  }): Awaitable<UserAuthData | null>;
}

/**
 * How this side knows whether the other one has ECDH, which the reference lacks. What it learns, it keeps in its state.
 * - `known`, the default: it has what `keyExchange` lists.
 * - `advertised`: it has what its last message said. ECDH is offered from the first renewal on.
 * - `probe`: as `advertised`, but a first message offers ECDH at once, and is sent again without it if an authenticated
 *   error says that the scheme is unknown.
 * - `probe-unauthenticated`: as `probe`, for errors of anyone, NONE too: an attacker on the way can then rule ECDH out.
 *
 * Nobody falls back whose `keyExchange` lists ECDH alone.
 */
export type KeyExchangeSupport = "known" | "advertised" | "probe" | "probe-unauthenticated";

export interface CallOptions {
  readonly signal?: CancelSignal | null;
  /** One deadline for the whole operation, retries included. */
  readonly timeoutMs?: number | null;
}

/** A message being received. Iterating gives the decrypted body as it arrives; it can be consumed once. */
export interface Incoming extends AsyncIterable<Uint8Array> {
  readonly messageId: number;
  readonly format: Format;
  /** Entity identity of the sender, where it can be known. */
  readonly sender: string | null;
  /** Identity of the user, on a server. */
  readonly user: string | null;
  readonly encrypted: boolean;
  readonly integrityProtected: boolean;
  readonly serviceTokens: readonly ServiceToken[];
  /** The whole body, at most `maxMessageBytes`. */
  bytes(): Promise<Uint8Array>;
  /** The whole body as UTF-8. @throws MSL_PARSE_ERROR for other bytes */
  text(): Promise<string>;
  /** Whether the end-of-message chunk was seen; meaningful after the body was read, false only with `allowTruncated`. */
  readonly complete: boolean;
  /** Gives the rest of the body up. */
  cancel(): void;
}

export type { ServiceTokenBinding, ServiceTokenEditor, ServiceTokenHooks } from "../builder/service-tokens.ts";

// ---------------------------------------------------------------- client

export interface ClientConfig extends Environment, ReadLimits {
  readonly transport: Transport;
  readonly entity: LocalEntity;
  /** Schemes accepted from servers. List nothing that a server of this network does not use. */
  readonly serverSchemes: readonly EntityScheme[];
  /** In order of preference. */
  readonly keyExchange: readonly KeyExchange[];
  readonly keyExchangeSupport?: KeyExchangeSupport;
  readonly capabilities?: CapabilitiesConfig;
  /** Format of the first message to a server that has not said what it reads. Default JSON. */
  readonly firstFormat?: Format;
  /** Where tokens, keys and counters survive a restart. Default: memory. */
  readonly storage?: StateStorage | null;
  /** Name of the network that the state belongs to; state of another name is refused (STORE_MISMATCH). */
  readonly network?: string | null;
  /** Opens stored sessions whose keys are in hardware (`OpaqueSession.stored`). */
  readonly restoreSession?: RestoreSession | null;
  /** Refuse replies and errors of any other entity. */
  readonly expectSender?: string | null;
  /** Accept bodies that end without the end-of-message chunk. */
  readonly allowTruncated?: boolean;
  /** Reply protection asked for by default; without it a reply must be protected as its request was. */
  readonly requireReply?: Protection | null;
  /** Bytes of a one-shot body kept for resending. Default 1 MiB. */
  readonly resendBytes?: number;
  /**
   * A reply whose body nobody reads for this long is given up, so that it does not keep its connection and the keys of
   * its session: a later read rejects. Default 60 000; null: never. Without `timers` replies must be read or cancelled.
   */
  readonly unreadMs?: number | null;
  readonly onMessage?: (report: MessageReport) => void;
}

export interface RequestInit extends CallOptions, Protection {
  readonly body?: Body;
  readonly nonReplayable?: boolean;
  readonly wantTokens?: boolean;
  readonly user?: UserSession | null;
  readonly expectSender?: string | null;
  readonly requireReply?: Protection | null;
  readonly serviceTokens?: ServiceTokenHooks | null;
  /** Default true: GZIP, else LZW, where it makes a chunk smaller and the capabilities have it. Or one of the two. */
  readonly compress?: boolean | CompressionAlgorithm;
}

export type SendInit = Omit<RequestInit, "wantTokens" | "requireReply">;

/** The body of a request under way. Each call resolves when more may be written (back-pressure). */
export interface Outgoing {
  /** Copies the bytes. @throws MslUsageError after `close` */
  write(bytes: Uint8Array): Promise<void>;
  /** Sends what was written so far as a chunk; resolves when it left. Without anything written nothing is sent. */
  flush(): Promise<void>;
  /** How what is written from now on is compressed, null: not at all. False, and no change: the capabilities lack it. */
  setCompression(algorithm: CompressionAlgorithm | null): Promise<boolean>;
  /** Ends the message; resolves when it left. Idempotent. */
  close(): Promise<void>;
  /** Drops the request: `incoming` rejects with ABORTED. */
  abort(): void;
}

/**
 * Messages that a server pushes, once through; what is not read of one is passed over when the next is asked for.
 * Iterating rejects as `request` does. Leaving the loop closes.
 */
export interface Subscription extends AsyncIterable<Incoming> {
  /** Drops the connection; the loop ends. Idempotent. */
  close(): void;
}

export interface ClientSession {
  readonly masterToken: { readonly serialNumber: number; readonly sequenceNumber: number } | null;
  hasUser(id: string): boolean;
  /** The tokens of a user, to log in with in another session of this entity (USER_ID_TOKEN); null: there are none. */
  tokensOf(id: string): { readonly masterToken: MasterToken; readonly userIdToken: UserIdToken } | null;
  forgetUser(id: string): Promise<void>;
  clear(): Promise<void>;
}

export interface MslClient {
  /**
   * Sends a request and resolves with the response, its body still arriving.
   * @throws MslRemoteError, MslProtocolError, MslTransportError, MslTimeoutError, MslLimitError, MslUsageError, the signal's reason
   */
  request(init: RequestInit): Promise<Incoming>;
  /**
   * Sends a message whose reply nobody reads, after a handshake where one is needed; resolves when it is written.
   * @throws as `request`
   */
  send(init: SendInit): Promise<void>;
  /**
   * Begins a request whose body is written by and by. On full-duplex transports the reply may arrive meanwhile. Nothing
   * is sent again once a byte of the body left; `incoming` and the calls of `outgoing` reject as `request` does.
   */
  open(init: Omit<RequestInit, "body">): { readonly outgoing: Outgoing; readonly incoming: Promise<Incoming> };
  /**
   * Sends a message, after a handshake where one is needed, and gives what the server pushes on the same connection
   * until it ends it; a response counts as one. Recovery ends with the first message. On full-duplex transports the
   * server may push while the body is being sent. Where the connection is not authentic, whoever is on it can repeat what
   * was pushed under the same master token: let messages carry a number where that matters.
   */
  subscribe(init: SendInit): Subscription;
  readonly session: ClientSession;
  /** Waits for saves, clears all keys. */
  close(): Promise<void>;
}

// ---------------------------------------------------------------- server

export interface ServerConfig extends Environment, ReadLimits {
  readonly entity: LocalEntity;
  /** Schemes accepted from clients. */
  readonly entitySchemes: readonly EntityScheme[];
  readonly userSchemes?: readonly UserScheme[];
  /** In order of preference. */
  readonly keyExchange: readonly KeyExchange[];
  readonly tokenCrypto: TokenCrypto;
  readonly issuer: TokenIssuer;
  readonly capabilities?: CapabilitiesConfig;
  readonly serviceTokens?: ServiceTokenHooks | null;
  readonly allowTruncated?: boolean;
  readonly strictKeyRequests?: boolean;
  /** Infer old-style handshakes also where the `handshake` field is present, as the reference does. */
  readonly inferHandshake?: boolean;
  /** Sessions whose keys stay imported between messages. Default 512. */
  readonly maxCachedSessions?: number;
  readonly errorText?: (code: MslErrorCode, languages: readonly string[]) => string | null;
  readonly onMessage?: (report: MessageReport) => void;
  /** One event an exchange, for logs and counters (`createMetrics`). */
  readonly onEvent?: (event: ServerEvent) => void;
}

export interface ServerRequest extends Incoming {
  readonly masterToken: { readonly serialNumber: number; readonly sequenceNumber: number } | null;
  readonly nonReplayable: boolean;
  /**
   * Whether the sender proved that it is `sender`, with this message or when its session began. False for a name that it
   * only claims (NONE, NONE_SUFFIXED) or was given (PROVISIONED): others may use the same name.
   */
  readonly senderProved: boolean;
  /**
   * Sends a message of its own in place of a response, as often as the handler likes until it returns null; resolves when
   * it left. It issues no tokens but those of a user that it attaches. Clients read such messages with `subscribe`.
   * @throws MslProtectionRequired, MslTransportError, MslUsageError once the handler has returned
   */
  push(init: ResponseInit): Promise<void>;
}

export interface ResponseInit extends Protection {
  readonly body?: Body;
  /** Attaches a user: the response carries a new user ID token for it. */
  readonly user?: string | null;
  readonly serviceTokens?: ServiceTokenHooks | null;
  readonly compress?: boolean | CompressionAlgorithm;
}

/** Instead of a response: refuse the entity or the user, or answer with an error of the table. */
export type RejectInit = { readonly reject: "entity" | "user" } | { readonly error: MslErrorCode };

/** Looks at a request before it is answered, handshakes included; a result refuses it. */
export type Admission = (facts: {
  readonly hasMasterToken: boolean;
  readonly hasUserIdToken: boolean;
}) => Awaitable<RejectInit | null>;

/** Null: no response, since messages were pushed instead, or none is wanted. */
export type RequestHandler = (request: ServerRequest) => Awaitable<ResponseInit | RejectInit | null>;

export interface MslServer {
  /**
   * Receives one message from `reader` and writes what answers it. The handler is not called for handshakes, errors
   * and refused messages. Resolves when the answer is written; rejects only if nothing could be answered.
   */
  receive(
    reader: ByteReader,
    writer: ByteWriter,
    handler: RequestHandler,
    options?: CallOptions & { readonly admit?: Admission },
  ): Promise<void>;
  close(): Promise<void>;
}

// ---------------------------------------------------------------- observation

/** One message sent or received, for logs and counters. Never holds a secret or a decrypted byte. */
export interface MessageReport {
  readonly direction: "in" | "out";
  readonly kind: "message" | "handshake" | "error";
  readonly format: Format;
  /** Bytes of the whole message on the wire. */
  readonly bytes: number;
  readonly messageId: number;
  readonly entityScheme: string | null;
  /** Of the header's master token. */
  readonly sequenceNumber: number | null;
  readonly serialNumber: number | null;
  readonly sender: string | null;
  readonly userScheme: string | null;
  readonly hasUserIdToken: boolean;
  /** Schemes of key request data, or of key response data. */
  readonly keyx: readonly string[];
  readonly renewable: boolean;
  readonly nonReplayableId: number | null;
  readonly encrypted: boolean;
  readonly error: {
    readonly code: MslErrorCode | null;
    readonly internalCode: number | null;
    readonly responseCode: ResponseCode;
  } | null;
  /** Bytes by layer of a message that this side sent or read, where known. */
  readonly layers?: { readonly header: number; readonly payload: number } | null;
}
