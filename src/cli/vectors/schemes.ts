// Which schemes and algorithms this build contains, and how a vector's receiver sets each one up from the key file.
// A scheme that the library gains is one row here: its vectors then run instead of being skipped.

import { type KeySpec, MAC_KEY } from "../../core/core.ts";
import { CMAC_KEY } from "../../core/key-specs.ts";
import type { CompressionAlgorithm } from "../../encoding/compression.ts";
import type { MslMap } from "../../encoding/msl-map.ts";
import { ENTITY_SCHEME_NAMES, type EntityPolicy, type EntityScheme } from "../../entity-auth/scheme.ts";
import { asymmetricWrapped } from "../../key-exchange/asymmetric-wrapped.ts";
import { diffieHellman } from "../../key-exchange/diffie-hellman.ts";
import { ecdh } from "../../key-exchange/ecdh.ts";
import { p256Curve } from "../../key-exchange/ecdh-p256.ts";
import { jweLadder, jwkLadder, type LadderConfig } from "../../key-exchange/ladder.ts";
import { KEY_EXCHANGE_NAMES, type KeyExchange } from "../../key-exchange/scheme.ts";
import { symmetricWrapped } from "../../key-exchange/symmetric-wrapped.ts";
import type { Awaitable } from "../../platform/awaitable.ts";
import { parseMasterToken } from "../../tokens/master-token.ts";
import { parseUserIdToken } from "../../tokens/user-id-token.ts";
import { emailPassword, emailPasswordData } from "../../user-auth/email-password.ts";
import { USER_SCHEME_NAMES, type UserAuthData, type UserScheme } from "../../user-auth/scheme.ts";
import { userIdToken, userIdTokenData } from "../../user-auth/user-id-token.ts";
import { nodeClock } from "../../platform/clock-node.ts";
import { entitySchemes as schemesOf } from "../entities.ts";
import type { KeysFile } from "../keys-file.ts";
import type { Name } from "../names.ts";
import type { Bench } from "./spec.ts";
import { ladderStore, MECHANISMS } from "./pending.ts";
import { fail } from "./vector.ts";

/** What a receiver refuses or lacks besides what the key file says. */
export interface Receiver {
  readonly bench: Bench;
  /** A scheme that is not permitted to one identity. */
  readonly refused?: { readonly scheme: string; readonly identity: string } | null;
  /** A scheme that the receiver knows by name only. */
  readonly lacks?: string | null;
  /** Who signs. */
  readonly local?: Name | null;
}

interface UserRow {
  readonly receive: (receiver: Receiver) => UserScheme;
  /** What a user of the key file sends. */
  readonly send: (user: KeysFile["users"][number], recorded: MslMap, bench: Bench) => Awaitable<UserAuthData>;
}

const ENTITY_NAMES: ReadonlyMap<string, true> = new Map([...ENTITY_SCHEME_NAMES].map((name) => [name, true]));

const USER: ReadonlyMap<string, UserRow> = new Map([
  [
    "EMAIL_PASSWORD",
    {
      receive: ({ bench }) => emailPassword({ verify: (email, password) => userOf(bench, email, password) }),
      send: ({ email, password }) => emailPasswordData(email, password),
    },
  ],
  [
    "USER_ID_TOKEN",
    {
      receive: ({ bench }) =>
        userIdToken({
          core: bench.core,
          clock: { nowMs: () => Number(bench.common.now) },
          tokenCrypto: bench.keys.issuer,
          issuer: { checkMasterToken: () => null, checkUserIdToken: () => null },
        }),
      // The tokens are those of an earlier session: here, the recorded ones as the device holds them.
      async send(_user, recorded, { core }) {
        const authdata = recorded.map("authdata");
        const masterToken = await parseMasterToken(authdata.map("mastertoken"), null, core);
        return userIdTokenData(masterToken, await parseUserIdToken(authdata.map("useridtoken"), null, masterToken));
      },
    },
  ],
]);

const EXCHANGE_NAMES: ReadonlyMap<string, true> = new Map([...KEY_EXCHANGE_NAMES].map((name) => [name, true]));

function exchangesOf(receiver: Receiver): readonly KeyExchange[] {
  const { core, keys, common } = receiver.bench;
  const { psk } = keys;
  const permitted = (scheme: string) => (identity: string) => isPermitted(receiver, identity, scheme);
  const clock = { nowMs: () => Number(common.now ?? nodeClock.nowMs()) };
  const ladder = (name: string): LadderConfig => ({
    core,
    pskContextOf: psk,
    issuer: { tokenCrypto: keys.issuer, clock },
    store: ladderStore(receiver.bench, name),
    bareWrapdata: true,
    isPermitted: permitted(name),
  });
  return [
    asymmetricWrapped({
      core,
      timers: null,
      mechanisms: MECHANISMS,
      isPermitted: permitted("ASYMMETRIC_WRAPPED"),
    }),
    diffieHellman({
      core,
      groups: keys.file.dh,
      offer: Object.keys(keys.file.dh),
      isPermitted: permitted("DIFFIE_HELLMAN"),
    }),
    symmetricWrapped({ core, pskContextOf: psk, isPermitted: permitted("SYMMETRIC_WRAPPED") }),
    jweLadder(ladder("JWE_LADDER")),
    jwkLadder(ladder("JWK_LADDER")),
    ecdh({ core, curves: ["X25519", "P-256"], p256: p256Curve, isPermitted: permitted("ECDH") }),
  ];
}

/** MAC algorithms of a symmetric context, by their names in envelopes and master tokens. */
export const MAC_ALGORITHMS: ReadonlyMap<string, KeySpec> = new Map([
  ["HmacSHA256", MAC_KEY],
  ["AESCmac", CMAC_KEY],
]);

export const COMPRESSION: ReadonlyMap<string, CompressionAlgorithm> = new Map([
  ["GZIP", "GZIP"],
  ["LZW", "LZW"],
]);

/** Formats and kinds of networks that are no schemes, and absent from some builds. */
const FEATURES: ReadonlyMap<string, true> = new Map([["peer-to-peer", true]]);

const CONTAINED: readonly ReadonlyMap<string, unknown>[] = [
  ENTITY_NAMES,
  USER,
  EXCHANGE_NAMES,
  MAC_ALGORITHMS,
  COMPRESSION,
  FEATURES,
];

/** Everything that a vector may ask for. Names outside it are part of what a vector tests. */
const KNOWN: ReadonlySet<string> = new Set([
  ...ENTITY_SCHEME_NAMES,
  ...USER_SCHEME_NAMES,
  ...KEY_EXCHANGE_NAMES,
  "HmacSHA256",
  "AESCmac",
  "GZIP",
  "LZW",
  "JWK",
  "JWE",
  "peer-to-peer",
]);

/** The first of `names` that is known but not in this build, or null. */
export function missingScheme(names: readonly string[]): string | null {
  const isContained = (name: string) => CONTAINED.some((table) => table.has(name));
  return names.find((name) => KNOWN.has(name) && !isContained(name)) ?? null;
}

export function entitySchemes(receiver: Receiver): ReadonlyMap<string, EntityScheme> {
  const { bench } = receiver;
  const made = schemesOf(
    bench.keys.file,
    { psk: bench.keys.psk },
    {
      core: bench.core,
      clock: { nowMs: () => Number(bench.common.now ?? nodeClock.nowMs()) },
      policy: policyOf(receiver),
      tokenCrypto: bench.keys.issuer,
      local: receiver.local ?? null,
    },
  );
  return new Map(made.filter(({ name }) => name !== receiver.lacks).map((scheme) => [scheme.name, scheme]));
}

export function userSchemes(receiver: Receiver): ReadonlyMap<string, UserScheme> {
  const makers = new Map([...USER].map(([name, row]) => [name, row.receive]));
  return tableOf(makers, receiver);
}

export function keyExchanges(receiver: Receiver): readonly KeyExchange[] {
  return exchangesOf(receiver).filter(({ name }) => name !== receiver.lacks);
}

/** Authentication data as a user of the key file sends it. */
export function userData(bench: Bench, scheme: string, user: string, recorded: MslMap): Awaitable<UserAuthData> {
  const entry =
    bench.keys.file.users.find((candidate) => candidate.id === user) ?? fail("no such user in the key file");
  return (USER.get(scheme) ?? fail("no such user scheme")).send(entry, recorded, bench);
}

function tableOf<T>(rows: ReadonlyMap<string, (receiver: Receiver) => T>, receiver: Receiver): ReadonlyMap<string, T> {
  const kept = [...rows].filter(([name]) => name !== receiver.lacks);
  return new Map(kept.map(([name, make]) => [name, make(receiver)]));
}

function policyOf(receiver: Receiver): EntityPolicy {
  return {
    isRevoked: (identity) => receiver.bench.keys.file.revoked.includes(identity),
    isPermitted: (identity, scheme) => isPermitted(receiver, identity, scheme),
  };
}

function isPermitted({ refused }: Receiver, identity: string, scheme: string): boolean {
  return !(refused?.scheme === scheme && refused.identity === identity);
}

function userOf(bench: Bench, email: string, password: string): string | null {
  return bench.keys.file.users.find((user) => user.email === email && user.password === password)?.id ?? null;
}
