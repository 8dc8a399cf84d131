// Files whose schemes this build does not contain: every vector is skipped under its scheme's name. When a scheme
// arrives, its row in schemes.ts ends the skipping, and its list gets a runner here or in a file of its own.

import type { FileSpec, ListSpec } from "./spec.ts";
import { fail, type Vector } from "./vector.ts";

export const JOSE_FILE: FileSpec = {
  file: "jose.json",
  members: ["description"],
  lists: {
    jwk: without(() => "JWK"),
    jwkParse: without(() => "JWK"),
    jwe: without(() => "JWE"),
    jweNegative: without(() => "JWE"),
  },
};

/** A list that needs what `schemeOf` says. */
export function without(schemeOf: (vector: Vector) => string): ListSpec {
  return {
    needs: (vector) => [schemeOf(vector)],
    run: (vector) => fail(`the build contains ${schemeOf(vector)}, and no runner checks this list`),
  };
}
