// messages_p2p.json: exchanges of two peers on one connection. Each message is read as its receiver reads it, which
// issues tokens itself and holds those of the other: A's token keys are `msl`, B's `peermsl`.

import type { PeerConfig } from "../../control/peer-api.ts";
import { PeerEngine } from "../../control/peer-engine.ts";
import { none, noneData } from "../../entity-auth/none.ts";
import type { MessageHeader } from "../../message/header.ts";
import type { HeaderEnvironment, HeaderOrigin } from "../../message/header-reader.ts";
import { IssuerMemory } from "../../store/issuer-memory.ts";
import type { TokenCrypto } from "../../tokens/token-crypto.ts";
import { createTokenIssuer } from "../../tokens/token-issuer.ts";
import { parseUserIdToken, type UserIdToken } from "../../tokens/user-id-token.ts";
import { decodeObject } from "../../encoding/codec.ts";
import { parseMasterToken, type MasterToken } from "../../tokens/master-token.ts";
import { sameSession } from "./contexts.ts";
import {
  base64,
  checkChunks,
  checkServiceTokens,
  openAgain,
  sameHeaderData,
  sameMasterToken,
  schemesOf,
  wireOf,
} from "./messages.ts";
import { clockOf, readMessage } from "./reading.ts";
import { entitySchemes, keyExchanges, userSchemes } from "./schemes.ts";
import { pendingRequests } from "./pending.ts";
import type { Bench, FileSpec } from "./spec.ts";
import { fail, same, utf8, type Vector } from "./vector.ts";

export const PEER_FILE: FileSpec = {
  file: "messages_p2p.json",
  members: ["description", "now"],
  lists: { vectors: { needs: (vector) => ["peer-to-peer", ...schemesOf(vector)], run: checkExchange } },
};

interface PeerSide {
  readonly identity: string;
  readonly issuer: TokenCrypto;
  /** Name of the token keys in the key file. */
  readonly keys: string;
  /** Its last message that asked for keys. */
  asked: { readonly message: Vector; readonly origin: HeaderOrigin } | null;
}

async function checkExchange(vector: Vector, bench: Bench): Promise<void> {
  same("network", vector.text("network"), "peer-to-peer");
  vector.ignore("secret", "outcome");
  const sides = { A: sideOf(vector.object("A"), bench), B: sideOf(vector.object("B"), bench) };
  for (const message of vector.objects("messages")) {
    const isFromA = message.text("direction") === "A to B";
    if (isFromA) await checkMessage(message, sides.A, sides.B, bench);
    else await checkMessage(message, sides.B, sides.A, bench);
  }
}

function sideOf(recorded: Vector, bench: Bench): PeerSide {
  recorded.ignore("auth", "keyx", "user");
  const keys = recorded.text("mslKeys");
  const issuer = keys === "msl" ? bench.keys.issuer : (bench.keys.peerIssuer ?? fail("the key file has no peermsl"));
  return { identity: recorded.text("identity"), issuer, keys, asked: null };
}

async function checkMessage(message: Vector, from: PeerSide, to: PeerSide, bench: Bench): Promise<void> {
  message.ignore("keyresponsePrivate");
  const env = await environment(to, bench);
  const isBare = (message.raw("payloads") as readonly unknown[]).length === 0;
  const read = await readMessage(wireOf(message), env, isBare || bench.switches.allowTruncated);
  same("signatureVerified", true, message.flag("signatureVerified"));
  const { header } = read;
  if (header.kind === "error") return fail("an error message");
  same("sender", header.identity, from.identity);
  const entity = message.objectOr("entityauth");
  same("entity scheme", header.entityAuth?.scheme, entity?.text("scheme"));
  same("entity identity", header.entityAuth?.identity, entity?.text("identity"));
  const plain = await openAgain(read, header);
  same("headerdata", plain, message.json("headerdata"));
  sameHeaderData(header, plain);
  await checkTokens(message, header, from, to, bench);
  same("payloadKeys", header.masterToken === null ? "entityauth" : "mastertoken", message.text("payloadKeys"));
  same("context of the payload", header.payloadContext === header.context, true);
  await checkChunks(message, read, header, bench);
  message.ignore("keyrequestPrivate");
  if (header.keyRequestCount > 0) from.asked = { message, origin: header };
}

/** How a peer reads, with the key requests that it made last. */
async function environment(side: PeerSide, bench: Bench): Promise<HeaderEnvironment> {
  const receiver = { bench };
  const { core, gzip } = bench;
  const exchanges = keyExchanges(receiver);
  const clock = clockOf(bench);
  const config: PeerConfig = {
    core,
    gzip,
    clock,
    timers: null,
    entity: { scheme: none(), data: () => noneData(side.identity) },
    entitySchemes: [...entitySchemes(receiver).values()],
    userSchemes: [...userSchemes(receiver).values()],
    keyExchange: exchanges,
    tokenCrypto: side.issuer,
    issuer: createTokenIssuer({ core, crypto: side.issuer, state: new IssuerMemory(), clock }),
    strictKeyRequests: bench.switches.strictKeyRequests,
  };
  const { asked } = side;
  const requests = await pendingRequests(asked?.message ?? null, exchanges, bench);
  const pending = asked === null ? null : { requests, origin: asked.origin, identity: side.identity };
  const hooks = { crypto: (name: string) => bench.keys.serviceToken(name) };
  const engine = new PeerEngine(config, core);
  return engine.readEnvironment(
    () => pending,
    hooks,
    (exchange) => bench.own(exchange.context),
  );
}

async function checkTokens(message: Vector, header: MessageHeader, from: PeerSide, to: PeerSide, bench: Bench) {
  const primary = await checkMasterToken(message, "mastertoken", header.masterToken, to, bench);
  if (primary !== null) sameSession(bench, header.context, primary.object("sessionKeys"));
  await checkUser(message, "useridtoken", header.userIdToken, header.masterToken, to);
  same("tokens of the sender", header.masterToken?.verified?.identity, primary === null ? null : from.identity);

  const issued = header.keyResponse?.masterToken ?? null;
  const response = await checkMasterToken(message, "keyresponseMastertoken", issued, from, bench);
  if (response !== null && header.keyResponse !== null) {
    sameSession(bench, header.keyResponse.context, response.object("sessionKeys"));
  }
  const { peer } = header;
  await checkMasterToken(message, "peermastertoken", peer.masterToken, from, bench);
  await checkUser(message, "peeruseridtoken", peer.userIdToken, issued ?? peer.masterToken, from);
  if (message.has("servicetokens")) checkServiceTokens(message.objects("servicetokens"), header.serviceTokens);
  const hasPeerTokens = message.has("peerservicetokens");
  same("peer service tokens", peer.serviceTokens.length > 0, hasPeerTokens);
  if (hasPeerTokens) checkServiceTokens(message.objects("peerservicetokens"), peer.serviceTokens);
}

/** A token as read, against the record and as its issuer reads it. */
async function checkMasterToken(
  message: Vector,
  member: string,
  token: MasterToken | null,
  issuer: PeerSide,
  bench: Bench,
): Promise<Vector | null> {
  const recorded = message.objectOr(member);
  same(member, token !== null, recorded !== null);
  if (recorded === null || token === null) return null;
  sameMasterToken(token, recorded);
  same("issuer", issuer.keys, recorded.text("issuer"));
  const wire = JSON.stringify({ tokendata: base64(token.tokendata), signature: base64(token.signature) });
  const again = await parseMasterToken(decodeObject(utf8(wire), member), issuer.issuer, bench.core);
  const session = again.verified ?? fail(`${member} is not its issuer's`);
  bench.own(session.context);
  same("identity", session.identity, recorded.text("identity"));
  sameSession(bench, session.context, recorded.object("sessionKeys"));
  return recorded;
}

async function checkUser(
  message: Vector,
  member: string,
  token: UserIdToken | null,
  masterToken: MasterToken | null,
  issuer: PeerSide,
): Promise<void> {
  const recorded = message.objectOr(member);
  same(member, token !== null, recorded !== null);
  if (recorded === null || token === null) return;
  same("serialnumber", token.serialNumber, recorded.number("serialnumber"));
  same("mtserialnumber", token.mtSerialNumber, recorded.number("mtserialnumber"));
  same("renewalwindow", token.renewalWindow, recorded.number("renewalwindow"));
  same("expiration", token.expiration, recorded.number("expiration"));
  same("issuer", issuer.keys, recorded.text("issuer"));
  const wire = JSON.stringify({ tokendata: base64(token.tokendata), signature: base64(token.signature) });
  const again = await parseUserIdToken(decodeObject(utf8(wire), member), issuer.issuer, masterToken);
  same("user", again.verified?.user, recorded.text("user"));
}
