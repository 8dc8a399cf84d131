// Error classes, split by what the caller does next. No message, `where` or cause ever holds a value that was
// received, decrypted or secret: `where` is a path such as `headerdata.servicetokens[2].name`.

import { ERRORS, LOCAL_ERRORS, type LocalErrorCode, type MslErrorCode, type ResponseCode } from "./codes.ts";

/** Facts about the message an error belongs to; set once, by whoever opens the header. */
export interface ErrorContext {
  messageId?: number;
  /** Entity identity of the sender, where known. */
  entity?: string;
}

/** Base of everything this library throws. `code` is stable. */
export class MslError extends Error {
  readonly code: MslErrorCode | LocalErrorCode;
  readonly where: string | null;
  readonly context: ErrorContext = {};

  constructor(code: MslErrorCode | LocalErrorCode, text: string, where: string | null, cause?: unknown) {
    super(where === null ? `${code}: ${text}` : `${code}: ${text} (at ${where})`, cause === undefined ? {} : { cause });
    this.name = new.target.name;
    this.code = code;
    this.where = where;
  }
}

/** A peer broke a rule of the protocol, or we must refuse what it asked: a row of the error table. */
export class MslProtocolError extends MslError {
  declare readonly code: MslErrorCode;
  /** Number on the wire. */
  readonly internalCode: number;
  /** What the receiver of the error acts on, 1..10. */
  readonly responseCode: ResponseCode;

  constructor(code: MslErrorCode, where: string | null = null, cause?: unknown) {
    const [internalCode, responseCode, text] = ERRORS[code];
    super(code, text, where, cause);
    this.internalCode = internalCode;
    this.responseCode = responseCode;
  }
}

/** A failure of this side without a number of its own; it never travels. */
export class MslLocalError extends MslError {
  declare readonly code: LocalErrorCode;

  constructor(code: LocalErrorCode, detail: string | null = null, where: string | null = null, cause?: unknown) {
    super(code, detail === null ? LOCAL_ERRORS[code] : `${LOCAL_ERRORS[code]} ${detail}`, where, cause);
  }
}

/** The caller used the library wrongly; thrown at once, never sent. */
export class MslUsageError extends MslLocalError {
  constructor(detail: string) {
    super("USAGE", detail);
  }
}

/** The cryptographic core is missing, broken or dead. */
export class MslCoreError extends MslLocalError {
  constructor(detail: string, cause?: unknown) {
    super("CORE_FAILED", detail, null, cause);
  }
}

/** Bytes could not be carried to or from the peer. */
export class MslTransportError extends MslLocalError {
  /** Whether trying the same again can help. */
  readonly retryable: boolean;

  constructor(detail: string, retryable: boolean, cause?: unknown) {
    super("TRANSPORT", detail, null, cause);
    this.retryable = retryable;
  }
}

/** The operation's deadline passed. */
export class MslTimeoutError extends MslLocalError {
  readonly phase: "connect" | "renewal" | "io" | "unread";

  constructor(phase: "connect" | "renewal" | "io" | "unread") {
    super("TIMEOUT", `Phase: ${phase}.`);
    this.phase = phase;
  }
}

/** Twelve messages were used up. `cause` is the first error that the peer sent, if it sent one. */
export class MslLimitError extends MslLocalError {
  readonly attempts: number;

  constructor(attempts: number, cause?: unknown) {
    super("MESSAGE_LIMIT", null, null, cause);
    this.attempts = attempts;
  }
}

/** A reply is less protected than its request, or comes under another master token. */
export class MslUnderprotectedError extends MslLocalError {
  constructor(where: string) {
    super("REPLY_UNDERPROTECTED", null, where);
  }
}

/** Sending an error message failed; `cause` is that failure, `original` what was to be reported. */
export class MslErrorResponseFailed extends MslLocalError {
  readonly original: unknown;

  constructor(original: unknown, cause: unknown) {
    super("ERROR_RESPONSE_FAILED", null, null, cause);
    this.original = original;
  }
}

/** The peer answered with an error message that could not be recovered from. */
export class MslRemoteError extends MslError {
  /** Number that the peer sent, or null. */
  readonly internalCode: number | null;
  readonly responseCode: ResponseCode;
  /** Localised text for the user, as the peer sent it. */
  readonly userText: string | null;
  /** Messages that this operation sent. */
  readonly attempts: number;

  constructor(
    code: MslErrorCode,
    fields: { internalCode: number | null; responseCode: ResponseCode; userText: string | null; attempts: number },
  ) {
    super(code, "The peer refused the message.", null);
    this.internalCode = fields.internalCode;
    this.responseCode = fields.responseCode;
    this.userText = fields.userText;
    this.attempts = fields.attempts;
  }
}

/** The response could not be protected as the application demands; the peer was told to exchange keys first. */
export class MslProtectionRequired extends MslProtocolError {}

/** Throws a protocol error; the type says that it never returns. */
export function protocolError(code: MslErrorCode, where: string | null = null, cause?: unknown): never {
  throw new MslProtocolError(code, where, cause);
}

/** What travels for a failure: a protocol error's own row, everything unexpected as INTERNAL_EXCEPTION. */
export function toWireError(error: unknown): MslProtocolError {
  if (error instanceof MslProtocolError) return error;
  if (error instanceof MslTransportError) return new MslProtocolError("MSL_COMMS_FAILURE");
  if (error instanceof MslLocalError && WIRE_AS_PARSE_ERROR.has(error.code))
    return new MslProtocolError("MSL_PARSE_ERROR");
  return new MslProtocolError("INTERNAL_EXCEPTION");
}

const WIRE_AS_PARSE_ERROR: ReadonlySet<string> = new Set([
  "MESSAGE_TRUNCATED",
  "OBJECT_TOO_LARGE",
  "MESSAGE_TOO_LARGE",
]);
