// messages.json: complete exchanges in a trusted services network. Every message is read as its receiver reads it:
// requests by a server with the issuer's keys, responses by a client that completes the recorded key exchanges.

import { openPair } from "../../crypto/seal.ts";
import { decodeObject } from "../../encoding/codec.ts";
import { MslProtocolError } from "../../errors/msl-error.ts";
import type { ErrorHeader } from "../../message/error-header.ts";
import type { MessageHeader } from "../../message/header.ts";
import type { HeaderEnvironment, HeaderOrigin } from "../../message/header-reader.ts";
import { nextMessageId } from "../../message/ids.ts";
import { readChunk } from "../../message/payload-chunk.ts";
import type { MasterToken } from "../../tokens/master-token.ts";
import type { ServiceToken } from "../../tokens/service-token.ts";
import type { UserIdToken } from "../../tokens/user-id-token.ts";
import { recordedSession, sameSession } from "./contexts.ts";
import { checkError, rejection } from "./outcome.ts";
import { clientEnvironment, type ReadMessage, readMessage, serverEnvironment } from "./reading.ts";
import { pendingRequests } from "./pending.ts";
import { keyExchanges } from "./schemes.ts";
import type { Bench, FileSpec } from "./spec.ts";
import { recordedMasterToken, recordedUserIdToken } from "./user-id-tokens.ts";
import { fail, parseJson, same, text, type Vector } from "./vector.ts";

export const MESSAGE_FILE: FileSpec = {
  file: "messages.json",
  members: ["description", "now"],
  lists: { vectors: { needs: schemesOf, run: checkExchange } },
};

type Json = Readonly<Record<string, unknown>>;

/** Every scheme that some message of the exchange needs, in the order of their appearance. */
export function schemesOf(vector: Vector): readonly string[] {
  const names: unknown[] = [];
  for (const message of vector.objects("messages")) {
    const entity = message.objectOr("entityauth");
    if (entity !== null) names.push(entity.text("scheme"));
    const header = message.has("headerdata") ? (message.json("headerdata") as Json) : {};
    names.push(...listOf(header.keyrequestdata).map((element) => element.scheme));
    names.push((header.keyresponsedata as Json | undefined)?.scheme, (header.userauthdata as Json | undefined)?.scheme);
    for (const token of message.has("servicetokens") ? message.objects("servicetokens") : []) {
      names.push((token.json("tokendata") as Json).compressionalgo);
    }
    for (const chunk of message.has("payloads") ? message.objects("payloads") : []) {
      names.push((chunk.json("payload") as Json).compressionalgo);
    }
  }
  return names.filter((name) => typeof name === "string");
}

function listOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? (value as Json[]) : [];
}

/** What the client remembers from message to message. */
interface Story {
  readonly bench: Bench;
  readonly server: HeaderEnvironment;
  /** Sessions of recorded master tokens, by serial and sequence number. */
  readonly sessions: Map<string, Vector>;
  request: Vector | null;
  requestOrigin: HeaderOrigin;
  requestId: number | null;
  isHandshake: boolean;
  /** The error that the server must answer with. */
  refusal: MslProtocolError | null;
  readonly responses: ReadMessage[];
}

async function checkExchange(vector: Vector, bench: Bench): Promise<void> {
  vector.ignore("client", "server", "requests");
  same("network", vector.text("network"), "trusted");
  const story: Story = {
    bench,
    server: serverEnvironment({ bench }),
    sessions: new Map(),
    request: null,
    requestOrigin: { entityAuth: null, masterToken: null },
    requestId: null,
    isHandshake: false,
    refusal: null,
    responses: [],
  };
  let isIgnored = false;
  for (const message of vector.objects("messages")) {
    const isRequest = message.text("direction") === "request";
    // The recorded client once opened a connection and sent nothing; neither that nor its answer says anything.
    if (isRequest) isIgnored = message.number("bytes") === 0;
    if (isIgnored) ignoreAll(message);
    else if (isRequest) await checkRequest(message, story);
    else await checkResponse(message, story);
  }
  checkOutcomeOf(vector, story.responses);
}

function ignoreAll(message: Vector): void {
  message.ignore("message", "bytes", "entityauth", "signatureVerified", "errordata", "headerdata");
}

/** What the application of the client saw at the end. */
function checkOutcomeOf(vector: Vector, responses: readonly ReadMessage[]): void {
  const last = responses.at(-1) ?? fail("no response is recorded");
  const outcome = vector.text("outcome");
  if (last.header.kind === "message") {
    same("outcome", "response", outcome);
    same("finalResponse", last.applicationData, vector.bytes("finalResponse"));
    return;
  }
  same("outcome", `error ${last.header.internalCode}`, outcome);
  const error = vector.object("finalError");
  same("errormessage", true, error.flag("errormessage"));
  // Out of messages, a client delivers the first error.
  const delivered = responses.find(({ header }) => header.messageId === error.number("messageid"));
  sameErrorHeader(delivered?.header.kind === "error" ? delivered.header : last.header, error);
}

async function checkRequest(message: Vector, story: Story): Promise<void> {
  story.request = message;
  story.refusal = null;
  story.isHandshake = false;
  const wire = wireOf(message);
  const recorded = message.objectOr("undecodable");
  if (recorded !== null) {
    message.ignore("entityauth", "signatureVerified");
    const error = await rejection(() => readMessage(wire, story.server, false));
    checkError(recorded, error);
    if (error instanceof MslProtocolError) story.refusal = error;
    return;
  }
  try {
    const read = await readMessage(wire, story.server, story.bench.switches.allowTruncated);
    story.requestId = read.header.messageId;
    if (read.header.kind === "message") {
      story.requestOrigin = read.header;
      story.isHandshake = read.header.handshake === true;
    }
    await checkRead(message, read, story);
  } catch (error) {
    // Refused while its header was read: the recorded answer must say why.
    if (!(error instanceof MslProtocolError)) throw error;
    story.refusal = error;
    story.requestId = error.context.messageId ?? null;
    message.ignore(...REFUSED_FIELDS);
  }
}

const REFUSED_FIELDS = ["entityauth", "signatureVerified", "headerdata", "payloadKeys", "payloads", "applicationData"];
const PRIVATE_FIELDS = ["keyrequestPrivate", "keyresponsePrivate"];

async function checkResponse(message: Vector, story: Story): Promise<void> {
  const identity =
    story.requestOrigin.entityAuth?.identity ?? story.requestOrigin.masterToken?.verified?.identity ?? "";
  const held = message.objectOr("mastertoken");
  if (held !== null) remember(held, story);
  const receiver = { bench: story.bench };
  const pending = await pendingRequests(story.request, keyExchanges(receiver), story.bench);
  const env = await clientEnvironment(receiver, {
    identity,
    sessionFor: (token) => sessionFor(token, story),
    pending,
    request: story.requestOrigin,
  });
  // Replies to a handshake have no chunks.
  const mayLackEnd = story.isHandshake || story.bench.switches.allowTruncated;
  const read = await readMessage(wireOf(message), env, mayLackEnd);
  story.responses.push(read);
  const { header } = read;
  if (story.requestId !== null) same("message id of the response", header.messageId, nextMessageId(story.requestId));
  if (story.refusal !== null) {
    same("answer", header.kind, "error");
    if (header.kind === "error") same("internalcode of the answer", story.refusal.internalCode, header.internalCode);
  }
  await checkRead(message, read, story);
}

function remember(token: Vector, story: Story): void {
  // Checked where the header's token is.
  token.ignore("renewalwindow", "expiration", "identity", "issuer");
  story.sessions.set(`${token.number("serialnumber")}:${token.number("sequencenumber")}`, token.object("sessionKeys"));
}

function sessionFor(token: MasterToken, story: Story) {
  const recorded = story.sessions.get(`${token.serialNumber}:${token.sequenceNumber}`);
  return recorded === undefined ? null : recordedSession(story.bench, recorded);
}

export function wireOf(message: Vector): Uint8Array {
  const wire = message.utf8("message");
  same("bytes", wire.length, message.number("bytes"));
  return wire;
}

async function checkRead(message: Vector, read: ReadMessage, story: Story): Promise<void> {
  message.ignore(...PRIVATE_FIELDS);
  same("signatureVerified", true, message.flag("signatureVerified"));
  const { header } = read;
  const entity = message.objectOr("entityauth");
  if (entity !== null) {
    same("entity scheme", header.entityAuth?.scheme, entity.text("scheme"));
    // An entity that the issuer will name has none yet.
    same("entity identity", header.entityAuth?.identity || null, entity.textOr("identity"));
  }
  if (header.kind === "error") {
    sameErrorData(header, message.json("errordata") as Json);
    return;
  }
  const plain = await openAgain(read, header);
  same("headerdata", plain, message.json("headerdata"));
  sameHeaderData(header, plain);
  await checkTokens(message, header, plain, story);
  await checkPayloads(message, read, header, story.bench);
}

/** The header's plaintext. */
export async function openAgain(read: ReadMessage, header: MessageHeader): Promise<Json> {
  const outer = decodeObject(read.objects[0] ?? fail("no header"), "message");
  const plain = await openPair(header.context, outer.bytes("headerdata"), outer.bytes("signature"));
  return parseJson(text(plain ?? fail("the header does not verify")), "headerdata") as Json;
}

/** What the reader made of the plaintext, member by member. `sender` and `nonreplayable` have no reader. */
export function sameHeaderData(header: MessageHeader, plain: Json): void {
  same("messageid", header.messageId, plain.messageid);
  same("timestamp", header.timestamp, plain.timestamp);
  same("renewable", header.renewable, plain.renewable);
  same("handshake", header.handshake, plain.handshake);
  same("nonreplayableid", header.nonReplayableId, plain.nonreplayableid);
  same(
    "userauthdata",
    header.userScheme,
    header.user === null ? null : (plain.userauthdata as Json | undefined)?.scheme,
  );
  const requests = listOf(plain.keyrequestdata);
  same(
    "keyrequestdata",
    header.keyRequestSchemes,
    requests.map((element) => element.scheme),
  );
  same("number of key requests", header.keyRequestCount, requests.length);
  same("keyresponsedata", header.keyResponse?.scheme, (plain.keyresponsedata as Json | undefined)?.scheme);
  same("number of service tokens", header.serviceTokens.length, listOf(plain.servicetokens).length);
  const capabilities = plain.capabilities as Json | undefined;
  same("capabilities", header.capabilities === null, capabilities === undefined);
  if (header.capabilities === null) return;
  same("languages", header.capabilities.languages, capabilities?.languages);
  same("compressionalgos", header.capabilities.compression, capabilities?.compressionalgos);
  same("encoderformats", header.capabilities.formats, capabilities?.encoderformats);
}

async function checkTokens(message: Vector, header: MessageHeader, plain: Json, story: Story): Promise<void> {
  const { bench } = story;
  const master = message.objectOr("mastertoken");
  same("master token", header.masterToken !== null, master !== null);
  if (master !== null) {
    await checkMasterToken(header.masterToken ?? fail("no master token"), master, bench);
    sameSession(bench, header.context, master.object("sessionKeys"));
  }
  const issued = message.objectOr("keyresponseMastertoken");
  same("master token of the key response", header.keyResponse !== null, issued !== null);
  if (issued !== null && header.keyResponse !== null) {
    await checkMasterToken(header.keyResponse.masterToken, issued, bench);
    const isNameless = story.requestOrigin.entityAuth?.scheme === "PROVISIONED";
    sameSession(bench, header.keyResponse.context, issued.object("sessionKeys"), isNameless);
  }
  const user = message.objectOr("useridtoken");
  same("user ID token", header.userIdToken !== null, user !== null);
  const verifying = header.keyResponse?.masterToken ?? header.masterToken;
  if (user !== null) await checkUserIdToken(JSON.stringify(plain.useridtoken), verifying, user, bench);
  if (message.has("servicetokens")) checkServiceTokens(message.objects("servicetokens"), header.serviceTokens);
}

export function sameMasterToken(token: MasterToken, recorded: Vector): void {
  same("sequencenumber", token.sequenceNumber, recorded.number("sequencenumber"));
  same("serialnumber", token.serialNumber, recorded.number("serialnumber"));
  same("renewalwindow", token.renewalWindow, recorded.number("renewalwindow"));
  same("expiration", token.expiration, recorded.number("expiration"));
}

async function checkMasterToken(token: MasterToken, recorded: Vector, bench: Bench): Promise<void> {
  sameMasterToken(token, recorded);
  same("issuer", "msl", recorded.text("issuer"));
  const wire = JSON.stringify({ tokendata: base64(token.tokendata), signature: base64(token.signature) });
  const { verified } = await recordedMasterToken(wire, bench);
  same("identity", verified?.identity, recorded.text("identity"));
  sameSession(bench, verified?.context ?? fail("not issued by the issuer"), recorded.object("sessionKeys"));
}

async function checkUserIdToken(json: string, masterToken: MasterToken | null, recorded: Vector, bench: Bench) {
  const token: UserIdToken = await recordedUserIdToken(json, masterToken, bench);
  same("serialnumber", token.serialNumber, recorded.number("serialnumber"));
  same("mtserialnumber", token.mtSerialNumber, recorded.number("mtserialnumber"));
  same("renewalwindow", token.renewalWindow, recorded.number("renewalwindow"));
  same("expiration", token.expiration, recorded.number("expiration"));
  same("issuer", "msl", recorded.text("issuer"));
  same("user", token.verified?.user, recorded.text("user"));
}

export function checkServiceTokens(recorded: readonly Vector[], tokens: readonly ServiceToken[]): void {
  same("number of service tokens", tokens.length, recorded.length);
  for (const [i, token] of tokens.entries()) {
    const vector = recorded[i] ?? fail("a service token is not recorded");
    vector.ignore("key"); // whose context it was: found by name
    same("name of a service token", token.name, vector.text("name"));
    same("tokendata of a service token", parseJson(text(token.tokendata), "tokendata"), vector.json("tokendata"));
    same("verified service token", token.verified, vector.flag("verified"));
    same("data of a service token", token.data, vector.bytesOr("data"));
  }
}

async function checkPayloads(message: Vector, read: ReadMessage, header: MessageHeader, bench: Bench): Promise<void> {
  const keys =
    header.keyResponse !== null ? "keyresponseMastertoken" : header.masterToken !== null ? "mastertoken" : "entityauth";
  same("payloadKeys", keys, message.text("payloadKeys"));
  await checkChunks(message, read, header, bench);
}

export async function checkChunks(
  message: Vector,
  read: ReadMessage,
  header: MessageHeader,
  bench: Bench,
): Promise<void> {
  same("applicationData", read.applicationData, message.bytes("applicationData"));
  const chunks = read.objects.slice(1);
  const payloads = message.objects("payloads");
  same("number of chunks", chunks.length, payloads.length);
  for (const [i, recorded] of payloads.entries()) {
    const wire = chunks[i] ?? fail("a chunk is missing");
    const outer = decodeObject(wire, "chunk");
    const plain = await openPair(header.payloadContext, outer.bytes("payload"), outer.bytes("signature"));
    same("verified chunk", plain !== null, recorded.flag("signatureVerified"));
    same("payload", parseJson(text(plain ?? fail("a chunk does not verify")), "payload"), recorded.json("payload"));
    same(
      "data of a chunk",
      (await readChunk(header.payloadContext, wire, bench.compression)).data,
      recorded.bytes("data"),
    );
  }
}

export function sameErrorData(header: ErrorHeader, recorded: Json): void {
  same("timestamp", header.timestamp, recorded.timestamp);
  same("messageid", header.messageId, recorded.messageid);
  same("errorcode", header.responseCode, recorded.errorcode);
  same("internalcode", header.internalCode, recorded.internalcode);
  same("errormsg", header.errorMessage, recorded.errormsg);
  same("usermsg", header.userMessage, recorded.usermsg);
}

/** An error header as the vectors show it: without internal code it says -1. */
export function sameErrorHeader(header: ErrorHeader, recorded: Vector): void {
  same("messageid", header.messageId, recorded.number("messageid"));
  same("errorcode", header.responseCode, recorded.number("errorcode"));
  same("internalcode", header.internalCode ?? -1, recorded.number("internalcode"));
  same("errormsg", header.errorMessage, recorded.textOr("errormsg"));
  same("usermsg", header.userMessage, recorded.textOr("usermsg"));
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
