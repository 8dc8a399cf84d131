// Both sides of one key exchange without messages around it: the key data goes through its wire form, attackers change it
// on the way.

import { expect } from "vitest";
import { type Core, ENCRYPTION_KEY, type KeyHandle, MAC_KEY, WRAPPING_KEY } from "../../src/core/core.ts";
import { loadCore } from "../../src/core/core-node.ts";
import type { CryptoContext, SessionKeys } from "../../src/crypto/crypto-context.ts";
import { slotContext } from "../../src/crypto/symmetric.ts";
import { decodeObject, type EncodeFields, encodeObject, type Format } from "../../src/encoding/codec.ts";
import type { MslMap } from "../../src/encoding/msl-map.ts";
import { MslError } from "../../src/errors/msl-error.ts";
import type {
  ExchangeBinding,
  HeaderBinding,
  KeyExchange,
  KeyRequest,
  ReceivedKeyRequest,
} from "../../src/key-exchange/scheme.ts";
import { parseKeyRequest } from "../../src/key-exchange/scheme.ts";
import { memoryPskKeys } from "../../src/store/entity-keys.ts";
import { tokenKeys } from "../../src/tokens/token-crypto.ts";

export const core: Core = await loadCore();
export const FORMATS: readonly Format[] = ["JSON", "CBOR"];
export const clock = {
  ms: 1_700_000_000_000,
  nowMs() {
    return this.ms;
  },
};

const keyBytes = (seed: number, length: number) => Uint8Array.from({ length }, (_, i) => (seed * 31 + i * 7) & 255);

export const pskContextOf = memoryPskKeys(
  core,
  ["device-1", "device-2"].map((identity, i) => ({
    identity,
    encryptionKey: keyBytes(i + 1, 16),
    macKey: keyBytes(i + 50, 32),
  })),
);

/** Token keys of an issuer, with a wrapping key for the bare form of wrap data. */
export function issuerContext(seed = 90): CryptoContext {
  return slotContext(core, {
    keyId: "tokens",
    encryption: core.importKey(ENCRYPTION_KEY, keyBytes(seed, 16)),
    mac: core.importKey(MAC_KEY, keyBytes(seed + 1, 32)),
    wrapping: core.importKey(WRAPPING_KEY, keyBytes(seed + 2, 16)),
  });
}

export const tokenCrypto = tokenKeys([issuerContext()]);

export const entity = (identity: string, scheme = "PSK"): HeaderBinding => ({ kind: "entity", scheme, identity });

export function binding(identity = "device-1", issuer = "server"): ExchangeBinding {
  return { identity, request: entity(identity), response: entity(issuer) };
}

/** Fields as their receiver reads them. */
export function onWire(fields: EncodeFields, format: Format = "JSON"): MslMap {
  return decodeObject(encodeObject(format, fields), "keydata");
}

export async function parsed(
  exchange: KeyExchange,
  keydata: EncodeFields,
  format: Format = "JSON",
): Promise<ReceivedKeyRequest> {
  const element = onWire({ scheme: exchange.name, keydata }, format);
  const request = await parseKeyRequest(element, [exchange], false);
  if (request === null) throw new Error("the request was skipped");
  return request;
}

/** The issuer's answer; null, an exchange that it declines, is no answer here. */
export async function answerOf(exchange: KeyExchange, request: unknown, as: ExchangeBinding) {
  const answer = await exchange.respond(request, as);
  if (answer === null) throw new Error("the issuer declined");
  return answer;
}

export interface Attack {
  readonly request?: (keydata: EncodeFields) => EncodeFields;
  readonly response?: (keydata: EncodeFields) => EncodeFields;
  readonly requester?: ExchangeBinding;
  readonly issuer?: ExchangeBinding;
}

export interface Outcome {
  readonly request: KeyRequest;
  readonly keydata: EncodeFields;
  readonly requester: SessionKeys;
  readonly issuer: SessionKeys;
}

/** One exchange with the first request. */
export async function run(
  requester: KeyExchange,
  issuer: KeyExchange,
  attack: Attack = {},
  format: Format = "JSON",
): Promise<Outcome> {
  const [request, ...others] = await requester.createRequests();
  for (const other of others) other.dispose();
  if (request === undefined) throw new Error("no request");
  try {
    const sent = attack.request?.(request.keydata) ?? request.keydata;
    const received = await parsed(issuer, sent, format);
    const answer = await answerOf(issuer, received.parsed, attack.issuer ?? binding());
    const keydata = attack.response?.(answer.keydata) ?? answer.keydata;
    try {
      const keys = await requester.complete(request, onWire(keydata, format), attack.requester ?? binding());
      return { request, keydata, requester: keys, issuer: answer.keys };
    } catch (error) {
      answer.keys.encryption.dispose();
      answer.keys.mac.dispose();
      throw error;
    }
  } finally {
    request.dispose();
  }
}

const raw = (key: KeyHandle) => Buffer.from(core.exportKey(key)).toString("hex");

export function keysOf(keys: SessionKeys): string {
  return `${raw(keys.encryption)} ${raw(keys.mac)}`;
}

/** Both sides have the same keys, of the right lengths. */
export function expectSame({ requester, issuer }: Pick<Outcome, "requester" | "issuer">): void {
  expect(keysOf(requester)).toBe(keysOf(issuer));
  expect(keysOf(requester)).toMatch(/^[0-9a-f]{32} [0-9a-f]{64}$/);
}

/** The code of the error that `attempt` ends with; anything but an MSL error is a failure. */
export async function codeOf(attempt: () => unknown): Promise<string> {
  try {
    await attempt();
  } catch (error) {
    if (error instanceof MslError) return error.code;
    throw error;
  }
  return "accepted";
}

/** Everything about an error that a caller could tell apart. */
export async function faceOf(attempt: () => unknown): Promise<string> {
  try {
    await attempt();
  } catch (error) {
    if (error instanceof MslError) return `${error.name} ${error.code} ${error.message} ${error.where}`;
    throw error;
  }
  return "accepted";
}

export function bytesOf(keydata: EncodeFields, name: string): Uint8Array {
  const value = keydata[name];
  if (!(value instanceof Uint8Array)) throw new Error(`${name} is no byte string`);
  return value;
}

/** With one bit of a field flipped. */
export function flipped(keydata: EncodeFields, name: string, at = 0): EncodeFields {
  const changed = bytesOf(keydata, name).slice();
  const index = at < 0 ? changed.length + at : at;
  changed[index] = (changed[index] ?? 0) ^ 1;
  return { ...keydata, [name]: changed };
}

export function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, "hex"));
}

export function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString("hex") || "0"}`);
}

export function bytesOfNumber(value: bigint): Uint8Array {
  const hex = value.toString(16);
  return fromHex(hex.length % 2 === 0 ? hex : `0${hex}`);
}
