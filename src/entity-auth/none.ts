// NONE ("MSL Entity Authentication"): authdata = { "identity": string }. No proof of any kind, no protection.

import { nullContext } from "../crypto/null.ts";
import { checkEntityPolicy, type EntityAuthData, type EntityPolicy, type EntityScheme } from "./scheme.ts";

export function none(config: { readonly policy?: EntityPolicy } = {}): EntityScheme {
  return {
    name: "NONE",
    encrypts: false,
    protectsIntegrity: false,
    parse: (authdata) => noneData(authdata.string("identity")),
    async cryptoContext(data) {
      if (config.policy !== undefined) await checkEntityPolicy(config.policy, data.identity, "NONE");
      return nullContext;
    },
  };
}

export function noneData(identity: string): EntityAuthData {
  return { scheme: "NONE", identity, authdata: { identity } };
}
