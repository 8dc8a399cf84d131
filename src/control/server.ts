// A trusted server: reads one message, answers it. Handshakes are answered by themselves, failures with error messages;
// the application sees requests only. It keeps no sessions: everything it needs is in the tokens.

import { editServiceTokens } from "../builder/service-tokens.ts";
import { pushedTokens, responseTokens } from "../builder/response.ts";
import type { Core } from "../core/core.ts";
import { type Compression, compressionOptions, compressorOf } from "../encoding/compression.ts";
import { detectFormat, type Format } from "../encoding/codec.ts";
import { MslProtectionRequired, MslUsageError, protocolError } from "../errors/msl-error.ts";
import { BodyReader, writeMessage } from "../message/body.ts";
import type { Capabilities } from "../message/capabilities.ts";
import { type MessageHeader, NO_PEER_TOKENS } from "../message/header.ts";
import { type HeaderEnvironment, readHeader } from "../message/header-reader.ts";
import { writeHeader } from "../message/header-writer.ts";
import { nextMessageId } from "../message/ids.ts";
import { type InputLimits, MessageInput } from "../message/message-input.ts";
import { nowSeconds } from "../platform/clock.ts";
import { type Awaitable, isPending } from "../platform/awaitable.ts";
import type { ByteReader, ByteWriter } from "../platform/transport.ts";
import { SessionCache, type VerifiedMasterToken } from "../tokens/master-token.ts";
import type {
  Admission,
  CallOptions,
  MslServer,
  RejectInit,
  RequestHandler,
  ResponseInit,
  ServerConfig,
  ServerRequest,
} from "./api.ts";
import { repeatableBody } from "./bodies.ts";
import { Deadline } from "./deadline.ts";
import { type ErrorSender, ownEntityData, rejectionCode, replyFormat, sendError } from "./error-reply.ts";
import { ExchangeRecord } from "./events.ts";
import { PushableRequest } from "./incoming.ts";
import { reportError, reportIncoming, reportOutgoing } from "./reports.ts";
import { checkRequest } from "./server-checks.ts";
import { compressionOf, inputLimits, MAX_MESSAGE_BYTES, ownCapabilities, randomId, schemeTable } from "./settings.ts";

/** Sessions that stay imported between messages, unless configured. */
const CACHED_SESSIONS = 512;

/** @throws CORE_FAILED, MslUsageError */
export async function createServer(config: ServerConfig): Promise<MslServer> {
  return new Server(config, await config.core);
}

/** What is known of the message being answered, for error replies. */
interface Progress {
  format: Format;
  header: MessageHeader | null;
  /** Part of a message left, or all of the answer: nothing can be said any more. */
  hasAnswered: boolean;
  /** The messages pushed so far, one after another; null: none may follow. */
  pushing: Promise<void> | null;
  hasPushed: boolean;
  readonly admit: Admission | null;
  /** Let go of the sessions that the message uses. */
  readonly releases: (() => void)[];
  readonly record: ExchangeRecord;
}

class Server implements MslServer {
  readonly #config: ServerConfig;
  readonly #core: Core;
  readonly #limits: InputLimits;
  readonly #compression: Compression;
  readonly #capabilities: Capabilities;
  readonly #cache: SessionCache<VerifiedMasterToken>;
  readonly #environment: HeaderEnvironment;
  readonly #sender: ErrorSender;

  constructor(config: ServerConfig, core: Core) {
    this.#config = config;
    this.#core = core;
    this.#limits = inputLimits(config);
    this.#compression = compressionOf(config.gzip, this.#limits);
    this.#capabilities = ownCapabilities(config.capabilities, config.gzip, config.keyExchange);
    this.#cache = new SessionCache(config.maxCachedSessions ?? CACHED_SESSIONS);
    schemeTable(config.keyExchange);
    this.#sender = { core, config, capabilities: this.#capabilities };
    this.#environment = {
      core,
      compression: this.#compression,
      entitySchemes: schemeTable(config.entitySchemes),
      userSchemes: schemeTable(config.userSchemes ?? []),
      keyExchange: config.keyExchange,
      strictKeyRequests: config.strictKeyRequests === true,
      tokenCrypto: config.tokenCrypto,
      sessionCache: this.#cache,
      knownToken: null,
      sessionFor: () => null,
      // A server asks for no keys. The token inside would speak for another entity than the header, unjudged.
      completeExchange: () => protocolError("KEYX_RESPONSE_REQUEST_MISMATCH", "headerdata.keyresponsedata"),
      serviceTokenContext: (name) => config.serviceTokens?.crypto?.(name) ?? null,
    };
  }

  async receive(
    reader: ByteReader,
    writer: ByteWriter,
    handler: RequestHandler,
    options: CallOptions & { readonly admit?: Admission } = {},
  ): Promise<void> {
    const deadline = new Deadline(this.#config.timers, options.timeoutMs ?? null, options.signal ?? null);
    const input = new MessageInput(this.#core, reader, this.#limits);
    const progress: Progress = {
      format: "JSON",
      header: null,
      hasAnswered: false,
      pushing: Promise.resolve(),
      hasPushed: false,
      admit: options.admit ?? null,
      releases: [],
      record: new ExchangeRecord(this.#config.clock.nowMs()),
    };
    try {
      await this.#answer(input, writer, handler, deadline, progress);
    } catch (error) {
      progress.record.ended("failed", error);
      deadline.check();
      if (progress.hasAnswered) throw error;
      const sent = await sendError(this.#sender, error, progress, writer);
      progress.record.bytesOut += sent.bytes;
      progress.record.ended("error", sent.error);
    } finally {
      for (const release of progress.releases) release();
      input.cancel();
      deadline.end();
      this.#config.onEvent?.(progress.record.event(this.#config.clock.nowMs(), input.bytes));
    }
  }

  async #answer(
    input: MessageInput,
    writer: ByteWriter,
    handler: RequestHandler,
    deadline: Deadline,
    progress: Progress,
  ): Promise<void> {
    const object = await deadline.race(input.next());
    if (object === null) return protocolError("MSL_PARSE_ERROR", "message");
    progress.format = detectFormat(object[0]!) ?? "JSON";
    const header = await readHeader(object, this.#environment);
    if (header.kind === "error") {
      // Delivered to the log, never answered.
      reportError(this.#config.onMessage, "in", header, object.length);
      progress.record.ended("received-error");
      progress.hasAnswered = true;
      await writer.end();
      return;
    }
    progress.header = header;
    progress.record.read(header);
    const session = header.masterToken?.verified ?? null;
    if (session !== null) progress.releases.push(this.#cache.hold(session));
    const now = nowSeconds(this.#config.clock);
    await checkRequest(header, this.#config.issuer, now);
    const body = new BodyReader(input, {
      context: header.payloadContext,
      messageId: header.messageId,
      compression: this.#compression,
      allowTruncated: this.#config.allowTruncated === true,
      isEmpty: header.handshake === true,
    });
    const isHandshake =
      header.handshake === true || (this.#mayBeOldHandshake(header) && (await this.#isOldHandshake(body, deadline)));
    const refusal =
      progress.admit === null
        ? null
        : await progress.admit({
            hasMasterToken: header.masterToken !== null,
            hasUserIdToken: header.userIdToken !== null,
          });
    if (refusal) {
      reportIncoming(this.#config.onMessage, header, input.bytes, isHandshake);
      return protocolError(rejectionCode(refusal, header), "message");
    }
    if (isHandshake) {
      reportIncoming(this.#config.onMessage, header, input.bytes, true);
      await this.#write(header, { encrypted: false, integrity: false }, writer, deadline, progress, "handshake");
      return;
    }
    const request = this.#request(header, body, writer, deadline, progress);
    let reply: ResponseInit | RejectInit | null;
    try {
      const handling = deadline.wait(handler(request));
      reply = isPending(handling) ? await handling : handling;
    } finally {
      const { pushing } = progress;
      progress.pushing = null;
      if (progress.hasPushed) await deadline.race(pushing ?? Promise.resolve());
      reportIncoming(this.#config.onMessage, header, input.bytes, false);
    }
    if (reply === null) {
      progress.hasAnswered = true;
      await deadline.race(writer.end());
      progress.record.ended("response");
      return;
    }
    if ("reject" in reply || "error" in reply) protocolError(rejectionCode(reply, header), "message");
    if (progress.hasPushed) throw new MslUsageError("A request that was pushed to has no response.");
    await this.#write(header, reply, writer, deadline, progress, "response");
  }

  /** Old senders leave the flag out and send one empty last chunk. */
  #mayBeOldHandshake(header: MessageHeader): boolean {
    const isInferable = header.handshake === null || this.#config.inferHandshake === true;
    return isInferable && header.renewable && header.keyRequestCount > 0;
  }

  async #isOldHandshake(body: BodyReader, deadline: Deadline): Promise<boolean> {
    const first = await deadline.wait(body.peek());
    return first?.endOfMessage === true && first.data.length === 0;
  }

  #request(
    header: MessageHeader,
    body: BodyReader,
    writer: ByteWriter,
    deadline: Deadline,
    progress: Progress,
  ): ServerRequest {
    const options = {
      maxBytes: this.#limits.maxMessageBytes ?? MAX_MESSAGE_BYTES,
      wait: <T>(value: Awaitable<T>) => deadline.wait(value),
      done() {},
    };
    return new PushableRequest(header, body, options, async (init) => {
      if (progress.pushing === null) throw new MslUsageError("The request is over.");
      progress.hasPushed = true;
      const before = progress.pushing;
      const pushed = before.then(() => this.#write(header, init, writer, deadline, progress, "push"));
      // A failure is its caller's. Half a message is nothing that another could follow.
      progress.pushing = pushed.catch((error) => {
        if (progress.hasAnswered) throw error;
      });
      progress.pushing.catch(() => {});
      await pushed;
    });
  }

  /** Writes one message: what answers the request, or one that is pushed. */
  async #write(
    request: MessageHeader,
    init: ResponseInit,
    writer: ByteWriter,
    deadline: Deadline,
    progress: Progress,
    kind: "response" | "handshake" | "push",
  ): Promise<void> {
    const { issuer, keyExchange, entity } = this.#config;
    const data = ownEntityData(entity);
    const entityAuth = isPending(data) ? await data : data;
    const { format, capabilities } = replyFormat(request, this.#capabilities);
    const now = nowSeconds(this.#config.clock);
    const around = { core: this.#core, issuer, keyExchange, entityAuth, format, now };
    const issuing = kind === "push" ? pushedTokens : responseTokens;
    const tokens = await issuing(request, around, init.user ?? null);
    progress.record.issued(request, tokens);
    const issued = tokens.keyResponse?.masterToken ?? null;
    if (issued !== null) {
      progress.releases.push(this.#cache.hold(issued.verified));
      this.#cache.set(issued);
    }
    const hasSession = request.masterToken !== null || issued !== null;
    requireProtection(init, hasSession, entity.scheme);
    if ((init.user ?? null) !== null && !hasSession) throw new MslProtectionRequired("RESPONSE_REQUIRES_MASTERTOKEN");
    const masterToken = issued ?? request.masterToken;
    const best = compressorOf(capabilities?.compression, this.#config.gzip);
    const hooks = init.serviceTokens ?? this.#config.serviceTokens ?? null;
    const { userIdToken } = tokens;
    const edited = editServiceTokens(tokens.serviceTokens, {
      format,
      masterToken,
      userIdToken,
      compressor: best,
      hooks,
      handshake: kind === "handshake",
    });
    const serviceTokens = isPending(edited) ? await edited : edited;
    const context = request.masterToken === null ? await entity.scheme.cryptoContext(entityAuth) : request.context;
    const messageId = kind === "push" ? randomId(this.#core) : nextMessageId(request.messageId);
    const header = {
      format,
      entityAuth: request.masterToken === null ? entityAuth : null,
      masterToken: request.masterToken,
      context,
      sender: entityAuth.identity,
      timestamp: now,
      messageId,
      nonReplayableId: null,
      renewable: false,
      handshake: false,
      capabilities,
      keyRequests: [],
      keyResponse: tokens.keyResponse,
      userAuth: null,
      userIdToken: tokens.userIdToken,
      serviceTokens,
      peer: NO_PEER_TOKENS,
    };
    const wire = await writeHeader(header);
    const options = {
      context: issued?.verified.context ?? context,
      messageId,
      format,
      ...compressionOptions(capabilities?.compression, this.#config.gzip, init.compress ?? true),
    };
    const body = kind === "handshake" ? null : repeatableBody(init.body, 0);
    const put = (piece: Uint8Array) => {
      progress.hasAnswered = true;
      return deadline.race(writer.write(piece));
    };
    const flush = async () => deadline.wait(writer.flush?.());
    let bytes: number;
    try {
      bytes = await writeMessage(wire, body?.open() ?? null, options, put, flush);
    } finally {
      body?.end();
    }
    if (kind === "push") {
      await flush();
      progress.hasAnswered = false;
    } else {
      await deadline.race(writer.end());
    }
    progress.record.bytesOut += bytes;
    if (kind !== "push") progress.record.ended(kind);
    const sizes = { bytes, headerBytes: wire.length, scheme: entity.scheme };
    reportOutgoing(this.#config.onMessage, header, sizes);
  }

  async close(): Promise<void> {
    this.#cache.clear();
  }
}

function requireProtection(
  init: ResponseInit,
  hasSession: boolean,
  scheme: { readonly encrypts: boolean; readonly protectsIntegrity: boolean },
): void {
  if (hasSession) return;
  if (init.integrity !== false && !scheme.protectsIntegrity) {
    throw new MslProtectionRequired("RESPONSE_REQUIRES_INTEGRITY_PROTECTION");
  }
  if (init.encrypted !== false && !scheme.encrypts) throw new MslProtectionRequired("RESPONSE_REQUIRES_ENCRYPTION");
}
