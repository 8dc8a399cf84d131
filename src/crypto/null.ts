// The null context of unauthenticated schemes and of deletion tokens: nothing is protected, every signature is accepted.

import { protocolError } from "../errors/msl-error.ts";
import type { CryptoContext } from "./crypto-context.ts";

const NO_BYTES = new Uint8Array(0);

export const nullContext: CryptoContext = {
  encrypt: (plain) => plain,
  decrypt: (data) => data,
  sign: () => NO_BYTES,
  verify: () => true,
  wrapKey: () => protocolError("WRAP_NOT_SUPPORTED"),
  unwrapKey: () => protocolError("UNWRAP_NOT_SUPPORTED"),
  slots: null,
  dispose() {},
};
