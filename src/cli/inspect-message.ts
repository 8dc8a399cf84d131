// Takes messages apart for `inspect`: objects, members, tokens, and what can be verified and decrypted. It judges
// nothing: what cannot be opened is shown closed.

import { loadCore } from "../core/core-node.ts";
import type { Core } from "../core/core.ts";
import type { CryptoContext } from "../crypto/crypto-context.ts";
import { openPair } from "../crypto/seal.ts";
import { encodeBase64 } from "../encoding/base64.ts";
import { compressionNamed, uncompress } from "../encoding/compression.ts";
import { decodeObject, type Format } from "../encoding/codec.ts";
import type { MslMap } from "../encoding/msl-map.ts";
import { MslError } from "../errors/msl-error.ts";
import {
  COMPRESSION,
  entityContext,
  inspectionKeys,
  type Keys,
  inspectMasterToken,
  inspectServiceToken,
  inspectUserIdToken,
} from "./inspect-tokens.ts";
import type { KeysFile } from "./keys-file.ts";

export type Verdict = "verified" | "wrong" | "no key";

export interface InspectedObject {
  readonly offset: number;
  readonly size: number;
  readonly format: Format;
  readonly signature: Verdict;
  /** Sizes of the members as bytes, decoded. */
  readonly members: Readonly<Record<string, number>>;
}

/** A chunk, with the fields of its payload where it could be opened. */
export type InspectedPayload = InspectedObject & Readonly<Record<string, unknown>>;

export interface InspectedMessage {
  readonly header: InspectedObject & { readonly kind: "message" | "error"; readonly fields: Record<string, unknown> };
  /** Decrypted header or error data, or null. */
  readonly headerdata: Record<string, unknown> | null;
  readonly payloads: readonly InspectedPayload[];
  /** Bytes by layer. */
  readonly budget: Readonly<Record<string, number>>;
}

const LIMIT = 64 * 1024 * 1024;

/** All messages in the bytes, up to the first that is malformed; `failure` says where. */
export async function inspectMessages(
  bytes: Uint8Array,
  file: KeysFile | null,
): Promise<{ messages: InspectedMessage[]; failure: string | null }> {
  const core = await loadCore();
  const keys = inspectionKeys(core, file);
  const messages: InspectedMessage[] = [];
  let offset = 0;
  try {
    const objects = cut(core, bytes);
    for (let i = 0; i < objects.length; ) {
      const first = objects[i]!;
      offset = first.offset;
      let end = i + 1;
      while (end < objects.length && objects[end]!.map.has("payload")) end++;
      messages.push(await inspectOne(first, objects.slice(i + 1, end), keys));
      i = end;
    }
    if (objects.length === 0) return { messages, failure: "there is no message" };
    return { messages, failure: null };
  } catch (error) {
    const reason = error instanceof MslError ? error.message : "cannot be taken apart";
    return { messages, failure: `from offset ${offset}: ${reason}` };
  } finally {
    core.dispose();
  }
}

interface Cut {
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly map: MslMap;
}

function cut(core: Core, bytes: Uint8Array): Cut[] {
  const scanner = core.createScanner(LIMIT);
  scanner.push(bytes);
  const objects: Cut[] = [];
  let from = 0;
  for (let object = scanner.next(); object !== null; object = scanner.next()) {
    // White space may stand between JSON objects.
    while (bytes[from] !== object[0]) from++;
    objects.push({ offset: from, bytes: object, map: decodeObject(object, `object ${objects.length}`) });
    from += object.length;
  }
  if (!scanner.isBetweenObjects) decodeObject(bytes.subarray(from), `object ${objects.length}`);
  return objects;
}

function describe(object: Cut, signature: Verdict): InspectedObject {
  const members: Record<string, number> = {};
  for (const name of object.map.names()) {
    const binary = ["headerdata", "errordata", "payload", "signature"].includes(name);
    if (binary) members[name] = object.map.bytes(name).length;
  }
  return { offset: object.offset, size: object.bytes.length, format: object.map.format, signature, members };
}

async function open(
  context: CryptoContext | null,
  map: MslMap,
  name: string,
): Promise<{ verdict: Verdict; plain: Uint8Array | null }> {
  if (context === null) return { verdict: "no key", plain: null };
  const plain = await openPair(context, map.bytes(name), map.bytes("signature"));
  return { verdict: plain === null ? "wrong" : "verified", plain };
}

async function inspectOne(first: Cut, chunks: readonly Cut[], keys: Keys): Promise<InspectedMessage> {
  const { map } = first;
  const kind = map.has("headerdata") ? "message" : "error";
  const { context, fields } = await headerContext(map, keys);
  const name = kind === "message" ? "headerdata" : "errordata";
  const { verdict, plain } = await open(context, map, name);
  const data = plain === null ? null : decodeObject(plain, name);
  const headerdata = data === null ? null : await expand(data, keys);
  const payloadContext = await payloadContextOf(data, context, keys);
  const payloads: InspectedPayload[] = [];
  for (const chunk of chunks) payloads.push(await inspectChunk(chunk, payloadContext));
  return {
    header: { ...describe(first, verdict), kind, fields },
    headerdata,
    payloads,
    budget: budgetOf(first, plain, chunks, payloads),
  };
}

async function headerContext(map: MslMap, keys: Keys) {
  const tokenMap = map.mapOr("mastertoken");
  if (tokenMap !== null) {
    const { token, fields } = await inspectMasterToken(tokenMap, keys);
    return { context: token?.verified?.context ?? null, fields: { mastertoken: fields } };
  }
  const entity = map.mapOr("entityauthdata");
  if (entity === null) return { context: null, fields: {} };
  return { context: await entityContext(entity, keys), fields: { entityauthdata: entity.toPlain() } };
}

/** Header data with tokens taken apart; passwords are not shown. */
async function expand(data: MslMap, keys: Keys): Promise<Record<string, unknown>> {
  const plain = data.toPlain();
  const user = data.mapOr("userauthdata");
  if (user !== null)
    plain.userauthdata = { scheme: user.string("scheme"), authdata: hideSecrets(user.map("authdata")) };
  const response = data.mapOr("keyresponsedata");
  if (response !== null) {
    const { fields } = await inspectMasterToken(response.map("mastertoken"), keys);
    plain.keyresponsedata = { ...response.toPlain(), mastertoken: fields };
  }
  const peer = data.mapOr("peermastertoken");
  if (peer !== null) plain.peermastertoken = (await inspectMasterToken(peer, keys)).fields;
  for (const member of ["useridtoken", "peeruseridtoken"]) {
    const token = data.mapOr(member);
    if (token !== null) plain[member] = await inspectUserIdToken(token, keys);
  }
  for (const member of ["servicetokens", "peerservicetokens"]) {
    const list = data.listOr(member);
    if (list === null) continue;
    const shown: Record<string, unknown>[] = [];
    for (let i = 0; i < list.length; i++) shown.push(await inspectServiceToken(list.map(i), keys));
    plain[member] = shown;
  }
  return plain;
}

function hideSecrets(authdata: MslMap): Record<string, unknown> {
  const plain = authdata.toPlain();
  if ("password" in plain) plain.password = "(hidden)";
  return plain;
}

async function payloadContextOf(data: MslMap | null, context: CryptoContext | null, keys: Keys) {
  const response = data?.mapOr("keyresponsedata") ?? null;
  if (response === null) return context;
  const { token } = await inspectMasterToken(response.map("mastertoken"), keys);
  return token?.verified?.context ?? null;
}

async function inspectChunk(chunk: Cut, context: CryptoContext | null): Promise<InspectedPayload> {
  const { verdict, plain } = await open(context, chunk.map, "payload");
  const shown = describe(chunk, verdict);
  if (plain === null) return { ...shown };
  const payload = decodeObject(plain, "payload");
  const { data: _, ...fields } = payload.toPlain();
  const algorithm = payload.stringOr("compressionalgo");
  const raw = payload.bytes("data");
  const named = algorithm === null ? null : compressionNamed(algorithm, "payload.compressionalgo");
  const data = named === null ? raw : uncompress(named, COMPRESSION, raw, "payload.data");
  return { ...shown, ...fields, dataBytes: data.length, dataBase64: encodeBase64(data), plainBytes: plain.length };
}

function budgetOf(
  first: Cut,
  plain: Uint8Array | null,
  chunks: readonly Cut[],
  payloads: readonly InspectedPayload[],
): Record<string, number> {
  const { map } = first;
  const token = map.mapOr("mastertoken");
  const tokenBytes = token === null ? 0 : token.bytes("tokendata").length + token.bytes("signature").length;
  const sealed = map.bytesOr("headerdata")?.length ?? map.bytes("errordata").length;
  const sum = (of: (payload: InspectedPayload) => number) => payloads.reduce((n, p) => n + of(p), 0);
  const payloadBytes = chunks.reduce((n, chunk) => n + chunk.bytes.length, 0);
  return {
    total: first.bytes.length + payloadBytes,
    header: first.bytes.length,
    masterToken: tokenBytes,
    headerSealed: sealed,
    headerPlain: plain?.length ?? 0,
    payload: payloadBytes,
    payloadSealed: sum((p) => p.members.payload ?? 0),
    payloadPlain: sum((p) => Number(p.plainBytes ?? 0)),
    application: sum((p) => Number(p.dataBytes ?? 0)),
  };
}
