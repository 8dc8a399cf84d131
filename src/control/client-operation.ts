// What the parts of a client's operation hand to each other: the operation, what was sent, what came of an attempt.

import type { Format } from "../encoding/codec.ts";
import type { EntityAuthData } from "../entity-auth/scheme.ts";
import type { RequestWishes } from "../builder/request.ts";
import type { BodyReader } from "../message/body.ts";
import type { ConnectionInput } from "../message/connection-input.ts";
import type { ErrorHeader } from "../message/error-header.ts";
import type { MessageHeader } from "../message/header.ts";
import type { ObjectSource } from "../message/message-input.ts";
import type { Lease, StoreEpoch } from "../store/device-store.ts";
import type { MasterToken } from "../tokens/master-token.ts";
import type { UserIdToken } from "../tokens/user-id-token.ts";
import type { RequestInit } from "./api.ts";
import type { RepeatableBody } from "./bodies.ts";
import type { ClientEngine } from "./client-engine.ts";
import type { Deadline } from "./deadline.ts";
import type { RefusedOffer } from "./key-offers.ts";
import type { PendingRequests } from "./requester.ts";
import type { SentTokens } from "./token-selection.ts";

export interface Operation {
  readonly engine: ClientEngine;
  readonly init: RequestInit;
  readonly wishes: RequestWishes;
  readonly body: RepeatableBody;
  /** What is read, beside the replies of handshakes. */
  readonly awaits: "nothing" | "reply" | "pushes";
  readonly deadline: Deadline;
}

export type AttemptOutcome =
  | { readonly kind: "error"; readonly error: ErrorHeader; readonly sent: SentTokens & RefusedOffer }
  | { readonly kind: "sent" }
  | { readonly kind: "handshake-reply"; readonly messageId: number }
  | {
      readonly kind: "reply";
      readonly header: MessageHeader;
      readonly body: BodyReader;
      readonly input: ObjectSource;
      /** Held until the body is over. */
      readonly lease: Lease | null;
      /** What brings the next message, where more may come. */
      readonly pushes: Pushes | null;
    };

/** A connection on which the server says what it likes. */
export interface Pushes {
  readonly sent: SentMessage;
  readonly input: ConnectionInput;
  /** Rejects if the body that this side sends meanwhile cannot be sent; the connection is dropped then. */
  readonly written: Promise<void>;
  /** Why it cannot. */
  failure(): unknown;
  /** Lets go of the connection and of its session. */
  end(isOver: boolean): void;
}

/** A message on its way out. */
export interface Writing {
  readonly done: Promise<void>;
  /** The transport took no more. Otherwise, if it fails, the body did. */
  isCut(): boolean;
}

/** What a reply is read and judged by. */
export interface SentMessage {
  readonly format: Format;
  readonly messageId: number;
  readonly entityAuth: EntityAuthData | null;
  readonly masterToken: MasterToken | null;
  readonly userIdToken: UserIdToken | null;
  readonly handshake: boolean;
  readonly encrypted: boolean;
  readonly integrityProtected: boolean;
  readonly pending: PendingRequests;
  readonly epoch: StoreEpoch;
}
