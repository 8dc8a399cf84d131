// DIFFIE_HELLMAN ("MSL Key Exchange") in finite fields:
//   request and response = { "parametersid": string, "publickey": binary }, the value behind exactly one zero byte
//   SHA-384(00 ‖ Z without leading zeros) = Kenc (16 bytes) ‖ Khmac (32 bytes)
// Differs from reference: values outside 2..p-2 and groups below 2048 bits are refused. The keys are bound to nothing but
// the secret, as the protocol has it, so that a value can be handed in under another name (misbinding); only ECDH closes
// this: where both sides have it, prefer it.

import type { Core } from "../core/core.ts";
import { type DhGroup, dhAgreeSession, dhGenerate } from "../core/dh.ts";
import type { KeyHandle } from "../core/key-handle.ts";
import { MslUsageError, protocolError } from "../errors/msl-error.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import { checkPermitted, type KeyExchange, type KeyRequest } from "./scheme.ts";

export interface DiffieHellmanConfig {
  readonly core: Core;
  /** Groups by the ids that both sides know; safe primes of at least 2048 bits. Default: the three built-in ones. */
  readonly groups?: Readonly<Record<string, DhGroup>>;
  /** Ids that are offered. Default `["group14"]`. */
  readonly offer?: readonly string[];
  readonly isPermitted?: (identity: string) => Awaitable<boolean>;
  /** Makes key pairs; replaced only to reproduce recorded exchanges. */
  readonly generate?: (group: DhGroup) => DhKeyPair;
}

export interface DhKeyPair {
  readonly key: KeyHandle;
  /** Unsigned big-endian. */
  readonly publicKey: Uint8Array;
}

const NAME = "DIFFIE_HELLMAN";
const BUILT_IN: Readonly<Record<string, DhGroup>> = {
  group14: "group14",
  ffdhe2048: "ffdhe2048",
  ffdhe3072: "ffdhe3072",
};
const MIN_BYTES = 256;

interface Parsed {
  readonly parametersId: string;
  readonly publicKey: Uint8Array;
}

/** Private halves of requests that await their response. */
const pending = new WeakMap<KeyRequest, DhKeyPair & { readonly parametersId: string }>();

export function diffieHellman(config: DiffieHellmanConfig): KeyExchange {
  const { core } = config;
  const groups = new Map(Object.entries(config.groups ?? BUILT_IN));
  for (const [id, group] of groups) checkGroup(id, group);
  const offer = config.offer ?? ["group14"];
  const generate = config.generate ?? ((group: DhGroup) => dhGenerate(core, group));

  return {
    name: NAME,
    label: offer.map((id) => `${NAME}:${id}`).join(","),
    unknownVariantError: null,

    createRequests() {
      return offer.map((parametersId) => {
        const group = groups.get(parametersId);
        if (group === undefined) throw new MslUsageError(`No group ${parametersId} is configured.`);
        const pair = generate(group);
        const request: KeyRequest = {
          scheme: NAME,
          keydata: { parametersid: parametersId, publickey: oneZero(pair.publicKey) },
          dispose() {
            pair.key.dispose();
            pending.delete(request);
          },
        };
        pending.set(request, { ...pair, parametersId });
        return request;
      });
    },

    complete(request, keydata) {
      const { parametersId, publicKey } = readFields(keydata);
      const own = pending.get(request);
      if (own === undefined) return protocolError("KEYX_PRIVATE_KEY_MISSING", keydata.path);
      if (own.parametersId !== parametersId) {
        protocolError("KEYX_RESPONSE_REQUEST_MISMATCH", `${keydata.path}.parametersid`);
      }
      return agree(core, own, publicKey);
    },

    parseRequest: readFields,

    async respond(parsed, binding) {
      await checkPermitted(config.isPermitted, binding.identity);
      const { parametersId, publicKey } = parsed as Parsed;
      const group = groups.get(parametersId);
      if (group === undefined) return protocolError("UNKNOWN_KEYX_PARAMETERS_ID", "keydata.parametersid");
      const own = generate(group);
      try {
        const keys = agree(core, own, publicKey);
        return { keydata: { parametersid: parametersId, publickey: oneZero(own.publicKey) }, keys };
      } finally {
        own.key.dispose();
      }
    },
  };
}

/** The core checks the range of the value and the secret; a value that is our own comes from a mirror. */
function agree(core: Core, own: DhKeyPair, peer: Uint8Array) {
  const mine = stripped(own.publicKey);
  if (peer.length === mine.length && peer.every((byte, i) => byte === mine[i])) {
    protocolError("KEYX_INVALID_PUBLIC_KEY", "keydata.publickey");
  }
  return dhAgreeSession(core, own.key, peer);
}

function checkGroup(id: string, group: DhGroup): void {
  if (typeof group === "string") return;
  const p = stripped(group.p);
  const g = stripped(group.g);
  const isGenerator = g.length > 0 && !(g.length === 1 && g[0] === 1) && g.length <= p.length && isBelow(g, p);
  if (p.length < MIN_BYTES || (p[0] ?? 0) < 0x80 || !isGenerator) {
    throw new MslUsageError(`The group ${id} is not a safe prime of at least 2048 bits with a generator.`);
  }
}

function isBelow(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return a.length < b.length;
  for (const [i, byte] of a.entries()) if (byte !== b[i]) return byte < b[i]!;
  return false;
}

/** Empty values are refused when they are read; anything else when it is used, so that other requests are still tried. */
function readFields(keydata: Parameters<KeyExchange["complete"]>[1]): Parsed {
  const parametersId = keydata.string("parametersid");
  const publicKey = keydata.bytes("publickey");
  if (publicKey.length === 0) protocolError("KEYX_INVALID_PUBLIC_KEY", `${keydata.path}.publickey`);
  return { parametersId, publicKey: stripped(publicKey).slice() };
}

function stripped(bytes: Uint8Array): Uint8Array {
  let first = 0;
  while (first < bytes.length && bytes[first] === 0) first++;
  return bytes.subarray(first);
}

function oneZero(bytes: Uint8Array): Uint8Array {
  const value = stripped(bytes);
  const out = new Uint8Array(value.length + 1);
  out.set(value, 1);
  return out;
}
