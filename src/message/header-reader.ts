// Reads and checks a message header, in the order that decides which error wins ("MSL Messages", checks on one message).
// The signature is verified before anything is decrypted; user authentication runs before token checks.
// Differs from reference: on a trusted server a master token must be verified itself, whatever context is cached for it.

import type { CryptoContext } from "../crypto/crypto-context.ts";
import { openPair } from "../crypto/seal.ts";
import type { Compression } from "../encoding/compression.ts";
import { decodeObject } from "../encoding/codec.ts";
import { MAX_ID } from "../encoding/limits.ts";
import type { MslMap } from "../encoding/msl-map.ts";
import { type EntityAuthData, type EntitySchemes, parseEntityAuthData } from "../entity-auth/scheme.ts";
import { MslProtocolError, protocolError } from "../errors/msl-error.ts";
import {
  KEY_EXCHANGE_NAMES,
  type KeyExchange,
  parseKeyRequest,
  type ReceivedKeyRequest,
} from "../key-exchange/scheme.ts";
import { type Awaitable, chain, isPending } from "../platform/awaitable.ts";
import { type MasterToken, type MasterTokenReader, readMasterToken } from "../tokens/master-token.ts";
import { parseServiceToken, type ServiceToken } from "../tokens/service-token.ts";
import { parseUserIdToken, type UserIdToken } from "../tokens/user-id-token.ts";
import { parseUserAuthData, type UserSchemes } from "../user-auth/scheme.ts";
import { parseCapabilities } from "./capabilities.ts";
import { type ErrorHeader, readErrorHeader } from "./error-header.ts";
import { type CompletedExchange, type MessageHeader, NO_PEER_TOKENS, type PeerTokens } from "./header.ts";

/** What the receiver brings; a client has no token keys, a server no sessions and no pending requests. */
export interface HeaderEnvironment extends MasterTokenReader {
  readonly compression: Compression;
  readonly entitySchemes: EntitySchemes;
  readonly userSchemes: UserSchemes;
  readonly keyExchange: readonly KeyExchange[];
  readonly strictKeyRequests: boolean;
  /** Reads peer tokens, and takes key response data as theirs. Default: a trusted services network. */
  readonly peerToPeer?: boolean;
  /** Where messages come that answer none: this side's own name, which none of them may bear. */
  readonly ownIdentity?: string | null;
  /** Client: context of a stored master token. */
  sessionFor(token: MasterToken): CryptoContext | null;
  /** Client: completes the exchange that `keyresponsedata` answers. @throws KEYX_RESPONSE_REQUEST_MISMATCH … */
  completeExchange(
    response: ReceivedKeyResponse,
    header: HeaderOrigin,
    messageId: number,
  ): Awaitable<CompletedExchange>;
  serviceTokenContext(name: string): CryptoContext | null;
}

export interface ReceivedKeyResponse {
  readonly scheme: string;
  readonly keydata: MslMap;
  readonly masterToken: MasterToken;
}

/** Whom a header claims to come from. */
export interface HeaderOrigin {
  readonly entityAuth: EntityAuthData | null;
  readonly masterToken: MasterToken | null;
}

/** Reads one header object. @throws MslProtocolError with the message id where the header data could be read */
export async function readHeader(wire: Uint8Array, env: HeaderEnvironment): Promise<MessageHeader | ErrorHeader> {
  const outer = decodeObject(wire, "message");
  if (!outer.has("headerdata") && outer.has("errordata")) return readErrorHeader(outer, env.entitySchemes);
  const readingOrigin = readOrigin(outer, env);
  const origin = isPending(readingOrigin) ? await readingOrigin : readingOrigin;
  const signature = outer.bytes("signature");
  const data = outer.bytes("headerdata");
  if (data.length === 0) protocolError("HEADER_DATA_MISSING", "headerdata");
  const findingContext = headerContext(origin, env);
  const context = isPending(findingContext) ? await findingContext : findingContext;
  const opened = openPair(context, data, signature);
  const plain = isPending(opened) ? await opened : opened;
  if (plain === null) {
    return protocolError(
      origin.masterToken === null
        ? "MESSAGE_ENTITYDATABASED_VERIFICATION_FAILED"
        : "MESSAGE_MASTERTOKENBASED_VERIFICATION_FAILED",
      "headerdata",
    );
  }
  try {
    const map = decodeObject(plain, "headerdata");
    const messageId = map.int("messageid", 0, MAX_ID, "MESSAGE_ID_OUT_OF_RANGE");
    try {
      if ((env.ownIdentity ?? null) !== null) refuseReflection(map, origin, env.ownIdentity);
      return await readHeaderData(map, messageId, origin, context, env, wire.length);
    } catch (error) {
      throw withContext(error, messageId, identityOf(origin));
    }
  } finally {
    plain.fill(0); // passwords may ride in it
  }
}

/** Keys that both sides have verify a message that comes back to who sent it, which nothing but its sender tells. */
function refuseReflection(
  map: MslMap,
  { entityAuth, masterToken }: HeaderOrigin,
  own: string | null | undefined,
): void {
  if (masterToken === null && entityAuth?.identity === own) protocolError("MESSAGE_SENDER_MISMATCH", "entityauthdata");
  if (masterToken !== null && map.lenientString("sender") === own) {
    protocolError("MESSAGE_SENDER_MISMATCH", "headerdata.sender");
  }
}

/** Adds message id and sender once, on the way out of the header's reader. */
function withContext(error: unknown, messageId: number, entity: string | null): unknown {
  if (error instanceof MslProtocolError && error.context.messageId === undefined) {
    error.context.messageId = messageId;
    if (entity !== null) error.context.entity = entity;
  }
  return error;
}

function readOrigin(outer: MslMap, env: HeaderEnvironment): Awaitable<HeaderOrigin> {
  const container = outer.mapOr("entityauthdata");
  const entityAuth = container === null ? null : parseEntityAuthData(container, env.entitySchemes);
  return chain(entityAuth, (parsed): Awaitable<HeaderOrigin> => {
    const tokenMap = outer.mapOr("mastertoken");
    if (tokenMap !== null) {
      return chain(readMasterToken(tokenMap, env), (masterToken) => ({ entityAuth: null, masterToken }));
    }
    if (!outer.has("headerdata")) outer.bytes("signature");
    return { entityAuth: parsed, masterToken: null };
  });
}

function headerContext(origin: HeaderOrigin, env: HeaderEnvironment): Awaitable<CryptoContext> {
  const { masterToken, entityAuth } = origin;
  if (masterToken !== null) {
    const context = env.tokenCrypto === null ? env.sessionFor(masterToken) : (masterToken.verified?.context ?? null);
    return context ?? protocolError("MASTERTOKEN_UNTRUSTED", "mastertoken");
  }
  if (entityAuth === null) return protocolError("MESSAGE_ENTITY_NOT_FOUND", "entityauthdata");
  return schemeOf(entityAuth, env).cryptoContext(entityAuth);
}

function schemeOf(entityAuth: EntityAuthData, env: HeaderEnvironment) {
  return env.entitySchemes.get(entityAuth.scheme) ?? protocolError("ENTITYAUTH_FACTORY_NOT_FOUND", "entityauthdata");
}

function identityOf(origin: HeaderOrigin): string | null {
  if (origin.masterToken !== null) return origin.masterToken.verified?.identity ?? null;
  return origin.entityAuth?.identity ?? null;
}

async function readHeaderData(
  map: MslMap,
  messageId: number,
  origin: HeaderOrigin,
  context: CryptoContext,
  env: HeaderEnvironment,
  wireBytes: number,
): Promise<MessageHeader> {
  const { masterToken, entityAuth } = origin;
  const scheme = masterToken === null && entityAuth !== null ? schemeOf(entityAuth, env) : null;
  const headerEncrypted = masterToken !== null || scheme?.encrypts === true;
  const headerIntegrity = masterToken !== null || scheme?.protectsIntegrity === true;
  const timestamp = map.intOr("timestamp", -MAX_ID, MAX_ID);
  // Most messages have none of these members, and nothing waits then.
  const response = map.has("keyresponsedata") ? await readKeyResponse(map, env) : null;
  const isPeer = env.peerToPeer === true;
  // A key response carries the receiver's own next token: in a trusted services network that is the primary one.
  const verification = isPeer ? masterToken : (response?.masterToken ?? masterToken);
  const userIdToken = map.has("useridtoken") ? await readUserIdToken(map, "useridtoken", verification, env) : null;
  const isProtected = headerEncrypted && headerIntegrity;
  const { user, userScheme } = map.has("userauthdata")
    ? await readUser(map, origin, verification, userIdToken, isProtected, env)
    : { user: userIdToken?.verified?.user ?? null, userScheme: null };
  const serviceTokens = await readServiceTokens(map, "servicetokens", verification, userIdToken, env);
  const nonReplayableField = map.intOr("nonreplayableid", -MAX_ID, MAX_ID, "NONREPLAYABLE_ID_OUT_OF_RANGE");
  const renewable = map.bool("renewable");
  const handshake = map.has("handshake") ? map.bool("handshake") : null;
  if (nonReplayableField !== null && nonReplayableField < 0) {
    protocolError("NONREPLAYABLE_ID_OUT_OF_RANGE", "headerdata.nonreplayableid");
  }
  const capabilitiesMap = map.mapOr("capabilities");
  const capabilities = capabilitiesMap === null ? null : parseCapabilities(capabilitiesMap);
  const requests = map.has("keyrequestdata") ? await readKeyRequests(map, env) : NO_KEY_REQUESTS;
  const peer = isPeer ? await readPeerTokens(map, response?.masterToken ?? null, env) : NO_PEER_TOKENS;
  const keyResponse = response === null ? null : await env.completeExchange(response, origin, messageId);
  const payloadExchange = isPeer ? null : keyResponse;
  return {
    kind: "message",
    format: map.format,
    entityAuth,
    masterToken,
    context,
    payloadContext: payloadExchange?.context ?? context,
    encrypted: headerEncrypted || payloadExchange !== null,
    integrityProtected: headerIntegrity || payloadExchange !== null,
    headerEncrypted,
    authenticated: scheme !== null && (entityAuth?.authenticated ?? scheme.authenticates ?? scheme.protectsIntegrity),
    provisioning: scheme?.provisioning ?? null,
    identity: identityOf(origin),
    messageId,
    timestamp,
    keyResponse,
    userIdToken,
    userScheme,
    user,
    serviceTokens,
    nonReplayableId: nonReplayableField,
    renewable,
    handshake,
    capabilities,
    keyRequests: requests.keyRequests,
    keyRequestCount: requests.keyRequestCount,
    keyRequestSchemes: requests.keyRequestSchemes,
    peer,
    wireBytes,
  };
}

async function readKeyResponse(map: MslMap, env: HeaderEnvironment): Promise<ReceivedKeyResponse> {
  const element = map.map("keyresponsedata");
  const masterToken = await readMasterToken(element.map("mastertoken"), env);
  const name = element.string("scheme");
  if (!env.keyExchange.some((exchange) => exchange.name === name)) {
    const known = KEY_EXCHANGE_NAMES.has(name);
    protocolError(known ? "KEYX_FACTORY_NOT_FOUND" : "UNIDENTIFIED_KEYX_SCHEME", `${element.path}.scheme`);
  }
  return { scheme: name, keydata: element.map("keydata"), masterToken };
}

/** Tokens that this side uses itself, issued by the sender. */
async function readPeerTokens(map: MslMap, issued: MasterToken | null, env: HeaderEnvironment): Promise<PeerTokens> {
  const container = map.mapOr("peermastertoken");
  const masterToken = container === null ? null : await readMasterToken(container, env);
  const verification = issued ?? masterToken;
  const hasUser = map.has("peeruseridtoken");
  const userIdToken = hasUser ? await readUserIdToken(map, "peeruseridtoken", verification, env) : null;
  const serviceTokens = await readServiceTokens(map, "peerservicetokens", verification, userIdToken, env);
  return { masterToken, userIdToken, serviceTokens };
}

async function readUserIdToken(
  map: MslMap,
  name: string,
  verification: MasterToken | null,
  env: HeaderEnvironment,
): Promise<UserIdToken> {
  return parseUserIdToken(map.map(name), env.tokenCrypto, verification);
}

async function readUser(
  map: MslMap,
  origin: HeaderOrigin,
  masterToken: MasterToken | null,
  userIdToken: UserIdToken | null,
  isProtected: boolean,
  env: HeaderEnvironment,
): Promise<{ user: string; userScheme: string }> {
  const { scheme, authdata, parsed } = await parseUserAuthData(map.map("userauthdata"), env.userSchemes);
  if (!isProtected) protocolError("UNENCRYPTED_MESSAGE_WITH_USERAUTHDATA", "headerdata.userauthdata");
  const identity = identityOf(origin);
  const user = await scheme.authenticate({ identity, authdata, parsed, masterToken, userIdToken });
  return { user, userScheme: scheme.name };
}

async function readServiceTokens(
  map: MslMap,
  name: string,
  masterToken: MasterToken | null,
  userIdToken: UserIdToken | null,
  env: HeaderEnvironment,
): Promise<readonly ServiceToken[]> {
  if (!map.has(name)) return [];
  const list = map.list(name);
  const tokens: ServiceToken[] = [];
  for (let i = 0; i < list.length; i++) {
    tokens.push(
      await parseServiceToken(list.map(i), {
        masterToken,
        userIdToken,
        context: (tokenName) => env.serviceTokenContext(tokenName),
        compression: env.compression,
      }),
    );
  }
  return tokens;
}

type KeyRequests = Pick<MessageHeader, "keyRequests" | "keyRequestCount" | "keyRequestSchemes">;

const NO_KEY_REQUESTS: KeyRequests = { keyRequests: [], keyRequestCount: 0, keyRequestSchemes: [] };

async function readKeyRequests(map: MslMap, env: HeaderEnvironment): Promise<KeyRequests> {
  const list = map.list("keyrequestdata");
  const keyRequests: ReceivedKeyRequest[] = [];
  const keyRequestSchemes: string[] = [];
  const count = list.length;
  for (let i = 0; i < count; i++) {
    const element = list.map(i);
    const parsed = await parseKeyRequest(element, env.keyExchange, env.strictKeyRequests);
    keyRequestSchemes.push(element.string("scheme"));
    if (parsed !== null) keyRequests.push(parsed);
  }
  return { keyRequests, keyRequestCount: count, keyRequestSchemes };
}
