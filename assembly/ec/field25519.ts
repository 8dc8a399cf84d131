// The field of Curve25519 that this build uses: one file per number representation, with the same exports.
export {
  FE_SIZE,
  feAdd,
  feCopy,
  feFromBytes,
  feMul,
  feMulSmall,
  feSet,
  feSquare,
  feSub,
  feSwap,
  feToBytes,
} from "./field25519.i64";
