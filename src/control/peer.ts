// A peer: asks and answers, issues tokens for those who talk to it and holds those that they issued ("MSL Control").

import { detectFormat } from "../encoding/codec.ts";
import { MslTransportError, MslUsageError } from "../errors/msl-error.ts";
import { MessageInput } from "../message/message-input.ts";
import type { ByteReader, ByteWriter, Connection, Transport } from "../platform/transport.ts";
import type { RejectInit } from "./api.ts";
import { Continuations } from "./continuations.ts";
import { sendError } from "./error-reply.ts";
import type {
  MslPeer,
  PeerConfig,
  PeerHandler,
  PeerReceived,
  PeerReceiveOptions,
  PeerResponseInit,
  PeerServeOptions,
  PeerSession,
  SessionOptions,
} from "./peer-api.ts";
import { ExchangeChannel, type Handover, type PeerChannel, ServingChannel, StreamChannel } from "./peer-channel.ts";
import { PeerEngine } from "./peer-engine.ts";
import { PeerRequestMessage } from "./peer-incoming.ts";
import { type ReadMessage, readPeerMessage } from "./peer-read.ts";
import { Session } from "./peer-session.ts";

const CONTINUE_MS = 30_000;
const CONTINUATIONS = 1024;

/** @throws CORE_FAILED, MslUsageError */
export async function createPeer(config: PeerConfig): Promise<MslPeer> {
  const engine = new PeerEngine(config, await config.core);
  engine.counterparts.identity = (await config.entity.data(null))?.identity ?? "";
  return new Peer(engine);
}

class Peer implements MslPeer {
  readonly #engine: PeerEngine;
  readonly #continuations: Continuations<Handover>;
  #isClosed = false;

  constructor(engine: PeerEngine) {
    this.#engine = engine;
    const { timers, continueMs = CONTINUE_MS, maxContinuations = CONTINUATIONS } = engine.config;
    this.#continuations = new Continuations({ timers, waitMs: continueMs, limit: maxContinuations });
  }

  session(carrier: Connection | Transport, options: SessionOptions = {}): PeerSession {
    return this.#session(this.#channel(carrier), options.counterpart);
  }

  #session(channel: PeerChannel, counterpart?: string): Session {
    if (this.#isClosed) throw new MslUsageError("The peer is closed.");
    return new Session(this.#engine, channel, counterpart ?? null);
  }

  #channel(carrier: Connection | Transport): PeerChannel {
    const given: Partial<Connection & Transport> = carrier;
    if (typeof given.open === "function") return new ExchangeChannel(this.#engine, carrier as Transport);
    if (given.reader === undefined || given.writer === undefined) {
      throw new MslUsageError("A peer needs a connection, or a transport that opens exchanges.");
    }
    return new StreamChannel(this.#engine, carrier as Connection);
  }

  async serve(connection: Connection, handler: PeerHandler, options: PeerServeOptions = {}): Promise<void> {
    const session = this.#session(this.#channel(connection));
    const { admitNext, onError, ...receiving } = options;
    for (;;) {
      try {
        const admit = admitNext?.();
        const received = await session.receive(admit === undefined ? receiving : { ...receiving, admit });
        if (received.kind === "closed") break;
        if (received.kind === "request") await handle(received, handler);
      } catch (error) {
        if (session.isUsable || !(error instanceof MslTransportError)) onError?.(error);
        if (!session.isUsable) break;
        if (error instanceof MslTransportError) break;
      }
    }
    await session.close();
  }

  async answer(
    reader: ByteReader,
    writer: ByteWriter,
    handler: PeerHandler,
    options: PeerReceiveOptions = {},
  ): Promise<void> {
    if (this.#isClosed) throw new MslUsageError("The peer is closed.");
    const engine = this.#engine;
    const input = new MessageInput(engine.core, reader, engine.limits);
    try {
      const failed = { format: "JSON" as "JSON" | "CBOR", header: null };
      let read: ReadMessage;
      try {
        const object = await input.next();
        if (object === null) return await writer.end();
        failed.format = detectFormat(object[0]!) ?? "JSON";
        const pendingFor = (sender: string | null, id: number) => this.#continuations.pendingFor(sender, id);
        read = await readPeerMessage(engine, object, input, pendingFor, options.serviceTokens ?? null);
      } catch (error) {
        if (error instanceof MslTransportError) throw error;
        await sendError(engine.errors, error, failed, writer);
        return;
      }
      await this.#answerRead(read, writer, handler, options);
    } finally {
      input.cancel();
    }
  }

  async #answerRead(
    read: ReadMessage,
    writer: ByteWriter,
    handler: PeerHandler,
    options: PeerReceiveOptions,
  ): Promise<void> {
    const { header } = read;
    const sender = header.kind === "error" ? header.entityAuth.identity : header.identity;
    const waiting = this.#continuations.take(sender, header.messageId);
    if (waiting !== null) {
      await new Promise<void>((over) => waiting.arrived({ read, writer, over }));
      return;
    }
    const channel = new ServingChannel(this.#continuations, writer, () => {});
    const session = this.#session(channel);
    try {
      const received = await session.receiveMessage(read, options);
      if (received.kind === "request") await handle(received, handler);
    } catch {
      // Answered with an error message, or there is nobody to tell.
    }
    await channel.close();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#continuations.close();
    await this.#engine.close();
  }
}

async function handle(received: PeerReceived & { kind: "request" }, handler: PeerHandler): Promise<void> {
  const { request } = received;
  let reply: PeerResponseInit | RejectInit;
  try {
    reply = await handler(request);
  } catch (error) {
    if (request instanceof PeerRequestMessage && !request.isAnswered) await request.fail(error);
    throw error;
  }
  if (request instanceof PeerRequestMessage && request.isAnswered) return;
  if ("reject" in reply || "error" in reply) return request.reject(reply);
  await request.respond(reply);
}
