// Keys of every type in the first slots, so that calls with small slot numbers get past the first checks.

import { randomBytes } from "node:crypto";
import * as abi from "../../../src/core/abi.ts";
import { importRaw, type RawCore } from "../raw/raw-core.ts";

const PLAIN: readonly (readonly [type: number, length: number])[] = [
  [abi.KEY_AES, 16],
  [abi.KEY_HMAC_SHA256, 32],
  [abi.KEY_AES_WRAP, 16],
  [abi.KEY_X25519, 32],
  [abi.KEY_SECRET, 32],
  [abi.KEY_AES, 32],
  [abi.KEY_HMAC_SHA384, 48],
  [abi.KEY_HMAC_SHA512, 64],
  [abi.KEY_CMAC, 16],
];

export function prepareKeys(core: RawCore): void {
  for (const [type, length] of PLAIN) importRaw(core, type, 255, randomBytes(length));
}
