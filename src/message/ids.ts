// Message ids ("MSL Messages"): integers in 0..2^53 that tie a reply to its request. A reply has the request's id + 1.

import { MAX_ID } from "../encoding/limits.ts";

export { MAX_ID };

/** The id of what answers or follows a message; 2^53 is followed by 0. */
export function nextMessageId(id: number): number {
  return id === MAX_ID ? 0 : id + 1;
}

/** The id of what a message answered; 0 is preceded by 2^53. */
export function previousMessageId(id: number): number {
  return id === 0 ? MAX_ID : id - 1;
}
