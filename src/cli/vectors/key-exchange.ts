// key_exchange.json: both sides of every scheme. The recorded response is completed by a requester and opened by the
// issuer; then our own issuer answers the recorded request, and both sides must again have the same keys.

import { parseJwk } from "../../crypto/jwk.ts";
import { sessionContext } from "../../crypto/session.ts";
import { decodeBase64 } from "../../encoding/base64.ts";
import { decodeObject, encodeObject } from "../../encoding/codec.ts";
import type { EntityAuthData } from "../../entity-auth/scheme.ts";
import { parseEntityAuthData } from "../../entity-auth/scheme.ts";
import { pskData } from "../../entity-auth/psk.ts";
import {
  type ExchangeBinding,
  type KeyExchange,
  parseKeyRequest,
  type ReceivedKeyRequest,
} from "../../key-exchange/scheme.ts";
import { headerBinding } from "../../message/header.ts";
import { readHeader } from "../../message/header-reader.ts";
import type { MasterToken } from "../../tokens/master-token.ts";
import { sameSession, serverIdentity } from "./contexts.ts";
import { checkError, rejection } from "./outcome.ts";
import { clientEnvironment } from "./reading.ts";
import { ladderStore, pendingRequest, type RecordedRequest } from "./pending.ts";
import { entitySchemes, keyExchanges, type Receiver } from "./schemes.ts";
import type { Bench, FileSpec } from "./spec.ts";
import { recordedMasterToken } from "./user-id-tokens.ts";
import { fail, parseJson, same, text, utf8, type Vector } from "./vector.ts";

export const KEY_EXCHANGE_FILE: FileSpec = {
  file: "key_exchange.json",
  members: ["description", "now"],
  lists: {
    vectors: { needs: (vector) => [vector.text("scheme")], run: checkScheme },
    negative: { needs: requestedScheme, run: checkNegative },
  },
};

type Json = Readonly<Record<string, unknown>>;

function requestedScheme(vector: Vector): readonly string[] {
  const { scheme } = vector.json("keyrequestdata") as Json;
  return typeof scheme === "string" ? [scheme] : [];
}

async function checkScheme(vector: Vector, bench: Bench): Promise<void> {
  const receiver: Receiver = { bench };
  const { exchange, parsed } = await parsedRequest(vector, receiver);
  same("scheme", exchange.name, vector.text("scheme"));
  const { keydata: wanted } = vector.json("keyrequestdata") as { keydata: Json };
  same("mechanism", wanted.mechanism ?? wanted.parametersid ?? wanted.keyid, vector.text("mechanism"));
  const { masterToken, entityAuth } = await requester(vector, receiver);
  same("identity", entityAuth.identity, vector.text("identity"));
  const binding = bindingOf(entityAuth, masterToken, bench);

  const response = vector.json("keyresponsedata") as Json;
  same("scheme of the response", response.scheme, exchange.name);
  const recorded = vector.object("sessionKeys");
  const issued = await recordedMasterToken(JSON.stringify(response.mastertoken), bench);
  const session = issued.verified ?? fail("the new master token is not verified");
  sameSession(bench, session.context, recorded);
  same("identity of the session", session.identity, recorded.text("identity"));
  same("sequencenumber", issued.sequenceNumber, recorded.number("sequencenumber"));

  const own = bench.own(await pendingRequest(exchange, recordedRequest(vector), bench));
  const sent = parseJson(text(encodeObject("JSON", { scheme: own.scheme, keydata: own.keydata })), "our bytes");
  same("form of our own request", form(sent), form(vector.json("keyrequestdata")));
  const keydata = decodeObject(vector.utf8("keyresponsedata"), "keyresponsedata").map("keydata");
  const keys = await exchange.complete(own, keydata, binding);
  const context = bench.own(sessionContext(bench.core, entityAuth.identity, issued.sequenceNumber, keys));
  sameSession(bench, context, recorded);
  if (vector.has("newWrappingKey")) await checkLadder(vector, exchange, bench);

  const answer = await exchange.respond(parsed, binding);
  if (answer === null) throw new Error("the scheme made no answer");
  bench.own(answer.keys.encryption);
  bench.own(answer.keys.mac);
  const again = encodeObject("JSON", { keydata: answer.keydata });
  same("form of our own response", form(parseJson(text(again), "our bytes")), form({ keydata: response.keydata }));
  const second = bench.own(await pendingRequest(exchange, recordedRequest(vector), bench));
  const completed = await exchange.complete(second, decodeObject(again, "keyresponsedata").map("keydata"), binding);
  bench.own(completed.encryption);
  bench.own(completed.mac);
  const { core } = bench;
  same("encryption key of both sides", core.exportKey(completed.encryption), core.exportKey(answer.keys.encryption));
  same("MAC key of both sides", core.exportKey(completed.mac), core.exportKey(answer.keys.mac));
}

function recordedRequest(vector: Vector): RecordedRequest {
  vector.ignore("rsaKey", "responsePrivate", "previousWrapdata");
  const privates = vector.objectOr("requestPrivate");
  privates?.ignore("publicValue");
  return {
    request: vector.json("keyrequestdata") as Json,
    privateValue: privates?.bytes("privateValue") ?? null,
    previousKey: vector.bytesOr("previousWrappingKey"),
  };
}

/** The wrapping key that the requester now keeps, and the key texts that it saw. */
async function checkLadder(vector: Vector, exchange: KeyExchange, bench: Bench): Promise<void> {
  const { core } = bench;
  const { keydata } = vector.json("keyresponsedata") as { keydata: Readonly<Record<string, string>> };
  const wrapdata = decodeBase64(keydata.wrapdata ?? "") ?? fail("no wrapdata");
  const kept = (await ladderStore(bench, exchange.name).get(wrapdata)) ?? fail("the wrapping key was not kept");
  same("newWrappingKey", core.exportKey(kept), vector.bytes("newWrappingKey"));
  const texts = vector.object("unwrapped");
  const session = vector.object("sessionKeys");
  session.ignore("identity", "sequencenumber", "keyid"); // checked with the session
  for (const [member, key] of [
    ["encryptionkey", "encryptionKey"],
    ["hmackey", "signatureKey"],
  ] as const) {
    const jwk = parseJwk(core, utf8(texts.text(member)));
    same(`unwrapped.${member}`, jwk.kty === "oct" ? jwk.k : null, session.bytes(key));
  }
}

async function parsedRequest(vector: Vector, receiver: Receiver): Promise<ReceivedKeyRequest> {
  const element = decodeObject(vector.utf8("keyrequestdata"), "keyrequestdata");
  return (await parseKeyRequest(element, keyExchanges(receiver), true)) ?? fail("the request was skipped");
}

interface Requester {
  readonly entityAuth: EntityAuthData;
  readonly masterToken: MasterToken | null;
}

async function requester(vector: Vector, receiver: Receiver): Promise<Requester> {
  const container = decodeObject(vector.utf8("entityauthdata"), "entityauthdata");
  const entityAuth = await parseEntityAuthData(container, entitySchemes(receiver));
  const renewed = vector.textOr("renewedMasterToken");
  const masterToken = renewed === null ? null : await recordedMasterToken(renewed, receiver.bench);
  return { entityAuth, masterToken };
}

function bindingOf(entityAuth: EntityAuthData, masterToken: MasterToken | null, bench: Bench): ExchangeBinding {
  const server = pskData(serverIdentity(bench));
  return {
    identity: entityAuth.identity,
    request: headerBinding(entityAuth, masterToken),
    response: headerBinding(server, masterToken),
  };
}

/** Names and types of members, and the lengths of byte strings: what does not differ from run to run. */
function form(value: unknown): unknown {
  if (typeof value === "string") return value.length > 16 ? value.length : value;
  if (typeof value !== "object" || value === null) return value;
  // The id of a wrapping key in JWE_LADDER is a number of any length.
  const members = Object.entries(value).map(([name, member]) => [name, name === "wrapkey" ? "" : form(member)]);
  return Object.fromEntries(members);
}

function checkNegative(vector: Vector, bench: Bench): Promise<void> {
  vector.ignore("rsaKey", "requestPrivate");
  const side = vector.text("side");
  if (side === "server") return checkServerSide(vector, bench);
  return side === "client" ? checkClientSide(vector, bench) : fail("no such side");
}

async function checkServerSide(vector: Vector, bench: Bench): Promise<void> {
  const [scheme, identity] = vector.textOr("policy")?.split(" not permitted for ") ?? [];
  const refused = scheme === undefined || identity === undefined ? null : { scheme, identity };
  const receiver: Receiver = { bench, refused };
  const { entityAuth, masterToken } = await requester(vector, receiver);
  const binding = bindingOf(entityAuth, masterToken, bench);
  const element = () => decodeObject(vector.utf8("keyrequestdata"), "keyrequestdata");
  const exchanges: readonly KeyExchange[] = keyExchanges(receiver);
  const attempt = async () => {
    const request = await parseKeyRequest(element(), exchanges, bench.switches.strictKeyRequests);
    if (request === null) return "skipped";
    const answer = await request.exchange.respond(request.parsed, binding);
    if (answer === null) return "skipped";
    const { keys } = answer;
    bench.own(keys.encryption);
    bench.own(keys.mac);
    return "answered";
  };
  if (vector.flag("accepted")) same("result", await attempt(), vector.textOr("result") ?? "answered");
  else checkError(vector.object("error"), await rejection(attempt));
}

/** The response reaches the client in a header, as it would from a server. */
async function checkClientSide(vector: Vector, bench: Bench): Promise<void> {
  const receiver: Receiver = { bench };
  const { exchange } = await parsedRequest(vector, receiver);
  const { entityAuth, masterToken } = await requester(vector, receiver);
  const env = await clientEnvironment(receiver, {
    identity: entityAuth.identity,
    sessionFor: () => null,
    pending: [bench.own(await pendingRequest(exchange, recordedRequest(vector), bench))],
    request: { entityAuth: masterToken === null ? entityAuth : null, masterToken },
  });
  const header = `{"messageid":1,"renewable":false,"keyresponsedata":${vector.text("keyresponsedata")}}`;
  const wire = JSON.stringify({
    entityauthdata: { scheme: "NONE", authdata: { identity: serverIdentity(bench) } },
    headerdata: Buffer.from(header, "utf8").toString("base64"),
    signature: "",
  });
  const attempt = () => readHeader(utf8(wire), env);
  if (vector.flag("accepted")) same("kind of message", (await attempt()).kind, "message");
  else checkError(vector.object("error"), await rejection(attempt), true);
}
