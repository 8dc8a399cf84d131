// PROVISIONED ("MSL Entity Authentication"): authdata = {}. The issuer chooses the entity's identity when it makes the
// first master token; the device never learns it.
// Differs from reference: the identity is drawn then and not for every message that is read, an exchange that fails uses
// none up, and the rate is limited: nobody has to prove anything to ask for one.

import { nullContext } from "../crypto/null.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import type { Clock } from "../platform/clock.ts";
import type { EntityAuthData, EntityScheme, Provisioning } from "./scheme.ts";

/** Of an issuer. */
export interface ProvisionedConfig {
  /** The next identity, which no other entity has or gets; null refuses. */
  readonly nextIdentity: () => Awaitable<string | null>;
  /** `provisioningLimit`; null: something else limits the rate. */
  readonly limit: ProvisioningLimit | null;
}

/** A fleet shares its count behind the same interface. */
export interface ProvisioningLimit {
  /** Whether one more identity may be drawn now; counts it. */
  take(): Awaitable<boolean>;
}

const NAME = "PROVISIONED";

/** Without a configuration: for a device, which draws none. */
export function provisioned(config: ProvisionedConfig | null = null): EntityScheme {
  return {
    name: NAME,
    encrypts: false,
    protectsIntegrity: false,
    ...(config !== null && { provisioning: provisioning(config) }),
    parse: () => provisionedData(),
    cryptoContext: () => nullContext,
  };
}

function provisioning({ nextIdentity, limit }: ProvisionedConfig): Provisioning {
  const unused: string[] = [];
  return {
    async next() {
      const given = unused.pop();
      if (given !== undefined) return given;
      return limit === null || (await limit.take()) ? nextIdentity() : null;
    },
    giveBack: (identity) => void unused.push(identity),
  };
}

export interface ProvisioningLimitOptions {
  readonly clock: Clock;
  /** Identities at once, after a quiet time. Default 100. */
  readonly burst?: number;
  /** Identities an hour in the long run. Default 3600. */
  readonly perHour?: number;
}

/** Limits all strangers together: there is nothing to tell one from another by. It keeps two numbers. */
export function provisioningLimit({ clock, burst = 100, perHour = 3600 }: ProvisioningLimitOptions): ProvisioningLimit {
  let left = burst;
  let countedMs = clock.nowMs();
  return {
    take() {
      const now = clock.nowMs();
      // A clock that went back gives nothing.
      left = Math.min(burst, left + (Math.max(0, now - countedMs) * perHour) / 3_600_000);
      countedMs = now;
      if (left < 1) return false;
      left--;
      return true;
    },
  };
}

export function provisionedData(): EntityAuthData {
  return { scheme: NAME, identity: "", authdata: {} };
}
