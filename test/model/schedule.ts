// What one run of the model does: devices, servers, requests, faults of the network in the order of the exchanges, and
// events of the world. Everything is plain data, so that fast-check can shrink it and a run can be repeated from JSON.

import fc from "fast-check";
import type { MslErrorCode } from "../../src/errors/codes.ts";

export interface DeviceSpec {
  readonly entity: "PSK" | "NONE";
  readonly format: "JSON" | "CBOR";
  /** Seconds that the device's clock is off. */
  readonly skewSec: number;
}

export interface RequestSpec {
  readonly atMs: number;
  readonly device: number;
  readonly user: "u1" | "u2" | null;
  /** When the user's credentials are given: on demand, with every message, or never. */
  readonly login: "required" | "always" | "never";
  readonly loginMs: number;
  readonly nonReplayable: boolean;
  readonly encrypted: boolean;
  readonly wantTokens: boolean;
  readonly timeoutMs: number | null;
  readonly abortMs: number | null;
  readonly body: "bytes" | "function" | "one-shot" | "empty" | "long";
  readonly read: "at-once" | "late" | "cancel";
}

/** Errors that servers send, one or two of each row of the recovery table. */
export const SENT_ERRORS = [
  "MSL_PARSE_ERROR",
  "INTERNAL_EXCEPTION",
  "MASTERTOKEN_REJECTED_BY_APP",
  "MASTERTOKEN_UNTRUSTED",
  "USERIDTOKEN_REVOKED",
  "RESPONSE_REQUIRES_ENCRYPTION",
  "ENTITY_REJECTED_BY_APP",
  "USER_REJECTED_BY_APP",
  "MESSAGE_EXPIRED_NOT_RENEWABLE",
  "MESSAGE_REPLAYED",
  "MESSAGE_REPLAYED_UNRECOVERABLE",
  "USERIDTOKEN_REJECTED_BY_APP",
] as const satisfies readonly string[];

export type FaultKind =
  | "none"
  | "open-fails"
  | "open-hangs"
  | "lose-request"
  | "cut-request"
  | "lose-reply"
  | "no-reply"
  | "cut-reply"
  | "break-reply"
  | "duplicate-first"
  | "duplicate-second"
  | "stale-reply"
  | "change-request"
  | "change-reply"
  | "error"
  | "error-after";

export interface Fault {
  readonly kind: FaultKind;
  readonly code: (typeof SENT_ERRORS)[number];
  /** Where a message is cut or changed, in thousandths of its length. */
  readonly at: number;
  readonly outMs: number;
  readonly backMs: number;
  /** Between the two pieces in which a reply arrives. */
  readonly gapMs: number;
  readonly server: number;
}

export type WorldEvent = {
  readonly atMs: number;
  readonly device: number;
  readonly value: number;
  readonly kind:
    | "restart"
    | "device-clock"
    | "server-clock"
    | "rotate"
    | "revoke-entity"
    | "restore-entity"
    | "revoke-token"
    | "revoke-user"
    | "restore-user"
    | "demand-login"
    | "store-fails"
    | "store-slow"
    | "store-hangs"
    | "server-restart"
    | "clear"
    | "forget-user";
};

export interface Schedule {
  readonly devices: readonly DeviceSpec[];
  /** Each device has a token and a user logged in before anything goes wrong. */
  readonly isWarm: boolean;
  readonly servers: number;
  readonly stateMs: number;
  readonly handlerMs: number;
  readonly cachedSessions: number;
  readonly tokenSec: readonly [number, number];
  readonly userSec: readonly [number, number];
  readonly requests: readonly RequestSpec[];
  readonly faults: readonly Fault[];
  readonly events: readonly WorldEvent[];
}

const device = fc.record<DeviceSpec>({
  entity: fc.constantFrom("PSK", "NONE"),
  format: fc.constantFrom("JSON", "CBOR"),
  skewSec: fc.constantFrom(0, 0, 5, -100_000, 1_000_000_000),
});

const request = fc.record<RequestSpec>({
  atMs: fc.constantFrom(0, 0, 0, 1, 10, 25, 50, 400, 1000, 1500, 2500, 5000),
  device: fc.constantFrom(0, 0, 0, 1, 2),
  user: fc.constantFrom(null, "u1", "u1", "u1", "u2"),
  login: fc.constantFrom("required", "required", "always", "never"),
  loginMs: fc.constantFrom(0, 0, 0, 5, 5, 400, 60_000),
  nonReplayable: fc.boolean(),
  encrypted: fc.constantFrom(true, true, true, false),
  wantTokens: fc.constantFrom(false, false, true),
  timeoutMs: fc.constantFrom(null, 20_000, 20_000, 20_000, 5000, 5000, 60, 15, 3),
  abortMs: fc.constantFrom(null, null, null, null, null, null, 0, 7, 30, 200),
  body: fc.constantFrom(
    "bytes",
    "bytes",
    "bytes",
    "function",
    "function",
    "one-shot",
    "one-shot",
    "empty",
    "empty",
    "long",
  ),
  read: fc.constantFrom("at-once", "at-once", "late", "cancel"),
});

const faultKind = fc.constantFrom<FaultKind>(
  "none",
  "none",
  "none",
  "open-fails",
  "open-hangs",
  "lose-request",
  "cut-request",
  "lose-reply",
  "no-reply",
  "cut-reply",
  "break-reply",
  "duplicate-first",
  "duplicate-second",
  "stale-reply",
  "change-request",
  "change-reply",
  "error",
  "error",
  "error",
  "error",
  "error",
  "error-after",
);

const fault = fc.record<Fault>({
  kind: faultKind,
  code: fc.oneof(fc.constantFrom(...SENT_ERRORS), fc.constant("MASTERTOKEN_REJECTED_BY_APP" as const)),
  at: fc.nat(999),
  outMs: fc.constantFrom(0, 1, 5, 20, 300),
  backMs: fc.constantFrom(0, 1, 5, 20, 300, 3000),
  gapMs: fc.constantFrom(0, 0, 1, 30),
  server: fc.nat(1),
});

const event = fc.record<WorldEvent>({
  atMs: fc.constantFrom(0, 2, 11, 30, 60, 350, 900, 1200, 2000, 4000),
  device: fc.nat(2),
  value: fc.constantFrom(1, 2, 5, 60, 4000, -3, -5000),
  kind: fc.constantFrom<WorldEvent["kind"]>(
    "restart",
    "restart",
    "restart",
    "device-clock",
    "server-clock",
    "server-clock",
    "rotate",
    "revoke-entity",
    "restore-entity",
    "revoke-token",
    "revoke-user",
    "restore-user",
    "demand-login",
    "store-fails",
    "store-slow",
    "store-hangs",
    "server-restart",
    "clear",
    "forget-user",
  ),
});

const life = fc.constantFrom<readonly [number, number]>([0, 0], [0, 1], [1, 2], [0, 60], [30, 60], [40_000, 90_000]);

export const schedules: fc.Arbitrary<Schedule> = fc.record<Schedule>({
  devices: fc.array(device, { minLength: 1, maxLength: 3 }),
  isWarm: fc.boolean(),
  servers: fc.constantFrom(1, 2),
  stateMs: fc.constantFrom(0, 0, 1, 3),
  handlerMs: fc.constantFrom(0, 0, 2, 50),
  cachedSessions: fc.constantFrom(0, 1, 2, 512),
  tokenSec: life,
  userSec: life,
  requests: fc.array(request, { minLength: 1, maxLength: 8 }),
  faults: fc.array(fault, { maxLength: 14 }),
  events: fc.array(event, { maxLength: 4 }),
});

export function isSentError(code: string): code is MslErrorCode {
  return (SENT_ERRORS as readonly string[]).includes(code);
}
