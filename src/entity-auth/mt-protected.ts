// MT_PROTECTED ("MSL Entity Authentication"): other entity authentication data, hidden from observers under the session
// keys of a master token:
//   authdata = { "mastertoken": mastertoken, "authdata": binary, "signature": binary }
// Identity and protection are those of the inner data.
// Differs from reference: revoked and expired tokens are refused, and so are nesting and data that names nobody yet
// (PROVISIONED). An issuer takes tokens that it can verify, whatever sessions it knows.

import type { Core } from "../core/core.ts";
import type { CryptoContext } from "../crypto/crypto-context.ts";
import { openPair, sealPair } from "../crypto/seal.ts";
import { decodeObject, encodeObject } from "../encoding/codec.ts";
import type { MslMap } from "../encoding/msl-map.ts";
import { MslProtocolError, protocolError } from "../errors/msl-error.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import { type Clock, nowSeconds } from "../platform/clock.ts";
import { isVerified, type MasterToken, masterTokenFields, parseMasterToken } from "../tokens/master-token.ts";
import { isExpired } from "../tokens/times.ts";
import type { TokenCrypto } from "../tokens/token-crypto.ts";
import type { TokenIssuer } from "../tokens/token-issuer.ts";
import {
  checkEntityPolicy,
  type EntityAuthData,
  type EntityPolicy,
  type EntityScheme,
  type EntitySchemes,
  entityAuthFields,
  parseEntityAuthData,
} from "./scheme.ts";

export interface MtProtectedConfig {
  readonly core: Core;
  /** Schemes of the data inside. */
  readonly inner: readonly EntityScheme[];
  /** Judges the inner identity. */
  readonly policy?: EntityPolicy;
  /** Of an issuer: its keys, who judges revocation of its tokens, and the clock that judges their expiry. */
  readonly tokenCrypto?: TokenCrypto | null;
  readonly issuer?: Pick<TokenIssuer, "checkMasterToken"> | null;
  readonly clock?: Clock | null;
  /** Of a device: the context of a master token that it holds. */
  readonly sessionFor?: (token: MasterToken) => CryptoContext | null;
}

interface MtProtectedData extends EntityAuthData {
  readonly inner: EntityAuthData;
}

const NAME = "MT_PROTECTED";
const FIELD = "entityauthdata.authdata";

export function mtProtected(config: MtProtectedConfig): EntityScheme {
  const schemes: EntitySchemes = new Map(config.inner.map((scheme) => [scheme.name, scheme]));

  function innerScheme(data: EntityAuthData): EntityScheme {
    return schemes.get(data.scheme) ?? protocolError("ENTITYAUTH_FACTORY_NOT_FOUND", FIELD);
  }

  return {
    name: NAME,
    encrypts: false,
    protectsIntegrity: false,

    async parse(authdata) {
      const tokenMap = authdata.map("mastertoken");
      // Copies outlive the message, which is wiped.
      const sealed = authdata.bytes("authdata").slice();
      const signature = authdata.bytes("signature").slice();
      const { inner, token } = await withSession(tokenMap, config, async (context, masterToken) => {
        const plain = await openPair(context, sealed, signature);
        if (plain === null) return protocolError("ENTITYAUTH_VERIFICATION_FAILED", `${FIELD}.signature`);
        await checkToken(masterToken, config);
        const container = decodeObject(plain, `${FIELD}.authdata`);
        if (container.string("scheme") === NAME) protocolError("INCORRECT_ENTITYAUTH_DATA", `${FIELD}.authdata`);
        return { inner: await parseEntityAuthData(container, schemes), token: masterTokenFields(masterToken) };
      });
      if (inner.identity === "") protocolError("INCORRECT_ENTITYAUTH_DATA", `${FIELD}.authdata`);
      const data: MtProtectedData = {
        scheme: NAME,
        identity: inner.identity,
        authdata: { mastertoken: token, authdata: sealed, signature },
        inner,
        authenticated: innerScheme(inner).authenticates ?? innerScheme(inner).protectsIntegrity,
      };
      return data;
    },

    async cryptoContext(data) {
      const { inner, identity } = data as MtProtectedData;
      if (config.policy !== undefined) await checkEntityPolicy(config.policy, identity, NAME);
      return innerScheme(inner).cryptoContext(inner);
    },
  };
}

/** Runs `use` with the token's session, which is let go afterwards where it was opened here. */
async function withSession<T>(
  map: MslMap,
  { core, tokenCrypto, sessionFor }: MtProtectedConfig,
  use: (context: CryptoContext, token: MasterToken) => Awaitable<T>,
): Promise<T> {
  let token: MasterToken;
  try {
    token = await parseMasterToken(map, tokenCrypto ?? null, core);
  } catch (error) {
    if (error instanceof MslProtocolError)
      throw new MslProtocolError("ENTITYAUTH_MASTERTOKEN_INVALID", error.where, error);
    throw error;
  }
  const own = token.verified?.context ?? null;
  try {
    const context = tokenCrypto == null ? (sessionFor?.(token) ?? null) : own;
    if (context === null) return protocolError("ENTITYAUTH_MASTERTOKEN_NOT_DECRYPTED", `${FIELD}.mastertoken`);
    return await use(context, token);
  } finally {
    own?.dispose();
  }
}

async function checkToken(token: MasterToken, { issuer, clock }: MtProtectedConfig): Promise<void> {
  if (!isVerified(token)) return;
  const isRefused = issuer != null && (await issuer.checkMasterToken(token)) !== null;
  const isOver = clock != null && isExpired(token, null, nowSeconds(clock));
  if (isRefused || isOver) protocolError("ENTITYAUTH_MASTERTOKEN_INVALID", `${FIELD}.mastertoken`);
}

/** Hides entity authentication data under a session; keep what it returns, so that the same bytes are sent again. */
export async function mtProtectedData(
  masterToken: MasterToken,
  session: CryptoContext,
  inner: EntityAuthData,
): Promise<EntityAuthData> {
  const plain = encodeObject("JSON", entityAuthFields(inner));
  const { data, signature } = await sealPair(session, plain, "JSON");
  const made: MtProtectedData = {
    scheme: NAME,
    identity: inner.identity,
    authdata: { mastertoken: masterTokenFields(masterToken), authdata: data, signature },
    inner,
  };
  return made;
}
