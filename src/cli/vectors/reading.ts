// Reads recorded messages through the library's own readers, as a server of the network or as its client.

import type { CryptoContext } from "../../crypto/crypto-context.ts";
import { sessionContext } from "../../crypto/session.ts";
import { protocolError } from "../../errors/msl-error.ts";
import type { KeyRequest } from "../../key-exchange/scheme.ts";
import { BodyReader } from "../../message/body.ts";
import type { ErrorHeader } from "../../message/error-header.ts";
import { type CompletedExchange, headerBinding, type MessageHeader } from "../../message/header.ts";
import {
  type HeaderEnvironment,
  type HeaderOrigin,
  type ReceivedKeyResponse,
  readHeader,
} from "../../message/header-reader.ts";
import { MessageInput } from "../../message/message-input.ts";
import type { ByteReader } from "../../platform/transport.ts";
import type { MasterToken } from "../../tokens/master-token.ts";
import { issuerCrypto, serviceTokenContext } from "./contexts.ts";
import { entitySchemes, keyExchanges, type Receiver, userSchemes } from "./schemes.ts";
import { fail } from "./vector.ts";

const LIMITS = { maxObjectBytes: 1 << 20, maxMessageBytes: 1 << 22 };

/** What a client kept from its request. */
export interface ClientMemory {
  readonly identity: string;
  /** Context of a master token that the client holds. */
  readonly sessionFor: (token: MasterToken) => CryptoContext | null;
  readonly pending: readonly KeyRequest[];
  readonly request: HeaderOrigin;
}

/** The surroundings of a server, which reads tokens with the issuer's keys. */
export function serverEnvironment(receiver: Receiver): HeaderEnvironment {
  return {
    ...shared(receiver),
    userSchemes: userSchemes(receiver),
    tokenCrypto: issuerCrypto(receiver.bench),
    sessionFor: () => null,
    completeExchange: () => fail("a request answers no key request"),
  };
}

/** The surroundings of a client, to which tokens are opaque. */
export function clientEnvironment(receiver: Receiver, memory: ClientMemory): HeaderEnvironment {
  return {
    ...shared(receiver),
    userSchemes: new Map(),
    tokenCrypto: null,
    sessionFor: memory.sessionFor,
    completeExchange: (response, origin) => complete(receiver, memory, response, origin),
  };
}

function shared(receiver: Receiver) {
  const { bench } = receiver;
  return {
    core: bench.core,
    gzip: bench.gzip,
    entitySchemes: entitySchemes(receiver),
    keyExchange: keyExchanges(receiver),
    strictKeyRequests: bench.switches.strictKeyRequests,
    sessionCache: null,
    serviceTokenContext: (name: string) => serviceTokenContext(bench, name),
  };
}

/** Completes the exchange with the first pending request of its scheme. */
async function complete(
  receiver: Receiver,
  memory: ClientMemory,
  response: ReceivedKeyResponse,
  origin: HeaderOrigin,
): Promise<CompletedExchange> {
  const { bench } = receiver;
  const exchange = keyExchanges(receiver).find((candidate) => candidate.name === response.scheme);
  const request = memory.pending.find((candidate) => candidate.scheme === response.scheme);
  if (exchange === undefined || request === undefined) return protocolError("KEYX_RESPONSE_REQUEST_MISMATCH");
  const keys = await exchange.complete(request, response.keydata, {
    identity: memory.identity,
    request: headerBinding(memory.request.entityAuth, memory.request.masterToken),
    response: headerBinding(origin.entityAuth, origin.masterToken),
  });
  const { masterToken, scheme } = response;
  const context = bench.own(sessionContext(bench.core, memory.identity, masterToken.sequenceNumber, keys));
  return { scheme, masterToken, context };
}

export interface ReadMessage {
  readonly header: MessageHeader | ErrorHeader;
  /** The header object on the wire, and the chunks after it. */
  readonly objects: readonly Uint8Array[];
  readonly applicationData: Uint8Array;
  readonly isComplete: boolean;
}

/** Reads a whole message. @throws what the readers raise */
export async function readMessage(
  wire: Uint8Array,
  env: HeaderEnvironment,
  allowTruncated: boolean,
): Promise<ReadMessage> {
  const objects = await objectsOf(wire, env);
  const header = await readHeader(objects[0] ?? protocolError("MSL_PARSE_ERROR", "message"), env);
  if (header.kind === "error") return { header, objects, applicationData: new Uint8Array(0), isComplete: true };
  const input = inputOf(wire, env);
  await input.next();
  const body = new BodyReader(input, {
    context: header.payloadContext,
    messageId: header.messageId,
    gzip: env.gzip,
    allowTruncated,
    isEmpty: header.handshake === true,
  });
  const applicationData = await body.all(LIMITS.maxMessageBytes);
  return { header, objects, applicationData, isComplete: body.isComplete };
}

/** The objects that a message consists of. */
async function objectsOf(wire: Uint8Array, env: HeaderEnvironment): Promise<Uint8Array[]> {
  const input = inputOf(wire, env);
  const objects: Uint8Array[] = [];
  for (let object = await input.next(); object !== null; object = await input.next()) objects.push(object);
  return objects;
}

function inputOf(wire: Uint8Array, env: HeaderEnvironment): MessageInput {
  return new MessageInput(env.core, readerOf(wire), LIMITS);
}

/** A source that gives the message in two pieces. */
export function readerOf(wire: Uint8Array): ByteReader {
  const middle = wire.length >> 1;
  const pieces = [wire.subarray(0, middle), wire.subarray(middle)].filter((piece) => piece.length > 0);
  return {
    read: async () => pieces.shift() ?? null,
    cancel() {
      pieces.length = 0;
    },
  };
}
