// Makes the reports that logs and counters are built from. Never a secret, never a decrypted byte.

import type { EntityScheme } from "../entity-auth/scheme.ts";
import { ERRORS, errorName, type MslErrorCode } from "../errors/codes.ts";
import type { ErrorHeader } from "../message/error-header.ts";
import type { MessageHeader } from "../message/header.ts";
import type { OutgoingHeader } from "../message/header-writer.ts";
import type { Format } from "../encoding/codec.ts";
import type { MessageReport } from "./api.ts";

type Listener = ((report: MessageReport) => void) | undefined;

export function reportOutgoing(
  listener: Listener,
  header: OutgoingHeader,
  sizes: { readonly bytes: number; readonly headerBytes: number; readonly scheme: EntityScheme },
): void {
  if (listener === undefined) return;
  const { masterToken, entityAuth, keyResponse } = header;
  listener({
    direction: "out",
    kind: header.handshake ? "handshake" : "message",
    format: header.format,
    bytes: sizes.bytes,
    messageId: header.messageId,
    entityScheme: masterToken === null ? (entityAuth?.scheme ?? null) : null,
    sequenceNumber: masterToken?.sequenceNumber ?? null,
    serialNumber: masterToken?.serialNumber ?? null,
    sender: entityAuth?.identity ?? null,
    userScheme: header.userAuth?.scheme ?? null,
    hasUserIdToken: header.userIdToken !== null,
    keyx: keyResponse === null ? [...new Set(header.keyRequests.map((r) => r.scheme))] : [keyResponse.scheme],
    renewable: header.renewable,
    nonReplayableId: header.nonReplayableId,
    encrypted: masterToken !== null || keyResponse !== null || sizes.scheme.encrypts,
    error: null,
    layers: { header: sizes.headerBytes, payload: sizes.bytes - sizes.headerBytes },
  });
}

export function reportIncoming(listener: Listener, header: MessageHeader, bytes: number, isHandshake: boolean): void {
  if (listener === undefined) return;
  const { masterToken, entityAuth, keyResponse } = header;
  listener({
    direction: "in",
    kind: isHandshake ? "handshake" : "message",
    format: header.format,
    bytes,
    messageId: header.messageId,
    entityScheme: entityAuth?.scheme ?? null,
    sequenceNumber: masterToken?.sequenceNumber ?? null,
    serialNumber: masterToken?.serialNumber ?? null,
    sender: header.identity,
    userScheme: header.userScheme,
    hasUserIdToken: header.userIdToken !== null,
    keyx: keyResponse === null ? header.keyRequestSchemes : [keyResponse.scheme],
    renewable: header.renewable,
    nonReplayableId: header.nonReplayableId,
    encrypted: header.encrypted,
    error: null,
    layers: { header: header.wireBytes, payload: bytes - header.wireBytes },
  });
}

export function reportError(listener: Listener, direction: "in" | "out", header: ErrorHeader, bytes: number): void {
  const code = header.internalCode === null ? null : errorName(header.internalCode);
  errorReport(listener, direction, bytes, {
    format: header.format,
    messageId: header.messageId,
    entityScheme: header.entityAuth.scheme,
    sender: header.entityAuth.identity,
    encrypted: header.encrypted,
    error: { code, internalCode: header.internalCode, responseCode: header.responseCode },
  });
}

export function reportSentError(
  listener: Listener,
  fields: {
    readonly format: Format;
    readonly messageId: number;
    readonly scheme: EntityScheme;
    readonly identity: string;
    readonly code: MslErrorCode;
    readonly bytes: number;
  },
): void {
  const [internalCode, responseCode] = ERRORS[fields.code];
  errorReport(listener, "out", fields.bytes, {
    format: fields.format,
    messageId: fields.messageId,
    entityScheme: fields.scheme.name,
    sender: fields.identity,
    encrypted: fields.scheme.encrypts,
    error: { code: fields.code, internalCode, responseCode },
  });
}

function errorReport(
  listener: Listener,
  direction: "in" | "out",
  bytes: number,
  fields: Pick<MessageReport, "format" | "messageId" | "entityScheme" | "sender" | "encrypted" | "error">,
): void {
  listener?.({
    ...fields,
    direction,
    kind: "error",
    bytes,
    sequenceNumber: null,
    serialNumber: null,
    userScheme: null,
    hasUserIdToken: false,
    keyx: [],
    renewable: false,
    nonReplayableId: null,
    layers: { header: bytes, payload: 0 },
  });
}
