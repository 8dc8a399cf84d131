// Builds what a trusted server answers: key exchange and master token, user ID token, service tokens ("MSL Control",
// building a response). A server never uses another master token than the request's and the one it just issued.

import type { Core } from "../core/core.ts";
import type { EncodeFields, Format } from "../encoding/codec.ts";
import type { EntityAuthData } from "../entity-auth/scheme.ts";
import { RESPONSE } from "../errors/codes.ts";
import { MslProtocolError, protocolError } from "../errors/msl-error.ts";
import type { KeyExchange } from "../key-exchange/scheme.ts";
import { headerBinding, isProved, type MessageHeader } from "../message/header.ts";
import type { KeyResponse } from "../message/header-writer.ts";
import { type Awaitable, isPending } from "../platform/awaitable.ts";
import { CLAIMED, isVerified, type MasterToken, type VerifiedMasterToken } from "../tokens/master-token.ts";
import type { ServiceToken } from "../tokens/service-token.ts";
import { isExpired, isRenewable } from "../tokens/times.ts";
import type { TokenIssuer } from "../tokens/token-issuer.ts";
import { isBoundTo, type UserIdToken, type VerifiedUserIdToken } from "../tokens/user-id-token.ts";

export interface ResponseSurroundings {
  readonly core: Core;
  readonly issuer: TokenIssuer;
  /** In order of preference. */
  readonly keyExchange: readonly KeyExchange[];
  readonly entityAuth: EntityAuthData;
  /** Master token that the response's header is under. Default, in a trusted services network: the request's. */
  readonly headerToken?: MasterToken | null;
  readonly format: Format;
  /** Local seconds: a server judges its own tokens by its own clock. */
  readonly now: number;
}

export interface IssuedExchange extends KeyResponse {
  readonly masterToken: VerifiedMasterToken;
}

export interface ResponseTokens {
  readonly keyResponse: IssuedExchange | null;
  readonly userIdToken: UserIdToken | null;
  readonly serviceTokens: readonly ServiceToken[];
}

/** Issues and renews what the request asks for and may have. `attachUser`: a user that the application names. */
export async function responseTokens(
  request: MessageHeader,
  around: ResponseSurroundings,
  attachUser: string | null,
): Promise<ResponseTokens> {
  const keyResponse = needsExchange(request, around.now) ? await exchangeKeys(request, around) : null;
  if (keyResponse === null) return completeTokens(request, around, attachUser, null);
  try {
    return await completeTokens(request, around, attachUser, keyResponse);
  } catch (error) {
    // Nobody will hear of its master token.
    keyResponse.masterToken.verified.context.dispose();
    throw error;
  }
}

/** For a message that answers nothing: the request's tokens as they are, or a user that the application names. */
export async function pushedTokens(
  request: MessageHeader,
  { issuer, format }: Pick<ResponseSurroundings, "issuer" | "format">,
  attachUser: string | null,
): Promise<ResponseTokens> {
  const masterToken = verifiedOrNull(request.masterToken);
  const { userIdToken: held, serviceTokens } = request;
  if (held !== null || attachUser === null || masterToken === null) {
    return { keyResponse: null, userIdToken: held, serviceTokens };
  }
  const userIdToken = await issuer.issueUserIdToken({ user: attachUser, masterToken, renew: null, format });
  return { keyResponse: null, userIdToken, serviceTokens };
}

async function completeTokens(
  request: MessageHeader,
  around: ResponseSurroundings,
  attachUser: string | null,
  keyResponse: IssuedExchange | null,
): Promise<ResponseTokens> {
  const masterToken = keyResponse?.masterToken ?? request.masterToken;
  const user = responseUser(request, around, masterToken, attachUser);
  const userIdToken = isPending(user) ? await user : user;
  for (const token of request.serviceTokens) {
    const { mtSerialNumber: mt, uitSerialNumber: uit } = token;
    if (mt !== null && mt !== masterToken?.serialNumber) {
      protocolError("SERVICETOKEN_MASTERTOKEN_MISMATCH", "headerdata.servicetokens");
    }
    if (uit !== null && uit !== userIdToken?.serialNumber) {
      protocolError("SERVICETOKEN_USERIDTOKEN_MISMATCH", "headerdata.servicetokens");
    }
  }
  return { keyResponse, userIdToken, serviceTokens: request.serviceTokens };
}

/** Whether the request gets a new master token. */
export function needsExchange(request: MessageHeader, now: number): boolean {
  if (!request.renewable || request.keyRequestCount === 0) return false;
  const { masterToken } = request;
  return masterToken === null || isRenewable(masterToken, null, now) || isExpired(masterToken, null, now);
}

/** @throws KEYX_FACTORY_NOT_FOUND, what the token is refused for, the last failure */
async function exchangeKeys(request: MessageHeader, around: ResponseSurroundings): Promise<IssuedExchange | null> {
  const renew = verifiedOrNull(request.masterToken);
  if (request.masterToken !== null && renew === null) protocolError("MASTERTOKEN_UNTRUSTED", "mastertoken");
  if (request.keyRequests.length === 0) protocolError("KEYX_FACTORY_NOT_FOUND", "headerdata.keyrequestdata");
  const { provisioning } = request;
  if (provisioning === null) return answerFirst(request, around, request.identity ?? "", renew);
  const drawn = (await provisioning.next()) ?? protocolError("ENTITY_REJECTED_BY_APP", "entityauthdata");
  let isGone = false;
  try {
    const answer = await answerFirst(request, around, drawn, renew);
    isGone = answer !== null;
    return answer;
  } catch (error) {
    // Bad keys leave the identity as it was; what was refused for its sake is not for the next one.
    isGone = !(error instanceof MslProtocolError && error.code !== "KEYX_INCORRECT_DATA");
    throw error;
  } finally {
    if (!isGone) provisioning.giveBack(drawn);
  }
}

/** Answers the first key request that works, by our order of schemes. */
async function answerFirst(
  request: MessageHeader,
  around: ResponseSurroundings,
  identity: string,
  renew: VerifiedMasterToken | null,
): Promise<IssuedExchange | null> {
  const headerToken = around.headerToken === undefined ? request.masterToken : around.headerToken;
  const binding = {
    identity,
    request: headerBinding(request.entityAuth, request.masterToken),
    response: headerBinding(around.entityAuth, headerToken),
  };
  let failure: MslProtocolError | null = null;
  for (const exchange of around.keyExchange) {
    for (const received of request.keyRequests) {
      if (received.exchange.name !== exchange.name) continue;
      try {
        const answer = await exchange.respond(received.parsed, binding);
        if (answer === null) return null;
        const { keydata, keys } = answer;
        const kind = request.authenticated ? "authenticated" : "anonymous";
        const { format } = around;
        // Says so when the token comes back, renewed or not.
        const issuerData: EncodeFields = isProved(request) ? {} : { [CLAIMED]: true };
        const token = { identity, keys, renew, kind, format, issuerData } as const;
        return { scheme: exchange.name, keydata, masterToken: await issue(around.issuer, token) };
      } catch (error) {
        if (!(error instanceof MslProtocolError)) throw error;
        // What is wrong with the token tells the sender how to go on; that another scheme is not for it does not.
        if (failure?.responseCode !== RESPONSE.ENTITY_REAUTH) failure = error;
      }
    }
  }
  throw failure ?? new MslProtocolError("KEYX_FACTORY_NOT_FOUND", "headerdata.keyrequestdata");
}

/** Issues a token, or wipes its keys. */
async function issue(
  issuer: TokenIssuer,
  token: Parameters<TokenIssuer["issueMasterToken"]>[0],
): Promise<VerifiedMasterToken> {
  try {
    return await issuer.issueMasterToken(token);
  } catch (error) {
    token.keys.encryption.dispose();
    token.keys.mac.dispose();
    throw error;
  }
}

function verifiedOrNull(token: MasterToken | null): VerifiedMasterToken | null {
  return token !== null && isVerified(token) ? token : null;
}

function responseUser(
  request: MessageHeader,
  around: ResponseSurroundings,
  masterToken: MasterToken | null,
  attachUser: string | null,
): Awaitable<UserIdToken | null> {
  const { issuer, format, now } = around;
  const held = request.userIdToken;
  const bound = verifiedOrNull(masterToken);
  if (held !== null && held.verified !== null) {
    const renew: VerifiedUserIdToken = { ...held, verified: held.verified };
    const isDue = isRenewable(held, null, now) && request.renewable;
    if (bound === null || !(isDue || isExpired(held, null, now) || !isBoundTo(held, bound))) return held;
    return issuer.issueUserIdToken({ user: held.verified.user, masterToken: bound, renew, format });
  }
  if (bound === null) return held;
  const authenticated = request.renewable && request.userScheme !== null ? request.user : null;
  const user = authenticated ?? attachUser;
  return user === null ? held : issuer.issueUserIdToken({ user, masterToken: bound, renew: null, format });
}
