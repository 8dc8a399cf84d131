// Issues, renews and judges tokens ("MSL Token Factory"). Whatever servers must share goes through `IssuerState`;
// checks give the error to send, or null.

import type { Core } from "../core/core.ts";
import type { SessionKeys } from "../crypto/crypto-context.ts";
import type { EncodeFields, Format } from "../encoding/codec.ts";
import { MAX_ID } from "../encoding/limits.ts";
import type { MslErrorCode } from "../errors/codes.ts";
import { protocolError } from "../errors/msl-error.ts";
import { type Awaitable, chain } from "../platform/awaitable.ts";
import { type Clock, nowSeconds } from "../platform/clock.ts";
import type { IssuerState, ReplayMode } from "./issuer-state.ts";
import { createMasterToken, type VerifiedMasterToken } from "./master-token.ts";
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
  readonly issuerData?: EncodeFields;
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
    readonly format: Format;
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
    return chain(state.isEntityRevoked(identity), (isEntityRevoked) => {
      if (isEntityRevoked) return "MASTERTOKEN_IDENTITY_REVOKED";
      return chain(state.isMasterTokenRevoked(token.serialNumber), (isTokenRevoked) =>
        isTokenRevoked ? "MASTERTOKEN_IDENTITY_REVOKED" : (config.checkEntity?.(identity) ?? null),
      );
    });
  }

  return {
    checkMasterToken,

    async checkUserIdToken(token, userIdToken) {
      if (userIdToken.verified === null) return "USERIDTOKEN_NOT_DECRYPTED";
      if (await state.isUserIdTokenRevoked(userIdToken.serialNumber)) return "USERIDTOKEN_REVOKED";
      return (await config.checkUser?.(userIdToken.verified.user, token.verified.identity)) ?? null;
    },

    async checkRenewable(token) {
      if (!usesLines) return null;
      const line = await state.readLine(token.verified.identity);
      const isCurrent =
        line !== null &&
        line.serialNumber === token.serialNumber &&
        (token.sequenceNumber === line.newest || token.sequenceNumber === line.parent) &&
        lineGap(line.newest, line.parent) < MAX_LINE_GAP;
      return isCurrent ? null : "MASTERTOKEN_SEQUENCE_NUMBER_OUT_OF_SYNC";
    },

    async acceptNonReplayableId(token, id) {
      if (id < 0 || id > MAX_ID) protocolError("NONREPLAYABLE_ID_OUT_OF_RANGE");
      const verdict = await state.acceptNonReplayableId(token.verified.identity, token.serialNumber, id, replayMode);
      if (verdict === "ok") return null;
      return verdict === "replayed" ? "MESSAGE_REPLAYED" : "MESSAGE_REPLAYED_UNRECOVERABLE";
    },

    async issueMasterToken({ identity, keys, renew, format }) {
      const life = times(config.masterTokenLife ?? DEFAULT_LIFE);
      const issuerData = { ...renew?.verified.issuerData, ...config.issuerData };
      if (renew === null) {
        const serial = serialNumber();
        await state.startLine(identity, serial);
        const fields = { ...life, sequenceNumber: 0, serialNumber: serial, identity, keys, issuerData };
        return createMasterToken(core, crypto, format, fields);
      }
      const refused = await checkMasterToken(renew);
      if (refused !== null) protocolError(refused, "mastertoken");
      const next = usesLines
        ? await state.renewLine(identity, renew.serialNumber, renew.sequenceNumber)
        : nextSequenceNumber(renew.sequenceNumber);
      if (next === null) return protocolError("MASTERTOKEN_SEQUENCE_NUMBER_OUT_OF_SYNC", "mastertoken");
      const fields = { ...life, sequenceNumber: next, serialNumber: renew.serialNumber, identity, keys, issuerData };
      return createMasterToken(core, crypto, format, fields);
    },

    async issueUserIdToken({ user, masterToken, renew, format }) {
      return createUserIdToken(crypto, format, {
        ...times(config.userIdTokenLife ?? DEFAULT_LIFE),
        mtSerialNumber: masterToken.serialNumber,
        serialNumber: renew?.serialNumber ?? serialNumber(),
        user,
        issuerData: {},
      });
    },
  };
}

export function nextSequenceNumber(sequenceNumber: number): number {
  return sequenceNumber === MAX_ID ? 0 : sequenceNumber + 1;
}

/** Distance of a line's newest token from its parent, over the wrap at 2^53. */
export function lineGap(newest: number, parent: number | null): number {
  if (parent === null) return 0;
  return newest >= parent ? newest - parent : MAX_ID - parent + newest + 1;
}
