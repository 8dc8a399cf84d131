// Issues, renews and judges tokens ("MSL Token Factory"). Whatever servers must share goes through `IssuerState`;
// checks give the error to send, or null.

import type { Core } from "../core/core.ts";
import type { SessionKeys } from "../crypto/crypto-context.ts";
import { type EncodeFields, encodeObject, type Format } from "../encoding/codec.ts";
import { MAX_ID } from "../encoding/limits.ts";
import type { MslErrorCode } from "../errors/codes.ts";
import { MslProtocolError, protocolError } from "../errors/msl-error.ts";
import { type Awaitable, chain } from "../platform/awaitable.ts";
import { type Clock, nowSeconds } from "../platform/clock.ts";
import type { IssuerState, LineKind, ReplayMode } from "./issuer-state.ts";
import { createMasterToken, type NewMasterToken, type VerifiedMasterToken } from "./master-token.ts";
import type { TokenCrypto } from "./token-crypto.ts";
import { createUserIdToken, type UserIdToken, type VerifiedUserIdToken } from "./user-id-token.ts";

/** Seconds from issuance to the renewal window and to expiry. */
export interface TokenLife {
  readonly renewSec: number;
  readonly expireSec: number;
}

export interface IssuerConfig {
  readonly core: Core;
  readonly crypto: TokenCrypto;
  readonly state: IssuerState;
  readonly clock: Clock;
  /** Default 12 hours and 14 days. */
  readonly masterTokenLife?: TokenLife;
  readonly userIdTokenLife?: TokenLife;
  readonly replayMode?: ReplayMode;
  /** `line` (default): only the newest token of an identity or its parent is renewed. `none`: every token is. */
  readonly sequencePolicy?: "line" | "none";
  /** Put into master tokens, for servers alone to read: fixed, or made for an identity. Renewal merges it over the old. */
  readonly issuerData?: EncodeFields | ((identity: string) => Awaitable<EncodeFields>);
  /** The same for user ID tokens. */
  readonly userIssuerData?: EncodeFields | ((user: string, identity: string) => Awaitable<EncodeFields>);
  /** Further reasons to refuse an entity, its token or a user: an error of the table, or null. */
  readonly checkEntity?: (identity: string) => Awaitable<MslErrorCode | null>;
  readonly checkUser?: (user: string, identity: string) => Awaitable<MslErrorCode | null>;
}

export interface TokenIssuer {
  checkMasterToken(token: VerifiedMasterToken): Awaitable<MslErrorCode | null>;
  checkUserIdToken(token: VerifiedMasterToken, userIdToken: UserIdToken): Awaitable<MslErrorCode | null>;
  /** Whether renewal would succeed; asked only for expired tokens. */
  checkRenewable(token: VerifiedMasterToken): Awaitable<MslErrorCode | null>;
  /** Tests and consumes the id. */
  acceptNonReplayableId(token: VerifiedMasterToken, id: number): Awaitable<MslErrorCode | null>;
  /** A new line of tokens, or the next token of `renew`'s line. Takes over the keys. */
  issueMasterToken(request: {
    readonly identity: string;
    readonly keys: SessionKeys;
    readonly renew: VerifiedMasterToken | null;
    /** Whether the entity proved its identity, or only claims it. */
    readonly kind: LineKind;
    readonly format: Format;
    /** Put into the token beside what the issuer's configuration says. */
    readonly issuerData?: EncodeFields;
  }): Promise<VerifiedMasterToken>;
  issueUserIdToken(request: {
    readonly user: string;
    readonly masterToken: VerifiedMasterToken;
    readonly renew: VerifiedUserIdToken | null;
    readonly format: Format;
  }): Promise<VerifiedUserIdToken>;
}

const DEFAULT_LIFE: TokenLife = { renewSec: 12 * 3600, expireSec: 14 * 24 * 3600 };
/** A line whose newest token is this far ahead of its parent is not renewed any more. */
export const MAX_LINE_GAP = 5;

export function createTokenIssuer(config: IssuerConfig): TokenIssuer {
  const { core, crypto, state, clock } = config;
  const replayMode = config.replayMode ?? "window";
  const usesLines = (config.sequencePolicy ?? "line") === "line";

  function times(life: TokenLife) {
    const now = nowSeconds(clock);
    return { renewalWindow: now + life.renewSec, expiration: now + life.expireSec };
  }

  function serialNumber(): number {
    const bytes = core.random(8);
    let high = 0;
    let low = 0;
    for (let i = 0; i < 4; i++) {
      high = high * 256 + bytes[i]!;
      low = low * 256 + bytes[i + 4]!;
    }
    return (high % 0x200000) * 0x100000000 + low;
  }

  function checkMasterToken(token: VerifiedMasterToken): Awaitable<MslErrorCode | null> {
    const { identity } = token.verified;
    return chain(state.entityStanding(identity, token.serialNumber), (standing) =>
      standing === "good" ? (config.checkEntity?.(identity) ?? null) : "MASTERTOKEN_IDENTITY_REVOKED",
    );
  }

  function checkUserIdToken(token: VerifiedMasterToken, userIdToken: UserIdToken): Awaitable<MslErrorCode | null> {
    const { verified, serialNumber } = userIdToken;
    if (verified === null) return "USERIDTOKEN_NOT_DECRYPTED";
    return chain(state.userStanding(verified.user, serialNumber), (standing) => {
      const isVoid = standing.isUserRevoked || standing.isTokenRevoked;
      if (isVoid || standing.generation !== generationOf(verified.issuerData)) return "USERIDTOKEN_REVOKED";
      return config.checkUser?.(verified.user, token.verified.identity) ?? null;
    });
  }

  return {
    checkMasterToken,
    checkUserIdToken,

    async checkRenewable(token) {
      if (!usesLines) return null;
      const line = await state.readLine(token.verified.identity, token.serialNumber);
      const isCurrent =
        line !== null &&
        (token.sequenceNumber === line.newest || token.sequenceNumber === line.parent) &&
        lineGap(line.newest, line.parent) < MAX_LINE_GAP;
      return isCurrent ? null : "MASTERTOKEN_SEQUENCE_NUMBER_OUT_OF_SYNC";
    },

    async acceptNonReplayableId(token, id) {
      if (id < 0 || id > MAX_ID) protocolError("NONREPLAYABLE_ID_OUT_OF_RANGE");
      const verdict = await state.acceptNonReplayableId({
        identity: token.verified.identity,
        serialNumber: token.serialNumber,
        id,
        mode: replayMode,
        needsLine: usesLines,
        keepUntil: keepUntil(token.expiration, config.masterTokenLife),
      });
      if (verdict === "ok") return null;
      return verdict === "replayed" ? "MESSAGE_REPLAYED" : "MESSAGE_REPLAYED_UNRECOVERABLE";
    },

    async issueMasterToken({ identity, keys, renew, kind, format, issuerData: added }) {
      const life = times(config.masterTokenLife ?? DEFAULT_LIFE);
      const row = { identity, keepUntil: keepUntil(life.expiration, config.masterTokenLife) };
      const given = typeof config.issuerData === "function" ? await config.issuerData(identity) : config.issuerData;
      const issuerData = { ...renew?.verified.issuerData, ...given, ...added };
      if (renew === null) {
        const serial = serialNumber();
        await state.startLine({ ...row, kind, serialNumber: serial });
        return create({ ...life, sequenceNumber: 0, serialNumber: serial, identity, keys, issuerData }, format);
      }
      const refused = await checkMasterToken(renew);
      if (refused !== null) protocolError(refused, "mastertoken");
      const { serialNumber: serial, sequenceNumber } = renew;
      const next = usesLines
        ? await state.renewLine({ ...row, serialNumber: serial, sequenceNumber })
        : nextSequenceNumber(sequenceNumber);
      if (next === null) return protocolError("MASTERTOKEN_SEQUENCE_NUMBER_OUT_OF_SYNC", "mastertoken");
      return create({ ...life, sequenceNumber: next, serialNumber: serial, identity, keys, issuerData }, format);
    },

    async issueUserIdToken({ user, masterToken, renew, format }) {
      if (renew !== null) {
        const refused = await checkUserIdToken(masterToken, renew);
        if (refused !== null) protocolError(refused, "headerdata.useridtoken");
      }
      const serial = renew?.serialNumber ?? serialNumber();
      const { isUserRevoked, generation } = await state.userStanding(user, serial);
      if (isUserRevoked) protocolError("USER_REJECTED_BY_APP", "headerdata.userauthdata");
      const { userIssuerData } = config;
      const { identity } = masterToken.verified;
      const given = typeof userIssuerData === "function" ? await userIssuerData(user, identity) : userIssuerData;
      return createUserIdToken(crypto, format, {
        ...times(config.userIdTokenLife ?? DEFAULT_LIFE),
        mtSerialNumber: masterToken.serialNumber,
        serialNumber: serial,
        user,
        issuerData: { ...renew?.verified.issuerData, ...given, ...(generation > 0 && { [GENERATION]: generation }) },
      });
    },
  };

  /** @throws MASTERTOKEN_ISSUERDATA_ENCODE_ERROR for issuer data that no format can carry */
  async function create(token: NewMasterToken, format: Format): Promise<VerifiedMasterToken> {
    try {
      encodeObject(format, token.issuerData);
    } catch (error) {
      throw new MslProtocolError("MASTERTOKEN_ISSUERDATA_ENCODE_ERROR", "mastertoken", error);
    }
    return createMasterToken(core, crypto, format, token);
  }
}

/** Member of a user ID token's issuer data; absent for the first generation. */
const GENERATION = "generation";

function generationOf(issuerData: EncodeFields): number {
  const { [GENERATION]: generation } = issuerData;
  return typeof generation === "number" ? generation : 0;
}

/** Rows outlive their tokens by one lifetime: an expired token may still be renewed. */
function keepUntil(expiration: number, life: TokenLife = DEFAULT_LIFE): number {
  return expiration + Math.max(0, life.expireSec);
}

export function nextSequenceNumber(sequenceNumber: number): number {
  return sequenceNumber === MAX_ID ? 0 : sequenceNumber + 1;
}

/** Distance of a line's newest token from its parent, over the wrap at 2^53. */
export function lineGap(newest: number, parent: number | null): number {
  if (parent === null) return 0;
  return newest >= parent ? newest - parent : MAX_ID - parent + newest + 1;
}
