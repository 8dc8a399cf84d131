// PROVISIONED ("MSL Entity Authentication"): authdata = {}. The issuer chooses the entity's identity when it makes the
// first master token; the device never learns it.
// Differs from reference: the identity is drawn then and not for every message that is read, so that nobody can burn
// identities without a key exchange.

import { nullContext } from "../crypto/null.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import type { EntityAuthData, EntityScheme } from "./scheme.ts";

export interface ProvisionedConfig {
  /** Of an issuer: the next identity, which no other entity has or gets; null refuses, e.g. above a rate. */
  readonly nextIdentity?: () => Awaitable<string | null>;
}

const NAME = "PROVISIONED";

export function provisioned(config: ProvisionedConfig = {}): EntityScheme {
  const { nextIdentity } = config;
  return {
    name: NAME,
    encrypts: false,
    protectsIntegrity: false,
    ...(nextIdentity !== undefined && { provision: nextIdentity }),
    parse: () => provisionedData(),
    cryptoContext: () => nullContext,
  };
}

export function provisionedData(): EntityAuthData {
  return { scheme: NAME, identity: "", authdata: {} };
}
