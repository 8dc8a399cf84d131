// USER_ID_TOKEN ("MSL User Authentication"): authdata = { "mastertoken": mastertoken, "useridtoken": useridtoken }.
// A silent login with tokens of another or older session of the same entity. Their own errors are relabelled, so that a
// bad pair does not make the device throw its current tokens away.
// Differs from reference: expired and revoked tokens of the pair are refused.

import type { Core } from "../core/core.ts";
import type { MslMap } from "../encoding/msl-map.ts";
import { MslProtocolError, MslUsageError, protocolError } from "../errors/msl-error.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import { type Clock, nowSeconds } from "../platform/clock.ts";
import {
  isClaimed,
  isVerified,
  type MasterToken,
  masterTokenFields,
  parseMasterToken,
} from "../tokens/master-token.ts";
import { isExpired } from "../tokens/times.ts";
import type { TokenCrypto } from "../tokens/token-crypto.ts";
import type { TokenIssuer } from "../tokens/token-issuer.ts";
import { isBoundTo, parseUserIdToken, type UserIdToken, userIdTokenFields } from "../tokens/user-id-token.ts";
import type { UserAuthData, UserScheme } from "./scheme.ts";

export interface UserIdTokenConfig {
  readonly core: Core;
  readonly clock: Clock;
  /** Keys of the network's issuer: only tokens issued here say who someone is. */
  readonly tokenCrypto: TokenCrypto;
  /** Judges revocation of both tokens. */
  readonly issuer: Pick<TokenIssuer, "checkMasterToken" | "checkUserIdToken">;
  readonly isEntityPermitted?: (identity: string) => Awaitable<boolean>;
  readonly isUserPermitted?: (identity: string, user: string) => Awaitable<boolean>;
  /** Takes expired tokens too, as the reference does. Default false. */
  readonly allowExpired?: boolean;
}

interface TokenPair {
  readonly masterToken: MasterToken;
  readonly userIdToken: UserIdToken;
}

const FIELD = "headerdata.userauthdata";

export function userIdToken(config: UserIdTokenConfig): UserScheme {
  return {
    name: "USER_ID_TOKEN",
    validate: (authdata) => readPair(authdata, config),
    async authenticate({ identity, parsed, masterToken, userIdToken: current }) {
      const entity = identity ?? "";
      const pair = parsed as TokenPair;
      if ((await config.isEntityPermitted?.(entity)) === false) protocolError("USERAUTH_ENTITY_INCORRECT_DATA", FIELD);
      // Who only claims to be the entity is not the one that the tokens were issued to.
      const session = masterToken?.verified ?? null;
      const owner = pair.masterToken.verified;
      if (session !== null && owner !== null && isClaimed(session) && !isClaimed(owner)) {
        protocolError("USERAUTH_ENTITY_MISMATCH", FIELD);
      }
      const user = await judge(pair, entity, config);
      const named = current?.verified?.user ?? null;
      if (named !== null && named !== user) protocolError("USERIDTOKEN_USERAUTH_DATA_MISMATCH", FIELD);
      return user;
    },
  };
}

/** Reads both tokens; the session keys of the master token are let go at once, nothing is read under them. */
async function readPair(authdata: MslMap, { core, tokenCrypto }: UserIdTokenConfig): Promise<TokenPair> {
  const master = authdata.map("mastertoken");
  const user = authdata.map("useridtoken");
  const masterToken = await relabelled("USERAUTH_MASTERTOKEN_INVALID", () =>
    parseMasterToken(master, tokenCrypto, core),
  );
  masterToken.verified?.context.dispose();
  const token = await relabelled("USERAUTH_USERIDTOKEN_INVALID", () =>
    parseUserIdToken(user, tokenCrypto, masterToken),
  );
  return { masterToken, userIdToken: token };
}

async function relabelled<T>(
  code: "USERAUTH_MASTERTOKEN_INVALID" | "USERAUTH_USERIDTOKEN_INVALID",
  read: () => Promise<T>,
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof MslProtocolError) throw new MslProtocolError(code, error.where, error);
    throw error;
  }
}

async function judge(pair: TokenPair, entity: string, config: UserIdTokenConfig): Promise<string> {
  const { masterToken, userIdToken: token } = pair;
  if (!isVerified(masterToken)) return protocolError("USERAUTH_MASTERTOKEN_NOT_DECRYPTED", FIELD);
  if (masterToken.verified.identity !== entity) protocolError("USERAUTH_ENTITY_MISMATCH", FIELD);
  if (token.verified === null) return protocolError("USERAUTH_USERIDTOKEN_NOT_DECRYPTED", FIELD);
  const { user } = token.verified;
  if ((await config.isUserPermitted?.(entity, user)) === false) {
    protocolError("USERAUTH_ENTITYUSER_INCORRECT_DATA", FIELD);
  }
  let refusal: Awaited<ReturnType<TokenIssuer["checkUserIdToken"]>>;
  let isMasterTokenRefused: boolean;
  try {
    isMasterTokenRefused = (await config.issuer.checkMasterToken(masterToken)) !== null;
    refusal = await config.issuer.checkUserIdToken(masterToken, token);
  } catch (error) {
    throw new MslProtocolError("USERAUTH_USERIDTOKEN_REVOKE_CHECK_ERROR", FIELD, error);
  }
  if (refusal !== null) protocolError(refusal, FIELD);
  const now = nowSeconds(config.clock);
  const allowExpired = config.allowExpired === true;
  if (isMasterTokenRefused || (!allowExpired && isExpired(masterToken, null, now))) {
    protocolError("USERAUTH_MASTERTOKEN_INVALID", FIELD);
  }
  if (!allowExpired && isExpired(token, null, now)) protocolError("USERAUTH_USERIDTOKEN_INVALID", FIELD);
  return user;
}

/** @throws MslUsageError for a user ID token that is not bound to the master token */
export function userIdTokenData(masterToken: MasterToken, token: UserIdToken): UserAuthData {
  if (!isBoundTo(token, masterToken)) throw new MslUsageError("The user ID token is bound to another master token.");
  return {
    scheme: "USER_ID_TOKEN",
    authdata: { mastertoken: masterTokenFields(masterToken), useridtoken: userIdTokenFields(token) },
  };
}
