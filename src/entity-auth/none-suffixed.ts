// NONE_SUFFIXED ("MSL Entity Authentication"): authdata = { "root": string, "suffix": string }; the identity is
// root.suffix. No proof of any kind: several stacks on one device, each with its own line of tokens.

import { nullContext } from "../crypto/null.ts";
import { checkEntityPolicy, type EntityAuthData, type EntityPolicy, type EntityScheme } from "./scheme.ts";

const NAME = "NONE_SUFFIXED";

interface SuffixedData extends EntityAuthData {
  readonly root: string;
}

/** `policy` judges the root. */
export function noneSuffixed(config: { readonly policy?: EntityPolicy } = {}): EntityScheme {
  return {
    name: NAME,
    encrypts: false,
    protectsIntegrity: false,
    parse: (authdata) => noneSuffixedData(authdata.string("root"), authdata.string("suffix")),
    async cryptoContext(data) {
      if (config.policy !== undefined) await checkEntityPolicy(config.policy, (data as SuffixedData).root, NAME);
      return nullContext;
    },
  };
}

export function noneSuffixedData(root: string, suffix: string): EntityAuthData {
  const data: SuffixedData = { scheme: NAME, identity: `${root}.${suffix}`, authdata: { root, suffix }, root };
  return data;
}
