// A trusted server: reads one message, answers it. Handshakes are answered by themselves, failures with error messages;
// the application sees requests only. It keeps no sessions: everything it needs is in the tokens.

import { editServiceTokens } from "../builder/service-tokens.ts";
import { responseTokens } from "../builder/response.ts";
import type { Core } from "../core/core.ts";
import { type Compression, compressorOf } from "../encoding/compression.ts";
import { detectFormat, type Format } from "../encoding/codec.ts";
import { MslProtectionRequired, protocolError } from "../errors/msl-error.ts";
import { BodyReader, writeMessage } from "../message/body.ts";
import type { Capabilities } from "../message/capabilities.ts";
import { type MessageHeader, NO_PEER_TOKENS } from "../message/header.ts";
import { type HeaderEnvironment, readHeader } from "../message/header-reader.ts";
import { writeHeader } from "../message/header-writer.ts";
import { nextMessageId } from "../message/ids.ts";
import { type InputLimits, MessageInput } from "../message/message-input.ts";
import { nowSeconds } from "../platform/clock.ts";
import { isPending } from "../platform/awaitable.ts";
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
import { IncomingRequest } from "./incoming.ts";
import { reportError, reportIncoming, reportOutgoing } from "./reports.ts";
import { checkRequest } from "./server-checks.ts";
import { compressionOf, inputLimits, MAX_MESSAGE_BYTES, ownCapabilities, schemeTable } from "./settings.ts";

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
  hasAnswered: boolean;
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
      progress.record.bytesOut = sent.bytes;
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
      await this.#respond(header, { encrypted: false, integrity: false }, writer, deadline, progress, true);
      return;
    }
    const request = this.#request(header, body, deadline);
    let reply: ResponseInit | RejectInit;
    try {
      const handling = deadline.wait(handler(request));
      reply = isPending(handling) ? await handling : handling;
    } finally {
      reportIncoming(this.#config.onMessage, header, input.bytes, false);
    }
    if ("reject" in reply || "error" in reply) protocolError(rejectionCode(reply, header), "message");
    await this.#respond(header, reply, writer, deadline, progress, false);
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

  #request(header: MessageHeader, body: BodyReader, deadline: Deadline): ServerRequest {
    return new IncomingRequest(header, body, {
      maxBytes: this.#limits.maxMessageBytes ?? MAX_MESSAGE_BYTES,
      wait: (value) => deadline.wait(value),
      done() {},
    });
  }

  async #respond(
    request: MessageHeader,
    init: ResponseInit,
    writer: ByteWriter,
    deadline: Deadline,
    progress: Progress,
    isHandshake: boolean,
  ): Promise<void> {
    const { issuer, keyExchange, entity } = this.#config;
    const data = ownEntityData(entity);
    const entityAuth = isPending(data) ? await data : data;
    const { format, capabilities } = replyFormat(request, this.#capabilities);
    const now = nowSeconds(this.#config.clock);
    const around = { core: this.#core, issuer, keyExchange, entityAuth, format, now };
    const tokens = await responseTokens(request, around, init.user ?? null);
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
      handshake: isHandshake,
    });
    const serviceTokens = isPending(edited) ? await edited : edited;
    const context = request.masterToken === null ? await entity.scheme.cryptoContext(entityAuth) : request.context;
    const messageId = nextMessageId(request.messageId);
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
      compressor: init.compress !== false ? best : null,
    };
    const body = isHandshake ? null : repeatableBody(init.body, 0).open();
    const bytes = await writeMessage(wire, body, options, (piece) => {
      progress.hasAnswered = true;
      return deadline.race(writer.write(piece));
    });
    await deadline.race(writer.end());
    progress.record.bytesOut = bytes;
    progress.record.ended(isHandshake ? "handshake" : "response");
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
