// The X25519 ladder of this build: two lanes of doubles, or one operation at a time.

import { ladderScalar } from "./ladder25519.scalar";
import { ladderSimd } from "./ladder25519.simd";

/** out = X25519(k, u) for a clamped scalar [secret] and a public value; 32 bytes each. */
export function ladder25519(k: usize, u: usize, out: usize): void {
  if (ASC_FEATURE_SIMD) ladderSimd(k, u, out);
  else ladderScalar(k, u, out);
}
