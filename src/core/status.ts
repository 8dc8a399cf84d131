// Turns a status of the core into the library's errors.

import { MslCoreError, MslProtocolError, MslUsageError } from "../errors/msl-error.ts";
import {
  ERR_ARGUMENT,
  ERR_ATTEMPTS,
  ERR_BAD_PADDING,
  ERR_BAD_SIGNATURE,
  ERR_BAD_TAG,
  ERR_BLOCK_SIZE,
  ERR_FAULT,
  ERR_KEY,
  ERR_KEY_TYPE,
  ERR_PUBLIC_KEY,
  ERR_UNWRAP,
  ERR_USAGE,
} from "./abi.ts";

/** Throws for a negative status; gives the others back. */
export function checked(status: number): number {
  if (status < 0) throw statusError(status);
  return status;
}

export function statusError(status: number): Error {
  switch (status) {
    case ERR_BAD_PADDING:
      return new MslProtocolError("CIPHERTEXT_BAD_PADDING");
    case ERR_BLOCK_SIZE:
      return new MslProtocolError("CIPHERTEXT_ILLEGAL_BLOCK_SIZE");
    case ERR_UNWRAP:
      return new MslProtocolError("UNWRAP_ERROR");
    case ERR_BAD_TAG:
      return new MslProtocolError("SIGNATURE_ERROR");
    case ERR_PUBLIC_KEY:
      return new MslProtocolError("KEYX_INVALID_PUBLIC_KEY");
    case ERR_BAD_SIGNATURE:
      return new MslProtocolError("SIGNATURE_ERROR");
    case ERR_KEY:
      return new MslProtocolError("INVALID_PRIVATE_KEY");
    case ERR_FAULT:
      return new MslCoreError("A computation failed its own check.");
    case ERR_ATTEMPTS:
      return new MslCoreError("No key was found within the bound of attempts.");
    case ERR_KEY_TYPE:
      return new MslUsageError("The key is of another type.");
    case ERR_USAGE:
      return new MslUsageError("The key's usage does not allow this.");
    case ERR_ARGUMENT:
      return new MslUsageError("An argument is outside what the core accepts.");
    default:
      return new MslCoreError(`Status ${status}.`);
  }
}
