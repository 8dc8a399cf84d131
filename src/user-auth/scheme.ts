// What a user authentication scheme is ("MSL User Authentication"). An application registers its own the same way.

import type { EncodeFields } from "../encoding/codec.ts";
import type { MslMap } from "../encoding/msl-map.ts";
import { protocolError } from "../errors/msl-error.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import type { MasterToken } from "../tokens/master-token.ts";
import type { UserIdToken } from "../tokens/user-id-token.ts";

/** User authentication data about to be sent. */
export interface UserAuthData {
  readonly scheme: string;
  readonly authdata: EncodeFields;
}

/** Everything a scheme may look at when it authenticates. */
export interface UserAuthRequest {
  /** Identity of the entity that sent the message, or null where it is not known. */
  readonly identity: string | null;
  /** `authdata` as received: credentials; never to be logged or put into an error. */
  readonly authdata: MslMap;
  /** What `validate` returned. */
  readonly parsed: unknown;
  /** Token that verifies user ID tokens of the message. */
  readonly masterToken: MasterToken | null;
  /** The message's user ID token. */
  readonly userIdToken: UserIdToken | null;
}

export interface UserScheme {
  readonly name: string;
  /**
   * Reads and checks the fields, without policy; runs before `authenticate`, which gets what it returns as `parsed`.
   * @throws MSL_PARSE_ERROR and the scheme's parse errors
   */
  validate(authdata: MslMap): Awaitable<unknown>;
  /** @returns the user's identity, as it goes into the user ID token. @throws the scheme's errors, mostly with USERDATA_REAUTH */
  authenticate(request: UserAuthRequest): Awaitable<string>;
}

export type UserSchemes = ReadonlyMap<string, UserScheme>;

export const USER_SCHEME_NAMES: ReadonlySet<string> = new Set(["EMAIL_PASSWORD", "USER_ID_TOKEN"]);

/** Reads the container; the scheme is looked up before `authdata` is read. */
export async function parseUserAuthData(
  container: MslMap,
  schemes: UserSchemes,
): Promise<{ readonly scheme: UserScheme; readonly authdata: MslMap; readonly parsed: unknown }> {
  const name = container.string("scheme");
  const scheme = schemes.get(name);
  if (scheme === undefined) {
    return protocolError(
      USER_SCHEME_NAMES.has(name) ? "USERAUTH_FACTORY_NOT_FOUND" : "UNIDENTIFIED_USERAUTH_SCHEME",
      `${container.path}.scheme`,
    );
  }
  const authdata = container.map("authdata");
  return { scheme, authdata, parsed: await scheme.validate(authdata) };
}
