// The user authentication schemes of `serve`, and what `request` sends, from the users of the key file.

import type { LocalEntity, UserSession } from "../control/api.ts";
import { type Core, SESSION_ENCRYPTION, SESSION_MAC } from "../core/core.ts";
import { type Clock, nowSeconds } from "../platform/clock.ts";
import { nodeClock } from "../platform/clock-node.ts";
import { CLAIMED, createMasterToken } from "../tokens/master-token.ts";
import { type TokenCrypto, tokenKeys } from "../tokens/token-crypto.ts";
import type { TokenIssuer } from "../tokens/token-issuer.ts";
import { createUserIdToken } from "../tokens/user-id-token.ts";
import { emailPassword, emailPasswordData } from "../user-auth/email-password.ts";
import type { UserAuthData, UserScheme } from "../user-auth/scheme.ts";
import { userIdToken, userIdTokenData } from "../user-auth/user-id-token.ts";
import type { KeysFile } from "./keys-file.ts";
import type { Name } from "./names.ts";
import { fail } from "./options.ts";

export interface UserSurroundings {
  readonly core: Core;
  readonly clock: Clock;
  readonly tokenCrypto: TokenCrypto;
  readonly issuer: TokenIssuer;
}

/** Every scheme of this build, over the users of the key file. */
export function userSchemes(keys: KeysFile, around: UserSurroundings): readonly UserScheme[] {
  return [emailPassword({ verify: (email, password) => findUser(keys, email, password) }), userIdToken(around)];
}

function findUser(keys: KeysFile, email: string, password: string): string | null {
  return keys.users.find((user) => user.email === email && user.password === password)?.id ?? null;
}

/** A user of `request`. Credentials travel only while no valid user ID token exists. @throws UsageError */
export async function userSession(
  keys: KeysFile,
  name: Name,
  around: { readonly core: Core; readonly local: LocalEntity },
): Promise<UserSession> {
  const isToken = name.scheme === "USER_ID_TOKEN";
  const found = isToken ? keys.users[0] : keys.users.find((user) => user.id === name.rest);
  if (found === undefined) return fail(`the key file has no user ${name.rest}`);
  const data = isToken ? await earlierTokens(keys, found.id, around) : emailPasswordData(found.email, found.password);
  return { id: found.id, authenticate: ({ required }) => (required ? data : null) };
}

/** Tokens as an earlier session left them: the key file holds the issuer's keys, so that a pair can be made here. */
async function earlierTokens(
  keys: KeysFile,
  user: string,
  { core, local }: { readonly core: Core; readonly local: LocalEntity },
): Promise<UserAuthData> {
  const crypto = tokenKeys([keys.issuerContext(core)]);
  const isProved = local.scheme.authenticates ?? local.scheme.protectsIntegrity;
  const identity = (await local.data(null))?.identity ?? "";
  const now = nowSeconds(nodeClock);
  const life = { renewalWindow: now + 3600, expiration: now + 86_400 };
  const serial = () => core.random(6).reduce((value, byte) => value * 256 + byte, 0);
  const masterToken = await createMasterToken(core, crypto, "JSON", {
    ...life,
    sequenceNumber: 0,
    serialNumber: serial(),
    identity,
    keys: { encryption: core.generateKey(SESSION_ENCRYPTION, 16), mac: core.generateKey(SESSION_MAC, 32) },
    issuerData: isProved ? {} : { [CLAIMED]: true },
  });
  const mtSerialNumber = masterToken.serialNumber;
  const fields = { ...life, mtSerialNumber, serialNumber: serial(), user, issuerData: {} };
  return userIdTokenData(masterToken, await createUserIdToken(crypto, "JSON", fields));
}
