// What a client does about each response code ("MSL Errors", reacting to an error response). Pure data.

import { RESPONSE, type ResponseCode } from "../errors/codes.ts";

export interface Recovery {
  /** Tokens of the failed request that are dropped on receipt. */
  readonly drop: "none" | "master" | "user";
  /** Whom to ask for fresh data first; null from there gives up. */
  readonly ask: "ENTITY_REAUTH" | "ENTITYDATA_REAUTH" | "USERDATA_REAUTH" | "SSOTOKEN_REJECTED" | null;
  /** Tokens that the retry carries. */
  readonly tokens: "none" | "master" | "both";
  /** Whether the retry must be renewable: always, or unless a newer master token is at hand. */
  readonly renewable: "no" | "always" | "unless-newer";
}

/** Codes without a row are not retried. */
export const RECOVERY: ReadonlyMap<ResponseCode, Recovery> = new Map<ResponseCode, Recovery>([
  [RESPONSE.ENTITY_REAUTH, { drop: "master", ask: "ENTITY_REAUTH", tokens: "none", renewable: "no" }],
  [RESPONSE.USER_REAUTH, { drop: "user", ask: null, tokens: "master", renewable: "no" }],
  [RESPONSE.KEYX_REQUIRED, { drop: "none", ask: null, tokens: "none", renewable: "always" }],
  [RESPONSE.ENTITYDATA_REAUTH, { drop: "master", ask: "ENTITYDATA_REAUTH", tokens: "none", renewable: "no" }],
  [RESPONSE.USERDATA_REAUTH, { drop: "user", ask: "USERDATA_REAUTH", tokens: "master", renewable: "no" }],
  [RESPONSE.EXPIRED, { drop: "none", ask: null, tokens: "both", renewable: "unless-newer" }],
  [RESPONSE.REPLAYED, { drop: "none", ask: null, tokens: "both", renewable: "no" }],
  [RESPONSE.SSOTOKEN_REJECTED, { drop: "none", ask: "SSOTOKEN_REJECTED", tokens: "master", renewable: "no" }],
]);

/** Response codes whose error headers are taken with any message id: their sender may not have known ours. */
export const ANY_MESSAGE_ID: ReadonlySet<ResponseCode> = new Set<ResponseCode>([
  RESPONSE.FAIL,
  RESPONSE.TRANSIENT_FAILURE,
  RESPONSE.ENTITY_REAUTH,
  RESPONSE.ENTITYDATA_REAUTH,
]);
