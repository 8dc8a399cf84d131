// Vectors with an outcome: `accepted` with a result, or an error by name, numbers and message id.

import { MslError, MslProtocolError } from "../../errors/msl-error.ts";
import { responseName } from "../../errors/codes.ts";
import type { Awaitable } from "../../platform/awaitable.ts";
import { fail, same, type Vector } from "./vector.ts";

/** Runs `attempt` and compares what happens with the record; `accept` compares what comes out. */
export async function checkOutcome<T>(
  outcome: Vector,
  attempt: () => Awaitable<T>,
  accept: (result: T) => Awaitable<void>,
): Promise<void> {
  if (outcome.flag("accepted")) {
    await accept(await attempt());
    return;
  }
  const error = await rejection(attempt);
  checkError(outcome.objectOr("error"), error);
}

/** The error that `attempt` ends with. */
export async function rejection(attempt: () => Awaitable<unknown>): Promise<MslError> {
  try {
    await attempt();
  } catch (error) {
    if (error instanceof MslError) return error;
    throw error; // a crash is no rejection
  }
  return fail("accepted, recorded as rejected");
}

/**
 * Compares an error with the record: null or `unspecified` is satisfied by any MSL error. Behind a header that was read,
 * `knowsMessageId` leaves the id aside: our errors always carry it there.
 */
export function checkError(recorded: Vector | null, error: MslError, knowsMessageId = false): void {
  if (recorded === null) return;
  recorded.ignore("exception", "note");
  if (recorded.has("unspecified") && recorded.flag("unspecified")) return;
  same("error", error.code, recorded.text("name"));
  if (!recorded.has("internalCode")) return; // named by an exception of ours, perhaps a local error
  const raised = error instanceof MslProtocolError ? error : fail(`${error.name} is not a protocol error`);
  same("internalCode", raised.internalCode, recorded.number("internalCode"));
  if (recorded.has("responseCode")) same("responseCode", raised.responseCode, recorded.number("responseCode"));
  if (recorded.has("responseCodeName")) {
    same("responseCodeName", responseName(raised.responseCode), recorded.text("responseCodeName"));
  }
  if (knowsMessageId) return;
  same("messageid of the error", error.context.messageId ?? null, recorded.numberOr("messageid"));
}
