// What the conformance tests share: messages put together by hand, and messages on the wire read back with the keys of
// whoever should be able to read them.

import { SESSION_ENCRYPTION, SESSION_MAC } from "../../src/core/core.ts";
import type { CryptoContext } from "../../src/crypto/crypto-context.ts";
import { nullContext } from "../../src/crypto/null.ts";
import { openPair, sealPair } from "../../src/crypto/seal.ts";
import { decodeObject, encodeObject, type EncodeFields, type Format } from "../../src/encoding/codec.ts";
import type { MslMap } from "../../src/encoding/msl-map.ts";
import { type EntityAuthData, entityAuthFields } from "../../src/entity-auth/scheme.ts";
import { noneData } from "../../src/entity-auth/none.ts";
import { pskData } from "../../src/entity-auth/psk.ts";
import type { MessageReport, MslClient, RequestInit } from "../../src/control/api.ts";
import type { KeyExchange } from "../../src/key-exchange/scheme.ts";
import { type Chunk, readChunk, writeChunk } from "../../src/message/payload-chunk.ts";
import { nodeGzip } from "../../src/platform/gzip-node.ts";
import {
  encodedMasterToken,
  type MasterToken,
  parseMasterToken,
  type VerifiedMasterToken,
} from "../../src/tokens/master-token.ts";
import { createTokenIssuer, type IssuerConfig } from "../../src/tokens/token-issuer.ts";
import { clock, issuerKeys, type World } from "../scenario/world.ts";

const COMPRESSION = { gzip: nodeGzip, maxBytes: 1 << 26 };

export const FORMATS = ["JSON", "CBOR"] as const;

export const MESSAGE_ID = 1000;

/** Header data of a plain message. */
export const HEADER: EncodeFields = { messageid: MESSAGE_ID, renewable: false, handshake: false, timestamp: 1 };

/** A message read from the wire. */
export interface Read {
  /** Header data, or error data. */
  readonly data: MslMap;
  readonly outer: MslMap;
  readonly kind: "message" | "error";
  readonly masterToken: MasterToken | null;
  /** Master token of key response data. */
  readonly issued: VerifiedMasterToken | null;
  readonly chunks: readonly Chunk[];
}

/** Cuts a message into its objects. */
export function objectsOf(world: World, bytes: Uint8Array): Uint8Array[] {
  const scanner = world.core.createScanner(1e7);
  scanner.push(bytes);
  const objects: Uint8Array[] = [];
  for (let object = scanner.next(); object !== null; object = scanner.next()) objects.push(object.slice());
  return objects;
}

/** Reads a whole message as its receiver does, chunks included. */
export async function read(world: World, bytes: Uint8Array): Promise<Read> {
  const [first, ...rest] = objectsOf(world, bytes);
  const outer = decodeObject(first!, "message");
  const crypto = issuerKeys(world.core);
  const tokenMap = outer.mapOr("mastertoken");
  const masterToken = tokenMap === null ? null : await parseMasterToken(tokenMap, crypto, world.core);
  const context = masterToken?.verified?.context ?? entityContext(world, outer.map("entityauthdata"));
  const kind = outer.has("errordata") ? "error" : "message";
  const sealed = outer.bytes(kind === "error" ? "errordata" : "headerdata");
  const plain = await openPair(context, sealed, outer.bytes("signature"));
  if (plain === null) throw new Error("The header's signature is wrong.");
  const data = decodeObject(plain, kind === "error" ? "errordata" : "headerdata");
  const response = kind === "error" ? null : data.mapOr("keyresponsedata");
  const issued =
    response === null
      ? null
      : ((await parseMasterToken(response.map("mastertoken"), crypto, world.core)) as VerifiedMasterToken);
  const chunks: Chunk[] = [];
  for (const object of rest) chunks.push(await readChunk(issued?.verified.context ?? context, object, COMPRESSION));
  return { data, outer, kind, masterToken, issued, chunks };
}

function entityContext(world: World, container: MslMap): CryptoContext {
  if (container.string("scheme") === "NONE") return nullContext;
  return world.pskContextOf(container.map("authdata").string("identity"))!;
}

/** Who a crafted message comes from. */
export type Sender =
  | { readonly entity: EntityAuthData; readonly context: CryptoContext }
  | { readonly masterToken: VerifiedMasterToken };

export const device = (world: World): Sender => ({
  entity: pskData("device-1"),
  context: world.pskContextOf("device-1")!,
});
export const server = (world: World): Sender => ({
  entity: pskData("server"),
  context: world.pskContextOf("server")!,
});
export const nobody: Sender = { entity: noneData("anon-1"), context: nullContext };

export function contextOf(sender: Sender): CryptoContext {
  return "entity" in sender ? sender.context : sender.masterToken.verified.context;
}

/** One header object. `outer` adds or replaces its members. */
export async function header(
  format: Format,
  sender: Sender,
  fields: EncodeFields,
  outer: EncodeFields = {},
): Promise<Uint8Array> {
  const { data, signature } = await sealPair(contextOf(sender), encodeObject(format, fields), format);
  const origin: EncodeFields =
    "entity" in sender
      ? { entityauthdata: entityAuthFields(sender.entity) }
      : { mastertoken: encodedMasterToken(format, sender.masterToken) };
  return encodeObject(format, { ...origin, headerdata: data, signature, ...outer });
}

/** One payload chunk. */
export async function chunk(
  format: Format,
  context: CryptoContext,
  text: string,
  change: Partial<Chunk> = {},
): Promise<Uint8Array> {
  const fields = { sequenceNumber: 1, messageId: MESSAGE_ID, endOfMessage: true, data: Buffer.from(text), ...change };
  return writeChunk(context, fields, format, null);
}

/** A whole message of one chunk. */
export async function message(
  format: Format,
  sender: Sender,
  fields: EncodeFields,
  text: string | null = "hi",
  outer: EncodeFields = {},
): Promise<Uint8Array> {
  const head = await header(format, sender, fields, outer);
  if (text === null) return head;
  const messageId = typeof fields.messageid === "number" ? fields.messageid : MESSAGE_ID;
  return Uint8Array.from(Buffer.concat([head, await chunk(format, contextOf(sender), text, { messageId })]));
}

/** An error message with the members that the test wants. */
export async function errorMessage(format: Format, sender: Sender, fields: EncodeFields): Promise<Uint8Array> {
  const { data, signature } = await sealPair(contextOf(sender), encodeObject(format, fields), format);
  const entityauthdata = "entity" in sender ? entityAuthFields(sender.entity) : null;
  return encodeObject(format, { entityauthdata, errordata: data, signature });
}

/** An issuer of the world's network, with its own settings. */
export function issuerOf(world: World, config: Partial<IssuerConfig> = {}) {
  return createTokenIssuer({ core: world.core, crypto: issuerKeys(world.core), state: world.state, clock, ...config });
}

/** A master token of the network, `renewSec` and `expireSec` from now. */
export async function issue(
  world: World,
  life: { readonly renewSec: number; readonly expireSec: number } = { renewSec: 1000, expireSec: 2000 },
  identity = "device-1",
): Promise<VerifiedMasterToken> {
  return issuerOf(world, { masterTokenLife: life }).issueMasterToken({
    identity,
    keys: {
      encryption: world.core.importKey(SESSION_ENCRYPTION, world.core.random(16)),
      mac: world.core.importKey(SESSION_MAC, world.core.random(32)),
    },
    renew: null,
    kind: "authenticated",
    format: "JSON",
  });
}

/** A user ID token bound to `masterToken`. */
export async function issueUser(
  world: World,
  masterToken: VerifiedMasterToken,
  life: { readonly renewSec: number; readonly expireSec: number } = { renewSec: 1000, expireSec: 2000 },
  user = "user-1",
) {
  return issuerOf(world, { userIdTokenLife: life }).issueUserIdToken({
    user,
    masterToken,
    renew: null,
    format: "JSON",
  });
}

/** Key request data of the world's schemes. */
export async function keyRequests(world: World, schemes: readonly KeyExchange[] = world.keyExchange()) {
  const requests = (await Promise.all(schemes.map((scheme) => scheme.createRequests()))).flat();
  return requests.map(({ scheme, keydata }) => ({ scheme, keydata }));
}

/** What the server made of crafted bytes. */
export interface Outcome {
  /** Code of its error, or "accepted". */
  readonly code: string;
  readonly reply: Read;
  readonly report: MessageReport;
}

export async function outcome(world: World, bytes: Uint8Array): Promise<Outcome> {
  const from = world.reports.length;
  const answer = await world.post(bytes);
  const out = world.reports.slice(from).filter((report) => report.direction === "out");
  if (out.length !== 1) throw new Error(`The server answered ${out.length} times.`);
  return { code: out[0]!.error?.code ?? "accepted", reply: await read(world, answer), report: out[0]! };
}

/** Only the code. */
export async function codeOf(world: World, bytes: Uint8Array): Promise<string> {
  return (await outcome(world, bytes)).code;
}

/** A request, its answer as text. */
export async function ask(client: MslClient, init: RequestInit = {}): Promise<string> {
  return (await client.request({ body: "x", ...init })).text();
}

/** What the server saw come in. */
export function seen(world: World): MessageReport[] {
  return world.reports.filter((report) => report.direction === "in");
}

/** Requests as they were on the wire. */
export async function sent(world: World): Promise<Read[]> {
  return Promise.all(world.wire.map((exchange) => read(world, exchange.request)));
}

export async function received(world: World): Promise<Read[]> {
  return Promise.all(world.wire.map((exchange) => read(world, exchange.response)));
}
