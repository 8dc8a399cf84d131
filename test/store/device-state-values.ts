// Tokens and keys that tests of the device's state use.

import { type Core, SESSION_ENCRYPTION, SESSION_MAC } from "../../src/core/core.ts";
import type { MasterToken } from "../../src/tokens/master-token.ts";
import type { ServiceToken } from "../../src/tokens/service-token.ts";
import type { UserIdToken } from "../../src/tokens/user-id-token.ts";

export const bytes = (...list: number[]) => Uint8Array.from(list);
export const token = (serialNumber: number, sequenceNumber: number, expiration = 100): MasterToken => ({
  tokendata: bytes(1, serialNumber & 255, sequenceNumber & 255),
  signature: bytes(2),
  renewalWindow: 0,
  expiration,
  sequenceNumber,
  serialNumber,
  verified: null,
});
export const userToken = (serialNumber: number, mtSerialNumber: number): UserIdToken => ({
  tokendata: bytes(3),
  signature: bytes(4),
  renewalWindow: 0,
  expiration: 100,
  mtSerialNumber,
  serialNumber,
  verified: null,
});
export const service = (name: string, mt: number | null, uit: number | null, data = bytes(9)): ServiceToken => ({
  tokendata: data,
  signature: bytes(5),
  name,
  mtSerialNumber: mt,
  uitSerialNumber: uit,
  encrypted: false,
  compression: null,
  verified: false,
  data,
});
export const sessionKeys = (core: Core, seed = 1) => ({
  encryption: core.importKey(SESSION_ENCRYPTION, new Uint8Array(16).fill(seed)),
  mac: core.importKey(SESSION_MAC, new Uint8Array(32).fill(seed + 100)),
});
export const names = (list: readonly ServiceToken[]) => list.map((t) => t.name).sort();
