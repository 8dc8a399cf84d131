// What the attacks on key exchange share: schemes whose requests or answers the attacker writes, and everything that an
// attacker could see of what came of it.

import { type KeyObject, constants, createPublicKey, publicEncrypt } from "node:crypto";
import type { MslClient, RequestInit } from "../../src/control/api.ts";
import type { Core } from "../../src/core/core.ts";
import { RSA_DECRYPTION } from "../../src/core/key-specs.ts";
import { rsaImport } from "../../src/core/rsa.ts";
import type { SessionKeys } from "../../src/crypto/crypto-context.ts";
import { decodeObject, type EncodeFields, encodeObject } from "../../src/encoding/codec.ts";
import type { MslMap } from "../../src/encoding/msl-map.ts";
import { MslError } from "../../src/errors/msl-error.ts";
import type { WrappingKeyPair } from "../../src/key-exchange/asymmetric-wrapped.ts";
import type { ExchangeBinding, KeyExchange, KeyRequest } from "../../src/key-exchange/scheme.ts";
import type { Awaitable } from "../../src/platform/awaitable.ts";
import type { RsaPair } from "../core/rsa-helpers.ts";
import { World } from "../scenario/world.ts";

/** One answer of an issuer, before the attacker changes it. */
export interface Answer {
  readonly keydata: EncodeFields;
  readonly keys: SessionKeys;
  /** Key data of the request. */
  readonly request: MslMap;
  readonly binding: ExchangeBinding;
}

/** A scheme whose issuer's side answers what the attacker wants. */
export function answering(honest: KeyExchange, change: (answer: Answer) => Awaitable<EncodeFields>): KeyExchange {
  return {
    ...honest,
    async parseRequest(request) {
      const parsed = await honest.parseRequest(request);
      // A copy: what a message said is wiped behind it.
      const kept = decodeObject(encodeObject(request.format, request.toFields() as EncodeFields), request.path);
      return parsed === null ? null : { parsed, request: kept };
    },
    async respond(received, binding) {
      const { parsed, request } = received as { parsed: unknown; request: MslMap };
      const answer = await honest.respond(parsed, binding);
      if (answer === null) return null;
      return { ...answer, keydata: await change({ ...answer, request, binding }) };
    },
  };
}

/** A scheme whose requester's side asks what the attacker wants. */
export function asking(honest: KeyExchange, change: (keydata: EncodeFields) => EncodeFields): KeyExchange {
  const made = new WeakMap<KeyRequest, KeyRequest>();
  return {
    ...honest,
    async createRequests() {
      const requests = await honest.createRequests();
      return requests.map((request) => {
        const changed = { scheme: request.scheme, keydata: change(request.keydata), dispose: () => request.dispose() };
        made.set(changed, request);
        return changed;
      });
    },
    complete: (request, keydata, binding) => honest.complete(made.get(request) ?? request, keydata, binding),
  };
}

/** What an attempt ends with: the answer, or all that can be told of the error, its causes included. */
export async function faceOf(attempt: () => Promise<string>): Promise<string> {
  try {
    return await attempt();
  } catch (error) {
    const parts: string[] = [];
    for (let at: unknown = error; at !== undefined && at !== null; at = (at as Error).cause) {
      if (!(at instanceof Error)) throw error;
      const { code, where } = at instanceof MslError ? at : { code: "", where: "" };
      parts.push(`${at.name} ${code} ${at.message} ${where}`);
    }
    return parts.join(" < ");
  }
}

/** A request with a token to be had; its answer as text. */
export async function ask(client: MslClient, init: RequestInit = {}): Promise<string> {
  return (await client.request({ body: "x", wantTokens: true, ...init })).text();
}

/** The code that a request ends with, or "accepted". */
export async function codeOf(client: MslClient, init: RequestInit = {}): Promise<string> {
  try {
    await ask(client, init);
    return "accepted";
  } catch (error) {
    if (error instanceof MslError) return error.code;
    throw error;
  }
}

/** Everything about one request that somebody could tell it from another by. */
export interface Seen {
  readonly face: string;
  /** Messages that it put on the wire, and what kind. */
  readonly sent: readonly string[];
  /** The session afterwards. */
  readonly session: MslClient["session"]["masterToken"];
}

export async function observe(world: World, client: MslClient): Promise<Seen> {
  const from = world.wire.length;
  const before = world.reports.length;
  const face = await faceOf(() => ask(client));
  const kinds = world.reports.slice(before).filter((report) => report.direction === "in");
  if (kinds.length !== world.wire.length - from) throw new Error("messages were not all read");
  return { face, sent: kinds.map((report) => report.kind), session: client.session.masterToken };
}

/** A message that nothing protects, as NONE leaves it, with other header data. */
export function rewritten(
  world: World,
  wire: Uint8Array,
  change: (headerdata: EncodeFields) => EncodeFields,
): Uint8Array {
  const scanner = world.core.createScanner(1e7);
  scanner.push(wire);
  const parts: Uint8Array[] = [];
  for (let object = scanner.next(); object !== null; object = scanner.next()) {
    const outer = decodeObject(object, "message");
    if (!outer.has("headerdata") || !outer.has("entityauthdata")) {
      parts.push(object.slice());
      continue;
    }
    const fields = decodeObject(outer.bytes("headerdata"), "headerdata").toFields() as EncodeFields;
    const headerdata = encodeObject(outer.format, change(fields));
    parts.push(encodeObject(outer.format, { ...(outer.toFields() as EncodeFields), headerdata }));
  }
  return Uint8Array.from(Buffer.concat(parts));
}

/** A pair of the application's, as ASYMMETRIC_WRAPPED takes one. */
export function wrappingPair(core: Core, pair: RsaPair, owns = true): WrappingKeyPair {
  return {
    keyPairId: "pair",
    privateKey: rsaImport(core, pair.numbers, Uint8Array.from(pair.numbers.d), RSA_DECRYPTION),
    publicKey: { n: Uint8Array.from(pair.numbers.n), e: pair.numbers.e },
    owns,
  };
}

/** The RSA public key of a request. */
export function publicKeyOf(request: MslMap): KeyObject {
  return createPublicKey({ key: Buffer.from(request.bytes("publickey")), format: "der", type: "spki" });
}

/** m^e mod n of a block as it is. */
export function rawRsa(key: KeyObject, block: Uint8Array): Uint8Array {
  return Uint8Array.from(publicEncrypt({ key, padding: constants.RSA_NO_PADDING }, block));
}

export function base64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}

export const utf8 = (text: string) => Uint8Array.from(Buffer.from(text, "utf8"));

export type Scheme = (core: Core) => KeyExchange;

/** The code of an exchange in which the requester's key data was changed on its way to the issuer. */
export async function asked(scheme: Scheme, change: (keydata: EncodeFields) => EncodeFields): Promise<string> {
  const world = await World.create({ extend: (core) => ({ keyExchange: [scheme(core)] }) });
  const device = await world.device({ keyExchange: [asking(scheme(world.core), change)] });
  const code = await codeOf(device);
  if (world.wire.length !== 1) throw new Error("the request was sent again");
  return code;
}

/** The same for the issuer's, on its way to the requester. */
export async function answered(scheme: Scheme, change: (answer: Answer) => EncodeFields): Promise<string> {
  const world = await World.create({ extend: (core) => ({ keyExchange: [answering(scheme(core), change)] }) });
  const device = await world.device({ keyExchange: [scheme(world.core)] });
  return codeOf(device);
}

const publicValue = (keydata: EncodeFields) => keydata.publickey as Uint8Array;

/** Both directions of one change of the public value. */
export async function both(scheme: Scheme, make: (own: Uint8Array) => Uint8Array): Promise<string[]> {
  return [
    await asked(scheme, (keydata) => ({ ...keydata, publickey: make(publicValue(keydata)) })),
    await answered(scheme, ({ keydata }) => ({ ...keydata, publickey: make(publicValue(keydata)) })),
  ];
}

/** What both sides say of a value that is none. */
export const REFUSED = ["KEYX_INVALID_PUBLIC_KEY", "KEYX_INVALID_PUBLIC_KEY"];
export const ACCEPTED = ["accepted", "accepted"];

export const hex = (text: string) => Uint8Array.from(Buffer.from(text, "hex"));
