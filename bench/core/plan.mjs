// What is measured: every pair of the table with its targets, and more pairs that show the field.

export const OPS = [
  "seal",
  "seal-4",
  "open",
  "cbc-encrypt",
  "cbc-decrypt",
  "hmac-sha256",
  "sha256",
  "sha384",
  "p256-ecdh",
  "p256-keygen",
  "ecdsa-sign",
  "ecdsa-verify",
  "x25519",
  "rsa2048-private",
  "rsa2048-verify",
  "modexp2048",
  "cold-100-seals",
];

const KIB = 1024;
const MIB = 1024 * KIB;

/** op, bytes, output, peer, at least, aim: null where the pair has no target. */
const TARGETS = [
  ["seal", 64, "simd", "noble", 7, 10],
  ["seal", KIB, "simd", "noble", 4, 5],
  ["seal", 64 * KIB, "simd", "noble", 3.4, 4],
  ["open", 64, "simd", "noble", 9, 12],
  ["open", KIB, "simd", "noble", 4.4, 5],
  ["open", 64 * KIB, "simd", "noble", 3.4, 4],
  ["seal", 64, "simd", "webcrypto", 20, 25],
  ["seal", KIB, "simd", "webcrypto", 5, 6],
  ["seal", 4 * KIB, "simd", "webcrypto", 2, 2.2],
  ...["seal", "open"].flatMap((op) =>
    [64, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB].flatMap((bytes) =>
      ["webcrypto", "node"].map((peer) => [op, bytes, "auto", peer, 0.95, 1]),
    ),
  ),
  ["hmac-sha256", KIB, "simd", "noble", 3.7, 4.5],
  ["sha256", 64 * KIB, "simd", "noble", 2.6, 3],
  ["sha384", 64 * KIB, "simd", "noble", 7, 9],
  ["sha256", 64 * KIB, "simd", "hash-wasm", 1.2, 1.3],
  ["p256-ecdh", 0, "simd", "noble", 22, 28],
  ["p256-ecdh", 0, "simd", "webcrypto", 1.6, 2],
  ["p256-keygen", 0, "simd", "noble", 11, 18],
  ["x25519", 0, "simd", "noble", 14, 18],
  ["x25519", 0, "simd", "libsodium", 1.3, 1.6],
  ["rsa2048-private", 0, "simd", "bigint", 2.2, 3],
  ["modexp2048", 0, "simd", "bigint", 2.2, 3],
  ["open", 64 * KIB, "mvp", "noble", 1.7, 2],
  ["hmac-sha256", KIB, "mvp", "noble", 3, 3.5],
  ["seal-4", KIB, "mvp", "noble", 2.2, 3],
  ["sha256", 64 * KIB, "js", "noble", 1.9, 2.2],
  ["open", KIB, "js", "noble", 0.7, 1],
  ["x25519", 0, "js", "noble", 4, 7],
  ["seal", KIB, "c", "mvp", 0.95, 1.2],
  ["hmac-sha256", KIB, "c", "mvp", 0.95, 1.2],
  ["p256-ecdh", 0, "c", "mvp", 0.95, 1.2],
  ["x25519", 0, "c", "mvp", 0.95, 1.2],
  ["p256-ecdh", 0, "c", "mbedtls", 5, 7],
  ["x25519", 0, "c", "mbedtls", 3, 5],
  ["p256-ecdh", 0, "c", "bearssl", 3, 4],
  ["x25519", 0, "c", "bearssl", 1.2, 1.5],
  ["cold-100-seals", KIB, "simd", "noble", 2.2, 4],
];

const WIDER = [
  ...["noble", "webcrypto", "node", "forge"].flatMap((peer) => [
    ["cbc-encrypt", KIB, "simd", peer],
    ["cbc-decrypt", KIB, "simd", peer],
  ]),
  ["seal", KIB, "simd", "node"],
  ["open", KIB, "simd", "node"],
  ["open", KIB, "simd", "webcrypto"],
  ["seal", KIB, "simd", "mvp"],
  ["seal-4", KIB, "simd", "noble"],
  ["seal", KIB, "mvp", "noble"],
  ["seal", KIB, "js", "noble"],
  ["hmac-sha256", KIB, "js", "noble"],
  ["hmac-sha256", KIB, "simd", "node"],
  ["sha256", KIB, "simd", "noble"],
  ["sha384", 64 * KIB, "simd", "hash-wasm"],
  ["sha384", 64 * KIB, "js", "noble"],
  ["p256-ecdh", 0, "simd", "node"],
  ["p256-ecdh", 0, "mvp", "noble"],
  ["p256-ecdh", 0, "js", "noble"],
  ["p256-keygen", 0, "simd", "webcrypto"],
  ["ecdsa-sign", 0, "simd", "noble"],
  ["ecdsa-sign", 0, "simd", "webcrypto"],
  ["ecdsa-verify", 0, "simd", "noble"],
  ["ecdsa-verify", 0, "simd", "webcrypto"],
  ["ecdsa-verify", 0, "simd", "node"],
  ["x25519", 0, "simd", "node"],
  ["x25519", 0, "mvp", "noble"],
  ["rsa2048-private", 0, "simd", "forge"],
  ["rsa2048-private", 0, "simd", "webcrypto"],
  ["rsa2048-private", 0, "mvp", "bigint"],
  ["rsa2048-private", 0, "js", "bigint"],
  ["rsa2048-verify", 0, "simd", "bigint"],
  ["rsa2048-verify", 0, "simd", "forge"],
  ["modexp2048", 0, "mvp", "bigint"],
];

const pairOf = ([op, bytes, output, peer, atLeast = null, aim = null]) => ({ op, bytes, output, peer, atLeast, aim });

/** Pairs with targets come first. */
export const PAIRS = [...TARGETS, ...WIDER].map(pairOf);

/** Pairs to measure: of the ops in `only` (null: all); with `quick` those that have a target. Unknown ops throw. */
export function choosePairs(only, quick) {
  const ops = only === null ? OPS : only.split(",").filter((op) => op !== "");
  const unknown = ops.filter((op) => !OPS.includes(op));
  if (unknown.length > 0) throw new Error(`unknown op ${unknown.join(", ")}; known are ${OPS.join(", ")}`);
  if (ops.length === 0) throw new Error("--only names no op");
  return PAIRS.filter((pair) => ops.includes(pair.op) && (!quick || pair.atLeast !== null));
}
