// EMAIL_PASSWORD ("MSL User Authentication"): authdata = { "email": string, "password": string }.
// Both are trimmed of code points up to U+0020, as the reference does; neither ever reaches an error or a log.

import { protocolError } from "../errors/msl-error.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import { isClaimed } from "../tokens/master-token.ts";
import type { LoginThrottle } from "./login-throttle.ts";
import type { UserAuthData, UserScheme } from "./scheme.ts";

export interface EmailPasswordConfig {
  /** The user's identity, or null. Compare in constant time against a salted, slow hash. */
  readonly verify: (email: string, password: string) => Awaitable<string | null>;
  /** Limits guessing: `loginThrottle`. */
  readonly throttle?: LoginThrottle | null;
  readonly isEntityPermitted?: (identity: string) => Awaitable<boolean>;
  readonly isUserPermitted?: (identity: string, user: string) => Awaitable<boolean>;
}

const FIELD = "headerdata.userauthdata";

export function emailPassword(config: EmailPasswordConfig): UserScheme {
  return {
    name: "EMAIL_PASSWORD",
    validate(authdata) {
      authdata.string("email");
      authdata.string("password");
    },
    async authenticate({ identity, authdata, masterToken, userIdToken }) {
      const entity = identity ?? "";
      const session = masterToken?.verified ?? null;
      // Who only claims a device's name does not use up its attempts.
      const counted = session !== null && isClaimed(session) ? `\u0000${entity}` : entity;
      if ((await config.isEntityPermitted?.(entity)) === false) protocolError("USERAUTH_ENTITY_INCORRECT_DATA", FIELD);
      const email = trim(authdata.string("email"));
      const password = trim(authdata.string("password"));
      if (email === "" || password === "") protocolError("EMAILPASSWORD_BLANK", FIELD);
      const user = await verified(config, counted, email, password);
      if (user === null) return protocolError("EMAILPASSWORD_INCORRECT", FIELD);
      if ((await config.isUserPermitted?.(entity, user)) === false) {
        protocolError("USERAUTH_ENTITYUSER_INCORRECT_DATA", FIELD);
      }
      const named = userIdToken?.verified?.user ?? null;
      if (named !== null && named !== user) protocolError("USERIDTOKEN_USERAUTH_DATA_MISMATCH", FIELD);
      return user;
    },
  };
}

async function verified(
  { verify, throttle }: EmailPasswordConfig,
  entity: string,
  email: string,
  password: string,
): Promise<string | null> {
  if ((await throttle?.isBlocked(entity, email)) === true) return null;
  const user = await verify(email, password);
  if (user === null) await throttle?.failed(entity, email);
  else await throttle?.succeeded(entity, email);
  return user;
}

/**
 * Whether a password can be typed on every MSL stack: not blank, and without the blanks at its ends that receivers trim.
 * Ask at registration.
 */
export function isUsablePassword(password: string): boolean {
  return password !== "" && trim(password) === password;
}

function trim(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && text.charCodeAt(from) <= 0x20) from++;
  while (to > from && text.charCodeAt(to - 1) <= 0x20) to--;
  return text.slice(from, to);
}

export function emailPasswordData(email: string, password: string): UserAuthData {
  return { scheme: "EMAIL_PASSWORD", authdata: { email, password } };
}
