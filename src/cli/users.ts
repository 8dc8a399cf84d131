// The user authentication schemes of `serve`, and what `request` sends, from the users of the key file.

import type { Core } from "../core/core.ts";
import type { Clock } from "../platform/clock.ts";
import type { TokenCrypto } from "../tokens/token-crypto.ts";
import type { TokenIssuer } from "../tokens/token-issuer.ts";
import { emailPassword } from "../user-auth/email-password.ts";
import type { UserScheme } from "../user-auth/scheme.ts";
import { userIdToken } from "../user-auth/user-id-token.ts";
import type { KeysFile } from "./keys-file.ts";

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
