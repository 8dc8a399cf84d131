// Hands a reply to the application, with everything that its body needs until it is over; and errors that are final.

import { errorName } from "../errors/codes.ts";
import { MslRemoteError, MslTimeoutError } from "../errors/msl-error.ts";
import type { ErrorHeader } from "../message/error-header.ts";
import { isPending } from "../platform/awaitable.ts";
import type { Incoming } from "./api.ts";
import type { AttemptOutcome, Operation } from "./client-operation.ts";
import { IncomingMessage } from "./incoming.ts";
import { reportIncoming } from "./reports.ts";
import { MAX_MESSAGE_BYTES, UNREAD_MS } from "./settings.ts";

/** The message, its first chunk here. What it holds is let go of at its end, or when nobody reads it any more. */
export async function deliver(
  { deadline, engine }: Operation,
  { header, body, input, lease }: AttemptOutcome & { kind: "reply" },
  over: () => void,
): Promise<Incoming> {
  const { timers, unreadMs = UNREAD_MS, onMessage } = engine.config;
  let reads = 0;
  let isReading = false;
  let unwatch = () => {};
  const incoming = new IncomingMessage(header, body, {
    maxBytes: engine.limits.maxMessageBytes ?? MAX_MESSAGE_BYTES,
    wait: (value) => {
      reads++;
      if (!isPending(value)) return deadline.wait(value);
      isReading = true;
      return deadline.race(value).finally(() => {
        isReading = false;
      });
    },
    done: () => {
      unwatch();
      input.cancel();
      over();
      lease?.release();
      reportIncoming(onMessage, header, input.bytes, false);
    },
  });
  await incoming.prefetch();
  const watch = (seen: number) => {
    if (incoming.isOver || timers === null || unreadMs === null) return;
    unwatch = timers.after(
      unreadMs,
      () => {
        if (isReading || reads !== seen) return watch(reads);
        incoming.giveUp(new MslTimeoutError("unread"));
      },
      true,
    );
  };
  watch(reads);
  return incoming;
}

export function remoteError(header: ErrorHeader, attempts: number): MslRemoteError {
  const { internalCode, responseCode, userMessage } = header;
  const code = (internalCode === null ? null : errorName(internalCode)) ?? "INTERNAL_EXCEPTION";
  return new MslRemoteError(code, { internalCode, responseCode, userText: userMessage, attempts });
}
