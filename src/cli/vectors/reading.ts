// Reads recorded messages through the library's own readers, as a server of the network or as its client.

import type { CryptoContext } from "../../crypto/crypto-context.ts";
import { ClientEngine } from "../../control/client-engine.ts";
import { none, noneData } from "../../entity-auth/none.ts";
import { MslError, protocolError } from "../../errors/msl-error.ts";
import type { KeyRequest } from "../../key-exchange/scheme.ts";
import { BodyReader } from "../../message/body.ts";
import type { ErrorHeader } from "../../message/error-header.ts";
import type { MessageHeader } from "../../message/header.ts";
import { type HeaderEnvironment, type HeaderOrigin, readHeader } from "../../message/header-reader.ts";
import { MessageInput } from "../../message/message-input.ts";
import type { ByteReader } from "../../platform/transport.ts";
import { concatBytes } from "../../transport/bytes.ts";
import type { MasterToken } from "../../tokens/master-token.ts";
import type { Clock } from "../../platform/clock.ts";
import { DeviceStore } from "../../store/device-store.ts";
import { entitySchemes, keyExchanges, type Receiver, userSchemes } from "./schemes.ts";
import type { Bench } from "./spec.ts";
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
    tokenCrypto: receiver.bench.keys.issuer,
    sessionFor: () => null,
    completeExchange: ({ scheme, masterToken }) => {
      const { context } = masterToken.verified ?? fail("the new master token is not verified");
      return { scheme, masterToken, context };
    },
  };
}

/** The surroundings of a client as its own engine makes them, with the master tokens that the record says it holds. */
export async function clientEnvironment(receiver: Receiver, memory: ClientMemory): Promise<HeaderEnvironment> {
  const { bench } = receiver;
  const { entitySchemes: schemes, keyExchange, core } = shared(receiver);
  const config = {
    core,
    gzip: bench.gzip,
    clock: clockOf(bench),
    timers: null,
    transport: { open: () => fail("a reader sends nothing") },
    entity: { scheme: none(), data: () => noneData(memory.identity) },
    serverSchemes: [...schemes.values()],
    keyExchange,
  };
  const engine = new ClientEngine(config, core, await DeviceStore.open(core, memory.identity, null));
  const pending = { requests: memory.pending, origin: memory.request, identity: memory.identity };
  const hooks = { crypto: (name: string) => bench.keys.serviceToken(name) };
  const isReply = () => {}; // the records have no message that this one answers
  const env = engine.readEnvironment(pending, hooks, isReply, (exchange) => bench.own(exchange.context));
  return { ...env, sessionFor: memory.sessionFor };
}

/** The clock that all parties of a file had. */
export function clockOf(bench: Bench): Clock {
  const { now } = bench.common;
  if (typeof now !== "number") return fail("the file has no clock");
  return { nowMs: () => now };
}

function shared(receiver: Receiver) {
  const { bench } = receiver;
  return {
    core: bench.core,
    compression: bench.compression,
    entitySchemes: entitySchemes(receiver),
    keyExchange: keyExchanges(receiver),
    strictKeyRequests: bench.switches.strictKeyRequests,
    sessionCache: null,
    knownToken: null,
    serviceTokenContext: (name: string) => bench.keys.serviceToken(name),
  };
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
    compression: env.compression,
    allowTruncated,
    isEmpty: header.handshake === true,
  });
  const applicationData = await body.all(LIMITS.maxMessageBytes);
  return { header, objects, applicationData, isComplete: body.isComplete };
}

/** What reading came to: the header if it was accepted, the data before an error, and the error. */
export interface Reading {
  readonly header: MessageHeader | ErrorHeader | null;
  readonly applicationData: Uint8Array;
  readonly error: MslError | null;
}

/** Reads as far as it goes. Other failures than MSL errors are the caller's. */
export async function readStages(wire: Uint8Array, env: HeaderEnvironment, allowTruncated: boolean): Promise<Reading> {
  const input = inputOf(wire, env);
  const pieces: Uint8Array[] = [];
  let header: MessageHeader | ErrorHeader | null = null;
  try {
    header = await readHeader((await input.next()) ?? protocolError("MSL_PARSE_ERROR", "message"), env);
    if (header.kind === "message") {
      const body = new BodyReader(input, {
        context: header.payloadContext,
        messageId: header.messageId,
        compression: env.compression,
        allowTruncated,
        isEmpty: header.handshake === true,
      });
      for (let piece = await body.next(); piece !== null; piece = await body.next()) pieces.push(piece);
    }
    return { header, applicationData: concatBytes(pieces), error: null };
  } catch (error) {
    if (!(error instanceof MslError)) throw error;
    return { header, applicationData: concatBytes(pieces), error };
  }
}

/** The objects that a message consists of. */
export async function objectsOf(wire: Uint8Array, env: HeaderEnvironment): Promise<Uint8Array[]> {
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
