// The public shapes of a peer: it holds both roles, and issues tokens for those who talk to it.

import type { Format } from "../encoding/codec.ts";
import type { RestoreSession } from "../crypto/crypto-context.ts";
import type { CancelSignal } from "../platform/signal.ts";
import type { MslRemoteError } from "../errors/msl-error.ts";
import type { ByteReader, ByteWriter, Connection, Transport } from "../platform/transport.ts";
import type { StateStorage } from "../store/snapshot-storage.ts";
import type { ServiceToken } from "../tokens/service-token.ts";
import type {
  Admission,
  CallOptions,
  Incoming,
  KeyExchangeSupport,
  Protection,
  RejectInit,
  RequestInit,
  ResponseInit,
  ServerConfig,
  ServerRequest,
  UserSession,
} from "./api.ts";

export interface PeerConfig extends ServerConfig {
  /**
   * Where the tokens that a counterpart issued survive a restart; by default they are kept in memory. Each counterpart
   * has a store of its own, so that no token ever reaches another peer than its issuer.
   */
  readonly storage?: (counterpart: string) => StateStorage | null;
  /** Name of the network that the states belong to; state of another name is refused (STORE_MISMATCH). */
  readonly network?: string | null;
  /** Opens stored sessions whose keys are in hardware (`OpaqueSession.stored`). */
  readonly restoreSession?: RestoreSession | null;
  /** Of each counterpart for itself. */
  readonly keyExchangeSupport?: KeyExchangeSupport;
  /** Counterparts whose tokens are kept in memory at a time. Default 1024. */
  readonly maxCounterparts?: number;
  /** Format of the first message to a counterpart that has not said what it reads. Default JSON. */
  readonly firstFormat?: Format;
  /** Refuse messages and errors of any other entity. */
  readonly expectSender?: string | null;
  /** Reply protection asked for by default; without it a reply must be protected as its request was. */
  readonly requireReply?: Protection | null;
  /** Bytes of a one-shot body kept for resending. Default 1 MiB. */
  readonly resendBytes?: number;
  /** Over HTTP: how long the continuation of an exchange is awaited. Default 30 000. */
  readonly continueMs?: number;
  /** Over HTTP: exchanges that may await their continuation at a time. Default 1024. */
  readonly maxContinuations?: number;
}

export interface PeerRequestInit extends RequestInit {
  /** Attaches a user of the counterpart, where this side has issued it a master token. */
  readonly remoteUser?: string | null;
}

export interface PeerResponseInit extends CallOptions, ResponseInit {
  /** A user of this side, to log in at the counterpart. */
  readonly localUser?: UserSession | null;
  readonly nonReplayable?: boolean;
}

/** A message between peers. `serviceTokens` are those of the sender; `peerServiceTokens` were issued for this side. */
export interface PeerIncoming extends Incoming {
  readonly peerServiceTokens: readonly ServiceToken[];
}

export interface PeerRequest extends Omit<ServerRequest, "push">, PeerIncoming {
  /**
   * Answers, with a handshake first where the answer could not be protected otherwise. Resolves with what the sender
   * said to the answer, if it had to say something; reading it waits for what the sender still sends.
   * @throws MslProtectionRequired if an error went out instead, MslRemoteError, MslLimitError, MslTransportError …
   */
  respond(init: PeerResponseInit): Promise<PeerIncoming | null>;
  /** Refuses entity or user, or answers with an error of the table. */
  reject(reply: RejectInit): Promise<void>;
}

export type PeerReceived =
  | { readonly kind: "request"; readonly request: PeerRequest }
  /** The counterpart sent an error message; it is never answered. */
  | { readonly kind: "error"; readonly error: MslRemoteError }
  /** The connection ended between two messages. */
  | { readonly kind: "closed" };

export interface PeerReceiveOptions extends CallOptions, Pick<RequestInit, "serviceTokens"> {
  readonly localUser?: UserSession | null;
  readonly admit?: Admission;
}

/** Messages with one counterpart, alternating. */
export interface PeerSession {
  /** @throws as MslClient.request */
  request(init: PeerRequestInit): Promise<PeerIncoming>;
  /** Sends without awaiting an answer; a handshake that is needed first is awaited. */
  send(init: PeerRequestInit): Promise<void>;
  /**
   * Awaits a message; handshakes are answered by themselves. A message that is refused is answered with an error
   * message, and its error thrown; the connection can be used further unless `isUsable` says otherwise.
   */
  receive(options?: PeerReceiveOptions): Promise<PeerReceived>;
  /** False after a failure behind which no message can be told from another. */
  readonly isUsable: boolean;
  /** The newest master token that the counterpart issued. */
  readonly masterToken: { readonly serialNumber: number; readonly sequenceNumber: number } | null;
  hasUser(id: string): boolean;
  /** Forgets a user's token of this counterpart; a reply under way does not bring it back. */
  forgetUser(id: string): Promise<void>;
  /** Forgets all tokens that the counterpart issued; a reply under way does not bring them back. */
  clear(): Promise<void>;
  /** Finishes what is being sent, then drops the connection, if there is one. */
  close(): Promise<void>;
}

export interface SessionOptions {
  /** Name under which the tokens that the other side issues are kept. Default: `expectSender`, else "". */
  readonly counterpart?: string;
}

export type PeerHandler = (
  request: PeerRequest,
) => Promise<PeerResponseInit | RejectInit> | PeerResponseInit | RejectInit;

export interface PeerServeOptions extends PeerReceiveOptions {
  /** Failures of single messages, answered or not. */
  readonly onError?: (error: unknown) => void;
  /** Asked before each message is awaited. */
  readonly admitNext?: () => Admission;
}

export interface MslPeer {
  /** A connection carries many messages, both ways; a transport opens one exchange for each message and its reply. */
  session(carrier: Connection | Transport, options?: SessionOptions): PeerSession;
  /** Answers what arrives on a connection until it ends. */
  serve(connection: Connection, handler: PeerHandler, options?: PeerServeOptions): Promise<void>;
  /** Answers one message that came in an exchange of its own, as over HTTP; what follows it comes in others. */
  answer(
    reader: ByteReader,
    writer: ByteWriter,
    handler: PeerHandler,
    options?: PeerReceiveOptions & { readonly signal?: CancelSignal | null },
  ): Promise<void>;
  /** Waits for saves, clears all keys. */
  close(): Promise<void>;
}
