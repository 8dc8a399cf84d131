// Answers a failure with an error message: the row of the table, no details, under the sender's entity authentication
// data. Shared by servers and peers.

import type { Core } from "../core/core.ts";
import type { Format } from "../encoding/codec.ts";
import type { EntityAuthData } from "../entity-auth/scheme.ts";
import type { MslErrorCode } from "../errors/codes.ts";
import { MslErrorResponseFailed, type MslProtocolError, MslUsageError, toWireError } from "../errors/msl-error.ts";
import { type Capabilities, intersectCapabilities, preferredFormat } from "../message/capabilities.ts";
import { writeErrorMessage } from "../message/error-header.ts";
import type { MessageHeader } from "../message/header.ts";
import { nextMessageId } from "../message/ids.ts";
import { type Awaitable, chain } from "../platform/awaitable.ts";
import { nowSeconds } from "../platform/clock.ts";
import type { ByteWriter } from "../platform/transport.ts";
import type { LocalEntity, RejectInit, ServerConfig } from "./api.ts";
import { reportSentError } from "./reports.ts";
import { randomId } from "./settings.ts";

export interface ErrorSender {
  readonly core: Core;
  readonly config: Pick<ServerConfig, "entity" | "clock" | "errorText" | "onMessage">;
  readonly capabilities: Capabilities;
}

/** What is known of the message that failed. */
export interface FailedMessage {
  readonly format: Format;
  readonly header: MessageHeader | null;
}

/** @throws MslErrorResponseFailed */
export async function sendError(
  sender: ErrorSender,
  error: unknown,
  failed: FailedMessage,
  writer: Pick<ByteWriter, "write" | "end">,
): Promise<{ readonly error: MslProtocolError; readonly bytes: number }> {
  const wireError = toWireError(error);
  const { core, config, capabilities } = sender;
  const { header } = failed;
  try {
    const known = wireError.context.messageId ?? (error as { context?: { messageId?: number } }).context?.messageId;
    const requestId = header?.messageId ?? known ?? null;
    const messageId = requestId === null ? randomId(core) : nextMessageId(requestId);
    const format = header === null ? failed.format : replyFormat(header, capabilities).format;
    const entityAuth = await ownEntityData(config.entity);
    const { scheme } = config.entity;
    const context = await scheme.cryptoContext(entityAuth);
    const languages = header?.capabilities?.languages ?? [];
    const { code } = wireError;
    const userMessage = WITHOUT_USER_TEXT.has(code) ? null : (config.errorText?.(code, languages) ?? null);
    const timestamp = nowSeconds(config.clock);
    const wire = await writeErrorMessage(format, entityAuth, context, { code, messageId, timestamp, userMessage });
    await writer.write(wire);
    await writer.end();
    reportSentError(config.onMessage, {
      format,
      messageId,
      scheme,
      identity: entityAuth.identity,
      code,
      bytes: wire.length,
    });
    return { error: wireError, bytes: wire.length };
  } catch (cause) {
    throw new MslErrorResponseFailed(error, cause);
  }
}

/** Data of an entity that answers: it must have some. */
export function ownEntityData(entity: LocalEntity): Awaitable<EntityAuthData> {
  return chain(entity.data(null), (data) => {
    if (data === null) throw new MslUsageError("The entity gave no authentication data.");
    return data;
  });
}

/** What both sides can, and the format to answer in. */
export function replyFormat(
  header: MessageHeader,
  own: Capabilities,
): { readonly format: Format; readonly capabilities: Capabilities | null } {
  const capabilities = intersectCapabilities(header.capabilities, own);
  return { format: preferredFormat(own.formats, capabilities), capabilities };
}

/** The error that refuses an entity or a user, by what the request carried. */
export function rejectionCode(reply: RejectInit, header: MessageHeader): MslErrorCode {
  if ("error" in reply) return reply.error;
  if (reply.reject === "entity") {
    return header.masterToken === null ? "ENTITY_REJECTED_BY_APP" : "MASTERTOKEN_REJECTED_BY_APP";
  }
  return header.userIdToken === null ? "USER_REJECTED_BY_APP" : "USERIDTOKEN_REJECTED_BY_APP";
}

const WITHOUT_USER_TEXT: ReadonlySet<MslErrorCode> = new Set([
  "INTERNAL_EXCEPTION",
  "MSL_COMMS_FAILURE",
  "RESPONSE_REQUIRES_ENCRYPTION",
  "RESPONSE_REQUIRES_INTEGRITY_PROTECTION",
  "RESPONSE_REQUIRES_MASTERTOKEN",
]);
