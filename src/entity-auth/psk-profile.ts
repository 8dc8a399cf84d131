// PSK_PROFILE ("MSL Entity Authentication"): authdata = { "pskid": string, "profile": string }; the identity is
// pskid-profile. One key set serves all profiles of a device.

import type { Core } from "../core/core.ts";
import type { CryptoContext } from "../crypto/crypto-context.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import { unknownEntity } from "./psk.ts";
import { checkEntityPolicy, type EntityAuthData, type EntityPolicy, type EntityScheme } from "./scheme.ts";

export interface PskProfileConfig {
  /**
   * Context of a key set, whose envelopes name the joined identity; null: unknown. Two ids of which one followed by `-`
   * begins the other would join to equal identities: `memoryPskProfileKeys` refuses them, and so should every store.
   */
  readonly contextOf: (pskid: string, identity: string) => Awaitable<CryptoContext | null>;
  /** Judges the pskid. */
  readonly policy?: EntityPolicy;
  /** With a core: an unknown pskid is answered like a wrong key, so that strangers cannot enumerate devices. */
  readonly hideUnknown?: Core | null;
}

const NAME = "PSK_PROFILE";

interface PskProfileData extends EntityAuthData {
  readonly pskid: string;
}

export function pskProfile(config: PskProfileConfig): EntityScheme {
  const unknown = unknownEntity(config.hideUnknown ?? null);
  return {
    name: NAME,
    encrypts: true,
    protectsIntegrity: true,
    parse: (authdata) => pskProfileData(authdata.string("pskid"), authdata.string("profile")),
    async cryptoContext(data) {
      const { pskid } = data as PskProfileData;
      if (config.policy !== undefined) await checkEntityPolicy(config.policy, pskid, NAME);
      return (await config.contextOf(pskid, data.identity)) ?? unknown(data.identity);
    },
  };
}

export function pskProfileData(pskid: string, profile: string): EntityAuthData {
  const data: PskProfileData = { scheme: NAME, identity: `${pskid}-${profile}`, authdata: { pskid, profile }, pskid };
  return data;
}
